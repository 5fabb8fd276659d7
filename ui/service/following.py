"""One session's journal, read as it grows: its view, its index, and its blocks while somebody watches it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from agent.codec import Damage, decode
from agent.session import Session
from ui.service import skim
from ui.service.cards import Card, Detail
from ui.service.chunks import TURN, Chunks, Reader, kinds_of, put, sound, told
from ui.service.view import View
from ui.timeline import Timeline

BLOCK = 4 << 20  # bytes that are read at once
MARK = 64  # bytes before the end of what was read that show whether it is still the same file
FIRST = 20  # chunks that whoever watches a session gets first
MOST = 60  # chunks in one answer
KEPT = 200  # chunks in the fold of a watched session, before it is begun anew
YOUNG = 10.0  # seconds for which a session without a line in its journal is about to begin


@dataclass(frozen=True, slots=True)
class Change:
    """What a look at a session has found.

    Attributes:
        reset: its journal is another one than before.
        anew: the newest blocks are to be told anew: a process has begun or ceased to work on it, for instance.
        chunks: those whose blocks may have changed, while it is watched.
    """

    reset: bool = False
    anew: bool = False
    chunks: frozenset[int] = frozenset()


Tell: TypeAlias = "Callable[[Following, Change], None]"


class Following:
    """Everything that the page is told of one session. All methods may be called from any thread."""

    def __init__(self, session: Session, tell: Tell = lambda _item, _change: None) -> None:
        """Read nothing yet. `tell` is called with every change that a look finds, whoever looks."""
        self.session = session
        self._tell = tell
        self.live = False
        self._lock = threading.RLock()
        self._size, self._inode, self._mark = -1, 0, b""
        self._seen = -1
        self._has_begun = False
        self._watchers = 0
        self._timeline: Timeline | None
        self._from: int  # the first chunk of `_timeline`
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._view, self._chunks = View(), Chunks()
        self._timeline, self._from = None, 0

    # ---- reading

    def has_changed(self) -> bool:
        """Whether its journal has another size than when this was asked last. Reads nothing."""
        try:
            size = self.session.events.stat().st_size
        except OSError:
            size = 0
        before, self._seen = self._seen, size
        return before not in (-1, size)

    def look(self, *, liveness: bool = False) -> None:
        """Take in what was written since the last look; ask whether a process works on it where that may have changed.

        Args:
            liveness: ask in any case.
        """
        with self._lock:
            was_live, was_folded = self.live, self._timeline is not None
            grown, reset = self._grow()
            if liveness or (grown and not self.live):
                self.live = self.session.is_live()
            if was_live != self.live:
                self._timeline = None  # what is open looks otherwise
            if was_live and not self.live:
                grown = self._grow()[0] or grown  # what was written right before the end
            if grown or was_live != self.live:
                anew = was_folded and self._timeline is None
                self._tell(self, Change(reset, anew or reset, self._touched()))

    def _grow(self) -> tuple[bool, bool]:
        """Whether there is more than before, and whether it is another journal altogether."""
        try:
            known = self.session.events.stat()
        except OSError:
            gone = self._size > 0
            self._size = 0
            if gone:
                self._begin_anew()
            return gone, gone
        if (known.st_size, known.st_ino) == (self._size, self._inode):
            return False, False
        reset = self._size >= 0 and not self._is_same(known.st_ino, known.st_size)
        if reset:
            self._begin_anew()
        self._size, self._inode = known.st_size, known.st_ino
        if not self.live:
            self._timeline = None  # it may tell of a torn last line, which was cut off or completed
        for lines in self._fresh():
            self._take(lines)
        return True, reset

    def _is_same(self, inode: int, size: int) -> bool:
        if inode != self._inode or size < self._chunks.end:
            return False
        try:
            with self.session.events.open("rb") as file:
                file.seek(self._chunks.end - len(self._mark))
                return file.read(len(self._mark)) == self._mark
        except OSError:
            return False

    def _fresh(self) -> Iterator[list[bytes]]:
        """Whole lines that were not read so far, without their newlines, many at a time but not all at once."""
        try:
            with self.session.events.open("rb", buffering=0) as file:
                file.seek(self._chunks.end)
                rest = b""
                while data := file.read(BLOCK):
                    *lines, rest = (rest + data).split(b"\n")
                    if lines:
                        yield lines
        except OSError:
            return

    def _take(self, lines: list[bytes]) -> None:
        self._has_begun = True
        kinds = kinds_of(lines)
        number = self._chunks.count + 1
        if self._timeline is None:
            self._chunks.extend(lines, kinds)
            skim.read(self._view, lines, kinds, number)
        else:
            self._take_watched(self._timeline, lines, kinds, number)
        self._mark = lines[-1][1 - MARK :] + b"\n"

    def _take_watched(self, timeline: Timeline, lines: list[bytes], kinds: list[bytes], number: int) -> None:
        for index, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
            self._chunks.extend([line], [kind])
            if kind == TURN:
                timeline.enter(len(self._chunks) - 1)
            entry = skim.take(self._view, line, number + index)
            put(timeline, entry or Damage(number + index, _complaint(line), 0, torn=False))

    def _touched(self) -> frozenset[int]:
        if self._timeline is None:
            return frozenset()
        touched = frozenset(self._timeline.touched)
        self._timeline.touched.clear()
        return touched

    # ---- telling

    @property
    def is_beginning(self) -> bool:
        """Whether there is nothing to tell so far: its process has only just made its folder."""
        with self._lock:
            if self._has_begun or self.live:
                return False
            try:
                return time.time() - self.session.folder.stat().st_mtime < YOUNG
            except OSError:
                return False

    def card(self) -> Card:
        """The session at a glance."""
        with self._lock:
            return self._view.card(self.session.id, live=self.live)

    def detail(self) -> Detail:
        """The session, with what only its own page shows."""
        with self._lock:
            return self._view.detail(self.session.id, live=self.live, chunks=len(self._chunks))

    @property
    def chunks(self) -> int:
        """How many there are."""
        return len(self._chunks)

    @property
    def lines(self) -> int:
        """How many its journal has."""
        return self._chunks.count

    @property
    def workspace(self) -> Path:
        """The folder that it works in."""
        with self._lock:
            started = self._view.started
            return Path(started.workspace) if started and started.workspace else self.session.files

    def said(self) -> list[str]:
        """What the user has said to it, the task first."""
        with self._lock:
            return list(self._view.said)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of its private desktop, where the session was told one."""
        with self._lock:
            return self._view.started.size if self._view.started else None

    def files(self) -> list[Path]:
        """What it has made, in the order of `Detail.files`."""
        with self._lock:
            return [Path(path) for path in self._view.files]

    def entries(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Sound lines of the journal from number `after` + 1 on, as they are on disk.

        Raises:
            OSError: the journal cannot be read.
        """
        with self._lock:
            start = self._chunks.before(after + 1)
        found: list[dict[str, Any]] = []
        with self.session.events.open("rb") as file:
            file.seek(start)
            for line in file:
                if len(found) >= limit:
                    break
                if (entry := sound(line)) and entry.seq > after:
                    found.append(json.loads(line))
        return found

    def file_names(self) -> list[str]:
        """Names of the files that it has made."""
        with self._lock:
            return [PurePath(path).name for path in self._view.files]

    def blocks(self, first: int, last: int) -> dict[str, Any]:
        """What the page draws of some chunks; see `Reader.blocks`.

        Raises:
            OSError: the journal cannot be read.
        """
        with self._lock:
            return Reader(self.session.events, self._chunks, live=self.live).blocks(first, last)

    # ---- being watched

    def watch(self) -> None:
        """Keep the fold of its newest chunks at hand, so that changes are told at once."""
        with self._lock:
            self._watchers += 1

    def unwatch(self) -> None:
        """One who watched has gone."""
        with self._lock:
            self._watchers -= 1
            if self._watchers <= 0:
                self._timeline = None

    def newest(self, chunks: frozenset[int] | None = None) -> dict[str, Any]:
        """The blocks of these chunks, else of the newest ones, as the stream tells them."""
        with self._lock:
            count = len(self._chunks)
            wanted = set(range(max(0, count - FIRST), count)) if chunks is None else {n for n in chunks if n < count}
            timeline = self._folded(min(wanted, default=count))
            if timeline is None:
                return {"chunks": count, "changed": [], "blocks": [], "images": {}}
            found = told(timeline, wanted, live=self.live)
            return {"chunks": count, "changed": sorted(wanted)} | found

    def _folded(self, first: int) -> Timeline | None:
        """The fold of the newest chunks, from `first` on at least."""
        count = len(self._chunks)
        if self._timeline is None or len(self._chunks) - self._from > KEPT or first < self._from:
            self._from = max(0, min(first, count - FIRST) - 3)
            try:
                reader = Reader(self.session.events, self._chunks, live=self.live)
                self._timeline = reader.timeline(self._from, count - 1)
            except OSError:
                return None
            self._timeline.touched.clear()
        return self._timeline


def _complaint(line: bytes) -> str:
    try:
        decode(line)
    except ValueError as error:
        return str(error).splitlines()[0]
    return ""
