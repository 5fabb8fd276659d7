"""A yes for exactly this, and questions, through the whole command with a real program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Command, Deskhand, wait_until
from tests.support.mail import BUTTON
from tests.support.openai_script import Scripted, actions, final, function, shell
from tests.support.openai_server import Server, openai_server, told

MAIL = Path(__file__).parents[1] / "support" / "mail.py"
SEND = {"type": "click", "x": BUTTON[0], "y": BUTTON[1], "button": "left"}


@contextmanager
def working(tmp_path: Path, script: list[Scripted], *flags: str) -> Generator[tuple[Deskhand, Command, Server, Path]]:
    log = tmp_path / "home" / "sent"  # where programs of the private desktop may write
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        run = ["run", "Have a look at the mail", "--json", "--open", f"/usr/bin/python3 {MAIL} {log}", *flags]
        with deskhand.start(*run, "--size", "800x600") as command:
            yield deskhand, command, server, log


def sent(log: Path) -> list[str]:
    return log.read_text().splitlines()


def told_by_deskhand(server: Server) -> str:
    return "\n".join(told(server.requests[-1], "developer"))


@pytest.mark.parametrize(
    ("word", "mails"), [("approve", ["ann@example.org"]), pytest.param("deny", [], marks=pytest.mark.slow)]
)
def test_sending_a_mail_needs_a_yes(tmp_path: Path, word: str, mails: list[str]) -> None:
    with working(tmp_path, [actions(SEND), final("ok")]) as (deskhand, command, server, log):
        asked = command.wait_for("approval.requested")
        assert 'click "Send" (push button) in "Write: offer"' in asked["what"] and asked["risk"]
        assert sent(log) == []
        assert deskhand(word, "last").returncode == 0
        assert command.wait() == 0, command.errors
        assert sent(log) == mails
        assert ("which was not given" in told_by_deskhand(server)) == (word == "deny")
        assert server.refusals == [] and server.rewrites == []


def test_another_recipient_is_asked_for_again(tmp_path: Path) -> None:
    with working(tmp_path, [actions(SEND), final("ok")]) as (deskhand, command, _server, log):
        command.wait_for("approval.requested")
        log.with_suffix(".to").write_text("everybody@example.org, the-press@example.com")
        time.sleep(0.3)
        deskhand("approve", "last")
        again = command.wait_for("approval.requested", 2)
        assert again["again"] == 1 and sent(log) == []
        deskhand("deny", "last")
        assert command.wait() == 0
        assert sent(log) == []


def test_never_refuses_and_tells_the_model(tmp_path: Path) -> None:
    with working(tmp_path, [actions(SEND), final("ok")], "--approve", "never") as (_, command, server, log):
        assert command.wait() == 0
        assert sent(log) == []
        assert "--approve never" in told_by_deskhand(server)


@pytest.mark.parametrize(
    ("typed", "status"), [("always\n", 0), ("yes\n", 2), pytest.param("", 2, marks=pytest.mark.slow)]
)
def test_always_must_be_typed(tmp_path: Path, typed: str, status: int) -> None:
    with openai_server([final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Look", "--approve", "always", stdin=typed)
        assert ran.returncode == status, ran.stderr
        assert bool(server.received) == (status == 0)
        here = deskhand("run", "Look", "--approve", "always", "--computer", "here", stdin="always\n")
        assert here.returncode == 2 and "isolated" in here.stderr


def test_nobody_answers(tmp_path: Path) -> None:
    with working(tmp_path, [actions(SEND)], "--approval-timeout", "0.5") as (deskhand, command, _server, log):
        assert command.wait() == 4
        assert sent(log) == []
        assert command.lines[-1]["outcome"] == "needs_user"
        assert "needs you" in deskhand("sessions").stdout


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"question": "Which year?", "choices": ["2025", "2026"], "wait": True}
    with working(tmp_path, [function("ask_user", arguments), final("ok")]) as (deskhand, command, server, _log):
        asked = command.wait_for("question.asked")
        assert asked["choices"] == ["2025", "2026"]
        assert "needs you" in deskhand("sessions").stdout
        assert len(server.received) == 1
        assert deskhand("answer", "last", "2026, all of it").returncode == 0
        assert command.wait() == 0, command.errors
        output = [item for item in server.requests[-1]["input"] if item.get("type") == "function_call_output"]
        assert "2026, all of it" in output[-1]["output"]
        assert server.refusals == [] and server.rewrites == []


def test_a_broken_rule_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with openai_server([final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        (tmp_path / "home" / "policy.toml").write_text("[[rules]]\nname = 3\n")
        ran = deskhand("run", "Look")
        assert ran.returncode == 2 and "policy.toml" in ran.stderr and "Traceback" not in ran.stderr
        assert not (tmp_path / "home" / "data" / "sessions").exists()


BROKEN = Path(__file__).parents[1] / "support" / "mcp_broken.py"
PAYROLL = """
[[rules]]
name = "payroll"
kind = "confirm"
risk = "This touches the payroll."
tool = "^shell$"
arguments = "payroll"
examples = [{ tool = "shell", arguments = { commands = ["touch payroll.csv"] } }]
"""


@pytest.mark.slow
def test_calls_of_tools_are_asked_for_again_after_a_kill_and_reviewed(tmp_path: Path) -> None:
    """A server of the user's and a rule of their own: killed while it asks, resumed, then with a second look."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    command = f'[mcp.forks]\ncommand = "{sys.executable}"\nargs = ["-S", "{BROKEN}", "forks"]\n'
    (home / "config.toml").write_text(command)
    (home / "policy.toml").write_text(PAYROLL)
    call = function("mcp__forks__echo", {})
    says = {"risk_level": "low", "user_authorization": "high", "rationale": "As asked.", "outcome": "deny"}
    review = final(json.dumps(says))
    unsure = final(json.dumps(says | {"outcome": "ask"}))
    script = [call, call, unsure, shell("touch payroll.csv"), review, final("ok")]
    with openai_server(script) as server:
        deskhand = Deskhand(home, OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Do it", "--json", "--workspace", str(work)) as first:
            asked = first.wait_for("approval.requested")
            assert (asked["what"], asked["rule"], asked["recipient"]) == ("forks: echo", "mcp", "forks")
            [log] = (home / "data" / "sessions").glob("*/mcp/forks.log")
            child = Path("/proc", log.read_text().split()[1])
            assert child.exists()
            first.kill()
            wait_until(lambda: not deskhand.leftovers and not child.exists(), "nothing is left behind")
        with deskhand.start("resume", "last", "--json", "--reviewer", "gpt-6.1-sol") as second:
            again = second.wait_for("approval.requested")
            assert again["what"] == "forks: echo" and again["id"] != asked["id"]
            assert deskhand("approve", "last").returncode == 0
            assert second.wait() == 0, second.errors
        told_of = [line["text"] for line in deskhand.journal if line["type"] == "call.answered"]
        assert "“forks” answers" in told_of[1] and "(the reviewer gpt-6.1-sol: As asked.)" in told_of[2]
        assert server.refusals == [] and list(work.iterdir()) == [] and not deskhand.leftovers
