"""Loops side by side: the same twenty actions in LibreOffice Calc, in one session of it, round by round in turn.

`python -m tests.bench.bench_side [ROUNDS]`. See docs/performance.md for how it is measured.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from tests.bench.calc import STEPS, calc
from tests.bench.figure import Figure, show
from tests.bench.loops import Loop, Ours, fixed, naive
from tests.bench.reference import HORIZON, Recording, Reference, reference

if TYPE_CHECKING:
    from mss import MSS

    from perception.frames import Frame

ROUNDS = 20
FULL_EVERY = 8  # rounds of which one is watched up to the horizon, whether or not anything is expected
FIXED_EVERY, NAIVE_EVERY = 7, 20  # rounds of ours for one of the others', whose time hardly varies
BIG, SMALL = 0.01, 0.001  # shares of the screen
SLEEPS = tuple(tenth / 10 for tenth in range(1, 26))  # seconds; what a fixed sleep might be
PAUSE = 2.0  # seconds before another loop's round: what it does must not be taken for the work of the last action


@dataclass(frozen=True, slots=True)
class Sample:
    """One action of one loop.

    Attributes:
        step: index into `STEPS`.
        seconds: action sent to picture ready to send.
        missed: share of the screen that changed after the picture.
        checked: watched up to the horizon though a short watch would have done, to see whether it would.
    """

    loop: str
    step: int
    seconds: float
    missed: float
    checked: bool
    recording: Recording


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was measured.

    Attributes:
        samples: without the first round, which is of ours and loads dialogs that have never been open:
        cold: that round.
        refused: clicks of ours that were held back, since something had changed.
        blinking: places that were left out, since they change by themselves.
    """

    samples: tuple[Sample, ...]
    cold: tuple[Sample, ...]
    refused: int
    blinking: int

    def of(self, loop: str) -> list[Sample]:
        """The samples of one loop."""
        return [sample for sample in self.samples if sample.loop == loop]

    @property
    def loops(self) -> list[str]:
        """Their names, ours first."""
        return list(dict.fromkeys(sample.loop for sample in self.samples))

    def missed_by_sleeping(self, seconds: float, share: float) -> float:
        """How often, 0 to 1, a picture taken so long after the input would have missed so much."""
        return _rate(sample.recording.left_at(seconds) >= share for sample in self.samples)

    def honest_sleep(self, share: float) -> float | None:
        """The shortest sleep that misses so much no more often than ours; None if none of `SLEEPS` does."""
        ours = _rate(sample.missed >= share for sample in self.of(Ours.name))
        fitting = [sleep for sleep in SLEEPS if self.missed_by_sleeping(sleep, share) <= ours]
        return next(iter(fitting), None)

    def overlooked(self) -> tuple[int, int]:
        """In how many actions a short watch would have overlooked something, and of how many that is known."""
        checked = [sample.recording for sample in self.samples if sample.checked]
        return sum(not recording.brief for recording in checked), len(checked)


def measure(rounds: int = ROUNDS) -> Outcome:
    """Run all loops. Takes about half a minute for each round."""
    if missing := [name for name in ("soffice", "scrot") if shutil.which(name) is None]:
        raise SystemExit(f"{' and '.join(missing)} is missing: `make setup-tests` installs it")
    environment = dict(os.environ)
    try:
        with tempfile.TemporaryDirectory() as folder, chdir(folder):  # pyautogui leaves its pictures where it is
            return anyio.run(_measure, rounds)
    finally:
        os.environ.clear()
        os.environ.update(environment)


