"""Text documents: made, changed in place, and nothing else touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docx
import pytest

from agent.tools.base import Room
from tests.support.operations import edit_document
from tests.support.papers import MACROS, changed, parts, picture, report, write
from tests.support.room import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


def read(room: Room, name: str = "report.docx") -> Any:
    return docx.Document(str(room.folder.path / name))


def texts(room: Room, name: str = "report.docx") -> list[str]:
    return [paragraph.text for paragraph in read(room, name).paragraphs]


async def test_one_word_leaves_all_other_parts_byte_for_byte(room: Room) -> None:
    path = report(room.folder.path / "report.docx")
    before = parts(path)
    reply = await edit_document(room, "report.docx", {"do": "replace_text", "find": "30 days", "replace": "45 days"})
    assert not reply.failed, reply.text
    assert changed(before, path) == {"word/document.xml"}
    assert parts(path)["word/vbaProject.bin"] == MACROS
    assert list(before) == list(parts(path)), "the parts have another order"
    old, new = (content["word/document.xml"] for content in (before, parts(path)))
    assert new.count(b"<w:") == old.count(b"<w:"), "more than the word has changed"


async def test_replacing_goes_over_runs_and_keeps_their_look(room: Room) -> None:
    report(room.folder.path / "report.docx")
    await edit_document(
        room, "report.docx", {"do": "replace_text", "find": "is one hundred euros", "replace": "was two euros"}
    )
    runs = read(room).paragraphs[1].runs
    assert [(run.text, run.bold) for run in runs if run.text] == [
        ("The fee was two euros", None),
        (", due within 30 days.", None),
    ]
    await edit_document(room, "report.docx", {"do": "replace_paragraph", "block": 1, "text": "First chapter"})
    assert read(room).paragraphs[0].style.name == "Heading 1"


async def test_a_new_document(room: Room) -> None:
    reply = await edit_document(
        room,
        "new.docx",
        {"do": "insert_heading", "text": "Report", "level": 0},
        {"do": "insert_heading", "text": "One", "level": 1},
        {
            "do": "insert_paragraphs",
            "paragraphs": [{"text": "A **bold** word and [a link](https://example.org)."}],
            "markup": True,
        },
        {"do": "insert_list", "kind": "numbers", "items": ["first", "\tinner", "second"]},
        {"do": "insert_table", "rows": [["Item", "Cost"], ["Desk", "120"]], "caption": "Costs"},
        {
            "do": "set_header_footer",
            "which": "footer",
            "pages": "all",
            "text": "Page {page} of {pages}",
            "align": "centre",
        },
        {"do": "page_setup", "orientation": "landscape", "left": 2.0},
        {"do": "set_properties", "title": "Mine"},
    )
    assert not reply.failed, reply.text
    made = read(room, "new.docx")
    assert [each.style.name for each in made.paragraphs[:3]] == ["Title", "Heading 1", "Normal"]
    assert [(run.text, run.bold) for run in made.paragraphs[2].runs][1] == ("bold", True)
    assert "Table 1: Costs" in texts(room, "new.docx")
    footer = made.sections[0].footer._element.xml
    assert "PAGE" in footer and "NUMPAGES" in footer
    assert made.sections[0].page_width > made.sections[0].page_height
    assert made.core_properties.title == "Mine"


async def test_numbers_are_those_before_the_call(room: Room) -> None:
    report(room.folder.path / "report.docx")
    await edit_document(
        room,
        "report.docx",
        {"do": "insert_paragraphs", "at": {"side": "before", "block": 1}, "paragraphs": [{"text": "Preface"}]},
        {"do": "insert_paragraphs", "paragraphs": [{"text": "after that"}]},
        {"do": "replace_paragraph", "block": 2, "text": "The fee is nothing."},
        {"do": "delete_blocks", "first": 5, "last": 6},
        {"do": "insert_paragraphs", "at": {"side": "after", "text": "The fee is"}, "paragraphs": [{"text": "found"}]},
    )
    assert texts(room) == ["Preface", "after that", "First part", "The fee is nothing.", "found", ""]


async def test_tables(room: Room) -> None:
    report(room.folder.path / "report.docx")
    reply = await edit_document(
        room,
        "report.docx",
        {"do": "set_cells", "block": 3, "row": 2, "column": 1, "rows": [["a", "b"], ["c", "d"]]},
        {"do": "delete_rows", "block": 3, "first": 2, "last": 2},
    )
    assert not reply.failed, reply.text
    table = read(room).tables[0]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["Head", ""], ["c", "d"]]


async def test_footnotes_bookmarks_and_references(room: Room) -> None:
    picture(room.folder.path / "map.png")
    reply = await edit_document(
        room,
        "new.docx",
        {"do": "insert_paragraphs", "paragraphs": [{"text": "See the map."}, {"text": "The end."}]},
        {"do": "insert_picture", "picture": "map.png", "width": 5, "alt": "a map", "caption": "The map"},
        {"do": "insert_footnote", "after": "The end", "text": "Really."},
        {"do": "insert_reference", "after": "See the map", "to": "The map", "show": "number"},
        {"do": "insert_bookmark", "words": "The end", "name": "end"},
    )
    assert not reply.failed, reply.text
    content = parts(room.folder.path / "new.docx")
    assert b"Really." in content["word/footnotes.xml"]
    assert b"footnotes+xml" in content["[Content_Types].xml"]
    body = content["word/document.xml"].decode()
    assert 'w:name="end"' in body and "SEQ Figure" in body and "REF _Ref" in body and 'descr="a map"' in body
    assert texts(room, "new.docx")[0] == "See the map Figure 1."


async def test_comments(room: Room) -> None:
    report(room.folder.path / "report.docx")
    reply = await edit_document(
        room,
        "report.docx",
        {"do": "comment", "block": 6, "words": "Nothing else", "author": "Ana", "text": "Why?"},
        {"do": "reply_comment", "comment": 0, "author": "Ana", "text": "Yes, sure."},
        {"do": "resolve_comment", "comment": 0, "resolved": True},
    )
    assert not reply.failed, reply.text
    from agent.office.documents.comments import listed
    from agent.office.documents.draft import open_draft

    lines = listed(open_draft(room.folder.path / "report.docx", "report.docx"))
    assert lines == [
        "comment 0 by Ben, resolved, on 'one hundred': Sure?",
        "comment 1 by Ana, on 'Nothing else': Why?",
        "comment 2 by Ana, answers 0, on 'one hundred': Yes, sure.",
    ]
    await edit_document(room, "report.docx", {"do": "delete_comment", "comment": 0})
    assert [each[:9] for each in listed(open_draft(room.folder.path / "report.docx", "report.docx"))] == ["comment 1"]


async def test_restyle(room: Room) -> None:
    path = report(room.folder.path / "report.docx")
    look = {"do": "format_paragraphs", "first": 2, "last": 2, "font": "Comic Sans MS", "colour": "C00000"}
    brand = {"heading_font": "Georgia", "heading_colour": "0B5D3B", "body_font": "Arial", "body_size": 11}
    reply = await edit_document(room, "report.docx", look, {"do": "restyle", **brand, "hard_coded": True})
    assert "3 fonts and 3 colours" in reply.text
    styles = read(room).styles
    assert (styles["Heading 1"].font.name, str(styles["Heading 1"].font.color.rgb)) == ("Georgia", "0B5D3B")
    assert (styles["Normal"].font.name, styles["Normal"].font.size.pt) == ("Arial", 11)
    assert b"Comic" not in parts(path)["word/document.xml"]


async def test_fields_of_a_template_are_filled(room: Room) -> None:
    made: Any = docx.Document()
    paragraph = made.add_paragraph("Dear {{Na")
    paragraph.add_run("me}}, ").bold = True
    paragraph.add_run("you owe {{ Sum }}.")
    made.save(str(room.folder.path / "letter.docx"))
    values = [{"name": "name", "value": "Ana & Ben"}, {"name": "Sum", "value": "3 €"}]
    reply = await edit_document(room, "out.docx", {"do": "fill_template", "values": values}, source="letter.docx")
    assert not reply.failed, reply.text
    assert texts(room, "out.docx") == ["Dear Ana & Ben, you owe 3 €."]
    values = [{"name": "Nme", "value": "x"}]
    reply = await edit_document(room, "letter.docx", {"do": "fill_template", "values": values})
    assert reply.failed and "there is no field Nme; there are: Name, Sum" in reply.text


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"do": "delete_blocks", "first": 90, "last": 91}, "there is no block 90"),
        ({"do": "replace_paragraph", "block": 3, "text": "x"}, "block 3 is a table"),
        (
            {"do": "insert_paragraphs", "paragraphs": [{"text": "x", "style": "Nice"}]},
            "there is no paragraph style 'Nice'",
        ),
        ({"do": "replace_text", "find": "nowhere", "replace": "x"}, "stands nowhere"),
        ({"do": "insert_footnote", "after": "part", "text": "x"}, "stands in 2 blocks"),
        ({"do": "resolve_comment", "comment": 7, "resolved": True}, "there is no comment 7"),
        ({"do": "decide_changes", "accept": True}, "there are no such changes"),
        ({"do": "insert_table"}, "needs rows or cells"),
    ],
)
async def test_what_cannot_be_done_changes_nothing(room: Room, operation: dict[str, Any], told: str) -> None:
    path = report(room.folder.path / "report.docx")
    before = path.read_bytes()
    first = {"do": "replace_text", "find": "30 days", "replace": "45 days"}
    reply = await edit_document(room, "report.docx", first, operation)
    assert reply.failed and told in reply.text and "operation 2" in reply.text
    assert path.read_bytes() == before


async def test_bad_files_are_told(room: Room) -> None:
    path = report(room.folder.path / "report.docx")
    content = parts(path)
    operation = {"do": "delete_blocks", "first": 1, "last": 1}
    for part, data in (("word/document.xml", b"<w:broken"), ("word/_rels/document.xml.rels", b"")):
        write(path, {**content, part: data})
        reply = await edit_document(room, "report.docx", operation)
        assert reply.failed and "damaged" in reply.text
    path.write_bytes(b"")
    assert "is empty" in (await edit_document(room, "report.docx", operation)).text
    assert "name must end with" in (await edit_document(room, "new.xlsx", operation)).text


async def test_outside_entities_and_pictures_are_never_fetched(room: Room) -> None:
    path = report(room.folder.path / "report.docx")
    content = parts(path)
    secret = room.folder.path.parent / "secret.txt"
    secret.write_text("SECRET")
    body = content["word/document.xml"].decode()
    evil = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>' + body.partition("?>")[2].replace(
        "First part", "&e;"
    )
    write(path, {**content, "word/document.xml": evil.encode()})
    reply = await edit_document(room, "report.docx", {"do": "replace_text", "find": "30 days", "replace": "45 days"})
    assert "SECRET" not in reply.text
    assert b"SECRET" not in parts(path)["word/document.xml"]


@pytest.mark.slow
async def test_old_kinds_go_there_and_back(room: Room) -> None:
    reply = await edit_document(
        room, "old.odt", {"do": "insert_paragraphs", "paragraphs": [{"text": "Hello old world"}]}
    )
    assert "LibreOffice converted it" in reply.text
    reply = await edit_document(room, "old.odt", {"do": "replace_text", "find": "old", "replace": "new"})
    assert not reply.failed, reply.text
    assert b"Hello new world" in parts(room.folder.path / "old.odt")["content.xml"]
