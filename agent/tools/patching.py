"""Hunks of a V4A diff put into a text. A place is taken only where there is no doubt about it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from agent.errors import ToolFault
from agent.tools.v4a import Hunk, Line

_NEWLINES = re.compile(r"\r\n|\n")
_OLD_NEWLINES = re.compile(r"\r")  # of a text that knows no other
_TYPOGRAPHY = str.maketrans("‘’‚‛“”„‟‐‑‒–—―−\u00a0\u2002\u2003\u2007\u2009\u202f", "''''\"\"\"\"-------      ")
_QUOTED = 100  # characters of a line that is shown
_MOST_PLACES = 5  # that a message names
_MOST_LOOKED_AT = 200  # lines of a hunk, and places of each, that are looked at for the nearest look-alike


@dataclass(frozen=True, slots=True)
class Patched:
    """A text with its hunks: how many lines came and went, and what was not quite as the patch says."""

    text: str
    added: int
    removed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    hunk: Hunk
    start: int  # index of the first old line, or of the line that the new ones come before
    size: int  # old lines


def patched(name: str, text: str, hunks: Sequence[Hunk]) -> Patched:
    """The text with all hunks put in; every other character stays, newlines of both kinds included.

    Raises:
        ToolFault: a hunk has no place, or several; with the line of the patch and the nearest place that looks alike.
    """
    file = _File.of(name, text)
    notes: list[str] = []
    placed: list[_Placed] = []
    for hunk in hunks:
        placed.append(_place(file, hunk, placed, notes))
    placed.sort(key=lambda each: (each.start, each.size))
    return Patched(
        _put_in(file, placed),
        sum(line.sign == "+" for hunk in hunks for line in hunk.lines),
        sum(line.sign == "-" for hunk in hunks for line in hunk.lines),
        tuple(notes),
    )


@dataclass
class _File:
    """A text in lines, which can be searched as they are or without small differences."""

    name: str
    lines: list[str]
    ends: list[str]  # the newline of each line; "" for a last one without
    newline: str
    _views: dict[str, _View] = field(default_factory=dict[str, "_View"])

    @staticmethod
    def of(name: str, text: str) -> _File:
        newlines = _NEWLINES if "\n" in text else _OLD_NEWLINES
        ends = newlines.findall(text)
        lines = newlines.split(text)
        if lines[-1]:
            ends.append("")
        else:
            lines.pop()
        newline = Counter(end for end in ends if end).most_common(1)
        return _File(name, lines, ends, newline[0][0] if newline else "\n")

    def view(self, level: str) -> _View:
        if level not in self._views:
            alike = _LEVELS[level]
            self._views[level] = _View([alike(line) for line in self.lines], alike)
        return self._views[level]


@dataclass
class _View:
    """Lines at one level of exactness, searched in time in proportion to their length, whatever they are."""

    lines: list[str]
    alike: Callable[[str], str]

    @cached_property
    def _text(self) -> str:
        return "\n" + "".join(f"{line}\n" for line in self.lines)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], 0
        for line in self.lines:
            at += len(line) + 1
            starts.append(at)
        return starts

    def places(self, old: Sequence[str], first: int = 0) -> Iterator[int]:
        """Indices of lines where `old` stands, from `first` on."""
        wanted = "\n" + "".join(f"{self.alike(line)}\n" for line in old)
        at = self._text.find(wanted, self._starts[min(first, len(self.lines))])
        while at >= 0:
            yield bisect_left(self._starts, at)
            at = self._text.find(wanted, at + 1)


def _typographic(line: str) -> str:
    return line.translate(_TYPOGRAPHY).rstrip()


_LEVELS: dict[str, Callable[[str], str]] = {
    "exact": str,
    "trailing": str.rstrip,
    "typography": _typographic,
    "indent": str.strip,
}
_LEVELS_TAKEN = ("exact", "trailing", "typography")
_NOTES = {
    "trailing": "white space at the ends of lines was not the same",
    "typography": "quotation marks, dashes or spaces were of another kind",
}


def _place(file: _File, hunk: Hunk, before: Sequence[_Placed], notes: list[str]) -> _Placed:
    cursor = max((each.start + each.size for each in before), default=0)
    first = _jump(file, hunk.anchors, cursor)
    old = [line.text for line in hunk.old]
    if not old:
        return _Placed(hunk, _place_of_new(file, hunk, first), 0)
    for level in _LEVELS_TAKEN:
        if (start := _found(file, hunk, old, first, level, before)) is not None:
            if level in _NOTES:
                notes.append(f"line {hunk.old[0].number} of the patch: {_NOTES[level]}; it fits at one place only")
            return _Placed(hunk, start, len(old))
    if shorter := _without_phantom(file, hunk):
        return _Placed(shorter, len(file.lines) - len(shorter.old), len(shorter.old))
    raise _miss(file, hunk, old, first)


def _found(
    file: _File, hunk: Hunk, old: Sequence[str], first: int, level: str, before: Sequence[_Placed]
) -> int | None:
    """The one place for the old lines; None for none.

    Raises:
        ToolFault: there are several.
    """
    view = file.view(level)
    last = len(file.lines) - len(old)
    if hunk.at_end and last >= first and next(view.places(old, last), None) is not None:
        return last
    places = [at for at, _ in zip(view.places(old, first), range(1_000), strict=False)]
    if not places and not hunk.anchors:
        places = [at for at, _ in zip(view.places(old), range(1_000), strict=False) if _is_free(at, len(old), before)]
    if len(places) < 2:
        return places[0] if places else None
    if hunk.anchors and level == "exact":
        return places[0]
    if hunk.hint is not None and hunk.hint - 1 in places:
        return hunk.hint - 1
    raise ToolFault(
        f"{file.name}: the hunk at line {hunk.number} of the patch fits at {_listed(places)}. Nothing was changed. "
        "Give more lines around the change, or say with «@@ LINE» after which line it comes."
    )


def _is_free(start: int, size: int, before: Sequence[_Placed]) -> bool:
    return all(start + size <= each.start or each.start + each.size <= start for each in before)


def _without_phantom(file: _File, hunk: Hunk) -> Hunk | None:
    """The hunk at the file's end, without one more empty line there that some take the last newline for."""
    last = max(at for at, line in enumerate(hunk.lines) if line.sign != "+")
    phantom, after = hunk.lines[last], hunk.lines[last + 1 :]
    wanted = [line.text for line in hunk.old[:-1]]
    if not wanted or phantom.sign != " " or phantom.text.strip() or wanted != file.lines[-len(wanted) :]:
        return None
    between = (replace(phantom, sign="+"),) if after else ()
    return replace(hunk, lines=hunk.lines[:last] + between + after)


