"""Every operation on open documents, each taken back by one Ctrl+Z, on the private desktop."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from PIL import Image

from actuators.actions import Keypress, Type
from agent.errors import ToolFault
from agent.office.documents.draft import blocks_of
from agent.office.documents.operations import DocumentOperation
from agent.office.live_requests import DOCUMENT, SLIDES, SPREADSHEET
from agent.office.slides.operations import SlidesOperation
from agent.office.spreadsheets.operations import SpreadsheetOperation
from tests.support.operations import complete
from tests.vm.test_live_office import Desk, deck, on_desk, pytestmark, titles

pytestmark = [*pytestmark, pytest.mark.slow, pytest.mark.timeout(420)]  # pyright: ignore[reportConstantRedefinition]
UNDO = Keypress(("CTRL", "Z"))
HIGHLIGHT = {"fill": "FF00FF"}
TABLE = [
    ["Region", *[f"Q{at}" for at in range(7)]],
    *([f"R{row}", *[str(row * at) for at in range(7)]] for row in range(20)),
]


def asked(union: Any, *operations: Mapping[str, Any]) -> list[Any]:
    """Operations, with all that may be null left out."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(union)
    return [adapter.validate_python(complete(union, one)) for one in operations]


async def undone(at: Desk, union: Any, *operations: Mapping[str, Any], read: Any) -> Path:
    """What an edit makes of a document that has unsaved changes; one Ctrl+Z takes it back."""
    before = read(await at.state())
    told = await at.edit(*asked(union, *operations))
    assert told is not None and "Ctrl+Z takes all of it back in one step." in told, told
    after = (await at.state()).rename(at.path.with_suffix(f".after{at.path.suffix}"))
    await at.press(UNDO)
    await at.becomes(read, before)
    return after


def book(path: Path) -> Path:
    made = openpyxl.Workbook()
    sheet: Any = made.active
    sheet.title = "Data"
    for row in (
        ["Region", "Month", "Amount", "Date", "Note"], ["North", "Jan", 120, "03.04.2025", " a  b"],
        ["South", "Jan", 80, "13.04.2025", "x"], ["North", "Feb", 150, "14/04/2025", "n/a"],
        ["North", "Jan", 120, "03.04.2025", " a  b"], ["West", "Mar", 300, "hello", "z"],
    ):  # fmt: skip
        sheet.append(row)
    sheet["G1"] = "=SUM(C2:C6)"
    made.create_sheet("Other")
    made.save(path)
    Image.new("RGB", (30, 20), (255, 0, 255)).save(path.with_name("pic.png"))
    return path


def sheets(path: Path) -> Any:
    """All that a workbook holds, as far as these operations reach."""
    with zipfile.ZipFile(path) as package:
        drawn = [sum(mark in name for name in package.namelist()) for mark in ("media/", "charts/chart")]
    found: list[Any] = [drawn]
    loaded: Any = openpyxl.load_workbook(path)
    for sheet in loaded.worksheets:
        cells = [
            [(cell.value, cell.font.b, cell.comment and cell.comment.text) for cell in row] for row in sheet["A1:L12"]
        ]
        rules = [str(one.sqref) for one in sheet.conditional_formatting]
        checks = [(str(one.sqref), one.type) for one in sheet.data_validations.dataValidation]
        names = sorted(str(one) for one in sheet.merged_cells.ranges)
        found.append((sheet.title, cells, rules, checks, names, sheet.auto_filter.ref, sheet.tables.items()))
    return found


def on(do: str, **more: Any) -> dict[str, Any]:
    return {"do": do, "sheet": "Data", **more}


