"""The check of the demo's files: it must find what is missing, wrong or half done."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from ui.demo_check import BUDGET, DECK, FIGURES, HEAD, check_files, ink


def write_budget(path: Path) -> None:
    """A budget as the demo would leave it, but for the sums that only a spreadsheet program can calculate."""
    from openpyxl import Workbook
    from openpyxl.chart import BarChart, Reference
    from openpyxl.styles import Font

    book = Workbook()
    sheet: Any = book.active
    rows = [HEAD, *([name, *figures] for name, figures in FIGURES.items()), ["Total"]]
    for row in rows:
        sheet.append(row)
    for number in range(2, 6):
        sheet[f"F{number}"] = f"=SUM(B{number}:E{number})"
    for column in "BCDEF":
        sheet[f"{column}6"] = f"=SUM({column}2:{column}5)"
    for row in sheet["B2:F6"]:
        for cell in row:
            cell.number_format = "[$$-409]#,##0.00"
    for cell in (*sheet[1], *sheet[6]):
        cell.font = Font(bold=True)
    chart: Any = BarChart()
    chart.add_data(Reference(sheet, min_col=2, max_col=5, min_row=1, max_row=5), titles_from_data=True)
    sheet.add_chart(chart, "A9")
    book.save(path)


def write_deck(path: Path) -> None:
    """A deck as the demo would leave it."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck: Any = Presentation()
    texts = [("Budget", "Four departments"), ("Points", "All: $509,700\nOne\nTwo"), ("Chart",)]
    for layout, parts in zip((0, 1, 5), texts, strict=True):
        slide = deck.slides.add_slide(deck.slide_layouts[layout])
        for shape, text in zip(slide.placeholders, parts, strict=False):
            shape.text = text
    data: Any = CategoryChartData()
    data.categories = list(FIGURES)
    for name, column in zip(HEAD[1:5], zip(*FIGURES.values(), strict=True), strict=True):
        data.add_series(name, column)
    size = [Inches(n) for n in (1, 2, 8, 4)]
    deck.slides[2].shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data)
    deck.save(str(path))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files, the budget calculated and saved by LibreOffice."""
    folder = tmp_path_factory.mktemp("good")
    write_deck(folder / DECK)
    write_budget(folder / "raw.xlsx")
    profile = (folder / "profile").as_uri()
    words = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML"]
    (folder / "out").mkdir()
    subprocess.run(
        [*words, "--outdir", str(folder / "out"), str(folder / "raw.xlsx")], check=True, capture_output=True, timeout=60
    )
    (folder / "out" / "raw.xlsx").rename(folder / BUDGET)
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    """The files, to be spoilt."""
    for name in (BUDGET, DECK):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    return tmp_path


def failed(folder: Path) -> set[str]:
    return {check.name for check in check_files(folder, render=False) if not check.ok}


def spoil_budget(folder: Path, change: Callable[[Any], object]) -> set[str]:
    """The checks that fail besides the calculated sum, which openpyxl drops."""
    from openpyxl import load_workbook

    book: Any = load_workbook(folder / BUDGET)
    change(book.active)
    book.save(folder / BUDGET)
    return failed(folder) - {"the sum of all, as LibreOffice calculated it"}


def spoil_deck(folder: Path, change: Callable[[Any], object]) -> set[str]:
    from pptx import Presentation

    deck: Any = Presentation(str(folder / DECK))
    change(deck)
    deck.save(str(folder / DECK))
    return failed(folder)


def test_what_is_right_passes_and_is_rendered(good: Path) -> None:
    checks = check_files(good)
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 15
    assert {path.name for path in good.glob("*.png")} >= {"budget-1.png", "deck-1.png", "deck-2.png", "deck-3.png"}


def test_doing_nothing_fails(tmp_path: Path) -> None:
    checks = check_files(tmp_path)
    assert checks
    assert not any(check.ok for check in checks)


def test_files_that_are_no_documents_fail(tmp_path: Path) -> None:
    (tmp_path / BUDGET).write_bytes(b"PK\x03\x04 not really")
    (tmp_path / DECK).write_bytes(b"")
    assert failed(tmp_path) == {BUDGET, DECK}


def test_empty_documents_fail(tmp_path: Path) -> None:
    from openpyxl import Workbook
    from pptx import Presentation

    Workbook().save(tmp_path / BUDGET)
    Presentation().save(str(tmp_path / DECK))
    wrong = failed(tmp_path)
    assert {"header", "figures", "row of totals", "chart of the quarters", "number of slides"} <= wrong


def test_saving_again_breaks_nothing(copy: Path) -> None:
    assert spoil_budget(copy, lambda sheet: None) == set()


def set_cell(name: str, value: object) -> Callable[[Any], object]:
    return lambda sheet: sheet[name].__setattr__("value", value)


def make_light(sheet: Any) -> None:
    from openpyxl.styles import Font

    sheet["D1"].font = Font(bold=False)


def make_plain(sheet: Any) -> None:
    sheet["D3"].number_format = "0.00"


def drop_charts(sheet: Any) -> None:
    sheet._charts.clear()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (set_cell("C3", 21001), "figures"),
        (set_cell("A1", "Division"), "header"),
        (set_cell("F2", 185700), "sums of rows"),
        (set_cell("E6", 144250), "row of totals"),
        (make_light, "bold header and totals"),
        (make_plain, "currency format"),
        (drop_charts, "chart of the quarters"),
    ],
)
def test_half_a_budget_fails(copy: Path, change: Callable[[Any], object], name: str) -> None:
    assert spoil_budget(copy, change) == {name}


def test_a_budget_that_was_never_calculated_fails(copy: Path) -> None:
    spoil_budget(copy, lambda sheet: None)
    assert "the sum of all, as LibreOffice calculated it" in failed(copy)


def drop_slide(deck: Any) -> None:
    slides = deck.slides._sldIdLst
    slides.remove(slides[2])


def drop_chart(deck: Any) -> None:
    (chart,) = [shape for shape in deck.slides[2].shapes if shape.has_chart]
    chart._element.getparent().remove(chart._element)


def set_text(slide: int, placeholder: int, text: str) -> Callable[[Any], object]:
    return lambda deck: deck.slides[slide].placeholders[placeholder].__setattr__("text", text)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (drop_slide, "number of slides"),
        (drop_chart, "chart of the budget on the third slide"),
        (set_text(0, 0, ""), "title slide"),
        (set_text(1, 1, "All: $509,700\nOne"), "bullet slide"),
        (set_text(1, 1, "One\nTwo\nThree"), "bullet slide"),
        (set_text(2, 0, ""), "title of the third slide"),
    ],
)
def test_half_a_deck_fails(copy: Path, change: Callable[[Any], object], name: str) -> None:
    assert spoil_deck(copy, change) == {name}


def test_blank_pages_have_no_ink(tmp_path: Path) -> None:
    page = Image.new("RGB", (400, 300), "white")
    page.save(tmp_path / "blank.png")
    ImageDraw.Draw(page).rectangle((10, 10, 60, 40), fill="black")
    page.save(tmp_path / "drawn.png")
    assert ink(tmp_path / "blank.png") == 0
    assert 0.01 < ink(tmp_path / "drawn.png") < 0.02


def test_blank_slides_fail_the_rendering(tmp_path: Path) -> None:
    from pptx import Presentation

    deck: Any = Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(str(tmp_path / DECK))
    (check,) = [check for check in check_files(tmp_path) if check.name == f"{DECK} rendered by LibreOffice"]
    assert not check.ok
    assert "blank" in check.detail
