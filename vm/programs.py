"""What to start for a target that is to be opened: a file, an address or a command line."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from agent.errors import UserFault
from vm.libreoffice import PROGRAMS

_TABLE = Path(__file__).with_name("data") / "programs.toml"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|about:|data:|mailto:", re.IGNORECASE)
_BROWSER = "browser"
SILENT = "it said nothing"


def command_for(target: str, *, folder: Path, path: str, root: Path = Path("/")) -> list[str]:
    """The words of the command that opens `target`.

    Args:
        target: a file (absolute, or relative to `folder` or to the current directory), an address, or a command line
            (quoted as in a shell, which does not run).
        path: where programs are looked for, as in PATH.
        root: the tree that holds them.

    Raises:
        UserFault: there is no such thing, or nothing to open it with.
    """
    shelf = _Shelf(path, root)
    if _ADDRESS.match(target):
        return [*_program(_BROWSER, shelf), target]
    if (file := the_file(target, folder)) is not None:
        return [*_program(_kind(file), shelf), str(file)]
    return _command(target, folder, shelf)


def is_address(target: str) -> bool:
    """Whether a target is for a browser."""
    return bool(_ADDRESS.match(target))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Where programs are: the folders of a PATH, below a root tree."""

    path: str
    root: Path

    def has(self, program: str) -> bool:
        if self.root == Path("/"):
            return shutil.which(program, path=self.path) is not None
        # Links in another tree lead astray from here, so that they are not followed.
        return any(os.path.lexists(f"{self.root}/{folder}/{program}") for folder in self.path.split(":"))


def last_line(output: IO[bytes]) -> str:
    """The last thing that a program said, in at most 300 characters."""
    end = output.seek(0, os.SEEK_END)
    output.seek(max(0, end - 4096))
    lines = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
    return next((line[:300] for line in reversed(lines) if line), SILENT)


def the_file(target: str, folder: Path) -> Path | None:
    try:
        for candidate in (folder / Path(target).expanduser(), Path(target).expanduser().absolute()):
            # A program's own path is a command.
            if candidate.is_file() and not (os.access(candidate, os.X_OK) and not candidate.suffix):
                return candidate
    except (OSError, RuntimeError, ValueError):  # too long for a name, no such user's home, a NUL
        pass
    return None


def _kind(file: Path) -> str:
    suffix = file.suffix.lower().removeprefix(".")
    for kind, row in _table().items():
        if suffix in row.get("suffixes", ()):
            return kind
    with file.open("rb") as start:
        sample = start.read(4096)
    if b"\0" not in sample:
        return "text"
    raise UserFault(f"do not know what opens {file.name}; give a command instead, like \"PROGRAM '{file}'\"")


def _program(kind: str, shelf: _Shelf) -> list[str]:
    for line in _candidates(kind):
        words = line.split()
        if all(map(shelf.has, _executables(words))):
            return [*words, *_further(words[0])]
    raise UserFault(str(_table()[kind]["install"]))


def _candidates(kind: str) -> Iterator[str]:
    for line in _table()[kind]["programs"]:
        if line == f"@{_BROWSER}":
            yield from _candidates(_BROWSER)
        else:
            yield line


def words_of(target: str) -> list[str]:
    """A command as words, at least one.

    Raises:
        UserFault: it is none; says why.
    """
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise UserFault(f"cannot read the command {target!r}: {error}") from None
    if not words:
        raise UserFault("nothing to open: give a file, an address or a command")
    return words


def _executables(words: list[str]) -> list[str]:
    """The program, and for a terminal also the one that is to run in it."""
    return [words[0], words[-1]] if "-e" in words else words[:1]


def _further(program: str) -> list[str]:
    table = _table()
    words: list[str] = table["extra"].get(program, "").split()
    if sys.platform != "win32" and os.geteuid() == 0:
        words += table["as_root"].get(program, "").split()
    return words


def _command(target: str, folder: Path, shelf: _Shelf) -> list[str]:
    words = words_of(target)
    first = words[0]
    place = folder / first if "/" in first else None
    if shelf.has(first) or (place is not None and os.access(place, os.X_OK) and place.is_file()):
        return [str(place) if place is not None else first, *_own_words(words)]
    if first in PROGRAMS:
        raise UserFault("LibreOffice is not installed: `sudo apt-get install libreoffice libreoffice-gtk3`")
    if "/" in first or Path(target).suffix:
        raise UserFault(f"there is no file {target!r}; give its path, or a path relative to {folder}")
    raise UserFault(f"there is no program {first!r} on this machine; install it, or give a file or an address")


def _own_words(words: list[str]) -> list[str]:
    """The user's words for a program, after those without which it would not start well."""
    return [*_further(words[0]), *words[1:]]


@cache
def _table() -> Mapping[str, Any]:
    with _TABLE.open("rb") as file:
        return tomllib.load(file)