def test_every_operation_on_workbooks(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx")
    chart = on("add_chart", at="A12", kind="line", title="T", series=[{"values": "Data!C2:C6", "name": "=Data!C1"}])
    steps: list[list[dict[str, Any]]] = [
        [on("set_cells", at="I1", rows=[[None, 1], ["a", None]]), on("set_formula", cells="I5:I6", formula="=C5*2")],
        [on("copy_cells", cells="A1:C2", to="I1", what="all"),
         on("copy_cells", cells="G1", to="J8:J9", what="formulas")],
        [on("format", cells="A1:B1", look={"bold": True}), on("copy_cells", cells="A1:B1", to="I4", what="formats")],
        [on("move_cells", cells="E2:E6", to="F2"), on("move_cells", cells="4:4", to="2"),
         on("insert", cells="3:3")],
        [on("move_cells", cells="B:B", to="E"), on("delete", cells="A5:B5", pull="up"),
         on("clear", cells="C2", what="all")],
        [on("merge", cells="A1:C1"), on("merge", cells="A8:C8"), on("merge", cells="A8:C8", undo=True)],
        [on("filter", cells="A1:E6"), on("comment", at="B3", text="a note")],
        [on("name", name="zone", refers_to="=Data!$A$2:$A$6"), on("size", cells="2:4", group=1, size=30)],
        [on("add_picture", at="H3", file="pic.png", width=2), on("set_cells", at="A9", rows=[["q"]])],
        [chart, on("size", cells="A:C", fit=True)],
        [on("validate", cells="B2:B6", kind="list", first="Jan,Feb"),
         on("validate", cells="C2:C6", kind="whole", operator="between", first="1", second="500", strict=False)],
        [on("conditional_format", cells="C2:C6", kind="greater", first="100", highlight=HIGHLIGHT),
         on("conditional_format", cells="A2:A6", kind="duplicates", highlight=HIGHLIGHT),
         on("conditional_format", cells="B2:B6", kind="contains", first="Fe", highlight=HIGHLIGHT)],
        [on("add_table", cells="A1:C6", name="Tab", totals=["label", "none", "sum"]),
         {"do": "change_table", "table": "Tab", "name": "Sales"}],
        [on("clean", cells="D1:D6", header=True, parse="date"),
         on("clean", cells="E1:E6", header=True, trim=True, missing=["n/a"])],
        [on("insert", cells="B:C"),
         on("split_column", cells="A1:A6", header=True, pattern="(.)(.*)", names=["p", "q"])],
        [on("sort", cells="A1:E6", header=True, keys=[{"column": "Amount"}]),
         on("remove_duplicates", cells="A1:E6", header=True),
         on("replace", find="North", by="Nord")],
        [{"do": "add_sheet", "name": "New"}, on("copy_sheet", name="Copy"),
         on("change_sheet", name="Daten", colour="FF0000"),
         {"do": "delete_sheet", "sheet": "Other"}],
    ]  # fmt: skip
    tried = {one["do"] for step in steps for one in step} | {"view", "protect", "delete_object", "set_properties"}
    assert tried == SPREADSHEET

    async def body(at: Desk) -> None:
        await at.press(Keypress(("CTRL", "END")), Keypress(("DOWN",)), Type("typed\n"))
        after = [await undone(at, SpreadsheetOperation, *step, read=sheets) for step in steps[:12]]
        assert after
        table: Any = openpyxl.load_workbook(await undone(at, SpreadsheetOperation, *steps[12], read=sheets))["Data"]
        assert table.tables.items() == [("Sales", "A1:C7")] and table["C7"].value == "=SUBTOTAL(109,C2:C6)"
        mended: Any = openpyxl.load_workbook(await undone(at, SpreadsheetOperation, *steps[13], read=sheets))["Data"]
        assert [str(mended[cell].value)[:10] for cell in ("D2", "D3", "D6")] == ["2025-04-03", "2025-04-13", "hello"]
        assert [mended[cell].value for cell in ("E2", "E4")] == ["a b", None]
        for step in steps[14:]:
            await undone(at, SpreadsheetOperation, *step, read=sheets)
        await at.edit(*asked(SpreadsheetOperation, chart))
        await undone(at, SpreadsheetOperation, on("delete_object", name="T"), read=sheets)
        told = await at.edit(*asked(SpreadsheetOperation, on("view", freeze="A2")))
        assert told is not None and "Ctrl+Z does not take that back" in told
        with pytest.raises(ToolFault, match="make two calls"):
            await at.edit(*asked(SpreadsheetOperation, steps[8][0], on("insert", cells="2:2")))

    on_desk(path, body)


def blocks(path: Path) -> Any:
    found: Any = docx.Document(str(path))
    xml = str(found.element.xml)
    texts = [paragraph.text for paragraph in found.paragraphs]
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in found.tables]
    return (
        texts,
        tables,
        [xml.count(mark) for mark in ("TOC \\", "<w:footnoteReference ", "w:bookmarkStart", "<pic:pic")],
    )


