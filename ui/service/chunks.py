"""Where the chunks of a journal begin: what stands before its first turn is chunk 0, the n-th turn begins chunk n.

The index is made by a quick look at the beginning of each line, and extended as the file grows, so that any stretch of
a long journal can be read without the rest.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from agent.codec import Damage, decode, decode_all
from agent.events import CallAnswered, Entry, NoteAdded, SessionStarted, UserSaid
from agent.values import ImageRef
from ui.blocks import Beginning, Block, still_open
from ui.timeline import Timeline

AROUND = 3  # chunks before and after those that are wanted: a correction is said in one and applied in the next ones
TURN = b"turn.started"
_HEAD = re.compile(rb'\{"v":\d+,"seq":\d+,"at":"[^"]*","type":"([^"]*)"')
_TYPE = b'","type":"'
_ENOUGH = 12  # bytes of a type that tell it from all others; for a shorter one with what follows it
_FREQUENT = {
    (_TYPE + kind + b'","')[: len(_TYPE) + _ENOUGH]: kind
    for kind in b"model.thought model.said model.answered action.started action.done screenshot.taken call.answered "
    b"turn.started turn.ended".split()
}
_SHOWS = frozenset({b"user.said", b"note.added", b"call.answered"})
_IMAGE = b'"image":{'  # no text can hold it: quotes are escaped there
_NONE = 2**64 - 1


def kind_of(line: bytes) -> bytes:
    """The type of event that a line claims to hold; b"" for what does not begin as a line of a journal."""
    found = _HEAD.match(line)
    return found[1] if found else b""


def kinds_of(lines: Sequence[bytes]) -> list[bytes]:
    """`kind_of` for many lines: the type stands at the same place in nearly all of them, and few types make up most."""
    found = _HEAD.match(lines[-1]) if lines else None
    if found is None:
        return [kind_of(line) for line in lines]
    place = slice(found.start(1) - len(_TYPE), found.start(1) + _ENOUGH)
    kinds = [*map(_FREQUENT.get, map(itemgetter(place), lines))]  # no line is touched by Python's own loop
    return [kind_of(line) if kind is None else kind for kind, line in zip(kinds, lines, strict=True)]


def shows(kind: bytes, line: bytes) -> bool:
    """Whether a line put a picture before the model."""
    return kind in _SHOWS and _IMAGE in line


@dataclass
class Chunks:
    """The index of one journal.

    Attributes:
        end: offset after the last line that was looked at.
        count: lines that were looked at.
    """

    end: int = 0
    count: int = 0
    _starts: array[int] = field(default_factory=lambda: array("Q", [0]))
    _lines: array[int] = field(default_factory=lambda: array("Q", [0]))
    _shown: array[int] = field(default_factory=lambda: array("Q", [_NONE]))
    _last_shown: int = _NONE

    def __len__(self) -> int:
        return len(self._starts)

    def extend(self, lines: Sequence[bytes], kinds: Sequence[bytes]) -> None:
        """Take in more whole lines, given without their newlines, and their types."""
        before = list(accumulate(map(len, lines), initial=0))  # of text; each line has a newline besides
        for index, kind in enumerate(kinds):
            if kind == TURN:
                self._starts.append(self.end + before[index] + index)
                self._lines.append(self.count + index)
                self._shown.append(self._last_shown)
            elif kind in _SHOWS and _IMAGE in lines[index]:
                self._last_shown = self.end + before[index] + index
        self.end += before[-1] + len(lines)
        self.count += len(lines)

    def start(self, chunk: int) -> int:
        """Offset of its first line; for the chunk after the last one, where the journal ends so far."""
        return self._starts[chunk] if chunk < len(self) else self.end

    def line(self, chunk: int) -> int:
        """Number of its first line, from 1."""
        return self._lines[chunk] + 1

    def before(self, line: int) -> int:
        """Offset of the beginning of the chunk that this line, counted from 1, is in."""
        return self._starts[max(0, bisect_right(self._lines, max(0, line - 1)) - 1)]

    def shown(self, chunk: int) -> int | None:
        """Offset of the line that put the last picture before the model, before this chunk."""
        return None if self._shown[chunk] == _NONE else self._shown[chunk]


class Reader:
    """Reads stretches of a journal. Its file may vanish at any time; OSError then."""

    def __init__(self, path: Path, chunks: Chunks, *, live: bool) -> None:
        self._path, self._chunks, self._live = path, chunks, live

    def timeline(self, first: int, last: int) -> Timeline:
        """The fold of the chunks `first` to `last`."""
        chunks = self._chunks
        with self._path.open("rb") as file:
            started, started_at = self._started(file.readline())
            shown = chunks.shown(first)
            if shown is not None:
                file.seek(shown)
            beginning = Beginning(first, started, started_at, _picture(file.readline()) if shown is not None else None)
            timeline = Timeline([], [], live=self._live, beginning=beginning)
            begin = chunks.start(first)
            file.seek(begin)
            # A torn last line is told of too, once nobody can be about to write the rest of it.
            whole = last == len(chunks) - 1 and not self._live
            data = file.read() if whole else file.read(chunks.start(last + 1) - begin)
        bounds = [*(chunks.start(chunk) - begin for chunk in range(first, last + 1)), len(data)]
        due: int | None = None
        for chunk, (start, end) in zip(range(first, last + 1), pairwise(bounds), strict=True):
            timeline.enter(chunk)
            for item in decode_all(data[start:end], line=chunks.line(chunk), due=due):
                put(timeline, item)
                due = item.seq + 1 if isinstance(item, Entry) else due and due + 1
        return timeline

    def _started(self, line: bytes) -> tuple[SessionStarted | None, str]:
        entry = sound(line)
        return (entry.event, entry.at) if entry and isinstance(entry.event, SessionStarted) else (None, "")

    def blocks(self, first: int, last: int) -> dict[str, Any]:
        """What the page draws of the chunks `first` to `last`, both included."""
        first, last = max(0, first), min(last, len(self._chunks) - 1)
        if first > last:
            return told(Timeline([], [], live=False), set(), live=False)
        after = min(last + AROUND, len(self._chunks) - 1)
        timeline = self.timeline(max(0, first - AROUND), after)
        return told(timeline, set(range(first, last + 1)), live=self._live and after == len(self._chunks) - 1)


def told(timeline: Timeline, chunks: set[int], *, live: bool) -> dict[str, Any]:
    """All blocks of these chunks, ready for JSON, and the pictures in them."""
    images: dict[str, Any] = {}
    blocks: list[dict[str, Any]] = []
    place, number = -1, 0
    for block in timeline.blocks:
        place, number = block.chunk, number + 1 if block.chunk == place else 0
        if block.chunk in chunks:
            data = _block(block, live=live and block is timeline.blocks[-1])
            data["key"] = f"{block.chunk}.{number}"
            for view in data["views"]:
                image = timeline.images[int(view["image"])]
                view["image"] = image.sha256
                images[image.sha256] = {"media_type": image.media_type, "width": image.width, "height": image.height}
            blocks.append(data)
    return {"blocks": blocks, "images": images}


def _block(block: Block, *, live: bool) -> dict[str, Any]:
    data = asdict(block)
    if live and block.open:
        still_open(data["items"])
    return data


def put(timeline: Timeline, item: Entry | Damage) -> None:
    """Give a timeline what was read."""
    if isinstance(item, Entry):
        timeline.take(item)
    else:
        timeline.damage(item)


def _picture(line: bytes) -> ImageRef | None:
    entry = sound(line)
    return entry.event.image if entry and isinstance(entry.event, UserSaid | NoteAdded | CallAnswered) else None


def sound(line: bytes) -> Entry | None:
    """The entry of a line that can be believed; None for any other."""
    try:
        return decode(line)
    except (ValueError, LookupError):
        return None
