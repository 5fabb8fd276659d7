"""What a terminal, a pipe and a program see of a session at work."""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.codec import encode
from agent.events import (
    ActionDone,
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    Entry,
    FileMade,
    ModelRetrying,
    SessionEnded,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
)
from agent.inbox import FileInbox
from agent.journal import FileJournal, read_journal
from agent.session import Session, create_session
from agent.state import State
from agent.values import SafetyCheck
from tests.ui.story import Story, draw
from ui import terminal
from ui.stream import Stream
from ui.terminal import Json, Plain, make_face

PROGRAM = Path(__file__).with_name("panel_program.py")
ROOT = Path(__file__).parents[2]
CLICK = {"type": "click", "x": 120, "y": 40}
PATIENCE = 20.0


def a_session(home: Path) -> Session:
    story = Story(home, "Make a budget\x1b[2J of four departments")
    story.begin(draw(1))
    story.step(draw(2), CLICK, {"type": "type", "text": "Q1"}, words="Now the header.", thought="It is open.")
    story.write(SteerQueued("a1", "use euros"), SteerDelivered("a1", "envelope"))
    call = story.answer({"type": "click", "x": 9, "y": 9}, checks=(SafetyCheck("sc_1"),))
    story.write(SteerApplied("a1", 2), ApprovalRequested("sc_1", call.id, "click", "It asks for payment."))
    story.write(ApprovalAnswered("sc_1", True, "user"))
    story.act(call, "the window has gone")
    story.reply(call, draw(3))
    story.write(ModelRetrying(2, 1, "the provider is overloaded", 4.0), FileMade("/tmp/budget.xlsx", 12345))
    return story.end("out_of_budget", "the budget of 2 turns is used up")


def test_all_of_a_call_is_asked_for_and_none_of_its_lines_passes_for_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = create_session(tmp_path)
    with make_face(session, State(), json=False) as face:
        face.see(ApprovalRequested("a1", "c", "run\nls\x1b[2J\napproved by user", "It sends.", "example.org"), b"")
        face.see(ApprovalReviewed("a1", "second", "ask", "", "It holds a key."), b"")
    assert capsys.readouterr().err.splitlines() == [
        "needs your yes (a1): It sends. To: example.org.",
        "    run",
        "    ls�[2J",
        "    approved by user",
        "the reviewer second says ask: It holds a key.",
    ]


def watch(session: Session, make: Callable[[State], Plain]) -> None:
    state = State()
    with make(state) as face:
        for entry in read_journal(session)[0]:
            face(entry, encode(entry))
            state.advance(entry)
            if isinstance(entry.event, SessionEnded):
                face.end(entry.event)


def test_a_pipe_gets_one_line_an_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = a_session(tmp_path)
    watch(session, lambda state: make_face(session, state, json=False))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"session {session.id}: Make a budget�[2J of four departments",
        "the desktop is ready",
        "“Now the header.”",
        "1. click (120, 40)",
        "1. type 'Q1'",
        "you said: use euros (queued)",
        "   … delivered",
        "   … applied",
        "needs your yes (sc_1): click. It asks for payment.",
        "approved by user",
        "2. click (9, 9)",
        "   failed: the window has gone",
        "the provider is overloaded; trying again in 4 s (retry 1)",
        "made /tmp/budget.xlsx (12,345 bytes)",
        "out of budget: the budget of 2 turns is used up",
        "its last words: “the budget of 2 turns is used up”",
        err.splitlines()[-1],
    ]
    assert err.splitlines()[-1].startswith("2 of 50 turns · ")
    assert f"deskhand replay {session.id}; go on with: deskhand resume {session.id}" in err


def test_json_is_the_journal_to_the_byte(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    session = a_session(tmp_path)
    watch(session, lambda state: make_face(session, state, json=True))
    out, err = capfdbinary.readouterr()
    assert out == session.events.read_bytes()
    assert json.loads(out.splitlines()[0])["session"] == session.id
    assert b"out of budget" in err


def test_long_last_words_keep_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Story(tmp_path).end("done", "Made:\n- a\tsheet\n- \x9b31ma deck\n")
    watch(session, lambda state: make_face(session, state, json=False))
    assert capsys.readouterr().err.splitlines()[2:5] == ["done: Made:", "- a sheet", "- �31ma deck"]


def test_a_face_that_breaks_does_not_break_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_event: object) -> str:
        raise ZeroDivisionError("in a line")

    monkeypatch.setattr(terminal, "line_of", broken)
    session, state = create_session(tmp_path), State()
    with make_face(session, state, json=False) as face:
        journal = FileJournal(session)
        journal.subscribe(face)
        journal.append(ActionDone(1, "c", 0, 0.1, "x"))
        journal.close()
        face.end(SessionEnded("done", "ok", 1, 1.0))
    assert "not everything could be shown here: ZeroDivisionError: in a line" in capsys.readouterr().err


