"""Steer, pause and stop from another terminal: while streaming, acting and waiting; effect before the next action."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Command, Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, function, hang, http_error, slow
from tests.support.openai_server import Server, openai_server, told

TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
LONG_BATCH = [{"type": "click", "x": 20 + 61 * n % 900, "y": 40 + 4 * n, "button": "left"} for n in range(150)]
MOMENTS = ["acting", *(pytest.param(moment, marks=pytest.mark.slow) for moment in ("streaming", "waiting"))]


def script_for(moment: str) -> Any:
    """A first answer that takes long in one of three ways, then a click, then the end."""
    first: dict[str, Scripted] = {
        "streaming": slow(actions(*LONG_BATCH, text="word " * 10, reasoning="thinking " * 20), 0.1),
        "acting": actions(*LONG_BATCH),
        "waiting": http_error(503, message="overloaded", headers={"retry-after": "5"}),
    }
    replies: list[Scripted] = [first[moment], actions({"type": "click", "x": 5, "y": 5, "button": "left"}), final("ok")]
    return replies


@contextmanager
def working(tmp_path: Path, script: Any) -> Generator[tuple[Deskhand, Command, Server, Path]]:
    log = tmp_path / "hits"
    log.touch()
    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(log), "none"])
        with deskhand.start("run", "Work", "--json", "--open", program, "--size", "1024x768") as command:
            yield deskhand, command, server, log


def at_the(moment: str, command: Command) -> None:
    kind = {"streaming": "model.thought", "acting": "action.done", "waiting": "model.retrying"}[moment]
    command.wait_for(kind, 3 if moment == "acting" else 1)


def hits(log: Path) -> list[list[int]]:
    return [json.loads(line)["hit"] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("moment", MOMENTS)
def test_stop_ends_it_at_once(tmp_path: Path, moment: str) -> None:
    with working(tmp_path, script_for(moment)) as (deskhand, command, _server, log):
        at_the(moment, command)
        began = time.monotonic()
        stopped = deskhand("stop", "last")
        assert stopped.returncode == 0, stopped.stderr
        assert command.wait(10) == 130
        assert time.monotonic() - began < 8
        assert command.lines[-1]["type"] == "session.ended" and command.lines[-1]["outcome"] == "stopped"
        starts = [line for line in command.lines if line["type"] == "action.started"]
        assert len(hits(log)) <= len(starts) < 150
    assert deskhand.leftovers == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_pause_holds_hands_and_requests(tmp_path: Path, moment: str) -> None:
    with working(tmp_path, script_for(moment)) as (deskhand, command, server, log):
        at_the(moment, command)
        assert deskhand("pause", "last").returncode == 0
        paused = command.wait_for("session.paused")
        time.sleep(0.3)  # the one primitive action that was under way
        asked, hit = len(server.received), len(hits(log))
        time.sleep(1.5)
        assert (len(server.received), len(hits(log))) == (asked, hit)
        actions_after = [
            line for line in command.lines if line["type"] == "action.started" and line["seq"] > paused["seq"]
        ]
        assert actions_after == []
        assert deskhand("resume", "last").returncode == 0
        assert command.wait() == 0
        assert server.refusals == [] and server.rewrites == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_correction_reaches_the_model_with_its_receipts(tmp_path: Path, moment: str) -> None:
    with working(tmp_path, script_for(moment)) as (deskhand, command, server, log):
        at_the(moment, command)
        ran = deskhand("tell", "last", "Use the ☞ other column", *(["--now"] if moment == "streaming" else []))
        assert ran.returncode == 0, ran.stderr
        queued = command.wait_for("steer.queued")
        assert command.wait() == 0
        kinds = [kind for kind in command.types if kind.startswith("steer.")]
        assert kinds == ["steer.queued", "steer.delivered", "steer.applied"]
        between = [
            line["type"]
            for line in command.lines
            if line["seq"] > queued["seq"] and line["type"] in ("action.started", "steer.delivered")
        ]
        assert between[0] == "steer.delivered", "no action between the correction and its delivery"
        said = told(server.requests[-1])
        assert any("Use the ☞ other column" in text and "Work" in text for text in said)
        assert server.refusals == [] and server.rewrites == []
        if moment == "streaming":
            assert hits(log) == [[5, 5]]


def test_the_model_is_not_asked_while_paused_even_if_it_must_be_retried(tmp_path: Path) -> None:
    script: list[Scripted] = [
        hang(4.0, reply=actions({"type": "click", "x": 3, "y": 3, "button": "left"})),
        final("ok"),
    ]
    with working(tmp_path, script) as (deskhand, command, server, log):
        command.wait_for("turn.started")
        server.wait_for(1)
        deskhand("pause", "last")
        wait_until(lambda: "model.answered" in command.types, "the answer that was under way")
        time.sleep(0.5)
        assert len(server.received) == 1 and hits(log) == []
        deskhand("resume", "last")
        assert command.wait() == 0


def test_words_to_a_session_that_is_not_running_wait_for_it(tmp_path: Path) -> None:
    def script(body: Body) -> Scripted:
        return final("again") if len(told(body)) > 1 else final("first")

    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        assert deskhand("run", "Work", "--size", "800x600").returncode == 0
        assert deskhand("tell", "last", "and one more thing").returncode == 0
        assert deskhand("pause", "last").returncode == 2
        resumed = deskhand("resume", "last", "go on")
        assert resumed.returncode == 0, resumed.stderr
        assert [text for text in told(server.requests[-1]) if "one more thing" in text]
        assert server.rewrites == []
    assert deskhand.leftovers == []


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_signals_stop_it_politely(tmp_path: Path, number: signal.Signals) -> None:
    with working(tmp_path, script_for("acting")) as (deskhand, command, _server, _log):
        at_the("acting", command)
        command.process.send_signal(number)
        assert command.wait(10) == 130
        assert command.lines[-1]["outcome"] == "stopped" and number.name in command.lines[-1]["reason"]
    assert deskhand.leftovers == []


def test_the_same_action_on_a_screen_that_does_not_change_ends_as_given_up(tmp_path: Path) -> None:
    def script(_body: Body) -> Scripted:
        return actions({"type": "click", "x": 5, "y": 5, "button": "left"})

    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Work", "--size", "800x600")
        assert ran.returncode == 1 and "does not change" in ran.stderr
        assert any("has not changed" in text for text in told(server.requests[-1], "developer"))
        assert len(server.received) < 10


@pytest.mark.parametrize(
    ("first", "flags", "status"),
    [
        pytest.param(final("ready"), (), 0, marks=pytest.mark.slow),
        pytest.param(function("give_up", {"reason": "no"}), (), 1, marks=pytest.mark.slow),
        (actions({"type": "click", "x": 9, "y": 9, "button": "left"}), ("--max-turns", "1"), 3),
        pytest.param(http_error(400, "context_length_exceeded", "Too long."), (), 1, marks=pytest.mark.slow),
    ],
)
def test_however_it_ended_it_goes_on_with_new_words(
    tmp_path: Path, first: Scripted, flags: tuple[str, ...], status: int
) -> None:
    with openai_server([first, final("now it is")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        assert deskhand("run", "Work", "--size", "800x600", *flags).returncode == status
        resumed = deskhand("resume", "last", "--max-turns", "9", "and now this")
        assert resumed.returncode == 0, resumed.stderr
        assert "and now this" in told(server.requests[-1])[-1]
        assert server.refusals == [] and server.rewrites == []
