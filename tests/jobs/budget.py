"""A budget from a table of figures: sums and shares as formulas, currency, a chart."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook

from tests.jobs.job import Check, Job

DEPARTMENTS = (
    "Accounts", "Archive & Library", "Cantine, Building A", "Design", "Engineering", "Fjärrvärme", "Legal",
    "Øresund Office", "Purchasing", "“Quick” Repairs", "Sales", "Warehouse",
)  # fmt: skip
HEADER = ["Department", "Q1", "Q2", "Q3", "Q4"]
ROWS = len(DEPARTMENTS)
SUM = ROWS + 2  # the row of sums


def figures() -> list[list[str]]:
    """One row for each department, as written in the file."""
    chance = random.Random(41)
    return [[name, *(f"{chance.randrange(400_000, 9_900_000) / 100:.2f}" for _ in range(4))] for name in DEPARTMENTS]


def _written() -> str:
    lines = [HEADER, *figures()]
    return "".join(",".join(f'"{word}"' if "," in word else word for word in line) + "\r\n" for line in lines)


def make(folder: Path) -> None:
    """The table as another program has put it out."""
    (folder / "spending.csv").write_bytes(_written().encode())


def half(folder: Path) -> None:
    """The figures are there, and the sums, as numbers that stay what they are."""
    book = Workbook()
    sheet: Any = book.active
    sheet.append([*HEADER, "Total", "Share"])
    for name, *quarters in figures():
        sheet.append([name, *map(float, quarters), sum(map(float, quarters))])
    book.save(folder / "budget.xlsx")


def grade(folder: Path) -> Sequence[Check]:
    """Every figure of the file, every formula and what comes out of it, how it looks, and what the chart shows."""
    sheet: Any = load_workbook(folder / "budget.xlsx").active
    values: Any = load_workbook(folder / "budget.xlsx", data_only=True).active
    amounts = [[float(word) for word in quarters] for _, *quarters in figures()]
    wanted = [[name, *row] for (name, *_), row in zip(figures(), amounts, strict=True)]
    found = [[cell.value for cell in row] for row in sheet[f"A2:E{SUM - 1}"]]
    totals = [sum(row) for row in amounts]
    checks = [
        Check("the header", [cell.value for cell in sheet[1][:7]] == [*HEADER, "Total", "Share"], str(sheet[1])),
        Check("the figures are those of the file", found == wanted, str(found[:2])),
        _formulas(sheet),
        _close("the totals are right", [values.cell(row, 6).value for row in range(2, SUM)], totals),
        _close(
            "the sums are right",
            [values.cell(SUM, column).value for column in range(2, 7)],
            [*(sum(column) for column in zip(*amounts, strict=True)), sum(totals)],
        ),
        _close(
            "the shares are right",
            [values.cell(row, 7).value for row in range(2, SUM)],
            [total / sum(totals) for total in totals],
        ),
        *_looks(sheet),
        _chart(sheet),
        Check("the file is untouched", (folder / "spending.csv").read_bytes() == _written().encode()),
    ]
    return [*checks, _printed(folder / "budget.xlsx")] if all(check.ok for check in checks) else checks


def _formulas(sheet: Any) -> Check:
    places = [*((row, 6) for row in range(2, SUM)), *((row, 7) for row in range(2, SUM))]
    places += [(SUM, column) for column in range(2, 7)]
    typed = [sheet.cell(*place).coordinate for place in places if not str(sheet.cell(*place).value).startswith("=")]
    return Check("totals, shares and sums are formulas", not typed, f"not in {typed}")


def _looks(sheet: Any) -> list[Check]:
    bold = [cell.coordinate for row in (1, SUM) for cell in sheet[row][:6] if not cell.font.b]
    money = [cell.coordinate for row in sheet[f"B2:F{SUM}"] for cell in row if "€" not in _format(cell)]
    share = [sheet.cell(row, 7).coordinate for row in range(2, SUM) if "%" not in _format(sheet.cell(row, 7))]
    plain = [cell.coordinate for row in sheet[f"A2:G{SUM - 1}"] for cell in row if cell.font.b]
    return [
        Check("the header and the sums are bold, and nothing else", not bold and not plain, f"{bold} {plain}"),
        Check("money is shown as euros", not money, str(money[:4])),
        Check("shares are shown as per cent", not share, str(share[:4])),
    ]


def _format(cell: Any) -> str:
    return str(cell.number_format)


def _chart(sheet: Any) -> Check:
    charts: list[Any] = sheet._charts
    shown = [
        str(one.val.numRef.f).replace("$", "").rpartition("!")[2].rpartition(".")[2] for c in charts for one in c.ser
    ]
    below = all(chart.anchor._from.row >= SUM for chart in charts)
    right = shown == [f"{column}2:{column}{SUM - 1}" for column in "BCDE"]
    return Check("one chart, of the quarters, below the table", right and below, f"{shown}, below: {below}")


def _printed(path: Path) -> Check:
    """On paper, the sums are there in full: what a column is too narrow for is printed as ###."""
    with tempfile.TemporaryDirectory() as scratch:
        words = ["soffice", f"-env:UserInstallation=file://{scratch}/profile", "--headless", "--convert-to", "pdf"]
        subprocess.run([*words, "--outdir", scratch, str(path)], check=True, capture_output=True, timeout=100)
        words = ["pdftotext", "-layout", f"{scratch}/budget.pdf", "-"]
        told = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
    whole = f"{sum(float(word) for row in figures() for word in row[1:]):,.2f}"
    one_page = told.count("\f") == 1
    return Check("it is printed on one page in full", one_page and whole in told and "###" not in told, told[-300:])


def _close(name: str, found: Sequence[Any], wanted: Sequence[float]) -> Check:
    near = all(isinstance(one, int | float) and abs(one - two) < 0.006 for one, two in zip(found, wanted, strict=True))
    return Check(name, near, f"{found}, and not {wanted}")


JOB = Job(
    "budget",
    "Make a budget of spending.csv and save it as budget.xlsx: the rows as they are, then a column Total and a column "
    "Share (of the whole, in per cent), and a row Sum for the quarters and the Total below. All of these as formulas. "
    "Header and sums in bold, money in euros, all columns wide enough. Below the table a chart of the quarters by "
    "department. It is to be printed on one page.",
    make,
    half,
    grade,
)
