"""V4A, the dialect of diffs that OpenAI's models write: read into data, with the line of the patch each part stands on.

    *** Begin Patch
    *** Update File: src/app.py
    *** Move to: src/main.py
    @@ class Greeter:
     def greet():
    -    print("Hi")
    +    print("Hello")
    *** Add File: notes.txt
    +one line
    *** Delete File: old.txt
    *** End Patch

A hunk begins with any number of `@@` lines, each jumping to a line of the file, and may end with `*** End of File`. The
diff of OpenAI's own tool is what stands below one of the three headers. Besides, as other dialects have it: `@@ -1,3
+1,4 @@` says where a hunk was, and `\\ No newline at end of file` speaks of the line before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

from agent.errors import ToolFault

BEGIN, END, AT_END = "*** Begin Patch", "*** End Patch", "*** End of File"
ADD, UPDATE, DELETE, MOVE = "*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"
NO_NEWLINE = "\\ No newline at end of file"
_RANGES = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)")
_SHOWN = 120  # characters of a line that is quoted
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Line:
    """Of a hunk: `sign` is " " for kept, "-" for removed, "+" for new; `number` its line in the patch, from 1."""

    sign: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place of a file, and what becomes of it.

    Attributes:
        number: line of the patch where it begins.
        anchors: lines of the file to jump to first, one after the other.
        at_end: it ends where the file does.
        hint: line of the file where it was, from 1, as far as that is told.
        newline: whether the file's last line ends with a newline afterwards; None for as it was.
    """

    number: int
    anchors: tuple[Line, ...]
    lines: tuple[Line, ...]
    at_end: bool = False
    hint: int | None = None
    newline: bool | None = None

    @property
    def old(self) -> tuple[Line, ...]:
        """What must be there."""
        return tuple(line for line in self.lines if line.sign != "+")


@dataclass(frozen=True, slots=True)
class Add:
    """A new file with this text, newlines being "\\n"."""

    path: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Update:
    """Changes to a file, which is called `to` afterwards unless that is empty."""

    path: str
    number: int
    hunks: tuple[Hunk, ...]
    to: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """A file that goes."""

    path: str
    number: int


Change: TypeAlias = Add | Update | Delete


def read_patch(text: str) -> tuple[Change, ...]:
    """What a whole patch, from `*** Begin Patch` to `*** End Patch`, asks for.

    Raises:
        ToolFault: it is none; with the line of the patch.
    """
    lines = _unfenced(_lines(text))
    if not lines or lines[0].text.strip() != BEGIN:
        _wrong(lines[0] if lines else Line("", "", 1), f"a patch begins with «{BEGIN}»")
    if lines[-1].text.rstrip() != END:
        _wrong(lines[-1], f"a patch ends with «{END}», and this one is cut short")
    changes: list[Change] = []
    rest = lines[1:-1]
    while rest := _without_blanks(rest):
        size = next((at for at, line in enumerate(rest) if at and _is_header(line)), len(rest))
        changes.append(_change(rest[0], rest[1:size]))
        rest = rest[size:]
    if not changes:
        raise ToolFault("The patch names no file. Nothing was done.")
    return tuple(changes)


def read_diff(kind: Literal["create_file", "update_file"], path: str, diff: str) -> Change:
    """What the diff of OpenAI's own tool asks for. Raises ToolFault."""
    lines = _lines(diff)
    while lines and lines[-1].text.rstrip() == END:
        lines.pop()
    if kind == "create_file":
        return Add(path, 1, _new_text(path, lines))
    if not _changes(hunks := _hunks(lines)):
        raise ToolFault(f"The diff would change nothing of {path}. Nothing was done.")
    return Update(path, 1, hunks)


def _change(header: Line, body: Sequence[Line]) -> Change:
    for start in (ADD, UPDATE, DELETE):
        if header.text.startswith(start):
            path = header.text.removeprefix(start).strip()
            break
    else:
        _wrong(header, f"here a file must be named: «{UPDATE} PATH», «{ADD} PATH» or «{DELETE} PATH»")
    if not path:
        _wrong(header, "there is no path")
    if start == ADD:
        return Add(path, header.number, _new_text(path, body))
    if start == UPDATE:
        return _update(path, header, body)
    if left := _without_blanks(body):
        _wrong(left[0], f"nothing may follow «{DELETE}» but the next file")
    return Delete(path, header.number)


def _update(path: str, header: Line, body: Sequence[Line]) -> Update:
    to = ""
    if body and body[0].text.startswith(MOVE):
        if not (to := body[0].text.removeprefix(MOVE).strip()):
            _wrong(body[0], "there is no path")
        body = body[1:]
    hunks = _hunks(_without_last_blanks(body))
    if not to and not _changes(hunks):
        _wrong(header, f"nothing of {path} would be changed")
    return Update(path, header.number, hunks, to)


