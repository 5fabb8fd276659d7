"""What an action would reach: real programs on real private desktops, each name held against another source."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import anyio
import openpyxl
import pytest

from actuators.actions import Action, Click, Drag, Keypress, Move, Point, TakeScreenshot, Type, Wait
from perception.backends import xnaming
from perception.checking import checked
from perception.errors import StaleTarget
from perception.find import decode
from perception.naming import SECONDS, UNKNOWN, Naming, NamingBackend, Tell, described, open_naming
from perception.screenshot import Screenshot
from perception.target import Target
from perception.tree import TRUSTED, Element, Reading, open_tree
from tests.support.buttons import BUTTONS, middle
from tests.support.command import wait_until
from tests.support.desk import FORM, desk
from tests.support.xserver import xserver
from vm import warden
from vm.desktop import PrivateDesktop

LONG = 3.0  # seconds for a name where only the name matters: other tests keep this machine busy
LATE = 0.15  # seconds by which a thread may be woken late on a busy machine
BUTTON_PROGRAM = f"/usr/bin/python3 {Path(__file__).parents[1] / 'support' / 'buttons.py'}"
PAGE = """<!doctype html><title>Shop</title><body style="margin:40px;font:24px sans-serif">
<p><a href="#there">Conditions</a></p><p><button style="font-size:24px">Buy now</button></p>
<p><label>Secret <input type="password" style="font-size:24px"></label></p>
<a href="#under" style="position:fixed;left:600px;top:0;width:300px;height:200px">Under</a>
<div style="position:fixed;left:600px;top:0;width:300px;height:200px;background:#eee"><h2>Over</h2></div>"""
office = pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    with desk(tmp_path_factory.mktemp("form"), FORM) as desktop:
        anyio.run(desktop.perform, Move(2, 2), anyio.run(desktop.screenshot).space)  # no tooltips
        yield desktop


@pytest.fixture(scope="module")
def calc(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    folder = tmp_path_factory.mktemp("calc")
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "Rent"
    book.save(folder / "book.xlsx")
    with desk(folder, "book.xlsx") as desktop:
        wait_until(lambda: len(read(desktop).elements) > 100, "its window", 30)
        yield desktop


@pytest.fixture
def naming(form: PrivateDesktop) -> Generator[Naming]:
    with named(form) as opened:
        yield opened


def named(desktop: PrivateDesktop) -> Naming:
    """Names on a desktop, connected."""
    opened = open_naming(desktop.display, bus=desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
    opened.prepare()
    return opened


def read(desktop: PrivateDesktop) -> Reading:
    with open_tree(desktop.display) as tree:
        return tree.read(LONG)


def the(reading: Reading, role: str, name: str = "", window: str = "") -> Element:
    found = [e for e in reading.showing if e.role == role and name in ("", e.name) and window in ("", e.window)]
    assert found, f"there is no {role} {name}"
    return found[0]


def awaited(desktop: PrivateDesktop, role: str, name: str, window: str) -> Element:
    """An element of a window that has only just come."""
    wait_until(lambda: any((e.name, e.window) == (name, window) for e in read(desktop).showing), window, 15)
    return the(read(desktop), role, name, window)


def spot(element: Element) -> tuple[int, int]:
    assert element.region is not None
    return element.region.center.x, element.region.center.y


def press(desktop: PrivateDesktop, *actions: Action) -> Screenshot:
    for action in actions:
        wait_until(lambda action=action: _performed(desktop, action), "a screen that nothing has come to", 10)
    return anyio.run(desktop.screenshot)


def _performed(desktop: PrivateDesktop, action: Action) -> bool:
    try:
        anyio.run(desktop.perform, action, anyio.run(desktop.screenshot).space)
    except StaleTarget:  # a tooltip has popped up
        return False
    return True


def process_of(desktop: PrivateDesktop, words: str) -> int:
    run = Path(desktop.environment["HOME"]).parent.name
    for pid in warden.marked(run):
        if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
            return pid
    raise AssertionError(f"{words} does not run")


# What everybody is promised ----------------------------------------------------------------------------------------


class Told(NamingBackend):
    """Tells a window at once, and then does what it was made for."""

    def __init__(self, then: threading.Event | Exception | None = None) -> None:
        self._then = then

    def prepare(self) -> None:
        pass

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        tell(Target(window="Window"))
        if isinstance(self._then, Exception):
            raise self._then
        if self._then is not None:
            self._then.wait(30)
        tell(Target("push button", "Save", "Window"))

    def in_front(self, deadline: float, tell: Tell) -> None:
        self.at(0, 0, deadline, tell)

    def close(self) -> None:
        if isinstance(self._then, Exception):
            raise self._then


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target("push button", "Save", "Save As", "soffice"), '"Save" (push button) in "Save As"'),
        (Target("", "Save", "", "soffice"), '"Save" in soffice'),
        (Target("text", "", "Form", ""), '(text) in "Form"'),
        (Target("", "", "Form", "x"), '"Form"'),
        (Target(), ""),
    ],
)
def test_in_words(target: Target, words: str) -> None:
    assert described(target) == words


def test_nothing_is_opened_before_the_first_question() -> None:
    running = threading.active_count()
    began = time.monotonic()
    with open_naming(":12345"):
        assert threading.active_count() == running
    assert time.monotonic() - began < LATE


def test_what_is_known_by_the_limit_is_told_and_nobody_waits_behind_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    from perception import naming as module

    monkeypatch.setattr(module, "STUCK", 0.2)
    hangs = threading.Event()
    with Naming(lambda: Told(hangs)) as naming:
        began = time.monotonic()
        assert naming.at(1, 1, seconds=0.1) == Target(window="Window")
        assert 0.1 <= time.monotonic() - began < 0.1 + LATE
        time.sleep(0.2)
        began = time.monotonic()
        assert naming.at(1, 1, seconds=5) == UNKNOWN
        assert time.monotonic() - began < LATE
        hangs.set()
        wait_until(lambda: naming.at(1, 1, seconds=1).name == "Save", "it to go on", 5)


def test_trouble_is_not_passed_on() -> None:
    with Naming(lambda: Told(RuntimeError("broken"))) as naming:
        assert naming.at(1, 1, seconds=1) == Target(window="Window")
        assert naming.in_front(seconds=1) == Target(window="Window")
    assert naming.at(1, 1) == UNKNOWN, "closed"
    with open_naming(":12345") as nowhere:
        assert nowhere.at(1, 1, seconds=1) == UNKNOWN


def test_a_screen_that_freezes_holds_nobody_up() -> None:
    with xserver(640, 480) as server:
        naming = open_naming(server.display)
        assert naming.at(10, 10, seconds=LONG) == UNKNOWN
        os.kill(server.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert naming.at(10, 10) == UNKNOWN
            assert time.monotonic() - began < SECONDS + LATE
            naming.close()
            assert time.monotonic() - began < 2
        finally:
            os.kill(server.pid, signal.SIGCONT)


# GTK ---------------------------------------------------------------------------------------------------------------


def test_things_of_gtk_are_named(form: PrivateDesktop, naming: Naming) -> None:
    reading = read(form)
    for role, name in (("push button", "Save"), ("push button", "Save As…"), ("check box", "Remember me")):
        assert naming.at(*spot(the(reading, role, name)), seconds=LONG) == Target(role, name, "Form", "Form.py")
    assert naming.at(*spot(the(reading, "text")), seconds=LONG).name == "Greeting", "its tooltip"
    assert naming.at(*spot(the(reading, "password text")), seconds=LONG).role == "password text"


def test_beside_the_window_and_on_its_frame(form: PrivateDesktop, naming: Naming) -> None:
    frame = the(read(form), "frame").region
    button = the(read(form), "push button", "Open").region
    assert frame is not None and button is not None
    assert naming.at(frame.center.x, frame.top + 8, seconds=LONG) == Target("title bar", "", "Form", "Form.py")
    assert naming.at(frame.left // 2, 5, seconds=LONG) == UNKNOWN
    assert naming.at(-5, 100000, seconds=LONG) == UNKNOWN


def test_the_field_that_gets_the_keys_is_known(form: PrivateDesktop, naming: Naming) -> None:
    press(form, Click(*spot(the(read(form), "password text"))))
    assert naming.in_front(seconds=LONG) == Target("password text", "", "Form", "Form.py")
    press(form, Click(*spot(the(read(form), "text"))))
    assert naming.in_front(seconds=LONG).role == "text"


def test_a_computer_tells_what_its_actions_would_reach(form: PrivateDesktop) -> None:
    save, entry = spot(the(read(form), "push button", "Save")), spot(the(read(form), "text"))
    space = press(form, Click(*entry)).space

    async def target(action: Action) -> Target | None:
        return await form.target(action, space)

    button = Target("push button", "Save", "Form", "Form.py")
    wait_until(lambda: anyio.run(target, Click(*save)) == button, "it to be connected", 10)
    for action in (Move(*save), Drag((Point(*save), Point(0, 0)))):
        wait_until(lambda action=action: anyio.run(target, action) == button, "the button", 10)
    for keys in (Keypress(("enter",)), Type("x")):
        wait_until(lambda keys=keys: (anyio.run(target, keys) or UNKNOWN).role == "text", "the field", 10)
    for nothing in (Wait(), TakeScreenshot(), Click(5000, 5000)):
        assert anyio.run(target, nothing) is None


def test_a_program_that_hangs_costs_its_time_once(
    form: PrivateDesktop, naming: Naming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xnaming, "LETTERED", frozenset[str]())  # reading takes time, too
    anyio.run(form.open, f"{FORM} Frozen")
    pid = process_of(form, "form.py Frozen")
    try:
        place = spot(awaited(form, "push button", "Save", "Frozen"))
        assert naming.at(*place, seconds=LONG).name == "Save"
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert naming.at(*place, seconds=0.3) == Target(window="Frozen", application="Form.py")
        assert 0.3 <= time.monotonic() - began < 0.3 + LATE
        began = time.monotonic()
        assert naming.at(*place, seconds=0.3) == Target(window="Frozen", application="Form.py")
        assert time.monotonic() - began < LATE, "there is no waiting for it again"
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: naming.at(*place, seconds=LONG).name == "Save", "it to be asked again", 10)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_program_that_dies_is_no_trouble(form: PrivateDesktop, naming: Naming) -> None:
    anyio.run(form.open, f"{FORM} Mortal")
    pid = process_of(form, "form.py Mortal")
    place = spot(awaited(form, "push button", "Save", "Mortal"))
    killer = threading.Timer(0.1, os.kill, (pid, signal.SIGKILL))
    killer.start()
    deadline = time.monotonic() + 15
    while (target := naming.at(*place, seconds=LONG)).window == "Mortal":
        assert target.name in ("Save", "")
        assert time.monotonic() < deadline
    killer.join()
    assert naming.at(*spot(the(read(form), "push button", "Open", "Form")), seconds=LONG).window == "Form"


# Other toolkits ----------------------------------------------------------------------------------------------------


def test_what_programs_do_not_tell_is_read(form: PrivateDesktop, naming: Naming) -> None:
    anyio.run(form.open, f"{BUTTON_PROGRAM} tk")
    pid = process_of(form, "buttons.py tk")
    try:
        wait_until(lambda: naming.at(*middle(0), seconds=LONG).name == BUTTONS[0], "the reader", 10)
        for number, name in enumerate(BUTTONS):
            target = naming.at(*middle(number), seconds=LONG)
            assert (target.role, target.name) == ("", name)
        x, y = middle(0)
        assert naming.at(x, y + 25, seconds=LONG).name == "", "between two buttons"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_things_of_qt_are_named(tmp_path: Path) -> None:
    with desk(tmp_path, f"{BUTTON_PROGRAM} qt") as desktop, named(desktop) as naming:
        wait_until(lambda: any(e.name == "Buy now" for e in read(desktop).showing), "the window", 20)
        reading = read(desktop)
        assert naming.at(*spot(the(reading, "push button", "Buy now")), seconds=LONG) == Target(
            "push button", "Buy now", "Qt window", "buttons"
        )
        assert naming.at(*spot(the(reading, "password text")), seconds=LONG).role == "password text"
        assert naming.at(*spot(the(reading, "page tab", "Second")), seconds=LONG).name == "Second"
        assert naming.at(*spot(the(reading, "push button", "On the first page")), seconds=LONG).role == "push button"
        file = spot(the(reading, "menu item", "File"))
        press(desktop, Click(*file))
        assert naming.in_front(seconds=LONG).role == "menu"
        quit_item = spot(the(read(desktop), "menu item", "Quit"))
        assert naming.at(*quit_item, seconds=LONG) == Target("menu item", "Quit", "Qt window", "buttons")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_things_on_a_page_are_named(tmp_path: Path) -> None:
    page = tmp_path / "shop.html"
    page.write_text(PAGE)
    with desk(tmp_path, str(page)) as desktop, named(desktop) as naming:
        wait_until(lambda: any(e.name == "Conditions" for e in read(desktop).showing), "the page", 20)
        reading = read(desktop)
        for role, name in (("link", "Conditions"), ("push button", "Buy now"), ("password text", "Secret")):
            target = naming.at(*spot(the(reading, role, name)), seconds=LONG)
            assert (target.role, target.name, target.application) == (role, name, "Chromium")
        heading = spot(the(reading, "static", "Over"))
        assert naming.at(*heading, seconds=LONG).name in ("Over", ""), "and not what lies under it"


# LibreOffice -------------------------------------------------------------------------------------------------------


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


@office
def test_names_in_libreoffice_are_right_or_empty(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        shot = anyio.run(calc.screenshot)
        right, wrong = judged(calc, naming, shot)
        assert not wrong
        assert len(right) >= 60
        assert {"Save", "Bold", "File"} <= set(right)


@office
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


@office
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


@office
def test_the_cell_that_a_click_selects_is_named_before(calc: PrivateDesktop) -> None:
    with named(calc) as naming:
        for x, y in ((100, 300), (400, 420), (700, 250)):
            target = naming.at(x, y, seconds=LONG)
            assert target.role == "table cell"
            press(calc, Click(x, y))
            shown = [e.text for e in read(calc).showing if e.role == "text"]
            assert target.name in shown, "the name box tells the cell, too"


@office
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


@office
def test_asking_changes_nothing_on_the_screen(calc: PrivateDesktop) -> None:
    place = spot(the(read(calc), "toggle button", "Bold"))
    with named(calc) as naming:
        naming.at(*place, seconds=LONG)
        anyio.run(calc.screenshot)
        for _ in range(20):
            naming.at(*place, seconds=LONG)
        after = anyio.run(calc.screenshot)
    assert after.changed == 0.0
