"""The overlay's window beside a working agent: neither seen nor touched, and still the user's own."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from Xlib import X

from actuators.actions import Click, Drag, Keypress, Move, Point, Scroll, Type
from actuators.guard import open_guard
from actuators.hands import open_hands
from actuators.xlibfix import open_display
from perception.backends.mss import MssBackend
from perception.backends.xwindows import XWindows
from perception.eyes import Eyes, open_eyes
from perception.screenshot import Screenshot
from perception.settle import Settled
from tests.support.intruder import Stage, stage
from tests.support.overlay import Overlay, overlay, until, wandering
from tests.support.textfield import text_field
from tests.support.xephyr import User, xephyr
from tests.support.xserver import end, openbox, xvfb
from vm.windows import Windows


@pytest.fixture(scope="module")
def display() -> Generator[str]:
    with xvfb(window_manager=True) as name:
        yield name


@pytest.fixture(scope="module")
def shown(display: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Overlay]:
    with overlay(display, tmp_path_factory.mktemp("home")) as there:
        yield there


def pixels(shot: Screenshot) -> Any:
    return cv2.imdecode(np.frombuffer(shot.image, np.uint8), cv2.IMREAD_COLOR)


PLACES = [(60, 40), (420, 60), (700, 230), (200, 260)]


def test_it_is_absent_from_what_the_model_sees(display: str, shown: Overlay) -> None:
    with stage(display) as page, open_eyes(display) as eyes:
        without = pixels(eyes.look())
        page.lower()
        assert not np.array_equal(photographed(display), without)
        with wandering(shown, *PLACES):
            right = sum(np.array_equal(pixels(eyes.look()), without) for _ in range(200))
    assert right == 200


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("picom"), reason="picom is not installed")
def test_it_is_absent_where_a_compositor_paints_the_screen(tmp_path: Path) -> None:
    with xvfb(window_manager=True) as display, picom(display), stage(display) as page, open_eyes(display) as eyes:
        page.lower()
        page.draw()  # a compositor does not paint what was drawn before it knew the window
        until(lambda: len(np.unique(pixels(eyes.look()))) > 1)
        without = pixels(eyes.look())
        with overlay(display, tmp_path) as there, wandering(there, *PLACES):
            assert all(np.array_equal(pixels(eyes.look()), without) for _ in range(50))


@contextmanager
def picom(display: str) -> Generator[None]:
    """A compositor without shadows."""
    x: Any = open_display(display)
    compositor = subprocess.Popen(
        ["picom", "--backend", "xrender"], env={**os.environ, "DISPLAY": display}, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _is_painted_by_another(x))
        yield
    finally:
        x.close()
        end(compositor)


def _is_painted_by_another(x: Any) -> bool:
    """Whether what is drawn into a window is on the screen only later; who has the compositor's name may not paint yet.

    Asking for the right to paint, instead, would keep the compositor from having it.
    """
    root = x.screen().root
    probe = root.create_window(0, 0, 4, 4, 0, X.CopyFromParent, background_pixel=0, override_redirect=True)
    probe.map()
    late = False
    for colour in (0xFF0000, 0x00FF00, 0x0000FF, 0x777777):
        probe.change_attributes(background_pixel=colour)
        probe.clear_area(0, 0, 4, 4)
        x.sync()
        late = late or int.from_bytes(root.get_image(1, 1, 1, 1, X.ZPixmap, 0xFFFFFFFF).data[:3], "little") != colour
    probe.destroy()
    x.sync()
    return late


def test_the_agents_clicks_reach_what_is_under_it(display: str, shown: Overlay) -> None:
    chance = random.Random(7)
    heard = len(shown.told())
    with stage(display) as page, open_hands(display) as hands:
        page.lower()
        hit = 0
        with wandering(shown, *PLACES):
            for _ in range(200):
                at = shown.region
                x, y = at.left + chance.randrange(at.width), at.top + chance.randrange(at.height)
                hands.perform(Click(x, y))
                hit += page.hits() == [("page", 0)]
    assert hit == 200
    assert shown.told()[heard:] == []


def test_drags_and_the_wheel_pass_it_too(display: str, shown: Overlay) -> None:
    heard = len(shown.told())
    with stage(display) as page, open_hands(display) as hands:
        page.lower()
        shown.move(*PLACES[0])
        at = shown.region
        hands.perform(Drag((Point(5, 5), Point(at.left + 50, at.top + 50), Point(at.left + 200, at.top + 300))))
        hands.perform(Scroll(at.left + 100, at.top + 100, 0, 360))
        assert len(page.hits()) == 4
    assert shown.told()[heard:] == []


def test_where_the_agent_hovers_it_hovers_over_the_program(display: str, shown: Overlay) -> None:
    with stage(display) as page, open_hands(display) as hands:
        page.lower()
        shown.move(*PLACES[0])
        heard = len(shown.told())
        hands.perform(Move(PLACES[0][0] + 100, PLACES[0][1] + 200))
        time.sleep(0.2)
        assert not shown.takes_clicks()
        assert shown.told()[heard:] == []
        pointer(display, PLACES[0][0] + 120, PLACES[0][1] + 200)
        until(shown.takes_clicks, 1)


def test_typing_goes_to_the_program(display: str, shown: Overlay) -> None:
    with text_field(display) as field, open_hands(display) as hands:
        at = shown.region
        hands.perform(Click(at.left + 20, at.top + 60))
        shown.focus()
        until(lambda: shown.active() == shown.client)
        hands.perform(Type("plain, é 漢字"))
        assert field.read() == "plain, é 漢字"
        shown.focus()
        until(lambda: shown.active() == shown.client)
        hands.perform(Keypress(("ctrl", "a")))
        hands.perform(Type("x"))
        assert field.read() == "x"
    assert not any(word.startswith("keydown") for word in shown.told())


@pytest.mark.slow
def test_the_eyes_settle_as_soon_as_without_it(display: str, shown: Overlay) -> None:
    with stage(display) as page, open_eyes(display) as eyes:
        alone = [settled(eyes, page) for _ in range(12)]
        page.lower()
        beside = [settled(eyes, page) for _ in range(12)]
    assert all(each.settled for each in beside)
    assert statistics.median(each.seconds for each in beside) < statistics.median(each.seconds for each in alone) + 0.1


def test_what_changes_under_it_is_noticed(display: str, shown: Overlay) -> None:
    with stage(display) as page, open_eyes(display) as eyes:
        page.lower()
        eyes.look()
        at = shown.region
        eyes.mark()
        page.spot(at.left + 100, at.top + 100, 40, 40)
        assert eyes.settle().settled
        changed = eyes.late()
        assert changed is not None and changed.place.width == changed.place.height == 40
        assert "has changed there" in doubt(eyes, at.left + 120, at.top + 120, page)


def doubt(eyes: Eyes, x: int, y: int, page: Stage) -> str:
    eyes.look()
    page.spot(x - 40, y - 40, 80, 80, again=True)
    eyes.mark("click", (x, y))
    return eyes.doubt(x, y)


def test_it_is_no_window_that_has_come_in_between(display: str, shown: Overlay) -> None:
    with stage(display) as page, open_eyes(display) as eyes:
        page.lower()
        eyes.look()
        shown.move(*PLACES[1])
        x, y = PLACES[1][0] + 100, PLACES[1][1] + 100
        eyes.mark("click", (x, y))
        assert eyes.doubt(x, y) == ""
        page.pop_up(x, y, low=True)
        eyes.mark("click", (x, y))
        assert eyes.doubt(x, y) == "a window has come there since that screenshot"


def test_what_is_named_is_what_is_under_it(display: str, shown: Overlay) -> None:
    with text_field(display):
        x: Any = open_display(display)
        shown.focus()
        until(lambda: shown.active() == shown.client)
        windows = XWindows(x)
        front = windows.in_front()
        assert front is not None and front.region is not None
        shown.move(front.region.left, front.region.top)
        named = windows.at(front.region.left + 20, front.region.top + 60)
        assert named is not None and named.pid == front.pid != shown.process.pid
        listed = Windows(display)
        assert shown.client not in listed.shown()
        listed.close()
        x.close()


def test_a_killed_agent_leaves_it_clickable(display: str, shown: Overlay) -> None:
    shown.move(*PLACES[0])
    hands = subprocess.Popen([sys.executable, "-c", DRAG, display, *map(str, PLACES[0])])
    until(lambda: not shown.takes_clicks())
    hands.kill()
    hands.wait()
    until(shown.takes_clicks, 1)


DRAG = """
import sys
from actuators.actions import Drag, Point
from actuators.hands import open_hands
x, y = int(sys.argv[2]), int(sys.argv[3])
with open_hands(sys.argv[1]) as hands:
    while True:
        hands.perform(Drag((Point(x + 20, y + 20), Point(x + 200, y + 400))))
