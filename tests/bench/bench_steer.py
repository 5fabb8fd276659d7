"""Steering: how soon a correction is in the model's next request, and how soon the hands are still after a pause.

`python -m tests.bench.bench_steer [TIMES]`. One session on a private desktop clicks on and on; the user's words come at
random moments, as files in the session's inbox, which is where the page, the overlay and other terminals put them.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.inbox import Message, post
from agent.session import Session
from tests.bench.figure import Figure, show
from tests.support.command import Command, Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, slow
from tests.support.openai_server import Server, openai_server, told

TIMES = 100
TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
STILL_MS, REST = 50.0, 0.4
BATCH = [{"type": "click", "x": 20 + 61 * n % 700, "y": 40 + 4 * n, "button": "left"} for n in range(100)]


@dataclass
class Bench:
    """A session at work, and what is seen of it from outside."""

    session: Session
    command: Command
    server: Server
    log: Path

    def hits(self) -> list[float]:
        """When the target window was clicked, in seconds of `time.monotonic`."""
        return [json.loads(line)["at"] for line in self.log.read_text().splitlines()]

    def say(self, kind: str, count: int) -> None:
        """Wait until the journal has an event for the `count`-th time."""
        wait_until(lambda: self.command.types.count(kind) >= count or not self.session.is_live(), kind, 20)
        if not self.session.is_live():
            raise RuntimeError(f"the session has ended: {self.command.errors[-500:]}")


def figures(times: int = TIMES) -> list[Figure]:
    """Both, in some two minutes."""
    return [*corrections(times // 2), *pauses(times)]


@contextmanager
def at_work(script: Callable[[Body], Scripted]) -> Generator[Bench]:
    with tempfile.TemporaryDirectory() as folder, openai_server(script) as server:
        home, log = Path(folder, "home"), Path(folder, "hits")
        log.touch()
        deskhand = Deskhand(home, OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(log), "none"])
        with deskhand.start("run", "Work", "--json", "--open", program, "--size", "800x600") as command:
            command.wait_for("action.done", 2)
            session = Session(home / "data" / "sessions" / command.lines[0]["session"])
            yield Bench(session, command, server, log)
            post(session.inbox, Message("stop"))
            command.wait()


def _clicks(body: Body) -> Scripted:
    """Another batch each time: the same one over and over would be given up."""
    turn = len(body["input"])
    return actions(*(dict(click, y=int(str(click["y"])) + turn % 50) for click in BATCH))


def pauses(times: int) -> list[Figure]:
    """Pause at random moments; the last click that arrives afterwards tells when the hands were still."""
    chance = random.Random(5)
    late: list[float] = []
    with at_work(_clicks) as bench:
        asked = 0
        for number in range(1, times + 1):
            time.sleep(chance.uniform(0.05, 0.4))
            pressed = time.monotonic()
            post(bench.session.inbox, Message("pause"))
            bench.say("session.paused", number)
            requests = len(bench.server.received)
            time.sleep(REST)
            late.append(max(0.0, bench.hits()[-1] - pressed))
            asked += len(bench.server.received) - requests
            post(bench.session.inbox, Message("resume"))
            bench.say("session.unpaused", number)
    late.sort()
    p50, p99 = (1000 * late[round(share * (len(late) - 1))] for share in (0.5, 0.99))
    note = f"{times} pauses while it clicks; slowest {1000 * late[-1]:.1f} ms"
    return [
        Figure(
            "pause → hands still, p50 / p99",
            f"{p50:.1f} / {p99:.1f} ms",
            f"≤ {STILL_MS:.0f} ms p99",
            p99 <= STILL_MS,
            note,
        ),
        Figure("requests to the model while paused", str(asked), "0", asked == 0, f"in {times * REST:.0f} s of pauses"),
    ]


def corrections(times: int) -> list[Figure]:
    """Corrections while the model answers (`now`) and while the hands are at work."""
    return [
        _corrected("while it thinks, now", times, now=True),
        _corrected("while it acts", times, now=False),
    ]


def _corrected(how: str, times: int, *, now: bool) -> Figure:
    chance = random.Random(6)
    arrived: dict[str, float] = {}

    def script(body: Body) -> Scripted:
        at = time.monotonic()
        for text in told(body):
            for word in re.findall(r"word-\d+", text):
                arrived.setdefault(word, at)
        reply = actions(*BATCH[: 1 if now else 100], reasoning="thinking " * 20)
        return slow(reply, 0.15) if now else reply

    took: list[float] = []
    with at_work(script) as bench:
        for number in range(times):
            time.sleep(chance.uniform(0.1, 0.5))
            said = time.monotonic()
            word = f"word-{number}"
            post(bench.session.inbox, Message("steer", word, now=now))
            wait_until(lambda word=word: word in arrived, word, 20)
            took.append(arrived[word] - said)
    took.sort()
    p50, p95 = (1000 * took[round(share * (len(took) - 1))] for share in (0.5, 0.95))
    return Figure(f"correction → in the model's next request, {how}", f"{p50:.0f} / {p95:.0f} ms", note="p50 / p95")


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES))
