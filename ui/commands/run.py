"""`deskhand run`."""

from __future__ import annotations

import argparse

from ui.settings.options import run_options


def run(flags: argparse.Namespace) -> int:
    """Start a session and work until it ends."""
    options = run_options(flags)
    from ui.run import run_task

    return run_task(options)[0]