async def _measure(rounds: int) -> Outcome:
    import mss

    async with calc() as desktop:
        with reference(desktop.display) as watcher, closing(mss.MSS(display=desktop.display)) as screen:
            ours = Ours(desktop)
            loops: dict[str, Loop] = {"naive": naive(desktop.display), "fixed": fixed(desktop.display), "ours": ours}
            session, order = _Session(watcher, screen), _order(rounds)
            cold = await session.round(ours, full=False)
            samples: list[Sample] = []
            for number, name in enumerate(order):
                print(f"\rround {number + 1} of {len(order)} ", end="", file=sys.stderr, flush=True)
                samples += await session.round(loops[name], full=number % FULL_EVERY == 0)
            print(file=sys.stderr)
            return Outcome(tuple(samples), tuple(cold), ours.refused, len(watcher.blinking))


def _order(rounds: int) -> list[str]:
    """Which loop has which round, evenly mixed."""
    order: list[str] = []
    for number in range(rounds):
        order.append("ours")
        order += ["fixed"] * (number % FIXED_EVERY == 0) + ["naive"] * (number % NAIVE_EVERY == 0)
    return order


class _Session:
    """One office, one watcher, round after round."""

    def __init__(self, watcher: Reference, screen: MSS) -> None:
        self._watcher, self._screen = watcher, screen
        self._last: Loop | None = None
        self._late: set[int] = set()  # steps that were seen to change something late

    async def round(self, loop: Loop, *, full: bool) -> list[Sample]:
        """All twenty by one loop, each watched until nothing more is to be expected, or (`full`) to the horizon."""
        if loop is not self._last:
            await anyio.sleep(PAUSE)
        self._last = loop
        await loop.begin()
        return [await self._sample(loop, index, full=full) for index in range(len(STEPS))]

    async def _sample(self, loop: Loop, index: int, *, full: bool) -> Sample:
        self._watcher.begin()
        took = await loop.act(STEPS[index].action)
        recording = self._watcher.end(took.sent, full=full or index in self._late)
        known = index in self._late
        if not recording.brief:
            self._late.add(index)
        missed = self._watcher.differing(_decoded(took.image), self._now())
        return Sample(loop.name, index, took.seconds, missed, full and not known, recording)

    def _now(self) -> Frame:
        import numpy as np

        shot = self._screen.grab(self._screen.monitors[0])
        return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)


def _decoded(image: bytes) -> Frame:
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA).astype(np.uint8, copy=False)


