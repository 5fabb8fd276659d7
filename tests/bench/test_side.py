"""What is held against the recordings: the reference sees what is painted, and the arithmetic is right."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from perception.screen import open_screen
from perception.screenshot import Region
from tests.bench import page
from tests.bench.bench_side import BIG, SMALL, Outcome, Sample, judged
from tests.bench.figure import Figure
from tests.bench.loops import Ours
from tests.bench.reference import HORIZON, SHORT_LEAST, Recording, reference
from tests.perception.painter import Painter, painter
from tests.support.xserver import xvfb

RECORDING = Recording(((0.0, 0.30), (0.1, 0.02), (0.4, 0.002), (0.6, 0.0)), 1.5)
WIDTH, HEIGHT = 640, 400


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the reference, which is a process of its own and imports these modules anew."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2]), *sys.path])


@pytest.mark.slow
def test_reference_sees_when_the_screen_became_still() -> None:
    """A change, and then a caret; and how much of a photograph was still to come."""
    with (
        xvfb(WIDTH, HEIGHT) as display,
        painter(display) as program,
        reference(display) as watcher,
        open_screen(display) as screen,
    ):
        watcher.begin()
        sent = time.monotonic()
        photograph = screen.grab()
        paint_after(0.2, program, Region(100, 100, 64, 40))
        paint_after(0.6, program, Region(400, 100, 2, 15))
        recording = watcher.end(sent, full=False)
        now = screen.grab()
    assert watcher.blinking == []
    assert recording.left_at(0.1) == pytest.approx(64 * 40 / (WIDTH * HEIGHT))
    assert recording.left_at(recording.watched) == 0
    assert 0.2 <= recording.still_from() < 1.0
    assert SHORT_LEAST <= recording.watched < HORIZON
    assert watcher.differing(photograph, now) == recording.left_at(0)


@pytest.mark.slow
def test_reference_leaves_out_what_blinks_by_itself() -> None:
    """It blinks before any input, and goes on after it."""
    over = threading.Event()

    def blink() -> None:
        colour = 0
        while not over.wait(0.1):
            colour ^= 0xFF0000
            program.paint(Region(10, 10, 30, 20), colour)

    with xvfb(WIDTH, HEIGHT) as display, painter(display) as program:
        blinking = threading.Thread(target=blink)
        blinking.start()
        try:
            with reference(display, patience=0.5) as watcher:
                watcher.begin()
                recording = watcher.end(time.monotonic(), full=False)
        finally:
            over.set()
            blinking.join()
    assert watcher.blinking
    assert recording.still_from() == 0


def test_recordings_are_read() -> None:
    """At any moment, and the other way round."""
    assert [RECORDING.left_at(t) for t in (0, 0.05, 0.1, 0.5, 9)] == [0.30, 0.30, 0.02, 0.002, 0.0]
    assert [RECORDING.still_from(share) for share in (0.5, BIG, SMALL, 0)] == [0.0, 0.4, 0.6, 0.6]
    assert RECORDING.brief
    assert not replace(RECORDING, left=((0.0, 0.1), (0.3, 0.05), (1.2, 0.0))).brief


def test_fixed_sleep_that_is_as_honest() -> None:
    """The shortest one that misses no more often than ours did, by the same measure."""
    slow = Recording(((0.0, 0.30), (1.14, 0.0)), 2.5)
    assert _outcome(missed=0.0, slow=slow).honest_sleep(BIG) == 1.2
    assert _outcome(missed=0.05, slow=slow).honest_sleep(BIG) == 0.4
    never = Recording(((0.0, 0.30), (9.0, 0.0)), 9.0)
    assert _outcome(missed=0.0, slow=never).honest_sleep(BIG) is None


def test_page_and_chart_are_written(tmp_path: Path) -> None:
    """With every figure, and whether it was reached."""
    outcome = _outcome(missed=0.0, slow=RECORDING)
    page.write(outcome, {"Side by side": judged(outcome), "More": [Figure("a thing", "9 ms", "1 ms", False)]}, tmp_path)
    written = (tmp_path / "performance.md").read_text("utf-8")
    assert "| a thing | 9 ms | 1 ms | not reached |" in written
    assert "| Deskhand | 60 | 0.20 s |" in written
    with Image.open(tmp_path / page.CHART) as chart:
        assert chart.width > 1000


def paint_after(seconds: float, program: Painter, region: Region) -> None:
    """Paint from another thread."""
    threading.Timer(seconds, program.paint, (region,)).start()


def _outcome(*, missed: float, slow: Recording) -> Outcome:
    """Sixty actions of ours, of which every twentieth is slow, and missed so much; as many of a naive loop."""
    ours = [
        Sample(Ours.name, n % 20, 0.2, 0.0 if n % 20 else missed, False, RECORDING if n % 20 else slow)
        for n in range(60)
    ]
    others = [replace(sample, loop="naive, sleep 2", seconds=2.2, missed=0.0) for sample in ours]
    return Outcome((*ours, *others), tuple(ours[:20]), 0, 0)
