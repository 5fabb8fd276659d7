"""`deskhand demo`."""

from __future__ import annotations

import argparse
from pathlib import Path


def demo(flags: argparse.Namespace) -> int:
    """Build a spreadsheet and a deck, and check them."""
    from ui.demo import run_demo

    return run_demo(size=flags.size, output=Path(flags.output) if flags.output else None, json=flags.json)
