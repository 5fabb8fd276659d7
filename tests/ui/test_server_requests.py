"""What is asked of the page's server: words for a session, a new one, one that goes on, hands."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserFault
from agent.events import ApprovalRequested, Paused, QuestionAsked, SessionEnded, TakeoverStarted
from agent.inbox import FileInbox
from agent.values import Budgets
from tests.support.at_work import started, working
from tests.support.homes import make_session
from tests.support.serving import Answer, Client, serving
from ui.server import RunningServer, make_app
from ui.service.bodies import NewSession

CLICK = {"type": "click", "x": 300, "y": 260}


# ---- words


def test_words_reach_the_inbox_as_they_were_said(tmp_path: Path) -> None:
    session = started(tmp_path)
    with working(session), serving(tmp_path) as (_, client):
        path = f"/api/sessions/{session.id}/words"
        found = client.post(path, {"kind": "steer", "text": "  use euros ", "now": True, "id": "mine-1"})
        assert found.status == 202 and found.data == {"id": "mine-1", "kept": False}
        assert client.post(path, {"kind": "stop", "text": "enough"}).status == 202
        assert client.post(path, {"kind": "take"}).status == 202
        said = [message for message, _ in FileInbox(session.inbox).take()]
        assert [(m.kind, m.text, m.now, m.by) for m in said] == [
            ("steer", "use euros", True, "user"),
            ("stop", "enough", False, "user"),
            ("take", "", False, "user"),
        ]
        assert said[0].id == "mine-1" and len({m.id for m in said}) == 3


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"kind": "pause"}, 409, "no process works"),
        ({"kind": "stop"}, 409, "nothing to stop"),
        ({"kind": "approve"}, 409, "nothing to approve"),
        ({"kind": "steer", "text": "  "}, 422, "no words"),
        ({"kind": "steer", "text": "x" * 60_000}, 422, "at most"),
        ({"kind": "dance"}, 422, "kind"),
        ({"kind": "steer", "text": "x", "id": "../../escape"}, 422, "id"),
        ({"kind": "steer", "text": "x", "id": "a\n"}, 422, "id"),
        ({"kind": "steer", "text": "x", "more": 1}, 422, "more"),
        (b"{", 422, "JSON"),
        ([], 422, "body"),
    ],
)
def test_words_that_make_no_sense_are_refused_with_the_reason(tmp_path: Path, body: Any, status: int, why: str) -> None:
    session = started(tmp_path)
    with serving(tmp_path) as (_, client):
        found = client.post(f"/api/sessions/{session.id}/words", body)
    assert found.status == status and why in found.data["error"] and "\n" not in found.data["error"]
    assert not list(session.inbox.iterdir())


def test_what_makes_sense_depends_on_the_state(tmp_path: Path) -> None:
    session = started(tmp_path)
    with working(session) as journal, serving(tmp_path) as (_, client):

        def say(kind: str, **more: Any) -> tuple[int, str]:
            found = client.post(f"/api/sessions/{session.id}/words", {"kind": kind} | more)
            return found.status, found.data.get("error", "")

        assert say("resume")[0] == 409 and "working already" in say("resume")[1]
        assert say("approve")[0] == 409 and "no yes" in say("approve")[1]
        assert say("answer", text="x")[0] == 409 and "no answer" in say("answer", text="x")[1]
        assert say("pause")[0] == 202
        journal.append(Paused())
        assert say("pause") == (409, "it is paused already") and say("resume", text="done by hand")[0] == 202
        journal.append(TakeoverStarted("word"))
        assert say("take") == (409, "you have the mouse already") and say("pause")[0] == 409
        journal.append(ApprovalRequested("a1", "c", "send the mail", "it is sent"))
        assert say("approve")[0] == 202 and say("deny", target="a1")[0] == 202 and say("resume")[0] == 202
        assert say("approve", target="a0")[0] == 409 and "any more" in say("approve", target="a0")[1]
        assert say("answer", text="x", target="a1")[0] == 409
        journal.append(ApprovalRequested("a2", "c", "send it again", "it is sent"))
        assert say("approve")[0] == 409 and say("approve", target="a2")[0] == 202
        journal.append(QuestionAsked("q1", "c", "Which one?", ("this", "that")))
        assert say("answer", text="this")[0] == 202 and say("answer", text="")[0] == 422
        journal.append(SessionEnded("done", "it is done", 1, 2.0))
        assert say("pause")[0] == 409 and "ending" in say("pause")[1]
        targets = [(m.kind, m.target) for m, _ in FileInbox(session.inbox).take() if m.target]
        assert targets == [("approve", "a1"), ("deny", "a1"), ("approve", "a2"), ("answer", "q1")]


# ---- starting and going on


class Starter:
    """Takes the place of processes."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def start(self, request: NewSession) -> str:
        self.asked.append(request)
        if request.task == "fail":
            raise UserFault("no key is set; run: export OPENAI_API_KEY=…")
        return "20261101-000000-abcdef"

    def go_on(self, session: str, words: str, budgets: Budgets) -> None:
        self.asked.append((session, words, budgets))


