"""Bad input: one clear line with the cure, the right exit status, nothing lost and nothing left."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import (
    Scripted,
    actions,
    commentary,
    endless_text,
    final,
    function,
    garbage,
    hang,
    html,
    http_error,
    slow,
    together,
)
from tests.support.openai_server import Server, openai_server, told

CLICK = {"type": "click", "x": 5, "y": 5, "button": "left"}
SMALL = ("--size", "800x600")


@pytest.fixture
def nobody(tmp_path: Path) -> Generator[Deskhand]:
    """A user without a key."""
    deskhand = Deskhand(tmp_path / "home")
    yield deskhand
    assert deskhand.leftovers == []


def one_line(errors: str) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    assert len(lines) == 1, errors
    assert "Traceback" not in errors
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "do it"), "deskhand demo"),
        (("run", ""), "task"),
        (("run", "   "), "task"),
        (("run", "x" * 100_000), "task"),
        (("run", "x", "--size", "huge"), "size"),
        (("run", "x", "--max-turns", "-1"), "max-turns"),
        (("run", "x", "--computer", "toaster"), "computer"),
        (("show", "nonsense"), "no sessions yet"),
        (("resume", "nonsense"), "no sessions yet"),
        (("tell", "nonsense", "hello"), "no sessions yet"),
        (("fly",), "fly"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(nobody: Deskhand, arguments: tuple[str, ...], said: str) -> None:
    ran = nobody(*arguments)
    assert ran.returncode == 2
    assert said in (ran.stderr if arguments == ("fly",) else one_line(ran.stderr))


def run_against(tmp_path: Path, script: list[Scripted], *flags: str) -> tuple[int, str, Server, Deskhand]:
    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Work", *SMALL, *flags, timeout=100)
        assert "Traceback" not in ran.stderr
        assert deskhand.leftovers == []
        return ran.returncode, ran.stderr, server, deskhand


def ended(deskhand: Deskhand) -> tuple[str, str]:
    last = deskhand.journal[-1]
    assert last["type"] == "session.ended"
    return last["outcome"], last["reason"]


@pytest.mark.parametrize(
    ("reply", "flags", "said"),
    [
        (final("x"), ("--model", "gpt-99"), "gpt-99"),
        pytest.param(html(), (), "OPENAI_BASE_URL", marks=pytest.mark.slow),
        pytest.param(
            http_error(403, "misalignment_policy_violation", "It looks wrong."),
            (),
            "misalignment_policy_violation",
            marks=pytest.mark.slow,
        ),
        pytest.param(http_error(400, "context_length_exceeded", "Too long."), (), "too long", marks=pytest.mark.slow),
        pytest.param(http_error(429, "insufficient_quota", "No money."), (), "billing", marks=pytest.mark.slow),
    ],
)
def test_what_the_provider_refuses_for_good(tmp_path: Path, reply: Scripted, flags: tuple[str, ...], said: str) -> None:
    status, errors, _, deskhand = run_against(tmp_path, [reply], *flags)
    outcome, reason = ended(deskhand)
    assert (status, outcome) == (1, "failed")
    assert said in reason and said in errors
    assert deskhand("resume", "last").returncode == 1, "it can be tried again"


def test_a_wrong_key_is_never_shown(tmp_path: Path) -> None:
    with openai_server([final("x")]) as server:
        secret = "sk-wrong-but-secret-1234567890"
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=secret, OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Work", *SMALL)
        assert ran.returncode == 1 and "OPENAI_API_KEY" in ran.stderr
        everything = ran.stdout + ran.stderr + "".join(str(line) for line in deskhand.journal)
        assert secret not in everything and server.key not in everything


def test_an_address_where_nobody_listens(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY="sk-x", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    ran = deskhand("run", "Work", *SMALL, timeout=60)
    assert ran.returncode == 1 and "127.0.0.1:9" in ran.stderr
    assert ended(deskhand)[0] == "failed"


NONSENSE: list[tuple[list[Scripted], str]] = [
    ([actions({"type": "teleport", "x": 1, "y": 2})], "unknown action type"),
    ([actions({"type": "click", "x": 5000, "y": 5, "button": "left"})], "outside the screenshot"),
    ([actions({"type": "click", "x": -1, "y": 5, "button": "left"})], "outside the screenshot"),
    ([actions()], "no actions"),
    ([actions(*[CLICK] * 500)], "at most"),
    ([actions({"type": "keypress", "keys": ["NOSUCHKEY"]})], "NOSUCHKEY"),
    ([actions({"type": "drag", "path": [{"x": 1, "y": 1}]})], "two points"),
    ([commentary("hm"), commentary("hm")], "no action"),
]


def test_nonsense_of_the_model_is_told_to_it_and_the_session_goes_on(tmp_path: Path) -> None:
    script: list[Scripted] = []
    for number, (replies, _) in enumerate(NONSENSE):
        script += [*replies, actions({"type": "click", "x": 20 + 9 * number, "y": 20, "button": "left"})]
    status, errors, server, _ = run_against(tmp_path, [*script, final("ok")])
    assert status == 0, errors
    heard = told(server.requests[-1], "developer")
    assert [said for _, said in NONSENSE if not any(said in text for text in heard)] == []
    assert server.refusals == [] and server.rewrites == []


def test_an_action_while_it_says_that_it_is_finished_is_carried_out(tmp_path: Path) -> None:
    status, _, server, deskhand = run_against(tmp_path, [together(final("Finished!"), actions(CLICK)), final("ok")])
    assert status == 0 and len(server.received) == 2
    assert sum(line["type"] == "action.done" for line in deskhand.journal) == 1


def test_what_may_pass_is_retried_in_sight_of_the_user(tmp_path: Path) -> None:
    passing = [garbage(), endless_text(), http_error(500), hang(0.5, reply=actions(CLICK))]
    script: list[Scripted] = []
    for number, reply in enumerate(passing):
        script += [reply, actions({"type": "click", "x": 20 + 9 * number, "y": 20, "button": "left"})]
    status, errors, _, deskhand = run_against(tmp_path, [*script, final("ok")])
    assert status == 0, errors
    assert [line["type"] for line in deskhand.journal].count("model.retrying") >= len(passing) - 1


def test_arguments_that_are_no_json(tmp_path: Path) -> None:
    status, _, server, _ = run_against(tmp_path, [function("give_up", "{not json"), final("ok")])
    assert status == 0
    assert any(item.get("type") == "function_call_output" for item in server.requests[-1]["input"])


def test_giving_up_is_status_1_and_a_budget_is_status_3(tmp_path: Path) -> None:
    status, errors, _, deskhand = run_against(tmp_path, [function("give_up", {"reason": "the file is missing"})])
    assert (status, ended(deskhand)) == (1, ("gave_up", "the file is missing"))
    assert "the file is missing" in errors
    status, _, _, deskhand = run_against(tmp_path / "2", [actions(CLICK), actions(CLICK)], "--max-turns", "2")
    assert (status, ended(deskhand)[0]) == (3, "out_of_budget")


def test_nobody_answers_a_safety_check(tmp_path: Path) -> None:
    check = {"id": "sc_1", "code": "malicious_instructions", "message": "The page wants something."}
    status, _, _, deskhand = run_against(tmp_path, [actions(CLICK, checks=[check])], "--approval-timeout", "0.5")
    assert (status, ended(deskhand)[0]) == (4, "needs_user")
    assert not any(line["type"] == "action.started" for line in deskhand.journal)


@pytest.mark.parametrize(("answer", "done"), [("approve", 1), ("deny", 0)])
def test_a_safety_check_is_answered_from_another_terminal(tmp_path: Path, answer: str, done: int) -> None:
    check = {"id": "sc_1", "code": "malicious_instructions", "message": "The page wants something."}
    with openai_server([actions(CLICK, checks=[check]), final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", *SMALL) as command:
            asked = command.wait_for("approval.requested")
            assert not any(kind == "action.started" for kind in command.types)
            assert deskhand(answer, "last", asked["id"]).returncode == 0
            assert command.wait() == 0, command.errors
        assert sum(line["type"] == "action.done" for line in deskhand.journal) == done
        assert server.refusals == []


def test_two_processes_never_work_on_one_session(tmp_path: Path) -> None:
    with openai_server([slow(actions(CLICK), 1.0), final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", *SMALL) as command:
            command.wait_for("turn.started")
            second = deskhand("resume", "last")
            assert second.returncode == 2
            one_line(second.stderr)


def test_a_display_that_does_not_exist(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY="sk-x", DISPLAY=":987")
    ran = deskhand("run", "Work", "--computer", "here")
    assert ran.returncode == 2
    assert ":987" in one_line(ran.stderr) and "--computer desktop" in ran.stderr


def test_the_screen_dies_in_the_middle(tmp_path: Path) -> None:
    with openai_server([actions(CLICK), slow(actions(CLICK), 0.5), final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", *SMALL) as command:
            command.wait_for("turn.started", 2)
            screens = [pid for pid in deskhand.leftovers if b"Xvfb" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert len(screens) == 1
            subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(screens[0])], check=True)
            assert command.wait(30) == 1
            assert command.lines[-1]["outcome"] == "failed" and "screen" in command.lines[-1]["reason"]
        wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 5)
        resumed = deskhand("resume", "last")
        assert resumed.returncode == 0, resumed.stderr
        assert server.refusals == [] and server.rewrites == []


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY="sk-x", DESKHAND_HOME=str(tmp_path / "file" / "x"))
    ran = deskhand("run", "Work")
    assert ran.returncode == 2 and "DESKHAND_HOME" in one_line(ran.stderr)
