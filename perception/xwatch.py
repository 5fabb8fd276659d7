"""Watching an X11 screen: the server tells what was painted, and its pixels are looked at only then.

All regions are in pixels of the screen's frames.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from perception import frames
from perception.backends.xdamage import Told, XDamage
from perception.backends.xfront import Front
from perception.frames import Frame
from perception.load import Work
from perception.restless import Change
from perception.screen import Screen
from perception.screenshot import Region
from perception.watch import News, Wake, changes_of, is_unpainted

GATHER = 0.01  # seconds for which damage is gathered before its pixels are compared
PATIENCE = 1.0  # seconds without a change, for a program that calculates or has to paint a new window
PATIENCE_ASKED = 3.0  # the same, for one that asks for it by the mouse pointer
_WHOLE = 0.5  # share of the screen from which on grabbing all of it is simpler, and as fast
_PARTS = 12  # places that are compared one by one; of more, what lies between them is compared, too

Traces: TypeAlias = Sequence[tuple[Region, float]]  # what was painted, in pixels of the root window, and since when


class XWatch:
    """Sleeps until the X server reports damage, then looks at its pixels: much is repainted as it was."""

    def __init__(self, screen: Screen, wake: Wake, display: str | None) -> None:
        self._screen, self._wake = screen, wake
        self._known = self._first = screen.grab()
        self._x = XDamage(display)
        self._shared = True  # whoever called `start` has `_known` too
        self._news = Told()  # told, and not dealt with yet
        self._looked = 0.0  # when pixels were last compared
        self._untraced = False  # something was painted before there were traces of it
        self._work = Work()

    @property
    def frame(self) -> Frame:
        """See `Watch`."""
        self._shared = True
        return self._known

    def start(self, *, anew: bool = True) -> Frame:
        """See `Watch`."""
        self._note(self._x.told())
        self._check_size()
        self._x.untrace()
        if anew or self._news.damage is not None:
            self._x.forget()
            self._known, self._shared = self._screen.grab(), True
        self._news = Told()
        self._first = self.frame
        return self._first

    def linger(self) -> None:
        """See `Watch`."""
        self._note(self._x.trace())
        self._untraced = self._news.damage is not None

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
        self._note(self._x.told())
        if not self._anything():
            self._wake.wait(seconds, self._x.fileno())
            self._note(self._x.told())
        if self._news.damage is not None and seconds > 0:
            self._wake.wait(self._looked + GATHER - time.monotonic())
            self._note(self._x.told())
        self._check_size()
        news, self._news = self._news, Told()
        changes = () if news.damage is None else self._compare(self._parts(news.damage, news.traces), news.traces)
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

    def front(self) -> Front:
        """See `Watch`."""
        front = self._x.front()
        self._work.follow(front.pid)
        return front

    def busy(self) -> float:
        """See `Watch`."""
        if self._x.waiting():
            return PATIENCE_ASKED
        if self._work.busy() or any(self._is_unpainted(window) for window in self._x.fresh_windows()):
            return PATIENCE
        return 0.0

    def close(self) -> None:
        """See `Watch`."""
        self._x.close()

    def _is_unpainted(self, window: Region) -> bool:
        region = self._screen.region
        (place,) = frames.moved([window], -region.left, -region.top)
        return is_unpainted(place, self._first, self._known)

    def _parts(self, damage: Region, traces: Traces) -> Sequence[Region]:
        """What to look at: where it is known better, not all that lies between what was painted."""
        untraced, self._untraced = self._untraced or not traces, False
        return [damage] if untraced else _merged([area for area, _ in traces])

    def _compare(self, damaged: Sequence[Region], traces: Traces) -> Sequence[Change]:
        """The changes inside the damage, which the server must forget before its pixels are read, not after."""
        self._x.forget()
        self._looked = time.monotonic()
        return [change for part in damaged for change in self._compare_part(part, traces)]

    def _compare_part(self, damaged: Region, traces: Traces) -> Sequence[Change]:
        region = self._screen.region
        damage = frames.overlap(damaged, region)
        if damage is None:
            return ()
        if damage.width * damage.height > _WHOLE * region.width * region.height:
            damage = region
        fresh = self._screen.grab(damage)
        place = Region(damage.left - region.left, damage.top - region.top, damage.width, damage.height)
        changes = changes_of(frames.cut(self._known, place), fresh, self._looked)
        if not changes:
            return ()
        self._remember(fresh, place)
        return [self._placed(change, damage, traces) for change in changes]

    def _placed(self, change: Change, damage: Region, traces: Traces) -> Change:
        """A change inside the damage as one of the whole frame, and when it was painted if that is known."""
        region = self._screen.region
        (at,) = frames.moved([change.region], damage.left, damage.top)
        (place,) = frames.moved([at], -region.left, -region.top)
        when = min((when for area, when in traces if frames.overlap(area, at)), default=self._looked)
        return replace(change, region=place, at=when)

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
            self._news.traces + told.traces,
            self._news.refocused or told.refocused,
            self._news.answered or told.answered,
            self._news.resized or told.resized,
        )

    def _check_size(self) -> None:
        """The server tells of every new size, also of one that is known by now."""
        if self._news.resized:
            self._news = Told()
            self._screen.check()


def _merged(areas: Sequence[Region]) -> Sequence[Region]:
    """Rectangles around all of them that do not touch each other, a few at most."""
    merged: list[Region] = []
    for area in areas:
        grown = area
        while touching := [other for other in merged if _touch(grown, other)]:
            merged = [other for other in merged if other not in touching]
            grown = frames.bounding([grown, *touching]) or grown
        merged.append(grown)
        if len(merged) > _PARTS:
            merged = [frames.bounding(merged) or grown]
    return merged


def _touch(one: Region, other: Region) -> bool:
    margin = 2 * frames.JOIN
    around = Region(one.left - margin, one.top - margin, one.width + 2 * margin, one.height + 2 * margin)
    return frames.overlap(around, other) is not None
