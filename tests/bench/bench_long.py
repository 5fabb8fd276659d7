"""A long session: how large requests become, how much of them is an unchanged prefix, memory, opening and resuming.

`python -m tests.bench.bench_long [TURNS]`. A drawn screen of 1440×900, one action a turn, against a server on this
machine that checks every request; the session is a process of its own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, show
from tests.support.long_session import EVERY, script, work
from tests.support.openai_server import Length, openai_server

TURNS = 1000
EARLY = 200  # the turn that memory is compared with
GROWTH = 30.0  # megabytes that count as flat
PREFIX = 0.95
LARGEST = 100.0  # megabytes of one request


def figures(turns: int = TURNS) -> list[Figure]:
    """Run one session of that many turns, and resume it."""
    with tempfile.TemporaryDirectory() as folder, openai_server(script(turns), keep=2) as server:
        told = work(Path(folder), server, turns, timeout=7200)
        lengths = list(server.lengths)
        server.script = script(1)
        again = work(Path(folder), server, 1, "--resume", timeout=600)
        faults = [*server.refusals, *server.rewrites]
    return [*_of_requests(lengths, faults, told), *_of_memory(told), *_of_resuming(again)]


def _of_requests(lengths: list[Length], faults: list[str], told: dict[str, Any]) -> list[Figure]:
    largest = max(one.bytes for one in lengths) / 1e6
    share = sum(one.unchanged for one in lengths) / sum(one.bytes for one in lengths)
    images = max(one.images for one in lengths)
    return [
        Figure(
            f"largest request of {told['turns']} turns",
            f"{largest:.1f} MB",
            f"≤ {LARGEST:.0f} MB",
            largest <= LARGEST,
            f"at most {images} pictures; made shorter {told['compactions']} times",
        ),
        Figure("unchanged prefix, share of input bytes", f"{share:.1%}", f"≥ {PREFIX:.0%}", share >= PREFIX),
        Figure("requests refused or rewritten", str(len(faults)), "0", not faults, "; ".join(faults[:2])),
    ]


def _of_memory(told: dict[str, Any]) -> list[Figure]:
    megabytes = {int(turn): size for turn, size in told["megabytes"].items()}
    last = max(megabytes)
    early = EARLY if last > EARLY else EVERY
    growth = megabytes[last] - megabytes[early]
    return [
        Figure(
            f"memory at turn {early} and {last}",
            f"{megabytes[early]:.0f} and {megabytes[last]:.0f} MB",
            f"≤ {GROWTH:.0f} MB more",
            growth <= GROWTH,
            f"at most {max(megabytes.values()):.0f} MB",
        )
    ]


def _of_resuming(again: dict[str, Any]) -> list[Figure]:
    opened, resumed, size = again["opened"], again["resumed"], again["journal"] / 1e6
    return [
        Figure(
            "opened: journal read and folded",
            f"{opened:.2f} s",
            "< 1 s",
            opened < 1,
            f"{size:.1f} MB; {again['opened_cpu']:.2f} s of one processor",
        ),
        Figure("resumed: until its first request", f"{resumed:.2f} s", note="with the first picture drawn and encoded"),
    ]


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS))
