"""The overlay: how soon it is on the screen, what it takes, and what it costs eyes and hands; and that they miss it.

`python -m tests.bench.bench_overlay [ROUNDS]`. The window is the real one, under Xvfb and openbox; the first
figures are with its real page and server, the others with a page that repaints itself forty times a second.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from actuators.actions import Click
from actuators.hands import Hands, open_hands
from agent.session import Session
from perception.backends.mss import MssBackend
from perception.eyes import open_eyes
from perception.screen import Screen, open_screen
from perception.screenshot import Region
from tests.bench.figure import Figure, show
from tests.support.intruder import Stage, stage
from tests.support.overlay import Overlay, overlay, wandering
from tests.support.xserver import xvfb
from tests.ui.story import eventful
from ui.overlay import open_overlay

ROUNDS = 200
STARTS = 5
GRABS = 100
FIRST_PAINT = 1.5  # seconds
PLACES = ((60, 40), (900, 60), (700, 430), (200, 260))
WIDTH, HEIGHT = 1920, 1080


def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Everything, in about a minute and a half."""
    with tempfile.TemporaryDirectory() as folder:
        return [*starting(Path(folder), min(rounds, STARTS)), *working(Path(folder), rounds)]


def starting(home: Path, starts: int) -> list[Figure]:
    """From the start of the process to the first pixel, and to the page; then its memory."""
    session = eventful(home)
    with xvfb(WIDTH, HEIGHT, window_manager=True) as display, _environment(DISPLAY=display):
        found = [_start(session, home, display) for _ in range(starts)]
    paint, page, memory = (statistics.median(column) for column in zip(*found, strict=True))
    return [
        Figure(
            "overlay: start → first pixel on the screen, median",
            f"{paint:.2f} s",
            f"≤ {FIRST_PAINT:g} s",
            paint <= FIRST_PAINT,
            f"{starts} starts; its page is served after {page:.2f} s",
        ),
        Figure(
            "memory of an overlay, all its processes and its server",
            f"{memory:.0f} MB",
            note="proportional share; most is Chromium",
        ),
    ]


def _start(session: Session, home: Path, display: str) -> tuple[float, float, float]:
    """Seconds to the first pixel and until it is served; megabytes."""
    camera = MssBackend(display, monitor=0)
    corner = Region(WIDTH - 300, 50, 200, 200)  # a part of where it comes; to look at all would be in its way
    before = camera.grab(corner)[:, :, :3]
    painted: list[float] = []
    began = time.perf_counter()

    def watch() -> None:
        while not painted and time.perf_counter() < began + 30:
            if not np.array_equal(camera.grab(corner)[:, :, :3], before):
                painted.append(time.perf_counter() - began)
            time.sleep(0.005)

    watching = threading.Thread(target=watch)
    watching.start()
    shown = open_overlay(session.id, home=home)
    served = time.perf_counter() - began
    watching.join()
    time.sleep(2)  # the page loads and comes to rest
    memory = _memory(shown.pid)
    shown.close()
    camera.close()
    return painted[0], served, memory


def _memory(group: int) -> float:
    """Proportional share of all processes of a group, in megabytes."""
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=True).stdout.split()
    kilobytes = 0
    for process in found:
        with suppress(OSError):  # it has just ended
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def working(home: Path, rounds: int) -> list[Figure]:
    """What the eyes and hands of a computer cost and miss beside an overlay that never rests."""
    with (
        xvfb(WIDTH, HEIGHT, window_manager=True) as display,
        stage(display) as page,
        open_screen(display) as screen,
        open_hands(display) as hands,
    ):
        page.lower()
        truth = screen.grab()[:, :, :3]
        alone = _grab_ms(screen), _click_ms(hands, page)
        with overlay(display, home) as shown:
            beside = _grab_ms(screen), _click_ms(hands, page)
            absent = _absent(display, shown, truth, rounds)
            landed, reached = _landed(hands, page, shown, rounds)
    return [
        Figure(
            "overlay: in pictures of the model, dragged about meanwhile",
            f"{rounds - absent} of {rounds}",
            "0",
            absent == rounds,
            "each compared pixel by pixel with the scene without it",
        ),
        Figure(
            "agent's clicks that landed under the overlay",
            f"{landed} of {rounds}",
            f"{rounds} of {rounds}",
            landed == rounds,
            f"dragged about meanwhile; {reached} reached the overlay",
        ),
        _cost("patching the overlay out of a picture, median", alone[0], beside[0], f"{WIDTH}×{HEIGHT}, on its way"),
        _cost("an agent's click past the overlay, median", alone[1], beside[1], "12 ms of it the button is down"),
    ]


def _cost(name: str, alone: float, beside: float, note: str) -> Figure:
    return Figure(name, f"{beside - alone:.1f} ms", note=f"{beside:.1f} ms with it, {alone:.1f} ms without; {note}")


def _grab_ms(screen: Screen) -> float:
    return _median_ms(lambda _: screen.grab(), GRABS)


def _click_ms(hands: Hands, page: Stage) -> float:
    taken = _median_ms(lambda number: hands.perform(Click(1000 + 40 * (number % 15), 100 + 30 * (number % 9))), GRABS)
    page.hits()
    return taken


def _median_ms(work: Callable[[int], object], times: int) -> float:
    taken: list[float] = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


def _absent(display: str, shown: Overlay, truth: np.ndarray, rounds: int) -> int:
    """In how many looks it is not to be seen; they are full size, so that the picture is the screen."""
    import cv2

    right = 0
    with open_eyes(display, max_size=(WIDTH, HEIGHT)) as eyes, wandering(shown, *PLACES):
        for _ in range(rounds):
            seen = cv2.imdecode(np.frombuffer(eyes.look().image, np.uint8), cv2.IMREAD_COLOR)
            right += seen is not None and np.array_equal(seen, truth)
    return right


def _landed(hands: Hands, page: Stage, shown: Overlay, rounds: int) -> tuple[int, int]:
    """How many clicks hit the page, and how many events the overlay got."""
    chance = random.Random(7)
    heard, landed = len(shown.told()), 0
    page.hits()
    with wandering(shown, *PLACES):
        for _ in range(rounds):
            at = shown.region
            hands.perform(Click(at.left + chance.randrange(at.width), at.top + chance.randrange(at.height)))
            landed += page.hits() == [("page", 0)]
    return landed, len(shown.told()) - heard


@contextmanager
def _environment(**more: str) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
