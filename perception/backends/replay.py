"""A film instead of a screen: frames that were recorded, or made by a test."""

from __future__ import annotations

import time
from collections.abc import Sequence

from perception import frames
from perception.cursor import Cursor
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import Monitor
from perception.screenshot import Region


class ReplayBackend:
    """Shows each frame of a film from its second on, counted from the first grab; the last one stays."""

    def __init__(self, film: Sequence[tuple[float, Frame]]) -> None:
        if not film:
            raise ScreenLost("a film without frames")
        self._film = list(film)
        self._started: float | None = None
        self.region = Region(0, 0, *frames.size(film[0][1]))
        self.notes: list[str] = []

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`."""
        if self._started is None:
            self._started = time.monotonic()
        elapsed = time.monotonic() - self._started
        shown = [frame for second, frame in self._film if second <= elapsed] or [self._film[0][1]]
        return frames.cut(shown[-1], region).copy()

    def monitors(self) -> Sequence[Monitor]:
        """A film has one."""
        return (Monitor(1, "film", self.region, primary=True),)

    def cursor(self) -> Cursor | None:
        """See `Backend.cursor`: what was recorded is what there is."""
        return None

    def measure(self) -> Region:
        """A film has one size."""
        return self.region

    def reopen(self) -> None:
        """A film has one size."""

    def close(self) -> None:
        """Nothing is held."""