# ---- pipes that are not read


@contextmanager
def pipe() -> Generator[tuple[int, Stream]]:
    read, write = os.pipe()
    with os.fdopen(write, "w") as file:
        yield read, Stream(file)


def test_a_pipe_that_nobody_reads_yet_does_not_hold_the_session_up() -> None:
    lines = [b"%06d" % number + b"x" * 10_000 + b"\n" for number in range(300)]
    with pipe() as (read, stream):
        began = time.monotonic()
        for line in lines:
            stream.write(line)
        assert time.monotonic() - began < 4
        received = bytearray()
        while len(received) < sum(map(len, lines)):
            received += os.read(read, 1 << 20)
        stream.close()
        os.close(read)
    assert bytes(received) == b"".join(lines)


def test_a_reader_that_never_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.stream.PATIENCE", 0.2)
    with pipe() as (read, stream):
        for _ in range(100):
            stream.write(b"x" * 10_000)
        stream.close()
        os.close(read)  # which ends the thread as well
        stream.close()


def test_a_reader_that_has_gone_does_not_end_the_session(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    command = [sys.executable, str(PROGRAM), str(session.folder), "0.001", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert b"session.started" in process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(PATIENCE) == 0, errors
    assert "out of budget" in errors and "Traceback" not in errors and "BrokenPipe" not in errors


# ---- a real terminal


@dataclass
class Tty:
    """The user's side of a terminal."""

    number: int
    seen: str = ""

    def until(self, text: str) -> None:
        """Read until it was shown."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if select.select([self.number], [], [], 0.1)[0]:
                self.seen += os.read(self.number, 65536).decode(errors="replace")

    def rest(self) -> None:
        """Read until the program has closed it."""
        try:
            while data := os.read(self.number, 65536):
                self.seen += data.decode(errors="replace")
        except OSError:  # as Linux says it
            return

    def type(self, text: str) -> None:
        """As on a keyboard."""
        os.write(self.number, text.encode())


@contextmanager
def on_a_terminal(session: Session, between: float, *, term: str = "xterm-256color") -> Generator[Tty]:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    program = [sys.executable, "-c", _CONTROLLED, str(PROGRAM), str(session.folder), str(between)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": term}
    process = subprocess.Popen(
        program, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        yield Tty(master)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)


_CONTROLLED = (
    "import fcntl, runpy, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def test_a_terminal_shows_a_panel_and_asks(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    with on_a_terminal(session, 0.05) as tty:
        tty.until("●")
        tty.type("y\n")  # before the question was seen: it does not count
        tty.until("y or n")
        time.sleep(0.4)
        assert FileInbox(session.inbox).take() == []
        tty.type("what?\n")
        time.sleep(0.3)
        assert FileInbox(session.inbox).take() == []
        tty.type("y\n")
        tty.rest()
    ((message, _),) = FileInbox(session.inbox).take()
    assert (message.kind, message.target) == ("approve", "sc_1")
    for shown in ("Make a budget", "click (120, 40)", "It is open.", "of 50 turns", "needs your yes (sc_1)"):
        assert shown in tty.seen
    assert "\x1b[2J" not in tty.seen, "the task steers no terminal"
    assert "out of budget: the budget of 2 turns" in tty.seen.rpartition("╯")[2], "the last lines stay"


def test_a_question_that_is_answered_elsewhere_is_taken_back(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.write(ApprovalRequested("sc_1", "c", "click", "risk"))
    session = story.end()
    with on_a_terminal(session, 0.05) as tty:
        tty.until("y or n")
        tty.rest()
    assert FileInbox(session.inbox).take() == []


def test_a_terminal_that_cannot_redraw_gets_lines(tmp_path: Path) -> None:
    session = Story(tmp_path).end()
    with on_a_terminal(session, 0, term="dumb") as tty:
        tty.rest()
    assert "●" not in tty.seen and "done: The budget is saved." in tty.seen


def test_faces_are_quick(tmp_path: Path) -> None:
    """An observer runs in the loop's thread."""
    session, state = create_session(tmp_path), State()
    line = encode(Entry(1, "2026-01-01T00:00:00Z", event=ActionDone(1, "c", 0, 0.1, "x" * 5000)))
    entry = Entry(1, "2026-01-01T00:00:00Z", event=ActionDone(1, "c", 0, 0.1, "x" * 5000))
    with Json(session, state) as face:
        began = time.process_time()
        for _ in range(200):
            face(entry, line)
        assert time.process_time() - began < 3
