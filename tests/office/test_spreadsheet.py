"""Workbooks made and changed: values typed exactly, formulas, tables of data mended, charts, pivot tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime as moment
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agent.tools.base import Reply, Room
from agent.tools.inspect import inspect_tools
from tests.office.workbooks import axis, csv_column, do, highlight, key, loaded, look, measure, series
from tests.office.workbooks import edit as edit_at
from tests.support.room import call, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    async with opened(tmp_path / "folder") as made:
        yield made


def day(*parts: int) -> moment:
    """A moment as cells hold it."""
    return moment(*parts)  # noqa: DTZ001 (cells have no time zone)  # pyright: ignore[reportArgumentType]


async def edit(room: Room, *operations: object, path: str = "a.xlsx", **more: Any) -> Reply:
    return await edit_at(room, path, *operations, **more)


async def seen(room: Room, part: str | None = None, detail: str | None = None, path: str = "a.xlsx") -> str:
    (tool,) = inspect_tools(room)
    return (await call(tool, path=path, part=part, detail=detail)).text


async def values(room: Room, rows: list[list[object]], *operations: object) -> list[list[object]]:
    """What stands in the first sheet after operations on these rows from A1."""
    reply = await edit(room, do("set_cells", sheet="A", at="A1", rows=rows), *operations)
    assert not reply.failed, reply.text
    return [[cell.value for cell in row] for row in loaded(room.folder.path / "a.xlsx")["A"].iter_rows()]


async def test_values_are_typed_as_they_are_meant(room: Room) -> None:
    types = ["auto", "text", "date", "percent", "currency", "boolean", "datetime", "time"]
    row = ["007", 12, "2024-02-29", "12.5%", "€ 1,234.50", "yes", "2024-02-29T13:30:00", "9:05"]
    reply = await edit(room, do("set_cells", sheet="A", at="A1", rows=[row, ["=1+1", True, *[None] * 6]], types=types))
    assert not reply.failed, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [cell.value for cell in sheet[1]] == [
        "007", "12", day(2024, 2, 29), 0.125, 1234.5, True, day(2024, 2, 29, 13, 30),
        time(9, 5),
    ]  # fmt: skip
    assert sheet["E1"].number_format == "#,##0.00 [$€-1]" and sheet["D1"].number_format == "0.0%"
    assert [sheet["A2"].value, sheet["B2"].value] == ["=1+1", "TRUE"]
    assert loaded(room.folder.path / "a.xlsx", data_only=True)["A"]["A2"].value == 2


@pytest.mark.parametrize(
    ("value", "kind"), [("2024-02-30", "date"), ("twelve", "number"), ("#WRONG", "error"), ("maybe", "boolean")]
)
async def test_what_is_not_of_its_type_is_refused(room: Room, value: str, kind: str) -> None:
    reply = await edit(room, do("set_cells", sheet="A", at="A1", rows=[[value]], types=[kind]))
    assert reply.failed and f"is no {kind}" in reply.text and not (room.folder.path / "a.xlsx").exists()


async def test_errors_are_told_by_cell_and_newer_functions_apart(room: Room) -> None:
    formulas = ["=1/0", "=NOSUCH(1)", "=XLOOKUP(1,B1:B2,B1:B2)", "=A3+1", "=SUM(B1:B9)", "=IFERROR(A3,0)"]
    reply = await edit(room, do("set_cells", sheet="A", at="A1", rows=[[each] for each in formulas]))
    assert "A!A1 #DIV/0! =1/0" in reply.text and "A!A2 #NAME? =NOSUCH(1)" in reply.text and "Errors: 2" in reply.text
    assert "A!A3 =XLOOKUP" in reply.text and "2 that depend on them" in reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert sheet["A3"].value == "=_xlfn.XLOOKUP(1,B1:B2,B1:B2)"
    results = loaded(room.folder.path / "a.xlsx", data_only=True)["A"]
    assert [results[f"A{n}"].value for n in range(1, 7)] == ["#DIV/0!", "#NAME?", None, None, 0, None]


@pytest.mark.parametrize("formula", ["=SUM(A1", "=SUM(A1;B1)", "=", '="open'])
async def test_formulas_that_would_break_the_file_are_refused(room: Room, formula: str) -> None:
    reply = await edit(room, do("set_formula", sheet="A", cells="A1", formula=formula))
    assert reply.failed and "Nothing was changed" in reply.text


async def test_a_formula_is_filled_as_programs_fill_it(room: Room) -> None:
    found = await values(
        room, [[1, 2], [3, 4]], do("set_formula", sheet="A", cells="C1:D2", formula="=A1*$B$1+A$1")
    )  # fmt: skip
    assert [row[2:] for row in found] == [["=A1*$B$1+A$1", "=B1*$B$1+B$1"], ["=A2*$B$1+A$1", "=B2*$B$1+B$1"]]


async def test_csv_is_data_and_never_a_formula(room: Room) -> None:
    text = (
        'Name;Amount;When\n=HYPERLINK("http://x");1.234,50;03.02.2024\n@cmd;-5,00;13.02.2024\n+49 170;7;n/a\n007;8;\n'
    )
    (room.folder.path / "d.csv").write_bytes(text.encode("cp1252"))
    reply = await edit(
        room,
        do("import_csv", sheet="A", at="A1", file="d.csv",
           columns=[csv_column("Amount", "number"), csv_column("When", "date")]),
    )  # fmt: skip
    assert "3 texts begin with =" in reply.text and "C: 1, like 'n/a'" in reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [(cell.data_type, cell.value) for cell in sheet["A"]] == [
        ("s", "Name"), ("s", '=HYPERLINK("http://x")'), ("s", "@cmd"), ("s", "+49 170"), ("s", "007"),
    ]  # fmt: skip
    assert sheet["A2"].quotePrefix and [cell.value for cell in sheet["B"]] == ["Amount", 1234.5, -5, 7, 8]
    assert sheet["C2"].value == day(2024, 2, 3) and sheet["C4"].value == "n/a"


async def test_a_messy_table_is_cleaned(room: Room) -> None:
    rows = [
        ["Name", "When", "Price", "Cur"], [" Ann  Lee ", "03/04/2024", "€ 1.234,50", None],
        ["ann lee", "13/04/2024", "20,00 USD", None], ["Bob\u200b", "2024-05-01", "n/a", None],
        ["Bob", "May 2, 2024", "??", None],
    ]  # fmt: skip
    reply = await edit(
        room, do("set_cells", sheet="A", at="A1", rows=rows),
        do("clean", sheet="A", cells="A1:A5", header=True, trim=True, case="title"),
        do("clean", sheet="A", cells="B1:B5", header=True, parse="date"),
        do("clean", sheet="A", cells="C1:C5", header=True, parse="currency", missing=["n/a"], currency_to="D"),
        do("remove_duplicates", sheet="A", cells="A1:A5", header=True, loose=True),
    )  # fmt: skip
    assert "C5 '??'" in reply.text and "2 duplicates removed: rows 3, 5" in reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [cell.value for cell in sheet["A"]][:3] == ["Name", "Ann Lee", "Bob"]
    assert [cell.value for cell in sheet["B"]][1:] == [
        day(2024, 4, 3), day(2024, 4, 13), day(2024, 5, 1),
        day(2024, 5, 2),
    ]  # fmt: skip
    assert [sheet["C2"].value, sheet["D2"].value, sheet["C3"].value, sheet["D3"].value] == [1234.5, "EUR", 20, "USD"]
    assert sheet["C4"].value is None


async def test_rows_are_sorted_with_their_formulas_and_notes(room: Room) -> None:
    rows = [["k", "v", "f"], ["b", 2, "=B2*2"], ["a", 9, "=B3*2"], ["c", None, "=B4*2"]]
    reply = await edit(
        room, do("set_cells", sheet="A", at="A1", rows=rows), do("comment", sheet="A", at="A3", text="note of a"),
        do("sort", sheet="A", cells="A1:C4", keys=[key("v", descending=True)], header=True),
    )  # fmt: skip
    assert not reply.failed, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [[cell.value for cell in row] for row in sheet["A2:C4"]] == [
        ["a", 9, "=B2*2"], ["b", 2, "=B3*2"], ["c", None, "=B4*2"],
    ]  # fmt: skip
    assert sheet["A2"].comment is not None and sheet["A3"].comment is None


async def test_cells_columns_and_rows_come_and_go(room: Room) -> None:
    rows: list[list[object]] = [[1, 2, "=A1+B1"], [3, 4, "=SUM(A1:A2)"], [5, 6, "=A3"]]
    found = await values(room, rows, do("delete", sheet="A", cells="2:2"))
    assert found == [[1, 2, "=A1+B1"], [5, 6, "=A2"]]
    reply = await edit(room, do("insert", sheet="A", cells="B:B"), do("delete", sheet="A", cells="A1", pull="up"))
    assert not reply.failed, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        [5, None, 2, "=#REF!+C1"],
        [None, None, 6, "=A1"],
    ]


async def test_moved_cells_take_references_along(room: Room) -> None:
    found = await values(room, [[1, "=A1"], [2, "=A2"]], do("move_cells", sheet="A", cells="A1", to="D5"))
    assert found[0][:2] == [None, "=D5"] and found[4][3] == 1
    reply = await edit(room, do("move_cells", sheet="A", cells="2:2", to="1"))
    assert not reply.failed
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [sheet["A1"].value, sheet["B1"].value, sheet["B2"].value] == [2, "=A1", "=D5"]


async def test_sheets_are_renamed_copied_and_moved(room: Room) -> None:
    reply = await edit(
        room, do("set_cells", sheet="In", at="A1", rows=[[4]]),
        do("set_cells", sheet="Out", at="A1", rows=[["=In!A1*2"]]),
        do("change_sheet", sheet="In", name="New name", position=2), do("copy_sheet", sheet="New name", name="Copy"),
        do("name", name="Four", refers_to="='New name'!$A$1"),
    )  # fmt: skip
    assert not reply.failed, reply.text
    book = loaded(room.folder.path / "a.xlsx")
    assert book.sheetnames == ["Out", "New name", "Copy"] and book["Out"]["A1"].value == "='New name'!A1*2"
    assert loaded(room.folder.path / "a.xlsx", data_only=True)["Out"]["A1"].value == 8 and book["Copy"]["A1"].value == 4


async def test_tables_validations_and_highlighting(room: Room) -> None:
    rows = [["Item", "Cost"], ["a", 10], ["b", 30]]
    reply = await edit(
        room, do("set_cells", sheet="A", at="A1", rows=rows),
        do("add_table", sheet="A", cells="A1:B3", name="Costs", totals=["label", "sum"]),
        do("validate", sheet="A", cells="B2:B3", kind="decimal", operator="greater", first="0"),
        do("conditional_format", sheet="A", cells="B2:B3", kind="greater", first="20",
           highlight=highlight(fill="FFC7CE")),
        do("set_cells", sheet="A", at="D1", rows=[["=SUM(Costs[Cost])"]]),
        do("merge", sheet="A", cells="D2:E2"), do("view", sheet="A", freeze="A2"),
        do("size", sheet="A", cells="A:B", fit=True),
        do("page_setup", sheet="A", landscape=True, fit_wide=1, print_area="A1:E4", repeat_rows="1:1"),
    )  # fmt: skip
    assert not reply.failed and "no errors" in reply.text, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert sheet.tables["Costs"].ref == "A1:B4" and sheet.freeze_panes == "A2" and sheet.print_area == "'A'!$A$1:$E$4"
    results = loaded(room.folder.path / "a.xlsx", data_only=True)["A"]
    assert [results["B4"].value, results["D1"].value] == [40, 40]
    text = await seen(room)
    for told in ("table Costs A1:B4 with totals: Item, Cost", "validation B2:B3: decimal 0", "merged: D2:E2", "frozen"):
        assert told in text


async def test_a_table_follows_its_headers(room: Room) -> None:
    reply = await edit(
        room, do("set_cells", sheet="A", at="A1", rows=[["Item", "Cost"], ["a", 10], ["b", 30]]),
        do("add_table", sheet="A", cells="A1:B3", name="T"),
        do("set_cells", sheet="A", at="D1", rows=[["=SUM(T[Cost])"]]),
        do("set_cells", sheet="A", at="A1", rows=[[None, "Price"]]), do("delete", sheet="A", cells="2:2"),
    )  # fmt: skip
    assert not reply.failed and "no errors" in reply.text, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [each.name for each in sheet.tables["T"].tableColumns] == ["Column1", "Price"]
    assert [sheet["A1"].value, sheet["D1"].value] == ["Column1", "=SUM(T[Price])"]
    gone = await edit(room, do("delete", sheet="A", cells="2:2"))
    assert not gone.failed and loaded(room.folder.path / "a.xlsx")["A"].tables["T"].ref == "A1:B2"
    refused = await edit(room, do("delete", sheet="A", cells="1:1"))
    assert refused.failed and "headers of table T" in refused.text
    odd = await edit(room, do("add_sheet", name="a\x00b"))
    assert odd.failed and "characters that a workbook cannot hold" in odd.text


async def test_cells_are_copied_split_replaced_and_cleared(room: Room) -> None:
    rows = [["Full name", None, "x", "=A2"], ["Ann Lee", None, 5, "=C2*2"], ["Bo Ek", None, 6, "=C3*2"]]
    reply = await edit(
        room, do("set_cells", sheet="A", at="A1", rows=rows), do("insert", sheet="A", cells="B:B"),
        do("split_column", sheet="A", cells="A1:A3", delimiter=" ", header=True, names=["First", "Last"]),
        do("copy_cells", sheet="A", cells="E2", to="F2:F3", what="all"), do("copy_cells", sheet="A", cells="D2:D3",
           to_sheet="A", to="G2", what="values"), do("clear", sheet="A", cells="D1", what="all"),
        do("replace", find="Ann", by="Anna", whole=False), do("replace", sheet="A", find=r"D(\d)", by=r"$G$\1",
           regex=True, formulas=True, cells="E2:E3"),
    )  # fmt: skip
    assert not reply.failed, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["A"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_row=3, max_col=7)] == [
        ["Full name", "First", "Last", None, "=A2", None, None],
        ["Anna Lee", "Anna", "Lee", 5, "=$G$2*2", "=E2*2", 5],
        ["Bo Ek", "Bo", "Ek", 6, "=$G$3*2", "=E3*2", 6],
    ]  # fmt: skip


async def test_sheets_are_filtered_protected_and_copied_with_their_charts(room: Room) -> None:
    reply = await edit(
        room, do("set_cells", sheet="In", at="A1", rows=[["a", "b"], [1, 2], [3, 4]]),
        do("add_chart", sheet="In", at="D1", kind="pie", labels="percent", series=[series(values="B2:B3")]),
        do("filter", sheet="In", cells="A1:B3"), do("copy_sheet", sheet="In", name="Out"),
        do("protect", sheet="In", on=True, unlocked=["A2:B3"]), do("set_properties", title="Sums", author="Me"),
        do("size", sheet="In", cells="A:A", size=20, hidden=True), do("size", sheet="In", cells="2:2", size=30),
    )  # fmt: skip
    assert not reply.failed, reply.text
    book = loaded(room.folder.path / "a.xlsx")
    sheet: Any = book["In"]
    assert sheet.auto_filter.ref == "A1:B3" and sheet.protection.sheet and not sheet["A2"].protection.locked
    assert sheet.column_dimensions["A"].hidden and sheet.row_dimensions[2].height == 30
    assert book.properties.title == "Sums" and book.properties.creator == "Me"
    text = await seen(room)
    assert "chart Chart 1 at D1: pie of 'In'!$B$2:$B$3" in text and "chart Chart 1 at D1: pie of Out!$B$2:$B$3" in text
    assert "protected without a password" in text and "hidden columns: A:A" in text


async def test_charts_pictures_links_and_pivot_tables(room: Room) -> None:
    Image.new("RGB", (96, 48), "teal").save(room.folder.path / "logo.png")
    rows = [["Who", "What", "Sum"], ["x", "p", 1], ["y", "p", 2], ["x", "q", 4], ["x", "p", 8]]
    reply = await edit(
        room, do("set_cells", sheet="Data", at="A1", rows=rows), do("add_sheet", name="P"),
        do("pivot", sheet="P", at="A1", source="Data!A1:C5", rows=["Who"], columns=["What"], values=[measure("Sum")]),
        do("add_chart", sheet="P", at="G1", kind="column", title="Sums", y_axis=axis(title="EUR"),
           series=[series(name="p", values="P!B3:B4", categories="P!A3:A4"),
                   series(name="q", values="P!C3:C4", kind="line", second_axis=True)]),
        do("add_picture", sheet="P", at="A10", file="logo.png"),
        do("link", sheet="P", at="A9", target="https://example.org"),
    )  # fmt: skip
    assert not reply.failed, reply.text
    sheet = loaded(room.folder.path / "a.xlsx")["P"]
    assert [[cell.value for cell in row] for row in sheet["A2:D5"]] == [
        ["Who", "p", "q", "Grand Total"], ["x", 9, 4, 13], ["y", 2, None, 2], ["Grand Total", 11, 4, 15],
    ]  # fmt: skip
    text = await seen(room, "P")
    assert "chart Chart 1 «Sums» at G1: bar, line of" in text and "picture Picture 1 at A10" in text
    assert "pivot table PivotTable1 at A1:D5 of Data!A1:C5" in text
    gone = await edit(
        room, do("change_chart", sheet="P", chart="Sums", title="New"), do("delete_object", sheet="P", name="Picture 1")
    )
    assert not gone.failed and "«New»" in (after := await seen(room, "P")) and "Picture" not in after


@pytest.mark.parametrize("name", ["a.ods", pytest.param("a.xls", marks=pytest.mark.slow)])
async def test_opendocument_and_old_workbooks_are_edited_by_way_of_libreoffice(room: Room, name: str) -> None:
    made = await edit(room, do("set_cells", sheet="A", at="A1", rows=[[2, "=A1*3"]]), path=name)
    assert not made.failed, made.text
    changed = await edit(room, do("set_cells", sheet="A", at="A1", rows=[[5]]), path=name)
    assert "was converted by LibreOffice" in changed.text
    assert "5 | 15 {=A1*3}" in await seen(room, path=name)


async def test_a_template_gives_its_styles(room: Room) -> None:
    await edit(
        room,
        do("set_cells", sheet="A", at="A1", rows=[["Brand"]]),
        do("format", sheet="A", cells="A1", look=look(style="Heading 1")),
        path="brand.xltx",
    )
    reply = await edit(room, do("set_cells", sheet="A", at="A2", rows=[["x"]]), source="brand.xltx")
    assert not reply.failed, reply.text
    book = loaded(room.folder.path / "a.xlsx")
    assert book["A"]["A1"].style == "Heading 1" and not book.template
    assert "Heading 1" in await seen(room, "A", "styles")


async def test_a_long_table_is_understood_in_one_look(room: Room) -> None:
    rows = "".join(f"{n},{'ABC'[n % 3]},2024-01-{n % 28 + 1:02d},{'x' if n == 7 else n / 2}\n" for n in range(2_000))
    (room.folder.path / "long.csv").write_text("id,kind,when,amount\n" + rows)
    await edit(room, do("import_csv", sheet="A", at="A1", file="long.csv", find_types=True))
    text = await seen(room)
    assert "A1:D2001, 2001 rows × 4 columns" in text and len(text) < 3_000
    assert "B «kind»: 2000 text; 3 different; 'A' 667, 'B' 667, 'C' 666" in text
    assert "C «when»: 2000 date; 28 different; 2024-01-01 to 2024-01-28" in text
    csv = await seen(room, path="long.csv")
    assert "2001 rows" in csv and "C «when»: looks like date" in csv and "rows 13 to 1997 left out" in csv
    part = await seen(room, "A!A100:B102")
    assert "100 | 98 | C\n101 | 99 | A" in part


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (do("delete", sheet="A", cells="A1"), "say where the others go"),
        (do("set_cells", sheet="B", at="A1", rows=[[1]]), "There is no sheet 'B'"),
        (do("set_cells", sheet="A", at="1A", rows=[[1]]), "is no cell"),
        (do("add_table", sheet="A", cells="A1:B2", name="no name"), "cannot be a name"),
        (do("sort", sheet="A", cells="A1:B2", keys=[key("zzz")], header=True), "There is no column 'zzz'"),
        (do("link", sheet="A", at="A1", target="file:///etc/passwd"), "must begin with"),
        (do("add_picture", sheet="A", at="A1", file="../x.png"), "outside the task's folder"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_said_and_nothing_changes(room: Room, operation: object, told: str) -> None:
    await edit(room, do("set_cells", sheet="A", at="A1", rows=[["h", "i"], [1, 2]]))
    before = (room.folder.path / "a.xlsx").read_bytes()
    reply = await edit(room, operation)
    assert reply.failed and told in reply.text, reply.text
    assert (room.folder.path / "a.xlsx").read_bytes() == before
