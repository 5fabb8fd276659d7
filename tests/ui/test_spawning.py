"""Sessions started for the page: they get what was said, nobody else can read it, and they outlive the service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserFault
from agent.session import Session
from agent.values import Budgets
from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, hang
from tests.support.openai_server import Server, openai_server, told
from ui.service.spawning import StartRequest, resume_session, start_session

SMALL = "640x480"
SERVICE = """
import os, sys
from pathlib import Path
from ui.service.spawning import StartRequest, start_session

print(start_session(Path(os.environ["DESKHAND_HOME"]), StartRequest("Work", size="640x480")), flush=True)
sys.stdin.read()
"""


@dataclass
class Place:
    """A home, the server that its sessions talk to, and what that server answers."""

    home: Path
    server: Server
    deskhand: Deskhand
    script: list[Scripted]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Place]:
    script: list[Scripted] = []

    def answer(_body: Body) -> Scripted:
        return script.pop(0) if script else final("ok")

    with openai_server(answer) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        for name, value in deskhand.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("DISPLAY", raising=False)
        yield Place(Path(deskhand.environment["DESKHAND_HOME"]), server, deskhand, script)
        wait_until(lambda: not sessions(deskhand) or all(map(ended, sessions(deskhand))), "every session to end")
        wait_until(lambda: deskhand.leftovers == [], "every process to be gone", 8)


def sessions(deskhand: Deskhand) -> list[Session]:
    folder = Path(deskhand.environment["DESKHAND_HOME"], "sessions")
    return [Session(path) for path in folder.iterdir()] if folder.exists() else []


def journal(session: Session) -> list[dict[str, Any]]:
    whole = session.events.read_text().rpartition("\n")[0]  # the last line may be half written
    return [json.loads(line) for line in whole.splitlines()]


def ended(session: Session) -> bool:
    return journal(session)[-1]["type"] == "session.ended" and not session.is_live()


def children() -> list[tuple[int, str, str]]:
    """Process id, state and arguments of our own children."""
    found: list[tuple[int, str, str]] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == os.getpid():
                    found.append((int(folder.name), state, (folder / "cmdline").read_text()))
            except OSError:
                continue
    return found


def test_a_session_gets_its_task_unread_by_others_and_goes_on_by_itself(place: Place) -> None:
    task = ("Schreib „Grüße“ 🙂 -- $(rm) " + "x" * 50_000)[:50_000]
    click = {"type": "click", "x": 5, "y": 5, "button": "left"}
    place.script += [actions({**click, "x": n}, text="word " * 2_000) for n in range(6)]
    place.script[0] = hang(1.5, reply=actions(click))
    request = StartRequest(task, computer="desktop", size=SMALL, max_turns=50, model="gpt-6.1-terra", approve="never")
    name = start_session(place.home, request)
    [(pid, _, arguments)] = [child for child in children() if "ui.cli" in child[2]]
    assert "Gr" not in arguments and "xxx" not in arguments and place.server.key not in arguments
    assert os.getsid(pid) == pid != os.getsid(0), "Ctrl-C in the service's terminal does not reach it"
    assert Path(f"/proc/{pid}/cwd").readlink() == place.home
    session = Session(place.home / "sessions" / name)
    wait_until(lambda: ended(session), "the session to end")
    lines = journal(session)
    assert lines[0]["task"] == task and lines[0]["budgets"]["turns"] == 50 and lines[0]["approve"] == "never"
    assert lines[-1]["outcome"] == "done"
    assert session.events.stat().st_size > 200_000, "more than a pipe holds that nobody reads"
    assert any(task in text for text in told(place.server.requests[0]))
    wait_until(lambda: not [child for child in children() if child[0] == pid], "no zombie", 5)


def test_it_outlives_the_service(place: Place) -> None:
    place.script += [hang(1.0, reply=final("ok"))]
    service = subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    with service:
        assert service.stdout
        session = Session(place.home / "sessions" / service.stdout.readline().decode().strip())
        assert session.is_live()
        service.send_signal(signal.SIGKILL)
    wait_until(lambda: ended(session), "the session to end")
    assert journal(session)[-1]["outcome"] == "done"


@pytest.mark.slow
def test_a_session_goes_on_with_what_is_said_and_other_budgets(place: Place) -> None:
    name = start_session(place.home, StartRequest("Work", size=SMALL))
    session = Session(place.home / "sessions" / name)
    with pytest.raises(UserFault, match="is being worked on"):
        resume_session(place.home, name, "more")
    wait_until(lambda: ended(session), "the session to end")
    with pytest.raises(UserFault, match="is done; to go on with it, say what"):
        resume_session(place.home, name)
    place.script += [hang(1.0, reply=final("ok"))]
    resume_session(place.home, name, "- and now “this”", Budgets(turns=9))
    assert not any("this" in arguments for _, _, arguments in children())
    wait_until(lambda: ended(session), "the session to end again")
    [resumed] = [line for line in journal(session) if line["type"] == "session.resumed"]
    assert resumed["budgets"]["turns"] == 9
    assert any("- and now “this”" in text for text in told(place.server.requests[-1]))


@pytest.mark.parametrize("name", ["", "20261121-064812-a1b2c3", "../sessions", ".", ".."])
def test_only_a_session_that_there_is_goes_on(place: Place, name: str) -> None:
    with pytest.raises(UserFault, match="there is no session"):
        resume_session(place.home, name)


def test_what_keeps_it_from_starting_is_told_in_the_line_that_a_terminal_would_get(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserFault, match=r"^there is no API key: set OPENAI_API_KEY"):
        start_session(place.home, StartRequest("Work", computer="desktop"))
    monkeypatch.setenv("OPENAI_API_KEY", place.server.key)
    with pytest.raises(UserFault, match=r"^there is no screen here: DISPLAY is not set"):
        start_session(place.home, StartRequest("Work", computer="here"))
    assert not [child for child in children() if "ui.cli" in child[2]]


def test_what_makes_no_sense_is_said_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wrong = {
        "the task is empty": StartRequest(" \n"),
        "has 50001 characters, at most 50000": StartRequest("x" * 50_001),
        "the task is not UTF-8": StartRequest("a\udc80"),
        "'mars' is no computer; it must be here, desktop,": StartRequest("t", computer="mars"),
        "'wide' is not WIDTHxHEIGHT": StartRequest("t", size="wide"),
        "8000x20 is out of range": StartRequest("t", size="8000x20"),
        "cannot be given on this page": StartRequest("t", approve="always"),
        "'maybe' is not known": StartRequest("t", approve="maybe"),
        "the budget of turns: '0' is not a whole number": StartRequest("t", max_turns=0),
        "the budget of minutes: 'nan'": StartRequest("t", max_minutes=float("nan")),
        "the budget of US dollars: '-1'": StartRequest("t", max_cost=-1),
        "no name of a model": StartRequest("t", model="a\nb"),
        "the API 'grpc' is not known": StartRequest("t", api="grpc"),
        "the dialect 'klingon' is not known": StartRequest("t", dialect="klingon"),
        "'ftp://a' is no address of a server": StartRequest("t", base_url="ftp://a"),
        "there is no file 'no.ods'": StartRequest("t", open=("no.ods",)),
        "there is no program 'nosuchprogram'": StartRequest("t", open=("nosuchprogram --x",)),
        "nothing to open": StartRequest("t", open=("",)),
        "cannot read the command": StartRequest("t", open=("xterm '",)),
        "no whole path": StartRequest("t", workspace="files"),
        "no folder that can be written to": StartRequest("t", workspace=str(tmp_path / "file")),
        "is no path": StartRequest("t", workspace="~nosuchuser/x"),
    }
    home = tmp_path / "data"
    for said, request in wrong.items():
        with pytest.raises(UserFault) as fault:
            start_session(home, request)
        assert said in str(fault.value) and "\n" not in str(fault.value), said
    assert not home.exists()
