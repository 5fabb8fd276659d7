"""A pivot table of four hundred sales, and a chart of it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils.cell import range_boundaries

from tests.jobs.job import Check, Job

HEADER = ("Date", "Seller", "Region", "Product", "Pieces", "Amount")
REGIONS = ("Nord", "Süd", "Öst", "Väst")
PRODUCTS = ("Lamp", "Shelf", "Table")
SELLERS = ("Ana Peña", "Bengt Åkesson", "Céline Dubois", "Dušan Novák", "Émile Roux")
COUNT = 400


def sales() -> list[tuple[datetime, str, str, str, int, float]]:
    """All rows; every region has sold every product."""
    chance = random.Random(3)
    first = datetime.fromisoformat("2025-01-02")
    return [
        (
            first + timedelta(days=chance.randrange(360)),
            chance.choice(SELLERS),
            chance.choice(REGIONS),
            chance.choice(PRODUCTS),
            chance.randrange(1, 40),
            chance.randrange(1_000, 90_000) / 100,
        )
        for _ in range(COUNT)
    ]


def make(folder: Path) -> None:
    """The workbook with one sheet."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "Sales"
    sheet.append(HEADER)
    for row in sales():
        sheet.append(row)
    for cell in sheet["A"][1:]:
        cell.number_format = "yyyy-mm-dd"
    for column, width in zip("ABCDEF", (12, 18, 10, 10, 8, 10), strict=True):
        sheet.column_dimensions[column].width = width
    book.save(folder / "sales.xlsx")


def half(folder: Path) -> None:
    """The right numbers as numbers on a new sheet, without a pivot table."""
    book = load_workbook(folder / "sales.xlsx")
    sheet = book.create_sheet("Pivot")
    for region, products in wanted().items():
        for product, amount in products.items():
            sheet.append([region, product, amount])
    book.save(folder / "sales.xlsx")


def wanted() -> dict[str, dict[str, float]]:
    """Amounts by region and product."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for _, _, region, product, _, amount in sales():
        sums[region][product] += amount
    return sums


def grade(folder: Path) -> Sequence[Check]:
    """The pivot table's fields, every number it shows, the chart of it, and the sales as they were."""
    book = load_workbook(folder / "sales.xlsx")
    values = load_workbook(folder / "sales.xlsx", data_only=True)
    rows: list[Any] = [tuple(cell.value for cell in row[:6]) for row in book["Sales"].iter_rows()]
    sheets: list[Any] = book.worksheets  # openpyxl has no public list of a sheet's pivot tables
    pivots: list[tuple[Any, Any]] = [(sheet, pivot) for sheet in sheets for pivot in sheet._pivots]
    if len(pivots) != 1:
        return [
            Check("there is another sheet", len(book.sheetnames) > 1),
            Check("there is one pivot table", False, f"there are {len(pivots)}"),
        ]
    sheet, pivot = pivots[0]
    return [
        Check("the sales are untouched", rows == [HEADER, *sales()], str(rows[:2])),
        Check("the pivot table has a sheet of its own", sheet.title != "Sales", sheet.title),
        *_fields(pivot),
        *_numbers(values[sheet.title], pivot),
        _chart(sheet),
        _beside(sheet, pivot),
    ]


def _fields(pivot: Any) -> list[Check]:
    names = [field.name for field in pivot.cache.cacheFields]
    rows = [names[field.x] for field in pivot.rowFields if field.x >= 0]
    columns = [names[field.x] for field in pivot.colFields if field.x >= 0]
    data = [(names[field.fld], field.subtotal or "sum") for field in pivot.dataFields]
    source = pivot.cache.cacheSource.worksheetSource
    whole = source.sheet == "Sales" and str(source.ref).replace("$", "") == f"A1:F{COUNT + 1}"
    return [
        Check("regions are its rows", rows == ["Region"], str(rows)),
        Check("products are its columns", columns == ["Product"], str(columns)),
        Check("it sums up the amounts", data == [("Amount", "sum")], str(data)),
        Check("it is made of all sales", whole, f"{source.sheet} {source.ref}"),
    ]


def _numbers(sheet: Any, pivot: Any) -> list[Check]:
    cells: list[list[Any]] = [[cell.value for cell in row] for row in sheet[pivot.location.ref]]
    head: list[Any] = next((row for row in cells if set(PRODUCTS) <= set(row)), list[Any]())
    columns = {product: head.index(product) for product in PRODUCTS if product in head}
    found = {row[0]: row for row in cells if row[0] in REGIONS}
    wrong = [
        (region, product)
        for region, products in wanted().items()
        for product, amount in products.items()
        if abs(_number(found, region, columns.get(product)) - amount) > 0.006
    ]
    total = sum(row[5] for row in sales())
    whole = any(isinstance(value, int | float) and abs(value - total) < 0.006 for row in cells for value in row)
    return [
        Check("every sum is right", not wrong, str(wrong[:3])),
        Check("the sum of all is there", whole, f"{total:.2f} is not"),
    ]


def _number(found: dict[str, list[Any]], region: str, column: int | None) -> float:
    value = found[region][column] if region in found and column is not None else None
    return float(value) if isinstance(value, int | float) else float("inf")


def _chart(sheet: Any) -> Check:
    """What it shows is read from the chart: LibreOffice 7.4 does not write to which pivot table a chart belongs."""
    charts: list[Any] = sheet._charts
    shown: dict[str, dict[str, float]] = {}
    for one in (series for chart in charts for series in chart.ser):
        regions = [str(point.v) for point in one.cat.strRef.strCache.pt]
        amounts = [float(point.v) for point in one.val.numRef.numCache.pt]
        shown[str(one.tx.strRef.strCache.pt[0].v)] = {r: round(a, 2) for r, a in zip(regions, amounts, strict=True)}
    sums = {p: {r: round(wanted()[r][p], 2) for r in REGIONS} for p in PRODUCTS}
    columns = len(charts) == 1 and charts[0].tagname == "barChart" and charts[0].barDir == "col"
    return Check("one column chart shows all of it", columns and shown == sums, f"{len(charts)} charts: {shown}")


def _beside(sheet: Any, pivot: Any) -> Check:
    """The chart covers nothing of the table."""
    places = [(chart.anchor._from.col, chart.anchor._from.row) for chart in sheet._charts]
    _, _, right, bottom = range_boundaries(pivot.location.ref)
    free = bool(places) and all(column >= right or row >= bottom for column, row in places)
    return Check("the chart covers nothing of the table", free, str(places))


JOB = Job(
    "pivot",
    "sales.xlsx holds the sales of a year. Make a pivot table of them on a sheet of its own: regions as rows, products "
    "as columns, the sum of Amount in the middle; and a column chart of it below. Save it as it is.",
    make,
    half,
    grade,
)
