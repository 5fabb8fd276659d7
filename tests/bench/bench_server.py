"""The page's server: how quickly it answers with a long session among fifty, and how soon it tells what happens.

`python -m tests.bench.bench_server [SECONDS]`. The service is `deskhand serve` in a process of its own; what it looks
at is written by other processes, as sessions do it.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

from agent.events import ModelThought, TurnStarted
from agent.session import Session
from tests.bench.figure import Figure, show
from tests.support.command import wait_until
from tests.support.homes import make_home
from tests.support.serving import Client
from tests.ui.story import Story
from ui.service.following import Following

SECONDS = 20
SESSIONS, RATE, STREAMS = 20, 5, 3
MARK = "written at "


def figures(seconds: int = SECONDS) -> list[Figure]:
    """Measure: a home with a long session first, then twenty at work, then nobody who listens."""
    with tempfile.TemporaryDirectory() as folder:
        *_, long = make_home(Path(folder))
        found = [_index(long), *_answers(Path(folder), long.id)]
    with tempfile.TemporaryDirectory() as folder:
        return [*found, *_at_work(Path(folder), seconds), _idle(Path(folder), seconds)]


# ---- answers


def _index(long: Session) -> Figure:
    times: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        Following(long).look()
        times.append(time.perf_counter() - began)
    return _within("index of a session of 10,000 turns, from its journal alone", min(times), 0.5)


def _answers(home: Path, name: str) -> list[Figure]:
    with service(home) as (client, pid):
        first = _timed(client, "/api/board")
        warm = _median(client, "/api/board")
        blocks = _median(client, f"/api/sessions/{name}/blocks?from=-20")
        middle = _median(client, f"/api/sessions/{name}/blocks?from=5000&to=5019")
        memory = _memory(pid)
    return [
        _within("the board of 50 sessions, right after the service has started", first, 0.3),
        _within("… and again", warm, 0.02),
        _within("the last 20 turns of 10,000", blocks, 0.1),
        _within("20 turns in their middle", middle, 0.1),
        Figure("memory of the service then", f"{memory / 2**20:.0f} MB"),
    ]


def _median(client: Client, path: str, rounds: int = 20) -> float:
    return statistics.median(_timed(client, path) for _ in range(rounds))


def _timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    assert client.get(path).status == 200
    return time.perf_counter() - began


# ---- from an event to the page


def _at_work(home: Path, seconds: int) -> list[Figure]:
    with service(home) as (client, pid), _writers(home) as begin, ExitStack() as stack:
        readers = [_Reader(client) for _ in range(STREAMS)]
        for reader in readers:
            stack.enter_context(reader)
        begin.set()
        time.sleep(2)
        for reader in readers:
            reader.delays.clear()
        before = _processor(pid)
        time.sleep(seconds)
        busy = (_processor(pid) - before) / seconds
        delays = sorted(delay for reader in readers for delay in reader.delays)
    return [
        _soon(delays),
        Figure("processor time of the service meanwhile", f"{busy:.1%} of a core"),
    ]


class _Reader:
    """A page that listens; `delays` are seconds from the writing of an event to its arrival."""

    def __init__(self, client: Client) -> None:
        self.delays: list[float] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
        self._connection.request("GET", "/api/stream", headers={"Authorization": f"Bearer {client.token}"})
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._connection.sock:
            self._connection.sock.shutdown(2)
        self._thread.join()
        self._answer.close()
        self._connection.close()

    def _read(self) -> None:
        while line := self._answer.readline():
            now = time.time()
            if not line.startswith(b'data: {"id"'):
                continue
            _, mark, at = str(json.loads(line[6:])["thought"]).rpartition(MARK)
            if mark:
                self.delays.append(now - float(at))


@contextmanager
def _writers(home: Path) -> Generator[Event]:
    """Twenty sessions at work, in two processes; an event of each five times a second once the flag is set."""
    context = get_context("spawn")
    begin, end = context.Event(), context.Event()
    counts = [SESSIONS // 2, SESSIONS - SESSIONS // 2]
    processes = [context.Process(target=_write, args=(home, count, begin, end)) for count in counts]
    for process in processes:
        process.start()
    try:
        wait_until(lambda: len(list(home.glob("sessions/*/events.jsonl"))) == SESSIONS, "the sessions", 60)
        yield begin
    finally:
        end.set()
        begin.set()
        for process in processes:
            process.join()


def _write(home: Path, count: int, begin: Event, end: Event) -> None:
    stories = [Story(home, f"task {number} of {os.getpid()}") for number in range(count)]
    with ExitStack() as locks:
        for story in stories:
            locks.enter_context(story.session.locked())
        begin.wait()
        turn, due = 0, time.monotonic()
        while not end.is_set():
            for number, story in enumerate(stories):
                due += 1 / (RATE * count)
                time.sleep(max(0.0, due - time.monotonic()))
                if turn % 50 == number:
                    story.write(TurnStarted(turn, 2))
                story.write(ModelThought(turn, f" {MARK}{time.time():.6f}"))
            turn += 1


def _soon(delays: Sequence[float]) -> Figure:
    name = f"an event of {SESSIONS} sessions at work, on {STREAMS} open pages (95 %)"
    slow = delays[round(0.95 * (len(delays) - 1))]
    note = (
        f"median {1000 * statistics.median(delays):.0f} ms, longest {1000 * delays[-1]:.0f} ms, {len(delays)} arrivals"
    )
    return Figure(name, f"{1000 * slow:.0f} ms", "100 ms", slow <= 0.1, note)


# ---- rest


def _idle(home: Path, seconds: int) -> Figure:
    """What it costs while nobody listens, and twenty sessions have ended."""
    with service(home) as (client, pid):
        client.get("/api/board")
        time.sleep(1)
        before = _processor(pid)
        time.sleep(seconds)
        busy = (_processor(pid) - before) / seconds
    return Figure("processor time of the service while nobody listens", f"{busy:.2%} of a core", "1 %", busy < 0.01)


@contextmanager
def service(home: Path) -> Generator[tuple[Client, int]]:
    """`deskhand serve` on a home."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("deskhand")), "serve", "--json"],
            env=kept | {"DESKHAND_HOME": str(home), "DESKHAND_CONFIG": f"{folder}/config.toml"},
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            yield Client(int(told["url"].rstrip("/").rpartition(":")[2]), told["token"]), process.pid
        finally:
            process.terminate()
            process.wait()
            if process.stdout:
                process.stdout.close()


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _within(name: str, seconds: float, target: float) -> Figure:
    return Figure(name, f"{1000 * seconds:.0f} ms", f"{1000 * target:.0f} ms", seconds <= target)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