def _jump(file: _File, anchors: Sequence[Line], first: int) -> int:
    """The index of the line after the last anchor."""
    for anchor in anchors:
        first = _after(file, anchor, first)
    return first


def _after(file: _File, anchor: Line, first: int) -> int:
    for level in ("exact", "indent"):
        if (at := next(file.view(level).places([anchor.text], first), None)) is not None:
            return at + 1
    # Models like to leave out the end of a line: "@@ class Greeter" for "class Greeter(Base):".
    part = anchor.text.strip()
    found = [at for at in range(first, len(file.lines)) if part in file.lines[at]]
    if len(found) == 1:
        return found[0] + 1
    why = f"stands in {_listed(found)}" if found else f"does not stand in it{_below(first)}"
    raise ToolFault(
        f"{file.name}: «{_quoted(anchor.text)}», to which line {anchor.number} of the patch jumps, {why}."
        f"{'' if found else _like(file, anchor.text)} Nothing was changed."
    )


def _below(first: int) -> str:
    return f" below line {first}" if first else ""


def _place_of_new(file: _File, hunk: Hunk, first: int) -> int:
    """Where lines go that come without any around them."""
    if hunk.at_end or not file.lines:
        return len(file.lines)
    if hunk.anchors:
        return first
    if hunk.hint is not None:
        return min(max(hunk.hint, first), len(file.lines))
    raise ToolFault(
        f"{file.name}: nothing says where the new lines at line {hunk.number} of the patch belong. Nothing was "
        "changed. Give a line that stands before or after them, «@@ LINE» to put them after it, or «*** End of File» "
        "below them to put them at the end."
    )