"""


def test_the_user_uses_it_between_and_during_the_agents_actions(tmp_path: Path) -> None:
    with (
        xephyr() as (server, user),
        openbox(server.display),
        overlay(server.display, tmp_path) as there,
        open_hands(server.display) as hands,
    ):
        guard = open_guard(hands, server.display, grace=0)
        at = there.region
        pause = at.left + 205, at.top + 50
        for number in range(1, 6):
            hands.perform(Click(at.left + 100, at.top + 300))
            for x in (200, 100 + number):  # a hand comes from somewhere
                user.move(x, pause[1])
            until(lambda: guard.touches is not None)
            user.move(pause[0] - number, pause[1])
            until(there.takes_clicks, 1)
            user.click()
            until(lambda n=number: there.told().count("pause") == n)
            until(lambda: guard.touches is not None and guard.touches.reached)  # the guard hears of it on its own way
            assert guard.touches is not None and guard.touches.first == "pointer"
            assert guard.hand_back() is not None
        user.click()  # the pointer is there already: no takeover, and no touch of the agent's work
        until(lambda: there.told().count("pause") == 6)
        assert guard.touches is None
        user.move(100, 600)
        user.click()
        until(lambda: guard.touches is not None and bool(guard.touches.clicks))
        assert guard.touches is not None and not guard.touches.reached
        guard.close()


def settled(eyes: Eyes, page: Stage) -> Settled:
    eyes.mark("click", (30, 30))
    page.spot(20, 20, 60, 60)
    return eyes.settle()


def photographed(display: str) -> Any:
    camera = MssBackend(display, monitor=0)
    try:
        return camera.grab(camera.region)[:, :, :3]
    finally:
        camera.close()


def pointer(display: str, x: int, y: int) -> None:
    user = User(display)
    user.move(x, y)
    user.close()
