"""A table and a chart of a workbook are put into a deck that somebody has open before them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference

from tests.jobs.house import COLOURS, boxes, house, opened, said
from tests.jobs.job import Check, Job
from tests.jobs.looking import Pages, astray, ink, printed, share

QUARTERS = ("Q1", "Q2", "Q3", "Q4")
SALES = {
    "Nordland": (1284, 1310, 1422, 1605),
    "Öresund": (980, 1004, 917, 1131),
    "Małopolska": (640, 702, 811, 934),
    "Überlingen": (1512, 1498, 1530, 1544),
}
TITLE = "Sales review 2025"
TITLES = (TITLE, "Sales by region, in thousands of euros", "Where it grows", "What comes next")
NEXT = ("Second warehouse in Kraków by May", "Prices are looked at again in June", "Øresund: why the third quarter?")


def table() -> list[list[str]]:
    """What the table must say: header, regions, sum."""
    rows = [["Region", *QUARTERS, "Year"]]
    rows += [[region, *(f"{each:,}" for each in sold), f"{sum(sold):,}"] for region, sold in SALES.items()]
    sums = [sum(column) for column in zip(*SALES.values(), strict=True)]
    return [*rows, ["All", *(f"{each:,}" for each in sums), f"{sum(sums):,}"]]


def make(folder: Path) -> None:
    """The workbook with a table and a chart, and the deck with two slides that wait for them."""
    book().save(folder / "sales.xlsx")
    deck = house()
    for layout, title in zip(("Opening", "Title alone", "Title alone", "Text"), ("Draft", *TITLES[1:]), strict=True):
        slide = deck.slides.add_slide(next(each for each in deck.slide_layouts if each.name == layout))
        slide.shapes.title.text = title
    deck.slides[0].placeholders[1].text = "For the board, 20 January 2026"
    deck.slides[3].placeholders[1].text = "\n".join(NEXT)
    deck.save(str(folder / "review.pptx"))


def book() -> Workbook:
    """Its years and sums are formulas that nobody has worked out yet."""
    made = Workbook()
    sheet: Any = made.active
    sheet.title = "Regions"
    sheet["A1"] = "Sales 2025, in thousands of euros"
    sheet.append([])
    sheet.append(["Region", *QUARTERS, "Year"])
    for number, (region, sold) in enumerate(SALES.items(), 4):
        sheet.append([region, *sold, f"=SUM(B{number}:E{number})"])
    sheet.append(["All", *(f"=SUM({column}4:{column}7)" for column in "BCDEF")])
    for row in sheet["B4:F8"]:
        for cell in row:
            cell.number_format = "#,##0"
    chart: Any = BarChart()
    chart.add_data(Reference(sheet, min_col=2, max_col=5, min_row=3, max_row=7), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=4, max_row=7))
    sheet.add_chart(chart, "H3")
    made.create_sheet("Notes")["A1"] = "Ask Márta before these go out."
    return made


def half(folder: Path) -> None:
    """The table is there, with the figures as they are typed and no sums."""
    deck = opened(folder / "review.pptx")
    rows = table()[:-1]
    frame = deck.slides[1].shapes.add_table(len(rows), 5, 900_000, 1_900_000, 10_000_000, 3_000_000)
    for row, texts in zip(frame.table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=False):
            cell.text = text
    deck.save(str(folder / "review.pptx"))


def grade(folder: Path) -> Sequence[Check]:
    """Both are in the deck as what they are, with the workbook's figures, and all else is as it was."""
    deck = opened(folder / "review.pptx")
    slides = list(deck.slides)
    titles = [slide.shapes.title.text if slide.shapes.title else "" for slide in slides]
    tables = [
        [[cell.text for cell in row.cells] for row in frame.table.rows] for frame in _with(slides, 1, "has_table")
    ]
    charts = [frame.chart for frame in _with(slides, 2, "has_chart")]
    wanted = [(quarter, tuple(sold[at] for sold in SALES.values())) for at, quarter in enumerate(QUARTERS)]
    figures = [(series.name, tuple(series.values)) for chart in charts for series in chart.plots[0].series]
    regions = [list(chart.plots[0].categories) for chart in charts]
    points = [text for shape in _with(slides, -1, "has_text_frame") for _, text in said(shape) if text != TITLES[-1]]
    held = sorted(path.name for path in folder.iterdir())
    checks = [
        Check("the titles", titles == list(TITLES), str(titles)),
        Check("one table, with all figures as they are shown", tables == [table()], str(tables)),
        Check("one chart, with the figures", figures == wanted and regions == [list(SALES)], f"{regions} {figures}"),
        Check("its figures can be edited", all(chart.part.chart_workbook.xlsx_part for chart in charts)),
        Check("the last slide is as it was", points == list(NEXT), str(points)),
        Check("the workbook is as it was", _parts(folder / "sales.xlsx") == _again()),
        Check("nothing is left behind", held == ["review.pptx", "sales.xlsx"], str(held)),
    ]
    if all(check.ok for check in checks):
        checks += _looks(printed(folder / "review.pptx"), deck)
    return checks


def _looks(pages: Pages, deck: Any) -> list[Check]:
    pictures = pages.pictures(50)
    stray = [astray(page, boxes(slide, deck)) for page, slide in zip(pages.words, deck.slides, strict=False)]
    first, *_ = boxes(deck.slides[1], deck)
    frame = boxes(deck.slides[1], deck)[-1]
    seen = [share(pictures[2], COLOURS[f"accent{number}"]) for number in range(1, 5)] if len(pictures) == 4 else [0.0]
    return [
        Check("four pages, none blank", len(pictures) == 4 and min(map(ink, pictures)) > 0.01),
        Check("no text is outside its place", not any(stray), str(stray)),
        Check("the table is below the title and on the slide", frame[1] > first[1] and frame[3] <= 1, str(frame)),
        Check("the chart has the colours of the house", min(seen) > 0.002, str(seen)),
    ]


def _with(slides: Sequence[Any], at: int, what: str) -> list[Any]:
    return [shape for shape in slides[at].shapes if getattr(shape, what, False)]


def _parts(path: Path | io.BytesIO) -> dict[str, bytes]:
    """What a workbook holds, but for when it was written."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist() if name != "docProps/core.xml"}


def _again() -> dict[str, bytes]:
    held = io.BytesIO()
    book().save(held)
    return _parts(held)


JOB = Job(
    "table-and-chart",
    "review.pptx is open before you. Its first slide still says “Draft”; call it “Sales review 2025”. Put the table of "
    "sales.xlsx (sheet Regions, with the sums) on the second slide and its chart, the four quarters of each region, on "
    "the third, so that both can be edited there. Save it, then show me the slides once, and close it.",
    make,
    half,
    grade,
)
