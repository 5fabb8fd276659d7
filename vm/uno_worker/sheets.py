"""Operations on sheets, rows, columns, charts and names of an open workbook; `book` is a `calc.Calc`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import charts
from .link import Fault, box, colour, each, enum, graphic, struct, uno, url_of, values

Operation = dict[str, Any]
LOOKS = 32 | 64 | 256  # hard attributes, styles, of single letters (sheet.CellFlags)
NO_LOOKS = frozenset({
    "CellStyle", "AbsoluteName", "ConditionalFormat", "ConditionalFormatLocal", "ConditionalFormatXML", "Validation",
    "ValidationLocal", "ValidationXML", "Position", "Size", "UserDefinedAttributes", "NumberingRules", "TableBorder",
    "TableBorder2", "FormulaLocal", "FormulaResultType", "FormulaResultType2", "ChartColumnAsLabel", "ChartRowAsLabel",
})  # fmt: skip


def add_sheet(book: Any, operation: Operation) -> str:
    """A new sheet."""
    _free(book, operation["name"])
    sheets = book.document.Sheets
    sheets.insertNewByName(operation["name"], _position(operation["position"], sheets.Count))
    book.touch(sheets.getByName(operation["name"]).getCellByPosition(0, 0))
    return f"sheet {operation['name']} added"


def copy_sheet(book: Any, operation: Operation) -> str:
    """A copy of a sheet."""
    sheet = book.sheet(operation["sheet"])
    _free(book, operation["name"])
    after = sheet.getRangeAddress().Sheet + 1
    position = after if operation["position"] is None else operation["position"] - 1
    book.document.Sheets.copyByName(operation["sheet"], operation["name"], position)
    return f"sheet {operation['sheet']} copied to {operation['name']}"


def change_sheet(book: Any, operation: Operation) -> str:
    """Name, place, look of a sheet."""
    sheet, sheets = book.sheet(operation["sheet"]), book.document.Sheets
    if operation["name"] is not None and operation["name"] != sheet.Name:
        _free(book, operation["name"])
        sheet.Name = operation["name"]
    if operation["position"] is not None:
        now, wanted = sheet.getRangeAddress().Sheet, operation["position"] - 1
        sheets.moveByName(sheet.Name, wanted + 1 if wanted > now else wanted)
    if operation["colour"] is not None:
        sheet.TabColor = colour(operation["colour"])
    if operation["visible"] is not None:
        sheet.IsVisible = operation["visible"]
    if operation["active"]:
        book.touch(sheet.getCellByPosition(0, 0))
    return f"sheet {sheet.Name} changed"


def delete_sheet(book: Any, operation: Operation) -> str:
    """Remove a sheet."""
    book.sheet(operation["sheet"])
    if book.document.Sheets.Count == 1:
        raise Fault("a workbook must keep one sheet")
    book.document.Sheets.removeByName(operation["sheet"])
    book.touch(None)
    return f"sheet {operation['sheet']} deleted"


def _free(book: Any, name: str) -> None:
    if book.document.Sheets.hasByName(name):
        raise Fault(f"there is a sheet {name!r} already")


def _position(asked: int | None, count: int) -> int:
    return count if asked is None else max(0, min(asked - 1, count))


def copy_cells(book: Any, operation: Operation) -> str:
    """Copy cells; a larger target is filled with copies."""
    source = book.area(book.sheet(operation["sheet"]), operation["cells"])
    changed = {"sheet": operation["to_sheet"] or operation["sheet"], "cells": operation["to"]}
    target = book.changing(changed)
    of, to = source.getRangeAddress(), target.getRangeAddress()
    high, wide = of.EndRow - of.StartRow + 1, of.EndColumn - of.StartColumn + 1
    downs, rights = max(1, (to.EndRow - to.StartRow + 1) // high), max(1, (to.EndColumn - to.StartColumn + 1) // wide)
    if downs * rights > 10_000:
        raise Fault("that are too many copies; take a larger source")
    sheet = target.getSpreadsheet()
    for down in range(downs):
        for right in range(rights):
            corner = sheet.getCellByPosition(to.StartColumn + right * wide, to.StartRow + down * high)
            _copy(book, source, corner, operation["what"])
    return f"{operation['cells']} copied to {operation['to']}"


def _copy(book: Any, source: Any, corner: Any, what: str) -> None:
    of = source.getRangeAddress()
    if what == "all":
        corner.getSpreadsheet().copyRange(corner.getCellAddress(), of)
        return
    at = corner.getCellAddress()
    block = corner.getSpreadsheet().getCellRangeByPosition(
        at.Column, at.Row, at.Column + of.EndColumn - of.StartColumn, at.Row + of.EndRow - of.StartRow
    )
    if what == "formats":
        _copy_looks(source, block)
        return
    if what == "values":
        block.setDataArray(source.getDataArray())
        return
    for down in range(of.EndRow - of.StartRow + 1):
        for right in range(of.EndColumn - of.StartColumn + 1):
            cell, other = source.getCellByPosition(right, down), block.getCellByPosition(right, down)
            if cell.Type.value == "FORMULA":
                other.setTokens(cell.getTokens())
            else:
                other.getSpreadsheet().getCellRangeByName(other.AbsoluteName).setDataArray(
                    source.getCellRangeByPosition(right, down, right, down).getDataArray()
                )


def _copy_looks(source: Any, target: Any) -> None:
    """Styles and what is set beside them, part by part as they are alike."""
    corner = source.getRangeAddress()
    for part in each(source.CellFormatRanges):
        of = part.getRangeAddress()
        left, top = of.StartColumn - corner.StartColumn, of.StartRow - corner.StartRow
        right, bottom = of.EndColumn - corner.StartColumn, of.EndRow - corner.StartRow
        there = target.getCellRangeByPosition(left, top, right, bottom)
        there.clearContents(LOOKS)
        there.CellStyle = part.CellStyle
        for one in part.PropertySetInfo.Properties:
            if one.Name not in NO_LOOKS and part.getPropertyState(one.Name).value == "DIRECT_VALUE":
                there.setPropertyValue(one.Name, part.getPropertyValue(one.Name))


def move_cells(book: Any, operation: Operation) -> str:
    """Move cells, as cut and paste does."""
    source = book.changing(operation)
    if _whole(operation["cells"]):
        return _move_lines(book, source, operation)
    target = book.area(source.getSpreadsheet(), operation["to"]).getCellByPosition(0, 0)
    source.getSpreadsheet().moveRange(target.getCellAddress(), source.getRangeAddress())
    book.touch(target)
    return f"{operation['cells']} moved to {operation['to']}"


def _move_lines(book: Any, source: Any, operation: Operation) -> str:
    """Whole rows or columns: room is made where they go in, and closed where they were."""
    by_rows, sheet, of = _whole(operation["cells"]) == "rows", source.getSpreadsheet(), source.getRangeAddress()
    if _whole(operation["to"]) != _whole(operation["cells"]):
        raise Fault(f"`to` must name a {'row' if by_rows else 'column'}")
    to = book.area(sheet, _span(operation["to"])).getRangeAddress()
    first, last, at = (
        (of.StartRow, of.EndRow, to.StartRow) if by_rows else (of.StartColumn, of.EndColumn, to.StartColumn)
    )
    if first <= at <= last + 1:
        return f"{operation['cells']} stays where it is"
    count, lines = last - first + 1, sheet.Rows if by_rows else sheet.Columns
    lines.insertByIndex(at, count)
    first += count if at < first else 0
    span = sheet.getCellRangeByPosition(*((0, first, of.EndColumn, first + count - 1) if by_rows else
                                          (first, 0, first + count - 1, of.EndRow)))  # fmt: skip
    sizes = [_size(lines.getByIndex(first + one), by_rows) for one in range(count)]
    sheet.moveRange(
        sheet.getCellByPosition(*((0, at) if by_rows else (at, 0))).getCellAddress(), span.getRangeAddress()
    )
    for one, size in enumerate(sizes):
        lines.getByIndex(at + one).setPropertyValue("Height" if by_rows else "Width", size)
    lines.removeByIndex(first, count)
    book.touch(
        sheet.getCellByPosition(
            *((0, at if at < first else at - count) if by_rows else (at if at < first else at - count, 0))
        )
    )
    return f"{operation['cells']} moved to {operation['to']}"


def _size(line: Any, by_rows: bool) -> int:
    return int(line.Height if by_rows else line.Width)


def _span(text: str) -> str:
    """ "9:9" of "9"."""
    return text if ":" in text else f"{text}:{text}"


def insert(book: Any, operation: Operation) -> str:
    """Rows, columns, or cells that push others away."""
    area = book.changing(operation)
    mode = _whole(operation["cells"]) or operation["push"]
    if mode is None:
        raise Fault("push must be down or right")
    names = {"rows": "ROWS", "columns": "COLUMNS", "down": "DOWN", "right": "RIGHT"}
    area.getSpreadsheet().insertCells(area.getRangeAddress(), enum("sheet.CellInsertMode", names[mode]))
    return f"{operation['cells']} inserted"


def delete(book: Any, operation: Operation) -> str:
    """Rows, columns, or cells whose place others take."""
    area = book.changing(operation)
    mode = _whole(operation["cells"]) or operation["pull"]
    if mode is None:
        raise Fault("pull must be up or left")
    names = {"rows": "ROWS", "columns": "COLUMNS", "up": "UP", "left": "LEFT"}
    area.getSpreadsheet().removeRange(area.getRangeAddress(), enum("sheet.CellDeleteMode", names[mode]))
    book.touch(None)
    return f"{operation['cells']} deleted"


def _whole(cells: str) -> str | None:
    if re.fullmatch(r"\$?\d+(:\$?\d+)?", cells):
        return "rows"
    return "columns" if re.fullmatch(r"\$?[A-Za-z]{1,3}(:\$?[A-Za-z]{1,3})?", cells) else None


def name(book: Any, operation: Operation) -> str:
    """A name for cells or a formula."""
    holder = book.sheet(operation["sheet"]) if operation["sheet"] else book.document
    names, wanted = holder.NamedRanges, operation["name"]
    if names.hasByName(wanted):
        names.removeByName(wanted)
    elif operation["refers_to"] is None:
        raise Fault(f"there is no name {wanted!r}")
    if operation["refers_to"] is None:
        return f"name {wanted} deleted"
    content = re.sub(r"('(?:[^']|'')+'|[\w.]+)!", r"$\1.", operation["refers_to"].removeprefix("="))
    names.addNewByName(wanted, content, struct("table.CellAddress"), 0)
    return f"name {wanted} is {content}"


def sort(book: Any, operation: Operation) -> str:
    """Sort rows."""
    area = book.changing(operation)
    fields: list[Any] = []
    for key in operation["keys"]:
        at = column(area, key["column"], header=operation["header"])
        fields.append(
            struct("table.TableSortField", Field=at, IsAscending=not key["descending"], IsCaseSensitive=False)
        )
    sequence = uno.Any("[]com.sun.star.table.TableSortField", tuple(fields))
    look = values(ContainsHeader=operation["header"], IsSortColumns=False, BindFormatsToContent=True)
    area.sort((struct("beans.PropertyValue", Name="SortFields", Value=sequence), *look))
    return f"{operation['cells']} sorted"


def column(area: Any, told: str, *, header: bool) -> int:
    """The number of a column within a range, from 0, by its letter or the text of its header."""
    place = area.getRangeAddress()
    if header:
        for at, text in enumerate(
            area.getCellRangeByPosition(0, 0, place.EndColumn - place.StartColumn, 0).getDataArray()[0]
        ):
            if str(text).strip() == told.strip():
                return at
    if re.fullmatch(r"[A-Za-z]{1,3}", told):
        at = area.getSpreadsheet().getCellRangeByName(f"{told}1").getRangeAddress().StartColumn - place.StartColumn
        if 0 <= at <= place.EndColumn - place.StartColumn:
            return at
    raise Fault(f"there is no column {told!r} in {area.AbsoluteName.replace('$', '')}")


def remove_duplicates(book: Any, operation: Operation) -> str:
    """Remove rows that are the same as an earlier one."""
    area = book.changing(operation)
    place, first = area.getRangeAddress(), int(operation["header"])
    rows = area.getDataArray()
    columns = [column(area, each_, header=operation["header"]) for each_ in operation["columns"] or ()]
    seen: set[tuple[Any, ...]] = set()
    doubles: list[int] = []
    for at, row in enumerate(rows[first:], first):
        key = tuple(row[index] for index in columns) if columns else tuple(row)
        if operation["loose"]:
            key = tuple(value.strip().casefold() if isinstance(value, str) else value for value in key)
        if key in seen:
            doubles.append(at)
        seen.add(key)
    for at in reversed(doubles):
        row = area.getCellRangeByPosition(0, at, place.EndColumn - place.StartColumn, at).getRangeAddress()
        area.getSpreadsheet().removeRange(row, enum("sheet.CellDeleteMode", "UP"))
    return f"{len(doubles)} rows removed"


def protect(book: Any, operation: Operation) -> str:
    """Protect a sheet, or end that."""
    sheet = book.sheet(operation["sheet"])
    if not operation["on"]:
        sheet.unprotect("")
        if sheet.isProtected():
            raise Fault(f"the sheet {sheet.Name} is protected with a password, which only the user has")
        return f"{sheet.Name} is not protected any more"
    for cells in operation["unlocked"] or ():
        book.area(sheet, cells).CellProtection = struct("util.CellProtection", IsLocked=False)
    sheet.protect("")
    return f"{sheet.Name} is protected"


def add_picture(book: Any, operation: Operation) -> str:
    """A picture on a sheet. Only the menu's own command can be taken back; what programs add makes Ctrl+Z crash."""
    cell = book.changing(operation, "at")
    sheet, view, size = cell.getSpreadsheet(), book.document.CurrentController, graphic(book.office, operation["file"])
    selected, active, count = view.getSelection(), view.getActiveSheet(), sheet.DrawPage.Count
    view.setActiveSheet(sheet)
    view.select(cell)
    book.office.dispatch(book.document, ".uno:InsertGraphic", FileName=url_of(operation["file"]), AsLink=False)
    view.setActiveSheet(active)
    view.select(selected)
    if sheet.DrawPage.Count != count + 1:
        raise Fault("LibreOffice does not put the picture there")
    shape = sheet.DrawPage.getByIndex(count)
    shape.setSize(box(size, operation["width"], operation["height"], 20))
    shape.setPosition(cell.Position)
    shape.Description = operation["description"] or ""
    return f"picture at {operation['at']}"


