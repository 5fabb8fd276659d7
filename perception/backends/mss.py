"""The screens of this machine, through mss: MIT-SHM on X11, GDI on Windows, CoreGraphics on macOS."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actuators.dpi import see_real_pixels
from perception.cursor import Cursor
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import Monitor, resized
from perception.screenshot import Region

if TYPE_CHECKING:
    from mss import MSS

_PROBE = 8  # units; the side of the picture that a monitor's scale is measured with
_WORKING = "MIT-SHM is working correctly."  # mss keeps good news and bad in one list


class MssBackend:
    """One long-lived mss connection, as a new one for each frame costs five times the frame.

    mss 10.2 and later may be used from any thread, one call at a time.
    """

    def __init__(self, display: str | None, *, monitor: int) -> None:
        self._display, self._monitor = display, monitor
        self._mss: MSS | None = None
        self._region = Region(0, 0, 0, 0)
        self._identity: str | None = None  # of the monitor, where the system has one for it
        self.reopen()

    @property
    def region(self) -> Region:
        """The monitor, or all of them, in the units in which the pointer moves."""
        return self._region

    @property
    def notes(self) -> list[str]:
        """Why mss had to do without shared memory, or without real pixels."""
        if self._mss is None or sys.platform != "linux":
            return [note] if (note := see_real_pixels()) else []
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
        if not (shot.width and shot.height):
            raise ScreenLost(f"{self._name} gave a picture without pixels; is a monitor switched on?")
        return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)

    def cursor(self) -> Cursor | None:
        """See `Backend.cursor`. Only X11 shows it to mss."""
        import numpy as np
        from mss.exception import ScreenShotError

        if self._mss is None or sys.platform != "linux":
            return None
        with self._one_error():
            try:
                shot = self._mss._impl.cursor()  # pyright: ignore[reportPrivateUsage]  # public only as a part of a frame
            except ScreenShotError as error:
                if "XFixes" in str(error):  # a server that does not tell
                    return None
                raise
        if shot is None:
            return None
        return Cursor(np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4), shot.left, shot.top)

    def monitors(self) -> Sequence[Monitor]:
        """See `Backend.monitors`: mss reads them once for each connection."""
        connection, _, areas = self._connect()
        try:
            with _no_screen(f"{self._name} cannot be captured any more"):
                found = [_monitor(connection, number, area) for number, area in enumerate(areas[1:], 1)]
        finally:
            connection.close()
        if not any(monitor.primary for monitor in found):
            found[0] = replace(found[0], primary=True)
        return found

    def measure(self) -> Region:
        """See `Backend.measure`: mss reads the size of a screen once for each connection."""
        connection, region, _ = self._connect()
        connection.close()
        return region

    def reopen(self) -> None:
        """See `Backend.reopen`."""
        self.close()
        self._mss, self._region, _ = self._connect()

    def close(self) -> None:
        """See `Backend.close`."""
        if self._mss is not None:
            with suppress(Exception):  # a dead server makes closing fail, after everything has been freed
                self._mss.close()
            self._mss = None

    def _connect(self) -> tuple[MSS, Region, list[dict[str, Any]]]:
        import mss

        with _no_screen(f"cannot open {self._name}"):
            connection = mss.MSS(display=self._display) if sys.platform == "linux" else mss.MSS()
            areas = _areas(connection)
        try:
            return connection, self._chosen(areas), areas
        except ScreenLost:
            connection.close()
            raise

    def _chosen(self, areas: list[dict[str, Any]]) -> Region:
        number = self._monitor
        if self._identity is None or not number:
            found = areas[number : number + 1]
        else:  # others may have come and gone since, and been numbered anew
            found = [area for area in areas[1:] if _identity(area) == self._identity]
        if not found:
            raise ScreenLost(f"there is no monitor {number}: the screen has {len(areas) - 1}")
        self._identity = _identity(found[0])
        region = _region(found[0])
        if not (region.width and region.height):
            raise ScreenLost(f"{self._name} has no pixels ({region.width}×{region.height}); is a monitor switched on?")
        return region

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


def _areas(connection: MSS) -> list[dict[str, Any]]:
    """What mss says of the whole screen, then of each monitor; where it knows of none, the screen is one."""
    whole, *monitors = [dict(area) for area in connection.monitors]
    return [whole, *([area for area in monitors if area["width"] and area["height"]] or [whole])]


def _monitor(connection: MSS, number: int, area: dict[str, Any]) -> Monitor:
    """A monitor, with its scale as a picture of a corner of it shows it."""
    region = _region(area)
    width, height = min(_PROBE, region.width), min(_PROBE, region.height)
    shot = connection.grab((region.left, region.top, region.left + width, region.top + height))
    name = str(area.get("name") or area.get("output") or "")
    return Monitor(number, name, region, bool(area.get("is_primary")), shot.width / width)


def _identity(area: dict[str, Any]) -> str | None:
    """What tells a monitor from the others when numbers change: itself, or the socket that it is plugged into."""
    return area.get("output") or area.get("unique_id")


def _region(area: dict[str, Any]) -> Region:
    return Region(area["left"], area["top"], area["width"], area["height"])


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
