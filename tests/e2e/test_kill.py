"""kill -9 at random moments, then resume: nothing twice, nothing lost, nothing left."""

from __future__ import annotations

import itertools
import json
import os
import random
import shlex
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, slow
from tests.support.openai_server import openai_server

TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
KILLS = int(os.environ.get("DESKHAND_KILLS", "2"))
LATEST = 2.0  # times what a start takes until its first request, on this machine at this moment


@pytest.mark.timeout(1500)
def test_killed_at_random_moments_it_repeats_nothing_and_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "hits"
    log.touch()
    places = itertools.count()
    finished = threading.Event()
    chance = random.Random(os.environ.get("DESKHAND_SEED", "7"))

    def script(_body: Body) -> Scripted:
        if finished.is_set():
            return final("ok")
        batch = [next(places) for _ in range(3)]  # a place is asked for once in the whole session
        clicks = [{"type": "click", "x": 10 + n % 900, "y": 10 + n // 900, "button": "left"} for n in batch]
        return slow(actions(*clicks), 0.03)

    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(log), "none"])
        arguments = ["run", "Work", "--json", "--size", "1024x768", "--open", program]
        known: list[str] = []
        latest = 0.0
        for _ in range(KILLS):
            began = time.monotonic()
            with deskhand.start(*arguments) as command:
                if latest:
                    time.sleep(chance.uniform(0.0, latest))
                else:
                    wait_until(lambda: bool(server.received), "the first request", 30)
                    latest = LATEST * (time.monotonic() - began)
                command.kill()
            wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 6)
            if not (deskhand.home / "data" / "sessions").exists():
                continue
            sessions = list((deskhand.home / "data" / "sessions").iterdir())
            events = sessions[0] / "events.jsonl"
            if not events.exists() or not events.read_bytes().count(b"\n"):
                sessions[0].rename(tmp_path / f"unborn{time.time_ns()}")  # killed before its first event
                continue
            lines = events.read_text().splitlines()
            assert lines[: len(known)] == known, "what was journalled is still there"
            known = [line for line in lines if line.endswith("}")]
            arguments = ["resume", "last", "--json"]
        finished.set()
        with deskhand.start(*arguments) as command:
            assert command.wait() == 0, command.errors
        assert server.refusals == []
        assert server.rewrites == [], "every first request after a kill extends the last one before it"
        assert len(server.received) > KILLS / 4, "the kills came too early to mean anything"
    hits = [tuple(json.loads(line)["hit"]) for line in log.read_text().splitlines()]
    assert len(hits) == len(set(hits)), "an action was sent twice"
    started = [line for line in deskhand.journal if line["type"] == "action.started"]
    assert {(line["action"]["x"], line["action"]["y"]) for line in started} >= set(hits), "each was written down before"
    wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 6)
