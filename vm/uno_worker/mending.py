"""Texts in cells of an open workbook made what they mean, or parted; `book` is a `calc.Calc`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .formulas import runs
from .link import Fault, each, number_format

Operation = dict[str, Any]
NUMBERS, DATES, TEXTS = 1, 2, 4  # sheet.CellFlags
LONGEST_PATTERN, LONGEST_TEXT = 300, 5_000


def texts(book: Any, operation: Operation) -> list[list[str]]:
    """The texts of cells that are no results of formulas, column by column."""
    body = _body(book, operation)
    return [[text for _, text in _own_texts(body, at)] for at in range(body.Columns.Count if body else 0)]


def clean(book: Any, operation: Operation) -> str:
    """Put values in the place of texts: `values` of each column by the text that they stand for, as `set_cells` takes
    them. Currencies go to another column."""
    body = _body(book, operation)
    if body is None:
        return f"{operation['sheet']}!{operation['cells']}: nothing to clean"
    book.touch(body)
    told = [_clean_column(book, body, at, operation) for at in range(body.Columns.Count)]
    return f"{operation['sheet']}!{operation['cells']}: {'; '.join(told)}"


def _clean_column(book: Any, body: Any, at: int, operation: Operation) -> str:
    column = operation["columns"][at]
    found = list(_own_texts(body, at))
    if any(text not in column["values"] for _, text in found):
        raise Fault("its texts are others than they were before this call; clean them in a call of their own")
    changed = [(row, column["values"][text]) for row, text in found if column["values"][text] != text]
    rows = [row - place for place, (row, _) in enumerate(changed)]  # the same for neighbours
    for first, last in runs([(str(one), "") for one in rows]):
        top, bottom = changed[first][0], changed[last][0]
        part = body.getCellRangeByPosition(at, top, at, bottom)
        book.write(part, [[value] for _, value in changed[first : last + 1]])
    if operation["currency_to"]:
        _write_currencies(book, body, found, column["currencies"], operation["currency_to"])
    _show(book, body.getCellRangeByPosition(at, 0, at, body.Rows.Count - 1), column["format"], operation)
    shown = f"; shown as {column['format']}" if column["format"] else ""
    return f"{len(changed)} of {len(found)} texts changed{column['how']}{shown}"


def _write_currencies(book: Any, body: Any, found: list[tuple[int, str]], codes: dict[str, str], letter: str) -> None:
    sheet, top = body.getSpreadsheet(), body.getRangeAddress().StartRow
    for row, text in found:
        if codes.get(text):
            book.area(sheet, f"{letter}{top + row + 1}").getCellByPosition(0, 0).setString(codes[text])


def _show(book: Any, column: Any, code: str, operation: Operation) -> None:
    """Give the numbers a format; dates that have one keep it unless another is asked for."""
    if not code:
        return
    key = number_format(book.document, code)
    asked = operation["number_format"] is not None or operation["parse"] != "date"
    for cells in each(column.queryContentCells(NUMBERS | DATES if asked else NUMBERS)):
        cells.NumberFormat = key


def _body(book: Any, operation: Operation) -> Any:
    """The range without its header, where there is something; None for nothing."""
    sheet = book.sheet(operation["sheet"])
    area = book.area(sheet, operation["cells"])
    book.writable(sheet)
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    place, last = area.getRangeAddress(), cursor.getRangeAddress().EndRow
    top, bottom = place.StartRow + int(operation["header"]), min(place.EndRow, last)
    return sheet.getCellRangeByPosition(place.StartColumn, top, place.EndColumn, bottom) if bottom >= top else None


def _own_texts(body: Any, at: int) -> Iterator[tuple[int, str]]:
    """Rows from 0, and texts that are not results of formulas."""
    column, top = body.getCellRangeByPosition(at, 0, at, body.Rows.Count - 1), body.getRangeAddress().StartRow
    for part in each(column.queryContentCells(TEXTS)):
        start = part.getRangeAddress().StartRow - top
        for row, (text,) in enumerate(part.getDataArray(), start):
            yield row, str(text)


def split_column(book: Any, operation: Operation) -> str:
    """Parts of texts into the columns to the right, which must be empty."""
    body = _body(book, operation)
    if (body is not None and body.Columns.Count != 1) or (operation["delimiter"] is None) == (
        operation["pattern"] is None
    ):
        raise Fault("give one column, and either a delimiter or a pattern")
    parts = [_parts(str(text), operation) for (text,) in body.getDataArray()] if body is not None else []
    wide = max(map(len, parts), default=0)
    if body is None or not wide:
        return f"{operation['cells']}: nothing could be split"
    place, sheet = body.getRangeAddress(), body.getSpreadsheet()
    left, head = place.StartColumn + 1, int(operation["header"])
    target = sheet.getCellRangeByPosition(left, place.StartRow, left + wide - 1, place.EndRow)
    if target.queryContentCells(1 | 2 | 4 | 16).getCount():
        raise Fault("the columns to the right are not empty; insert columns first")
    book.touch(target)
    book.write(target, [[part or None for part in (*row, *[""] * (wide - len(row)))] for row in parts])
    told: list[str] | None = operation["names"]
    names = told[:wide] if told else []
    if head and names:
        above = place.StartRow - 1
        book.write(sheet.getCellRangeByPosition(left, above, left + len(names) - 1, above), [names])
    return f"{operation['cells']}: {wide} parts; {sum(not row for row in parts)} had none"


def _parts(text: str, operation: Operation) -> list[str]:
    if not text:
        return []
    if operation["delimiter"] is not None:
        return [part.strip() for part in text.split(operation["delimiter"] or " ")]
    try:
        match = re.search(operation["pattern"][:LONGEST_PATTERN], text[:LONGEST_TEXT])
    except re.error as error:
        raise Fault(f"{operation['pattern']!r} is no regular expression: {error}") from None
    return [part or "" for part in (match.groups() or (match[0],))] if match else []


KNOWN: dict[str, Callable[[Any, Operation], str]] = {"clean": clean, "split_column": split_column}
