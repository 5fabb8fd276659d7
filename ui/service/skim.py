"""Going through the lines of a journal for its view, without decoding what later lines make up for.

The view forgets what belongs to a turn when the next one starts. So of all turns but the last only that is looked at
which stays, and of much of that only the newest: 150,000 lines take a quarter of a second, and not five.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.codec import decode
from agent.events import Entry, ModelAnswered
from agent.values import Usage
from ui.service.chunks import TURN, shows
from ui.service.view import View

_ANSWERED, _DROPPED, _SCREENSHOT = b"model.answered", b"model.dropped", b"screenshot.taken"
_COMPACTED = b"compacted"
_FORGOTTEN = frozenset({
    TURN,
    b"turn.ended",
    b"model.thought",
    b"model.said",
    b"model.retrying",
    b"action.started",
    b"action.done",
    b"tool.started",
})  # fmt: skip
_NEWEST = frozenset({_SCREENSHOT, b"user.said", b"note.added", b"call.answered"})
_AT = re.compile(rb'"at":"([^"]*)"')
_NO_WORDS = b'"words":"","final":'
_USAGE = re.compile(
    rb'"usage":\{"input_tokens":(\d+),"cached_tokens":(\d+),"cache_write_tokens":(\d+),"output_tokens":(\d+),'
    rb'"reasoning_tokens":(\d+),"cost_usd":(null|[0-9.eE+-]+),"estimated":(true|false)\}'
)
_USAGE_WITHIN = 400  # bytes at the end of a line


def read(view: View, lines: Sequence[bytes], kinds: Sequence[bytes], number: int) -> None:
    """Take in whole lines, given without their newlines, and their types; the first is line `number` of the journal."""
    last = _last_turn(kinds)
    _Skimmer(view).skim(lines[:last], kinds[:last], number)
    for index in range(last, len(lines)):
        take(view, lines[index], number + index)


def take(view: View, line: bytes, number: int) -> Entry | None:
    """Take in one line; None where it cannot be believed."""
    try:
        entry = decode(line)
    except ValueError as error:
        view.damage(number, str(error).splitlines()[0])
        return None
    view.take(entry)
    return entry


def _last_turn(kinds: Sequence[bytes]) -> int:
    """Where the last turn starts among these lines; 0 if none does."""
    for index in range(len(kinds) - 1, -1, -1):
        if kinds[index] == TURN:
            return index
    return 0


class _Skimmer:
    """Lines that are followed by the start of a turn."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._screenshot: tuple[bytes, int] | None = None
        self._shown: tuple[bytes, int] | None = None
        self._answers: list[tuple[bytes, int]] = []
        self._shortened = 0  # how many answers came before the conversation was last made shorter
        self._dropped: list[bytes] = []

    def skim(self, lines: Sequence[bytes], kinds: Sequence[bytes], number: int) -> None:
        """Take in what stays of them."""
        self._pass_over(lines[0] if lines else b"")
        for index, kind in enumerate(kinds):
            if kind in _FORGOTTEN:
                continue
            line = lines[index]
            if kind == _SCREENSHOT:
                self._screenshot = line, number + index
            elif kind in _NEWEST:
                self._shown = (line, number + index) if shows(kind, line) else self._shown
            elif kind == _ANSWERED:
                self._answers.append((line, number + index))
            elif kind == _DROPPED:
                self._dropped.append(line)
            else:
                self._pass_over(lines[index - 1] if index else b"")
                take(self._view, line, number + index)
                self._shortened = len(self._answers) if kind == _COMPACTED else self._shortened
        self._add_up()
        self._take_newest()
        self._pass_over(lines[-1] if lines else b"")

    def _add_up(self) -> None:
        """What all answers have used, by one search through the ends of their lines."""
        self._view.turns += len(self._answers)
        if len(self._answers) > self._shortened and (last := _USAGE.search(self._answers[-1][0][-_USAGE_WITHIN:])):
            self._view.context = int(last[1]) or self._view.context
        ends = b"\n".join([line[-_USAGE_WITHIN:] for line in [*(line for line, _ in self._answers), *self._dropped]])
        found = _USAGE.findall(ends)
        if not found:
            return
        *counts, costs, estimated = zip(*found, strict=True)
        cost = [_number(cost) for cost in costs if cost != b"null"]
        used = Usage(*(sum(map(int, count)) for count in counts), estimated=b"true" in estimated)
        self._view.usage += replace(used, cost_usd=sum(cost) if cost else None)

    def _take_newest(self) -> None:
        for kept in (self._screenshot, self._shown):
            if kept:
                take(self._view, *kept)
        for line, number in reversed(self._answers):
            if _NO_WORDS not in line:
                entry = _sound(line, number, self._view)
                if entry and isinstance(entry.event, ModelAnswered):
                    self._view.words = entry.event.words or self._view.words
                break

    def _pass_over(self, line: bytes) -> None:
        if found := _AT.search(line, 0, 80):
            self._view.pass_over(found[1].decode("ascii", "replace"))


def _sound(line: bytes, number: int, view: View) -> Entry | None:
    try:
        return decode(line)
    except ValueError as error:
        view.damage(number, str(error).splitlines()[0])
        return None


def _number(digits: bytes) -> float:
    try:
        return float(digits)
    except ValueError:  # a damaged digit
        return 0.0
