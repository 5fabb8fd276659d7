"""What decks hold besides text: animations, groups, comments, SmartArt, sections, merged cells, hidden slides."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pptx
import pytest
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Cm

from agent.tools.base import Room
from agent.tools.inspect import inspect_tools
from agent.tools.pdf import pdf_tools
from agent.tools.render import render_tools
from tests.support.operations import edit_slides
from tests.support.papers import changed, deck, parts, write
from tests.support.room import call, opened

pytestmark = pytest.mark.anyio

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_P14 = "http://schemas.microsoft.com/office/powerpoint/2010/main"
_P188 = "http://schemas.microsoft.com/office/powerpoint/2018/8/main"
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_EFFECT = (
    '<p:par><p:cTn id="{0}"><p:childTnLst><p:par><p:cTn id="{0}1" presetID="1" presetClass="entr"><p:childTnLst>'
    '<p:set><p:cBhvr><p:cTn id="{0}2" dur="1"/><p:tgtEl><p:spTgt spid="{0}"/></p:tgtEl></p:cBhvr></p:set>'
    "</p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn></p:par>"
)
_TIMING = (
    '<p:timing><p:tnLst><p:par><p:cTn id="1" nodeType="tmRoot"><p:childTnLst><p:seq><p:cTn id="2" nodeType="mainSeq">'
    "<p:childTnLst>{}</p:childTnLst></p:cTn></p:seq></p:childTnLst></p:cTn></p:par></p:tnLst><p:bldLst>"
    '<p:bldP spid="2" grpId="0"/><p:bldP spid="3" grpId="0"/></p:bldLst></p:timing>'
)


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


async def look(room: Room, part: str | None = None) -> str:
    return (await call(inspect_tools(room)[0], path="deck.pptx", part=part, detail=None)).text


def slide_xml(path: Path, number: int = 1) -> str:
    return parts(path)[f"ppt/slides/slide{number}.xml"].decode()


def edited(path: Path, part: str, old: str, new: str, **more: str) -> None:
    """Change the XML of a part, and add parts: by name, with slashes as two underscores."""
    content = parts(path)
    assert old in content[part].decode()
    content[part] = content[part].decode().replace(old, new, 1).encode()
    write(path, content | {name: text.encode() for name, text in more.items()})


async def test_only_the_animation_of_what_is_deleted_goes(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    edited(
        path, "ppt/slides/slide1.xml", "</p:sld>", _TIMING.format(_EFFECT.format(2) + _EFFECT.format(3)) + "</p:sld>"
    )
    reply = await edit_slides(room, "deck.pptx", {"do": "delete_shape", "slide": 1, "shape": "body"})
    assert "deleted with 1 animation" in reply.text
    assert re.findall(r'spid="(\d)"', slide_xml(path)) == ["2", "2"] and slide_xml(path).count("<p:par>") == 3
    await edit_slides(room, "deck.pptx", {"do": "delete_shape", "slide": 1, "shape": "title"})
    assert "<p:timing" not in slide_xml(path), "an empty list of animations makes PowerPoint repair the file"


async def test_places_in_a_group_are_those_on_the_slide(room: Room) -> None:
    made: Any = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    for left in (1, 6):
        group.shapes.add_shape(MSO_SHAPE.OVAL, Cm(left), Cm(12), Cm(4), Cm(2))
    group.left, group.top, group.width, group.height = Cm(5), Cm(3), Cm(18), Cm(4)  # twice as large
    made.save(str(room.folder.path / "deck.pptx"))
    assert "#3 'Oval 2' shape at 5.0,3.0 8.0×4.0" in await look(room)
    box = {"left": 7, "top": 4, "width": 6, "height": None}
    await edit_slides(room, "deck.pptx", {"do": "set_shape", "slide": 1, "shape": "#3", "box": box})
    assert "#3 'Oval 2' shape at 7.0,4.0 6.0×4.0" in await look(room)


async def test_a_comment_is_added_and_kept(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    said = {"do": "add_comment", "slide": 1, "author": "Ann Lee", "text": "Is this true?"}
    assert not (await edit_slides(room, "deck.pptx", said, said | {"author": "Bo"})).failed
    before = parts(path)
    assert "comment by Ann Lee, 2" in await look(room) and "Is this true?" in await look(room)
    again = await edit_slides(room, "deck.pptx", said, {"do": "duplicate_slide", "slide": 1})
    assert "! comments stay at the slide" in again.text
    assert len(re.findall("<p:cm ", parts(path)["ppt/comments/comment1.xml"].decode())) == 3
    assert parts(path)["ppt/commentAuthors.xml"].decode().count("<p:cmAuthor ") == 2
    await edit_slides(room, "deck.pptx", {"do": "set_text", "slide": 3, "shape": "title", "text": "Other"})
    assert changed(before, path) & {"ppt/commentAuthors.xml", "ppt/vbaProject.bin"} == {"ppt/commentAuthors.xml"}
    pptx.Presentation(str(path))


async def test_threads_of_newer_programs_are_told_and_go_on(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    kind = "http://schemas.microsoft.com/office/2018/10/relationships"
    people = f'<x:authorLst xmlns:x="{_P188}"><x:author id="{{A}}" name="Bob Ray" initials="B"/></x:authorLst>'
    body = "<x:txBody><a:bodyPr/><a:p><a:r><a:t>{}</a:t></a:r></a:p></x:txBody>"
    reply = f'<x:reply authorId="{{A}}" created="2024-05-02T09:00:00">{body.format("Done")}</x:reply>'
    thread = f'<x:cm authorId="{{A}}" created="2024-05-01T09:00:00" status="resolved"><x:replyLst>{reply}</x:replyLst>'
    comments = f'<x:cmLst xmlns:x="{_P188}" {_A}>{thread}{body.format("Newer numbers")}</x:cm></x:cmLst>'
    for part, target in (
        ("ppt/slides/_rels/slide1.xml.rels", "comments"),
        ("ppt/_rels/presentation.xml.rels", "authors"),
    ):
        place = "../comments/modernComment_1.xml" if target == "comments" else "authors.xml"
        edited(
            path,
            part,
            "</Relationships>",
            f'<Relationship Id="rIdX" Type="{kind}/{target}" Target="{place}"/></Relationships>',
        )
    types = "".join(
        f'<Override PartName="/ppt/{name}" ContentType="application/vnd.ms-powerpoint.{word}+xml"/>'
        for name, word in (("authors.xml", "authors"), ("comments/modernComment_1.xml", "comments"))
    )
    edited(path, "[Content_Types].xml", "</Types>", types + "</Types>", **{
        "ppt/authors.xml": people, "ppt/comments/modernComment_1.xml": comments,
    })  # fmt: skip
    told = await look(room)
    assert (
        "comment by Bob Ray, 2024-05-01, resolved: Newer numbers" in told
        and "answer by Bob Ray, 2024-05-02: Done" in told
    )
    said = {"do": "add_comment", "slide": 2, "author": "Ann Lee", "text": "And here?"}
    assert not (await edit_slides(room, "deck.pptx", said)).failed
    assert "comment by Ann Lee, 2" in await look(room, "2")
    assert "ppt/commentAuthors.xml" not in parts(path), "a deck must not hold comments of both kinds"


async def test_smartart_is_told_and_its_words_are_replaced(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    words = "<a:p><a:r><a:t>Plan for Acme</a:t></a:r></a:p>"
    frame = (
        f'<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="50" name="Steps"/><p:cNvGraphicFramePr/><p:nvPr/>'
        f'</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="9" cy="9"/></p:xfrm><a:graphic>'
        f'<a:graphicData uri="{_DIAGRAM}"><d:relIds xmlns:d="{_DIAGRAM}" xmlns:r="{_OFFICE}" r:dm="rIdD"/>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    drawn = "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing"
    relations = f'<Relationship Id="rIdD" Type="{_OFFICE}/diagramData" Target="../diagrams/data1.xml"/>'
    relations += f'<Relationship Id="rIdE" Type="{drawn}" Target="../diagrams/drawing1.xml"/>'
    edited(path, "ppt/slides/slide1.xml", "</p:spTree>", frame + "</p:spTree>")
    edited(path, "ppt/slides/_rels/slide1.xml.rels", "</Relationships>", relations + "</Relationships>", **{
        "ppt/diagrams/data1.xml": f'<d:dataModel xmlns:d="{_DIAGRAM}" {_A}><d:pt>{words}</d:pt></d:dataModel>',
        "ppt/diagrams/drawing1.xml": f"<drawing {_A}>{words}</drawing>",
    })  # fmt: skip
    assert "#50 'Steps' diagram at 0.0,0.0 0.0×0.0: Plan for Acme" in await look(room, "1")
    reply = await edit_slides(room, "deck.pptx", {"do": "replace_text", "find": "Acme", "replace": "Omega"})
    assert "1. 1 replaced" in reply.text
    content = parts(path)
    assert all(b"Plan for Omega" in content[f"ppt/diagrams/{name}1.xml"] for name in ("data", "drawing"))


async def test_words_are_not_found_over_a_line_break(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    edited(path, "ppt/slides/slide1.xml", "<a:t>rose</a:t></a:r>", "<a:t>rose</a:t></a:r><a:br/>")
    reply = await edit_slides(room, "deck.pptx", {"do": "replace_text", "find": "rose by", "replace": "x"})
    assert reply.failed and "stands nowhere" in reply.text


async def test_losses_are_those_of_the_slides_as_they_stand_then(room: Room) -> None:
    """A chart is meant by its number after the operations before it, for what it would lose as well."""
    path = deck(room.folder.path / "deck.pptx")
    numbers = {"categories": ["x"], "series": [{"name": "s", "values": [4]}]}
    change = {"do": "set_chart_data", "slide": 3, "shape": "Chart 2", "data": numbers}
    reply = await edit_slides(room, "deck.pptx", {"do": "duplicate_slide", "slide": 1}, change)
    assert not reply.failed, reply.text
    made: Any = pptx.Presentation(str(path))
    part = next(shape for shape in made.slides[2].shapes if shape.has_chart).chart.part.chart_workbook.xlsx_part
    book = openpyxl.load_workbook(io.BytesIO(part.blob))
    book.worksheets[0]["D9"] = "=1+1"
    buffer = io.BytesIO()
    book.save(buffer)
    content = parts(path)
    content[part.partname.lstrip("/")] = buffer.getvalue()
    write(path, content)
    room.folder.note(path)
    lost = await edit_slides(room, "deck.pptx", {"do": "move_slide", "slide": 3, "to": 1}, change | {"slide": 1})
    assert lost.failed and "formulas in the workbook inside chart" in lost.text and "accept_loss" in lost.text
    assert parts(path) == content


async def test_cells_under_a_merged_one_are_refused(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    made: Any = pptx.Presentation(str(path))
    table = next(shape for shape in made.slides[1].shapes if shape.has_table).table
    table.cell(1, 0).merge(table.cell(1, 1))
    made.save(str(path))
    cells = {"do": "set_cells", "slide": 2, "shape": "Table 4", "row": 2, "column": 1}
    reply = await edit_slides(room, "deck.pptx", cells | {"rows": [["a", "b"]]})
    assert reply.failed and "row 2, column 2 is covered by a merged cell" in reply.text
    assert not (await edit_slides(room, "deck.pptx", cells | {"rows": [["a", ""]]})).failed


async def test_sections_and_shapes_of_newer_programs_are_told(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    identities = re.findall(r'<p:sldId [^>]*?id="(\d+)"', parts(path)["ppt/presentation.xml"].decode())
    listed = "".join(f'<s:sldId id="{each}"/>' for each in identities)
    section = f'<s:section name="Intro"><s:sldIdLst>{listed}</s:sldIdLst></s:section>'
    section = f'<s:sectionLst xmlns:s="{_P14}">{section}</s:sectionLst>'
    section = f'<p:extLst><p:ext uri="{{5}}">{section}</p:ext></p:extLst>'
    edited(path, "ppt/presentation.xml", "</p:presentation>", section + "</p:presentation>")
    shape = '<p:sp><p:nvSpPr><p:cNvPr id="60" name="Formula"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
    shape += "<p:txBody><a:bodyPr/><a:p><a:r><a:t>a+b</a:t></a:r></a:p></p:txBody></p:sp>"
    newer = f'<mc:AlternateContent xmlns:mc="{_MC}"><mc:Choice Requires="p14">{shape}</mc:Choice>'
    newer += f"<mc:Fallback>{shape}</mc:Fallback></mc:AlternateContent>"
    edited(path, "ppt/slides/slide1.xml", "</p:spTree>", newer + "</p:spTree>")
    told = await look(room)
    assert "section 'Intro': slides 1, 2" in told
    assert "'Formula' of a kind that newer programs know; it stays as it is: a+b" in told
    reply = await edit_slides(room, "deck.pptx", {"do": "replace_text", "find": "a+b", "replace": "c"})
    assert "1. 1 replaced" in reply.text and "a+b" not in slide_xml(path)


async def test_what_is_damaged_hides_nothing_else(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    place = next(name for name in parts(path) if re.fullmatch(r"ppt/charts/chart\d+\.xml", name))
    chart = parts(path)[place].decode()
    edited(path, place, chart[chart.index("<c:chart>") : chart.index("</c:chart>") + 10], "")
    told = await look(room)
    assert "#3 cannot be read, since it is damaged" in told and "r1: Head" in told
    edited(path, "ppt/slides/_rels/slide1.xml.rels", "/slideLayout", "/other")
    told = await look(room)
    assert "slide 1 cannot be read, since it is damaged" in told and "r1: Head" in told
    reply = await edit_slides(room, "deck.pptx", {"do": "set_text", "slide": 2, "shape": "title", "text": "New"})
    assert not reply.failed and "'Title 1' title placeholder" in await look(room, "2")


@pytest.mark.slow
async def test_a_hidden_slide_is_drawn_under_its_own_number(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    await edit_slides(room, "deck.pptx", {"do": "set_slide", "slide": 1, "hidden": True})
    reply = await call(render_tools(room)[0], path="deck.pptx", pages=[2], width=300)
    assert reply.text.startswith("deck.pptx: 2 pages") and len(reply.pictures) == 1
    title = {"do": "set_metadata", "title": "T", "author": None, "subject": None, "keywords": None}
    made = await call(pdf_tools(room)[0], path="a.pdf", source="deck.pptx", operations=[title], accept_loss=None)
    assert "a.pdf has 1 page now.\n! 1 hidden slide of deck.pptx left out" in made.text
