"""Eyes wait for programs that react late, and not for those that do not, on a real display with a window manager."""

from __future__ import annotations

import io
import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from Xlib import Xatom

from actuators.xlibfix import open_display
from perception.backends.xdamage import XDamage
from perception.backends.xfront import Front
from perception.eyes import Eyes, Late, open_eyes
from perception.screenshot import Region, Screenshot
from tests.perception.reactor import BUTTON, DELAY, DIALOG, FIELD, Reactor, reactor
from tests.support.xserver import end, xvfb

pytestmark = pytest.mark.alone

QUICK = 0.5  # seconds; what waits longer has waited for something
NAVY = (0, 0, 128)


@contextmanager
def _watching(way: str) -> Generator[tuple[Eyes, Reactor], None, None]:
    with xvfb(800, 600, window_manager=True) as display, reactor(display, way) as program, open_eyes(display) as eyes:
        eyes.look()
        yield eyes, program


def _shows_dialog(seen: Screenshot) -> bool:
    at = DIALOG.center
    return Image.open(io.BytesIO(seen.image)).convert("RGB").getpixel((at.x, at.y)) == NAVY


def _click(eyes: Eyes, program: Reactor, place: Region = BUTTON) -> Screenshot:
    eyes.mark("click", program.at(place))
    program.click(place)
    return eyes.look()


def _press(eyes: Eyes, program: Reactor, key: str) -> float:
    eyes.mark(f"keypress {key.lower()}")
    program.press(key)
    return eyes.settle().seconds


@pytest.mark.parametrize("way", ["sleep", "burn", "timer", "unpainted"])
def test_a_dialog_that_comes_late_is_seen_on_the_very_first_click(way: str) -> None:
    with _watching(way) as (eyes, program):
        seen = _click(eyes, program)
        assert _shows_dialog(seen)
        assert seen.settled


@pytest.mark.slow
def test_keys_that_do_little_become_cheap() -> None:
    with _watching("never") as (eyes, program):
        taken: list[float] = []
        for key in ("Left", "Right") * 4:
            taken.append(_press(eyes, program, key))
            time.sleep(max(0.0, 1.05 - taken[-1]) if len(taken) <= 4 else 0)
        assert min(taken[:2]) >= 0.9
        assert max(taken[4:]) < QUICK


@pytest.mark.slow
def test_a_late_reaction_is_learnt_from_what_came_while_nobody_looked() -> None:
    with _watching("timer") as (eyes, program):
        for _ in range(3):  # experience says: a click on this field does nothing more
            _click(eyes, program, FIELD)
            time.sleep(0.2)
        quick = time.monotonic()
        seen = _click(eyes, program)
        assert time.monotonic() - quick < QUICK
        assert not _shows_dialog(seen)
        late = _late(eyes)
        assert late.share > 0.05
        assert late.after is not None
        assert DELAY - 0.5 < late.after < DELAY + 0.3
        assert _shows_dialog(eyes.look())
        assert eyes.late() is None
        assert _shows_dialog(_click(eyes, program))


def _late(eyes: Eyes) -> Late:
    deadline = time.monotonic() + 5
    while True:
        late = eyes.late()
        if late is not None and late.share > 0.05:
            return late
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_program_that_always_calculates_is_not_waited_for() -> None:
    with _watching("toil") as (eyes, program):
        _press(eyes, program, "Left")
        time.sleep(0.4)
        _press(eyes, program, "Left")
        time.sleep(0.4)
        assert _press(eyes, program, "Left") < QUICK


def test_a_program_that_ends_is_not_waited_for() -> None:
    with xvfb(800, 600, window_manager=True) as display, open_eyes(display) as eyes:
        with reactor(display, "never"):
            eyes.look()
            eyes.mark("keypress alt+f4")
        began = time.monotonic()
        assert eyes.look().settled
        assert time.monotonic() - began < 1.5


def test_text_that_scrolls_is_watched_to_its_end() -> None:
    lines = "sleep 1.2; for i in $(seq 50); do echo line $i $((i * i)) and more; sleep 0.05; done; sleep 60"
    with xvfb(800, 600, window_manager=True) as display, open_eyes(display) as eyes:
        command = ["xterm", "-geometry", "100x30+0+0", "-e", "sh", "-c", lines]
        process = subprocess.Popen(command, env={**os.environ, "DISPLAY": display})
        try:
            assert eyes.wait_for_change(10)
            eyes.look(1.0)
            eyes.mark("type")
            assert eyes.wait_for_change(10)
            settled = eyes.settle(10)
            assert settled.settled
            assert settled.seconds > 2.0
        finally:
            end(process)


def test_the_window_in_front_is_known_with_its_process() -> None:
    with xvfb(800, 600, window_manager=True) as display, reactor(display, "never"):
        x = XDamage(display)
        connection: Any = open_display(display)
        try:
            front = x.front()
            assert (front.program, front.window) == ("Reactor", "Reactor")
            assert front.pid is not None
            assert b"perception.reactor" in Path(f"/proc/{front.pid}/cmdline").read_bytes()
            active = connection.intern_atom("_NET_ACTIVE_WINDOW")
            number = int(connection.screen().root.get_full_property(active, 0).value[0])
            window = connection.create_resource_object("window", number)
            window.change_property(connection.intern_atom("WM_CLIENT_MACHINE"), Xatom.STRING, 8, b"elsewhere")
            connection.sync()
            other = XDamage(display)
            assert other.front().pid is None  # a number of another machine's
            other.close()
        finally:
            connection.close()
            x.close()


def test_a_display_without_windows_has_nothing_in_front() -> None:
    with xvfb(800, 600, window_manager=True) as display:
        x = XDamage(display)
        assert x.front() == Front()
        assert not x.ping()
        x.close()
