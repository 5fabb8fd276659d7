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
from perception.backends.xdamage import Told, WatchLost, XDamage
from perception.frames import Frame
from perception.screen import Screen, ScreenResized
from perception.screenshot import Region

POLL = 0.05  # seconds between compared frames, where nothing tells about damage
GATHER = 0.01  # seconds for which damage is gathered before its pixels are compared
_WHOLE = 0.5  # share of the screen from which on grabbing all of it is simpler, and as fast


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

    changes: Sequence[Region] = ()
    answered: bool = False
    refocused: bool = False


class Watch(Protocol):
    """Notices changes of the screen from the last `start` on. For one thread at a time.

    Every method raises ScreenLost when there is no screen any more, ScreenResized when it has another size, and
    WatchLost when this way of watching it has ended.
    """

    def start(self) -> Frame:
        """Forget all changes so far; the frame that those to come are changes of. Not to be written to."""
        ...

    def stirred(self) -> bool:
        """Whether anything may have changed since `start` or the last `wait`."""
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

    def close(self) -> None:
        """Let go. The screen stays open."""
        ...


Watching: TypeAlias = Callable[[Screen, Wake], tuple[Watch, str]]  # opens a watch; the note says what it lacks


class XWatch:
    """Sleeps until the X server reports damage, then looks at its pixels: much is repainted as it was."""

    def __init__(self, screen: Screen, wake: Wake, display: str | None) -> None:
        self._screen, self._wake = screen, wake
        self._known = screen.grab()
        self._x = XDamage(display)
        self._shared = True  # whoever called `start` has `_known` too
        self._news = Told()  # told, and not dealt with yet
        self._looked = 0.0  # when pixels were last compared

    def start(self) -> Frame:
        """See `Watch`."""
        self._note(self._x.told())
        self._check_size()
        self._news = Told()
        self._x.forget()
        self._known, self._shared = self._screen.grab(), True
        return self._known

    def stirred(self) -> bool:
        """See `Watch`."""
        self._note(self._x.told())
        self._check_size()
        return self._news.damage is not None

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
        self._note(self._x.told())
        if not self._anything():
            self._wake.wait(seconds, self._x.fileno())
            self._note(self._x.told())
        if self._news.damage is not None:
            self._wake.wait(self._looked + GATHER - time.monotonic())
            self._note(self._x.told())
        self._check_size()
        news, self._news = self._news, Told()
        changes = () if news.damage is None else self._compare(news.damage)
        return News(changes, news.answered, news.refocused)

    def ping(self) -> bool:
        """See `Watch`."""
        self._news.answered = False
        return self._x.ping()

    def moved_on(self) -> bool:
        """See `Watch`."""
        return self._x.moved_on()

    def give_up(self) -> bool:
        """See `Watch`."""
        return self._x.give_up()

    def close(self) -> None:
        """See `Watch`."""
        self._x.close()

    def _compare(self, damaged: Region) -> Sequence[Region]:
        """The changes inside the damage, which the server must forget before its pixels are read, not after."""
        self._x.forget()
        self._looked = time.monotonic()
        region = self._screen.region
        damage = frames.overlap(damaged, region)
        if damage is None:
            return ()
        if damage.width * damage.height > _WHOLE * region.width * region.height:
            damage = region
        fresh = self._screen.grab(damage)
        place = Region(damage.left - region.left, damage.top - region.top, damage.width, damage.height)
        changes = frames.changes(frames.cut(self._known, place), fresh)
        if changes:
            self._remember(fresh, place)
        return frames.moved(changes, place.left, place.top)

    def _remember(self, fresh: Frame, place: Region) -> None:
        if fresh.shape == self._known.shape:
            self._known, self._shared = fresh, False
            return
        if self._shared:
            self._known, self._shared = self._known.copy(), False
        frames.cut(self._known, place)[:] = fresh

    def _anything(self) -> bool:
        return self._news.damage is not None or self._news.answered or self._news.refocused

    def _note(self, told: Told) -> None:
        known = [damage for damage in (self._news.damage, told.damage) if damage is not None]
        self._news = Told(
            frames.bounding(known),
            self._news.refocused or told.refocused,
            self._news.answered or told.answered,
            self._news.resized or told.resized,
        )

    def _check_size(self) -> None:
        """The server tells of every new size, also of one that is known by now."""
        if self._news.resized:
            self._news = Told()
            self._screen.check()


class PollingWatch:
    """Compares frames at a fixed pace. Cannot tell a busy program from one that has nothing to do."""

    def __init__(self, screen: Screen, wake: Wake) -> None:
        self._screen, self._wake = screen, wake
        self._known = screen.grab()

    def start(self) -> Frame:
        """See `Watch`."""
        self._screen.check()
        self._known = self._screen.grab()
        return self._known

    def stirred(self) -> bool:
        """See `Watch`."""
        return len(self._compare()) > 0

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
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

    def close(self) -> None:
        """See `Watch`."""

    def _compare(self) -> Sequence[Region]:
        fresh = self._screen.grab()
        if fresh.shape != self._known.shape:
            raise ScreenResized("the screen changed its size")
        changes = frames.changes(self._known, fresh)
        self._known = fresh
        return changes


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
    try:
        return XWatch(screen, wake, display), ""
    except WatchLost as error:
        return PollingWatch(screen, wake), without_damage(error)


def without_damage(error: WatchLost) -> str:
    """The note on what is done without the X server's help, and why."""
    return f"changes on the screen are found by comparing frames: {error}"
