"""`deskhand tell`, `pause`, `stop`, `approve`, `deny`: words to a session, from any terminal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.errors import UserFault
from agent.events import ApprovalAnswered, ApprovalRequested, Entry, SessionEnded
from agent.inbox import Message, post
from agent.journal import read_journal
from agent.session import Session, data_home, find_session
from ui.settings import MAX_TASK

PATIENCE = 5.0  # seconds for a working session to take a word in
STOPPING = 30.0  # and to end: programs are closed meanwhile
POLL = 0.03


@dataclass(frozen=True, slots=True)
class Place:
    """An event's place in a journal."""

    type: str
    seq: int


def tell(flags: argparse.Namespace) -> int:
    """Post a correction, and show its receipts."""
    session = find_session(data_home(), flags.session)
    words = flags.words.strip()
    if not words:
        raise UserFault("there are no words to tell")
    if len(words) > MAX_TASK:
        raise UserFault(f"{len(words)} characters are too many, at most {MAX_TASK} fit; put the text into a file")
    identity = post(session.inbox, Message("steer", words, now=flags.now))
    if not session.is_live():
        print(f"kept; it is delivered when the session goes on: deskhand resume {session.id}", file=sys.stderr)
        return 0
    last = "steer.applied" if flags.wait else "steer.queued"
    for kind in _receipts(session, identity, last):
        print(kind.removeprefix("steer."), file=sys.stderr)
    return 0


def pause(flags: argparse.Namespace) -> int:
    """Hold a session still."""
    session = _live(flags.session, "pause")
    before = last_of(session, ("session.paused", "session.unpaused"))
    if before is None or before.type != "session.paused":
        post(session.inbox, Message("pause"))
        wait_for(session, "session.paused", after=before.seq if before else 0)
    print(f"paused; go on with `deskhand resume {session.id}`", file=sys.stderr)
    return 0


def stop(flags: argparse.Namespace) -> int:
    """End a session."""
    session = _live(flags.session, "stop")
    post(session.inbox, Message("stop"))
    deadline = time.monotonic() + STOPPING
    while session.is_live():
        if time.monotonic() > deadline:
            raise UserFault(f"session {session.id} has not ended within {STOPPING:g} s; it was told to")
        time.sleep(POLL)
    end = read_journal(session)[0][-1].event
    said = f"{end.outcome}: {end.reason}" if isinstance(end, SessionEnded) else "ended"
    print(f"{said}; go on with `deskhand resume {session.id}`", file=sys.stderr)
    return 0


def approve(flags: argparse.Namespace) -> int:
    """Say yes to exactly what was asked."""
    return _decide(flags, "approve")


def deny(flags: argparse.Namespace) -> int:
    """Say no."""
    return _decide(flags, "deny")


def _decide(flags: argparse.Namespace, kind: str) -> int:
    session = _live(flags.session, kind)
    entries = read_journal(session)[0]
    question = _question(session, entries, flags.id)
    post(session.inbox, Message("approve" if kind == "approve" else "deny", target=question.id))
    wait_for(session, "approval.answered", after=entries[-1].seq)
    print(f"{'approved' if kind == 'approve' else 'denied'}: {question.what} ({question.risk})", file=sys.stderr)
    return 0


def _question(session: Session, entries: Sequence[Entry], identity: str | None) -> ApprovalRequested:
    """The open question that is meant."""
    asked: dict[str, ApprovalRequested] = {}
    for entry in entries:
        match entry.event:
            case ApprovalRequested():
                asked[entry.event.id] = entry.event
            case ApprovalAnswered():
                asked.pop(entry.event.id, None)
            case _:
                pass
    found = [question for question in asked.values() if identity in (None, question.id)]
    if len(found) != 1:
        have = ", ".join(asked) or "none"
        raise UserFault(
            f"session {session.id} has no such open question (open: {have}); see `deskhand show {session.id}`"
        )
    return found[0]


def _live(name: str, verb: str) -> Session:
    session = find_session(data_home(), name)
    if not session.is_live():
        raise UserFault(
            f"session {session.id} is not running, so there is nothing to {verb}; `deskhand sessions` lists all"
        )
    return session


def last_of(session: Session, kinds: Sequence[str]) -> Place | None:
    """The last event of these kinds."""
    found = [Place(entry.event.type, entry.seq) for entry in read_journal(session)[0] if entry.event.type in kinds]
    return found[-1] if found else None


def wait_for(session: Session, kind: str, *, after: int) -> None:
    """Wait until the session has written such an event.

    Raises:
        UserFault: it did not, in time.
    """
    deadline = time.monotonic() + PATIENCE
    while (found := last_of(session, (kind,))) is None or found.seq <= after:
        if time.monotonic() > deadline or not session.is_live():
            raise UserFault(f"session {session.id} did not take it in; see `deskhand show {session.id}`")
        time.sleep(POLL)


def _receipts(session: Session, identity: str, last: str) -> Iterator[str]:
    """queued, delivered, applied: each as the journal has it."""
    seen = 0
    deadline = time.monotonic() + PATIENCE
    while True:
        for entry in read_journal(session)[0][seen:]:
            seen += 1
            if entry.event.type.startswith("steer.") and getattr(entry.event, "id", "") == identity:
                yield entry.event.type
                if entry.event.type == last:
                    return
        if not session.is_live() or (last == "steer.queued" and time.monotonic() > deadline):
            return
        time.sleep(POLL)
