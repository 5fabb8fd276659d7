"""How long seeing takes: capture, encoding, and the check that the screen is hit where it is meant to be."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

from perception.encode import Encoder, encode
from perception.screen import open_screen
from perception.screenshot import Region
from tests.bench.figure import Figure, show
from tests.perception.painter import painter
from tests.support.xserver import xvfb
from vm.selfcheck import check_aim

WIDTH, HEIGHT = 1920, 1080
CAPTURE_MS, ENCODE_MS, AIM_MS = 2.0, 15.0, 50.0


def figures(rounds: int = 50) -> list[Figure]:
    """Medians on a screen with six thousand patches of colour, about as busy as a full office window."""
    with xvfb(WIDTH, HEIGHT) as display, painter(display) as program, open_screen(display) as screen:
        for row in range(0, HEIGHT, 12):
            for column in range(0, WIDTH, 40):
                program.paint(Region(column, row, 8 + (row + column) % 23, 7), (row * column * 7919) & 0xFFFFFF)
        frame = screen.grab()
        capture = _median(rounds, screen.grab)
        part = _median(rounds, lambda: screen.grab(Region(600, 400, 400, 300)))
        encoding = _median(rounds, lambda: encode(frame))
        encoder, frames = Encoder(), itertools.cycle((frame, frame.copy()))
        again = _median(rounds, lambda: encoder.encode(next(frames)))
        check_aim(display)
        aim = _median(min(rounds, 10), lambda: check_aim(display))
    size = f"{len(encode(frame).image) // 1024} KB"
    return [
        _figure(f"capture {WIDTH}×{HEIGHT}", capture, CAPTURE_MS),
        _figure("capture 400×300 of it", part),
        _figure("encode, changed", encoding, ENCODE_MS, size),
        _figure("encode, unchanged", again, note="compared with the frame before, and its bytes used again"),
        _figure("check that the screen is hit, at the start of a session", aim, AIM_MS),
    ]


def _median(rounds: int, work: Callable[[], object]) -> float:
    """Milliseconds."""
    taken: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def _figure(name: str, milliseconds: float, target: float | None = None, note: str = "") -> Figure:
    reached = None if target is None else milliseconds <= target
    return Figure(name, f"{milliseconds:.1f} ms", f"≤ {target:g} ms" if target else "", reached, note)


if __name__ == "__main__":
    show(figures())
