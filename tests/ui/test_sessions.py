"""`deskhand sessions`: the right word for every session, quickly, and no crash whatever lies on the disk."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.codec import encode
from agent.errors import Outcome
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    Entry,
    Event,
    ModelAnswered,
    ModelDropped,
    ModelThought,
    Paused,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SteerQueued,
    TurnStarted,
    Unpaused,
)
from agent.session import Session, create_session
from agent.values import Usage
from tests.support.command import Deskhand
from ui.summary import TAIL, Summary, one_line, printable, summarize

AT = "2026-11-21T07:00:00.000Z"
USAGE = Usage(1000, 900, 0, 50, 10, 0.25)


def write(session: Session, *events: Event) -> None:
    lines = [encode(Entry(seq, AT, event=event)) for seq, event in enumerate(events, start=1)]
    session.events.write_bytes(b"".join(lines))


def started(session: Session, task: str = "Make a budget") -> SessionStarted:
    return SessionStarted(session.id, task, "m", "desktop", "orders")


def turn(number: int) -> Iterator[Event]:
    yield TurnStarted(number, 1)
    yield ModelThought(number, "thinking")
    yield ModelAnswered(number, "r", ({"cost_usd": 7, "text": '"cost_usd":9'},), (), "words", False, USAGE, 1.0)


def ended(outcome: Outcome, summary: str = "") -> SessionEnded:
    return SessionEnded(outcome, "a reason", 2, 9.0, Usage(cost_usd=0.5), summary)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return create_session(tmp_path)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        ("done", "done"),
        ("gave_up", "gave up"),
        ("stopped", "stopped"),
        ("out_of_budget", "out of budget"),
        ("failed", "failed"),
        ("needs_user", "needs you"),
    ],
)
def test_a_session_that_has_ended(session: Session, outcome: Outcome, word: str) -> None:
    write(session, started(session), *turn(1), *turn(2), ended(outcome))
    assert summarize(session) == Summary(session.id, word, "Make a budget", 2, 0.5, AT, AT, live=False)


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ((), "working"),
        ((Paused(),), "paused"),
        ((Paused(), Unpaused()), "working"),
        ((ApprovalRequested("a1", "c", "send", "risky"),), "needs you"),
        ((ApprovalRequested("a1", "c", "send", "risky"), ApprovalAnswered("a1", True, "user")), "working"),
        ((Paused(), ended("stopped"), SessionResumed()), "working"),
        ((Paused(), SteerQueued("s", "long " * TAIL)), "paused"),
    ],
)
def test_a_session_at_work(session: Session, events: tuple[Event, ...], word: str) -> None:
    dropped = ModelDropped(2, "stopped", usage=Usage(cost_usd=0.125))
    write(session, started(session), *turn(1), dropped, *turn(2), *events)
    with session.locked():
        assert summarize(session) == Summary(session.id, word, "Make a budget", 2, 0.625, AT, None, live=True)
    assert summarize(session).state == "interrupted"


def test_a_last_word_longer_than_the_tail(session: Session) -> None:
    write(session, started(session), *turn(1), ended("done", "word " * TAIL))
    assert summarize(session).state == "done"


def test_a_torn_last_line_is_tolerated(session: Session) -> None:
    write(session, started(session), *turn(1), ended("done"))
    session.events.write_bytes(session.events.read_bytes() + b'{"v":1,"seq":6,"at"')
    assert summarize(session).state == "done"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\n", "damaged"),
        (b"\0" * 999, "damaged"),
        (b'{"v":1', "damaged"),
        (b"[]\n" * 5, "damaged"),
    ],
)
def test_a_journal_without_sense(session: Session, data: bytes, word: str) -> None:
    session.events.write_bytes(data)
    assert summarize(session).state == word


def test_no_journal_at_all(session: Session) -> None:
    assert summarize(session).state == "empty"
    session.events.mkdir()
    assert summarize(session).state == "unreadable"


def test_damage_anywhere_never_breaks_it(session: Session) -> None:
    write(session, started(session), *turn(1), Paused(), Unpaused(), *turn(2), ended("done"))
    data = session.events.read_bytes()
    chance = random.Random(5)
    first = len(data.splitlines(keepends=True)[0])
    for _ in range(200):
        place, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        session.events.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        assert summarize(session).state == ("damaged" if place < first else summarize(session).state)
        session.events.write_bytes(data[:place])
        assert summarize(session).state in ("empty", "damaged", "interrupted")


def test_the_command_on_many_sessions_is_quick(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path)
    home = tmp_path / "data"
    for number in range(300):
        session = create_session(home)
        end = [ended("done")] if number % 2 else []
        write(session, started(session, f"Task {number}"), *turn(1), *turn(2), *end)
    long = create_session(home)
    write(long, started(long, "Long"), *(event for n in range(10_000) for event in turn(n + 1)))
    began = time.monotonic()
    ran = deskhand("sessions", "--json")
    assert time.monotonic() - began < 3, "one of 10,000 turns and 300 others; it takes 0.6 s on an idle machine"
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert (ran.returncode, len(rows)) == (0, 301)
    [found] = [row for row in rows if row["session"] == long.id]
    expected: dict[str, Any] = {"state": "interrupted", "task": "Long", "turns": 10_000, "cost_usd": 2500.0}
    assert found == {"session": long.id, "started": AT, "ended": None, "live": False} | expected


def test_the_table(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path, TZ="Asia/Kolkata")
    assert deskhand("sessions").stdout.startswith("There are no sessions yet")
    nothing = deskhand("sessions", "--json")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    one, two, three = (create_session(tmp_path / "data") for _ in range(3))
    write(one, started(one, "預算\n\x1b[31mred " + "x" * 100), ended("out_of_budget"))
    write(two, started(two, "Short"))
    three.events.write_bytes(b"garbage\n")
    ran = deskhand("sessions")
    lines = {line.split()[0]: line for line in ran.stdout.splitlines()}
    assert ran.returncode == 0 and set(lines) == {"session", one.id, two.id, three.id}
    assert "2026-11-21 12:30  out of budget      2  $0.5000  預算 �[31mred xxx" in lines[one.id]
    assert lines[one.id].endswith("…")
    assert lines[two.id].index("Short") == lines["session"].index("task") == lines[one.id].index("預算")
    assert "damaged" in lines[three.id]
    with ExitStack() as stack:
        stack.enter_context(two.locked())
        assert " working " in deskhand("sessions").stdout


def test_a_narrow_encoding_is_no_crash(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path, PYTHONIOENCODING="ascii")
    session = create_session(tmp_path / "data")
    write(session, started(session, "Müll \ud800"), ended("done"))
    ran = deskhand("sessions")
    assert ran.returncode == 0 and "M?ll" in ran.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo terminal")
def test_on_a_terminal_it_is_a_table_that_fits(tmp_path: Path) -> None:
    import pty
    import subprocess
    import sys

    deskhand = Deskhand(tmp_path, COLUMNS="80", TERM="xterm")
    session = create_session(tmp_path / "data")
    write(session, started(session, "x" * 200), ended("done"))
    ours, theirs = pty.openpty()
    program = str(Path(sys.executable).with_name("deskhand"))
    subprocess.run([program, "sessions"], env=deskhand.environment, stdout=theirs, check=True, timeout=30)
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    line = re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()[1]
    assert "\x1b[32mdone" in said and session.id in line and len(line) == 80 and line.endswith("x…")


def test_text_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b]0;x\x07b\u202ec\ud800") == "a�]0;x�b�c�"
    assert one_line("a \n\t b", 10) == "a b"
    assert one_line("漢字漢字漢字", 7) == "漢字漢…"
