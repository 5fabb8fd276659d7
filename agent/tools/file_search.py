"""Searching text files for a word or a pattern, in bounded time whatever the pattern and the files are."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from agent.errors import ToolFault
from agent.tools.coding import HEAD, Coding, coding_of
from agent.tools.file_read import BLOCK, check_cancelled

SECONDS = 20.0
MATCHES = 200
CHARACTERS = 18_000
_SHOWN = 240  # characters of a line
_MOST_FILES = 100_000
_UTF16_SIZE = 20 << 20  # bytes of a file in UTF-16 or UTF-32 that is searched
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&\-~]")
# Where these occur, a block of lines may have no match though one of its lines has.
_OF_LINES_ONLY = re.compile(r"\\[AzZ]|\(\?[a-zA-Z]*-|\(\?[a-zA-Z]*[Rx]")

Matcher: TypeAlias = Callable[[object], bool]


@dataclass
class Found:
    """What a search has found.

    Attributes:
        lines: "path:number: text", and "path-number- text" for lines around.
        matches, files: how many lines, in how many files; `complete` says whether these are all.
        skipped: files that are no text.
    """

    lines: list[str] = field(default_factory=list[str])
    matches: int = 0
    files: int = 0
    searched: int = 0
    skipped: list[str] = field(default_factory=list[str])
    complete: bool = True
    characters: int = 0

    @property
    def full(self) -> bool:
        """No more fits."""
        return self.matches >= MATCHES or self.characters > CHARACTERS


def search(
    root: Path,
    start: Path,
    pattern: str,
    *,
    literal: bool,
    match_case: bool,
    names: str | None,
    around: int,
    hidden: bool,
) -> Found:
    """Look through a file, or all files below a folder.

    Args:
        root: what paths are told relative to; links that lead out of it are not followed.
        names: only files whose name, or path below `start`, fits this glob.
        around: lines before and after each match.

    Raises:
        ToolFault: the pattern is none.
    """
    written = _SPECIAL.sub(r"\\\g<0>", pattern) if literal else pattern
    flags = "" if match_case else "i"
    by_line = _matcher(f"(?{flags}){written}" if flags else written)
    by_block = None if not literal and _OF_LINES_ONLY.search(written) else _matcher(f"(?m{flags}){written}")
    found, deadline = Found(), time.monotonic() + SECONDS
    for path, name in _files(root, start, names, hidden):
        check_cancelled()
        if found.full or time.monotonic() > deadline or found.searched >= _MOST_FILES:
            found.complete = False
            break
        try:
            _search(found, path, name, by_line, by_block, around, deadline)
        except OSError:
            found.skipped.append(name)
    return found


@cache
def _matcher(pattern: str) -> Matcher:
    """pydantic's own engine takes time in proportion to the text, whatever the pattern."""
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        return SchemaValidator(schema).isinstance_python
    except SchemaError as error:
        reason = " ".join(str(error).rsplit("error:", 1)[-1].rsplit("SchemaError:", 1)[-1].split())
        raise ToolFault(
            f"The pattern cannot be used: {reason.rstrip('.')}. Patterns are Rust's: no look-around, no "
            "back-references. Set literal to true to search for the text as it is."
        ) from None


def _files(root: Path, start: Path, names: str | None, hidden: bool) -> Iterator[tuple[str, str]]:
    """Files, and what they are called below `root`. As strings: there may be a hundred thousand."""
    if start.is_file():
        yield str(start), start.relative_to(root).as_posix()
        return
    for where, folders, files in os.walk(start):
        folders[:] = sorted(each for each in folders if hidden or not each.startswith("."))
        below = "" if Path(where) == root else f"{Path(where).relative_to(root).as_posix()}/"
        for name in sorted(files):
            path, wanted = f"{where}/{name}", hidden or not name.startswith(".")
            if wanted and (not names or fits(Path(path).relative_to(start), names)) and _is_inside(path, root):
                yield path, f"{below}{name}"


def fits(path: Path | PurePosixPath, glob: str | None) -> bool:
    """Whether a relative path fits a glob: by its name, or as a whole where the glob has a slash."""
    if not glob:
        return True
    if "/" not in glob:
        return fnmatchcase(path.name.casefold(), glob.casefold())
    return fnmatchcase(path.as_posix().casefold(), glob.casefold().removeprefix("**/")) or fnmatchcase(
        path.as_posix().casefold(), glob.casefold()
    )


def _is_inside(path: str, root: Path) -> bool:
    try:
        mode = os.lstat(path).st_mode
        return stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and _leads_inside(Path(path), root))
    except (OSError, RuntimeError):
        return False


def _leads_inside(link: Path, root: Path) -> bool:
    return link.is_file() and link.resolve().is_relative_to(root)


def _search(
    found: Found, path: str, name: str, by_line: Matcher, by_block: Matcher | None, around: int, deadline: float
) -> None:
    before = found.matches
    with open(path, "rb") as file:
        head = file.read(HEAD)
        coding = coding_of(head, whole=len(head) < HEAD)
        if coding is None or head.startswith(b"%PDF-"):
            found.skipped.append(name)
            return
        found.searched += 1
        file.seek(0)
        number = 1
        for text in _blocks(file.read, coding):
            check_cancelled()
            if by_block is None or by_block(text):
                _search_block(found, name, text, number, by_line, around)
            number += text.count("\n")
            if found.full or time.monotonic() > deadline:
                found.complete = False
                break
    found.files += found.matches > before


def _blocks(read: Callable[[int], bytes], coding: Coding) -> Iterator[str]:
    """A file's text in blocks of whole lines, or pieces of lines that are longer than a block."""
    if len(coding.newline) > 1:
        yield _plain(read(_UTF16_SIZE).removeprefix(coding.bom), coding)
        return
    rest = b""
    while block := read(BLOCK):
        block = rest + block
        end = block.rfind(b"\n") + 1
        if end or len(block) >= 4 * BLOCK:
            yield _plain(block[: end or len(block)], coding)
            rest = block[end:] if end else b""
        else:
            rest = block
    if rest:
        yield _plain(rest, coding)


def _plain(data: bytes, coding: Coding) -> str:
    text = data.decode(coding.name, "replace").replace("\r\n", "\n").removeprefix("\ufeff")
    return text if "\n" in text else text.replace("\r", "\n")


def _search_block(found: Found, name: str, text: str, first: int, by_line: Matcher, around: int) -> None:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    last = -1  # line that was shown last
    for at, line in enumerate(lines):
        if not by_line(line):
            continue
        if found.full:
            found.complete = False
            return
        found.matches += 1
        for near in range(max(at - around, last + 1), min(at + around + 1, len(lines))):
            sign = ":" if near == at or by_line(lines[near]) else "-"
            if near > at and sign == ":":
                break  # its turn comes
            told = f"{name}{sign}{first + near}{sign} {shown(lines[near], by_line if sign == ':' else None)}"
            found.lines.append(told)
            found.characters += len(told) + 1
            last = near


def shown(line: str, matches: Matcher | None) -> str:
    """A line, or of a long one the part where the match is."""
    if len(line) <= _SHOWN:
        return line
    end = _end_of_match(line, matches) if matches else 0
    start = max(end - _SHOWN * 3 // 4, 0)
    part = line[start : start + _SHOWN]
    return f"{'…' if start else ''}{part}{'…' if start + len(part) < len(line) else ''} (column {end} of {len(line)})"


def _end_of_match(line: str, matches: Matcher) -> int:
    """Where the first match ends, nearly: the engine tells only whether there is one."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if matches(line[:middle]) else (middle + 1, high)
    return low
