"""Waiting until the screen is still: as short as possible, as long as necessary, and never longer than a cap.

Still means: nothing but carets and things that keep moving in their place (spinners, clocks) has changed for a
while, and the program in front has dealt with all its input, which it shows by answering a ping.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from perception import frames
from perception.screenshot import Region
from perception.watch import News, Wake, Watch

CAP = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How still is still, in seconds."""

    least: float = 0.15  # after an input, before anything is concluded from nothing having changed
    quiet: float = 0.10  # after the last change
    glance: float = 0.02  # of quiet that is enough when no input was sent
    prompt: float = 0.02  # an answer that takes longer comes from a program that was busy, so it may paint now
    patience: float = 2.0  # for the first answer ever of a program
    recent: float = 0.5  # ago; what changed longer ago is not called moving


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Settled:
    """How a wait ended.

    Attributes:
        settled: whether the screen had become still.
        moving: around what still changed when it had not; in pixels of the frame, or as the giver says.
        seconds: how long it took.
        responding: False if the program in front had not dealt with its input yet.
    """

    settled: bool
    moving: Region | None
    seconds: float
    responding: bool = True


@dataclass(slots=True)
class _Place:
    """A small part of the screen that changed, and changed again. Its times are in seconds of watching."""

    region: Region
    since: float
    last: float
    times: int = 1
    restless: bool = False

    def over(self, now: float) -> bool:
        """Whether it has stopped: silent for much longer than its usual pace."""
        pace = (self.last - self.since) / max(1, self.times - 1)
        return now - self.last > max(Restless.silence, Restless.beats * pace)


class Restless:
    """Learns which small places keep changing by themselves, so that they hold nothing up.

    The same pixels change again and again there; text that is being written changes new pixels each time. What is
    learnt in one watch holds in those that follow soon.
    """

    times = 5  # changes, after which a place counts as restless,
    span = 0.6  # if they are spread over so many seconds: longer than menus and buttons take to fade
    beats = 4  # of its pace without a change, after which it has stopped,
    silence = 0.3  # or so many seconds if that is longer
    keep = 15.0  # seconds without a watch, after which nothing is known any more
    share = 0.01  # of the screen; a larger change is never taken for restlessness
    again = 0.5  # share of the smaller of two changes that must be common to take them for the same

    def __init__(self) -> None:
        self._places: list[_Place] = []
        self._unwatched = 0.0  # seconds
        self._paused: float | None = None

    def resume(self, now: float) -> None:
        """A watch begins. Places that were only suspected start anew: they may have changed once for each input."""
        away = 0.0 if self._paused is None else now - self._paused
        self._unwatched += away
        self._places = [place for place in self._places if place.restless and away < self.keep]

    def pause(self, now: float) -> None:
        """The watch ends."""
        self._paused = now

    def sift(self, changes: Sequence[Region], area: int, now: float) -> tuple[Region, ...]:
        """The changes that matter: no carets, nothing in a restless place. `area`: pixels of the whole screen."""
        watched = now - self._unwatched
        self._places = [place for place in self._places if not place.over(watched)]
        small = self.share * area
        return tuple(c for c in changes if not frames.is_caret(c) and not self._expected(c, small, watched))

    def _expected(self, change: Region, small: float, now: float) -> bool:
        if _area(change) > small:
            return False
        place = next((place for place in self._places if self._same(place.region, change)), None)
        if place is None:
            self._places.append(_Place(change, since=now, last=now))
            return False
        grown = frames.bounding([place.region, change])
        if grown is not None and _area(grown) <= small:
            place.region = grown
        place.last = now
        place.times += 1
        place.restless = place.restless or (place.times >= self.times and now - place.since >= self.span)
        return place.restless

    def _same(self, known: Region, change: Region) -> bool:
        common = frames.overlap(known, change)
        return common is not None and _area(common) >= self.again * min(_area(known), _area(change))


