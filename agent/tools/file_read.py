"""Reading text files in ranges of lines, huge ones included: nothing is read that need not be."""

from __future__ import annotations

import codecs
import io
import os
import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from anyio import from_thread

from agent.errors import ToolFault
from agent.tools.coding import HEAD, Coding, coding_of

CHARACTERS = 20_000  # of one reply
LINES = 2_000  # of one reply
LINE = 1_000  # characters of a line that are shown
SECONDS = 20.0  # that one call looks for a line
BLOCK = 1 << 20  # bytes
COUNTED = 64 << 20  # bytes of a file whose lines are counted
DECODED = 20 << 20  # bytes of a file that is decoded as a whole, where lines cannot be told apart by bytes
_APART = 4 << 20  # bytes between two places that are remembered

_OFFICE = re.compile(r"\.(xl[st][xm]?|ods|pp[st][xm]?|pot[xm]?|odp|do[ct][xm]?|odt|rtf|pdf)$", re.IGNORECASE)
_PICTURE = re.compile(r"\.(png|jpe?g|webp|gif|bmp|tiff?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lines:
    """A range of a file.

    Attributes:
        texts: lines without their newlines, long ones cut.
        first: number of the first, from 1; None where it is not known.
        start, end: bytes where the range begins and where what follows it does.
        size: bytes of the file; `more` says whether there are lines below the range.
        total: lines of the file; None where they were not counted.
        newline: as it is in the file, "\\n", "\\r\\n" or "\\r".
        damaged: some bytes are no characters of this encoding.
    """

    texts: tuple[str, ...]
    first: int | None
    start: int
    end: int
    size: int
    more: bool
    total: int | None
    coding: Coding
    newline: str
    damaged: bool


@dataclass
class Reader:
    """Reads ranges, and remembers where lines are as long as the file stays the same."""

    _known: dict[Path, tuple[tuple[int, int], list[tuple[int, int]]]] = field(
        default_factory=dict[Path, tuple[tuple[int, int], list[tuple[int, int]]]]
    )

    def read(self, path: Path, name: str, start: int, lines: int, encoding: str | None) -> Lines:
        """Lines from number `start` on; the last `-start` lines where it is negative.

        Raises:
            ToolFault: it is no text, cannot be read, or has no such line.
        """
        with _opened(path, name, encoding) as text:
            if start < 0:
                return self._last(text, min(-start, lines))
            places = self._places(path, text)
            number, offset = _seek(text, start, places)
            if start > 1 and offset == text.size:
                raise ToolFault(f"{name} has {_count(text)} lines, so no line {start}.")
            found = _range(text, offset, lines)
            end = number + len(found.texts), found.end
            if end[0] > places[-1][0]:
                places.append(end)
            return replace(found, first=number, total=self._total(path, text))

    def at_byte(self, path: Path, name: str, byte: int, lines: int, encoding: str | None) -> Lines:
        """Whole lines from a byte on. Raises ToolFault."""
        with _opened(path, name, encoding) as text:
            if not 0 <= byte <= text.size:
                raise ToolFault(f"{name} has {text.size} bytes, so no byte {byte}.")
            return _range(text, _next_line(text, byte), lines)

    def _last(self, text: _Text, lines: int) -> Lines:
        start = _start_of_last(text, lines)
        found = _range(text, start, lines)
        if text.size > COUNTED:
            return found
        total = _count(text)
        return replace(found, first=total - _count(text, start) + 1, total=total)

    def _places(self, path: Path, text: _Text) -> list[tuple[int, int]]:
        """Where lines are known to begin: (number, byte), in order."""
        before, places = self._known.get(path, ((0, 0), []))
        if before != text.stamp:
            places = [(1, 0)]
            self._known[path] = text.stamp, places
        return places

    def _total(self, path: Path, text: _Text) -> int | None:
        return _count(text) if text.size <= COUNTED else None


@dataclass
class _Text:
    """An open file whose lines can be told apart by bytes. One in UTF-16 or UTF-32 is turned into UTF-8 first."""

    file: BinaryIO
    name: str
    size: int
    stamp: tuple[int, int]
    coding: Coding
    told: Coding
    deadline: float
    newline: bytes = b"\n"
    newlines: str = "\n"

    def __enter__(self) -> _Text:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def blocks(self, start: int, size: int = BLOCK) -> Iterator[bytes]:
        """All from a byte on, in blocks; stops when the call is cancelled.

        Raises:
            ToolFault: the time is over.
        """
        self.file.seek(start)
        while block := self.file.read(size):
            check_cancelled()
            if time.monotonic() > self.deadline:
                raise ToolFault(
                    f"{self.name} is so large that its lines could not be gone through in {SECONDS:.0f} s. "
                    f"Give at_byte (0 to {self.size}) in place of start, or a negative start for its end."
                )
            yield block


def _opened(path: Path, name: str, encoding: str | None) -> _Text:
    try:
        if path.is_dir():
            raise ToolFault(f"{name} is a folder; list_files shows what is in it.")
        if not path.is_file():
            raise ToolFault(f"{name} is no file that could be read.")
        file = path.open("rb")
        status = os.fstat(file.fileno())
        head = file.read(HEAD)
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror}.") from None
    try:
        coding = _told(encoding) if encoding else coding_of(head, whole=len(head) == status.st_size)
        if coding is None or (not encoding and head.startswith(b"%PDF-")):
            raise no_text(path, name, status.st_size)
        stamp = status.st_size, status.st_mtime_ns
        text = _Text(file, name, status.st_size, stamp, coding, coding, time.monotonic() + SECONDS)
        return _by_bytes(text, head)
    except BaseException:
        file.close()
        raise


