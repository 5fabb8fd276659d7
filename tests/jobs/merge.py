"""Three branches send their sales, each in its own shape; one workbook holds them all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from openpyxl import Workbook, load_workbook

from tests.jobs.job import Check, Job

BRANCHES = ("north", "south", "west")
PRODUCTS = ("Desk", "Chair", "Lamp", "Shelf", "Rug")
Sale = tuple[date, str, int, float]


def sales(branch: str) -> list[Sale]:
    """What a branch has sold."""
    chance = random.Random(branch)
    return [
        (
            date(2026, 1, 1) + timedelta(days=chance.randrange(90)),
            chance.choice(PRODUCTS),
            chance.randint(1, 9),
            chance.randrange(900, 90_000) / 100,
        )
        for _ in range(40 + 7 * BRANCHES.index(branch))
    ]


def make(folder: Path) -> None:
    """North as agreed; south with its columns in another order; west with a title above and a sum below."""
    for branch in BRANCHES:
        book = Workbook()
        sheet = book.active
        assert sheet
        sheet.title = f"Sales {branch}"
        rows = sales(branch)
        if branch == "south":
            sheet.append(["Product", "Price", "Pieces", "Date"])
            for day, product, pieces, price in rows:
                sheet.append([product, price, pieces, day])
        else:
            if branch == "west":
                sheet.append(["Sales of branch west, first quarter"])
                sheet.append([])
            sheet.append(["Date", "Product", "Pieces", "Price"])
            first = sheet.max_row + 1
            for row in rows:
                sheet.append(row)
            if branch == "west":
                sheet.append(["Sum", None, f"=SUM(C{first}:C{sheet.max_row})", None])
        book.save(folder / f"{branch}.xlsx")


def half(folder: Path) -> None:
    """North and south one below the other, as they come, without the sum."""
    book = Workbook()
    sheet = book.active
    assert sheet
    sheet.title = "All"
    sheet.append(["Branch", "Date", "Product", "Pieces", "Price", "Total"])
    for branch in BRANCHES[:2]:
        for row in sales(branch):
            sheet.append([branch, *row, None])
    book.save(folder / "all.xlsx")


def grade(folder: Path) -> Sequence[Check]:
    """Every sale once, with its branch; totals by formula, recalculated."""
    path = folder / "all.xlsx"
    sheet, values = load_workbook(path)["All"], load_workbook(path, data_only=True)["All"]
    found: list[tuple[str, Sale]] = []
    wrong = 0
    last = 1
    for row in range(2, sheet.max_row + 1):
        branch, day, product, pieces, price, _ = (values.cell(row, column).value for column in range(1, 7))
        if str(branch) not in BRANCHES:
            continue
        last = row
        assert isinstance(day, datetime) and isinstance(pieces, int) and isinstance(price, int | float)
        found.append((str(branch), (day.date(), str(product), pieces, float(price))))
        total, formula = values.cell(row, 6).value, sheet.cell(row, 6).value
        right = isinstance(total, int | float) and abs(float(total) - pieces * float(price)) < 0.005
        wrong += not (right and str(formula).startswith("="))
    truth = [(branch, sale) for branch in BRANCHES for sale in sales(branch)]
    whole = sum(pieces * price for _, (_, _, pieces, price) in truth)
    sums = [
        value
        for row in range(last + 1, sheet.max_row + 1)
        if isinstance(value := values.cell(row, 6).value, int | float)
        and str(sheet.cell(row, 6).value).startswith("=SUM")
    ]
    header = [sheet.cell(1, column).value for column in range(1, 7)]
    return [
        Check("the header", header == ["Branch", "Date", "Product", "Pieces", "Price", "Total"], str(header)),
        Check("every sale once", sorted(found) == sorted(truth), f"{len(found)} of {len(truth)}"),
        Check("in the order of the dates", [sale[0] for _, sale in found] == sorted(sale[0] for _, sale in found)),
        Check("totals are formulas and right", not wrong and bool(found), f"{wrong} are wrong"),
        Check("one sum below", len(sums) == 1 and abs(float(sums[0]) - whole) < 0.01, str(sums)),
        Check("the branches' files are there", all((folder / f"{branch}.xlsx").is_file() for branch in BRANCHES)),
    ]


JOB = Job(
    "merge",
    "Put the sales of north.xlsx, south.xlsx and west.xlsx into one sheet named All of a new workbook all.xlsx, with "
    "the columns Branch (north, south, west), Date, Product, Pieces, Price and Total (pieces times price, by formula), "
    "sorted by date, and one line below with the sum of the totals. Mind that the three differ.",
    make,
    half,
    grade,
)
