"""A program for tests: shows a journal's events on its terminal as they are written, then how the session ended.

Usage: panel_program.py SESSION_FOLDER SECONDS_BETWEEN_EVENTS [json]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from agent.codec import encode
from agent.events import ApprovalAnswered, SessionEnded
from agent.inbox import FileInbox
from agent.journal import read_journal
from agent.session import Session
from agent.state import State
from ui.terminal import make_face

PATIENCE = 10.0


def main() -> None:
    """Show everything."""
    session, between = Session(Path(sys.argv[1])), float(sys.argv[2])
    state = State()
    face = make_face(session, state, json=len(sys.argv) > 3)
    with face:
        for entry in read_journal(session)[0]:
            if isinstance(entry.event, ApprovalAnswered) and sys.stdin.isatty():
                wait_for_answer(session)
            face(entry, encode(entry))
            state.advance(entry)
            time.sleep(between)
            if isinstance(entry.event, SessionEnded):
                face.end(entry.event)


def wait_for_answer(session: Session) -> None:
    """As the loop does: what the user decides comes through the inbox."""
    deadline = time.monotonic() + PATIENCE
    while not FileInbox(session.inbox).take() and time.monotonic() < deadline:
        time.sleep(0.02)


main()
