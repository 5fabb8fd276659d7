"""Screens that are hit, and screens that are not: told by how much, and what to change."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actuators.actions import Action, Move, Point
from actuators.errors import InvalidAction
from actuators.hands import Hands
from actuators.pointer import open_pointer
from actuators.xlibfix import open_display
from agent.errors import UserFault
from perception.frames import Frame
from perception.screen import Screen
from perception.screenshot import Region
from tests.support.command import Deskhand
from tests.support.monitors import set_monitors, transform_pointer
from tests.support.xserver import xserver, xvfb
from vm.here import check_here
from vm.selfcheck import Missed, check_aim, places

LEFT, RIGHT = Region(0, 0, 500, 600), Region(560, 50, 240, 400)  # with a gap between them
AT = Point(123, 234)


@contextmanager
def screen_of_two() -> Generator[str]:
    """A display with two monitors, and the pointer at `AT`."""
    with xvfb(800, 600) as display:
        set_monitors(display, LEFT, RIGHT)
        pointer = open_pointer(display)
        pointer.put(AT)
        pointer.close()
        yield display


def at(display: str) -> Point:
    """Where the pointer is."""
    pointer = open_pointer(display)
    try:
        return pointer.where()
    finally:
        pointer.close()


def test_every_monitor_is_hit_and_the_pointer_is_put_back() -> None:
    with screen_of_two() as display:
        check_aim(display)  # loads what it needs
        began = time.monotonic()
        aims = check_aim(display)
        seconds = time.monotonic() - began
        assert [one.monitor.region for one in aims] == [LEFT, RIGHT]
        assert [one.worst.error for one in aims] == [0, 0]
        assert at(display) == AT
        assert seconds < 2, "it takes 0.02 s on an idle machine"
        assert [one.monitor.number for one in check_aim(display, monitor=2)] == [2]


def test_every_place_is_on_its_monitor() -> None:
    for region in (LEFT, RIGHT, Region(-1920, -1080, 1920, 1080), Region(-3, -5, 1, 1)):
        assert all(region.contains(place.x, place.y) for place in places(region))


def test_synthetic_input_that_is_transformed() -> None:
    with screen_of_two() as display:
        transform_pointer(display, 1.02, 0, 0, 0, 1, 0, 0, 0, 1)
        with pytest.raises(Missed) as caught:
            check_aim(display)
        assert at(display) == AT
        said = str(caught.value)
        assert "lands 15 px off on monitor 2, 240×400 at (560, 50): sent to (776, 110), it came to (791, 110)" in said
        assert said.endswith(
            "xinput set-prop 'Virtual core XTEST pointer' 'Coordinate Transformation Matrix' 1 0 0 0 1 0 0 0 1"
        )
        transform_pointer(display, 1, 0, 0, 0, 1, 0, 0, 0, 1)
        check_aim(display)


def test_a_pointer_that_another_program_confines() -> None:
    from Xlib import X

    with screen_of_two() as display:
        x: Any = open_display(display)
        window = x.screen().root.create_window(50, 60, 300, 300, 0, X.CopyFromParent)
        window.map()
        x.sync()
        assert window.grab_pointer(True, 0, X.GrabModeAsync, X.GrabModeAsync, window, X.NONE, X.CurrentTime) == 0
        x.sync()
        with pytest.raises(Missed, match="another program keeps the pointer to a part of the screen"):
            check_aim(display)
        x.close()
        check_aim(display)


def test_a_user_who_moves_the_mouse_meanwhile_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    perform = Hands.perform
    ended = threading.Event()
    with screen_of_two() as display:
        user = open_pointer(display)

        def jogged(self: Hands, action: Action) -> None:
            """Every second time, the user is there right after the hands."""
            nonlocal count
            perform(self, action)
            count += 1
            if count % 2:
                user.put(Point(7, 8))

        count = 0
        monkeypatch.setattr(Hands, "perform", jogged)
        assert [one.worst.error for one in check_aim(display)] == [0, 0]
        monkeypatch.setattr(Hands, "perform", perform)
        user.put(AT)

        def moves_away() -> None:
            while not ended.wait(0.008):  # as often as a mouse tells
                user.put(Point(9, 10))

        thread = threading.Thread(target=moves_away)
        thread.start()
        try:
            check_aim(display)  # the user's hand is on the mouse all the time
        finally:
            ended.set()
            thread.join()
            user.close()


def test_hands_that_refuse_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Hands, action: Action) -> None:
        assert isinstance(action, Move)
        raise InvalidAction("outside every screen")

    with screen_of_two() as display:
        monkeypatch.setattr(Hands, "perform", refuse)
        with pytest.raises(Missed, match=r"the mouse does not get to \(50, 60\) on monitor 1"):
            check_aim(display)


def test_pictures_of_another_shape_than_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    grab = Screen.grab

    def cut(self: Screen, region: Region | None = None) -> Frame:
        return np.ascontiguousarray(grab(self, region)[:, :400])

    with screen_of_two() as display:
        monkeypatch.setattr(Screen, "grab", cut)
        with pytest.raises(Missed, match="400×600 pixels, but the mouse moves over 800×600"):
            check_aim(display)


@pytest.mark.parametrize("scale", [1, 2])
def test_pictures_of_more_pixels_are_fine(monkeypatch: pytest.MonkeyPatch, scale: int) -> None:
    grab = Screen.grab

    def sharp(self: Screen, region: Region | None = None) -> Frame:
        return grab(self, region).repeat(scale, axis=0).repeat(scale, axis=1)

    with screen_of_two() as display:
        monkeypatch.setattr(Screen, "grab", sharp)
        assert [one.worst.error for one in check_aim(display)] == [0, 0]


def test_no_session_begins_on_a_screen_that_is_hit_wrongly(tmp_path: Path) -> None:
    with screen_of_two() as display:
        transform_pointer(display, 1, 0, 0, 0, 1.05, 0, 0, 0, 1)
        deskhand = Deskhand(tmp_path, DISPLAY=display)
        ran = deskhand("run", "--computer", "here", "--model", "playbook:budget", "Add it up")
        assert ran.returncode == 1 and ran.stdout == ""
        assert len(ran.stderr.splitlines()) == 1
        assert "clicks would go wrong here: the pointer lands" in ran.stderr and "to mend it: xinput" in ran.stderr
        assert not (tmp_path / "data" / "sessions").exists()
        assert at(display) == AT


def test_a_monitor_that_there_is_not(tmp_path: Path) -> None:
    with screen_of_two() as display:
        check_here(display, monitor=2)
        with pytest.raises(UserFault, match="no monitor 3: the screen has 2; `--computer desktop` needs no screen"):
            check_here(display, monitor=3)
        deskhand = Deskhand(tmp_path, DISPLAY=display)
        ran = deskhand("run", "--computer", "here", "--monitor", "3", "--model", "playbook:budget", "Add it up")
        assert ran.returncode == 2 and "no monitor 3" in ran.stderr
        ran = deskhand("run", "--computer", "here", "--monitor", "left", "Add it up")
        assert ran.returncode == 2 and "is no monitor; `deskhand doctor` numbers them" in ran.stderr


@pytest.mark.parametrize("extension", ["DAMAGE", "MIT-SHM", "RANDR"])
def test_servers_that_lack_something_else_are_fine(extension: str) -> None:
    with xserver(640, 480, "-extension", extension) as server:
        check_here(server.display)


def test_a_server_that_takes_no_input() -> None:
    with xserver(640, 480, "-extension", "XTEST") as server, pytest.raises(UserFault) as caught:
        check_here(server.display)
    assert "XTEST" in str(caught.value) and "--computer desktop" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_takes_no_input_is_the_cause_that_is_named_where_pyautogui_is_elsewhere() -> None:
    """pyautogui is of one display for the life of a process: a fallback that cannot work explains nothing."""
    script = (
        "import sys\n"
        "from actuators.hands import open_hands\n"
        "from vm.here import check_here\n"
        "open_hands(sys.argv[1], backend='pyautogui').close()\n"
        "check_here(sys.argv[2])\n"
    )
    with xserver(640, 480) as other, xserver(640, 480, "-extension", "XTEST") as server:
        command = [sys.executable, "-c", script, other.display, server.display]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "runs without XTEST" in ran.stderr.splitlines()[-1] and other.display not in ran.stderr.splitlines()[-1]
