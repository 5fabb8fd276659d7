"""What documents hold besides paragraphs: content controls, merged cells, text boxes, watermarks, moves, sections."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.enum.section import WD_SECTION
from docx.oxml.parser import parse_xml

from agent.office.documents.draft import open_draft
from agent.office.documents.numbering import PageNumbers
from agent.tools.base import Room
from agent.tools.inspect import inspect_tools
from tests.support.operations import edit_document
from tests.support.papers import parts, picture, write
from tests.support.room import call, opened

pytestmark = pytest.mark.anyio

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_W14 = 'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
_MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
_M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_V = 'xmlns:v="urn:schemas-microsoft-com:vml"'
_WHO = 'w:author="Ann" w:date="2024-03-01T10:00:00Z"'


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


def body(room: Room, *blocks: str, heading: str = "") -> Path:
    """A document of these blocks, as another program wrote them."""
    made: Any = docx.Document()
    if heading:
        made.add_heading(heading, 1)
    for block in blocks:
        made.element.body.insert(len(made.element.body) - 1, parse_xml(block))
    path = room.folder.path / "a.docx"
    made.save(str(path))
    return path


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def cell(content: str, settings: str = "") -> str:
    return f"<w:tc><w:tcPr>{settings}</w:tcPr>{content}</w:tc>"


def said(text: str = "") -> str:
    return f"<w:p>{run(text)}</w:p>"


def control(tag: str, content: str, settings: str = "") -> str:
    return f'<w:sdt><w:sdtPr><w:tag w:val="{tag}"/>{settings}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>'


def table(*rows: str) -> str:
    return f"<w:tbl {_W}><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{''.join(rows)}</w:tbl>"


async def look(room: Room, part: str | None = None) -> str:
    return (await call(inspect_tools(room)[0], path="a.docx", part=part, detail=None)).text


def xml(path: Path) -> str:
    made: Any = docx.Document(str(path))
    return made.element.xml


async def test_rows_and_cells_in_content_controls_are_counted(room: Room) -> None:
    held = control("Cell", cell(said("old")))
    path = body(room, table(f"<w:tr>{cell(said('a'))}{cell(said('b'))}</w:tr>",
                            control("Row", f"<w:tr>{cell(said('c'))}{held}</w:tr>")))  # fmt: skip
    assert "1 [table of 2 rows]" in await look(room) and "r2: c | old" in await look(room)
    cells = {"do": "set_cells", "block": 1, "row": 2, "column": 1, "rows": [["x", "y"]]}
    assert (await edit_document(room, "a.docx", cells)).text.endswith("cells of block 1 set")
    assert "r2: x | y" in await look(room) and xml(path).count("<w:sdt>") == 2
    await edit_document(room, "a.docx", {"do": "delete_rows", "block": 1, "first": 2, "last": 2})
    assert "1 [table of 1 rows]" in await look(room)


async def test_a_cell_keeps_its_inner_table_and_ends_with_a_paragraph(room: Room) -> None:
    inner = table(f"<w:tr>{cell(said('n'))}</w:tr>").replace(f" {_W}", "")
    path = body(room, table(f"<w:tr>{cell(said('first') + inner + said('last'))}{cell(said('b'))}</w:tr>"))
    await edit_document(room, "a.docx", {"do": "set_cells", "block": 1, "row": 1, "column": 1, "rows": [["new"]]})
    made: Any = docx.Document(str(path))
    outer = made.tables[0]
    kinds = [each.tag.rpartition("}")[2] for each in outer.cell(0, 0)._tc]
    assert kinds == ["tcPr", "p", "tbl", "p"] and outer.cell(0, 0).text == "new\n"


async def test_cells_that_are_merged_with_the_one_above(room: Room) -> None:
    begins = '<w:vMerge w:val="restart"/>'
    merged = f"<w:tr>{cell(said('big'), begins)}{cell(said('b'))}</w:tr>"
    below = f"<w:tr>{cell(said(), '<w:vMerge/>')}{cell(said('d'))}</w:tr>"
    body(room, table(merged, below))
    cells = {"do": "set_cells", "block": 1, "row": 2, "column": 1}
    refused = await edit_document(room, "a.docx", cells | {"rows": [["lost", "e"]]})
    assert refused.failed and "merged with the one above" in refused.text
    assert not (await edit_document(room, "a.docx", cells | {"rows": [["", "e"], ["seen", "f"]]})).failed
    assert "r3: seen | f" in await look(room)


async def test_check_boxes_and_lists_of_a_form_take_what_they_offer(room: Room) -> None:
    states = '<w14:checkedState w14:val="2612"/><w14:uncheckedState w14:val="2610"/>'
    box = control("agree", run("☐"), f'<w14:checkbox {_W14}><w14:checked w14:val="0"/>{states}</w14:checkbox>')
    offered = '<w:listItem w:displayText="Gold plan" w:value="g"/><w:listItem w:value="Basic"/>'
    plan = control("plan", run("Choose"), f"<w:dropDownList>{offered}</w:dropDownList>")
    day = control("day", run("1 May"), '<w:date w:fullDate="2024-05-01T00:00:00Z"/>')
    path = body(room, f"<w:p {_W}>{box}{plan}{day}</w:p>")
    assert "[Normal; control 'agree'; control 'plan'; control 'day'] ☐Choose1 May" in await look(room)

    def fill(name: str, value: str) -> dict[str, Any]:
        return {"do": "fill_template", "values": [{"name": name, "value": value}]}

    assert (
        "is a check box and takes true or false" in (await edit_document(room, "a.docx", fill("agree", "maybe"))).text
    )
    wrong = await edit_document(room, "a.docx", fill("plan", "Silver"))
    assert wrong.failed and "it offers 'Gold plan', 'Basic'" in wrong.text
    await edit_document(room, "a.docx", fill("agree", "yes"), fill("plan", "g"), fill("day", "2 June"))
    assert "☒Gold plan2 June" in await look(room)
    assert 'w14:checked w14:val="1"' in xml(path) and "fullDate" not in xml(path)


async def test_text_boxes_are_told_and_their_copies_say_the_same(room: Room) -> None:
    box = f"<w:txbxContent>{said('Only for Acme')}</w:txbxContent>"
    twin = f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>'
    twin = f"<mc:AlternateContent {_MC}>{twin}</mc:AlternateContent>"
    maths = f"<m:oMath {_M}><m:r><m:t>a=b</m:t></m:r></m:oMath>"
    path = body(room, f"<w:p {_W}><w:r>{twin}</w:r>{maths}{run('words')}</w:p>")
    assert "1 [Normal; text box 'Only for Acme'; equation 'a=b'] words" in await look(room)
    reply = await edit_document(room, "a.docx", {"do": "replace_text", "find": "Acme", "replace": "Omega"})
    assert "1. 1 replaced" in reply.text and "Acme" not in xml(path)


async def test_a_header_keeps_its_watermark_and_tells_of_its_logo(room: Room) -> None:
    made: Any = docx.Document()
    made.add_heading("Scope", 1)
    header = made.sections[0].header
    mark = '<v:shape id="PowerPlusWaterMarkObject1"><v:textpath string="DRAFT"/></v:shape>'
    mark = f"<w:r {_W} {_V}><w:pict>{mark}</w:pict></w:r>"
    header.paragraphs[0].text = "Old"
    header.paragraphs[0]._p.append(parse_xml(mark))
    path = room.folder.path / "a.docx"
    made.save(str(path))
    change = {"do": "set_header_footer", "which": "header", "pages": "all", "text": "New {section}"}
    reply = await edit_document(room, "a.docx", change)
    assert not reply.failed and "{section} is the heading in force" in reply.text
    made = docx.Document(str(path))
    header = made.sections[0].header
    assert header.paragraphs[0].text.startswith("New Scope") and "PowerPlusWaterMarkObject1" in header._element.xml
    assert "STYLEREF 1" in header._element.xml, "the name of a style differs from language to language"

    made.sections[0].header.paragraphs[0].add_run().add_picture(str(picture(room.folder.path / "logo.png")))
    made.save(str(path))
    room.folder.note(path)
    before = path.read_bytes()
    refused = await edit_document(room, "a.docx", change)
    assert refused.failed and "would lose a picture in the header" in refused.text and path.read_bytes() == before
    assert not (await edit_document(room, "a.docx", change | {"picture": "logo.png"})).failed
    assert not (await edit_document(room, "a.docx", change, accept_loss=True)).failed


async def test_marks_of_a_move_between_paragraphs_go_when_it_is_decided(room: Room) -> None:
    def moved(way: str, number: int) -> tuple[str, ...]:
        start = f'<w:move{way}RangeStart {_W} w:id="{number}" {_WHO} w:name="m1"/>'
        mark = f'<w:pPr><w:rPr><w:move{way} w:id="{number + 1}" {_WHO}/></w:rPr></w:pPr>'
        words = f'<w:move{way} w:id="{number + 2}" {_WHO}>{run("moved")}</w:move{way}>'
        return start, f"<w:p {_W}>{mark}{words}</w:p>", f'<w:move{way}RangeEnd {_W} w:id="{number}"/>'

    path = body(room, *moved("From", 1), f"<w:p {_W}>{run('between')}</w:p>", *moved("To", 11), f"<w:p {_W}/>")
    assert not (await edit_document(room, "a.docx", {"do": "decide_changes", "accept": True})).failed
    assert "w:move" not in xml(path)
    assert [each.text for each in docx.Document(str(path)).paragraphs][:2] == ["between", "moved"]


async def test_a_new_section_counts_on_and_has_no_second_title_page(room: Room) -> None:
    made: Any = docx.Document()
    made.sections[0].different_first_page_header_footer = True
    settings = made.sections[0]._sectPr
    settings.append(parse_xml(f'<w:pgNumType {_W} w:start="5"/>'))
    for number in range(3):
        made.add_paragraph(f"Text {number}")
    path = room.folder.path / "a.docx"
    made.save(str(path))
    at = {"side": "after", "block": 1}
    await edit_document(room, "a.docx", {"do": "insert_break", "at": at, "kind": "landscape_section"})
    sections = re.findall(r"<w:sectPr.*?</w:sectPr>", xml(path), re.DOTALL)
    assert [("titlePg" in each, 'w:start="5"' in each) for each in sections] == [(True, True), (False, False)]


def test_pages_are_numbered_as_their_sections_say(tmp_path: Path) -> None:
    made: Any = docx.Document()
    for number, settings in enumerate(('w:fmt="lowerRoman"', 'w:start="1"', "", 'w:start="7" w:fmt="upperLetter"')):
        if number:
            made.add_section(WD_SECTION.NEW_PAGE)
        made.add_paragraph()
        made.add_paragraph(f"Part {number}")
        section = made.sections[-1]._sectPr
        for old in section.xpath("./w:pgNumType"):
            section.remove(old)
        if settings:
            section.append(parse_xml(f"<w:pgNumType {_W} {settings}/>"))
    made.save(str(tmp_path / "a.docx"))
    numbers = PageNumbers.of(open_draft(tmp_path / "a.docx", "a.docx"))
    blocks = [each.first for each in numbers.sections]
    pages = dict(zip(blocks, (1, 5, 9, 12), strict=True))
    assert numbers.needed == [blocks[1], blocks[3]]
    assert [numbers.shown(block, pages[block], pages) for block in blocks] == ["i", "1", "5", "G"]
    assert numbers.shown(blocks[0], 4, pages) == "iv"


def field(code: str, shown: str) -> str:
    """A field; within its code, {NAME} is a merge field."""
    parts = re.split(r"(\{\w+\})", code)
    codes = "".join(
        field(f"MERGEFIELD {each[1:-1]}", f"«{each[1:-1]}»") if each.startswith("{")
        else f'<w:r><w:instrText xml:space="preserve">{each}</w:instrText></w:r>'
        for each in parts
    )  # fmt: skip
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    return f"{marks[0]}{codes}{marks[1]}{run(shown)}{marks[2]}"


@pytest.mark.parametrize(
    ("code", "values", "said_then"),
    [
        ('IF "{Sex}" = "m" "Herr {Last}" "Frau {Last}"', {"Sex": "m", "Last": 'O"Hara'}, 'Herr O"Hara'),
        ('IF {Sex} = "m" "Herr" "Frau" \\* MERGEFORMAT', {"Sex": "f x"}, "Frau"),
        ("IF {Sum} &gt;= 100 &quot;no fee&quot; &quot;fee&quot;", {"Sum": "99,5"}, "fee"),
        ('IF {Town} &lt;&gt; "" "in {Town}" ""', {"Town": ""}, ""),
        ('IF {Town} = "B*" "east" "west"', {"Town": "Berlin"}, "east"),
        ('MERGEFIELD Title \\b "(" \\f ") " \\* Upper', {"Title": "dr"}, "(DR) "),
        ('MERGEFIELD Title \\f " "', {"Title": ""}, ""),
    ],
)
async def test_conditions_on_merged_values_are_worked_out(
    room: Room, code: str, values: dict[str, str], said_then: str
) -> None:
    path = body(room, f"<w:p {_W}>{run('[')}{field(code, 'Frau')}{run(']')}</w:p>")
    filled = [{"name": name, "value": value} for name, value in values.items()]
    reply = await edit_document(room, "a.docx", {"do": "fill_template", "values": filled})
    assert not reply.failed, reply.text
    assert docx.Document(str(path)).paragraphs[0].text == f"[{said_then}]"
    assert "instrText" not in xml(path)


async def test_a_condition_that_cannot_be_worked_out_is_told(room: Room) -> None:
    path = body(room, f"<w:p {_W}>{field('IF {Sex} LIKE m Herr', 'Frau')}</w:p>")
    before = path.read_bytes()
    values = [{"name": "Sex", "value": "m"}]
    reply = await edit_document(room, "a.docx", {"do": "fill_template", "values": values})
    assert reply.failed and "{ IF m LIKE m Herr } depends on merged values" in reply.text
    assert path.read_bytes() == before


async def test_the_strict_form_is_told_from_a_damaged_file(room: Room) -> None:
    path = body(room, f"<w:p {_W}>{run('words')}</w:p>")
    usual = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    strict = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    write(path, {name: data.replace(usual.encode(), strict.encode()) for name, data in parts(path).items()})
    assert "strict form of its format" in await look(room)


async def test_half_a_field_is_not_taken_out_and_lost_bookmarks_are_told(room: Room) -> None:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    code = '<w:r><w:instrText>TOC \\\\o "1-3"</w:instrText></w:r>'
    named = f'<w:bookmarkStart w:id="7" w:name="Terms"/>{run("Terms")}<w:bookmarkEnd w:id="7"/>'
    path = body(
        room,
        f"<w:p {_W}>{marks[0]}{code}{marks[1]}{run('One')}</w:p>",
        f"<w:p {_W}>{run('Two')}{marks[2]}</w:p>",
        f"<w:p {_W}>{named}</w:p>",
        f"<w:p {_W}>{field('REF Terms', 'Terms')}</w:p>",
    )
    refused = await edit_document(room, "a.docx", {"do": "delete_blocks", "first": 2, "last": 3})
    assert refused.failed and "only one end of the field { TOC" in refused.text
    assert not (await edit_document(room, "a.docx", {"do": "delete_blocks", "first": 1, "last": 2})).failed
    told = await edit_document(room, "a.docx", {"do": "delete_blocks", "first": 1, "last": 1})
    assert "lead to bookmarks that are gone now: Terms" in told.text and "TOC" not in xml(path)


async def test_words_that_a_field_shows_are_not_changed_silently(room: Room) -> None:
    named = f'<w:bookmarkStart w:id="7" w:name="Terms"/>{run("Terms")}<w:bookmarkEnd w:id="7"/>'
    seen = f"{run('See ')}{field('REF Terms', 'Terms')}{run(' and ')}{field('SEQ Figure', '1')}"
    body(room, f"<w:p {_W}>{named}</w:p>", f"<w:p {_W}>{seen}</w:p>")
    both = await edit_document(room, "a.docx", {"do": "replace_text", "find": "Terms", "replace": "Rules"})
    assert "were changed" not in both.text, "the place that it refers to says the same"
    reply = await edit_document(room, "a.docx", {"do": "replace_paragraph", "block": 2, "text": "See Annex and 1"})
    assert "words in the field { REF Terms } were changed" in reply.text and "SEQ" not in reply.text
