"""`docs/performance.md` and its chart: written from what was measured just now, so that they cannot drift."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import bench_side, chart, loops, reference
from tests.bench.bench_side import BIG, Outcome
from tests.bench.calc import STEPS
from tests.bench.chart import Bar
from tests.bench.figure import Figure

DOCS = Path(__file__).parents[2] / "docs"
CHART = "images/performance.png"
_HOW = """\
LibreOffice Calc with a filled sheet runs on the private desktop that users get (Xvfb, 1920×1080, openbox). The same
twenty actions are carried out again and again, and end as they began. The loops take turns **in one session of the
office**, round by round, so that whatever slows the machine down slows them all. Time runs from the moment when the
action is given to the loop until its picture is ready to be sent, input included.

- **Deskhand** is the computer of a session: guard, stale check, hands, settling, capture and encoding. Its first round
  is not counted, as it opens dialogs that have never been open; it has a line of its own. What its eyes learn of the
  office, they learn in these rounds.
- **naive** is pyautogui for everything at its defaults (it rests {pause:g} s after each call), Pillow's PNG at its
  default level, and {naive:g} s of sleep. **fixed** is {fixed:g} s of sleep, no rest, mss and quick encoding.
  Their time hardly varies, so they have fewer rounds.
- **The reference** is a process of its own that compares whole frames, a hundred times a second, and notes each change
  of pixels until {horizon:g} s after the input. Where an action has never changed anything late, it stops when nothing
  has changed for {silence:g} s; a part of the rounds is watched to the end all the same, to see whether that overlooks
  anything. What is no larger than a caret (3×60 pixels) does not count, nor what blinks without any input.
- **Missed**: the picture was taken while that share of the screen's pixels was not yet as it was at the end.
- **The fixed sleep that misses as little** is read from the recordings of all loops: the shortest one whose pictures
  would have missed 1 % of the screen no more often than Deskhand's did. Its own overhead is not counted.
"""


def write(outcome: Outcome, figures: Mapping[str, Sequence[Figure]], docs: Path = DOCS) -> None:
    """Write the page and its chart."""
    draw(outcome, docs / CHART)
    page = "\n".join([
        "<!-- Made by `make bench` from what it measured; changes here are overwritten. -->",
        "# Performance",
        "",
        f"Measured by `make bench` on {machine()}.",
        "",
        f"![Seconds from an action to the picture of what came of it, for each loop]({CHART})",
        "",
        *bench_side.table(outcome),
        "",
        "## What was to be reached",
        "",
        *_figures(figures),
        "",
        "## How it is measured",
        "",
        _HOW.format(
            naive=loops.NAIVE_SLEEP,
            pause=loops.NAIVE_PAUSE,
            fixed=loops.FIXED_SLEEP,
            horizon=reference.HORIZON,
            silence=reference.SHORT_SILENCE,
        ),
        "## The twenty actions",
        "",
        *bench_side.by_action(outcome),
        "",
    ])  # fmt: skip
    (docs / "performance.md").write_text(page, "utf-8")


def draw(outcome: Outcome, path: Path) -> None:
    """The chart alone."""
    bars = [_bar(outcome, loop) for loop in outcome.loops]
    honest = outcome.honest_sleep(BIG)
    if honest is not None:
        rate = outcome.missed_by_sleeping(honest, BIG)
        bars.insert(1, Bar(f"a sleep as honest, {honest:g} s", honest, _missed(rate), wrong=rate > 0))
    still = statistics.mean(sample.recording.still_from() for sample in outcome.samples)
    truth = Bar("the screen itself", still, "until its last pixel had come", "truth")
    bars = [bars[0], truth, *sorted(bars[1:], key=lambda bar: bar.mean)]
    count = len(outcome.of(bars[0].name))
    chart.draw(
        bars,
        "From an action to the picture of what came of it",
        f"Mean of the same {len(STEPS)} actions in LibreOffice Calc at 1920×1080; Deskhand carried out {count}",
        "too early: 1 % of the screen or more changed after the picture was taken",
        path,
    )


def _bar(outcome: Outcome, loop: str) -> Bar:
    own = outcome.of(loop)
    rate = statistics.mean(sample.missed >= BIG for sample in own)
    kind = "ours" if loop == loops.Ours.name else "other"
    return Bar(loop, statistics.mean(sample.seconds for sample in own), _missed(rate), kind, rate > 0)


def _missed(rate: float) -> str:
    return f"{rate:.1%} of pictures too early" if rate else "no picture too early"


def _figures(figures: Mapping[str, Sequence[Figure]]) -> list[str]:
    rows = ["| what | measured | to reach | | |", "| --- | ---: | ---: | --- | --- |"]
    for title, found in figures.items():
        rows.append(f"| **{title}** | | | | |")
        for one in found:
            mark = {True: "✓", False: "not reached", None: ""}[one.reached]
            rows.append(f"| {one.name} | {one.value} | {one.target} | {mark} | {one.note} |")
    return rows


def machine() -> str:
    """What kind of machine this is, in a few words; nothing that tells which one."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    name = " ".join((processor[1] if processor else platform.machine()).split())
    return (
        f"{os.cpu_count()} cores ({name}), {memory:.0f} GB, {_system()}, {_office()}, "
        f"Python {platform.python_version()}"
    )


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def _office() -> str:
    told = subprocess.run(["soffice", "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(told.split()[:2])