def test_every_operation_on_texts(tmp_path: Path) -> None:
    path = tmp_path / "text.docx"
    made: Any = docx.Document()
    made.add_heading("Report", 0)
    made.add_heading("Intro", 1)
    made.add_paragraph("The fee is due in March.")
    made.add_table(2, 2)
    made.add_paragraph("More text, with a second sentence.")
    made.save(path)
    Image.new("RGB", (30, 20)).save(tmp_path / "pic.png")
    after4, before4 = ({"side": side, "block": 4} for side in ("after", "before"))
    steps: list[list[dict[str, Any]]] = [
        [{"do": "insert_list", "kind": "numbers", "items": ["a", "\tb"]}, {"do": "insert_table", "rows": TABLE},
         {"do": "insert_picture", "picture": "pic.png", "alt": "x", "width": 4}, {"do": "insert_break", "kind": "page"},
         {"do": "insert_heading", "text": "New", "level": 2}],
        [{"do": "insert_paragraphs", "paragraphs": [{"text": "below"}], "at": after4},
         {"do": "insert_paragraphs", "paragraphs": [{"text": "above"}], "at": before4}],
        [{"do": "set_cells", "block": 4, "row": 2, "column": 1, "rows": [["x", "y"], ["z", "w"]]},
         {"do": "delete_rows", "block": 4, "first": 1, "last": 1},
         {"do": "format_paragraphs", "first": 1, "last": 1, "bold": True, "size": 30},
         {"do": "replace_paragraph", "block": 3, "text": "Other"}, {"do": "update_fields"},
         {"do": "comment", "words": "second", "author": "Ann", "text": "hm"}],
        [{"do": "delete_blocks", "first": 3, "last": 4},
         {"do": "replace_text", "find": "More", "replace": "Less", "match_case": True, "whole_words": True}],
        [{"do": "insert_contents", "of": "headings", "at": {"side": "after", "block": 1}, "title": "Contents"},
         {"do": "insert_footnote", "after": "second", "text": "A note."},
         {"do": "insert_bookmark", "words": "March", "name": "due"}],
    ]  # fmt: skip
    assert {one["do"] for step in steps for one in step} | {"set_properties"} == DOCUMENT

    async def work(at: Desk) -> None:
        await at.press(Keypress(("CTRL", "END")), Type(" typed"))
        after = [blocks(await undone(at, DocumentOperation, *step, read=blocks)) for step in steps]
        assert after[0][0][-1] == "New" and after[0][1][1] == TABLE and after[0][2][3] == 1
        assert after[1][0][2:5] == ["The fee is due in March.", "above", "below"]
        assert after[2][1] == [[["x", "y"], ["z", "w"]]] and after[2][0][2] == "Other"
        assert [count > 0 for count in after[4][2][:3]] == [True, True, True]
        await at.edit(*asked(DocumentOperation, steps[4][0]))  # its lines are blocks, too
        now: Any = docx.Document(str(await at.state()))
        found = next(
            number
            for number, block in enumerate(blocks_of(now.element.body), 1)
            if "The fee" in "".join(block.itertext())
        )
        await at.edit(*asked(DocumentOperation, {"do": "replace_paragraph", "block": found, "text": "By number."}))
        assert blocks(await at.state())[0].count("By number.") == 1

    on_desk(path, work)


def shapes(path: Path) -> Any:
    return [
        [
            (one.shape_type, one.left, one.top, one.width, one.has_text_frame and one.text_frame.text)
            for one in slide.shapes
        ]
        for slide in deck(path).slides
    ]


def test_every_operation_on_slides(tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    made: Any = pptx.Presentation()
    for title in ("Plan", "Second", "Third"):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, "One\nTwo"
    made.save(path)
    Image.new("RGB", (30, 20)).save(tmp_path / "pic.png")
    box = {"left": 2, "top": 12, "width": 6, "height": 3}
    steps: list[list[dict[str, Any]]] = [
        [{"do": "add_picture", "slide": 3, "picture": "pic.png", "alt": "a", "fit": "fit", "box": box},
         {"do": "add_text", "slide": 3, "text": "Hello", "box": box},
         {"do": "add_shape", "slide": 3, "kind": "star", "box": box, "text": "s"},
         {"do": "add_shape", "slide": 3, "kind": "line", "box": box}],
        [{"do": "set_slide", "slide": 1, "layout": "Title Only"},
         {"do": "set_slide", "slide": 2, "layout": "Title, 2 Content", "hidden": True}],
        [{"do": "add_slide", "layout": "Two Content", "title": "X", "body": "y", "at": 1},
         {"do": "duplicate_slide", "slide": 2, "to": 4}, {"do": "move_slide", "slide": 1, "to": 3},
         {"do": "set_notes", "slide": 1, "text": "n"}, {"do": "delete_slides", "slides": [2]},
         {"do": "replace_text", "find": "Two", "replace": "Deux", "match_case": True, "whole_words": True}],
        [{"do": "add_picture", "slide": 1, "picture": "pic.png", "alt": "a", "into": "body", "fit": "fill"},
         {"do": "set_shape", "slide": 1, "shape": "title", "box": {"left": 1, "top": 1}, "fill": "FFFF00"},
         {"do": "set_text", "slide": 1, "shape": "title", "text": "New"}],
        [{"do": "add_slide", "title": "T"}, {"do": "add_table", "rows": TABLE, "name": "Tab"},
         {"do": "set_cells", "shape": "Tab", "row": 21, "column": 1, "rows": [["x", "y"], ["z", "w"]]},
         {"do": "delete_shape", "shape": "title"}],
    ]  # fmt: skip
    assert {one["do"] for step in steps for one in step} | {"set_properties"} == SLIDES

    async def body(at: Desk) -> None:
        await at.edit(*asked(SlidesOperation, {"do": "set_notes", "slide": 1, "text": "unsaved"}))
        await at.press(UNDO)
        for _ in range(2):  # what was taken back is forgotten when something else is done
            started = time.monotonic()
            after = [await undone(at, SlidesOperation, *step, read=shapes) for step in steps]
            assert time.monotonic() - started < 120
            table: Any = deck(after[4]).slides[3].shapes[0].table
            assert [cell.text for cell in table.rows[21].cells][:2] == ["z", "w"]
        for number in range(9):
            text = {"do": "set_text", "slide": number % 3 + 1, "shape": "title", "text": f"t{number}"}
            await at.edit(*asked(SlidesOperation, text))
        before = ["Plan", "Second", "Third"]
        for _ in range(9):
            await at.press(UNDO)
        await at.becomes(titles, before)

    on_desk(path, body)
