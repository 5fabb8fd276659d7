"""Font files: which letters they have, how wide these are, and a file of those few that are needed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.office.pdfs.cff import Cff

LARGEST: Final = 64 << 20  # bytes of a font file
_KEPT: Final = ("cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep")
_NEEDED: Final = {"cmap", "head", "hhea", "hmtx", "maxp"}
_RESTRICTED: Final = 0x0002  # embedding is not allowed
_UNICODE: Final = ((3, 10), (0, 6), (0, 4), (0, 3), (3, 1))  # tables of letters, the fullest first
_MORE, _WORDS, _SCALE, _TWO_SCALES, _FOUR_SCALES = 0x20, 0x01, 0x08, 0x40, 0x80
_LARGEST_GLYPHS = 2_000  # that one font file is made of


@dataclass(frozen=True)
class Sfnt:
    """A font with outlines of TrueType, or of PostScript (`cff`).

    Attributes:
        tables: by their four letters.
        units: of its design in the size of the letters.
    """

    tables: Mapping[str, bytes]
    units: int

    @classmethod
    def read(cls, path: Path, index: int) -> Sfnt:
        """A font of a file, or one of a collection of fonts.

        Raises:
            ValueError: it cannot be used, or not embedded.
            OSError: it cannot be read.
        """
        if path.stat().st_size > LARGEST:
            raise ValueError("the font is too large")
        data = path.read_bytes()
        try:
            offset = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
            count = struct.unpack_from(">H", data, offset + 4)[0]
            found = [struct.unpack_from(">4sIII", data, offset + 12 + 16 * number) for number in range(count)]
            tables = {tag.decode("latin-1"): data[start : start + length] for tag, _, start, length in found}
            if not tables.keys() >= _NEEDED or not ({"glyf", "loca"} <= tables.keys() or "CFF " in tables):
                raise ValueError("the font has no outlines")
            rights = struct.unpack_from(">H", tables.get("OS/2", bytes(10)), 8)[0]
            units = struct.unpack_from(">H", tables["head"], 18)[0]
        except struct.error as error:
            raise ValueError(str(error)) from None
        if rights & 0x000F == _RESTRICTED or not units:
            raise ValueError("the font may not be embedded")
        return cls(tables, units)

    @property
    def postscript(self) -> bool:
        """Whether its outlines are `cff`."""
        return "CFF " in self.tables

    def glyphs(self, letters: Iterable[str]) -> dict[str, int]:
        """The glyphs of those letters that it has. Raises ValueError."""
        try:
            letters_of = _Letters(self.tables["cmap"])
            return {char: glyph for char in letters if (glyph := letters_of.glyph(ord(char)))}
        except struct.error as error:
            raise ValueError(str(error)) from None

    def width(self, glyph: int) -> int:
        """Of a glyph, in thousandths of the size."""
        count = struct.unpack_from(">H", self.tables["hhea"], 34)[0]
        advance = struct.unpack_from(">H", self.tables["hmtx"], 4 * min(glyph, count - 1))[0]
        return round(advance * 1000 / self.units)

    @property
    def heights(self) -> tuple[int, int]:
        """Above and below the line, in thousandths of the size."""
        up, down = struct.unpack_from(">hh", self.tables["hhea"], 4)
        return round(up * 1000 / self.units), round(down * 1000 / self.units)

    def subset(self, glyphs: Iterable[int]) -> bytes:
        """A font file, or table of outlines, in which all other glyphs are empty.

        Raises:
            ValueError: the font is damaged.
        """
        if self.postscript:
            return Cff(self.tables["CFF "]).subset(glyphs)
        try:
            return _file(self._with_few(self._closed({0, *glyphs})))
        except struct.error as error:
            raise ValueError(str(error)) from None

    def _closed(self, glyphs: set[int]) -> set[int]:
        """With those that they are put together of."""
        waiting, found = list(glyphs), set(glyphs)
        while waiting and len(found) < _LARGEST_GLYPHS:
            for part in _parts(self._glyph(waiting.pop())):
                if part not in found:
                    found.add(part)
                    waiting.append(part)
        return found

    def _glyph(self, number: int) -> bytes:
        long = struct.unpack_from(">h", self.tables["head"], 50)[0]
        if long:
            start, end = struct.unpack_from(">II", self.tables["loca"], 4 * number)
        else:
            start, end = (2 * each for each in struct.unpack_from(">HH", self.tables["loca"], 2 * number))
        return self.tables["glyf"][start:end]

    def _with_few(self, glyphs: set[int]) -> dict[str, bytes]:
        count = struct.unpack_from(">H", self.tables["maxp"], 4)[0]
        places, outlines = [0], bytearray()
        for number in range(count):
            if number in glyphs:
                outlines += self._glyph(number)
                outlines += bytes(-len(outlines) % 4)
            places.append(len(outlines))
        head = bytearray(self.tables["head"])
        struct.pack_into(">h", head, 50, 1)  # places in the long form
        made = {tag: self.tables[tag] for tag in _KEPT if tag in self.tables}
        loca = struct.pack(f">{len(places)}I", *places)
        return made | {"glyf": bytes(outlines), "loca": loca, "head": bytes(head)}


def _parts(glyph: bytes) -> Iterator[int]:
    """The glyphs that one is put together of."""
    if len(glyph) < 10 or struct.unpack_from(">h", glyph)[0] >= 0:
        return
    at, flags = 10, _MORE
    while flags & _MORE:
        flags, number = struct.unpack_from(">HH", glyph, at)
        yield number
        at += 8 if flags & _WORDS else 6
        at += 2 if flags & _SCALE else 4 if flags & _TWO_SCALES else 8 if flags & _FOUR_SCALES else 0


class _Letters:
    """Finds the glyphs of letters in the fullest tables that a font has."""

    def __init__(self, cmap: bytes) -> None:
        self._data = cmap
        count = struct.unpack_from(">H", cmap, 2)[0]
        held = [struct.unpack_from(">HHI", cmap, 4 + 8 * number) for number in range(count)]
        offsets = {(platform, encoding): offset for platform, encoding, offset in held}
        self._tables = [
            (struct.unpack_from(">H", cmap, offsets[each])[0], offsets[each]) for each in _UNICODE if each in offsets
        ]

    def glyph(self, code: int) -> int:
        """Of a letter; 0 where there is none."""
        for kind, offset in self._tables:
            glyph = self._in_segments(code, offset) if kind == 4 else self._in_groups(code, offset) if kind == 12 else 0
            if glyph:
                return glyph
        return 0

    def _in_groups(self, code: int, offset: int) -> int:
        for number in range(struct.unpack_from(">I", self._data, offset + 12)[0]):
            first, last, glyph = struct.unpack_from(">III", self._data, offset + 16 + 12 * number)
            if first <= code <= last:
                return glyph + code - first
        return 0

    def _in_segments(self, code: int, offset: int) -> int:
        twice = struct.unpack_from(">H", self._data, offset + 6)[0]
        ends, starts = offset + 14, offset + 16 + twice
        for at in range(0, twice if code < 0x10000 else 0, 2):
            if struct.unpack_from(">H", self._data, ends + at)[0] < code:
                continue
            first, shift, place = (struct.unpack_from(">H", self._data, starts + n * twice + at)[0] for n in range(3))
            if first > code:
                return 0
            if not place:
                return (code + shift) & 0xFFFF
            glyph = struct.unpack_from(">H", self._data, starts + 2 * twice + at + place + 2 * (code - first))[0]
            return (glyph + shift) & 0xFFFF if glyph else 0
        return 0


def _file(tables: Mapping[str, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    head = struct.pack(">IHHHH", 0x00010000, len(tables), 16 << power, power, 16 * len(tables) - (16 << power))
    offset = 12 + 16 * len(tables)
    records, body = b"", b""
    for tag in sorted(tables):
        padded = tables[tag] + bytes(-len(tables[tag]) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        records += struct.pack(">4sIII", tag.encode("latin-1"), total, offset + len(body), len(tables[tag]))
        body += padded
    return head + records + body
