"""What naming the target of an action costs before each click, how often the name is right, and whether it disturbs.

`python -m tests.bench.bench_naming [CLICKS]`, on private desktops. Right is a name when the accessibility tree has it
there and the picture bears that out; Tk's buttons are where the program puts them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import anyio
import openpyxl

from actuators.actions import Action, Click, Keypress
from perception.checking import checked
from perception.find import decode
from perception.naming import SECONDS, Naming, open_naming
from perception.tree import TRUSTED, open_tree
from tests.bench.figure import Figure, show
from tests.support.buttons import BUTTONS, middle
from tests.support.command import wait_until
from tests.support.desk import FORM, desk
from vm.desktop import PrivateDesktop

CLICKS = 20
PROGRAM = f"/usr/bin/python3 {Path(__file__).parents[1] / 'support' / 'buttons.py'}"
PAGE = """<!doctype html><title>Shop</title><body style="font:20px sans-serif"><h1>Shop</h1>""" + "".join(
    f'<p><a href="#{n}">Offer {n}</a> <button style="font-size:20px">Buy {n}</button></p>' for n in range(1, 9)
)

Known: TypeAlias = list[tuple[str, tuple[int, int]]]
"""Names, and the points at which they are."""


def figures(clicks: int = CLICKS) -> list[Figure]:
    """Measure one program after the other."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        _write_book(Path(folder, "book.xlsx"))
        with desk(Path(folder), "book.xlsx", size=(1440, 900)) as desktop, _naming(desktop) as naming:
            found += _office(desktop, naming)
            found += _disturbance(desktop, clicks)
    Path(page := f"{tempfile.mkdtemp()}/page.html").write_text(PAGE)
    for title, target, known in (
        ("GTK window", FORM, _proven),
        ("Qt window", f"{PROGRAM} qt", _proven),
        ("Chromium, a page", page, _proven),
        ("Tk window, read from the picture", f"{PROGRAM} tk", _of_tk),
    ):
        with (
            tempfile.TemporaryDirectory() as folder,
            desk(Path(folder), target, size=(1440, 900)) as desktop,
            _naming(desktop) as naming,
        ):
            wait_until(lambda desktop=desktop, known=known: len(known(desktop)) >= len(BUTTONS), title, 20)
            found.append(_judged(title, naming, known(desktop)))
    Path(page).unlink()
    Path(page).parent.rmdir()
    return found


def _office(desktop: PrivateDesktop, naming: Naming) -> Iterator[Figure]:
    yield _judged("LibreOffice Calc, its window", naming, _proven(desktop))
    yield _focus(naming)
    file = next(point for name, point in _proven(desktop) if name == "File")
    for title, opening in (("a menu", Click(*file)), ("a dialog", Keypress(("ctrl", "1")))):
        _do(desktop, opening)
        wait_until(lambda: len(_proven(desktop)) >= len(BUTTONS), title, 20)
        yield _judged(f"LibreOffice Calc, {title}", naming, _proven(desktop))
        _do(desktop, Keypress(("escape",)))
        _do(desktop, Keypress(("escape",)))


def _judged(title: str, naming: Naming, known: Known) -> Figure:
    """Every known name once more, at the limit that sessions have."""
    naming.at(*known[0][1], seconds=2)  # the reader needs half a second to start
    took: list[float] = []
    right = empty = 0
    for name, point in known:
        began = time.perf_counter()
        target = naming.at(*point)
        took.append(time.perf_counter() - began)
        right += target.name == name
        empty += not target.name
    wrong = len(known) - right - empty
    note = f"{right} names right, {empty} empty, {wrong} wrong"
    return Figure(title, _ms(took), f"{1000 * SECONDS:.0f} ms, none wrong", _kept(took) and not wrong, note)


def _focus(naming: Naming) -> Figure:
    took: list[float] = []
    target = naming.in_front(seconds=2)
    for _ in range(20):
        began = time.perf_counter()
        naming.in_front()
        took.append(time.perf_counter() - began)
    return Figure("LibreOffice Calc, the focus", _ms(took), note=f"it is: {target.role or 'unknown'}")


def _disturbance(desktop: PrivateDesktop, clicks: int) -> Iterator[Figure]:
    """How long clicks on cells take until the screen is still, by turns with and without asking before."""
    took: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * clicks):
        asking, click = bool(number % 2), Click(120 + 75 * (5 * number % 12), 250 + 20 * (number % 20))
        space = anyio.run(desktop.screenshot).space
        if asking:
            anyio.run(desktop.target, click, space)
        began = time.perf_counter()
        anyio.run(desktop.perform, click, space)
        took[asking].append(time.perf_counter() - began)
    yield Figure("a click on a cell, settled, without asking", _ms(took[False]))
    slower = statistics.median(took[True]) - statistics.median(took[False])
    yield Figure("… with asking before (which is not counted)", _ms(took[True]), "no slower", slower < 0.02)


def _do(desktop: PrivateDesktop, action: Action) -> None:
    anyio.run(desktop.perform, action, anyio.run(desktop.screenshot).space)


def _proven(desktop: PrivateDesktop) -> Known:
    """What the tree tells, as far as its words, its frame or its icon are to be seen there."""
    shot = anyio.run(desktop.screenshot)
    picture = decode(shot.image)
    with open_tree(desktop.display) as tree:
        reading = tree.read(2)
    parents = {element.parent for element in reading.elements}
    leaves = (e for e in reading.showing if e.name and e.region and e.id not in parents and e.role != "scroll bar")
    clear = (e for e in leaves if checked(e, picture, shot.space).confidence > TRUSTED)
    return [(e.name, (e.region.center.x, e.region.center.y)) for e in clear if e.region]


def _of_tk(desktop: PrivateDesktop) -> Known:
    return [(name, middle(number)) for number, name in enumerate(BUTTONS)]


def _naming(desktop: PrivateDesktop) -> Naming:
    naming = open_naming(desktop.display, bus=desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
    naming.prepare()
    return naming


def _kept(took: Sequence[float]) -> bool:
    return _slow(took) <= SECONDS + 0.005


def _slow(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


def _ms(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms (95 %: {1000 * _slow(seconds):.0f})"


def _write_book(path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in range(1, 30):
        for column in range(1, 8):
            book.active.cell(row, column, f"Item {row * column}")
    book.save(path)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else CLICKS))
