"""Readers of a column of texts: each makes a typed value of a text, or leaves it and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.office.spreadsheets.parsing import (
    Order,
    money_format,
    read_boolean,
    read_date,
    read_money,
    read_number,
    read_percent,
)
from agent.office.spreadsheets.values import DATE, DATETIME, EMPTY, Content, serial_of, text_content


@dataclass
class Reader:
    """Reads one column.

    Attributes:
        failed: texts that could not be read, of which `example` is the first.
    """

    name: str
    convert: Callable[[str], Content | None]
    failed: int = 0
    example: str = ""

    def read(self, text: str) -> Content:
        """A value; the text itself where it cannot be read."""
        if not text.strip():
            return EMPTY
        if (found := self.convert(text)) is not None:
            return found
        self.failed += 1
        self.example = self.example or text[:60]
        return text_content(text)


def reader_for(
    kind: str, form: str | None, order: Order | None, decimal: Literal[".", ","] | None, *, from_1904: bool = False
) -> Reader:
    """A reader.

    Args:
        form: of dates as `strptime` wants it; of numbers "1.234,56" or "1,234.56".
        order, decimal: as the column's other values told.
    """
    if form and kind not in ("date", "datetime"):
        decimal = "," if form.rfind(",") > form.rfind(".") else "."
    converters: dict[str, Callable[[str], Content | None]] = {
        "number": lambda text: _number(read_number(text, decimal), ""),
        "percent": lambda text: _number(read_percent(text, decimal), "0.00%"),
        "currency": lambda text: _money(text, decimal),
        "boolean": _boolean,
        "date": lambda text: _date(text, order, form, from_1904),
        "datetime": lambda text: _date(text, order, form, from_1904),
    }
    return Reader(kind, converters.get(kind, text_content))


def _number(number: float | None, code: str) -> Content | None:
    return None if number is None else Content("number", number, code)


def _money(text: str, decimal: Literal[".", ","] | None) -> Content | None:
    money = read_money(text, decimal)
    return None if money is None else Content("number", money.amount, money_format(money.currency))


def _boolean(text: str) -> Content | None:
    found = read_boolean(text)
    return None if found is None else Content("boolean", found)


def _date(text: str, order: Order | None, form: str | None, from_1904: bool) -> Content | None:
    moment = read_date(text, order, form)
    if moment is None or moment.year < (1904 if from_1904 else 1900):
        return None
    has_time = bool(moment.hour or moment.minute or moment.second)
    return Content("number", serial_of(moment, from_1904=from_1904), DATETIME if has_time else DATE)