def table(outcome: Outcome) -> list[str]:
    """A row for each loop, and for the reference: Markdown."""
    head = ["loop", "actions", "mean", "median", "p90", "missed ≥ 1 %", "missed ≥ 0.1 %"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for loop in outcome.loops:
        own = outcome.of(loop)
        misses = [_share(sum(s.missed >= share for s in own), len(own)) for share in (BIG, SMALL)]
        rows.append([loop, str(len(own)), *_times([s.seconds for s in own]), *misses])
    rows.append(
        ["Deskhand, the first round", str(len(outcome.cold)), *_times([s.seconds for s in outcome.cold]), "", ""]
    )
    if (honest := outcome.honest_sleep(BIG)) is not None:
        every = len(outcome.samples)
        misses = [_share(round(outcome.missed_by_sleeping(honest, share) * every), every) for share in (BIG, SMALL)]
        name = f"a fixed sleep that misses as little, {honest:g} s (from the recordings)"
        rows.append([name, str(every), *[f"{honest:.2f} s"] * 3, *misses])
    for name, share in (("all but 1 %", BIG), ("all but 0.1 %", SMALL), ("every pixel", 0.0)):
        still = [sample.recording.still_from(share) for sample in outcome.samples]
        rows.append([f"reference: {name} had come", str(len(still)), *_times(still), "", ""])
    return [f"| {' | '.join(row)} |" for row in rows]


def by_action(outcome: Outcome) -> list[str]:
    """What became of each of the twenty: Markdown."""
    head = [
        "action",
        "Deskhand, median",
        "slowest",
        "missed ≥ 1 %",
        "missed ≥ 0.1 %",
        "all but 0.1 % had come",
        "last pixel",
    ]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for index, step in enumerate(STEPS):
        own = [sample for sample in outcome.of(Ours.name) if sample.step == index]
        recordings = [sample.recording for sample in outcome.samples if sample.step == index]
        rows.append([
            step.name,
            f"{statistics.median(s.seconds for s in own):.2f} s",
            f"{max(s.seconds for s in own):.2f} s",
            *[_share(sum(s.missed >= share for s in own), len(own)) for share in (BIG, SMALL)],
            *[f"{statistics.median(r.still_from(share) for r in recordings):.2f} s" for share in (SMALL, 0.0)],
        ])  # fmt: skip
    return [f"| {' | '.join(row)} |" for row in rows]


def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Measure, print the tables, and hold them against what was to be reached."""
    outcome = measure(rounds)
    print("\n".join([*table(outcome), "", *by_action(outcome), ""]))
    return judged(outcome)


def judged(outcome: Outcome) -> list[Figure]:
    """The outcome against the targets."""
    ours = outcome.of(Ours.name)
    seconds = [sample.seconds for sample in ours]
    mean, median = statistics.mean(seconds), statistics.median(seconds)
    return [
        Figure(
            "action → settled picture ready to send, mean",
            f"{mean:.3f} s",
            "≤ 0.25 s",
            mean <= 0.25,
            f"of each round: {_by_round(seconds)}",
        ),
        Figure("… median", f"{median:.3f} s", "≤ 0.17 s", median <= 0.17, f"90 % within {_p90(seconds):.2f} s"),
        _missed(
            ours, BIG, 0.005, f"{outcome.refused} clicks were refused by the stale guard and done after a new look"
        ),
        _missed(ours, SMALL, 0.1, ""),
        *_ratios(outcome, mean),
        Figure(
            "actions of which the reference's short watch would have seen too little",
            "{} of {}".format(*outcome.overlooked()),
            note=f"known from those that were watched up to {HORIZON} s after the input to find that out",
        ),
    ]


def _missed(ours: Sequence[Sample], share: float, limit: float, note: str) -> Figure:
    count = sum(sample.missed >= share for sample in ours)
    reached = count <= limit * len(ours)
    return Figure(
        f"… photographed with ≥ {share:.1%} of the screen still to change",
        _share(count, len(ours)),
        f"≤ {limit:.1%}",
        reached,
        note,
    )


def _ratios(outcome: Outcome, mean: float) -> Iterator[Figure]:
    slow = statistics.mean(sample.seconds for sample in outcome.samples if sample.loop.startswith("naive"))
    ratio = slow / mean
    yield Figure("the naive loop takes longer", f"{ratio:.1f} ×", "≥ 8 ×", ratio >= 8, f"{slow:.2f} s")
    honest = outcome.honest_sleep(BIG)
    if honest is None:
        note = f"even {SLEEPS[-1]:g} s miss ≥ 1 % more often; compared with that"
        yield Figure("an equally honest fixed sleep takes longer", f"> {SLEEPS[-1] / mean:.1f} ×", "≥ 7 ×", None, note)
        return
    ratio = honest / mean
    also = outcome.honest_sleep(SMALL)
    note = f"{honest:g} s, by what misses ≥ 1 %; by ≥ 0.1 % it is {'more than 2.5' if also is None else f'{also:g}'} s"
    yield Figure("an equally honest fixed sleep takes longer", f"{ratio:.1f} ×", "≥ 7 ×", ratio >= 7, note)


def _by_round(seconds: Sequence[float]) -> str:
    """The mean of each round, in order."""
    rounds = [seconds[start : start + len(STEPS)] for start in range(0, len(seconds), len(STEPS))]
    return " ".join(f"{statistics.mean(one):.2f}" for one in rounds)


def _times(seconds: Sequence[float]) -> list[str]:
    return [f"{value:.2f} s" for value in (statistics.mean(seconds), statistics.median(seconds), _p90(seconds))]


def _p90(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(0.9 * len(seconds)))]


def _rate(hits: Iterator[bool]) -> float:
    return statistics.mean(hits)


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({count / of:.1%})"


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
