"""The journal: append-only, the one truth about a session (promise 2)."""

from __future__ import annotations

import errno
import gc
import itertools
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from agent.codec import LEFT_OUT, Damage, decode_all, encode
from agent.errors import UserFault
from agent.events import FLEETING, Entry, Event
from agent.session import Session
from agent.values import ImageRef
from perception.screenshot import Screenshot

Observer: TypeAlias = Callable[[Entry, bytes], None]
"""Called after an entry is written, with the entry and its line."""

STREAMED = frozenset({"model.thought", "model.said"})
"""What the complete answer repeats: of no use to a session that goes on."""

_SUFFIXES = {"image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg"}


class FileJournal:
    """The journal of one session on disk. The caller holds the session's lock."""

    def __init__(self, session: Session, *, next_seq: int = 1) -> None:
        self._session = session
        self._seq = next_seq
        self._observers: list[Observer] = []
        self._fd = _open_private(session)

    def subscribe(self, observer: Observer) -> None:
        """Tell `observer` of every entry from now on."""
        self._observers.append(observer)

    def append(self, event: Event) -> Entry:
        """Write an event; all but the fleeting ones are on the disk itself when this returns.

        Raises:
            UserFault: it could not be written; the journal is as it was before.
        """
        entry = Entry(self._seq, _now(), event=event)
        line = encode(entry)
        self._write(line, durable=not isinstance(event, FLEETING))
        self._seq += 1
        for observer in self._observers:
            observer(entry, line)
        return entry

    def store(self, screenshot: Screenshot) -> ImageRef:
        """Keep a picture, once by content.

        Raises:
            UserFault: it could not be written.
        """
        space = screenshot.space
        image = ImageRef(screenshot.sha256, screenshot.media_type, space.width, space.height)
        path = image_path(self._session, image)
        if not path.exists():
            try:
                _write_whole(path, screenshot.image)
            except OSError as error:
                raise _cannot_write(path, self._session.id, error) from None
        return image

    def load(self, image: ImageRef) -> bytes:
        """The bytes of a kept picture.

        Raises:
            UserFault: it is missing or was changed.
        """
        return load_image(self._session, image)

    def close(self) -> None:
        """Close the file; what was written stays."""
        os.close(self._fd)

    def _write(self, line: bytes, *, durable: bool) -> None:
        before = os.fstat(self._fd).st_size
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, before)
            raise _cannot_write(self._session.events, self._session.id, error) from None


def image_path(session: Session, image: ImageRef) -> Path:
    """Where a picture of a session lies."""
    return session.images / (image.sha256 + _SUFFIXES[image.media_type])


def load_image(session: Session, image: ImageRef) -> bytes:
    """The bytes of a kept picture; see `FileJournal.load`."""
    path = image_path(session, image)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserFault(f"the picture {path} cannot be read ({error.strerror}); restore it from a backup") from None


def read_journal(session: Session) -> tuple[list[Entry], list[Damage]]:
    """All sound entries of a session, and the lines that are not.

    Raises:
        UserFault: the journal is missing, unreadable or empty.
    """
    found = _read_all(session)
    entries = [item for item in found if isinstance(item, Entry)]
    if not entries:
        raise UserFault(f"the journal of session {session.id} is empty; nothing can be shown or resumed")
    return entries, [item for item in found if isinstance(item, Damage)]


def reopen(session: Session, *, repair: bool = False) -> tuple[list[Entry], FileJournal]:
    """Read a journal to go on with it. A torn last line is cut off: nobody had acted on it.

    Args:
        repair: go on from the last sound line before any damage; the damaged file is kept beside it.

    Raises:
        UserFault: a line before the last is damaged, and `repair` is false.
    """
    found = _read_all(session, leave_out=STREAMED)
    sound = [
        item for item in itertools.takewhile(lambda item: isinstance(item, Entry), found) if isinstance(item, Entry)
    ]
    damages = [item for item in found if isinstance(item, Damage)]
    broken = next((damage for damage in damages if not damage.torn), None)
    if broken and not repair:
        raise UserFault(
            f"line {broken.line} of {session.events} is damaged ({broken.reason}); "
            f"`deskhand resume {session.id} --repair` goes on from the line before it and keeps a copy"
        )
    if damages:
        first = damages[0]
        if broken:
            _write_whole(session.events.with_suffix(".damaged.jsonl"), session.events.read_bytes())
        os.truncate(session.events, first.offset)
    if not sound:
        raise UserFault(f"the journal of session {session.id} is damaged from its first line; it cannot be resumed")
    entries = [entry for entry in sound if entry.event is not LEFT_OUT]
    return entries, FileJournal(session, next_seq=sound[-1].seq + 1)


def _read_all(session: Session, leave_out: frozenset[str] = frozenset()) -> list[Entry | Damage]:
    try:
        with _no_collection():
            return list(decode_all(session.events.read_bytes(), leave_out=leave_out))
    except OSError as error:
        raise UserFault(f"the journal of session {session.id} cannot be read ({error.strerror})") from None


@contextmanager
def _no_collection() -> Generator[None]:
    """Events hold no cycles, and looking for some takes a quarter of the time that a long journal takes to read."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _open_private(session: Session) -> int:
    try:
        return os.open(session.events, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise _cannot_write(session.events, session.id, error) from None


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    scratch = path.with_suffix(".part")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _cannot_write(path: Path, session: str, error: OSError) -> UserFault:
    cure = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
    return UserFault(f"cannot write {path} ({error.strerror}); {cure}, then `deskhand resume {session}`")
