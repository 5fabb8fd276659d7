"""The folder that a task works in: which files it has produced there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from agent.events import FileMade

MOST = 200  # files named at the end of a session


def files_made(folder: Path, since: float) -> Iterator[FileMade]:
    """Files below `folder` that were written after `since` (seconds since the epoch), by name; hidden ones left out."""
    found = 0
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            made = None if name.startswith(".") else _made(path, since)
            if made and found < MOST:
                found += 1
                yield made


def _made(path: Path, since: float) -> FileMade | None:
    try:
        status = path.stat()
    except OSError:
        return None  # gone in between, or a broken link
    return FileMade(str(path), status.st_size) if status.st_mtime >= since else None
