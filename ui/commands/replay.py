"""`deskhand replay`: a session as one HTML file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from agent.session import data_home, find_session


def replay(flags: argparse.Namespace) -> int:
    """Write the page, and print where it is."""
    session = find_session(data_home(), flags.session)
    from ui.replay import write_replay

    path = write_replay(session, Path(flags.output) if flags.output else None)
    print(json.dumps({"path": str(path)}) if flags.json else path)
    return 0
