"""Capturing without mss shows what capturing with it shows, and notices the same losses."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from perception import screen
from perception.backends import xshm
from perception.backends.mss import MssBackend
from perception.backends.xshm import XShmBackend
from perception.errors import ScreenLost
from perception.screen import Screen, ScreenResized, open_screen
from perception.screenshot import Region
from tests.support.monitors import resize
from tests.support.xserver import end, xserver, xvfb


def test_the_same_pixels() -> None:
    with xvfb(320, 200) as display:
        subprocess.run(["xsetroot", "-display", display, "-gray"], check=True)
        ours, theirs = XShmBackend(display), MssBackend(display, monitor=0)
        try:
            assert ours.region == theirs.region and ours.notes == []
            for region in (ours.region, Region(3, 5, 41, 17), Region(319, 199, 1, 1)):
                one, other = ours.grab(region), theirs.grab(region)
                assert one.shape == other.shape and np.array_equal(one[:, :, :3], other[:, :, :3])
                assert one.flags.writeable
            assert [(m.region, m.primary) for m in ours.monitors()] == [
                (m.region, m.primary) for m in theirs.monitors()
            ]
            mine, his = ours.cursor(), theirs.cursor()
            assert mine and his and (mine.left, mine.top) == (his.left, his.top)
            assert np.array_equal(mine.picture, his.picture)
        finally:
            ours.close()
            theirs.close()


def test_without_shared_memory_it_is_slower_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xshm, "EXTENSION", "NO-SUCH")
    with xvfb(64, 48) as display:
        backend = XShmBackend(display)
        try:
            assert backend.grab(Region(0, 0, 64, 48)).shape == (48, 64, 4)
            assert backend.notes == ["screen capture is slower: the X server has no MIT-SHM extension"]
        finally:
            backend.close()


def test_a_screen_that_changes_its_size_and_one_that_goes() -> None:
    with xserver(800, 600) as server, Screen(XShmBackend(server.display)) as seen:
        resize(server.display, 640, 480)
        for look in (seen.check, seen.grab):
            with pytest.raises(ScreenResized):
                look()
        seen.reopen()
        assert seen.grab().shape == (480, 640, 4)
        end(server)
        for look in (seen.grab, seen.check, seen.reopen):
            with pytest.raises(ScreenLost):
                look()
    with pytest.raises(ScreenLost):
        XShmBackend(server.display)
    with xvfb(64, 48) as display, pytest.raises(ScreenLost, match="no monitor 3"):
        XShmBackend(display, monitor=3)


def test_chosen_where_there_is_no_mss(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        assert name == "mss"

    monkeypatch.setattr(screen.importlib.util, "find_spec", missing)
    with xvfb(64, 48) as display, open_screen(display) as seen:
        assert seen.grab().shape == (48, 64, 4)
