"""The screen as a source of frames: a façade over the backends in `perception/backends/`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, Self

from perception import cursor as cursors
from perception import frames
from perception.cursor import Cursor
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screenshot import Region


class ScreenResized(ScreenLost):
    """The screen has another size than the one that its reader knows: `Screen.reopen`, then look again."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor of a screen.

    Attributes:
        number: 1 for the first; what `open_screen` takes.
        name: what the system calls it, like "HDMI-1"; "" where it does not say.
        region: where it is, in the units in which the pointer moves; left of or above the main one it is negative.
        primary: whether it is the main one; the first of them where the system does not say.
        scale: pixels of a frame for each unit of `region`, across; 2.0 on a HiDPI screen of macOS.
    """

    number: int
    name: str
    region: Region
    primary: bool = False
    scale: float = 1.0

    def __str__(self) -> str:
        quoted = f" “{self.name}”" if self.name else ""
        scaled = f", scale {self.scale:g}" if self.scale != 1 else ""
        return f"monitor {self.number}{quoted}, {named(self.region)}{scaled}"


class Backend(Protocol):
    """Something that frames can be grabbed from. Its façade makes one call at a time, from any thread."""

    @property
    def region(self) -> Region:
        """What a whole frame shows, in the units in which the pointer moves."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Why it is slower than it could be; empty if it is not."""
        ...

    def monitors(self) -> Sequence[Monitor]:
        """The monitors that there are now, whichever of them is shown. As slow as `measure`.

        Raises:
            ScreenLost: it is not there any more.
        """
        ...

    def cursor(self) -> Cursor | None:
        """The mouse pointer now, in the units of `region`; None where it is hidden, or cannot be had.

        Raises:
            ScreenLost: there is no such screen.
        """
        ...

    def grab(self, region: Region) -> Frame:
        """A fresh frame of a part of the screen, in the same units as `region`.

        Raises:
            ScreenLost: there is no such screen.
        """
        ...

    def measure(self) -> Region:
        """What `region` would be if it were opened now. Slower than a frame.

        Raises:
            ScreenLost: it is not there any more.
        """
        ...

    def reopen(self) -> None:
        """Start anew on the same screen, which may have changed its size.

        Raises:
            ScreenLost: it is not there any more.
        """
        ...

    def close(self) -> None:
        """Let go of the screen. May be called twice."""
        ...


class Screen:
    """Frames of one screen. Safe to use from any thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._closed = False

    @property
    def region(self) -> Region:
        """The part of the desktop that frames show, in the units in which the pointer moves."""
        return self._backend.region

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `region`."""
        return self.region.width, self.region.height

    @property
    def notes(self) -> tuple[str, ...]:
        """Why capturing is slower than it could be, one line each; empty if it is not."""
        return tuple(self._backend.notes)

    def grab(self, region: Region | None = None) -> Frame:
        """Take a frame, H×W×4 BGRX, of the whole screen or of a region of it (in the units of `region`).

        Raises:
            ScreenResized: the screen is no longer as large as `region` says.
            ScreenLost: it cannot be captured any more, or the region is not on it.
        """
        wanted = self.region if region is None else region
        if frames.overlap(wanted, self.region) != wanted:
            raise ScreenLost(f"{named(wanted)} is not on the screen, which is {named(self.region)}")
        with self._lock:
            if self._closed:
                raise ScreenLost("the screen was closed")
            return self._backend.grab(wanted)

    def monitors(self) -> tuple[Monitor, ...]:
        """Every monitor that this machine's screen has now, also those that frames do not show.

        Raises:
            ScreenLost: the screen is gone.
        """
        with self._lock:
            return tuple(self._backend.monitors())

    def with_cursor(self, frame: Frame) -> Frame:
        """A copy of a frame of the whole screen with the mouse pointer drawn into it, as it is now.

        Frames come without it, so that a pointer that moves or turns into an hourglass is no change of the screen.
        """
        with self._lock:
            cursor = None if self._closed else self._backend.cursor()
        return frame if cursor is None else cursors.drawn(frame, self.region, cursor)

    def check(self) -> None:
        """Notice a screen that has grown, of which `grab` would go on to show the same part. Takes about 5 ms.

        Raises:
            ScreenResized: the screen is no longer as large as `region` says.
            ScreenLost: the screen is gone.
        """
        with self._lock:
            known, now = self._backend.region, self._backend.measure()
        if now != known:
            raise resized(known, now)

    def reopen(self) -> None:
        """Read the screen's size anew, after `ScreenResized`.

        Raises:
            ScreenLost: the screen is gone.
        """
        with self._lock:
            self._backend.reopen()

    def close(self) -> None:
        """Let go of the screen. May be called twice."""
        with self._lock:
            self._closed = True
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_screen(display: str | None = None, *, monitor: int = 0) -> Screen:
    """Open a screen of this machine.

    Args:
        display: an X11 display, like ":77"; None for the one of the environment, or the only one there is.
        monitor: 0 for all monitors together, 1 for the first one, and so on.

    Raises:
        ScreenLost: there is no such screen, or no such monitor.
    """
    from actuators.dpi import see_real_pixels

    see_real_pixels()
    return Screen(_without_overlays(_capturing(display, monitor), display))


def _capturing(display: str | None, monitor: int) -> Backend:
    """Through mss where it is installed; a virtual machine's own eyes do without."""
    if sys.platform == "linux" and importlib.util.find_spec("mss") is None:
        from perception.backends.xshm import XShmBackend

        return XShmBackend(display, monitor=monitor)
    from perception.backends.mss import MssBackend

    return MssBackend(display, monitor=monitor)


def _without_overlays(backend: Backend, display: str | None) -> Backend:
    """Where overlays keep out of pictures by themselves, there is nothing to do."""
    if sys.platform != "linux":
        return backend
    from actuators.errors import ActuatorError
    from perception.backends.uncovered import Uncovered
    from perception.backends.xpatch import XPatch

    try:
        return Uncovered(backend, XPatch(display))
    except ActuatorError as error:
        backend.close()
        raise ScreenLost(str(error)) from error


def resized(known: Region, now: Region) -> ScreenResized:
    """The error that says what has become of the screen's size."""
    return ScreenResized(f"the screen was {named(known)}, and now is {named(now)}")


def named(region: Region) -> str:
    """A region in words, like "1920×1080 at (0, 0)"."""
    return f"{region.width}×{region.height} at ({region.left}, {region.top})"
