"""Seconds of work in a journal: pauses, waiting for a turn and the time between processes left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.events import ComputerReady, Entry, Paused, SessionQueued, SessionResumed, Unpaused


@dataclass
class Stopwatch:
    """Adds up stretches: only what begins or ends one needs to be looked at, and the time of what stands before it."""

    _done: float = 0.0
    _from: str = ""
    _at: str = ""
    _paused: bool = False
    _queued: bool = False

    @property
    def seconds(self) -> float:
        """Of work up to the newest entry."""
        return self._done + _between(self._from, self._at)

    def tick(self, at: str) -> None:
        """An entry that begins and ends nothing."""
        self._at = at
        if not self._from and not (self._paused or self._queued):
            self._from = at

    def take(self, entry: Entry) -> None:
        """One more entry."""
        match entry.event:
            case SessionResumed():
                self._hold()
                self._paused = self._queued = False
            case Paused() | SessionQueued():
                self.tick(entry.at)
                self._hold()
                self._paused = self._paused or isinstance(entry.event, Paused)
                self._queued = self._queued or isinstance(entry.event, SessionQueued)
            case Unpaused():
                self._paused = False
            case ComputerReady():
                self._queued = False
            case _:
                pass
        self.tick(entry.at)

    def _hold(self) -> None:
        self._done += _between(self._from, self._at)
        self._from = ""


def _between(start: str, end: str) -> float:
    if not start or start == end:
        return 0.0
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except ValueError:
        return 0.0
