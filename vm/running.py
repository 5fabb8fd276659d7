"""Private desktops of other processes of this user, found by the folder that they work in."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from agent.errors import UserFault
from vm import warden


def display_of(workspace: Path) -> str | None:
    """The X display of the running private desktop whose folder this is, like ":7"; None if there is none.

    Raises:
        UserFault: there are several.
    """
    folder = str(workspace.resolve())
    found = {display for run in _runs() if folder in _lines(run / "tended") and (display := _display(run))}
    if len(found) > 1:
        raise UserFault(f"{len(found)} private desktops work in {folder}; give each task a folder of its own")
    return found.pop() if found else None


def _runs() -> list[Path]:
    try:
        return [run for run in warden.base_dir().iterdir() if run.is_dir()]
    except OSError:
        return []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _display(run: Path) -> str | None:
    """The display that the programs of a run are on; None before they are there, and after they have ended."""
    for pid in warden.marked(run.name):
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                if entry.startswith(b"DISPLAY="):
                    return entry.partition(b"=")[2].decode()
    return None
