"""Watching the screen for changes: through X Damage where there is any, else by comparing frames.

All regions are in pixels of the screen's frames.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from perception import frames
from perception.backends.xdamage import WatchLost
from perception.backends.xfront import Front
from perception.frames import Frame
from perception.restless import Change
from perception.screen import Screen, ScreenResized
from perception.screenshot import Region

_TEXT_WIDTH, _TEXT_HEIGHT = 100, 60  # pixels; in what is smaller, scrolling is not looked for
_TITLE = 30  # pixels; what a window manager paints on top of a window
POLL = 0.05  # seconds between compared frames, where nothing tells about damage


class Wake:
    """A wait that another thread can cut short. A call that comes too early cuts the next wait."""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)

    def set(self) -> None:
        """Cut the wait under way short, or else the next one. From any thread, at any time."""
        with suppress(OSError):  # full: it is set already; closed: nobody waits
            self._there.send(b"!")

    def clear(self) -> bool:
        """Forget what came; whether anything had come."""
        came = False
        with suppress(OSError):
            while self._here.recv(64):
                came = True
        return came

    def fileno(self) -> int:
        """Readable once it is set."""
        return self._here.fileno()

    def wait(self, seconds: float, *others: int) -> None:
        """Until `set`, until one of the other descriptors is readable, or for so many seconds."""
        select.select([self._here, *others], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Give the descriptors back."""
        self._here.close()
        self._there.close()


@dataclass(frozen=True, slots=True)
class News:
    """What a watch has noticed: what changed, whether a ping was answered, or may have to be sent anew."""

    changes: Sequence[Change] = ()
    answered: bool = False
    refocused: bool = False


class Watch(Protocol):
    """Notices changes of the screen from the last `start` on. For one thread at a time.

    Every method raises ScreenLost when there is no screen any more, ScreenResized when it has another size, and
    WatchLost when this way of watching it has ended.
    """

    @property
    def frame(self) -> Frame:
        """The screen as it is known: by `start`, and by the last `wait`. Not to be written to."""
        ...

    def start(self, *, anew: bool = True) -> Frame:
        """Forget all changes so far; the frame that those to come are changes of. Not to be written to.

        Args:
            anew: False to take `frame` for it if nothing has told of a change since. Faster.
        """
        ...

    def linger(self) -> None:
        """Nobody waits any more: the next `wait` may be much later, and shall know when things have changed."""
        ...

    def wait(self, seconds: float) -> News:
        """What is new, waiting for at most so many seconds for there to be any."""
        ...

    def ping(self) -> bool:
        """Ask the program in front for an answer; False if none can be expected."""
        ...

    def moved_on(self) -> bool:
        """Whether another program is in front than the one asked."""
        ...

    def give_up(self) -> bool:
        """Whether the program asked has never answered; it is not asked again then, unless it does after all."""
        ...

    def front(self) -> Front:
        """What is in front, as far as that can be known."""
        ...

    def busy(self) -> float:
        """Seconds after the last change for which to go on waiting, as a program shows that it is at work; else 0."""
        ...

    def close(self) -> None:
        """Let go. The screen stays open."""
        ...


Watching: TypeAlias = Callable[[Screen, Wake], tuple[Watch, str]]  # opens a watch; the note says what it lacks


class PollingWatch:
    """Compares frames at a fixed pace. Cannot tell a busy program from one that has nothing to do."""

    def __init__(self, screen: Screen, wake: Wake) -> None:
        self._screen, self._wake = screen, wake
        self._known = self._grab()
        self._lingers = False

    @property
    def frame(self) -> Frame:
        """See `Watch`."""
        return self._known

    def start(self, *, anew: bool = True) -> Frame:
        """See `Watch`."""
        self._screen.check()
        if anew:
            self._known = self._grab()
        self._lingers = False
        return self._known

    def linger(self) -> None:
        """See `Watch`: but what changes then is seen without its time."""
        self._lingers = True

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
        if seconds > 0:
            self._wake.wait(min(seconds, POLL))
        return News(self._compare())

    def ping(self) -> bool:
        """See `Watch`: nobody can be asked."""
        return False

    def moved_on(self) -> bool:
        """See `Watch`."""
        return False

    def give_up(self) -> bool:
        """See `Watch`."""
        return True

    def front(self) -> Front:
        """See `Watch`: nobody knows."""
        return Front()

    def busy(self) -> float:
        """See `Watch`: nobody knows."""
        return 0.0

    def close(self) -> None:
        """See `Watch`."""

    def _grab(self) -> Frame:
        return self._screen.grab()

    def _compare(self) -> Sequence[Change]:
        fresh = self._grab()
        if fresh.shape != self._known.shape:
            raise ScreenResized("the screen changed its size")
        changes = changes_of(self._known, fresh, None if self._lingers else time.monotonic())
        self._known, self._lingers = fresh, False
        return changes


def changes_of(before: Frame, after: Frame, at: float | None) -> Sequence[Change]:
    """The places in which two frames of one size differ."""
    found = frames.changes(before, after)
    return [_change(region, before, after, at) for region in found]


def is_unpainted(window: Region, first: Frame, known: Frame) -> bool:
    """Whether a new window shows nothing but its background yet, or still what was there before it came.

    Args:
        window: in pixels of the frames.
        first: the frame before it came.
        known: the frame now.
    """
    part = _inside(window, known)
    return (
        part is not None
        and first.shape == known.shape
        and (frames.is_plain(frames.cut(known, part)) or shows_nothing_new(window, first, known))
    )


def shows_nothing_new(window: Region, first: Frame, known: Frame) -> bool:
    """Whether a new window shows still what was there before it came; see `is_unpainted`."""
    part = _inside(window, known)
    if part is None or first.shape != known.shape:
        return False
    return not frames.count_changed(frames.cut(first, part), frames.cut(known, part))


def _inside(window: Region, known: Frame) -> Region | None:
    """A window without its borders, as far as it is on the frame."""
    inner = Region(
        window.left + window.width // 10,
        window.top + min(_TITLE, window.height // 4),
        window.width * 8 // 10,
        window.height - min(_TITLE, window.height // 4) - window.height // 10,
    )
    return frames.overlap(inner, Region(0, 0, *frames.size(known)))


def _change(region: Region, before: Frame, after: Frame, at: float | None) -> Change:
    old, new = frames.cut(before, region), frames.cut(after, region)
    tall = region.width >= _TEXT_WIDTH and region.height >= _TEXT_HEIGHT
    return Change(region, frames.count_changed(old, new), at, tall and frames.has_scrolled(old, new))


def polling(screen: Screen, wake: Wake) -> tuple[Watch, str]:
    """A watch that works everywhere, and no note."""
    return PollingWatch(screen, wake), ""


def open_watch(screen: Screen, wake: Wake, display: str | None) -> tuple[Watch, str]:
    """The best watch that works for a screen, and why it is not the best one there is (empty if it is).

    Raises:
        ScreenLost: the screen is gone.
    """
    if sys.platform != "linux":
        return polling(screen, wake)
    from perception.xwatch import XWatch

    try:
        return XWatch(screen, wake, display), ""
    except WatchLost as error:
        return PollingWatch(screen, wake), without_damage(error)


def without_damage(error: WatchLost) -> str:
    """The note on what is done without the X server's help, and why."""
    return f"changes on the screen are found by comparing frames: {error}"