def _changes(hunks: Sequence[Hunk]) -> bool:
    return any(line.sign != " " for hunk in hunks for line in hunk.lines)


def _new_text(path: str, body: Sequence[Line]) -> str:
    lines = _without_last_blanks(body)
    bare = bool(lines) and lines[-1].text == NO_NEWLINE
    if bare:
        lines = lines[:-1]
    for line in lines:
        if not line.text.startswith("+"):
            _wrong(line, f"every line of the new file {path} must begin with +")
    text = "".join(f"{line.text[1:]}\n" for line in lines)
    return text.removesuffix("\n") if bare else text


def _hunks(body: Sequence[Line]) -> tuple[Hunk, ...]:
    hunks: list[Hunk] = []
    rest = list(body)
    while rest:
        hunk, rest = _hunk(rest, first=not hunks)
        hunks.append(hunk)
    return tuple(hunks)


def _hunk(rest: list[Line], first: bool) -> tuple[Hunk, list[Line]]:
    """The hunk that the lines begin with, and the lines after it."""
    begin = rest[0]
    heads = next((at for at, line in enumerate(rest) if not line.text.startswith("@@")), len(rest))
    if not heads and not first:
        _wrong(begin, f"after «{AT_END}» comes «@@» or the next file")
    anchors, hint = _anchors(rest[:heads])
    rest = rest[heads:]
    size = next((at for at, line in enumerate(rest) if _ends_hunk(line)), len(rest))
    body, rest = rest[:size], rest[size:]
    at_end = bool(rest) and rest[0].text.rstrip() == AT_END
    lines = tuple(_hunk_line(line) for line in body if line.text != NO_NEWLINE)
    if not lines:
        _wrong(begin, "this hunk has no lines")
    newline = _newline(body)
    hunk = Hunk(begin.number, anchors, lines, at_end or newline is not None, hint, newline)
    return hunk, rest[1:] if at_end else rest


def _newline(body: Sequence[Line]) -> bool | None:
    told = [body[at - 1].text[:1] for at, line in enumerate(body) if at and line.text == NO_NEWLINE]
    return all(sign == "-" for sign in told) if told else None


def _anchors(heads: Sequence[Line]) -> tuple[tuple[Line, ...], int | None]:
    anchors: list[Line] = []
    hint = None
    for head in heads:
        if ranges := _RANGES.fullmatch(head.text):
            hint = int(ranges[1])  # what stands behind is the heading of a section, which may be above the hunk before
        elif text := head.text[2:].removeprefix(" ").rstrip():
            anchors.append(Line("@", text, head.number))
    return tuple(anchors), hint


def _hunk_line(line: Line) -> Line:
    if not line.text:
        return Line(" ", "", line.number)  # an empty line that is kept; its space gets lost easily
    if line.text[0] not in " +-":
        _wrong(line, "a line of a hunk begins with a space (kept), - (removed) or + (new)")
    return Line(line.text[0], line.text[1:], line.number)


def _ends_hunk(line: Line) -> bool:
    return line.text.startswith("@@") or line.text.rstrip() == AT_END


def _is_header(line: Line) -> bool:
    return line.text.startswith((ADD, UPDATE, DELETE))


def _lines(text: str) -> list[Line]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if lines and all(line.endswith("\r") for line in lines[: text.count("\n")]):
        lines = [line.removesuffix("\r") for line in lines]
    return [Line("", line, number) for number, line in enumerate(lines, start=1)]


def _unfenced(lines: list[Line]) -> list[Line]:
    """Without what some put around a patch: blank lines, and the fence of a code block."""
    lines = _without_last_blanks(_without_blanks(lines))
    if len(lines) > 1 and lines[0].text.startswith(_FENCE) and lines[-1].text.strip() == _FENCE:
        return _without_last_blanks(_without_blanks(lines[1:-1]))
    return lines


def _without_blanks(lines: Sequence[Line]) -> list[Line]:
    first = next((at for at, line in enumerate(lines) if line.text.strip()), len(lines))
    return list(lines[first:])


def _without_last_blanks(lines: Sequence[Line]) -> list[Line]:
    last = next((at for at in range(len(lines), 0, -1) if lines[at - 1].text), 0)
    return list(lines[:last])


def _wrong(line: Line, why: str) -> NoReturn:
    shown = line.text if len(line.text) <= _SHOWN else f"{line.text[:_SHOWN]}…"
    raise ToolFault(f"Line {line.number} of the patch, «{shown}»: {why}. Nothing was done.")
