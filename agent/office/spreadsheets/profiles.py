"""What stands in a column, in one line: types, empty cells, how many different values, from where to where."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from agent.office.spreadsheets.parsing import read_date, read_money, read_number
from agent.office.spreadsheets.values import is_date_format, shown

MOST_DISTINCT: Final = 1_000
_FEW: Final = 8  # different texts that are all named
_TEXT_LIKE = 400  # texts of a column that are tried as numbers and dates
_DIGIT = re.compile(r"\d")


@dataclass
class Profile:
    """Counts while values come; `line` tells them."""

    header: str = ""
    kinds: Counter[str] = field(default_factory=Counter[str])
    values: Counter[str] = field(default_factory=Counter[str])
    many: bool = False
    formulas: int = 0
    least: float | None = None
    most: float | None = None
    date_code: str = ""
    longest: int = 0
    padded: int = 0
    _tried: int = 0

    def add(self, kind: str, value: str, code: str, formula: bool) -> None:
        """One cell that is not empty."""
        self.formulas += formula
        if kind == "number":
            kind = self._number(value, code)
        elif kind == "text":
            self._text(value)
        self.kinds[kind] += 1
        if not self.many:
            self.values[value[:80]] += 1
            if len(self.values) > MOST_DISTINCT:
                self.many = True

    def _number(self, value: str, code: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return "number"
        self.least = number if self.least is None else min(self.least, number)
        self.most = number if self.most is None else max(self.most, number)
        if is_date_format(code):
            self.date_code = code
            return "date"
        return "number"

    def _text(self, value: str) -> None:
        self.longest = max(self.longest, len(value))
        if value != value.strip() or "  " in value:
            self.padded += 1
        if self._tried < _TEXT_LIKE and _DIGIT.search(value):
            self._tried += 1
            if read_number(value) is not None or read_number(value, ",") is not None:
                self.kinds["text like a number"] += 1
            elif read_date(value) is not None or read_date(value, "dmy") is not None or read_date(value, "mdy"):
                self.kinds["text like a date"] += 1
            elif read_money(value) is not None or read_money(value, ",") is not None:
                self.kinds["text like money"] += 1

    def line(self, empty: int, from_1904: bool) -> str:
        """All of it."""
        if not self.kinds:
            return "empty"
        parts = [", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common())]
        parts += [f"{self.formulas} formulas"] if self.formulas else []
        parts += [f"{empty} empty"] if empty > 0 else []
        parts.append(f"over {MOST_DISTINCT} different" if self.many else f"{len(self.values)} different")
        parts += self._range(from_1904)
        parts += [f"{self.padded} with stray spaces"] if self.padded else []
        if self.kinds["text"] * 2 > sum(self.values.values()) and not self.many:
            parts.append(self._common())
        return "; ".join(part for part in parts if part)

    def _range(self, from_1904: bool) -> list[str]:
        if self.least is None or self.most is None:
            return []
        if self.date_code and self.kinds["date"] >= self.kinds["number"]:
            low, high = (shown(each, self.date_code, from_1904=from_1904) for each in (self.least, self.most))
            return [f"{low} to {high}"]
        return [f"{self.least:g} to {self.most:g}"]

    def _common(self) -> str:
        common = self.values.most_common(_FEW if len(self.values) <= _FEW else 3)
        if len(self.values) > _FEW and common[0][1] == 1:
            return ""
        return ("" if len(self.values) <= _FEW else "most: ") + ", ".join(f"{text!r} {count}" for text, count in common)
