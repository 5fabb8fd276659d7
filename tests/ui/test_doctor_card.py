"""The test card: found in the picture, clicked, and told what becomes of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.actions import Point
from actuators.errors import NotSupported
from actuators.hands import Hands, open_hands
from actuators.pointer import Pointer, open_pointer
from actuators.xlibfix import open_display
from perception.encode import MAX_SIZE, encode
from perception.frames import Frame
from perception.screen import Monitor, Screen, open_screen
from perception.screenshot import Region, Space
from tests.support.command import Deskhand
from tests.support.monitors import set_monitors, transform_pointer
from tests.support.xserver import xvfb
from ui.doctor import screens
from ui.doctor.card import GROUND, Layout, Shower, examine, lay_out, locate
from ui.doctor.card_tk import with_tk
from ui.doctor.card_x11 import on_x11

LEFT, RIGHT = Region(0, 0, 500, 600), Region(560, 50, 240, 400)  # with a gap between them
AT = Point(123, 234)


@contextmanager
def senses(display: str) -> Generator[tuple[Screen, Hands, Pointer]]:
    """What an examination takes, with the pointer at `AT`."""
    with open_screen(display) as screen, open_hands(display) as hands:
        pointer = open_pointer(display)
        pointer.put(AT)
        yield screen, hands, pointer
        assert pointer.where() == AT, "the pointer was not put back"
        pointer.close()


def both(display: str) -> Iterator[Shower]:
    """Every way to show a card that works here."""
    yield on_x11(display)
    os.environ["DISPLAY"] = display
    yield with_tk()


def test_every_mark_of_every_monitor_is_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", "")
    with xvfb(800, 600, window_manager=True) as display, senses(display) as (screen, hands, pointer):
        set_monitors(display, LEFT, RIGHT)
        before = screen.grab()
        for show in both(display):
            for monitor in screen.monitors():
                outcome = examine(monitor, screen, hands, pointer, show)
                assert outcome.good and outcome.error == 0 and outcome.clicked == len(outcome.struck) == 9
                assert {one.clicked for one in outcome.struck} == {one.mark.point for one in outcome.struck}
                assert all(monitor.region.contains(one.mark.point.x, one.mark.point.y) for one in outcome.struck)
        deadline = time.monotonic() + 5
        while not np.array_equal(screen.grab(), before):
            assert time.monotonic() < deadline, "the card is still there"


def test_a_picture_that_is_scaled_down_is_hit_within_its_pixels() -> None:
    with xvfb(4800, 1400) as display, senses(display) as (screen, hands, pointer):
        set_monitors(display, Region(0, 0, 2560, 1400), Region(2560, 100, 2240, 1300))
        for monitor in screen.monitors():
            outcome = examine(monitor, screen, hands, pointer, on_x11(display))
            assert outcome.scale == 2.5 and outcome.tolerance == 3
            assert outcome.good and outcome.clicked == 9, outcome


def test_a_pointer_that_misses_is_measured() -> None:
    with xvfb(800, 600) as display, senses(display) as (screen, hands, pointer):
        transform_pointer(display, 1.01, 0, 0, 0, 1, 0, 0, 0, 1)
        (monitor,) = screen.monitors()
        outcome = examine(monitor, screen, hands, pointer, on_x11(display))
        assert not outcome.good and outcome.error == 7, "787 is far to the right, and 1.01 as far would be 794"
        found = screens.examined("x", monitor, ("here",), display)
        assert found.status == "failed" and found.blocks == ("here",) and "7 pixels off" in found.detail
        assert found.cure.startswith("xinput set-prop")
        assert found.monitor is not None and found.monitor.error == 7


@contextmanager
def lying_over(display: str, region: Region) -> Generator[None]:
    """Another program's window, above everything that is shown later, too."""
    from Xlib import X

    x: Any = open_display(display)
    root = x.screen().root
    window = root.create_window(
        *(region.left, region.top, region.width, region.height, 0, X.CopyFromParent),
        background_pixel=0x202020,
        override_redirect=True,
        event_mask=X.VisibilityChangeMask,
    )
    window.map()
    x.sync()
    ended = threading.Event()

    def stay() -> None:
        while not ended.wait(0.005):
            if x.pending_events():
                x.next_event()
                window.configure(stack_mode=X.Above)
                x.flush()

    thread = threading.Thread(target=stay)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        x.close()


def test_a_panel_at_the_edge_is_no_reason_to_worry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.doctor.card.SEEN_SECONDS", 0.5)
    with xvfb(800, 600) as display, lying_over(display, Region(0, 0, 800, 30)):
        with senses(display) as (screen, hands, pointer):
            (monitor,) = screen.monitors()
            outcome = examine(monitor, screen, hands, pointer, on_x11(display))
        assert outcome.good and outcome.clicked == 6 and outcome.error == 0
        assert screens.examined("x", monitor, ("here",), display).detail.endswith(
            "6 of 9 marks, off by 0 pixels at most"
        )


def test_a_screen_that_something_lies_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.doctor.card.SEEN_SECONDS", 0.5)
    with xvfb(800, 600) as display, open_screen(display) as screen:
        (monitor,) = screen.monitors()
        with lying_over(display, Region(0, 0, 800, 600)):
            found = screens.examined("x", monitor, ("here",), display)
        assert found.status == "failed" and "not in the picture" in found.detail and found.cure == screens.COVERED
        with lying_over(display, Region(0, 0, 800, 500)):
            found = screens.examined("x", monitor, ("here",), display)
        assert found.status == "failed" and "only 3 of 9 marks" in found.detail and found.cure == screens.COVERED


