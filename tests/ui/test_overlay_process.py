"""The overlay's process: how it comes, what its user may do with the window, and every way in which it can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from actuators.xlibfix import open_display
from agent.errors import UserFault
from agent.session import create_session
from perception.eyes import open_eyes
from perception.screenshot import Region, Screenshot
from tests.support.intruder import stage
from tests.support.overlay import Overlay, overlay, until
from tests.support.textfield import text_field
from tests.support.xephyr import User
from tests.support.xserver import xserver, xvfb
from ui.overlay import open_overlay
from ui.window.place import BAR, MARGIN, SIZE


@pytest.fixture(scope="module")
def display() -> Generator[str]:
    with xvfb(window_manager=True) as name:
        yield name


def test_it_comes_without_the_focus_and_gives_it_back(display: str, tmp_path: Path) -> None:
    with text_field(display) as field:
        program = active(display)
        with overlay(display, tmp_path) as there:
            assert there.active() == program
            user = User(display)
            at = there.region
            user.move(at.left + 40, at.top + 50)
            user.click()
            until(lambda: there.active() == there.client)
            user.tap("a")
            until(lambda: "keydown=a" in there.told())
            user.tap("enter")
            until(lambda: there.active() == program)
            user.tap("a")
            until(lambda: field.read() == "a")
            user.close()


def test_its_user_moves_and_collapses_it_and_it_is_there_again(display: str, tmp_path: Path) -> None:
    user = User(display)
    with overlay(display, tmp_path) as there:
        at = there.region
        assert (at.right, at.top) == (1280 - MARGIN, MARGIN)
        user.move(at.left + 200, at.top + 15)
        user.press(1)
        for step in range(1, 11):
            user.move(at.left + 200 - 30 * step, at.top + 15 + 20 * step)
        until(lambda: there.region == Region(at.left - 300, at.top + 200, *SIZE))
        user.press(1, down=False)
        user.move(at.left - 100, at.top + 500)
        double_click(user, there)
        until(lambda: there.region == Region(at.left - 300, at.top + 200, *BAR))
    with overlay(display, tmp_path) as there:
        assert there.region == Region(at.left - 300, at.top + 200, *BAR)
    user.close()


def double_click(user: User, there: Overlay) -> None:
    """Until it is one: on a busy machine two clicks can be too far apart."""
    for _ in range(5):
        user.click()
        user.click()
        with suppress(AssertionError):
            until(lambda: "collapsed=true" in there.told(), 10)
            return
    pytest.fail("it did not collapse")


def test_when_it_is_killed_the_next_picture_is_right(display: str, tmp_path: Path) -> None:
    with stage(display) as page, open_eyes(display) as eyes:
        without = pixels(eyes.look())
        with overlay(display, tmp_path) as there:
            page.lower()
            assert np.array_equal(pixels(eyes.look()), without)
            os.kill(there.process.pid, signal.SIGKILL)
            for _ in range(20):
                assert np.array_equal(pixels(eyes.look()), without)
        with (
            overlay(display, tmp_path, session=there.session) as again,
            pytest.raises(UserFault, match="on the screen already"),
        ):
            open_overlay(again.session.id, home=tmp_path)


def test_it_outlives_the_sessions_process_and_ends_with_the_screen(tmp_path: Path) -> None:
    session = create_session(tmp_path)
    with xvfb(window_manager=True) as display:
        environment = {**os.environ, "DISPLAY": display, "DESKHAND_HOME": str(tmp_path)}
        parent = subprocess.Popen([sys.executable, "-c", PARENT, session.id], env=environment, stdout=subprocess.PIPE)
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.communicate()
        time.sleep(0.3)
        assert runs(pid)
    until(lambda: not runs(pid))


PARENT = """
import sys, time
from ui.overlay import open_overlay
print(open_overlay(sys.argv[1], program=(sys.executable, "-m", "tests.support.overlay")).pid, flush=True)
time.sleep(60)
"""


def test_without_a_screen_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = create_session(tmp_path)
    for display in (None, ":987"):
        monkeypatch.delenv("DISPLAY", raising=False)
        if display:
            monkeypatch.setenv("DISPLAY", display)
        with pytest.raises(UserFault, match=r"display.*deskhand serve.*session goes on") as caught:
            open_overlay(session.id, home=tmp_path)
        assert "\n" not in str(caught.value)


def test_a_server_that_would_show_it_to_the_agent_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = create_session(tmp_path)
    with xserver(800, 600, "-extension", "Composite") as server:
        monkeypatch.setenv("DISPLAY", server.display)
        with pytest.raises(UserFault, match="Composite"):
            open_overlay(session.id, home=tmp_path)


def pixels(shot: Screenshot) -> Any:
    return cv2.imdecode(np.frombuffer(shot.image, np.uint8), cv2.IMREAD_COLOR)


def active(display: str) -> int:
    x: Any = open_display(display)
    try:
        return int(x.screen().root.get_full_property(x.intern_atom("_NET_ACTIVE_WINDOW"), 0).value[0])
    finally:
        x.close()


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
