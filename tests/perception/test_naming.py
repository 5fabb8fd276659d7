"""What an action would reach: real programs on real private desktops, each name held against another source."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from actuators.actions import Action, Click, Drag, Keypress, Move, Point, TakeScreenshot, Type, Wait
from perception.backends import xnaming
from perception.naming import SECONDS, UNKNOWN, Naming, NamingBackend, Tell, described, open_naming
from perception.target import Target
from tests.support.buttons import BUTTONS, middle
from tests.support.command import wait_until
from tests.support.desk import FORM, desk, process_of
from tests.support.names import LATE, LONG, awaited, named, press, read, spot, the
from tests.support.xserver import xserver
from vm.desktop import PrivateDesktop

BUTTON_PROGRAM = f"/usr/bin/python3 {Path(__file__).parents[1] / 'support' / 'buttons.py'}"
PAGE = """<!doctype html><title>Shop</title><body style="margin:40px;font:24px sans-serif">
<p><a href="#there">Conditions</a></p><p><button style="font-size:24px">Buy now</button></p>
<p><label>Secret <input type="password" style="font-size:24px"></label></p>
<a href="#under" style="position:fixed;left:600px;top:0;width:300px;height:200px">Under</a>
<div style="position:fixed;left:600px;top:0;width:300px;height:200px;background:#eee"><h2>Over</h2></div>"""


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    with desk(tmp_path_factory.mktemp("form"), FORM) as desktop:
        anyio.run(desktop.perform, Move(2, 2), anyio.run(desktop.screenshot).space)  # no tooltips
        yield desktop


@pytest.fixture
def naming(form: PrivateDesktop) -> Generator[Naming]:
    with named(form) as opened:
        yield opened


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
