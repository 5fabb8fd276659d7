"""The screens of this machine, through mss: MIT-SHM on X11, GDI on Windows, CoreGraphics on macOS."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import resized
from perception.screenshot import Region

if TYPE_CHECKING:
    from mss import MSS

_WORKING = "MIT-SHM is working correctly."  # mss keeps good news and bad in one list


class MssBackend:
    """One long-lived mss connection, as a new one for each frame costs five times the frame.

    mss 10.2 and later may be used from any thread, one call at a time.
    """

    def __init__(self, display: str | None, *, monitor: int) -> None:
        self._display, self._monitor = display, monitor
        self._mss: MSS | None = None
        self._region = Region(0, 0, 0, 0)
        self.reopen()

    @property
    def region(self) -> Region:
        """The monitor, or all of them, in the units in which the pointer moves."""
        return self._region

    @property
    def notes(self) -> list[str]:
        """Why mss had to do without shared memory."""
        if self._mss is None or sys.platform != "linux":
            return []
        status = self._mss._impl.performance_status  # pyright: ignore[reportPrivateUsage]  # mss shows it nowhere else
        return [f"screen capture is slower: {line}" for line in status if line != _WORKING]

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`. The array is this caller's own."""
        import numpy as np

        if self._mss is None:
            raise ScreenLost("the screen was closed")
        box = (region.left, region.top, region.right, region.bottom)
        with self._one_error():
            shot = self._mss.grab(box)
        return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)

    def measure(self) -> Region:
        """See `Backend.measure`: mss reads the size of a screen once for each connection."""
        connection, region = self._connect()
        connection.close()
        return region

    def reopen(self) -> None:
        """See `Backend.reopen`."""
        self.close()
        self._mss, self._region = self._connect()

    def close(self) -> None:
        """See `Backend.close`."""
        if self._mss is not None:
            with suppress(Exception):  # a dead server makes closing fail, after everything has been freed
                self._mss.close()
            self._mss = None

    def _connect(self) -> tuple[MSS, Region]:
        import mss

        with _no_screen(f"cannot open {self._name}"):
            connection = mss.MSS(display=self._display) if sys.platform == "linux" else mss.MSS()
            monitors = connection.monitors
        if self._monitor >= len(monitors):
            connection.close()
            raise ScreenLost(f"there is no monitor {self._monitor}: the screen has {len(monitors) - 1}")
        chosen = monitors[self._monitor]
        return connection, Region(chosen["left"], chosen["top"], chosen["width"], chosen["height"])

    @property
    def _name(self) -> str:
        return f"display {self._display}" if self._display else "the screen"

    @contextmanager
    def _one_error(self) -> Generator[None, None, None]:
        """Whatever mss raises, as the one thing that it means: gone, or of another size."""
        try:
            with _no_screen(f"{self._name} cannot be captured any more"):
                yield
        except ScreenLost as error:
            now = self._region
            with suppress(ScreenLost):  # then the first error says it all
                now = self.measure()
            if now != self._region:
                raise resized(self._region, now) from error
            raise


@contextmanager
def _no_screen(message: str) -> Generator[None, None, None]:
    """The one place where exceptions of mss become ours.

    Over a dead X connection mss fails an assertion of its own (a ValueError under `python -O`); a missing
    library is an OSError, and everything else a ScreenShotError, whose details take several lines.
    """
    from mss.exception import ScreenShotError

    try:
        yield
    except (AssertionError, ValueError) as error:
        raise ScreenLost(f"{message}: its server does not answer") from error
    except (ScreenShotError, OSError) as error:
        raise ScreenLost(f"{message}: {(str(error) or type(error).__name__).splitlines()[0].strip()}") from error
