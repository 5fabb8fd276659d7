"""`deskhand overlay`: the overlay of a session, where it has none or has lost it."""

from __future__ import annotations

import argparse
import sys

from agent.session import data_home, find_session


def overlay(flags: argparse.Namespace) -> int:
    """Show it, and leave it on the screen."""
    from ui.overlay import open_overlay

    session = find_session(data_home(), flags.session)
    open_overlay(session.id).leave()
    print(f"the overlay of session {session.id} is on your screen", file=sys.stderr)
    return 0
