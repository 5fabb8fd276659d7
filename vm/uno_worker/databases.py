"""Tables of an open workbook, which LibreOffice calls database ranges, and buttons to filter by; `book` is a
`calc.Calc`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .link import Fault, each, struct

Operation = dict[str, Any]
TOTALS = {"sum": 109, "average": 101, "count": 103, "max": 104, "min": 105}
NAME = re.compile(r"[^\W\d][\w.]*")


def filter_(book: Any, operation: Operation) -> str:
    """Buttons to filter by. Only the menu's own command can be taken back."""
    sheet, ranges = book.sheet(operation["sheet"]), book.document.getPropertyValue("UnnamedDatabaseRanges")
    index = sheet.getRangeAddress().Sheet
    if ranges.hasByTable(index) and ranges.getByTable(index).AutoFilter:
        there = ranges.getByTable(index).DataArea
        _toggle(
            book, sheet, sheet.getCellRangeByPosition(there.StartColumn, there.StartRow, there.EndColumn, there.EndRow)
        )
    if operation["cells"] is None:
        return f"filter of {sheet.Name} taken away"
    area = book.changing(operation)
    if area.Rows.Count < 2:
        raise Fault("a filter needs a row below its headers")
    ranges.setByTable(area.getRangeAddress())
    ranges.getByTable(index).ContainsHeader = True  # else LibreOffice may ask
    _toggle(book, sheet, area)
    return f"filter on {operation['cells']}"


def _toggle(book: Any, sheet: Any, area: Any) -> None:
    view = book.document.CurrentController
    selected, active = view.getSelection(), view.getActiveSheet()
    view.setActiveSheet(sheet)
    view.select(area)
    book.office.dispatch(book.document, ".uno:DataFilterAutoFilter")
    view.setActiveSheet(active)
    view.select(selected)


def add_table(book: Any, operation: Operation) -> str:
    """A range with headers becomes a table."""
    area, name, tables = book.changing(operation), operation["name"], book.document.DatabaseRanges
    place = area.getRangeAddress()
    _check(book, name, place)
    headers = _headers(area)
    if operation["totals"]:
        _totals(area, headers, operation["totals"])
        place.EndRow += 1
    tables.addNewByName(name, place)
    table = tables.getByName(name)
    table.ContainsHeader, table.AutoFilter = True, True
    if operation["totals"]:
        table.TotalsRow = True
    told = f"table {name} at {operation['sheet']}!{operation['cells']} with {', '.join(headers)[:300]}"
    return f"{told}; LibreOffice shows no style of tables, so make it look as it should with `format`"


def _check(book: Any, name: str, place: Any) -> None:
    tables = book.document.DatabaseRanges
    if not NAME.fullmatch(name):
        raise Fault(f"{name!r} is no name for a table: letters, digits and _ only")
    if tables.hasByName(name) or book.document.NamedRanges.hasByName(name):
        raise Fault(f"there is something named {name} already")
    if place.EndRow <= place.StartRow:
        raise Fault("a table needs a row below its headers")
    for other in each(tables):
        there = other.DataArea
        apart = there.StartRow > place.EndRow or there.EndRow < place.StartRow
        if (
            there.Sheet == place.Sheet
            and not apart
            and not (there.StartColumn > place.EndColumn or there.EndColumn < place.StartColumn)
        ):
            raise Fault(f"the cells meet the table {other.Name}")


def _headers(area: Any) -> list[str]:
    """Texts of the first row; empty ones and doubles are given names."""
    names: list[str] = []
    for at in range(area.Columns.Count):
        cell = area.getCellByPosition(at, 0)
        told = cell.String or f"Column{at + 1}"
        name, count = told, 1
        while name.casefold() in (one.casefold() for one in names):
            count += 1
            name = f"{told}{count}"
        names.append(name)
        if cell.String != name:
            cell.setString(name)
    return names


def _totals(area: Any, headers: list[str], totals: list[str]) -> None:
    if len(totals) != len(headers):
        raise Fault(f"totals has {len(totals)} entries for {len(headers)} columns")
    place, sheet = area.getRangeAddress(), area.getSpreadsheet()
    row = sheet.getCellRangeByPosition(place.StartColumn, place.EndRow + 1, place.EndColumn, place.EndRow + 1)
    if row.queryContentCells(1 | 2 | 4 | 16).getCount():
        raise Fault(f"the row of totals would write over row {place.EndRow + 2}")
    for at, kind in enumerate(totals):
        cell = row.getCellByPosition(at, 0)
        if kind == "label":
            cell.setString("Total")
        elif kind != "none":
            last = area.getCellByPosition(at, place.EndRow - place.StartRow)
            body = area.getCellRangeByPosition(at, 1, at, place.EndRow - place.StartRow)
            cell.setFormula(f"=SUBTOTAL({TOTALS[kind]};{_inner(body)})")
            if kind != "count":
                cell.NumberFormat = last.NumberFormat


def _inner(area: Any) -> str:
    """ "C2:C7"."""
    return ":".join(part.rpartition(".")[2].replace("$", "") for part in str(area.AbsoluteName).split(":"))


def change_table(book: Any, operation: Operation) -> str:
    """Name or range of a table, or plain cells again."""
    tables, wanted = book.document.DatabaseRanges, operation["table"]
    if not tables.hasByName(wanted):
        raise Fault(f"there is no table {wanted!r}; there are {', '.join(tables.ElementNames) or 'none'}")
    table = tables.getByName(wanted)
    place = table.DataArea
    sheet = book.document.Sheets.getByIndex(place.Sheet)
    book.touch(sheet.getCellRangeByPosition(place.StartColumn, place.StartRow, place.EndColumn, place.EndRow))
    if operation["remove"]:
        table.AutoFilter = False
        tables.removeByName(wanted)
        return f"table {wanted} is plain cells now"
    if operation["cells"] is not None:
        now = book.area(sheet, operation["cells"]).getRangeAddress()
        if (now.StartRow, now.StartColumn, now.EndColumn) != (place.StartRow, place.StartColumn, place.EndColumn):
            raise Fault("a table can only get more or fewer rows; for other columns insert or delete them")
        table.setDataArea(struct("table.CellRangeAddress", Sheet=place.Sheet, StartColumn=now.StartColumn,
                                 StartRow=now.StartRow, EndColumn=now.EndColumn, EndRow=now.EndRow))  # fmt: skip
    if operation["name"] is not None:
        _rename(tables, table, operation["name"])
    return f"table {operation['name'] or wanted} changed"


def _rename(tables: Any, table: Any, name: str) -> None:
    if not NAME.fullmatch(name) or tables.hasByName(name):
        raise Fault(f"a table cannot be named {name!r}")
    table.setName(name)


KNOWN: dict[str, Callable[[Any, Operation], str]] = {
    "filter": filter_, "add_table": add_table, "change_table": change_table,
}  # fmt: skip
