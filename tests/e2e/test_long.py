"""Long sessions, in a process of their own, against the strict server: small requests, flat memory, a cached prefix."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.session import find_session
from tests.support.long_session import script, work
from tests.support.openai_script import Body, Raw, http_error
from tests.support.openai_server import Server, openai_server

SMALL = ("--size", "960x600")  # 570 tokens a picture


def unchanged(server: Server) -> float:
    """Share of all input bytes that began the request before as well."""
    return sum(one.unchanged for one in server.lengths) / sum(one.bytes for one in server.lengths)


def assert_sound(server: Server) -> None:
    assert server.refusals == [], "what is sent would be taken"
    assert server.rewrites == [], "nothing that was sent is changed, but where it is made shorter"


def clicks(folder: Path) -> list[tuple[int, int]]:
    """Every action that was started, from the journal."""
    lines = map(json.loads, find_session(folder, "last").events.read_text().splitlines())
    return [(line["action"]["x"], line["action"]["y"]) for line in lines if line["type"] == "action.started"]


def no_such_thing(_: Body) -> Raw:
    return http_error(404)


@pytest.mark.slow
def test_sixty_turns_stay_small_and_go_on_after_a_resume(tmp_path: Path) -> None:
    with openai_server(script(60), keep=2) as server:
        told = work(tmp_path, server, 60, "--compact-at", "12000", *SMALL)
        assert (told["outcome"], told["turns"]) == ("done", 61)
        assert told["compactions"] == len(server.compacted) == len(server.shortened) >= 3
        assert max(one.images for one in server.lengths) < 30
        assert told["megabytes"]["60"] - told["megabytes"]["20"] < 25
        first = clicks(tmp_path)
        assert len(first) == len(set(first)) == 60
        server.script = script(63)
        for _ in range(60):
            server.script({})  # the places that are done
        told = work(tmp_path, server, 3, "--resume", *SMALL)
        assert told["outcome"] == "done"
        assert len(set(clicks(tmp_path))) == 63, "nothing already done is done again"
        assert_sound(server)


def test_killed_while_it_is_made_shorter_it_goes_on_where_it_was(tmp_path: Path) -> None:
    answer = script(20)

    def slow(_: Body) -> Raw | None:
        time.sleep(0.5)
        return None

    with openai_server(answer, keep=2, compacting=slow) as server:
        module = [sys.executable, "-m", "tests.support.long_session"]
        command = [*module, str(tmp_path), server.url, server.key, "20", "--compact-at", "10000", *SMALL]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not server.compacted and time.monotonic() < deadline:
                time.sleep(0.01)
            process.kill()
        server.compacting = None
        told = work(tmp_path, server, 20, "--resume", "--compact-at", "10000", *SMALL)
        assert told["outcome"] == "done" and told["compactions"] >= 1
        done = clicks(tmp_path)
        assert len(done) == len(set(done)) == 20
        assert_sound(server)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_over_two_hundred_turns_nearly_all_of_the_input_is_an_unchanged_prefix(tmp_path: Path) -> None:
    with openai_server(script(200), keep=2) as server:
        told = work(tmp_path, server, 200)  # the limit that suits the model
        assert told["outcome"] == "done" and told["compactions"] >= 1
        assert unchanged(server) >= 0.95
        assert_sound(server)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("own", [True, False], ids=["the provider's", "ours"])
def test_a_thousand_turns(tmp_path: Path, own: bool) -> None:
    with openai_server(script(1000), keep=2, compacting=None if own else no_such_thing) as server:
        told = work(tmp_path, server, 1000, "--compact-at", "60000")
        assert (told["outcome"], told["turns"]) == ("done", 1001)
        megabytes: dict[str, Any] = told["megabytes"]
        assert megabytes["1000"] - megabytes["200"] < 30, "memory is flat"
        assert max(one.bytes for one in server.lengths) < 15_000_000
        assert len(set(clicks(tmp_path))) == 1000
        server.script = script(3)
        again = work(tmp_path, server, 3, "--resume", "--compact-at", "60000")
        assert again["opened_cpu"] < 1.0, "of one processor, however busy the machine is"
        assert_sound(server)
