"""Lock files: `.~lock.NAME#` beside a document says that it is open in LibreOffice somewhere, and by whom."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agent.errors import ToolFault
from agent.tools.folder import Folder

_LONGEST = 4096  # bytes of a lock
_SANDBOX = "desktop"  # what the private desktop's programs take for this machine's name
_PROGRAMS = ("soffice.bin", "soffice")


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file says.

    Attributes:
        profile: the folder of the LibreOffice profile that has the document open.
    """

    user: str
    host: str
    since: str
    profile: str


def read_lock(path: Path) -> Lock | None:
    """The lock of a document; None where there is none. What cannot be read counts as one of nobody known."""
    place = path.with_name(f".~lock.{path.name}#")
    try:
        with place.open("rb") as file:
            text = file.read(_LONGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        return Lock("somebody", "", "", "")
    parts = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\),", text.strip().rstrip(";"))]
    name, account, host, since, profile = (*parts, *[""] * 5)[:5]
    return Lock(name or account or "somebody", host, since, unquote(urlsplit(profile).path))


def is_stale(lock: Lock) -> bool:
    """Whether the LibreOffice that wrote it has certainly ended: one of this machine whose process is gone."""
    if not lock.profile or lock.host not in (socket.gethostname(), _SANDBOX) or not sys.platform.startswith("linux"):
        return False
    return not any(profile is None or _same(profile, lock.profile) for profile in _profiles())


def refuse_if_open(folder: Folder, path: Path) -> None:
    """Before a file is written whose document may be open in a LibreOffice that cannot be asked.

    Raises:
        ToolFault: it is open; names by whom, and the cure.
    """
    lock = read_lock(path)
    if lock is None or is_stale(lock):
        return
    where = f" on {lock.host}" if lock.host and lock.host != _SANDBOX else ""
    since = f" since {lock.since}" if lock.since else ""
    raise ToolFault(
        f"{folder.name(path)} is open in LibreOffice (by {lock.user}{where}{since}), which cannot be asked from here. "
        "Nothing was written, since unsaved work there would be lost. Save and close it there first (Ctrl+S, Ctrl+W), "
        "do it on the screen, or work on a copy."
    )


def _profiles() -> Iterator[str | None]:
    """The profiles of all LibreOffice processes on this machine; None for one that may not be looked into."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with suppress(FileNotFoundError, ProcessLookupError):
            if (process / "comm").read_text(errors="replace").strip() in _PROGRAMS:
                yield _profile(process)


def _profile(process: Path) -> str | None:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        entries = (entry.partition(b"=") for entry in (process / "environ").read_bytes().split(b"\0"))
        told = {name: value for name, _, value in entries}
    except PermissionError:
        return None
    for word in words:
        if word.startswith(b"-env:UserInstallation="):
            return unquote(urlsplit(word.partition(b"=")[2].decode(errors="replace")).path)
    home = told.get(b"XDG_CONFIG_HOME") or told.get(b"HOME", b"") + b"/.config"
    return f"{home.decode(errors='replace')}/libreoffice/4"


def _same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()