class _Settling:
    """One wait for stillness."""

    def __init__(self, watch: Watch, restless: Restless, area: int, pace: Pace, *, after_input: bool) -> None:
        self._watch, self._restless, self._area, self._pace = watch, restless, area, pace
        self._began = time.monotonic()
        self._least = self._began + (pace.least if after_input else pace.glance)
        self._disturbed = -math.inf  # when something that matters changed last, or a busy program answered
        self._changes: list[tuple[float, Region]] = []
        self._asked: float | None = None  # when the ping was sent that is not answered yet
        self._patience = math.inf  # until when it is waited for
        self._sure = False  # answered at once, after all was quiet

    def run(self, wake: Wake, cap: float) -> Settled:
        end = self._began + cap
        self._ask()
        while not wake.clear():
            now = time.monotonic()
            if self._asked is None and now >= self._still_at() and (self._sure or not self._ask()):
                return self._result(settled=True)
            if now >= end:
                break
            self._take_in(self._watch.wait(min(self._next(), end) - now))
        return self._result(settled=False)

    def _still_at(self) -> float:
        """When the screen counts as still if nothing more happens."""
        return max(self._least, self._disturbed + self._pace.quiet)

    def _next(self) -> float:
        return self._still_at() if self._asked is None else self._patience

    def _ask(self) -> bool:
        asked = self._watch.ping()
        self._asked = time.monotonic() if asked else None
        self._patience = time.monotonic() + self._pace.patience
        return asked

    def _take_in(self, news: News) -> None:
        now = time.monotonic()
        matter = self._restless.sift(news.changes, self._area, now)
        if matter:
            self._changes += [(now, change) for change in matter]
            self._disturbed, self._sure = now, False
        if self._asked is None:
            return
        if news.answered:
            self._answered(now, self._asked)
        elif news.refocused and self._watch.moved_on():
            self._ask()
        elif now >= self._patience:
            self._lose_patience()

    def _answered(self, now: float, asked: float) -> None:
        self._asked = None
        if now - asked > self._pace.prompt:
            self._disturbed = now
        self._sure = now >= self._still_at()

    def _lose_patience(self) -> None:
        """A program that has answered before is busy, and waited for up to the cap; another one is deaf."""
        if self._watch.give_up():
            self._asked = None
        self._patience = math.inf

    def _result(self, *, settled: bool) -> Settled:
        now = time.monotonic()
        recent = [change for when, change in self._changes if when > now - self._pace.recent]
        moving = None if settled else frames.bounding(recent)
        return Settled(settled, moving, now - self._began, responding=settled or self._asked is None)


def settle(
    watch: Watch,
    restless: Restless,
    wake: Wake,
    *,
    area: int,
    cap: float = CAP,
    after_input: bool = True,
    pace: Pace = PACE,
) -> Settled:
    """Wait until the screen is still, for `cap` seconds at most, or until woken.

    Args:
        watch: started when the input was sent, so that no change since is missed.
        restless: what is known of places that never rest; learns.
        wake: set by whoever cannot wait.
        area: pixels of the whole screen.
        after_input: False for a mere glance, which needs no time for a program to react.

    Raises:
        ScreenLost, WatchLost: as `Watch` does.
    """
    restless.resume(time.monotonic())
    try:
        return _Settling(watch, restless, area, pace, after_input=after_input).run(wake, cap)
    finally:
        restless.pause(time.monotonic())


def wait_for_change(watch: Watch, restless: Restless, wake: Wake, *, area: int, cap: float) -> bool:
    """Wait until something that matters changes; False if nothing did for `cap` seconds, or when woken.

    Raises:
        ScreenLost, WatchLost: as `Watch` does.
    """
    end = time.monotonic() + cap
    restless.resume(time.monotonic())
    try:
        while not wake.clear() and (left := end - time.monotonic()) > 0:
            if restless.sift(watch.wait(left).changes, area, time.monotonic()):
                return True
        return False
    finally:
        restless.pause(time.monotonic())


def _area(region: Region) -> int:
    return region.width * region.height
