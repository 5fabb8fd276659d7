"""How long to wait for what may still come: learnt from what came after the same kind of action before.

Applications pause between reactions. A status line is brought up to date by a timer 0.3 s after the cell, a dialog
opens when a server has answered, and nothing that can be asked tells of it beforehand. But people and programs have
habits: what came late once comes late again, and where nothing came, nothing will.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

REACTION = 0.003  # share of the screen; less may be an echo: a button that is pressed, a focus that moves
NOTABLE = 0.001  # share of the screen; what comes late and is less is not worth waiting for
GRAVE = 0.01  # share of the screen; what is more is waited for even if it comes late only now and then
HORIZON = 2.5  # seconds after an input; what changes later is not taken for its effect


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done, as far as it tells what will come of it.

    Attributes:
        kind: of action, like "click" or "keypress ctrl+s"; "" for one that is not known.
        program: its class of windows.
        window: the title of the one in front.
        place: where, coarsely; None for what has no place.
    """

    kind: str = ""
    program: str = ""
    window: str = ""
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that changed: seconds after the input, share of the screen, and whether it may be a mere echo."""

    after: float
    share: float
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to wait for, in seconds.

    Attributes:
        least: after the input, before anything is concluded from nothing having changed.
        patience: after the input, for a reaction to come at all; an echo is none.
        reaction: the share of the screen that makes one.
        quiet: after the last change.
        due: after the input; what changes from then on may be what usually comes late,
        amount: if it is so much, as a share of the screen.
        overdue: after the input; what usually comes late does not come any more.
    """

    least: float = 0.15
    patience: float = 0.95
    reaction: float = REACTION
    quiet: float = 0.10
    due: float = math.inf
    amount: float = 0.0
    overdue: float = 0.0


UNKNOWN = Expectation()


@dataclass(frozen=True, slots=True)
class _Wave:
    begins: float
    share: float


@dataclass(frozen=True, slots=True)
class _Experience:
    """What came after an action.

    Attributes:
        reaction: when what was more than an echo had come, in seconds after the input; None if nothing was.
        late: notable waves that came after a pause.
        stutter: the longest pause before something notable that was too short to end a wave, in seconds.
    """

    reaction: float | None
    late: tuple[_Wave, ...]
    stutter: float


_Key: TypeAlias = tuple[object, ...]


class Habits:
    """Remembers what came of the last few actions of each kind, in each program, and at each place of it."""

    memory = 5  # experiences
    long = 0.9  # seconds; in less, that nothing came proves nothing
    enough = 2  # experiences, after which they are believed
    many = 3  # experiences, after which less than the usual quiet will do
    keys = 2000  # kinds of actions; the ones not met for longest are forgotten first
    margin, stretch = 0.06, 0.1  # seconds, and share of the time, by which something may be later than ever before
    prompt = Expectation(least=0.08, quiet=0.06)  # where nothing ever comes after a pause
    trifle = 0.6  # seconds after the input; what comes later, and is not grave, is not worth waiting for
    elsewhere = 0.3  # seconds of patience at a place that is not known, in a program that is not known well

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, deque[_Experience]] = OrderedDict()

    def learn(self, deed: Deed, effects: Sequence[Effect], watched: float) -> None:
        """This is what came of it, in the seconds for which it was watched: until the next input."""
        experience = _experience([effect for effect in effects if effect.after <= HORIZON])
        came_late = experience.late or (experience.reaction or 0.0) > UNKNOWN.least
        if watched < self.long and not came_late:
            return  # what did not come may still have been on its way
        for key in _keys(deed):
            self._known.setdefault(key, deque(maxlen=self.memory)).append(experience)
            self._known.move_to_end(key)
        while len(self._known) > self.keys:
            self._known.popitem(last=False)

    def expect(self, deed: Deed) -> Expectation:
        """What is to be expected of it."""
        exact, general = (self._known.get(key, ()) for key in _keys(deed))
        if len(exact) >= self.enough:
            return self._expect_here(exact)
        if len(general) >= self.enough:
            return self._expect_elsewhere(general)
        return UNKNOWN

    def _expect_here(self, known: Sequence[_Experience]) -> Expectation:
        due, amount, overdue = self._appointment(known)
        base = self.prompt if len(known) >= self.many and _is_prompt(known) else UNKNOWN
        patience = max(self._patience(known, base.least), overdue)
        return Expectation(base.least, patience, NOTABLE, base.quiet, due, amount, overdue)

    def _expect_elsewhere(self, known: Sequence[_Experience]) -> Expectation:
        """Where nothing happens, what came late elsewhere may come; where something does, that may have been all."""
        _, _, overdue = self._appointment(known)
        wary = self.elsewhere if len(known) < self.memory else UNKNOWN.least
        return Expectation(patience=max(self._patience(known, wary), overdue))

    def _patience(self, known: Sequence[_Experience], least: float) -> float:
        reactions = [experience.reaction for experience in known if experience.reaction is not None]
        if len(reactions) == len(known):
            return UNKNOWN.patience  # something always comes: if it has not, it will
        return max(least, self._late(max(reactions))) if reactions else least

    def _appointment(self, known: Sequence[_Experience]) -> tuple[float, float, float]:
        """When how much is due, and when overdue: if it was grave once, or came often."""
        late = [experience.late for experience in known if experience.late]
        often = len(late) >= self.enough
        worth = [[w for w in waves if w.share >= GRAVE or (often and w.begins <= self.trifle)] for waves in late]
        last = [waves[-1] for waves in worth if waves]
        if not last:
            return UNKNOWN.due, UNKNOWN.amount, UNKNOWN.overdue
        first, amount = min(wave.begins for wave in last), min(wave.share for wave in last)
        due = first - self.margin - self.stretch * first
        return due, amount / 2, self._late(max(wave.begins for wave in last))

    def _late(self, usual: float) -> float:
        return min(HORIZON, usual + self.margin + self.stretch * usual)


def _keys(deed: Deed) -> tuple[_Key, _Key]:
    """The exact one and the general one."""
    return (deed.program, deed.kind, deed.window, deed.place), (deed.program, deed.kind)


def _is_prompt(known: Sequence[_Experience]) -> bool:
    """Whether all there is comes at once."""
    return all(not e.late and e.stutter < Habits.prompt.quiet / 2 for e in known)


def _experience(changes: Sequence[Effect]) -> _Experience:
    waves: list[list[Effect]] = []
    stutter, last = 0.0, -math.inf
    for change in sorted(changes, key=lambda change: change.after):
        pause, last = change.after - last, change.after
        if pause > UNKNOWN.quiet:
            waves.append([change])
            continue
        waves[-1].append(change)
        if change.share >= NOTABLE:
            stutter = max(stutter, pause)
    reaction = next((wave[0].after for wave in waves if _share(c for c in wave if not c.echo) >= REACTION), None)
    return _Experience(reaction, _late(waves), stutter)


def _late(waves: Sequence[Sequence[Effect]]) -> tuple[_Wave, ...]:
    """The waves that came after a pause and mattered, by themselves or together with those after them.

    The first one is a reaction if it is large enough, however late it comes.
    """
    late: list[_Wave] = []
    left = 0.0
    for i, wave in reversed(list(enumerate(waves))):
        share = _share(wave)
        left += share
        if left >= NOTABLE and (i > 0 or (wave[0].after > UNKNOWN.least and share < REACTION)):
            late.append(_Wave(wave[0].after, left))
            left = 0.0
    return tuple(reversed(late))


def _share(changes: Iterable[Effect]) -> float:
    return sum(change.share for change in changes)
