"""Cells whose results cannot be worked out here, found quickly by range."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from agent.office.spreadsheets.cells import Area


class Tainted:
    """Sets of cells, by sheet, whatever the capitals of its name.

    Attributes:
        order: names of all sheets.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self.order = order
        self._rows: dict[str, dict[int, list[int]]] = {}  # by sheet and column, in order

    def add(self, sheet: str, area: Area) -> None:
        """Put cells in."""
        columns = self._rows.setdefault(sheet.casefold(), {})
        for column in area.columns():
            rows = columns.setdefault(column, [])
            for row in area.rows():
                if not rows or rows[-1] < row:
                    rows.append(row)
                elif rows[bisect_left(rows, row)] != row:
                    insort(rows, row)

    def has(self, sheet: str, row: int, column: int) -> bool:
        """Whether a cell is in it."""
        return self.meets(sheet, Area(row, column, row, column))

    def meets(self, sheet: str, area: Area) -> bool:
        """Whether a cell of a range is in it."""
        columns = self._rows.get(sheet.casefold(), {})
        for column, rows in columns.items():
            if area.left <= column <= area.right:
                at = bisect_left(rows, area.top)
                if at < len(rows) and rows[at] <= area.bottom:
                    return True
        return False
