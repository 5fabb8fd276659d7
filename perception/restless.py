"""Which places of the screen keep changing by themselves: carets, spinners, clocks, films.

The same pixels change again and again there; text that is being written changes new pixels each time, and text that
scrolls moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perception import frames
from perception.screenshot import Region


@dataclass(frozen=True, slots=True)
class Change:
    """A place that changed.

    Attributes:
        region: around it, in pixels of the frame.
        pixels: how many of them differ.
        at: when it changed first (`time.monotonic`); None if that was not seen.
        scrolled: whether what was there has only moved up or down.
    """

    region: Region
    pixels: int
    at: float | None = None
    scrolled: bool = False


@dataclass(slots=True)
class _Place:
    """A part of the screen that changed, and changed again. Its times are in seconds of watching."""

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
    """Learns which places keep changing, so that they hold nothing up.

    What is learnt in one watch holds in those that follow soon. Large places, like films, count only when nothing
    else has happened for a while, and are named by `films`: whoever looks should know that they move.
    """

    times = 5  # changes, after which a place counts as restless,
    span = 0.6  # if they are spread over so many seconds: longer than menus and buttons take to fade
    film = 1.5  # the same for large places: longer than windows take to be drawn
    beats = 4  # of its pace without a change, after which it has stopped,
    silence = 0.3  # or so many seconds if that is longer
    keep = 15.0  # seconds without a watch, after which nothing is known any more
    share = 0.01  # of the screen; what is larger is a large place
    most = 0.6  # of the screen; what is larger is never a place
    again = 0.5  # share of the smaller of two changes that must be common to take them for the same

    def __init__(self) -> None:
        self._places: list[_Place] = []
        self._unwatched = 0.0  # seconds
        self._paused: float | None = None
        self._small = 0.0  # pixels
        self._resumed = 0.0  # in seconds of watching

    @property
    def films(self) -> tuple[Region, ...]:
        """The large places that keep changing, as far as they have done so in this watch."""
        return tuple(p.region for p in self._places if p.restless and p.last >= self._resumed and self._is_large(p))

    def resume(self, now: float) -> None:
        """A watch begins. Places that were only suspected start anew: they may have changed once for each input."""
        away = 0.0 if self._paused is None else now - self._paused
        self._paused = None
        self._unwatched += away
        self._resumed = now - self._unwatched
        self._places = [place for place in self._places if place.restless and away < self.keep]

    def pause(self, now: float) -> None:
        """The watch ends."""
        self._paused = now

    def known(self, change: Change) -> bool:
        """Whether a change is no news: of a caret, or in a restless place. Nothing is learnt from it."""
        return frames.is_caret(change.region) or any(
            place.restless and _same(place.region, change.region) for place in self._places
        )

    def sift(self, changes: Sequence[Change], area: int, now: float) -> tuple[Change, ...]:
        """The changes that matter: no carets, nothing in a restless place. `area`: pixels of the whole screen."""
        watched = now - self._unwatched
        self._small = self.share * area
        self._places = [place for place in self._places if not place.over(watched)]
        matter = tuple(
            c for c in changes if not frames.is_caret(c.region) and not self._expected(c, self.most * area, watched)
        )
        self._disturb(matter, watched)
        return matter

    def _expected(self, change: Change, most: float, now: float) -> bool:
        if _area(change.region) > most:
            return False
        place = next((place for place in self._places if _same(place.region, change.region)), None)
        if place is None or change.scrolled:
            self._places = [other for other in self._places if other is not place]
            self._places.append(_Place(change.region, since=now, last=now))
            return False
        self._grow(place, change.region)
        place.last = now
        place.times += 1
        span = self.film if self._is_large(place) else self.span
        place.restless = place.restless or (place.times >= self.times and now - place.since >= span)
        return place.restless

    def _grow(self, place: _Place, region: Region) -> None:
        grown = frames.bounding([place.region, region])
        if grown is not None and (_area(grown) <= self._small or _area(region) > self._small):
            place.region = grown

    def _is_large(self, place: _Place) -> bool:
        return _area(place.region) > self._small

    def _disturb(self, matter: Sequence[Change], now: float) -> None:
        """Large places start anew when something else happens: they may be a part of it."""
        for place in self._places:
            if (
                self._is_large(place)
                and not place.restless
                and any(not _same(place.region, change.region) for change in matter)
            ):
                place.since, place.times = now, 1


def _same(known: Region, change: Region) -> bool:
    common = frames.overlap(known, change)
    return common is not None and _area(common) >= Restless.again * min(_area(known), _area(change))


def _area(region: Region) -> int:
    return region.width * region.height
