"""Thoughts that stand in the text of an answer, in whatever a family encloses them in."""

from __future__ import annotations

from collections.abc import Sequence


def without_thoughts(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The text without what stands between the marks; templates often write the opening one themselves."""
    for opening, closing in pairs:
        while (end := text.find(closing)) >= 0:
            start = text.find(opening, 0, end)
            text = (text[:start] if start >= 0 else "") + text[end + len(closing) :]
        if opening in text:  # one that has no end
            text = text[: text.index(opening)]
    return text.strip()


class Shown:
    """Streamed text, split into what people see as thoughts and what is meant for Deskhand.

    Args:
        hidden_from: what begins the part that nobody needs to see; held back until it is clear.
        marks: that are left out.
    """

    def __init__(self, hidden_from: Sequence[str], marks: Sequence[str]) -> None:
        self._hidden_from = tuple(hidden_from)
        self._marks = tuple(marks)
        self._longest = max(map(len, (*self._hidden_from, *self._marks)), default=1)
        self._held = ""
        self._hidden = False

    def feed(self, text: str) -> str:
        """What of the text so far can be shown by now and has not been."""
        if self._hidden:
            return ""
        self._held = self._without(self._held + text)
        starts = [start for mark in self._hidden_from if (start := self._held.find(mark)) >= 0]
        if starts:
            self._hidden = True
            return self._held[: min(starts)]
        ready = max(0, len(self._held) - self._longest + 1)
        shown, self._held = self._held[:ready], self._held[ready:]
        return shown

    def rest(self) -> str:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return "" if self._hidden else self._without(held)

    def _without(self, text: str) -> str:
        for mark in self._marks:
            text = text.replace(mark, "")
        return text
