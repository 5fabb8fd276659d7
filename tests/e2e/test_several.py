"""Several at once: who has to wait says so and comes next, one that is killed touches no other, and money is shared."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.command import Command, Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, commentary, final, hang
from tests.support.openai_server import Server, openai_server, told
from tests.support.xserver import xvfb

SMALL = ("--size", "640x480", "--json")


def answer(body: Body) -> Scripted:
    """A task that holds its computer thinks for a minute; one that talks does so for ever."""
    task = told(body)[0]
    if "hold" in task:
        return hang(60)
    return commentary("Well, well.") if "talk" in task else final("ok")


@contextmanager
def home(tmp_path: Path, **settings: str) -> Generator[tuple[Deskhand, Server]]:
    with openai_server(answer) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url, **settings)
        yield deskhand, server
        wait_until(lambda: deskhand.leftovers == [], "every process to be gone", 8)
        assert tickets(deskhand) == []


def tickets(deskhand: Deskhand) -> list[str]:
    return [path.name for path in (deskhand.home / "data").glob("slots/*/*/[0-9]*")]


def identity(command: Command) -> str:
    return command.wait_for("session.started")["session"]


@pytest.mark.slow
def test_two_work_the_others_wait_their_turn_and_a_killed_one_makes_room(tmp_path: Path) -> None:
    with home(tmp_path, DESKHAND_MAX_AGENTS="2") as (deskhand, _), ExitStack() as running:
        first, second = (running.enter_context(deskhand.start("run", "hold", *SMALL)) for _ in range(2))
        first.wait_for("turn.started")
        second.wait_for("turn.started")
        third = running.enter_context(deskhand.start("run", "be quick", *SMALL))
        queued = third.wait_for("session.queued")
        assert queued["ahead"] == 0 and queued["reason"].startswith("2 other sessions are at work")
        fourth = running.enter_context(deskhand.start("run", "be quick", *SMALL))
        assert fourth.wait_for("session.queued")["ahead"] == 1
        stopped = deskhand("stop", identity(fourth))
        assert stopped.returncode == 0, stopped.stderr
        assert fourth.wait(10) == 130 and "computer.ready" not in fourth.types
        fifth = running.enter_context(deskhand.start("run", "be quick", *SMALL))
        assert fifth.wait_for("session.queued")["ahead"] == 1, "the one that was stopped has left the queue"
        assert "computer.ready" not in third.types
        first.kill()
        assert third.wait() == fifth.wait() == 0, third.errors + fifth.errors
        assert [line["ahead"] for line in fifth.lines if line["type"] == "session.queued"] == [1, 0]
        assert third.wait_for("computer.ready")["at"] <= fifth.wait_for("computer.ready")["at"]
        assert second.types[-1] in ("turn.started", "model.thought"), "the other one has noticed nothing"
        resumed = deskhand("resume", identity(fourth), "--json")
        assert resumed.returncode == 0, "who was stopped while waiting can go on"
        kinds = [json.loads(line)["type"] for line in resumed.stdout.splitlines()]
        assert kinds[:2] == ["session.resumed", "computer.ready"] and kinds[-1] == "session.ended"
        assert deskhand("stop", identity(second)).returncode == 0 and second.wait(10) == 130


@pytest.mark.slow
def test_the_money_of_a_day_is_shared(tmp_path: Path) -> None:
    with home(tmp_path, DESKHAND_DAILY_COST="0.001") as (deskhand, server):
        first = deskhand("run", "talk", *SMALL)
        assert first.returncode == 3, first.stderr
        assert "the shared budget of 0.001 US dollars a day is used up" in first.stderr
        asked = len(server.received)
        assert asked == 1
        assert deskhand("run", "be quick", *SMALL).returncode == 3 and len(server.received) == asked
        [ledger] = (deskhand.home / "data" / "spending").iterdir()
        [booked] = [json.loads(line) for line in ledger.read_text().splitlines()]
        [answered] = [line for line in map(json.loads, first.stdout.splitlines()) if line["type"] == "model.answered"]
        assert booked["usd"] == pytest.approx(answered["usage"]["cost_usd"])
        assert deskhand("resume", answered_by(deskhand), "--json").returncode == 3
        assert len(ledger.read_text().splitlines()) == 1, "what was booked is not booked again"


def answered_by(deskhand: Deskhand) -> str:
    return min(path.name for path in (deskhand.home / "data" / "sessions").iterdir())


@pytest.mark.slow
def test_the_own_screen_is_one_sessions_at_a_time_and_who_waits_does_not_touch_it(tmp_path: Path) -> None:
    with xvfb(window_manager=True) as display, home(tmp_path, DISPLAY=display) as (deskhand, _):
        arguments = ("run", "hold", "--computer", "here", "--json")
        with deskhand.start(*arguments) as first:
            first.wait_for("turn.started")
            with deskhand.start("run", "be quick", "--computer", "here", "--json") as second:
                queued = second.wait_for("session.queued")
                assert queued["reason"] == f"session {identity(first)} works on your screen, and only one can at a time"
                assert first.types[-1] in ("turn.started", "model.thought"), "nobody took its mouse"
                assert deskhand("stop", identity(first)).returncode == 0
                assert second.wait() == 0, second.errors
