"""Many sessions at once, each on a private desktop of its own: memory, start, turns, and the queue.

`python -m tests.bench.bench_several [SESSIONS]`. All of them start in the same second; the model is a server on this
machine that thinks for two seconds about every turn. There is an xterm on each desktop.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio

from tests.bench.figure import Figure, show
from tests.support.command import Command, Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, hang
from tests.support.openai_server import Server, openai_server
from vm.slots import BYTES_PER_AGENT, Slots

SESSIONS = 20
TURNS = 3  # of each, before memory is measured
THINKS = 2.0  # seconds
PATIENCE = 300.0  # seconds for all of them to come so far
HANDOVERS = 15


def figures(sessions: int = SESSIONS) -> list[Figure]:
    """Run that many at once."""
    with tempfile.TemporaryDirectory(prefix="dh-") as folder:
        return [*_together(Path(folder), sessions), *_queue(Path(folder))]


def _together(folder: Path, sessions: int) -> list[Figure]:
    finish = threading.Event()
    with _server(finish) as server, ExitStack() as running:
        deskhand = Deskhand(
            folder / "home",
            OPENAI_API_KEY=server.key,
            OPENAI_BASE_URL=server.url,
            DESKHAND_MAX_AGENTS=str(sessions),
        )
        began = time.monotonic()
        arguments = ("run", "Click", "--json", "--size", "1024x768", "--open", "xterm")
        commands = [running.enter_context(deskhand.start(*arguments)) for _ in range(sessions)]
        wait_until(lambda: min(_asked(server, sessions)) > TURNS, "every session's turns", PATIENCE)
        starts = _starts(server, began)
        memory = _memory(deskhand.leftovers)
        finish.set()
        done = sum(command.wait(PATIENCE) == 0 for command in commands)
        left = _left(deskhand)
    return [
        *_memory_figures(memory, sessions),
        Figure(
            f"{sessions} at once: command → first request, median",
            f"{statistics.median(starts):.1f} s",
            note=f"slowest {max(starts):.1f} s; desktop and program included, all at once on {os.cpu_count()} cores",
        ),
        _turns(commands, sessions),
        Figure(f"{sessions} at once: done", f"{done} of {sessions}", "all", done == sessions and not left, left),
    ]


@contextmanager
def _server(finish: threading.Event) -> Generator[Server]:
    places = itertools.count()

    def script(_body: Body) -> Scripted:
        if finish.is_set():
            return final("ok")
        place = next(places)  # another one each time, so that nothing looks like going in circles
        click = {"type": "click", "x": 20 + place * 7 % 900, "y": 20 + place * 13 % 700, "button": "left"}
        return hang(THINKS, reply=actions(click))

    with openai_server(script) as server:
        yield server


def _asked(server: Server, sessions: int) -> list[int]:
    """How many requests each session has made; a 0 for each that has made none."""
    counts = Counter(str(body.get("prompt_cache_key")) for body in server.requests)
    return [*counts.values(), *[0] * (sessions - len(counts))]


def _starts(server: Server, began: float) -> list[float]:
    firsts: dict[str, float] = {}
    for one in server.received:
        firsts.setdefault(str(one.body.get("prompt_cache_key")), one.at - began)
    return list(firsts.values())


def _turns(commands: Sequence[Command], sessions: int) -> Figure:
    ours = [line["ours"] for command in commands for line in command.lines if line["type"] == "turn.ended"]
    clicks = sorted(seconds for seconds in ours if seconds > 0.02)  # the last turn of each does nothing
    return Figure(
        f"{sessions} at once: ours of a turn with one click, median",
        f"{statistics.median(clicks):.2f} s",
        note=f"slowest of {len(clicks)}: {clicks[-1]:.2f} s; the model thinks for {THINKS:g} s a turn",
    )


def _left(deskhand: Deskhand) -> str:
    """What was left behind, in words; "" for nothing."""
    try:
        wait_until(lambda: deskhand.leftovers == [], "every process to be gone", 10)
    except AssertionError:
        return f"{len(deskhand.leftovers)} processes were left behind"
    return ""


def _memory_figures(memory: Counter[str], sessions: int) -> list[Figure]:
    total = sum(memory.values()) / sessions
    parts = [(name, share / sessions) for name, share in memory.most_common(4)]
    said = ", ".join(f"{name} {share / 1e6:.0f}" for name, share in parts)
    return [
        Figure(
            f"memory of a session at work, {sessions} at once",
            f"{total / 1e6:.0f} MB",
            f"≤ {BYTES_PER_AGENT / 1e6:.0f} MB",
            total <= BYTES_PER_AGENT,
            f"proportional share of pages: {said}",
        )
    ]


def _memory(pids: Sequence[int]) -> Counter[str]:
    """Bytes by program; a page that several processes share counts in parts."""
    found: Counter[str] = Counter()
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:  # it has just ended
            continue
        found[name] += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return found


def _queue(folder: Path) -> list[Figure]:
    free, handed = anyio.run(_queueing, folder)
    return [
        Figure("place in the queue where nobody waits, median", f"{1000 * free:.2f} ms", "< 2 ms", free < 0.002),
        Figure("a place gets free → the next one has it, median", f"{1000 * handed:.0f} ms"),
    ]


async def _queueing(folder: Path) -> tuple[float, float]:
    free: list[float] = []
    slots = Slots(folder, SESSIONS)
    held = [await slots.wait("desktop", f"s{number}", _nothing) for number in range(SESSIONS - 1)]
    for _ in range(100):
        began = time.perf_counter()
        slot = await slots.wait("desktop", "s", _nothing)
        free.append(time.perf_counter() - began)
        slot.release()
    for slot in held:
        slot.release()
    return statistics.median(free), statistics.median([await _handover(Slots(folder, 1)) for _ in range(HANDOVERS)])


async def _handover(slots: Slots) -> float:
    first = await slots.wait("desktop", "first", _nothing)
    waits = anyio.Event()
    had, began = list[float](), 0.0

    async def follow() -> None:
        with await slots.wait("desktop", "next", lambda _why, _ahead: waits.set()):
            had.append(time.perf_counter())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await waits.wait()
        await anyio.sleep(0.05)  # in the middle of its pause between two looks
        began = time.perf_counter()
        first.release()
    return had[0] - began


def _nothing(_why: str, _ahead: int) -> None:
    """Nobody reads it."""


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS))
