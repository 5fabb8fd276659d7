"""How long the accessibility tree of LibreOffice Calc takes, and how many of its places the picture bears out.

`python -m tests.bench.bench_tree [ROUNDS]`, on a private desktop of 1920×1080.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import openpyxl

from perception.backends.atspi_nodes import CORRECTED
from perception.checking import checked
from perception.find import Picture, decode
from perception.screenshot import Region, Screenshot
from perception.tree import TRUSTED, Element, Tree, open_tree
from tests.bench.figure import Figure, show
from tests.support.desk import desk
from vm.desktop import PrivateDesktop

ROUNDS = 40
TARGET = 0.120  # seconds
MENU_BAR = 25  # pixels by which LibreOffice errs without our correction


def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Measure, each reading with its connection made anew and on one that is there."""
    with tempfile.TemporaryDirectory() as folder:
        _write_book(Path(folder, "book.xlsx"))
        with desk(Path(folder), "book.xlsx", size=(1920, 1080)) as desktop:
            return [*_times(desktop, rounds), *_places(desktop)]


def _times(desktop: PrivateDesktop, rounds: int) -> list[Figure]:
    bus = desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
    anew: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        with open_tree(desktop.display, bus=bus) as tree:
            tree.read()
        anew.append(time.perf_counter() - began)
    with open_tree(desktop.display, bus=bus) as tree:
        reading = tree.read()
        again = [_timed(tree) for _ in range(rounds)]
    size = f"{len(reading.elements)} elements, all that are showing"
    median = statistics.median(anew)
    return [
        Figure("whole tree of LibreOffice Calc, connecting included", _ms(anew), "120 ms", median <= TARGET, size),
        Figure("the same on a connection that is there", _ms(again)),
    ]


def _timed(tree: Tree) -> float:
    began = time.perf_counter()
    tree.read()
    return time.perf_counter() - began


def _places(desktop: PrivateDesktop) -> list[Figure]:
    shot = anyio.run(desktop.screenshot)
    picture = decode(shot.image)
    with open_tree(desktop.display) as tree:
        reading = tree.read()
    drawn = [e for e in reading.showing if e.confidence == CORRECTED and e.role.endswith("button")]
    right, seconds = _proven(drawn, picture, shot)
    wrong, _ = _proven([_uncorrected(element) for element in drawn], picture, shot)
    return [
        Figure("buttons that LibreOffice draws, borne out by the picture", f"{right} of {len(drawn)}"),
        Figure("… where LibreOffice itself says that they are", f"{wrong} of {len(drawn)}", "0", wrong == 0),
        Figure("holding one against the picture", f"{1000 * seconds / max(1, len(drawn)):.1f} ms", note="mean"),
    ]


def _proven(elements: Sequence[Element], picture: Picture, shot: Screenshot) -> tuple[int, float]:
    began = time.perf_counter()
    proven = sum(checked(element, picture, shot.space).confidence > TRUSTED for element in elements)
    return proven, time.perf_counter() - began


def _uncorrected(element: Element) -> Element:
    assert element.region is not None
    region = element.region
    return replace(element, region=Region(region.left, region.top - MENU_BAR, region.width, region.height))


def _ms(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    slow = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{1000 * statistics.median(ordered):.0f} ms (95 %: {1000 * slow:.0f})"


def _write_book(path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in range(1, 40):
        for column in range(1, 8):
            book.active.cell(row, column, f"Item {row * column}")
    book.save(path)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