def test_clicks_that_another_program_gets() -> None:
    """A menu that is open holds the pointer: it gets every click."""
    from Xlib import X

    with xvfb(800, 600) as display, senses(display) as (screen, hands, pointer):
        x: Any = open_display(display)
        root = x.screen().root
        root.grab_pointer(False, X.ButtonPressMask, X.GrabModeAsync, X.GrabModeAsync, X.NONE, X.NONE, X.CurrentTime)
        x.sync()
        (monitor,) = screen.monitors()
        outcome = examine(monitor, screen, hands, pointer, on_x11(display))
        assert outcome.clicked == 0 and outcome.error == 0 and not outcome.good
        assert len(outcome.struck) == 9
        x.close()


def _painted(layout: Layout, screen: Region) -> Frame:
    frame = np.zeros((screen.height, screen.width, 4), np.uint8)

    def fill(area: Region, colour: tuple[int, int, int]) -> None:
        top, left = area.top - screen.top, area.left - screen.left
        frame[top : top + area.height, left : left + area.width, :3] = colour[::-1]

    fill(layout.region, GROUND)
    for mark in layout.marks:
        for bar in layout.bars(mark):
            fill(bar, mark.colour)
    return frame


@settings(deadline=None, max_examples=10)
@given(st.integers(-3000, 3000), st.integers(-2000, 2000), st.sampled_from([(800, 600), (1280, 1024), (1900, 1200)]))
def test_marks_are_found_where_they_are_at_any_origin(left: int, top: int, size: tuple[int, int]) -> None:
    region = Region(left, top, *size)
    layout = lay_out(Monitor(1, "", region), size[0] / 1000)
    encoded = encode(_painted(layout, region), max_size=(1000, MAX_SIZE[1]))
    space = Space(region, encoded.width, encoded.height)
    found = locate(encoded, Region(0, 0, encoded.width, encoded.height), layout.marks)
    assert len(found) == 9
    for mark in layout.marks:
        seen = space.to_screen(found[mark.name].x, found[mark.name].y)
        assert max(abs(seen.x - mark.point.x), abs(seen.y - mark.point.y)) <= (0 if size[0] <= 1000 else 2)


@pytest.mark.slow
def test_doctor_tells_of_each_monitor(tmp_path: Path) -> None:
    with xvfb(800, 600, window_manager=True) as display:
        set_monitors(display, LEFT, RIGHT)
        deskhand = Deskhand(tmp_path, DISPLAY=display)
        lines = deskhand("doctor").stdout.splitlines()
        notice = lines.index(screens.NOTICE)
        assert lines[notice + 1 : notice + 5] == [
            "✓ monitor 1: “screen”, 500×600 at (0, 0): 9 of 9 marks, off by 0 pixels at most",
            "✓ monitor 2: 240×400 at (560, 50): 9 of 9 marks, off by 0 pixels at most",
            "✓ takeover: your own mouse and keyboard are told from the agent's, and stop it",
            "✓ overlay: it can be shown, and the model does not see it",
        ]
        assert lines[-1] == "Tasks can be done on the private desktop and on your own screen."
        transform_pointer(display, 1.01, 0, 0, 0, 1, 0, 0, 0, 1)
        ran = deskhand("doctor", "--json")
        said = json.loads(ran.stdout)
        assert ran.returncode == 0 and said["desktop"] and not said["here"]
        errors = {check["name"]: check["monitor"] for check in said["checks"] if check["monitor"]}
        assert errors["monitor 1"]["error"] == 4 and errors["monitor 2"]["error"] == 7
        assert errors["pointer"]["error"] == 0, "the private desktop is another display"
        assert errors["monitor 2"] | {"error": 0} == {
            "monitor": 2,
            "name": "",
            "left": 560,
            "top": 50,
            "width": 240,
            "height": 400,
            "scale": 1.0,
            "marks": 9,
            "clicked": 9,
            "error": 0,
        }


def test_without_a_card_the_pointer_is_checked_all_the_same(tmp_path: Path) -> None:
    with xvfb(800, 600) as display:
        deskhand = Deskhand(tmp_path, DISPLAY=display)
        lines = deskhand("doctor", "--no-card").stdout.splitlines()
        assert screens.NOTICE not in lines
        assert "✓ pointer on your screen: 1 monitor, off by 0 pixels at most" in lines
        transform_pointer(display, 1.1, 0, 0, 0, 1, 0, 0, 0, 1)
        ran = deskhand("doctor", "--no-card")
        (line,) = [line for line in ran.stdout.splitlines() if "pointer on your screen" in line]
        assert line.startswith("✗") and "px off on monitor 1" in line and "to mend it: xinput set-prop" in line
        assert ran.stdout.splitlines()[-1] == "Tasks can be done on the private desktop."


def test_a_user_who_cannot_be_heard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise NotSupported("no ears")

    monkeypatch.setattr("actuators.guard._listener", fails)
    with xvfb(640, 480) as display:
        monkeypatch.setenv("DISPLAY", display)
        found = screens.check_takeover()
    assert found.status == "skipped" and "no ears" in found.detail
