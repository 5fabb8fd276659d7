"""A session's folder: where it is, how it is named, who may write to it.

<home>/sessions/<id>/events.jsonl   the journal
                     images/        pictures by content
                     files/         what the task produced
                     inbox/         words to the session, one file each
                     lock           held by the one process that works on it
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserFault

LOCK_PATIENCE = 0.5  # seconds; a look at a session's lock holds it for an instant


@dataclass(frozen=True, slots=True)
class Session:
    """The folder of one session."""

    folder: Path

    @property
    def id(self) -> str:
        """Sortable by start: 20261121-064812-a1b2c3."""
        return self.folder.name

    @property
    def events(self) -> Path:
        """The journal."""
        return self.folder / "events.jsonl"

    @property
    def images(self) -> Path:
        """Pictures, named by the SHA-256 of their bytes."""
        return self.folder / "images"

    @property
    def files(self) -> Path:
        """The workspace, unless the user named another."""
        return self.folder / "files"

    @property
    def inbox(self) -> Path:
        """Words that have not been taken in yet."""
        return self.folder / "inbox"

    def is_live(self) -> bool:
        """Whether a process is working on it right now."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    @contextmanager
    def locked(self) -> Generator[None]:
        """Be the one process that works on this session.

        Raises:
            UserFault: another process already does.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "lock", mode=0o600)
        try:
            lock.acquire(timeout=LOCK_PATIENCE)
        except Timeout:
            raise UserFault(
                f"session {self.id} is already being worked on; "
                f"watch it with `deskhand show {self.id}`, or `deskhand stop {self.id}` first"
            ) from None
        try:
            yield
        finally:
            lock.release()


def data_home() -> Path:
    """Where all state lives: `DESKHAND_HOME`, or the platform's data folder."""
    if home := os.environ.get("DESKHAND_HOME"):
        return Path(home).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("deskhand", appauthor=False)


def create_session(home: Path) -> Session:
    """Make the folder of a new session, readable by nobody else.

    Raises:
        UserFault: the folder cannot be written.
    """
    name = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(3)
    session = Session(home / "sessions" / name)
    try:
        for folder in (home, home / "sessions", session.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (session.images, session.files, session.inbox):
            folder.mkdir(mode=0o700)
    except OSError as error:
        raise UserFault(
            f"cannot write to {home} ({error.strerror}); set DESKHAND_HOME to a folder that you can write to"
        ) from None
    return session


def list_sessions(home: Path) -> list[Session]:
    """Every session, oldest first."""
    folder = home / "sessions"
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserFault(f"cannot read {folder} ({error.strerror}); check its permissions") from None
    return [Session(folder / name) for name in names]


def find_session(home: Path, name: str) -> Session:
    """The session that a user means by `last`, a full id, or any part that only one id has.

    Raises:
        UserFault: none, or more than one.
    """
    sessions = list_sessions(home)
    if not sessions:
        raise UserFault('there are no sessions yet; start one with `deskhand run "TASK"` or `deskhand demo`')
    if name == "last":
        return sessions[-1]
    exact = [session for session in sessions if session.id == name]
    found = exact or [session for session in sessions if name and name in session.id]
    if not found:
        raise UserFault(f"there is no session {name!r}; `deskhand sessions` lists them")
    if len(found) > 1:
        ids = ", ".join(session.id for session in found[-4:])
        raise UserFault(f"{name!r} fits {len(found)} sessions ({ids}); write more of the id")
    return found[0]
