"""Values of a range of a workbook or a CSV file, for tables, charts and letters of another document."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.formats import FAMILY, examine
from agent.office.libreoffice import Office
from agent.office.ranges import CellRange

Value: TypeAlias = str | float | int | bool | datetime.datetime | datetime.date | datetime.time | None
MOST_CELLS = 200_000
_BROKEN = (KeyError, ValueError, TypeError, OSError, EOFError, SyntaxError, IndexError, AttributeError)


@dataclass(frozen=True)
class Grid:
    """A rectangle of cells, by rows: what they hold, and what they show."""

    values: Sequence[Sequence[Value]]
    texts: Sequence[Sequence[str]]


async def read_grid(office: Office, path: Path, name: str, cells: CellRange) -> Grid:
    """Read a range.

    Raises:
        ToolFault: it is no workbook, there is no such sheet or range, it is empty or too large.
    """
    kind = await anyio.to_thread.run_sync(examine, path, name)
    if FAMILY[kind] != "spreadsheet" and not (kind == "text" and path.suffix.lower() in (".csv", ".tsv", ".txt")):
        raise ToolFault(f"{name} is no workbook or CSV file. Nothing was changed.")
    if kind in ("csv", "text"):
        return await anyio.to_thread.run_sync(_from_csv, path, name, cells)
    if kind not in ("xlsx", "xlsm", "xltx", "xltm"):
        path = await _converted(office, path)
    grid, known = await anyio.to_thread.run_sync(_from_book, path, name, cells)
    if not known:
        grid, _ = await anyio.to_thread.run_sync(_from_book, await _converted(office, path), name, cells)
    return grid


async def _converted(office: Office, path: Path) -> Path:
    """A copy with every formula worked out."""
    target = office.scratch / f"{path.stem[:60]}.values.xlsx"
    await office.convert(path, target)
    return target


def _from_csv(path: Path, name: str, cells: CellRange) -> Grid:
    text = _decoded(path)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    left, top, right, bottom = bounds(cells.cells)
    rows = [row[left - 1 : right] for row in csv.reader(text.splitlines(), dialect)][top - 1 : bottom]
    rows = [row for row in rows if any(row)]
    if not rows or sum(len(row) for row in rows) > MOST_CELLS:
        raise ToolFault(f"{name} has no cells there, or more than {MOST_CELLS}. Nothing was changed.")
    width = max(len(row) for row in rows)
    texts = [[*row, *[""] * (width - len(row))] for row in rows]
    return Grid([[_number(text) for text in row] for row in texts], texts)


def _decoded(path: Path) -> str:
    data = path.read_bytes()[: 64 << 20]
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _number(text: str) -> Value:
    plain = text.strip().replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text.strip()) else text.strip()
    try:
        return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", plain) else text
    except ValueError:
        return text


def _from_book(path: Path, name: str, cells: CellRange) -> tuple[Grid, bool]:
    """The grid, and whether all of its formulas have a value."""
    rows = _rows(path, name, cells, values=True)
    if not any(cell.value is not None for row in rows for cell in row):
        formulas = _rows(path, name, cells, values=False)
        if not any(cell.value is not None for row in formulas for cell in row):
            raise ToolFault(f"{name}: the range {cells.cells or 'used'} is empty. Nothing was changed.")
    while rows and all(cell.value is None for cell in rows[-1]) and not cells.cells:
        rows.pop()
    known = all(cell.value is not None for row in rows for cell in row) or not _has_formulas(path, name, cells)
    values = [[cell.value for cell in row] for row in rows]
    return Grid(values, [[shown(cell.value, cell.number_format) for cell in row] for row in rows]), known


def _has_formulas(path: Path, name: str, cells: CellRange) -> bool:
    """Whether a formula of the range has no value."""
    values = _rows(path, name, cells, values=True)
    formulas = _rows(path, name, cells, values=False)
    return any(
        one.value is None and isinstance(other.value, str) and other.value.startswith("=")
        for row, others in zip(values, formulas, strict=False)
        for one, other in zip(row, others, strict=False)
    )


def _rows(path: Path, name: str, cells: CellRange, *, values: bool) -> list[Any]:
    import openpyxl

    book: Any = None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=values, keep_links=False)
        return list(_bounded(_sheet(book, name, cells), name, cells))
    except _BROKEN as error:
        raise ToolFault(f"{name} cannot be read: {error}. Nothing was changed.") from None
    finally:
        if book is not None:
            book.close()


def _bounded(sheet: Any, name: str, cells: CellRange) -> Iterator[Any]:
    left, top, right, bottom = bounds(cells.cells)
    count = 0
    for row in sheet.iter_rows(top, bottom, left, min(right or sheet.max_column or 1, 16_384)):
        count += len(row)
        if count > MOST_CELLS:
            raise ToolFault(f"{name}: the range has more than {MOST_CELLS} cells. Nothing was changed.")
        yield row


def _sheet(book: Any, name: str, cells: CellRange) -> Any:
    if cells.sheet is None:
        return book.worksheets[0]
    if cells.sheet not in book.sheetnames:
        raise ToolFault(
            f"{name} has no sheet {cells.sheet!r}; it has {', '.join(book.sheetnames)}. Nothing was changed."
        )
    return book[cells.sheet]


def bounds(cells: str | None) -> tuple[int, int, int | None, int | None]:
    """Left, top, right and bottom of a range, from 1; None for as far as there is something.

    Raises:
        ToolFault: it is no range.
    """
    if not cells:
        return 1, 1, None, None
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})(?::\$?([A-Za-z]{1,3})\$?(\d{1,7}))?", cells.strip())
    if not found:
        raise ToolFault(f'cells must be a range like "A1:D9", not {cells!r}. Nothing was changed.')
    left, top, right, bottom = found.groups()
    a, b, c, d = _column(left), int(top), _column(right or left), int(bottom or top)
    return min(a, c), max(min(b, d), 1), max(a, c), max(b, d)


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def shown(value: Any, number_format: str | None) -> str:
    """A value as the cell shows it, for the common formats."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime) and value.time() != datetime.time():
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.date):
        return value.strftime("%Y-%m-%d")
    return _number_shown(value, number_format or "General") if isinstance(value, int | float) else str(value)


def _number_shown(value: float, number_format: str) -> str:
    plain = re.sub(r"\[[^\]]*\]|_.|\*.|\\", "", number_format.partition(";")[0])
    digits = re.search(r"[#0,]*[#0](?:\.([0#]+))?", plain)
    if not digits:
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    percent = "%" in plain
    places = len(digits[1] or "")
    body = f"{abs(value * (100 if percent else 1)):{',' if ',' in digits[0] else ''}.{places}f}"
    text = plain[: digits.start()] + body + plain[digits.end() :]
    currency = re.search(r"\[\$([^\]-]*)", number_format)
    text = (currency[1] if currency and currency[1] not in text else "") + text.replace('"', "").strip()
    return f"-{text}" if value < 0 and float(body.replace(",", "")) else text
