"""What has happened on the desktop lately, for whoever asks by number, and waits for more."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeAlias

KEPT = 2000  # events
HEARD_SECONDS = 60.0  # after somebody asked, in which they count as listening

Event: TypeAlias = dict[str, Any]


class Events:
    """Numbered from 1. Safe to use from any thread."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._changed = threading.Condition()
        self._last = 0
        self._asked = float("-inf")

    @property
    def wanted(self) -> bool:
        """Whether anybody has asked lately: some events cost something to notice."""
        return time.monotonic() - self._asked < HEARD_SECONDS

    def add(self, kind: str, **more: Any) -> None:
        """Something has happened just now."""
        with self._changed:
            self._last += 1
            self._events.append({"n": self._last, "at": time.time(), "type": kind, **more})
            self._changed.notify_all()

    def after(self, number: int, seconds: float) -> tuple[int, Sequence[Event]]:
        """The last number there is, and the events after `number`, waiting at most so long for the first of them.

        A number that has not come yet is of another life of this server: then all that is kept is told.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            self._asked = time.monotonic()
            if number > self._last:
                number = 0
            while self._last <= number and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            self._asked = time.monotonic()
            return self._last, [event for event in self._events if event["n"] > number]
