"""Addresses of cells and of ranges, as people and programs write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from agent.errors import ToolFault

LAST_ROW: Final = 1_048_576
LAST_COLUMN: Final = 16_384
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")
_ROWS = re.compile(r"\$?([0-9]{1,7}):\$?([0-9]{1,7})")


@lru_cache(maxsize=20_000)
def letters(column: int) -> str:
    """ "AB" for 28."""
    out = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


@lru_cache(maxsize=20_000)
def column_number(text: str) -> int:
    """28 for "AB"."""
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number


def cell_name(row: int, column: int) -> str:
    """ "B3" for (3, 2)."""
    return f"{letters(column)}{row}"


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells; rows and columns count from 1, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        return self.right - self.left + 1

    @property
    def whole_rows(self) -> bool:
        return self.left == 1 and self.right == LAST_COLUMN

    @property
    def whole_columns(self) -> bool:
        return self.top == 1 and self.bottom == LAST_ROW

    def __contains__(self, other: Area) -> bool:
        return (
            self.top <= other.top and other.bottom <= self.bottom
            and self.left <= other.left and other.right <= self.right
        )  # fmt: skip

    def has(self, row: int, column: int) -> bool:
        """Whether a cell is in it."""
        return self.top <= row <= self.bottom and self.left <= column <= self.right

    def meets(self, other: Area) -> bool:
        """Whether they have cells in common."""
        return not (
            other.bottom < self.top or self.bottom < other.top or other.right < self.left or self.right < other.left
        )

    def common(self, other: Area) -> Area | None:
        """The cells of both."""
        if not self.meets(other):
            return None
        return Area(
            max(self.top, other.top), max(self.left, other.left),
            min(self.bottom, other.bottom), min(self.right, other.right),
        )  # fmt: skip

    def union(self, other: Area) -> Area:
        """The smallest rectangle around both."""
        return Area(
            min(self.top, other.top), min(self.left, other.left),
            max(self.bottom, other.bottom), max(self.right, other.right),
        )  # fmt: skip

    def moved(self, rows: int, columns: int) -> Area:
        """The same elsewhere."""
        return Area(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)

    def below_header(self) -> Area:
        """Without the first row."""
        return replace(self, top=self.top + 1)

    def rows(self) -> Iterator[int]:
        yield from range(self.top, self.bottom + 1)

    def columns(self) -> Iterator[int]:
        yield from range(self.left, self.right + 1)

    def __str__(self) -> str:
        if self.whole_columns and not self.whole_rows:
            return f"{letters(self.left)}:{letters(self.right)}"
        if self.whole_rows:
            return f"{self.top}:{self.bottom}"
        first = cell_name(self.top, self.left)
        return first if self.height == self.width == 1 else f"{first}:{cell_name(self.bottom, self.right)}"

    @property
    def absolute(self) -> str:
        """ "$A$1:$B$2"."""
        if self.whole_columns and not self.whole_rows:
            return f"${letters(self.left)}:${letters(self.right)}"
        if self.whole_rows:
            return f"${self.top}:${self.bottom}"
        first, last = f"${letters(self.left)}${self.top}", f"${letters(self.right)}${self.bottom}"
        return first if first == last else f"{first}:{last}"


def read_area(text: str) -> Area:
    """ "B2", "A1:D20", "A:C" or "2:5".

    Raises:
        ToolFault: it is none, or lies outside of what a sheet has.
    """
    plain = text.strip()
    if match := _COLUMNS.fullmatch(plain):
        return _checked(Area(1, column_number(match[1]), LAST_ROW, column_number(match[2])), text)
    if match := _ROWS.fullmatch(plain):
        return _checked(Area(int(match[1]), 1, int(match[2]), LAST_COLUMN), text)
    first, _, last = plain.partition(":")
    one, other = _CELL.fullmatch(first), _CELL.fullmatch(last or first)
    if one is None or other is None:
        raise ToolFault(f'{text!r} is no range of cells; write it like "B2", "A1:D20", "A:C" or "2:5".')
    return _checked(Area(int(one[2]), column_number(one[1]), int(other[2]), column_number(other[1])), text)


def read_cell(text: str) -> tuple[int, int]:
    """Row and column of "B2". Raises ToolFault."""
    match = _CELL.fullmatch(text.strip())
    if match is None:
        raise ToolFault(f'{text!r} is no cell; write it like "B2".')
    area = _checked(Area(int(match[2]), column_number(match[1]), int(match[2]), column_number(match[1])), text)
    return area.top, area.left


def areas_of(text: str) -> list[Area]:
    """Of an attribute that lists ranges, parted by spaces; what is none is left out."""
    found: list[Area] = []
    for each in text.split():
        try:
            found.append(read_area(each))
        except ToolFault:
            continue
    return found


def _checked(area: Area, text: str) -> Area:
    top, bottom = sorted((area.top, area.bottom))
    left, right = sorted((area.left, area.right))
    if top < 1 or left < 1 or bottom > LAST_ROW or right > LAST_COLUMN:
        raise ToolFault(f"{text} lies outside of a sheet, which has {LAST_ROW} rows and columns up to XFD.")
    return Area(top, left, bottom, right)
