"""`deskhand run`."""

from __future__ import annotations

import argparse

from agent.errors import UserFault
from ui.settings import run_options


def run(flags: argparse.Namespace) -> int:
    """Start a session and work until it ends."""
    if flags.overlay:
        raise UserFault("this version has no overlay; leave out --overlay; to watch: deskhand show last --follow")
    options = run_options(flags)
    from ui.run import run_task

    return run_task(options)[0]
