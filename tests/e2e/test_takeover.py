"""The user's own mouse and keyboard, through the whole command: the agent waits, and goes on from what it then sees."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_steering import hits
from tests.support.command import Command, Deskhand
from tests.support.openai_script import Scripted, actions, final
from tests.support.openai_server import Server, openai_server, told
from tests.support.xephyr import User, pressed, xephyr

TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
BATCH = [{"type": "click", "x": 20 + 61 * n % 900, "y": 40 + 4 * n, "button": "left"} for n in range(100)]
LAST = {"type": "click", "x": 5, "y": 5, "button": "left"}


@contextmanager
def working(tmp_path: Path, *flags: str) -> Generator[tuple[Deskhand, Command, Server, Path, str, User]]:
    """A session in the middle of a long batch, on a screen whose mouse and keyboard the test has in its hands."""
    log = tmp_path / "hits"
    log.touch()
    script: list[Scripted] = [actions(*BATCH), actions(LAST), final("ok")]
    with openai_server(script) as server, xephyr() as (screen, user):
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(log), "none"])
        run = ["run", "Work", "--computer", "here", "--json", "--open", program, *flags]
        with deskhand.start(*run, environment={"DISPLAY": screen.display}) as command:
            command.wait_for("action.done", 3)
            yield deskhand, command, server, log, screen.display, user


TOUCHES: dict[str, Callable[[User], None]] = {
    "pointer": lambda user: user.move(77, 88),
    "button": lambda user: user.click(),
    "key": lambda user: user.tap("a"),
}


@pytest.mark.parametrize(
    "how", ["pointer", *(pytest.param(how, marks=pytest.mark.slow) for how in TOUCHES if how != "pointer")]
)
def test_a_touch_pauses_until_it_is_handed_back(tmp_path: Path, how: str) -> None:
    with working(tmp_path) as (deskhand, command, server, log, display, user):
        TOUCHES[how](user)
        taken = command.wait_for("takeover.started")
        assert taken["by"] == how
        command.wait_for("session.paused")
        time.sleep(0.2)
        hit, looks = len(hits(log)), command.types.count("screenshot.taken")
        time.sleep(1.0)
        assert len(hits(log)) == hit and len(server.received) == 1, "hands and model rest"
        assert command.types.count("screenshot.taken") == looks, "nothing is photographed meanwhile"
        assert pressed(display) == (set(), 0)
        shown = deskhand("sessions")
        assert "in your hands" in shown.stdout
        assert deskhand("resume", "last").returncode == 0
        assert command.wait() == 0
        said = told(server.requests[1], "developer")
        assert any("The user took over mouse and keyboard for" in text for text in said)
        assert any("of 100" in text and "not carried out" in text for text in said)
        assert server.refusals == [] and server.rewrites == []
        after = [line["type"] for line in command.lines if line["seq"] > taken["seq"]]
        assert after.index("takeover.ended") < after.index("screenshot.taken") < after.index("call.answered")


@pytest.mark.slow
def test_idle_hands_give_back_when_that_was_chosen(tmp_path: Path) -> None:
    with working(tmp_path, "--hand-back-after", "0.7") as (_deskhand, command, _server, _log, _display, user):
        user.move(300, 300)
        ended = command.wait_for("takeover.ended")
        assert ended["by"] == "idle" and ended["moved"]
        assert command.wait() == 0


def test_escape_three_times_stops_at_once(tmp_path: Path) -> None:
    with working(tmp_path) as (_deskhand, command, _server, log, display, user):
        for _ in range(3):
            user.tap("escape")
        began = time.monotonic()
        assert command.wait(15) == 130
        assert time.monotonic() - began < 10
        assert command.lines[-1]["outcome"] == "stopped" and "panic" in command.lines[-1]["reason"]
        assert len(hits(log)) < 100
        assert pressed(display) == (set(), 0)


@pytest.mark.slow
def test_another_chord_may_be_the_one_that_stops(tmp_path: Path) -> None:
    with working(tmp_path, "--panic", "shift") as (deskhand, command, _server, _log, _display, user):
        user.tap("escape")
        command.wait_for("takeover.started")
        for _ in range(3):
            user.tap("shift")
        assert command.wait(15) == 130
        wrong = deskhand("run", "x", "--panic", "shfit")
        assert wrong.returncode == 2 and "shift" in wrong.stderr


@pytest.mark.slow
def test_takeover_can_be_switched_off(tmp_path: Path) -> None:
    with working(tmp_path, "--no-takeover") as (_deskhand, command, _server, _log, _display, user):
        user.move(300, 300)
        command.wait_for("action.done", 8)
        assert "takeover.started" not in command.types
