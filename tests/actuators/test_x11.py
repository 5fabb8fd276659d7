"""X11 when it goes wrong: servers that die, freeze, or were never there; the traps of python-xlib."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from actuators import xlibfix
from actuators.actions import Click, Drag, Keypress, Point, Type
from actuators.backends import x11_display
from actuators.backends.x11_keymap import _NAMES, Keymap, character_of, keysym_of  # pyright: ignore[reportPrivateUsage]
from actuators.errors import ActuatorError, DisplayLost, NotSupported
from actuators.hands import Hands, open_hands
from actuators.keys import NAMED_KEYS
from actuators.xlibfix import check_version, open_display
from tests.support.window import event_window
from tests.support.xserver import xserver, xvfb

LONG_DRAG = Drag((Point(0, 0), Point(1200, 700)), ("ctrl",))


def _later(hands: Hands, action: Any) -> tuple[threading.Thread, list[BaseException]]:
    failures: list[BaseException] = []

    def perform() -> None:
        try:
            hands.perform(action)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=perform)
    thread.start()
    return thread, failures


@pytest.mark.parametrize("action", [LONG_DRAG, Type("hello, world " * 2000)], ids=["drag", "type"])
def test_the_server_is_killed_in_the_middle(action: Any) -> None:
    with xserver() as server, event_window(server.display):
        hands = open_hands(server.display)
        thread, failures = _later(hands, action)
        time.sleep(0.2)
        server.kill()
        thread.join(5)
        assert not thread.is_alive()
        assert [type(failure) for failure in failures] == [DisplayLost]
        assert str(failures[0]) == f"display {server.display} is gone"
        with pytest.raises(DisplayLost):
            hands.perform(Click(1, 1))
        hands.release()
        hands.close()


def test_a_frozen_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x11_display, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(x11_display, "WATCH_INTERVAL", 0.1)
    monkeypatch.setattr(xlibfix, "CONNECT_TIMEOUT", 0.5)
    with xserver() as server:
        hands = open_hands(server.display)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(DisplayLost, match="does not answer any more"):
                hands.perform(Click(1, 1))
            with pytest.raises(DisplayLost, match="does not answer"):
                open_display(server.display)
            assert time.monotonic() - started < 4
        finally:
            os.kill(server.pid, signal.SIGCONT)
        hands.close()


def test_what_xtest_holds_is_let_go_on_the_server() -> None:
    with xvfb() as display, open_hands(display) as hands:
        thread, failures = _later(hands, LONG_DRAG)
        time.sleep(0.2)
        hands.release()
        thread.join(5)
        assert len(failures) == 1
        with open_hands(display) as other:
            other.perform(Keypress(("shift",)))
        connection: Any = open_display(display)
        try:
            assert not any(connection.query_keymap())
            assert connection.screen().root.query_pointer().mask == 0
        finally:
            connection.close()


def test_two_displays_in_one_process() -> None:
    with (
        xvfb(800, 600) as one,
        xvfb(640, 480) as two,
        event_window(one) as seen,
        open_hands(one) as left,
        open_hands(two) as right,
    ):
        right.perform(Click(639, 479))
        left.perform(Click(799, 599))
        right.perform(Keypress(("a",)))
        assert [(click.x, click.y) for click in seen.clicks()] == [(799, 599)]


def test_connections_and_threads_do_not_pile_up() -> None:
    with xvfb() as display:
        with open_hands(display) as hands:
            hands.perform(Type("ab"))
        threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(5):
            with open_hands(display) as hands:
                hands.perform(Type("ab"))
        deadline = time.monotonic() + 5
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.05)
        assert threading.active_count() <= threads
        assert len(os.listdir("/proc/self/fd")) <= files  # noqa: PTH208


def test_a_bad_value_is_an_error_of_ours() -> None:
    """python-xlib alone raises AttributeError here, and may then hang."""
    from Xlib.error import BadValue

    with xvfb() as display:
        connection: Any = open_display(display)
        try:
            with pytest.raises(BadValue):
                connection.get_keyboard_mapping(3, 1)
            connection.sync()
        finally:
            connection.close()


def test_the_abandoned_package_is_named_with_its_cure() -> None:
    check_version((0, 33))
    with pytest.raises(NotSupported, match="pip install --force-reinstall --no-deps 'python-xlib"):
        check_version((0, 15))


def test_every_named_key_has_a_keysym() -> None:
    assert set(_NAMES) == set(NAMED_KEYS)


def test_keysyms_and_characters() -> None:
    for character in "aé€Ωя漢😀~ ÿ":
        assert character_of(keysym_of(character)) == character
    for keysym, character in {0x6C1: "а", 0x7E1: "α", 0x1E8: "č", 0xCE0: "א", 0xDA1: "ก", 0x13BD: "œ"}.items():
        assert character_of(keysym) == character
    for keysym in (0, 0xFF0D, 0xFE51, 0xFFE1, 0x1000000):
        assert character_of(keysym) is None


def test_spare_keycodes_are_the_longest_run() -> None:
    keymap = Keymap(8, ((0, 0), (97, 65), (0, 0), (0, 0), (98, 66), (0, 0)))
    assert keymap.spare() == range(10, 12)


def test_errors_are_actuator_errors() -> None:
    for error in (DisplayLost, NotSupported):
        assert issubclass(error, ActuatorError)
