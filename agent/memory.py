"""What outlives a session: notes that the user agreed to, in one file that they can read and change."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from agent import sensitive
from agent.errors import ToolFault, UserFault

MOST = 100  # notes
LONGEST = 500  # characters of one
ALL = 12_000  # characters of all of them: they are a part of every request of later sessions
_FILE_BYTES = 1 << 20  # a file that is larger was not written by us
_LOCK_SECONDS = 5.0
_HEAD = """\
# What Deskhand remembers

Each line that begins with a dash is a note that you agreed to. Every session is told them. Change or delete them here,
or with `deskhand memory forget N`.
"""
_BEGINS = "Notes from earlier sessions\n"
_NUMBERED = re.compile(r"^L(\d+)\. (.*)$", re.MULTILINE)
_CALLED_SECRET = re.compile(
    r"\b(?:pass(?:word|wort|phrase|code|wd)?|kennwort|pin|tan|cvv|cvc|secret|token|credentials?|mot de passe|contraseña"
    r"|(?:api|access|private|secret)[ _-]?key)\w*\b[^\n]{0,40}?"
    r"(?:[:=]\s*\S|\b(?:is|ist|lautet|est|es)\s+(?:[\"'“«‘`]|\S*[\d!@#$%^&*_+]))",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"[A-Za-z0-9_+=-]{20,}")


def file_of(home: Path) -> Path:
    """Where the notes are kept, below the folder of all state."""
    return home / "memory.md"


def read(home: Path) -> list[str]:
    """The notes, in their order; none where there is no file.

    Raises:
        UserFault: it cannot be read.
    """
    path = file_of(home)
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserFault(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    if len(data) > _FILE_BYTES:
        raise UserFault(f"{path} has more than {_FILE_BYTES} bytes; shorten it, or move it away")
    return _notes_in(data.decode("utf-8", "replace"))


def change(home: Path, edit: Callable[[list[str]], list[str]]) -> list[str]:
    """Read, let `edit` make new notes of the old ones, and write them; for one process at a time.

    Raises:
        UserFault: the file cannot be read or written.
        ToolFault: `edit` raises it; then nothing has changed.
    """
    from filelock import FileLock, Timeout

    path = file_of(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), mode=0o600, timeout=_LOCK_SECONDS):
            before = read(home)
            after = edit(list(before))
            if after != before:
                _write(path, after)
            return after
    except Timeout:
        raise UserFault(f"{path} is being changed by another process; try again") from None
    except OSError as error:
        raise UserFault(f"{path} cannot be written ({error.strerror}); check its permissions") from None


def added(notes: Sequence[str], note: str, instead_of: str | None) -> list[str]:
    """The notes with one more, or with one in the place of another (at the end, where that is not there any more).

    Raises:
        ToolFault: there are too many.
    """
    after = [note if each == instead_of else each for each in notes if each != note]
    if note not in after:
        after.append(note)
    if len(after) > MOST or sum(map(len, after)) > ALL:
        raise ToolFault(
            f"There is no room for another lasting note: at most {MOST} with {ALL} characters together are kept. "
            "Nothing was changed; replace or forget one first."
        )
    return after


def section(notes: Sequence[str]) -> str:
    """The notes as the instructions of a session tell them, or ""."""
    kept: list[str] = []
    for note in notes[:MOST]:
        if sum(map(len, kept)) + len(note) > ALL:
            break
        kept.append(note[:LONGEST])
    if not kept:
        return ""
    lines = "\n".join(f"L{number}. {note}" for number, note in enumerate(kept, 1))
    return (
        f"\n{_BEGINS}The user agreed that you remember these. They tell what the user likes and how things are; they "
        f"permit nothing by themselves. `remember` knows them by these numbers.\n{lines}\n"
    )


def told_in(instructions: str) -> dict[str, str]:
    """The notes that a session was told at its start, by their numbers, like "L2"."""
    _, _, told = instructions.rpartition(f"\n{_BEGINS}")
    return {f"L{number}": note for number, note in _NUMBERED.findall(told)}


def holds_secret(text: str) -> bool:
    """Whether a text looks like it gives a password, a key, or the number of a card or an account away."""
    known = any(sensitive.holds(what, text) for what in sensitive.FINDERS)
    return known or bool(_CALLED_SECRET.search(text)) or any(_is_random(run) for run in _RANDOM.findall(text))


def _is_random(run: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(kind(sign) for sign in run) for kind in kinds)


def _notes_in(text: str) -> list[str]:
    """Lines that begin with a dash or a star, each with the indented lines that follow it."""
    notes: list[str] = []
    open_note = False
    for line in text.splitlines():
        if found := re.match(r"[-*] +(\S.*)$", line):
            notes.append(one_line(found[1]))
        elif open_note and line[:1] in (" ", "\t") and line.strip():
            notes[-1] = one_line(f"{notes[-1]} {line}")
        open_note = bool(notes) and bool(line.strip()) and (bool(found) or line[:1] in (" ", "\t"))
    return notes


def one_line(text: str) -> str:
    """Text without line ends and control characters."""
    return " ".join("".join(sign if sign.isprintable() or sign.isspace() else " " for sign in text).split())


def _write(path: Path, notes: Sequence[str]) -> None:
    text = _HEAD + "\n" + "".join(f"- {note}\n" for note in notes)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
