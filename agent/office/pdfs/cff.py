"""Outlines of PostScript fonts (CFF), which most Chinese, Japanese and Korean fonts have: those few that are needed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_CHARSET, _OUTLINES, _BY_CID = 15, 17, (12 << 8) | 30  # operators of the first dictionary
_TWO_BYTES: Final = 12


@dataclass(frozen=True)
class _Index:
    """A list of pieces of data: where each begins, and where the last ends."""

    start: int
    places: tuple[int, ...]
    end: int
    size: int  # of one place, in bytes


class Cff:
    """The table of a font.

    Raises:
        ValueError: it is damaged.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            tops = self._index(self._index(data[2]).end)
            self._top = self._dictionary(tops.places[0], tops.places[1])
            self._outlines = self._index(self._top[_OUTLINES][0])
        except (struct.error, IndexError, KeyError) as error:
            raise ValueError(f"the font is damaged: {error}") from None

    def names(self, glyphs: Iterable[int]) -> dict[int, int]:
        """The numbers by which a PDF calls glyphs. Raises ValueError."""
        if _BY_CID not in self._top:
            return {glyph: glyph for glyph in glyphs}
        try:
            return {glyph: self._name(glyph) for glyph in glyphs}
        except (struct.error, IndexError) as error:
            raise ValueError(f"the font is damaged: {error}") from None

    def subset(self, glyphs: Iterable[int]) -> bytes:
        """The table with all other glyphs empty. Everything stays in its place, so what is gone is zeros, which pack
        to next to nothing."""
        held, kept = self._outlines, {0, *glyphs}
        outlines, places = bytearray(), [1]
        for number in range(len(held.places) - 1):
            if number in kept:
                outlines += self._data[held.places[number] : held.places[number + 1]]
            places.append(len(outlines) + 1)
        listed = b"".join(place.to_bytes(held.size, "big") for place in places)
        made = self._data[: held.start + 3] + listed + outlines
        return made + bytes(held.end - len(made)) + self._data[held.end :]

    def _index(self, start: int) -> _Index:
        count = struct.unpack_from(">H", self._data, start)[0]
        if not count:
            return _Index(start, (), start + 2, 1)
        size = self._data[start + 2]
        base = start + 3 + (count + 1) * size - 1
        raw = self._data[start + 3 : start + 3 + (count + 1) * size]
        places = tuple(base + int.from_bytes(raw[at : at + size], "big") for at in range(0, len(raw), size))
        if any(one > other for one, other in pairwise(places)) or places[-1] > len(self._data):
            raise ValueError("the font is damaged: its outlines overlap")
        return _Index(start, places, places[-1], size)

    def _dictionary(self, at: int, end: int) -> Mapping[int, list[int]]:
        found: dict[int, list[int]] = {}
        numbers: list[int] = []
        while at < end:
            first = self._data[at]
            if first <= 21:
                operator = first if first != _TWO_BYTES else _TWO_BYTES << 8 | self._data[at + 1]
                at += 2 if first == _TWO_BYTES else 1
                found[operator], numbers = numbers, []
                continue
            value, at = self._number(first, at)
            numbers.append(value)
        return found

    def _number(self, first: int, at: int) -> tuple[int, int]:
        """A number of a dictionary, and where the next thing begins; fractions, which no place is, count as 0."""
        if first == 28:
            return struct.unpack_from(">h", self._data, at + 1)[0], at + 3
        if first == 29:
            return struct.unpack_from(">i", self._data, at + 1)[0], at + 5
        if first == 30:
            end = at + 1
            while self._data[end] & 0x0F != 0x0F:
                end += 1
            return 0, end + 1
        if first <= 246:
            return first - 139, at + 1
        more = self._data[at + 1]
        return (first - 247) * 256 + more + 108 if first <= 250 else -(first - 251) * 256 - more - 108, at + 2

    def _name(self, glyph: int) -> int:
        at = self._top[_CHARSET][0]
        if glyph == 0:
            return 0
        if self._data[at] == 0:
            return struct.unpack_from(">H", self._data, at + 1 + 2 * (glyph - 1))[0]
        kind, at, seen = (">HB", at + 1, 1) if self._data[at] == 1 else (">HH", at + 1, 1)
        while True:
            first, more = struct.unpack_from(kind, self._data, at)
            if glyph <= seen + more:
                return first + glyph - seen
            seen, at = seen + more + 1, at + struct.calcsize(kind)
