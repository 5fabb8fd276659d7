"""Waiting until the screen is still: as short as possible, as long as necessary, and never longer than a cap.

Still means: nothing but carets and what keeps moving in its place has changed for a while; the program in front has
dealt with all its input, which it shows by answering a ping; it is not at work otherwise; and nothing more is due, as
far as experience tells.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perception import frames
from perception.account import Input, Tally
from perception.pace import NOTABLE, Expectation
from perception.restless import Change, Restless
from perception.screenshot import Region
from perception.watch import News, Wake, Watch

CAP = 5.0  # seconds
GLANCE = Expectation(least=0.02, patience=0.02)  # enough when no input was sent
SEQUEL = Expectation(patience=0.15)  # after something has changed by itself


@dataclass(frozen=True, slots=True)
class Tempo:
    """Seconds that have nothing to do with what was done."""

    trifle: float = 0.05  # of quiet after a change that is not notable, and
    done: float = 0.06  # of quiet after what was due has come, if that is less than what is expected
    prompt: float = 0.02  # an answer that takes longer comes from a program that was busy, so it may paint now
    answer: float = 2.0  # patience for the first answer ever of a program
    again: float = 0.03  # before a program that was at work is looked at again
    calm: float = 0.03  # without a change, after which the picture may be prepared
    recent: float = 0.5  # ago; what changed longer ago is not called moving


TEMPO = Tempo()


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


class Settling:
    """One wait for stillness.

    Attributes:
        changes: those that mattered.
    """

    def __init__(
        self,
        watch: Watch,
        restless: Restless,
        area: int,
        cause: Input,
        tempo: Tempo = TEMPO,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepare` is called whenever the screen seems to have become still, and may well be so."""
        self._watch, self._restless, self._area = watch, restless, area
        self._cause, self._expected, self._tempo = cause, cause.expected, tempo
        self._tally = Tally(cause, area)
        self._began = time.monotonic()
        self.changes: list[Change] = []
        self._disturbed = -math.inf  # when something that matters changed last, or a busy program answered
        self._calm = -math.inf  # when it has been quiet for long enough after that
        self._stirred = 0.0  # share of the screen that changed
        self._reacted = 0.0  # share of the screen that changed, echoes left out
        self._came = 0.0  # share of the screen that changed when something was due
        self._asked: float | None = None  # when the ping was sent that is not answered yet
        self._patience = math.inf  # until when it is waited for
        self._sure = False  # answered at once, after all was quiet
        self._again = -math.inf  # when to look again at a program that was at work
        self._prepare = prepare
        self._prepare_at = self._began + tempo.calm

    def run(self, wake: Wake, cap: float) -> Settled:
        """Wait, for at most `cap` seconds or until woken."""
        end = self._began + cap
        self._ask()
        while not wake.clear():
            now = time.monotonic()
            if self._asked is None and now >= self._still_at() and self._is_still(now):
                return self._result(settled=not self._restless.films)
            if now >= end:
                break
            if now >= self._prepare_at:
                self._prepare_at = math.inf
                self._prepare()
            self._take_in(self._watch.wait(min(self._next(), self._prepare_at, end) - now))
        return self._result(settled=False)

    def _still_at(self) -> float:
        """When the screen counts as still if nothing more happens."""
        expected, sent = self._expected, self._cause.sent
        still = max(sent + expected.least, self._calm, self._again)
        if self._reacted < expected.reaction:
            still = max(still, sent + expected.patience)
        return still if self._has_come() else max(still, sent + expected.overdue)

    def _has_come(self) -> bool:
        """Whether what was due has come."""
        return self._came > self._expected.amount

    def _is_still(self, now: float) -> bool:
        """Whether that is all: nobody is at work, and nobody has input to deal with."""
        if self._cause.held and now < max(self._cause.sent, self._disturbed) + self._watch.busy():
            self._again = now + self._tempo.again
            return False
        return self._sure or not self._ask()

    def _next(self) -> float:
        return self._still_at() if self._asked is None else self._patience

    def _ask(self) -> bool:
        asked = self._watch.ping()
        self._asked = time.monotonic() if asked else None
        self._patience = time.monotonic() + self._tempo.answer
        return asked

    def _take_in(self, news: News) -> None:
        now = time.monotonic()
        matter = self._restless.sift(news.changes, self._area, now)
        if matter:
            self._disturb(now, self._note(matter))
            self._sure = False
            self._prepare_at = now + self._tempo.calm
        if self._asked is None:
            return
        if news.answered:
            self._answered(now, self._asked)
        elif news.refocused and self._watch.moved_on():
            self._ask()
        elif now >= self._patience:
            self._lose_patience()

    def _disturb(self, now: float, share: float) -> None:
        """Something has happened; a change of so much of the screen."""
        quiet = min(self._expected.quiet, self._tempo.done) if self._has_come() else self._expected.quiet
        self._disturbed = now
        self._stirred += share  # many trifles are none
        self._calm = max(self._calm, now + (quiet if self._stirred >= NOTABLE else min(quiet, self._tempo.trifle)))

    def _note(self, changes: Sequence[Change]) -> float:
        """Keep changes; the share of the screen that they are."""
        self.changes += changes
        effects = [self._tally.effect(change) for change in changes]
        self._reacted += sum(effect.share for effect in effects if not effect.echo)
        self._came += sum(effect.share for effect in effects if effect.after >= self._expected.due)
        return sum(effect.share for effect in effects)

    def _answered(self, now: float, asked: float) -> None:
        self._asked = None
        if now - asked > self._tempo.prompt:
            self._disturb(now, NOTABLE)
        self._sure = now >= self._still_at()

    def _lose_patience(self) -> None:
        """A program that has answered before is busy, and waited for up to the cap; another one is deaf."""
        if self._watch.give_up():
            self._asked = None
        self._patience = math.inf

    def _result(self, *, settled: bool) -> Settled:
        now = time.monotonic()
        recent = [c.region for c in self.changes if c.at is not None and c.at > now - self._tempo.recent]
        moving = None if settled else frames.bounding([*recent, *self._restless.films])
        return Settled(settled, moving, now - self._began, responding=settled or self._asked is None)


def wait_for_change(watch: Watch, restless: Restless, wake: Wake, *, area: int, cap: float) -> Sequence[Change]:
    """Wait until something that matters changes: that; nothing if nothing did for `cap` seconds, or when woken.

    Raises:
        ScreenLost, WatchLost: as `Watch` does.
    """
    end = time.monotonic() + cap
    while not wake.clear() and (left := end - time.monotonic()) > 0:
        matter = restless.sift(watch.wait(left).changes, area, time.monotonic())
        if matter:
            return matter
    return ()
