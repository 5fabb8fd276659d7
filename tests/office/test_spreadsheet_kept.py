"""Editing a workbook in place changes nothing else in it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from agent.office.package import Package
from agent.tools.base import Room
from tests.office.workbooks import do, edit, loaded, look, measure
from tests.support.room import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    async with opened(tmp_path / "folder") as made:
        yield made


def rich(path: Path, *, formulas: bool = False) -> Path:
    """A workbook with everything that a library may lose; macros if it is named so."""
    picture = path.parent / "logo.png"
    Image.new("RGB", (20, 10), "red").save(picture)
    book: Any = import_module("xlsxwriter").Workbook(str(path))
    data, other = book.add_worksheet("Data"), book.add_worksheet("Other sheet")
    data.write_row(0, 0, ["Name", "Amount", "Kind"])
    for row in range(1, 9):
        data.write_row(row, 0, [f"n{row}", row * 1.5, "AB"[row % 2]])
    if formulas:
        data.write_formula("B10", "=SUM(B2:B9)", None, 54)
        other.write_formula("A1", "='Data'!B10*2", None, 108)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Data!$B$2:$B$9", "categories": "=Data!$A$2:$A$9"})
    data.insert_chart("F2", chart)
    data.insert_image("F20", str(picture))
    data.write_comment("A2", "a note")
    data.conditional_format("B2:B9", {"type": "data_bar", "data_bar_2010": True})
    data.data_validation("C2:C9", {"validate": "list", "source": ["A", "B"]})
    data.add_sparkline("D2", {"range": "Data!B2:B9"})
    data.insert_textbox("H20", "a shape")
    other.add_table("C3:D6", {"name": "Things", "columns": [{"header": "a"}, {"header": "b"}]})
    other.merge_range("F1:G2", "wide", book.add_format({"bold": True}))
    other.write_url("A3", "https://example.org")
    book.define_name("Amounts", "=Data!$B$2:$B$9")
    if path.suffix == ".xlsm":
        macros = path.parent / "vbaProject.bin"
        macros.write_bytes(os.urandom(2_000))
        book.add_vba_project(str(macros))
    book.close()
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("customXml/item1.xml", "<own xmlns='urn:x'>kept</own>")
        file.writestr("xl/revisions/revisionHeaders.xml", "<headers/>")
    return path


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("name", ["rich.xlsx", "rich.xlsm"])
async def test_one_cell_is_changed_and_every_other_part_stays_byte_for_byte(room: Room, name: str) -> None:
    path = rich(room.folder.path / name)
    before = parts(path)
    reply = await edit(room, name, do("set_cells", sheet="Data", at="B3", rows=[[99]]))
    after = parts(path)
    assert not reply.failed, reply.text
    assert list(after) == list(before)
    assert [part for part in before if before[part] != after[part]] == ["xl/worksheets/sheet1.xml"]
    assert loaded(path)["Data"]["B3"].value == 99
    assert ("macros" in reply.text) == (name == "rich.xlsm")


async def test_in_the_changed_sheet_all_other_cells_and_elements_stay(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    before = parts(path)["xl/worksheets/sheet1.xml"]
    await edit(room, "rich.xlsx", do("set_cells", sheet="Data", at="B3", rows=[[99]]))
    after = parts(path)["xl/worksheets/sheet1.xml"]
    rows = [part.partition(b"</row>")[0] for part in before.split(b"<row ")[1:]]
    changed = [part.partition(b"</row>")[0] for part in after.split(b"<row ")[1:]]
    assert [n for n, (one, other) in enumerate(zip(rows, changed, strict=True)) if one != other] == [2]
    assert before.partition(b"</sheetData>")[2] == after.partition(b"</sheetData>")[2]


async def test_a_look_changes_only_the_sheet_and_the_styles(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    before = parts(path)
    await edit(room, "rich.xlsx", do("format", sheet="Data", cells="A1:C1", look=look(bold=True, fill="accent1")))
    after = parts(path)
    assert [part for part in before if before[part] != after[part]] == ["xl/worksheets/sheet1.xml", "xl/styles.xml"]
    assert loaded(path)["Data"]["B1"].font.b


async def test_results_are_taken_over_into_other_sheets_and_nothing_else(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx", formulas=True)
    before = parts(path)
    reply = await edit(room, "rich.xlsx", do("set_cells", sheet="Data", at="B2", rows=[[101.5]]))
    after = parts(path)
    changed = {part for part in before if before[part] != after[part]}
    assert changed == {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"}
    assert "2 results changed, no errors" in reply.text
    assert loaded(path, data_only=True)["Other sheet"]["A1"].value == 308


async def test_results_that_libreoffice_cannot_know_stay(room: Room) -> None:
    """Functions of macros and add-ins, what newer functions fill, and references that it does not read."""
    path = room.folder.path / "own.xlsx"
    book: Any = import_module("xlsxwriter").Workbook(str(path))
    sheet, year = book.add_worksheet("Jan 24"), book.add_worksheet("Year")
    sheet.write_column(0, 0, [1, 2, 3])
    sheet.write_dynamic_array_formula("C1:C3", "=SORT(A1:A3,,-1)", None, 3)
    sheet.write_column(1, 2, [2, 1])
    year.write_formula("A1", "=MYTAX(1)", None, 12.5)
    year.write_formula("A2", "=IFERROR(A1,0)*2", None, 25)
    year.write_formula("A3", "=SUM('Jan 24:Year'!A9)+7", None, 7)
    year.write_formula("A4", "=SUM('Jan 24'!C2:C3)", None, 3)
    year.write_formula("A5", "='Jan 24'!A1+1", None, 0)
    book.close()
    reply = await edit(room, "own.xlsx", do("set_cells", sheet="Jan 24", at="A1", rows=[[5]]))
    assert "3 formulas are beyond LibreOffice" in reply.text and "2 that depend on them" in reply.text, reply.text
    found = loaded(path, data_only=True)
    assert [cell.value for cell in found["Year"]["A"]] == [12.5, 25, 7, 3, 6]
    assert [cell.value for cell in found["Jan 24"]["C"]] == [3, 2, 1]


@pytest.mark.slow
async def test_strict_open_xml_is_converted_when_that_is_agreed(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    was, now = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    strict = {
        name: data.replace(was + b"spreadsheetml/2006/main", now + b"spreadsheetml/main")
        .replace(was + b"officeDocument/2006/relationships", now + b"officeDocument/relationships")
        for name, data in parts(path).items() if name.endswith((".xml", ".rels"))
    }  # fmt: skip
    with Package.open(path, "rich") as package:
        package.save(room.folder.path / "strict.xlsx", strict)
    told = await edit(room, "strict.xlsx", do("set_cells", sheet="Data", at="B3", rows=[[99]]))
    assert told.failed and "accept_loss" in told.text
    agreed = await edit(room, "strict.xlsx", do("set_cells", sheet="Data", at="B3", rows=[[99]]), accept_loss=True)
    assert not agreed.failed and loaded(room.folder.path / "strict.xlsx")["Data"]["B3"].value == 99


async def test_rows_come_in_and_everything_that_refers_to_cells_follows(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx", formulas=True)
    reply = await edit(room, "rich.xlsx", do("insert", sheet="Data", cells="2:4"))
    assert "0 results changed, no errors" in reply.text, reply.text
    book, found = loaded(path), parts(path)
    data = book["Data"]
    assert data["B13"].value == "=SUM(B5:B12)"
    assert book["Other sheet"]["A1"].value.replace("'", "") == "=Data!B13*2"
    assert data["A5"].comment is not None and data["A2"].comment is None
    assert [str(each.sqref) for each in data.data_validations.dataValidation] == ["C5:C12"]
    assert [str(each.sqref) for each in data.conditional_formatting] == ["B5:B12"]
    assert book.defined_names["Amounts"].attr_text == "Data!$B$5:$B$12"
    assert b"Data!$B$5:$B$12" in found["xl/charts/chart1.xml"]
    assert b"<xdr:row>4</xdr:row>" in found["xl/drawings/drawing1.xml"]
    sheet = found["xl/worksheets/sheet1.xml"]
    assert b"<xm:f>Data!B5:B12</xm:f>" in sheet and b"<xm:sqref>D5</xm:sqref>" in sheet


async def test_a_pivot_table_stays_when_cells_elsewhere_change(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    made = await edit(
        room, "rich.xlsx", do("add_sheet", name="P"),
        do("pivot", sheet="P", at="A1", source="Data!A1:C9", rows=["Kind"], values=[measure("Amount")]),
    )  # fmt: skip
    assert not made.failed, made.text
    before = parts(path)
    await edit(room, "rich.xlsx", do("set_cells", sheet="Other sheet", at="A9", rows=[["x"]]))
    after = parts(path)
    assert [part for part in before if before[part] != after[part]] == ["xl/worksheets/sheet2.xml"]
    sheet: Any = loaded(path)["P"]
    assert [each.name for each in sheet._pivots] == ["PivotTable1"]
    torn = await edit(room, "rich.xlsx", do("insert", sheet="Data", cells="B:B"))
    assert torn.failed and "source of a pivot table" in torn.text and parts(path) == after


async def test_all_operations_or_none(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    before = path.read_bytes()
    reply = await edit(
        room, "rich.xlsx", do("set_cells", sheet="Data", at="A1", rows=[["x"]]), do("delete_sheet", sheet="None")
    )  # fmt: skip
    assert reply.failed and "Operation 2 (delete_sheet)" in reply.text and "Nothing was changed" in reply.text
    assert path.read_bytes() == before
    assert sorted(each.name for each in room.folder.path.iterdir()) == ["logo.png", "rich.xlsx"]


async def test_a_file_that_somebody_else_has_changed_is_not_written_over(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    room.folder.note(path)
    await anyio.sleep(0.01)
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(1, 1))
    reply = await edit(room, "rich.xlsx", do("set_cells", sheet="Data", at="A1", rows=[["x"]]))
    assert reply.failed and "has been changed since you looked" in reply.text


async def test_losses_are_told_before_anything_is_written(room: Room) -> None:
    path = rich(room.folder.path / "rich.xlsx", formulas=True)
    before = path.read_bytes()
    reply = await edit(room, "rich.xlsx", do("delete_sheet", sheet="Data"))
    assert reply.failed and "become #REF!" in reply.text and "accept_loss" in reply.text
    assert path.read_bytes() == before
    agreed = await edit(room, "rich.xlsx", do("delete_sheet", sheet="Data"), accept_loss=True)
    assert not agreed.failed and "Other sheet!A1 #REF!" in agreed.text
    assert loaded(path).sheetnames == ["Other sheet"]


async def test_a_disk_that_is_full_or_a_folder_that_is_read_only(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rich(room.folder.path / "rich.xlsx")
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.office.spreadsheets.saving.shutil.copyfile", full)
    reply = await edit(room, "new.xlsx", do("set_cells", sheet="A", at="A1", rows=[["x"]]))
    assert reply.failed and "disk is full" in reply.text
    assert path.read_bytes() == before and not (room.folder.path / "new.xlsx").exists()
