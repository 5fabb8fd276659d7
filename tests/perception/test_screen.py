"""Capturing real X servers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from actuators.actions import Move, Point
from actuators.errors import InvalidAction
from actuators.hands import open_hands
from actuators.pointer import open_pointer
from perception import frames
from perception.cursor import Cursor, drawn
from perception.errors import ScreenLost
from perception.screen import Monitor, ScreenResized, open_screen
from perception.screenshot import Region, Space
from tests.perception.painter import RED, painter
from tests.support.monitors import resize, set_monitors, unplug
from tests.support.xserver import xserver, xvfb

PROMPT = 2.0  # seconds; what an error may take on a machine that is busy


def test_a_frame_shows_what_is_painted() -> None:
    with xvfb(640, 480) as display, painter(display) as program, open_screen(display) as screen:
        assert (screen.region, screen.size) == (Region(0, 0, 640, 480), (640, 480))
        program.paint(Region(100, 50, 30, 20), RED)
        frame = screen.grab()
        assert (frame.shape, frame.dtype) == ((480, 640, 4), np.uint8)
        assert frames.changes(np.zeros_like(frame), frame) == (Region(100, 50, 30, 20),)
        assert frame[60, 110, :3].tolist() == [0, 0, 255]  # blue, green, red
        part = screen.grab(Region(90, 40, 60, 40))
        assert np.array_equal(part, frames.cut(frame, Region(90, 40, 60, 40)))
        assert screen.notes == ()


def test_a_frame_stays_as_it_was() -> None:
    with xvfb(320, 240) as display, painter(display) as program, open_screen(display) as screen:
        before = screen.grab()
        program.paint(Region(0, 0, 320, 240))
        assert screen.grab().any()
        assert not before[:, :, :3].any()


def test_one_monitor_or_all_of_them() -> None:
    with xvfb(640, 480) as display:
        with open_screen(display, monitor=1) as screen:
            assert screen.region == Region(0, 0, 640, 480)
        with pytest.raises(ScreenLost, match="no monitor 7: the screen has 1"):
            open_screen(display, monitor=7)


LEFT, RIGHT = Region(0, 0, 300, 480), Region(340, 50, 280, 400)  # with a gap between them


def test_monitors_are_listed_and_each_can_be_seen_alone() -> None:
    with xvfb(640, 480) as display, painter(display) as program:
        set_monitors(display, LEFT, RIGHT)
        program.paint(RIGHT, RED)
        with open_screen(display) as screen:
            assert screen.region == Region(0, 0, 640, 480)
            assert screen.monitors() == (Monitor(1, "screen", LEFT, primary=True), Monitor(2, "", RIGHT))
            assert str(screen.monitors()[0]) == "monitor 1 “screen”, 300×480 at (0, 0)"
        with open_screen(display, monitor=2) as screen:
            assert screen.region == RIGHT and len(screen.monitors()) == 2
            frame = screen.grab()
            assert frame.shape == (400, 280, 4) and (frame[:, :, 2] == 255).all()
            part = Region(400, 100, 20, 10)
            assert screen.grab(part).shape == (10, 20, 4)
            with pytest.raises(ScreenLost, match="280×400"):
                screen.grab(Region(300, 100, 20, 10))  # on the other side of the gap


def test_a_server_without_randr_is_one_monitor() -> None:
    with xserver(320, 240, "-extension", "RANDR") as server:
        whole = Region(0, 0, 320, 240)
        with open_screen(server.display, monitor=1) as screen:
            assert screen.region == whole and screen.monitors() == (Monitor(1, "", whole, primary=True),)


def test_a_monitor_without_pixels_is_none() -> None:
    with xvfb(640, 480) as display:
        set_monitors(display, LEFT, Region(400, 10, 0, 0), RIGHT)
        with open_screen(display) as screen:
            assert [monitor.region for monitor in screen.monitors()] == [LEFT, RIGHT]


def test_a_monitor_that_was_unplugged() -> None:
    with xvfb(640, 480) as display, open_hands(display) as hands:
        set_monitors(display, LEFT, RIGHT)
        with open_screen(display, monitor=2) as screen:
            seen = Space(screen.region, 280, 400)
            at = seen.to_screen(100, 100)
            hands.perform(Move(at.x, at.y))
            unplug(display, 2)
            with pytest.raises(ScreenLost, match="no monitor 2: the screen has 1"):
                screen.check()
            with pytest.raises(InvalidAction, match="outside every screen"):
                hands.perform(Move(at.x, at.y))


def test_a_monitor_that_moved_is_another_place() -> None:
    with xvfb(640, 480) as display:
        set_monitors(display, LEFT, RIGHT)
        with open_screen(display, monitor=2) as screen:
            unplug(display, 1)
            unplug(display, 2)
            set_monitors(display, LEFT, Region(310, 0, 280, 400))
            with pytest.raises(ScreenResized, match=r"was 280×400 at \(340, 50\), and now is 280×400 at \(310, 0\)"):
                screen.check()
            screen.reopen()
            assert screen.region == Region(310, 0, 280, 400)


def test_a_monitor_that_is_numbered_anew_is_still_the_same() -> None:
    with xvfb(640, 480) as display:
        set_monitors(display, LEFT, RIGHT, output=2)
        with open_screen(display) as screen:
            (number,) = [monitor.number for monitor in screen.monitors() if monitor.name]
        with open_screen(display, monitor=number) as screen:
            assert screen.region == RIGHT
            unplug(display, 1)
            screen.check()
            screen.reopen()
            assert screen.region == RIGHT
            unplug(display, 2)
            with pytest.raises(ScreenResized, match="now is 640×480"):  # the output shows all of the screen again
                screen.check()


def test_a_screen_that_shrinks_is_told() -> None:
    with xvfb(640, 480) as display, open_screen(display) as screen:
        resize(display, 320, 200)
        with pytest.raises(ScreenResized, match="now is 320×200"):
            screen.grab()
        screen.reopen()
        assert screen.grab().shape == (200, 320, 4)


def test_the_cursor_is_drawn_by_choice_only() -> None:
    with xvfb(640, 480, window_manager=True) as display, open_screen(display) as screen:
        pointer = open_pointer(display)
        pointer.put(Point(100, 100))
        before = screen.grab()
        pointer.put(Point(400, 300))
        frame = screen.grab()
        pointer.close()
        assert frames.changes(before, frame) == (), "a pointer that moves is no change of the screen"
        marked = screen.with_cursor(frame)
        (change,) = frames.changes(frame, marked)
        assert Region(370, 270, 60, 60).contains(change.left, change.top) and change.width < 60 > change.height
        assert np.array_equal(frame, before), "a frame that is known stays as it is"


def test_a_cursor_is_mixed_in_by_its_alpha_and_cut_at_the_edges() -> None:
    frame = np.full((4, 4, 4), 100, np.uint8)
    picture = np.zeros((3, 3, 4), np.uint8)
    picture[1, 1] = (0, 0, 200, 255)  # opaque
    picture[2, 2] = (10, 20, 30, 128)  # half, premultiplied
    seen = drawn(frame, Region(-10, 20, 4, 4), Cursor(picture, -11, 19))
    assert seen[0, 0, :3].tolist() == [0, 0, 200] and seen[1, 1, :3].tolist() == [60, 70, 80]
    assert (seen[2:] == 100).all() and (frame == 100).all()
    assert drawn(frame, Region(0, 0, 4, 4), Cursor(picture, 50, 50)) is frame


def test_a_display_that_does_not_exist() -> None:
    began = time.monotonic()
    with pytest.raises(ScreenLost, match=r"^cannot open display :98765: [^\n]+$"):
        open_screen(":98765")
    assert time.monotonic() - began < PROMPT


def test_a_region_that_is_not_on_the_screen() -> None:
    with xvfb(640, 480) as display, open_screen(display) as screen:
        for region in (Region(600, 0, 100, 10), Region(-1, 0, 10, 10), Region(0, 0, 0, 10)):
            with pytest.raises(ScreenLost, match="640×480"):
                screen.grab(region)


def test_a_server_without_shared_memory_is_slower_and_says_so() -> None:
    with xserver(320, 240, "-extension", "MIT-SHM") as server, open_screen(server.display) as screen:
        assert screen.grab().shape == (240, 320, 4)
        assert len(screen.notes) == 1
        assert "MIT-SHM" in screen.notes[0]


def test_a_server_that_was_killed() -> None:
    with xserver(320, 240) as server, open_screen(server.display) as screen:
        screen.grab()
        server.kill()
        server.wait()
        for _ in range(2):
            with pytest.raises(ScreenLost, match=f"^display {server.display} cannot be captured any more[^\n]*$"):
                screen.grab()
        with pytest.raises(ScreenLost, match="cannot open"):
            screen.reopen()
        screen.close()


def test_a_server_that_is_killed_in_the_middle_of_a_grab() -> None:
    with xserver(1280, 800) as server, open_screen(server.display) as screen:
        threading.Timer(0.2, server.kill).start()
        began = time.monotonic()
        with pytest.raises(ScreenLost):
            while time.monotonic() - began < 5 * PROMPT:
                screen.grab()
        assert time.monotonic() - began < 5 * PROMPT


def test_closed_is_closed() -> None:
    with xvfb(320, 240) as display:
        screen = open_screen(display)
        screen.close()
        screen.close()
        with pytest.raises(ScreenLost, match="closed"):
            screen.grab()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open() -> None:
    with xvfb(320, 240) as display:
        open_screen(display).close()
        before = _open_files()
        for _ in range(3):
            with open_screen(display) as screen:
                screen.grab()
        assert _open_files() == before


def test_many_threads_share_a_screen() -> None:
    wrong: list[object] = []

    def look() -> None:
        wrong.extend(shape for _ in range(20) if (shape := screen.grab().shape) != (240, 320, 4))

    with xvfb(320, 240) as display, open_screen(display) as screen:
        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
