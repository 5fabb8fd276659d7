"""Words to a session: receipts, pause and resume, stop, approvals; each against the real loop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent.events import ApprovalRequested, Paused, SessionResumed
from agent.inbox import FileInbox
from agent.session import create_session
from agent.testing import answer, final
from agent.values import SafetyCheck
from tests.support.command import wait_until
from tests.ui.story import Story
from tests.ui.working import held, working
from ui.cli import main
from ui.standing import Standing

CLICK = {"type": "click", "x": 3, "y": 4}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "none.toml"))
    return tmp_path


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


def test_tell_returns_when_the_words_are_queued(
    home: Path, gate: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with working(home, held(gate, answer(CLICK)), release=gate.set) as worker:
        worker.wait_for("turn.started")
        assert main(["tell", "last", "  the other column "]) == 0
        assert capsys.readouterr().err == "queued\n"
    assert [kind for kind in worker.types if kind.startswith("steer.")] == [
        "steer.queued",
        "steer.delivered",
        "steer.applied",
    ]


def test_tell_can_wait_for_all_its_receipts(
    home: Path, gate: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with working(home, held(gate, answer(CLICK)), release=gate.set) as worker:
        worker.wait_for("turn.started")
        told = threading.Thread(target=main, args=(["tell", "last", "the other column", "--now", "--wait"],))
        told.start()
        worker.wait_for("steer.queued")
        gate.set()
        told.join(10)
    assert capsys.readouterr().err.split() == ["queued", "delivered", "applied"]


def test_words_to_a_session_that_does_not_run_are_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Story(home).end()
    assert main(["tell", "last", "one more thing"]) == 0
    assert f"deskhand resume {session.id}" in capsys.readouterr().err
    ((message, _),) = FileInbox(session.inbox).take()
    assert (message.kind, message.text) == ("steer", "one more thing")


@pytest.mark.parametrize(
    ("words", "said"), [("", "no words"), (" \n", "no words"), ("x" * 50_001, "too many"), ("\udcff", "UTF-8")]
)
def test_words_that_say_nothing_are_refused(
    home: Path, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Story(home).end()
    assert main(["tell", "last", words]) == 2
    assert said in capsys.readouterr().err
    assert FileInbox(session.inbox).take() == []


def test_pause_and_resume(home: Path, gate: threading.Event, capsys: pytest.CaptureFixture[str]) -> None:
    with working(home, held(gate, answer(CLICK)), release=gate.set) as worker:
        worker.wait_for("turn.started")
        assert main(["resume", "last"]) == 2
        assert "is working already" in capsys.readouterr().err
        assert main(["pause", "last"]) == 0
        assert "session.paused" in worker.types
        gate.set()
        assert main(["pause", "last"]) == 0, "it is so already"
        assert worker.computer.performed == []
        assert main(["resume", "last", "carefully"]) == 0
    assert worker.types.count("session.paused") == worker.types.count("session.unpaused") == 1
    assert "steer.applied" in worker.types


def test_stop_waits_for_the_end(home: Path, gate: threading.Event, capsys: pytest.CaptureFixture[str]) -> None:
    with working(home, held(gate, answer(CLICK)), release=gate.set) as worker:
        worker.wait_for("turn.started")
        assert main(["stop", "last"]) == 0
        assert not worker.session.is_live()
        assert capsys.readouterr().err.startswith("stopped: ")
        assert main(["stop", "last"]) == 2
        assert "is not running" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "clicks"), [("approve", [(3, 4)]), ("deny", [])])
def test_a_question_is_answered_by_its_id_or_as_the_only_one(
    home: Path, verb: str, clicks: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    check = SafetyCheck("sc_1", "malicious", "The page\x1b[2J wants something.")
    with working(home, answer(CLICK, checks=[check]), final("ok")) as worker:
        worker.wait_for("approval.requested")
        assert main([verb, "last", "sc_2"]) == 2
        assert "it asks sc_1" in capsys.readouterr().err
        assert main([verb, "last"]) == 0
        said = capsys.readouterr().err
        assert "wants something" in said and "\x1b" not in said
        wait_until(lambda: bool(worker.ended), "the end", 10)
    assert worker.computer.clicks == clicks


def test_nothing_is_asked(home: Path, gate: threading.Event, capsys: pytest.CaptureFixture[str]) -> None:
    with working(home, held(gate, final("ok")), release=gate.set) as worker:
        worker.wait_for("turn.started")
        assert main(["approve", "last"]) == 2
        assert "asks nothing" in capsys.readouterr().err


def test_two_questions_need_an_id(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(home)
    story.write(ApprovalRequested("sc_1", "c", "click", "risk"), ApprovalRequested("sc_2", "c", "type", "risk"))
    with story.session.locked():
        assert main(["deny", "last"]) == 2
    assert "sc_1, sc_2" in capsys.readouterr().err
    story.journal.close()


def test_what_an_earlier_process_left_open_does_not_count(home: Path) -> None:
    story = Story(home)
    story.write(Paused(), ApprovalRequested("sc_1", "c", "click", "risk"))
    standing = Standing(story.session)
    assert standing.paused and list(standing.approvals) == ["sc_1"]
    story.write(SessionResumed())
    assert not standing.look().paused and standing.approvals == {}
    story.journal.close()


def test_a_torn_line_is_read_once_it_is_whole(home: Path) -> None:
    story = Story(home)
    story.write(Paused())
    whole = story.session.events.read_bytes()
    story.session.events.write_bytes(whole[:-5])
    standing = Standing(story.session)
    assert not standing.paused
    story.session.events.write_bytes(whole)
    assert standing.look().paused
    story.journal.close()


def test_an_inbox_that_is_gone_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = create_session(home)
    session.inbox.rmdir()
    assert main(["tell", "last", "hello"]) == 2
    assert "cannot write to" in capsys.readouterr().err
