"""The twenty actions that every loop carries out in LibreOffice Calc, on the private desktop that users get."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from actuators.actions import Action, Click, Keypress, Scroll, Type
from vm.desktop import PrivateDesktop, open_desktop

WIDTH, HEIGHT = 1920, 1080
ROWS, COLUMNS = 60, 8
NOTCH = 120  # pixels of scrolling


@dataclass(frozen=True, slots=True)
class Step:
    """One of the twenty."""

    name: str
    action: Action


STEPS = (
    Step("click a cell", Click(400, 420)),
    Step("type a formula", Type("=SUM(C2:C9)\n")),
    Step("undo", Keypress(("ctrl", "z"))),
    Step("open a menu", Click(153, 31)),
    Step("close the menu", Keypress(("escape",))),
    Step("scroll down", Scroll(700, 600, 0, 5 * NOTCH)),
    Step("scroll up", Scroll(700, 600, 0, -5 * NOTCH)),
    Step("format dialog", Keypress(("ctrl", "1"))),
    Step("close the dialog", Keypress(("escape",))),
    Step("another sheet", Click(238, 1046)),
    Step("the first sheet again", Click(169, 1046)),
    Step("context menu", Click(400, 420, "right")),
    Step("close the context menu", Keypress(("escape",))),
    Step("data menu by keys", Keypress(("alt", "d"))),
    Step("sort dialog", Keypress(("s",))),
    Step("close the sort dialog", Keypress(("escape",))),
    Step("insert a chart", Click(893, 63)),
    Step("cancel the chart", Keypress(("escape",))),
    Step("hide the sidebar", Keypress(("ctrl", "f5"))),
    Step("show the sidebar", Keypress(("ctrl", "f5"))),
)
"""They end as they began, so that they can be repeated."""


@asynccontextmanager
async def calc() -> AsyncGenerator[PrivateDesktop]:
    """A private desktop with a workbook of three sheets open in LibreOffice Calc."""
    with tempfile.TemporaryDirectory(prefix="bench-calc-") as folder:
        _write_book(Path(folder, "book.xlsx"))
        desktop = await open_desktop((WIDTH, HEIGHT), workspace=Path(folder))
        try:
            await desktop.open("book.xlsx")
            yield desktop
        finally:
            await desktop.aclose()


def _write_book(path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in range(1, ROWS + 1):
        for column in range(1, COLUMNS + 1):
            book.active.cell(row, column, f"Item {row}" if column == 1 else row * column)
    for title in ("Second", "Third"):
        book.create_sheet(title)
    book.save(path)
