"""The task's folder, as tools may touch it: never a step outside, and never over what somebody else has changed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from agent.errors import ToolFault

Stamp: TypeAlias = tuple[int, int, int]  # of a file: its number, its size in bytes, nanoseconds since the epoch
LONGEST = 4096  # characters of a path


@dataclass
class Folder:
    """The workspace of a session.

    Attributes:
        path: where it is on this machine, resolved.
        aliases: what it is called on the agent's computer, "~/Documents" for one.
    """

    path: Path
    aliases: tuple[str, ...] = ()
    _seen: dict[Path, Stamp] = field(default_factory=dict[Path, Stamp])

    def resolve(self, text: object, *, there: bool = False) -> Path:
        """A path that the model has written: relative to the folder, absolute, or under one of its aliases.

        Args:
            there: it must be an existing file or folder.

        Raises:
            ToolFault: it leads out of the folder, symbolic links included, or is none.
        """
        if not isinstance(text, str) or not text.strip() or "\0" in text or len(text) > LONGEST:
            raise ToolFault(f"a path must be a text of 1 to {LONGEST} characters.")
        try:
            path = (self.path / self._without_alias(self._as_meant(text))).resolve()
            with suppress(FileNotFoundError, NotADirectoryError):
                path.lstat()  # a name that is too long, …
        except (OSError, RuntimeError, ValueError) as error:
            raise ToolFault(f"{text!a:.200}: {_reason(error)}.") from None
        if not path.is_relative_to(self.path):
            raise ToolFault(f"{text} is outside the task's folder {self.path}; only what is in it can be used.")
        if there and not path.exists():
            raise ToolFault(f"{self.name(path)} does not exist.{self._near(path)}")
        return path

    def place(self, text: str) -> Path:
        """The same for what is moved, replaced or deleted: of a link the link itself, and never the whole folder.

        Raises:
            ToolFault: it leads out of the folder, or is the folder itself.
        """
        if (whole := self.resolve(text)) == self.path:
            raise ToolFault("the task's folder itself cannot be changed.")
        path = self.path / self._without_alias(self._as_meant(text))
        return self.resolve(str(path.parent)) / path.name if path.name != ".." and path.is_symlink() else whole

    def name(self, path: Path) -> str:
        """A path as the model is told it: relative to the folder."""
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else str(path)

    def note(self, path: Path) -> None:
        """The model knows this file as it is now, or that there is none."""
        try:
            self._seen[path] = _stamp(path)
        except OSError:
            self._seen.pop(path, None)
            for gone in [each for each in self._seen if str(each).startswith(f"{path}{os.sep}")]:
                del self._seen[gone]

    def check(self, path: Path) -> None:
        """Before a file that the model has looked at is changed.

        Raises:
            ToolFault: somebody else has changed or removed it since.
        """
        if (before := self._seen.get(path)) is None:
            return
        try:
            same = _stamp(path) == before
        except OSError:
            same = False
        if not same:
            del self._seen[path]
            what = "has been changed" if path.exists() else "is gone"
            raise ToolFault(f"{self.name(path)} {what} since you looked at it. Nothing was written; look again first.")

    @contextmanager
    def saving(self, path: Path) -> Generator[Path]:
        """A file beside `path` to write to; at the end it takes its place, whole. After an error nothing has changed.

        Raises:
            ToolFault: it cannot be written: full disk, read-only folder, …; says which.
        """
        scratch = path.with_name(f".{path.stem[:60]}.{secrets.token_hex(4)}{path.suffix}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield scratch
            _settle(scratch, path)
        except OSError as error:
            raise self.cannot_write(path, error) from None
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
        self.note(path)

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file, or leave it as it was. Raises ToolFault."""
        with self.saving(path) as scratch:
            scratch.write_bytes(data)

    def cannot_write(self, path: Path, error: OSError) -> ToolFault:
        cure = _CURES.get(error.errno or 0, "")
        return ToolFault(f"{self.name(path)} could not be written: {_reason(error)}. Nothing was changed.{cure}")

    def _as_meant(self, text: str) -> str:
        """Without blanks around it, unless there is a file of such a name."""
        return text if os.path.lexists(self.path / text) else text.strip()

    def _without_alias(self, text: str) -> Path:
        for alias in self.aliases:
            if text == alias or text.startswith(alias.rstrip("/") + "/"):
                return Path(str(PurePosixPath(text).relative_to(alias)))
        if text.startswith("~"):
            raise ToolFault(f"{text} is outside the task's folder {self.path}; only what is in it can be used.")
        return Path(text)

    def _near(self, path: Path) -> str:
        """What a wrong path may have meant."""
        import difflib

        try:
            names = [entry.name for entry in os.scandir(path.parent)]
        except OSError:
            return ""
        close = difflib.get_close_matches(path.name, names, n=3)
        return f" There is: {', '.join(close)}." if close else ""


_FULL = " The disk is full; free some space (what tools delete only goes to .trash), or ask the user to."
_CURES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: " Choose another place, or ask the user to make it writable.",
    errno.EROFS: " Choose another place, or ask the user to make it writable.",
}


def _settle(scratch: Path, path: Path) -> None:
    with scratch.open("rb") as file:
        os.fsync(file.fileno())
    if path.exists():
        scratch.chmod(path.stat().st_mode & 0o777)
    scratch.replace(path)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason(error: BaseException) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
