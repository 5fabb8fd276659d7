"""Texts mended, and made dates, numbers and sums of money; what cannot be read is left and counted."""

from __future__ import annotations

import re
from typing import Any, Literal

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import Area, cell_name, column_number
from agent.office.spreadsheets.edit_data import cells_in, is_date_cell
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.operations import Clean
from agent.office.spreadsheets.parsing import (
    Order,
    decimal_of,
    order_of,
    read_boolean,
    read_date,
    read_money,
    read_number,
    read_percent,
)  # fmt: skip
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.values import DATE, DATETIME, Content, serial_of, text_content

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_MOST_TOLD = 12


def clean(job: Job, op: Clean) -> str:
    """The operation."""
    sheet = job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    body = area.below_header() if op.header else area
    if op.currency_to and area.width != 1:
        raise ToolFault("currency_to is for one column at a time. Nothing was changed.")
    done = [_clean_column(job, sheet, Area(body.top, column, body.bottom, column), op) for column in body.columns()]
    return f"{op.sheet}!{area}: " + "; ".join(done)


def _clean_column(job: Job, sheet: Sheet, area: Area, op: Clean) -> str:
    texts = [(row, str(value.value)) for row, _, cell in cells_in(sheet, area) if (value := _own_text(job, cell))]
    reading = Reading(op, [text for _, text in texts])
    changed, left = 0, list[str]()
    for row, text in texts:
        new = reading.content(text)
        if new is None:
            left.append(f"{cell_name(row, area.left)} {text[:40]!r}")
            new = text_content(reading.mended(text))
        if new.kind != "text" or new.value != text:
            job.put(sheet, row, area.left, new)
            changed += 1
        if reading.currency and op.currency_to:
            job.put(sheet, row, column_number(op.currency_to), text_content(reading.currency))
        if row % 1_000 == 0:
            sheet.rows.settle()
    formatted = _format(job, sheet, area, op)
    rest = f"; {len(left)} left as they are: {', '.join(left[:_MOST_TOLD])}{' …' if len(left) > _MOST_TOLD else ''}"
    return f"{changed} of {len(texts)} texts changed{reading.how}{rest if left else ''}{formatted}"


def _own_text(job: Job, cell: Any) -> Content | None:
    content = job.content(cell)
    return content if content.kind == "text" else None


def _format(job: Job, sheet: Sheet, area: Area, op: Clean) -> str:
    """Give all numbers of the column the number format, those that were numbers before too."""
    if op.parse in (None, "text", "boolean"):
        return ""
    code = op.number_format or {"date": DATE, "percent": "0.00%"}.get(str(op.parse), "#,##0.00")
    styles = job.book.styles
    for row, _, cell in cells_in(sheet, area):
        if job.value(cell).kind != "number" or (op.number_format is None and _fits(job, cell, str(op.parse))):
            continue
        sheet.rows.make(row)
        cell.set("s", str(styles.with_format(int(cell.get("s") or 0), code)))
    return f"; shown as {code}"


def _fits(job: Job, cell: Any, parse: str) -> bool:
    return parse == "date" and is_date_cell(job, cell)


class Reading:
    """How the texts of one column are read.

    Attributes:
        currency: of the last sum of money, "" where none was told.
        how: in words.
    """

    def __init__(self, op: Clean, texts: list[str]) -> None:
        self.op = op
        self.missing = {each.strip().casefold() for each in op.missing or ()}
        self.order: Order | None = op.order or (order_of(texts) if op.parse == "date" else None)
        self.decimal: Literal[".", ","] | None = op.decimal or (
            decimal_of(texts) if op.parse in ("number", "currency", "percent") else None
        )
        self.currency = ""
        self.how = (
            f" (order {self.order})" if self.order else f" (decimals after {self.decimal!r})" if self.decimal else ""
        )

    def mended(self, text: str) -> str:
        """The text without what is wrong with it."""
        if self.op.trim:
            text = " ".join(_INVISIBLE.sub("", text).replace("\u00a0", " ").split())
        if self.op.case:
            text = {"upper": text.upper, "lower": text.lower, "title": text.title}[self.op.case]()
        return text

    def content(self, text: str) -> Content | None:
        """What it is; None where it cannot be read."""
        self.currency = ""
        if not text.strip() or text.strip().casefold() in self.missing:
            return Content("empty") if text.strip() or self.op.trim else text_content(text)
        plain = " ".join(_INVISIBLE.sub("", text).split())
        match self.op.parse:
            case None | "text":
                return text_content(self.mended(text))
            case "date":
                return self._date(plain)
            case "currency":
                return self._money(plain)
            case "boolean":
                found = read_boolean(plain)
                return None if found is None else Content("boolean", found)
            case "percent":
                return _number(read_percent(plain, self.decimal))
            case "number":
                return _number(read_number(plain, self.decimal))

    def _date(self, text: str) -> Content | None:
        moment = read_date(text, self.order)
        if moment is None or moment.year < 1900:
            return None
        return Content("number", serial_of(moment), DATETIME if moment.hour or moment.minute or moment.second else DATE)

    def _money(self, text: str) -> Content | None:
        money = read_money(text, self.decimal) or read_money(text, None)
        if money is None:
            return None
        self.currency = money.currency
        return Content("number", money.amount)


def _number(number: float | None) -> Content | None:
    return None if number is None else Content("number", number)
