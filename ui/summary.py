"""A session in one line, read from the head and the tail of its journal.

A session that has ended says all about itself in its first and its last line. One that has not is gone through once,
without decoding what is of no interest here: 10,000 turns take a tenth of a second.
"""

from __future__ import annotations

import io
import os
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, cast

from agent.codec import decode
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ComputerReady,
    Entry,
    Event,
    Paused,
    QuestionAnswered,
    QuestionAsked,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SessionStarted,
    TakeoverEnded,
    TakeoverStarted,
    Unpaused,
)
from agent.session import Session

TAIL = 64 * 1024  # bytes at the end of a journal in which its last line is looked for
WORDS = {"needs_user": "needs you"}
"""Outcomes whose word for people is another one than their own."""

_KIND = re.compile(
    rb'\{"v":\d+,"seq":\d+,"at":"[^"]*",'
    rb'"type":"(model\.answered|model\.dropped|compacted|session\.\w+|computer\.ready|takeover\.\w+|approval\.\w+'
    rb'|question\.\w+)"'
)
_COST = re.compile(rb'"cost_usd":([0-9.eE+-]+),"estimated":(?:true|false)\}')
_COST_WITHIN = 200  # bytes at the end of a line: usage is the last thing in it but for a duration and the checksum


@dataclass(frozen=True, slots=True)
class Summary:
    """A session at a glance.

    Attributes:
        state: working, queued, paused, in your hands, needs you, done, gave up, stopped, out of budget, failed,
            interrupted (it has not ended and no process works on it), empty, damaged, unreadable.
        turns: answers of the model; None where the journal does not tell.
        cost_usd: None for a model without a known price.
        started: UTC, as in the journal; "" where the journal does not tell.
        ended: UTC; None for a session that has not.
        live: whether a process works on it now.
    """

    session: str
    state: str
    task: str = ""
    turns: int | None = None
    cost_usd: float | None = None
    started: str = ""
    ended: str | None = None
    live: bool = False


@dataclass
class Tally:
    """What the events of a session that has not ended add up to; `note` takes them in order."""

    turns: int = 0
    cost_usd: float | None = None
    paused: bool = False
    taken_over: bool = False
    queued: bool = False
    questions: set[str] = field(default_factory=set[str])

    def note(self, event: Event) -> None:
        """Take in an event; those that change no state are ignored."""
        match event:
            case SessionResumed():
                self.paused = self.taken_over = self.queued = False
                self.questions.clear()
            case Paused() | Unpaused():
                self.paused = isinstance(event, Paused)
            case TakeoverStarted() | TakeoverEnded():
                self.taken_over = isinstance(event, TakeoverStarted)
            case SessionQueued() | ComputerReady():
                self.queued = isinstance(event, SessionQueued)
            case ApprovalRequested() | QuestionAsked():
                self.questions.add(event.id)
            case ApprovalAnswered() | QuestionAnswered():
                self.questions.discard(event.id)
            case _:
                pass

    def state(self, *, live: bool) -> str:
        """The word for a session that has not ended."""
        if not live:
            return "interrupted"
        if self.questions:
            return "needs you"
        if self.taken_over:
            return "in your hands"
        if self.paused:
            return "paused"
        return "queued" if self.queued else "working"


def summarize(session: Session) -> Summary:
    """Read as little of a session as will do. Never fails: what cannot be read is said in `state`."""
    live = session.is_live()
    try:
        with session.events.open("rb") as file:
            return _summary(session.id, file, live=live)
    except FileNotFoundError:
        return Summary(session.id, "working" if live else "empty", live=live)
    except OSError:
        return Summary(session.id, "unreadable", live=live)


def _summary(name: str, file: BinaryIO, *, live: bool) -> Summary:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    first, last = _entry(file.readline()), _last(file, size)
    if not size:
        return Summary(name, "working" if live else "empty", live=live)
    started = first.event if first else None
    task = started.task if isinstance(started, SessionStarted) else ""
    at = first.at if first else ""
    if last and isinstance(end := last.event, SessionEnded):
        state = outcome_word(end.outcome) if task else "damaged"
        return Summary(name, state, task, end.turns, _rounded(end.usage.cost_usd), at, last.at, live)
    tally, sound = _tally(file)
    state = tally.state(live=live) if task and last and sound else "damaged"
    return Summary(name, state, task, tally.turns, _rounded(tally.cost_usd), at, None, live)


def outcome_word(outcome: str) -> str:
    """An outcome as people read it."""
    return WORDS.get(outcome, outcome.replace("_", " "))


def _entry(line: bytes) -> Entry | None:
    """A whole, sound line; None for any other."""
    try:
        return decode(line) if line.endswith(b"\n") else None
    except (ValueError, LookupError):
        return None


def _last(file: BinaryIO, size: int) -> Entry | None:
    """The last whole line, if it is sound. A torn one after it does not count: nobody has acted on it."""
    block = TAIL
    while True:
        file.seek(max(0, size - block))
        whole = file.read(block).rpartition(b"\n")[0]
        if b"\n" in whole or block >= size:
            return _entry(whole.rpartition(b"\n")[2] + b"\n")
        block *= 8


def _tally(file: BinaryIO) -> tuple[Tally, bool]:
    """Add up a journal; false where a line that would have told the state is damaged."""
    tally, sound = Tally(), True
    file.seek(0)
    for line in file:
        kind = _KIND.match(line)
        if kind is None:
            continue
        if kind[1].startswith((b"model.", b"compacted")):
            tally.turns += kind[1] == b"model.answered"
            tally.cost_usd = _sum(tally.cost_usd, line)
        elif entry := _entry(line):
            tally.note(entry.event)
        else:
            sound = sound and not line.endswith(b"\n")
    return tally, sound


def _sum(before: float | None, line: bytes) -> float | None:
    found = _COST.search(line, max(0, len(line) - _COST_WITHIN))
    try:
        return (before or 0.0) + float(found[1]) if found else before
    except ValueError:  # a damaged digit
        return before


def _rounded(cost: float | None) -> float | None:
    return None if cost is None else round(cost, 6)  # sums of floats have tails


def local_time(at: str) -> str:
    """A journal's time in the user's own time zone, to the minute."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return ""


def tolerate_encoding() -> None:
    """Let what the terminal's encoding lacks be printed as a question mark; half surrogates are in no encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            cast("io.TextIOWrapper[Any]", stream).reconfigure(errors="replace")


def printable(text: str) -> str:
    """Text of the model, the screen or a file that cannot steer a terminal: no control characters, half surrogates
    or marks that turn the reading direction."""
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING else c for c in text)


def one_line(text: str, width: int) -> str:
    """Text as one printable line of at most `width` columns of a terminal; a wide character takes two."""
    from rich.cells import cell_len, set_cell_size

    line = printable(" ".join(text.split()))
    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