def _by_bytes(text: _Text, head: bytes) -> _Text:
    if len(text.coding.newline) > 1:
        if text.size > DECODED:
            raise ToolFault(
                f"{text.name} is {text.coding} and has {text.size} bytes; only up to {DECODED} can be read so. "
                "Turn it into UTF-8 first (iconv)."
            )
        text.file.seek(0)
        data = text.file.read().removeprefix(text.coding.bom).decode(text.coding.name, "replace").encode()
        text.file.close()
        text.file, text.size, text.coding, head = io.BytesIO(data), len(data), Coding(), data[:HEAD]
    if b"\n" not in head and b"\r" in head:
        text.newline, text.newlines = b"\r", "\r"
    elif head.count(b"\r\n") * 2 > head.count(b"\n"):
        text.newlines = "\r\n"
    return text


def _told(encoding: str) -> Coding:
    try:
        name = codecs.lookup(encoding).name
        "\n".encode(name)
        return Coding(name)
    except (LookupError, ValueError, TypeError):
        raise ToolFault(
            f"There is no encoding {encoding!r}; try utf-8, cp1252, cp1250, shift_jis, gb18030, …"
        ) from None


def no_text(path: Path, name: str, size: int) -> ToolFault:
    """What is told of a file that is no text: which tool takes it."""
    if _OFFICE.search(path.suffix):
        cure = "`inspect` tells what is in it, `render` shows its pages."
    elif _PICTURE.search(path.suffix):
        cure = "`view_image` shows it."
    else:
        cure = "Programs can tell more of it (`file`, `xxd`, `unzip -l`, …)."
    return ToolFault(f"{name} is no text ({size} bytes). {cure}")


def _seek(text: _Text, start: int, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The number and byte of line `start`; of the last line before the end, where there are not so many."""
    number, offset = places[max(bisect_right(places, (start, text.size)) - 1, 0)]
    if number == start:
        return number, offset
    for block in text.blocks(offset):
        count = block.count(text.newline)
        if number + count >= start:
            return start, offset + len(block) - len(block.split(text.newline, start - number)[-1])
        number, offset = number + count, offset + len(block)
        if offset - places[-1][1] > _APART and block.endswith(text.newline):
            places.append((number, offset))
    return number, offset


def _range(text: _Text, start: int, most: int) -> Lines:
    """At most so many lines from a byte on, and at most so many characters."""
    texts: list[str] = []
    left, end, damaged, rest = CHARACTERS, start, False, b""
    for block in text.blocks(start, 65_536):
        *whole, rest = (rest + block).split(text.newline)
        for line in whole:
            shown, bad = _line(text, line)
            if len(texts) == most or (texts and left < len(shown)):
                return _lines(text, texts, start, end, damaged)
            texts.append(shown)
            left, end, damaged = left - len(shown) - 8, end + len(line) + 1, damaged or bad
        if len(rest) > 8 * BLOCK:
            break  # one line of the size of a file
    if rest and len(texts) < most:
        shown, bad = _line(text, rest)
        texts.append(shown)
        end, damaged = end + len(rest), damaged or bad
    return _lines(text, texts, start, end, damaged)


def _lines(text: _Text, texts: list[str], start: int, end: int, damaged: bool) -> Lines:
    if texts and not start:
        texts[0] = texts[0].removeprefix("\ufeff")
    without = tuple(line.removesuffix("\r") for line in texts)
    size, more = text.stamp[0], end < text.size
    return Lines(without, None, start, end, size, more, None, text.told, text.newlines, damaged)


def _line(text: _Text, line: bytes) -> tuple[str, bool]:
    """A line as it is shown, and whether some of it is no text."""
    part = line[: 4 * LINE + 4]
    decoded = part.decode(text.coding.name, "replace")
    damaged = "\ufffd" in (decoded if len(part) == len(line) else decoded[:-1])
    if len(decoded) > LINE or len(part) < len(line):
        return f"{decoded[:LINE]}… ({len(line)} bytes in this line)", damaged
    return decoded, damaged


def _next_line(text: _Text, byte: int) -> int:
    if byte == 0:
        return 0
    at = byte - 1
    for block in text.blocks(at, 65_536):
        if (found := block.find(text.newline)) >= 0:
            return at + found + 1
        at += len(block)
        if at - byte > 8 * BLOCK:
            return byte  # in the middle of one line of the size of a file
    return at


def _start_of_last(text: _Text, lines: int) -> int:
    """The byte where the last lines begin, or those of them that are near enough to the end."""
    end, data = text.size, b""
    while end and data.count(text.newline) <= lines and len(data) < 4 * BLOCK:
        start = max(end - 65_536, 0)
        text.file.seek(start)
        data = text.file.read(end - start) + data
        end = start
    at = len(data) - (1 if data.endswith(text.newline) else 0)
    for _ in range(lines):
        if (at := data.rfind(text.newline, 0, at)) < 0:
            return end  # a few lines of enormous length, or all of the file
    return end + at + 1


def _count(text: _Text, start: int = 0) -> int:
    count, last = 0, b""
    for block in text.blocks(start):
        count, last = count + block.count(text.newline), block
    return count + (bool(last) and not last.endswith(text.newline))


def check_cancelled() -> None:
    """In a thread of a call: raise if the call was cancelled."""
    with suppress(RuntimeError):  # not in such a thread
        from_thread.check_cancelled()
