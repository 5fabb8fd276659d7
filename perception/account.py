"""What was done last, and what has come of it so far: what experience is made of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from perception import frames
from perception.pace import UNKNOWN, Deed, Effect, Expectation, Habits
from perception.restless import Change
from perception.screenshot import Region

_MOST = 500  # changes that are kept of one input
_SOON = 10.0  # seconds; a change at some time before that may have been an effect of the input


@dataclass(frozen=True, slots=True)
class Input:
    """What may have an effect on the screen.

    Attributes:
        sent: when (`time.monotonic`).
        near: around where it was sent to, in pixels of the frame: what changes only there may be a mere echo.
        expected: what usually comes of it.
        held: whether a program that is at work is waited for, although it shows nothing new.
    """

    sent: float
    near: Region | None = None
    expected: Expectation = UNKNOWN
    held: bool = True


class Tally:
    """Makes effects of changes, in the order in which they come; `area`: pixels of the whole screen."""

    places = 50  # that are remembered

    def __init__(self, cause: Input, area: int) -> None:
        self._cause, self._area = cause, area
        self._seen: list[Region] = []  # where something has changed already

    def effect(self, change: Change) -> Effect:
        """A change as an effect; when its time is not known, as a late one.

        One place that changes again and again, like a spinner, counts once as a reaction.
        """
        after = UNKNOWN.patience if change.at is None else max(0.0, change.at - self._cause.sent)
        again = any(_covers(place, change.region) for place in self._seen)
        if not again and len(self._seen) < self.places:
            self._seen.append(change.region)
        near = self._cause.near is not None and frames.overlap(self._cause.near, change.region) == change.region
        return Effect(after, change.pixels / self._area, echo=near or again)


class Account:
    """Keeps the inputs and their effects together, over all the looks until the next input."""

    def __init__(self) -> None:
        self._habits = Habits()
        self._deed = Deed()
        self._near: Region | None = None
        self._input: Input | None = None  # once it has been sent
        self._changes: list[Change] = []

    def open(self, deed: Deed, near: Region | None) -> None:
        """An input is about to be sent."""
        self._deed, self._near = deed, near
        self._input, self._changes = None, []

    def sent(self) -> Input:
        """The last input, which has been sent by now."""
        if self._input is None:
            self._input = Input(time.monotonic(), self._near, self._habits.expect(self._deed))
        return self._input

    def note(self, changes: Sequence[Change]) -> None:
        """What has changed since."""
        self._changes += changes[: _MOST - len(self._changes)]

    def close(self, area: int) -> None:
        """Nothing that comes from now on is an effect of the last input; `area`: pixels of the whole screen."""
        if self._input is not None:
            tally = Tally(self._input, area)
            watched = time.monotonic() - self._input.sent
            effects = [tally.effect(change) for change in self._changes if change.at is not None or watched < _SOON]
            self._habits.learn(self._deed, effects, watched)
        self._input, self._changes = None, []


def _covers(place: Region, region: Region) -> bool:
    common = frames.overlap(place, region)
    return common is not None and 2 * common.width * common.height >= region.width * region.height
