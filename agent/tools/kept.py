"""Output that is read to its end whatever its length, of which the beginning and the end are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """What was kept: the beginning, how many bytes are missing after it, and the end."""

    head: bytes
    dropped: int
    tail: bytes

    @property
    def whole(self) -> bytes:
        """Both together."""
        return self.head + self.tail


class Kept:
    """Keeps at most `limit` bytes, in bounded memory and in time that grows with what is added only."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head, self._tail = bytearray(), bytearray()
        self._dropped = 0

    def __len__(self) -> int:
        """Bytes that were added since the last `take`, kept or not."""
        return len(self._head) + self._dropped + len(self._tail)

    def add(self, data: bytes) -> None:
        """Add what was read."""
        if (room := self._half - len(self._head)) > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:  # not at once, so that each byte is moved once at most
            self._trim()

    def take(self) -> Taken:
        """All that was kept, and begin anew."""
        self._trim()
        taken = Taken(bytes(self._head), self._dropped, bytes(self._tail))
        self._head, self._tail, self._dropped = bytearray(), bytearray(), 0
        return taken

    def _trim(self) -> None:
        if (more := len(self._tail) - self._half) > 0:
            del self._tail[:more]
            self._dropped += more
