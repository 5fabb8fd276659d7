"""The pieces that edit workbooks: formulas followed, texts read, rows as bytes, odd but allowed XML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from agent.errors import ToolFault
from agent.office.package import Package
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.csvs import form_of, rows_of
from agent.office.spreadsheets.editing import edit
from agent.office.spreadsheets.formulas import for_file, for_people, translated
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.operations import Delete, Insert, SetCells
from agent.office.spreadsheets.parsing import order_of, read_date, read_money, read_number
from agent.office.spreadsheets.sheet import column_of
from agent.office.spreadsheets.shifting import Shift, deleted, follow, inserted
from agent.office.spreadsheets.structure import moved
from agent.tools.folder import Folder
from tests.office.workbooks import loaded

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.parametrize(
    ("formula", "where", "after"),
    [
        ("SUM(A1:A5)+A$3", inserted("rows", 3, 2), "SUM(A1:A7)+A$5"),
        ("SUM(A1:A5)", inserted("rows", 6, 1), "SUM(A1:A5)"),
        ("SUM(A:A)+SUM(2:4)", inserted("rows", 3, 1), "SUM(A:A)+SUM(2:5)"),
        ("B1&Other!B1&S!$B$1", inserted("columns", 1, 1), "C1&Other!B1&S!$C$1"),
        ('IF(A9="A9",S!A9,[1]S!A9)', deleted("rows", 2, 3), 'IF(A7="A9",S!A7,[1]S!A9)'),
        ("SUM(A1:A5)*A2", deleted("rows", 2, 3), "SUM(A1:A3)*#REF!"),
        ("A5:INDEX(A:A,3)", inserted("rows", 1, 1), "A6:INDEX(A:A,3)"),
        ("A5+B5", inserted("rows", 1, 1, read_area("A1")), "A6+B5"),
        ("A1+SUM(A1:A2)+D5", moved(read_area("A1"), read_area("D5")), "D5+SUM(A1:A2)+#REF!"),
        ("Table1[Col]+LOG10(A1)+name1", inserted("rows", 1, 1), "Table1[Col]+LOG10(A2)+name1"),
    ],
)
def test_formulas_follow(formula: str, where: Callable[[Area], Area | None], after: str) -> None:
    assert follow(formula, "S", Shift("S", where)) == after


def test_formulas_are_filled_and_named_as_files_want_it() -> None:
    assert translated("A1+$A1+A$1+$A$1+'My s'!B2:C3", 2, 1) == "B3+$A3+B$1+$A$1+'My s'!C4:D5"
    assert translated("A1", 0, -1) == "#REF!"
    assert for_file("=concat(A1,Filter(B1:B9,B1:B9>1))") == "_xlfn.CONCAT(A1,_xlfn._xlws.FILTER(B1:B9,B1:B9>1))"
    assert for_file("=LET(x,A1,x*2)") == "_xlfn.LET(_xlpm.x,A1,_xlpm.x*2)"
    assert for_people(for_file("=LET(x,A1,x*2)")) == "=LET(x,A1,x*2)"
    assert for_file("=SUM(T[@Cost])") == "SUM(T[[#This Row],[Cost]])"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.56", 1234.56), ("1.234,56", 1234.56), ("1 234,5", 1234.5), ("(12)", -12), ("12-", -12), ("0,5", 0.5),
        ("1,234", None), ("1.2.3", None), ("12a", None), ("1,23,456.0", None), ("−3", -3), ("1e3", 1000),
    ],
)  # fmt: skip
def test_numbers_are_read_only_where_there_is_no_doubt(text: str, number: float | None) -> None:
    assert read_number(text) == number


def test_dates_and_money() -> None:
    def day(text: str, order: object = None) -> str | None:
        found = read_date(text, order)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return found.isoformat()[:16] if found else None

    assert day("03/04/2024") is None and day("03/04/2024", "mdy") == "2024-03-04T00:00"
    assert day("13/04/2024") == day("April 13th, 2024") == day("13. Apr 24") == "2024-04-13T00:00"
    assert day("2024-02-30") is None and day("Fri, 1 Mar 2024 2:30 pm") == "2024-03-01T14:30"
    assert order_of(["01/02/2024", "13/02/2024"]) == "dmy" and order_of(["13/02/2024", "02/13/2024"]) is None
    money = {text: read_money(text) for text in ("$1,200.50", "1.200,50 €", "-CHF 5.-", "12 apples", "£ (3.00)")}
    assert [(each.amount, each.currency) if each else None for each in money.values()] == [
        (1200.5, "USD"), (1200.5, "EUR"), (-5, "CHF"), None, (-3, "GBP"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        (b"a;b\n1,5;2\n", "utf-8", ";"), ("ä,b\n1,2\n".encode("cp1252"), "cp1252", ","),
        ("a\tb\n1\t2\n".encode("utf-16"), "utf-16", "\t"), (b'\xef\xbb\xbf"a|b",c\n"x,y",2\n', "utf-8-sig", ","),
    ],
)  # fmt: skip
def test_how_a_csv_file_is_written_is_found_out(tmp_path: Path, data: bytes, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    form = form_of(path, "a.csv")
    assert (form.encoding, form.delimiter) == (encoding, delimiter)
    with rows_of(path, "a.csv", form) as rows:
        assert [len(row) for row in rows] == [2, 2]


def _with_sheet(tmp_path: Path, sheet: str) -> Path:
    """A workbook whose only sheet is this XML."""
    Workbook().save(tmp_path / "plain.xlsx")
    with Package.open(tmp_path / "plain.xlsx", "plain.xlsx") as package:
        package.save(tmp_path / "a.xlsx", {"xl/worksheets/sheet1.xml": sheet.encode()})
    return tmp_path / "a.xlsx"


def _changed(tmp_path: Path, sheet: str, *operations: object) -> list[list[object]]:
    path = _with_sheet(tmp_path, sheet)
    with Package.open(path, "a.xlsx") as package:
        job = Job(Book(package), Folder(tmp_path))
        edit(job, list(operations))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        job.book.save(tmp_path / "b.xlsx")
    rows = loaded(tmp_path / "b.xlsx").worksheets[0].iter_rows()
    return [[cell.value for cell in row] for row in rows]


def _set(at: str, value: float) -> SetCells:
    return SetCells(do="set_cells", sheet="Sheet", at=at, rows=[[value]], types=None)


_SHARED = (
    f'<worksheet {_MAIN}><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1">'
    '<f t="shared" ref="B1:B3" si="0">A1*2</f></c></row><row r="2"><c r="B2"><f t="shared" si="0"/></c></row>'
    '<row r="3"><c r="B3"><f t="shared" si="0"/></c></row></sheetData></worksheet>'
)


def test_shared_formulas_survive_their_first_cell(tmp_path: Path) -> None:
    assert _changed(tmp_path, _SHARED, _set("B1", 7)) == [[1, 7], [None, "=A2*2"], [None, "=A3*2"]]
    delete = Delete(do="delete", sheet="Sheet", cells="1:1", pull=None)
    assert _changed(tmp_path, _SHARED, delete) == [[None, "=A1*2"], [None, "=A2*2"]]


def test_rows_and_cells_without_addresses_and_elements_with_a_prefix(tmp_path: Path) -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    bare = f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"
    assert _changed(tmp_path, bare, _set("B2", 4)) == [[1, 2], [3, 4]]
    prefixed = bare.replace("xmlns=", "xmlns:x=").replace("<", "<x:").replace("<x:/", "</x:")
    assert _changed(tmp_path, prefixed, _set("A1", 9)) == [[9, 2], [3, None]]
    nothing = f"<worksheet {_MAIN}><sheetData/></worksheet>"
    assert _changed(tmp_path, nothing, _set("B2", 4)) == [[None, None], [None, 4]]


def test_an_array_formula_is_changed_only_as_a_whole(tmp_path: Path) -> None:
    sheet = (
        f'<worksheet {_MAIN}><sheetData><row r="1"><c r="A1"><f t="array" ref="A1:A2">B1:B2*2</f><v>0</v></c></row>'
        '<row r="2"><c r="A2"><v>0</v></c></row></sheetData></worksheet>'
    )
    with pytest.raises(ToolFault, match="A1:A2 is one array formula"):
        _changed(tmp_path, sheet, _set("A2", 1))
    with pytest.raises(ToolFault, match="tear the array formula A1:A2 apart"):
        _changed(tmp_path, sheet, Insert(do="insert", sheet="Sheet", cells="2:2", push=None))


def test_entities_are_not_resolved_and_damage_is_told(tmp_path: Path) -> None:
    evil = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><worksheet {_MAIN}><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&e;</t></is></c></row></sheetData></worksheet>'
    )
    path = _with_sheet(tmp_path, evil)
    with Package.open(path, "a.xlsx") as package:
        try:
            sheet = Book(package).sheet("Sheet")
            text = [cell.xpath("string()") for cell in sheet.rows.cells(1) if column_of(cell) == 1]
        except ToolFault as fault:
            text = [str(fault)]
    assert not any(Path("/etc/hostname").read_text().strip() in each for each in text)
    with pytest.raises(ToolFault, match="damaged"):
        _changed(tmp_path, f"<worksheet {_MAIN}><sheetData><row r='1'><c></row></sheetData></worksheet>", _set("A1", 1))
