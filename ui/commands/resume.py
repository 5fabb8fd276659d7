"""`deskhand resume`: un-pause a working session, or go on with one that nobody works on."""

from __future__ import annotations

import argparse

from agent.session import data_home, find_session
from ui.commands.steer import unpause
from ui.settings.options import resume_options
from ui.settings.words import words_given


def resume(flags: argparse.Namespace) -> int:
    """Go on."""
    session = find_session(data_home(), flags.session)
    if session.is_live():
        return unpause(session, words_given(flags.words))
    options = resume_options(flags)
    from ui.run import resume_session

    return resume_session(options)