def _put_in(file: _File, placed: Sequence[_Placed]) -> str:
    out: list[str] = []
    at = 0
    for each in placed:
        out += _kept(file, at, each.start)
        at = each.start
        for line in each.hunk.lines:
            if line.sign == "+":
                out += (line.text, file.newline)
            else:
                out += _kept(file, at, at + 1) if line.sign == " " else ()
                at += 1
    out += _kept(file, at, len(file.lines))
    return _ended(file, "".join(out), placed)


def _kept(file: _File, start: int, end: int) -> list[str]:
    # A last line without a newline that is no longer the last needs one; `_ended` puts the end right.
    pieces = zip(file.lines[start:end], file.ends[start:end], strict=True)
    return [part for text, end in pieces for part in (text, end or file.newline)]


def _ended(file: _File, text: str, placed: Sequence[_Placed]) -> str:
    """With a newline at the end, or without: as it was, if the patch does not say."""
    told = [each.hunk.newline for each in placed if each.hunk.newline is not None]
    newline = told[-1] if told else not file.ends or bool(file.ends[-1])
    if newline:
        return text
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix(file.newline)


def _miss(file: _File, hunk: Hunk, old: Sequence[str], first: int) -> ToolFault:
    number = hunk.old[0].number
    if not file.lines:
        return ToolFault(f"{file.name} is empty, so line {number} of the patch fits nowhere. Nothing was changed.")
    start, alike = _nearest(file, old)
    if not alike:
        why = _like(file, next((line for line in old if line.strip()), ""))
        return ToolFault(
            f"{file.name}: the lines from line {number} of the patch, «{_quoted(old[0])}» …, do not stand in it.{why} "
            "Nothing was changed. Read the file again."
        )
    if alike == len(old) and start < first:
        why = f"they stand at line {start + 1}, above where the patch already was; put the hunks in the file's order"
        return ToolFault(f"{file.name}: the lines from line {number} of the patch: {why}. Nothing was changed.")
    at = next(at for at, line in enumerate(old) if start + at >= len(file.lines) or file.lines[start + at] != line)
    there = f"«{_quoted(file.lines[start + at])}»" if start + at < len(file.lines) else "the end of the file"
    return ToolFault(
        f"{file.name}: line {hunk.old[at].number} of the patch, «{_quoted(old[at])}», does not fit. Nearest place: "
        f"{file.name}:{start + 1} ({alike} of {len(old)} lines alike), where line {start + at + 1} is {there}. "
        "Nothing was changed."
    )


def _nearest(file: _File, old: Sequence[str]) -> tuple[int, int]:
    """Index of the place where most lines are alike but for indentation, and how many these are."""
    view = file.view("indent")
    votes: Counter[int] = Counter()
    for at, line in enumerate(old[:_MOST_LOOKED_AT]):
        if line.strip():
            for place, _ in zip(view.places([line]), range(_MOST_LOOKED_AT), strict=False):
                if place >= at:
                    votes[place - at] += 1
    if not votes:
        return 0, 0
    start = votes.most_common(1)[0][0]
    there = file.lines[start : start + len(old)]
    return start, sum(line.strip() == other.strip() for line, other in zip(old, there, strict=False))


def _like(file: _File, text: str) -> str:
    import difflib

    if not text.strip():
        return ""
    lines = dict.fromkeys(line.strip()[:500] for line in file.lines[:2_000])
    close = difflib.get_close_matches(text.strip()[:500], lines, n=1)
    if not close:
        return ""
    at = next(at for at, line in enumerate(file.lines) if line.strip()[:500] == close[0])
    return f" Nearest: {file.name}:{at + 1}, «{_quoted(file.lines[at])}»."


def _listed(places: Sequence[int]) -> str:
    shown = ", ".join(str(at + 1) for at in places[:_MOST_PLACES])
    return (
        f"lines {shown}{'' if len(places) <= _MOST_PLACES else f' and {len(places) - _MOST_PLACES} more'} of the file"
    )


def _quoted(line: str) -> str:
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"