@contextmanager
def _with(server: RunningServer, client: Client, starter: Starter) -> Generator[Client]:
    """The routes of a server with other processes behind them, on a server of its own."""
    from fastapi.testclient import TestClient

    app = make_app(replace(server.service, starter=starter))
    with TestClient(app, raise_server_exceptions=False) as inner:

        class Direct(Client):
            def ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
                found = inner.request(method, path, json=body)
                return Answer(found.status_code, found.headers, found.content)

        yield Direct(client.port, client.token)


def test_a_new_session_is_started_as_asked(tmp_path: Path) -> None:
    starter = Starter()
    with serving(tmp_path) as (server, plain), _with(server, plain, starter) as client:
        body = {"task": "Make a budget", "computer": "desktop", "open": ["a.xlsx"], "max_turns": 9, "max_cost": 0.5}
        found = client.post("/api/sessions", body)
        assert found.status == 201 and found.data == {"session": "20261101-000000-abcdef"}
        assert starter.asked[0].model_dump(exclude_unset=True) == body
        failed = client.post("/api/sessions", {"task": "fail"})
        assert failed.status == 400 and "no key" in failed.data["error"]
        for bad in ({}, {"task": "x", "max_turns": 0}, {"task": "x", "max_cost": -1}, {"task": "x", "shell": "y"}):
            assert client.post("/api/sessions", bad).status == 422
        assert len(starter.asked) == 2


def test_a_session_that_cannot_be_started_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real process behind the route: it has no key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "none.toml"))
    with serving(tmp_path) as (_, client):
        found = client.post("/api/sessions", {"task": "x", "computer": "desktop", "open": []})
        assert found.status == 400 and "key" in found.data["error"]
        assert client.post("/api/sessions", {"task": "x", "size": "huge"}).status == 400
        assert client.get("/api/board").data["defaults"]["key"] is False


def test_only_a_session_that_does_not_run_can_go_on(tmp_path: Path) -> None:
    session, starter = started(tmp_path), Starter()
    path = f"/api/sessions/{session.id}/go_on"
    with serving(tmp_path) as (server, plain), _with(server, plain, starter) as client:
        with session.locked():
            assert client.post(path, {}).status == 409
        assert client.post(path, {"words": "again", "max_turns": 50}).status == 202
        assert starter.asked == [(session.id, "again", Budgets(turns=50))]
        assert client.post("/api/sessions/none/go_on", {}).status == 404


def test_a_bug_is_one_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Starter):
        def start(self, request: NewSession) -> str:
            raise RuntimeError("first line\nsecond line")

    with serving(tmp_path) as (server, plain), _with(server, plain, Broken()) as client:
        found = client.post("/api/sessions", {"task": "x"})
        assert found.status == 500 and found.data["error"].startswith("a bug in deskhand: RuntimeError: first line sec")


def test_a_server_for_one_session_knows_no_other(tmp_path: Path) -> None:
    one, two = (make_session(tmp_path, f"20261101-00000{n}-abcdef", 3) for n in range(2))
    with serving(tmp_path, only=one.id) as (_, client), client.listen(f"/api/stream?session={one.id}") as stream:
        assert [card["id"] for card in client.get("/api/board").data["sessions"]] == [one.id]
        assert [card["id"] for card in client.get("/api/sessions").data["sessions"]] == [one.id]
        assert client.get(f"/api/sessions/{one.id}").status == 200
        assert client.get(f"/api/sessions/{two.id}").status == 404
        assert client.post(f"/api/sessions/{two.id}/words", {"kind": "steer", "text": "x"}).status == 404
        assert client.post("/api/sessions", {"task": "x"}).status == 403
        stream.wait_for("blocks")
        two.events.open("ab").close()
        assert {card["id"] for card in stream.of("card")} <= {one.id}


def test_hands_reach_only_what_is_in_them(tmp_path: Path) -> None:
    session = started(tmp_path)
    body = {"action": CLICK, "size": [1440, 900]}
    with serving(tmp_path) as (_, client):
        path = f"/api/sessions/{session.id}/hands"
        assert client.post(path, body).status == 409
        with working(session, TakeoverStarted("word")):
            found = client.post(path, body)
            assert found.status == 400 and "no screen of its own" in found.data["error"]
            assert client.post(path, {"action": CLICK, "size": [0, 0]}).status == 422
