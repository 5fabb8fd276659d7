"""What an action would reach in LibreOffice, each name held against the picture."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator

import anyio
import pytest

from actuators.actions import Click, Keypress
from perception.checking import checked
from perception.find import decode
from perception.naming import SECONDS, Naming, described
from perception.screenshot import Screenshot
from perception.tree import TRUSTED, Element
from tests.support.command import wait_until
from tests.support.desk import desk, write_book
from tests.support.names import LATE, LONG, named, press, read, spot, the
from vm.desktop import PrivateDesktop

pytestmark = pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")


@pytest.fixture(scope="module")
def calc(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    folder = tmp_path_factory.mktemp("calc")
    write_book(folder)
    with desk(folder, "book.xlsx") as desktop:
        wait_until(lambda: len(read(desktop).elements) > 100, "its window", 30)
        yield desktop


def proven(desktop: PrivateDesktop, shot: Screenshot, role: str = "", window: str = "") -> Iterator[Element]:
    """What is surely where the tree says: its words, its frame or its icon are to be seen there."""
    reading, picture = read(desktop), decode(shot.image)
    parents = {element.parent for element in reading.elements}
    for element in reading.showing:
        if role in ("", element.role) and window in ("", element.window) and element.name and element.region:
            leaf = element.id not in parents and element.role != "scroll bar"
            if leaf and checked(element, picture, shot.space).confidence > TRUSTED:
                yield element


def judged(desktop: PrivateDesktop, naming: Naming, shot: Screenshot, window: str = "") -> tuple[list[str], list[str]]:
    """The names that are right, and those that are wrong; empty ones are neither."""
    right, wrong = list[str](), list[str]()
    for element in proven(desktop, shot, window=window):
        target = naming.at(*spot(element), seconds=LONG)
        if target.name == element.name:
            right.append(element.name)
        elif target.name:
            wrong.append(f"{element.role} {element.name} at {spot(element)}: {described(target)}")
    return right, wrong


def test_names_in_libreoffice_are_right_or_empty(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        shot = anyio.run(calc.screenshot)
        right, wrong = judged(calc, naming, shot)
        assert not wrong
        assert len(right) >= 60
        assert {"Save", "Bold", "File"} <= set(right)


def test_names_in_a_menu_of_libreoffice(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        shot = press(calc, Click(*spot(the(read(calc), "menu", "File"))))
        try:
            assert naming.in_front(seconds=LONG).role == "menu"
            items = list(proven(calc, shot, "menu item"))
            assert len(items) >= 8
            for item in items:
                target = naming.at(*spot(item), seconds=LONG)
                assert (target.role, target.name) == ("menu item", item.name)
                assert target.window.startswith("book.xlsx")
        finally:
            press(calc, Keypress(("escape",)), Keypress(("escape",)))


def test_names_in_a_dialog_of_libreoffice(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        shot = press(calc, Keypress(("ctrl", "1")))
        try:
            right, wrong = judged(calc, naming, shot, "Format Cells")
            assert not wrong
            assert {"OK", "Cancel", "Reset"} <= set(right)
            ok = naming.at(*spot(the(read(calc), "push button", "OK")), seconds=LONG)
            assert described(ok) == '"OK" (push button) in "Format Cells"'
        finally:
            press(calc, Keypress(("escape",)))


def test_the_cell_that_a_click_selects_is_named_before(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        for x, y in ((100, 300), (400, 420), (700, 250)):
            target = naming.at(x, y, seconds=LONG)
            assert target.role == "table cell"
            press(calc, Click(x, y))
            shown = [e.text for e in read(calc).showing if e.role == "text"]
            assert target.name in shown, "the name box tells the cell, too"


def test_the_limit_is_kept(calc: PrivateDesktop) -> None:
    places = [spot(e) for e in read(calc).showing if e.region and e.role.endswith("button")]
    with named(calc) as naming:
        naming.at(*places[0], seconds=LONG)
        took: list[float] = []
        windows: list[str] = []
        for place in places:
            began = time.monotonic()
            windows.append(naming.at(*place).window)
            took.append(time.monotonic() - began)
    assert any(window.startswith("book.xlsx") for window in windows)
    assert sorted(took)[int(0.95 * len(took))] < SECONDS + LATE / 3


def test_asking_changes_nothing_on_the_screen(calc: PrivateDesktop) -> None:
    place = spot(the(read(calc), "toggle button", "Bold"))
    with named(calc) as naming:
        naming.at(*place, seconds=LONG)
        anyio.run(calc.screenshot)
        for _ in range(20):
            naming.at(*place, seconds=LONG)
        after = anyio.run(calc.screenshot)
    assert after.changed == 0.0
