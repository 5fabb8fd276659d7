"""References to cells as formulas write them: ranges, on one sheet or through several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, column_number, letters

_CELL = r"(\$?)([A-Za-z]{1,3})(\$?)([0-9]{1,7})"
_ONE = re.compile(_CELL)
_TWO = re.compile(_CELL + ":" + _CELL)
_COLUMNS = re.compile(r"(\$?)([A-Za-z]{1,3}):(\$?)([A-Za-z]{1,3})")
_ROWS = re.compile(r"(\$?)([0-9]{1,7}):(\$?)([0-9]{1,7})")
_SHEET = re.compile(r"('(?:[^']|'')+'|[^'!\[\]]+)!(.*)", re.DOTALL)
_SAFE_NAME = re.compile(r"[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff]*")
_LIKE_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*|TRUE|FALSE", re.IGNORECASE)
GONE: Final = "#REF!"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in a formula; the marks tell which of top, left, bottom and right are absolute.

    Attributes:
        form: "cell", "range", "columns" or "rows".
        last: the last sheet of one that goes through several, as in Jan:Dec!B2; else "".
    """

    sheet: str | None
    area: Area
    marks: tuple[bool, bool, bool, bool]
    form: str
    last: str = ""

    @property
    def prefix(self) -> str:
        """The sheets with their "!"."""
        return "" if self.sheet is None else sheets_prefix(self.sheet, self.last)

    def text(self) -> str:
        """As formulas write it."""
        area, (top, left, bottom, right) = self.area, self.marks
        if self.form == "columns":
            return f"{self.prefix}{_d(left)}{letters(area.left)}:{_d(right)}{letters(area.right)}"
        if self.form == "rows":
            return f"{self.prefix}{_d(top)}{area.top}:{_d(bottom)}{area.bottom}"
        first = f"{_d(left)}{letters(area.left)}{_d(top)}{area.top}"
        if self.form == "cell" and area.height == area.width == 1:
            return self.prefix + first
        return f"{self.prefix}{first}:{_d(right)}{letters(area.right)}{_d(bottom)}{area.bottom}"


def _d(mark: bool) -> str:
    return "$" if mark else ""


def quoted(sheet: str) -> str:
    """A sheet's name as formulas write it."""
    return sheet if _is_plain(sheet) else "'" + sheet.replace("'", "''") + "'"


def _is_plain(sheet: str) -> bool:
    return bool(_SAFE_NAME.fullmatch(sheet)) and not _LIKE_CELL.fullmatch(sheet)


def sheets_prefix(first: str, last: str = "") -> str:
    """What stands before a reference to a sheet, or to all from one to another."""
    if not last:
        return f"{quoted(first)}!"
    both = f"{first}:{last}"
    return f"{both}!" if _is_plain(first) and _is_plain(last) else "'" + both.replace("'", "''") + "'!"


def split_sheets(text: str) -> tuple[str, str, str] | None:
    """First sheet, last sheet ("" where it is only one) and the rest of "Jan:Dec!B2".

    None where no sheet of this workbook is named.
    """
    match = _SHEET.fullmatch(text)
    if match is None:
        return None
    sheets = match[1][1:-1].replace("''", "'") if match[1].startswith("'") else match[1].strip()
    first, _, last = sheets.partition(":")
    return None if "[" in sheets or not first else (first, last, match[2])


@lru_cache(maxsize=50_000)
def any_reference(text: str) -> Reference | None:
    """A reference, also through several sheets; None of a name, a part of a table, or of cells elsewhere."""
    if "!" not in text:
        return _area_of(None, text, "")
    parts = split_sheets(text)
    return None if parts is None else _area_of(parts[0], parts[2], parts[1])


def read_reference(text: str) -> Reference | None:
    """A reference to cells of one sheet; None of everything else."""
    found = any_reference(text)
    return None if found is None or found.last else found


def _area_of(sheet: str | None, text: str, last: str) -> Reference | None:
    if match := _ONE.fullmatch(text):
        row, column = int(match[4]), column_number(match[2])
        marks = (bool(match[3]), bool(match[1]), bool(match[3]), bool(match[1]))
        return _checked(Reference(sheet, Area(row, column, row, column), marks, "cell", last))
    if match := _TWO.fullmatch(text):
        marks = (bool(match[3]), bool(match[1]), bool(match[7]), bool(match[5]))
        area = Area(int(match[4]), column_number(match[2]), int(match[8]), column_number(match[6]))
        return _checked(Reference(sheet, area, marks, "range", last))
    if match := _COLUMNS.fullmatch(text):
        area = Area(1, column_number(match[2]), LAST_ROW, column_number(match[4]))
        return _checked(Reference(sheet, area, (True, bool(match[1]), True, bool(match[3])), "columns", last))
    if match := _ROWS.fullmatch(text):
        area = Area(int(match[2]), 1, int(match[4]), LAST_COLUMN)
        return _checked(Reference(sheet, area, (bool(match[1]), True, bool(match[3]), True), "rows", last))
    return None


def _checked(reference: Reference) -> Reference | None:
    """Inverted ranges, B9:A1, are put right; what lies outside of a sheet is no reference."""
    area, (top, left, bottom, right) = reference.area, reference.marks
    if area.top > area.bottom:
        area, top, bottom = Area(area.bottom, area.left, area.top, area.right), bottom, top
    if area.left > area.right:
        area, left, right = Area(area.top, area.right, area.bottom, area.left), right, left
    fits = area.top > 0 and area.bottom <= LAST_ROW and area.left > 0 and area.right <= LAST_COLUMN
    return (
        Reference(reference.sheet, area, (top, left, bottom, right), reference.form, reference.last) if fits else None
    )
