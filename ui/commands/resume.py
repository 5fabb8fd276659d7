"""`deskhand resume`: un-pause a working session, or go on with one that nobody works on."""

from __future__ import annotations

import argparse
import sys

from agent.errors import UserFault
from agent.inbox import Message, post
from agent.session import Session, data_home, find_session
from ui.commands.steer import last_of, wait_for
from ui.settings import resume_options


def resume(flags: argparse.Namespace) -> int:
    """Go on."""
    session = find_session(data_home(), flags.session)
    if session.is_live():
        return _unpause(session, flags.words or "")
    from ui.run import resume_session

    return resume_session(resume_options(flags))


def _unpause(session: Session, words: str) -> int:
    pauses = last_of(session, ("session.paused", "session.unpaused"))
    if pauses is None or pauses.type != "session.paused":
        raise UserFault(
            f'session {session.id} is working already; to tell it something: `deskhand tell {session.id} "WORDS"`'
        )
    if words:
        post(session.inbox, Message("steer", words))
    post(session.inbox, Message("resume"))
    wait_for(session, "session.unpaused", after=pauses.seq)
    print(f"session {session.id} goes on", file=sys.stderr)
    return 0
