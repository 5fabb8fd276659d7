"""Clicks on a screen that changes after it was photographed: how many land on what was not there.

`python -m tests.bench.bench_stale [CLICKS]`. The real computer of `vm.local` looks, something happens, it clicks.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from actuators.actions import Click
from perception.errors import StaleTarget
from tests.bench.figure import Figure, show
from tests.support.intruder import Stage, stage
from tests.support.xserver import xvfb
from vm.here import Here, open_here

CLICKS = 400
HAPPENINGS = ("nothing", "dialog over it", "dialog beside it", "page moves", "dialog at the same moment")
RACE = 0.04  # seconds around the click in which a dialog "at the same moment" comes


def figures(clicks: int = CLICKS) -> list[Figure]:
    """How many clicks went wrong, and how many were refused for nothing."""
    with xvfb(1920, 1080) as display, stage(display) as set_up:
        counted = anyio.run(_play, display, set_up, clicks)
    wrong, needless, raced = counted["wrong"], counted["needless"], counted["in the race"]
    return [
        Figure(
            "clicks on something that changed after the photograph",
            f"{wrong} of {clicks}",
            f"0 of {CLICKS}",
            wrong == 0,
            f"{counted['refused']} refused and looked at again; {raced} had their dialog within 40 ms of the click",
        ),
        Figure("clicks refused though nothing had changed there", f"{needless} of {clicks}", "0", needless == 0),
    ]


async def _play(display: str, set_up: Stage, clicks: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    chance = random.Random(7)
    computer = await open_here(display)
    try:
        for number in range(clicks):
            set_up.close_dialog()
            set_up.draw()
            set_up.hits()
            counted[await _once(computer, set_up, HAPPENINGS[number % len(HAPPENINGS)], chance)] += 1
    finally:
        await computer.aclose()
    return counted


async def _once(computer: Here, set_up: Stage, happening: str, chance: random.Random) -> str:
    """One look, one happening, one click: "right", "wrong", "refused", "needless" or "in the race"."""
    shot = await computer.screenshot()
    x, y = chance.randrange(300, 1600), chance.randrange(200, 880)
    with _happens(set_up, happening, x, y, chance):
        try:
            await computer.perform(Click(x, y), shot.space)
        except StaleTarget:
            return "needless" if happening in ("nothing", "dialog beside it") else "refused"
    [(where, shift)] = set_up.hits()
    if where == "page" and shift == 0:
        return "right"
    return "in the race" if happening == HAPPENINGS[-1] else "wrong"


@contextmanager
def _happens(set_up: Stage, happening: str, x: int, y: int, chance: random.Random) -> Generator[None]:
    """What goes on between the photograph and the click, or beside it."""
    match happening:
        case "dialog over it":
            set_up.pop_up(x + chance.randrange(-90, 90), y + chance.randrange(-60, 60))
        case "dialog beside it":
            set_up.pop_up(x - 220, y)
        case "page moves":
            set_up.draw(chance.choice((13, 20, 27)))
        case "dialog at the same moment":
            timer = threading.Timer(chance.uniform(0, RACE), set_up.pop_up, (x, y))
            timer.start()
            yield
            timer.join()
            return
        case _:
            pass
    yield


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else CLICKS))
