"""Our own input is never taken for the user's, and what others send like us is told from it: on real servers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from actuators import hands as hands_module
from actuators.actions import Action, Click, DoubleClick, Drag, Keypress, Move, Point, Scroll, Type
from actuators.backends.recorder import Recorder
from actuators.backends.xlisten import XListener
from actuators.errors import TakenOver
from actuators.guard import Guard, open_guard
from actuators.hands import Hands, open_hands
from actuators.xlibfix import open_display
from tests.support.takeover import QUIET, USES, Working, until
from tests.support.textfield import text_field
from tests.support.xephyr import User
from tests.support.xserver import xvfb

pytestmark = pytest.mark.alone


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands that do not rest."""
    monkeypatch.setattr(hands_module, "PRESS_SECONDS", 0.0)
    monkeypatch.setattr(hands_module, "CLICK_GAP", 0.0)
    monkeypatch.setattr(hands_module, "GRIP_SECONDS", 0.0)
    monkeypatch.setattr(hands_module, "APART_SECONDS", 0.0)
    monkeypatch.setattr(hands_module, "NOTCH_GAP", 0.0)
    monkeypatch.setattr(hands_module, "DRAG_SECONDS", (0.0, 0.0))


def mixed(number: int) -> Action:
    """Of every kind; the text is pasted into a program that pastes."""
    x, y = 20 + number * 7 % 300, 20 + number * 11 % 200
    actions: list[Action] = [
        Click(x, y, "left"),
        Keypress(("ctrl", "a")),
        Move(x, y),
        Move(x, y),
        Scroll(x, y, 0, 360),
        DoubleClick(x, y),
        Type("z"),
        Keypress(("shift", "right")),
        Click(x, y, "left", ("shift",)),
        Drag((Point(x, y), Point(x + 30, y + 10))),
    ]
    return actions[number % len(actions)] if number % 100 else Type("a text that is pasted")


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_our_own_hands_never_raise_the_alarm() -> None:
    with xvfb(window_manager=True) as display, text_field(display, "gtk"), open_hands(display) as hands:
        guard = open_guard(hands, display, grace=0)
        for number in range(2000):
            hands.perform(mixed(number))
        time.sleep(QUIET)
        assert guard.touches is None
        assert not owing(guard)
        guard.close()


def owing(guard: Guard) -> bool:
    """Whether the guard still waits for something of ours, which would hide as much of somebody else's."""
    listener: Any = guard._listener  # pyright: ignore[reportPrivateUsage]
    return listener.ledger.owing


PYAUTOGUI = """
import sys, time
from actuators.actions import *
from actuators.guard import open_guard
from actuators.hands import open_hands
hands = open_hands(sys.argv[1], backend="pyautogui")
guard = open_guard(hands, sys.argv[1], grace=0)
for button in ("left", "right", "back"):
    hands.perform(Click(50, 50, button))
for action in (Move(9, 9), Move(9, 9), Keypress(("ctrl", "?")), Scroll(50, 50, 240, -360), Type("ab")):
    hands.perform(action)
for action in (DoubleClick(7, 7), Drag((Point(5, 5), Point(90, 50)))):
    hands.perform(action)
time.sleep(0.1)
print(guard.touches, guard._listener.ledger.owing)
guard.close()
hands.close()
"""


def test_pyautogui_never_raises_the_alarm_either() -> None:
    """In a process of its own, since pyautogui binds itself to one display for ever."""
    with xvfb() as display:
        ran = subprocess.run([sys.executable, "-c", PYAUTOGUI, display], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "None False", ran.stderr


@pytest.mark.usefixtures("hasty")
def test_events_that_a_program_holds_back_are_still_ours() -> None:
    """As a window manager does at each click: it freezes the pointer until it has looked at the press."""
    from Xlib import X

    with xvfb() as display, open_hands(display) as hands:
        guard = open_guard(hands, display, grace=0)
        manager: Any = open_display(display)
        root = manager.screen().root
        root.grab_button(1, X.AnyModifier, False, X.ButtonPressMask, X.GrabModeSync, X.GrabModeAsync, 0, 0)
        manager.sync()
        for action in (DoubleClick(5, 5), Move(50, 50), Click(90, 90, "right"), Scroll(5, 5, 0, 480)):
            hands.perform(action)
        for _ in range(4):
            manager.allow_events(X.ReplayPointer, X.CurrentTime)
            manager.sync()
            time.sleep(0.05)
        assert manager.screen().root.query_pointer().root_x == 5
        assert guard.touches is None
        manager.close()
        guard.close()


@pytest.mark.usefixtures("hasty")
def test_what_programs_do_to_pointer_and_keyboard_is_not_the_user() -> None:
    with xvfb() as display, open_hands(display) as hands:
        guard = open_guard(hands, display, grace=0)
        program: Any = open_display(display)
        program.screen().root.warp_pointer(300, 300)
        program.change_keyboard_mapping(200, [(0x61, 0x61)])
        program.sync()
        hands.perform(Type("é漢字"))  # borrows keycodes
        time.sleep(QUIET)
        assert guard.touches is None
        program.close()
        guard.close()


class Stranger(User):
    """Somebody who looks on from afar, whose hands are XTEST, like ours."""


FOREIGN: dict[str, Callable[[User], None]] = {**USES, "button": lambda user: user.click(3)}


@pytest.mark.parametrize("kind", FOREIGN)
def test_synthetic_input_of_others(kind: str) -> None:
    with xvfb() as display, open_hands(display) as hands:
        stranger = Stranger(display)
        deaf_to_him, guard = (
            open_guard(Hands(Recorder()), display, foreign=False, grace=0),
            open_guard(hands, display, grace=0),
        )
        hands.perform(Click(10, 10))
        hands.perform(Keypress(("a",)))
        FOREIGN[kind](stranger)
        assert until(lambda: guard.touches is not None)
        assert guard.touches is not None and guard.touches.first == kind
        time.sleep(QUIET)
        assert deaf_to_him.touches is None
        stranger.close()
        guard.close()
        deaf_to_him.close()


def _asleep(_: object) -> None:
    """Instead of a thread's work."""


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_was_done_before_an_action_is_heard_before_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the guard's own thread gets the processor: here it never does."""
    monkeypatch.setattr(XListener, "_run", _asleep)
    with xvfb() as display, open_hands(display) as hands:
        stranger = Stranger(display)
        guard = open_guard(hands, display, grace=0)
        hands.perform(Click(10, 10))
        FOREIGN[kind](stranger)
        with pytest.raises(TakenOver, match="nothing was done"):
            hands.perform(Click(10, 10))
        stranger.close()
        guard.close()


@pytest.mark.parametrize("kind", FOREIGN)
def test_synthetic_input_of_others_during_an_action_of_ours(kind: str) -> None:
    action = Type("hello, world " * 20_000) if kind in ("pointer", "button") else Drag((Point(0, 0), Point(1200, 700)))
    with xvfb() as display, open_hands(display) as hands:
        stranger = Stranger(display)
        guard = open_guard(hands, display, grace=0)
        working = Working(hands, action)
        time.sleep(0.15)
        FOREIGN[kind](stranger)
        assert working.still() < 1
        assert isinstance(working.failure, TakenOver)
        assert guard.touches is not None and guard.touches.first == kind
        stranger.close()
        guard.close()
