"""Presentations: made, changed in place, and nothing else touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pptx
import pytest
from pptx.dml.color import RGBColor

from agent.tools.base import Room
from tests.support.operations import edit_slides
from tests.support.papers import MACROS, changed, deck, parts, picture, write
from tests.support.room import opened

pytestmark = pytest.mark.anyio

OUTLINE = """\
# Growth
Annual review
> Welcome all
# Where we stand
- Revenue up
  - in the north
- Costs flat
"""


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


def slides_of(room: Room, name: str) -> list[Any]:
    made: Any = pptx.Presentation(str(room.folder.path / name))
    return list(made.slides)


async def test_an_outline_becomes_slides(room: Room) -> None:
    reply = await edit_slides(room, "deck.pptx", {"do": "add_outline", "outline": OUTLINE})
    assert not reply.failed, reply.text
    title, body = slides_of(room, "deck.pptx")
    assert [title.slide_layout.name, body.slide_layout.name] == ["Title Slide", "Title and Content"]
    assert (title.shapes.title.text, title.placeholders[1].text) == ("Growth", "Annual review")
    assert title.notes_slide.notes_text_frame.text == "Welcome all"
    lines = [(each.text, each.level) for each in body.placeholders[1].text_frame.paragraphs]
    assert lines == [("Revenue up", 0), ("in the north", 1), ("Costs flat", 0)]


async def test_one_word_leaves_all_other_parts_byte_for_byte(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    before = parts(path)
    reply = await edit_slides(room, "deck.pptx", {"do": "set_text", "slide": 1, "shape": "title", "text": "New title"})
    assert not reply.failed, reply.text
    assert changed(before, path) == {"ppt/slides/slide1.xml"}
    assert parts(path)["ppt/vbaProject.bin"] == MACROS
    assert list(before) == list(parts(path)), "the parts have another order"


async def test_text_keeps_the_look_of_its_runs(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    await edit_slides(room, "deck.pptx", {"do": "set_text", "slide": 1, "shape": "body", "text": "Revenue fell by 7 %"})
    runs = slides_of(room, "deck.pptx")[0].placeholders[1].text_frame.paragraphs[0].runs
    assert [(run.text, run.font.bold) for run in runs] == [("Revenue ", False), ("fell", True), (" by 7 %", False)]


async def test_find_and_replace_goes_over_runs_and_into_notes(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    reply = await edit_slides(
        room,
        "deck.pptx",
        {"do": "replace_text", "find": "revenue rose", "replace": "Profit grew"},
        {"do": "replace_text", "find": "hello", "replace": "goodbye"},
    )
    assert "2. 1 replaced" in reply.text
    slide = slides_of(room, "deck.pptx")[0]
    assert slide.placeholders[1].text == "Profit grew by 12 %"
    assert slide.notes_slide.notes_text_frame.text == "Say goodbye"


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (["Quarter", "North", "South"], ["Q1", 1200.5, 900], ["Q2", 1330.0, 970]):
        sheet.append(row)
    for cells in sheet["B2:C3"]:
        for cell in cells:
            cell.number_format = "#,##0.00"
    book.save(path)


async def test_table_and_chart_come_from_a_workbook(room: Room) -> None:
    workbook(room.folder.path / "costs.xlsx")
    cells = {"workbook": "costs.xlsx", "cells": "A1:C3"}
    reply = await edit_slides(
        room,
        "deck.pptx",
        {"do": "add_slide", "title": "Table"},
        {"do": "add_table", "cells": cells},
        {"do": "add_slide", "title": "Chart"},
        {"do": "add_chart", "kind": "column", "cells": cells, "number_format": "#,##0", "labels": True},
    )
    assert not reply.failed, reply.text
    table, chart = (slide.shapes[1] for slide in slides_of(room, "deck.pptx"))
    assert [[cell.text for cell in row.cells] for row in table.table.rows][1] == ["Q1", "1,200.50", "900.00"]
    plot = chart.chart.plots[0]
    assert list(plot.categories) == ["Q1", "Q2"]
    assert {each.name: tuple(each.values) for each in plot.series} == {"North": (1200.5, 1330.0), "South": (900, 970)}


async def test_new_numbers_for_a_chart(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    data = {"categories": ["a", "b", "c"], "series": [{"name": "two", "values": [4, None, 6]}]}
    reply = await edit_slides(room, "deck.pptx", {"do": "set_chart_data", "slide": 2, "shape": "Chart 2", "data": data})
    assert not reply.failed, reply.text
    chart = next(shape for shape in slides_of(room, "deck.pptx")[1].shapes if shape.has_chart).chart
    assert [tuple(each.values) for each in chart.plots[0].series] == [(4, None, 6)]


async def test_formulas_inside_a_chart_are_not_lost_unasked(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet["A1"] = "=1+1"
    book.save(room.folder.path / "inner.xlsx")
    made: Any = pptx.Presentation(str(path))
    chart = next(shape for shape in made.slides[1].shapes if shape.has_chart).chart
    chart.part.chart_workbook.xlsx_part._blob = (room.folder.path / "inner.xlsx").read_bytes()
    made.save(str(path))
    before = path.read_bytes()
    data = {"categories": ["a"], "series": [{"name": "two", "values": [4]}]}
    operation = {"do": "set_chart_data", "slide": 2, "shape": "Chart 2", "data": data}
    reply = await edit_slides(room, "deck.pptx", operation)
    assert reply.failed and "formulas in the workbook inside chart" in reply.text
    assert path.read_bytes() == before
    assert not (await edit_slides(room, "deck.pptx", operation, accept_loss=True)).failed


async def test_a_copied_slide_has_a_chart_of_its_own(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    data = {"categories": ["z"], "series": [{"name": "new", "values": [9]}]}
    reply = await edit_slides(
        room,
        "deck.pptx",
        {"do": "duplicate_slide", "slide": 2},
        {"do": "set_chart_data", "slide": 3, "shape": "Chart 2", "data": data},
        {"do": "move_slide", "slide": 3, "to": 1},
    )
    assert not reply.failed, reply.text
    charts = [shape.chart for slide in slides_of(room, "deck.pptx") for shape in slide.shapes if shape.has_chart]
    assert [list(chart.plots[0].categories) for chart in charts] == [["z"], ["a", "b"]]


async def test_a_deleted_slide_leaves_nothing_behind(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    await edit_slides(room, "deck.pptx", {"do": "delete_slides", "slides": [2]})
    left = parts(path)
    assert not [name for name in left if "chart" in name or "embeddings" in name or name.endswith("slide2.xml")]
    assert b"slide2.xml" not in left["[Content_Types].xml"]
    assert left["docProps/stray.bin"] == b"\x00stray"


async def test_restyle_brings_hard_coded_things_under_the_theme(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    picture(room.folder.path / "logo.png")
    look = {"font": "Comic Sans MS", "colour": "C00000", "size": 20}
    box = {"left": 1, "top": 15, "width": 5, "height": 1}
    brand = {"accent1": "0B5D3B", "dark1": "222222"}
    reply = await edit_slides(
        room,
        "deck.pptx",
        {"do": "add_text", "slide": 1, "text": "Remark", "look": look, "box": box},
        {"do": "restyle", "colours": brand, "heading_font": "Georgia", "body_font": "Arial", "logo": "logo.png",
         "background": "F7F5EE", "hard_coded": True},
    )  # fmt: skip
    assert "1 hard-coded fonts and 1 colours" in reply.text
    content = parts(room.folder.path / "deck.pptx")
    theme = content["ppt/theme/theme1.xml"].decode()
    assert 'srgbClr val="0B5D3B"' in theme and 'latin typeface="Georgia"' in theme
    slide = content["ppt/slides/slide1.xml"].decode()
    assert "Comic Sans" not in slide and "C00000" not in slide and 'schemeClr val="accent' in slide
    master = content["ppt/slideMasters/slideMaster1.xml"].decode()
    assert "F7F5EE" in master and "Brand logo" in master


async def test_restyle_clears_grounds_and_lets_text_follow_the_master(room: Room) -> None:
    made: Any = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Title", "Usual words"
    slide.placeholders[1].text_frame.paragraphs[0].add_run().text = " loud"
    runs = [*slide.shapes.title.text_frame.paragraphs[0].runs, *slide.placeholders[1].text_frame.paragraphs[0].runs]
    for run, colour in zip(runs, ("FFFF00", "FFFFFF", "FF0000"), strict=True):
        run.font.color.rgb = RGBColor(*bytes.fromhex(colour))
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor(*bytes.fromhex("000080"))
    made.save(str(room.folder.path / "deck.pptx"))
    brand = {"accent1": "2F8F83", "accent2": "D9643A"}
    await edit_slides(
        room, "deck.pptx", {"do": "restyle", "colours": brand, "background": "light1", "hard_coded": True}
    )
    content = parts(room.folder.path / "deck.pptx")["ppt/slides/slide1.xml"].decode()
    assert "<p:bg>" not in content and "srgbClr" not in content, "white words on a ground that is gone cannot be read"
    assert content.count("schemeClr") == 1 and 'schemeClr val="accent2"' in content, "only the loud word, and still red"


async def test_a_template_takes_the_place_of_the_masters(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    await edit_slides(room, "brand.pptx", {"do": "add_slide", "title": "From the template"})
    reply = await edit_slides(room, "deck.pptx", {"do": "apply_template", "template": "brand.pptx"})
    assert not reply.failed, reply.text
    made: Any = pptx.Presentation(str(path))
    assert len(made.slide_masters) == 1
    assert made.slide_width == 12_192_000
    assert "Accent bar" in [shape.name for shape in made.slides[0].slide_layout.slide_master.shapes]
    assert made.slides[0].shapes.title.text == "Old title"
    assert sum("slideMasters/slideMaster" in name for name in parts(path)) == 1


async def test_something_new_begins_as_a_template(room: Room) -> None:
    deck(room.folder.path / "old.pptx")
    before = (room.folder.path / "old.pptx").read_bytes()
    reply = await edit_slides(room, "new.pptx", {"do": "add_slide", "title": "More"}, source="old.pptx")
    assert not reply.failed, reply.text
    assert [slide.shapes.title.text for slide in slides_of(room, "new.pptx")] == ["Old title", "Numbers", "More"]
    assert (room.folder.path / "old.pptx").read_bytes() == before


async def test_a_template_is_begun_with_empty(room: Room) -> None:
    path = deck(room.folder.path / "brand.potx")
    content = parts(path)
    main, template = b"presentation.main+xml", b"template.main+xml"
    write(path, {**content, "[Content_Types].xml": content["[Content_Types].xml"].replace(main, template)})
    reply = await edit_slides(room, "new.pptx", {"do": "add_outline", "outline": OUTLINE}, source="brand.potx")
    assert not reply.failed, reply.text
    assert [slide.shapes.title.text for slide in slides_of(room, "new.pptx")] == ["Growth", "Where we stand"]
    assert main in parts(room.folder.path / "new.pptx")["[Content_Types].xml"]
    assert not [name for name in parts(room.folder.path / "new.pptx") if "charts/" in name]


async def test_macros_are_kept(room: Room) -> None:
    path = deck(room.folder.path / "plain.pptx").rename(room.folder.path / "deck.pptm")
    content = parts(path)
    main = b"vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    macros = content["[Content_Types].xml"].replace(main, b"vnd.ms-powerpoint.presentation.macroEnabled.main+xml")
    write(path, {**content, "[Content_Types].xml": macros})
    before = parts(path)
    reply = await edit_slides(room, "deck.pptm", {"do": "set_text", "slide": 1, "shape": "title", "text": "New title"})
    assert not reply.failed and "macros are kept" in reply.text
    assert changed(before, path) == {"ppt/slides/slide1.xml"}
    reply = await edit_slides(room, "copy.pptx", {"do": "delete_slides", "slides": [1]}, source="deck.pptm")
    assert reply.failed and "name the new file .pptm" in reply.text


@pytest.mark.parametrize("keep_look", [True, False])
async def test_slides_of_another_deck(room: Room, keep_look: bool) -> None:
    deck(room.folder.path / "other.pptx")
    await edit_slides(room, "mine.pptx", {"do": "add_slide", "title": "Mine"})
    operation = {"do": "import_slides", "source": "other.pptx", "slides": [2], "keep_look": keep_look}
    reply = await edit_slides(room, "mine.pptx", operation)
    assert not reply.failed, reply.text
    made: Any = pptx.Presentation(str(room.folder.path / "mine.pptx"))
    assert len(made.slide_masters) == (2 if keep_look else 1)
    last = made.slides[1]
    assert last.shapes.title.text == "Numbers" and any(shape.has_chart for shape in last.shapes)
    ids = [each.get("id") for master in made.slide_masters for each in master._element.xpath("//p:sldLayoutId")]
    ids += [each.get("id") for each in made.part._element.xpath("//p:sldMasterId")]
    assert len(set(ids)) == len(ids)


async def test_footers_and_numbers(room: Room) -> None:
    operation = {"do": "set_footers", "footer": "Deskhand", "numbers": True}
    await edit_slides(room, "deck.pptx", {"do": "add_outline", "outline": OUTLINE}, operation)
    title, body = slides_of(room, "deck.pptx")
    assert "Deskhand" not in [shape.text_frame.text for shape in title.shapes]
    assert "Deskhand" in [shape.text_frame.text for shape in body.shapes]
    assert 'type="slidenum"' in parts(room.folder.path / "deck.pptx")["ppt/slides/slide2.xml"].decode()


async def test_pictures_fit_and_fill(room: Room) -> None:
    picture(room.folder.path / "wide.png", 400, 100)
    box = {"left": 2, "top": 5, "width": 10, "height": 10}
    await edit_slides(
        room,
        "deck.pptx",
        {"do": "add_slide", "title": "Pictures"},
        {"do": "add_picture", "picture": "wide.png", "box": box, "fit": "fit", "alt": "a bar"},
        {"do": "add_picture", "picture": "wide.png", "box": box, "fit": "fill", "alt": "a bar"},
    )
    fit, fill = list(slides_of(room, "deck.pptx")[0].shapes)[1:]
    assert (fit.width.cm, fit.height.cm, fit.top.cm) == pytest.approx((10, 2.5, 8.75), abs=0.01)
    assert (fill.width.cm, fill.height.cm) == pytest.approx((10, 10), abs=0.01)
    assert fill.crop_left == pytest.approx(0.375, abs=0.001)
    assert fit._element.xpath("./p:nvPicPr/p:cNvPr/@descr") == ["a bar"]


async def test_too_much_text_shrinks_and_is_told(room: Room) -> None:
    reply = await edit_slides(
        room, "deck.pptx", {"do": "add_slide", "title": "Long", "body": "\n".join(["A long line of text"] * 20)}
    )
    assert "was shrunk to" in reply.text
    small = {"left": 30, "top": 10, "width": 3, "height": 1}
    reply = await edit_slides(
        room,
        "deck.pptx",
        {"do": "add_shape", "slide": 1, "kind": "oval", "box": {**small, "width": 9}, "text": "Round"},
    )
    assert "reaches beyond the slide" in reply.text


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"do": "set_text", "slide": 9, "shape": "title", "text": "x"}, "there is no slide 9; deck.pptx has 2"),
        ({"do": "set_text", "slide": 1, "shape": "#99", "text": "x"}, "there is no shape '#99'"),
        ({"do": "add_slide", "layout": "Nice"}, "there is no layout 'Nice'; there are: Title Slide"),
        ({"do": "replace_text", "find": "nowhere", "replace": "x"}, "stands nowhere"),
        ({"do": "add_table", "slide": 1}, "needs rows or cells"),
        ({"do": "add_picture", "slide": 1, "picture": "deck.pptx", "fit": "fit", "alt": "x"}, "is no picture"),
        (
            {"do": "add_picture", "slide": 1, "picture": "../secret.png", "fit": "fit", "alt": "x"},
            "outside the task's folder",
        ),
    ],
)
async def test_what_cannot_be_done_changes_nothing(room: Room, operation: dict[str, Any], told: str) -> None:
    path = deck(room.folder.path / "deck.pptx")
    before = path.read_bytes()
    first = {"do": "set_text", "slide": 1, "shape": "title", "text": "New"}
    reply = await edit_slides(room, "deck.pptx", first, operation)
    assert reply.failed and told in reply.text
    assert path.read_bytes() == before


async def test_bad_files_are_told(room: Room) -> None:
    path = room.folder.path / "deck.pptx"
    operation = {"do": "delete_slides", "slides": [1]}
    path.write_bytes(b"PK\x03\x04 broken")
    assert "damaged" in (await edit_slides(room, "deck.pptx", operation)).text
    deck(path)
    content = parts(path)
    del content["ppt/presentation.xml"]
    write(path, content)
    reply = await edit_slides(room, "deck.pptx", operation)
    assert reply.failed and "damaged" in reply.text
    path.write_bytes(b"just words\n")
    assert "wrong extension" in (await edit_slides(room, "deck.pptx", operation)).text


async def test_a_file_changed_in_between_is_left_alone(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    room.folder.note(path)
    path.write_bytes(path.read_bytes() + b"\0")
    reply = await edit_slides(room, "deck.pptx", {"do": "delete_slides", "slides": [1]})
    assert reply.failed and "changed since you looked at it" in reply.text


@pytest.mark.slow
async def test_opendocument_goes_there_and_back(room: Room) -> None:
    reply = await edit_slides(room, "deck.odp", {"do": "add_outline", "outline": OUTLINE})
    assert "LibreOffice converted it" in reply.text
    reply = await edit_slides(room, "deck.odp", {"do": "replace_text", "find": "Growth", "replace": "Decline"})
    assert not reply.failed, reply.text
    assert b"Decline" in parts(room.folder.path / "deck.odp")["content.xml"]
