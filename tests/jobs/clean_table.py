"""A table of 5,000 orders as five people have typed it: dates, sums of money and duplicates are put in order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell

from tests.jobs.job import Check, Job

ROWS, TWICE = 5_000, 180
HEADER = ("Order", "Date", "Customer", "Amount", "Note")
FIRST = ("Anna", "Bjørn", "Chloé", "Dmitri", "Élodie", "Fatima", "Goran", "Hana", "Íris", "José")
LAST = ("Álvarez", "Brandt", "Czerny", "Dahl", "Eriksen", "Fischer", "García", "Horák", "Ivanova", "Jansen")
Order = tuple[str, date, str, Decimal, str]


def orders() -> list[Order]:
    """The truth, in the order of the table."""
    chance = random.Random(2025)
    first = date(2025, 1, 1)
    return [
        (
            f"A-{number:05}",
            first + timedelta(days=chance.randrange(360)),
            f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            Decimal(chance.randrange(100, 999_999)) / 100,
            chance.choice(("", "", "", "urgent", "call first")),
        )
        for number in range(1, ROWS + 1)
    ]


def _written(day: date, amount: Decimal, way: int) -> tuple[object, object]:
    """A date and a sum as each of the five writes them."""
    grouped = f"{amount:,.2f}"
    continental = grouped.translate(str.maketrans(",.", ".,"))
    return {
        0: (datetime.combine(day, time.min), float(amount)),
        1: (day.strftime("%Y-%m-%d"), f"€ {grouped}"),
        2: (day.strftime("%d.%m.%Y"), f"{continental} €"),
        3: (f"{day.day} {day:%B} {day.year}", f"EUR {grouped}"),
        4: (day.strftime("%Y/%m/%d"), f"{continental}"),
    }[way]


def make(folder: Path) -> None:
    """The workbook, and a second sheet that is nobody's business."""
    chance = random.Random(7)
    book = Workbook()
    sheet = book.active
    assert sheet
    sheet.title = "Orders"
    sheet.append(HEADER)
    rows: list[list[object]] = []
    for number, day, customer, amount, note in orders():
        when, money = _written(day, amount, chance.randrange(5))
        spaced = (
            f"  {customer} "
            if chance.random() < 0.2
            else customer.replace(" ", "  ")
            if chance.random() < 0.1
            else customer
        )
        rows.append([number, when, spaced, money, note or None])
    for row in chance.sample(rows, TWICE):
        rows.insert(rows.index(row) + chance.randrange(1, 40), list(row))
    for row in rows:
        sheet.append(row)
    terms = book.create_sheet("Terms")
    terms["A1"] = "Payment within 14 days."
    terms["A2"] = "=COUNTA(Orders!A:A)-1"
    book.save(folder / "orders.xlsx")


def half(folder: Path) -> None:
    """Dates are dates, and nothing else is done."""
    path = folder / "orders.xlsx"
    book = load_workbook(path)
    sheet = book["Orders"]
    known = {number: day for number, day, *_ in orders()}
    for row in range(2, sheet.max_row + 1):
        cell = sheet.cell(row, 2)
        assert isinstance(cell, Cell)
        cell.value = datetime.combine(known[str(sheet.cell(row, 1).value)], time.min)
        cell.number_format = "yyyy-mm-dd"
    book.save(path)


def grade(folder: Path) -> Sequence[Check]:
    """Every order once, as it truly is."""
    book = load_workbook(folder / "orders.xlsx")
    sheet = book["Orders"]
    found = [[cell.value for cell in row[:5]] for row in sheet.iter_rows(min_row=2) if row[0].value is not None]
    formats = {str(row[1].number_format) for row in sheet.iter_rows(min_row=2, max_row=200)}
    truth = {order[0]: order for order in orders()}
    dates = [row for row in found if not isinstance(row[1], datetime) or row[1].date() != truth[str(row[0])][1]]
    names = [row for row in found if row[2] != truth[str(row[0])][2]]
    money = [row for row in found if not isinstance(row[3], int | float) or _cents(row[3]) != truth[str(row[0])][3]]
    notes = [row for row in found if (row[4] or "") != truth[str(row[0])][4]]
    return [
        Check("each order is there once", [row[0] for row in found] == list(truth), f"{len(found)} rows"),
        Check("every date is a date", not dates, f"{len(dates)} are not: {dates[:2]}"),
        Check("dates look alike", len(formats) == 1 and "yy" in min(formats).lower(), str(formats)),
        Check("no name has spare spaces", not names, str(names[:2])),
        Check("every amount is a number", not money, f"{len(money)} are not: {money[:2]}"),
        Check("notes are untouched", not notes, str(notes[:2])),
        Check("the header is untouched", tuple(cell.value for cell in sheet[1][:5]) == HEADER),
        Check("the other sheet is untouched", book["Terms"]["A2"].value == "=COUNTA(Orders!A:A)-1"),
    ]


def _cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


JOB = Job(
    "clean-table",
    "orders.xlsx has been typed by five people. Make real dates of all dates, all shown as yyyy-mm-dd, real numbers of "
    "all amounts (they are all euros), take spare spaces out of the customers' names, and remove orders that are there "
    "twice. Leave the order of the rows and everything else as it is.",
    make,
    half,
    grade,
)
