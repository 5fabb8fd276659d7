"""Files of the guest's user: put there whole or not at all, read, listed, removed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from vm.guest.wire import Refused

MOST_LISTED = 100_000


def place(path: str) -> Path:
    """What a path means: `~` is the user's home, and so is where a relative one begins.

    Raises:
        Refused: it names nothing.
    """
    if not path or "\0" in path:
        raise Refused(400, "invalid", "a path is missing: give one, like ~/Documents/report.odt")
    try:
        return Path.home() / Path(path).expanduser()
    except RuntimeError as error:
        raise Refused(400, "invalid", f"{path}: {error}") from None


def expanded(path: str) -> Path:
    """The same for the plain interface, which knows variables like $HOME, too."""
    return place(os.path.expandvars(path))


@contextmanager
def one_error(path: object) -> Generator[None, None, None]:
    """What the system says about a file, as an answer."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(404, "missing", f"there is no {path}") from None
    except IsADirectoryError:
        raise Refused(422, "invalid", f"{path} is a folder") from None
    except PermissionError:
        raise Refused(403, "denied", f"{path} may not be touched by this user") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise Refused(507 if full else 422, "full" if full else "invalid", f"{path}: {error.strerror}") from None


@contextmanager
def written(path: Path) -> Generator[BinaryIO, None, None]:
    """A file that takes its place only when all of it was written; folders on the way are made.

    Raises:
        Refused: it cannot be written.
    """
    with one_error(path):
        if path.is_dir():
            raise IsADirectoryError
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            Path(name).chmod(_mode(path))
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


def write(path: Path, chunks: Iterable[bytes]) -> int:
    """Put a file there; how many bytes it has."""
    with written(path) as file:
        return sum(file.write(chunk) for chunk in chunks)


def read(path: Path) -> BinaryIO:
    """A file, opened. Raises Refused."""
    with one_error(path):
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
            raise IsADirectoryError if path.is_dir() else OSError(errno.EINVAL, "this is no file")
        return path.open("rb")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it. Raises Refused."""
    if path in (Path("/"), Path.home()):
        raise Refused(422, "invalid", f"{path} is not removed")
    with one_error(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def listed(path: Path, *, deep: bool) -> list[dict[str, Any]]:
    """What is in a folder, in the order of names; `deep`: and in the folders in it.

    Raises:
        Refused: there is no such folder, or there is too much in it.
    """
    with one_error(path):
        if not path.is_dir():
            raise NotADirectoryError if path.exists() else FileNotFoundError
    found: list[dict[str, Any]] = []
    _list(path, "", deep, found)
    return found


def _list(folder: Path, prefix: str, deep: bool, found: list[dict[str, Any]]) -> None:
    with one_error(folder):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if len(found) >= MOST_LISTED:
            raise Refused(422, "invalid", f"more than {MOST_LISTED} files; ask for a folder below")
        try:
            known, is_folder = entry.stat(follow_symlinks=False), entry.is_dir(follow_symlinks=False)
        except OSError:  # it has gone in the meantime
            continue
        name = prefix + entry.name
        found.append({"path": name, "bytes": known.st_size, "modified": known.st_mtime, "folder": is_folder})
        if is_folder and deep:
            with suppress(Refused):  # what may not be looked into is named all the same
                _list(Path(entry.path), name + "/", deep, found)


def _mode(path: Path) -> int:
    """As the file was, or as a new one of this user is."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    return 0o644
