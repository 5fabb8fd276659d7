"""Capturing real X servers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from perception import frames
from perception.errors import ScreenLost
from perception.screen import open_screen
from perception.screenshot import Region
from tests.perception.painter import RED, painter
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
