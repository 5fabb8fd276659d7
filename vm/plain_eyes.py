"""Eyes on a machine that speaks the plain interface only: each picture is taken there, and may take a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from perception import frames
from perception.errors import ScreenLost
from perception.screen import Monitor, Screen, resized
from perception.screenshot import Region
from perception.settle import Tempo
from perception.watch import News, PollingWatch, Wake, Watch
from vm.guest_client import GuestFault

if TYPE_CHECKING:
    from perception.cursor import Cursor
    from perception.frames import Frame
    from vm.plain_client import PlainClient

UNSEEN = Tempo(calm=0.5)
"""For a place where every look costs the programs time."""

FIRST, LONGEST = 0.05, 0.8  # seconds between pictures: at first, and after many that showed nothing new
FRESH = 0.05  # seconds since a picture, and once more what it took: it is not taken again for the same purpose


class PlainBackend:
    """Its screen as a backend of `perception.screen.Screen`. The mouse pointer is in its pictures."""

    def __init__(self, client: PlainClient) -> None:
        self._client = client
        self.notes: tuple[str, ...] = ()
        self._last = self._taken()
        self.region = Region(0, 0, *frames.size(self._last))

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`."""
        self._last = frame = self._taken()
        if frames.size(frame) != (self.region.width, self.region.height):
            raise resized(self.region, Region(0, 0, *frames.size(frame)))
        return frame if region == self.region else frames.cut(frame, region)

    def monitors(self) -> Sequence[Monitor]:
        """It has one picture."""
        return (Monitor(1, "", self.region, primary=True),)

    def cursor(self) -> Cursor | None:
        """See `Backend.cursor`: it is in the picture already."""
        return None

    def measure(self) -> Region:
        """See `Backend.measure`: as the last picture was."""
        return Region(0, 0, *frames.size(self._last))

    def reopen(self) -> None:
        """See `Backend.reopen`."""
        self.region = self.measure()

    def close(self) -> None:
        """The line is somebody else's to close."""

    def _taken(self) -> Frame:
        import cv2
        import numpy as np

        try:
            data = self._client.screenshot()
        except GuestFault as fault:
            raise ScreenLost(str(fault)) from None
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if picture is None:  # pyright: ignore[reportUnnecessaryComparison]  # of what is no picture
            raise ScreenLost(f"the machine gave a screenshot that is no picture ({len(data)} bytes)")
        return cast("Frame", cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA))


class SparingWatch(PollingWatch):
    """Compares pictures, ever less often while nothing changes; see `perception.watch.Watch`. Nobody can be asked."""

    def __init__(self, screen: Screen, wake: Wake) -> None:
        self._pause = FIRST
        self._began, self._took = 0.0, 0.0
        super().__init__(screen, wake)

    def start(self, *, anew: bool = True) -> Frame:
        """See `Watch`: with the picture that was just taken, where there is one."""
        if not self._is_fresh():
            self._known = self._grab()
        self._lingers, self._pause = False, FIRST
        return self._known

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
        if seconds <= 0:
            return News(() if self._is_fresh() else self._compare())
        self._wake.wait(min(seconds, self._pause))
        changes = self._compare()
        self._pause = FIRST if changes else min(LONGEST, 2 * self._pause)
        return News(changes)

    def _is_fresh(self) -> bool:
        known = frames.size(self._known) == self._screen.size
        return known and time.monotonic() - self._began < FRESH + self._took

    def _grab(self) -> Frame:
        began, frame = time.monotonic(), self._screen.grab()
        self._began, self._took = began, time.monotonic() - began
        return frame


def sparing(screen: Screen, wake: Wake) -> tuple[Watch, str]:
    """A watch for a machine whose pictures are dear, and no note."""
    return SparingWatch(screen, wake), ""


class NoNames:
    """A `perception.naming.NamingBackend` where nobody says what things are called."""

    def prepare(self) -> None:
        """Nothing to connect to."""

    def at(self, x: int, y: int, deadline: float, tell: object) -> None:
        """Nothing is known."""

    def in_front(self, deadline: float, tell: object) -> None:
        """Nothing is known."""

    def close(self) -> None:
        """Nothing is held."""