def delete_object(book: Any, operation: Operation) -> str:
    """Remove a chart, picture or shape."""
    sheet, wanted = book.sheet(operation["sheet"]), operation["name"]
    charts = sheet.Charts
    for number, chart in enumerate(list(each(charts)), 1):
        titled = chart.EmbeddedObject.HasMainTitle and chart.EmbeddedObject.Title.String == wanted
        if titled or wanted in (chart.Name, f"Chart {number}"):
            charts.removeByName(chart.Name)
            return f"{wanted} deleted"
    for shape in each(sheet.DrawPage):
        if shape.Name == wanted:
            sheet.DrawPage.remove(shape)
            return f"{wanted} deleted"
    raise Fault(f"there is no object {wanted!r} on {sheet.Name}")


KNOWN: dict[str, Callable[[Any, Operation], str]] = {
    "add_sheet": add_sheet, "copy_sheet": copy_sheet, "change_sheet": change_sheet, "delete_sheet": delete_sheet,
    "copy_cells": copy_cells, "move_cells": move_cells, "insert": insert, "delete": delete,
    "name": name, "sort": sort, "remove_duplicates": remove_duplicates, "protect": protect,
    "add_picture": add_picture, "delete_object": delete_object, "add_chart": charts.add_chart,
}  # fmt: skip
