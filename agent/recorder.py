"""Writing an event down and taking it into the state, always both and in this order."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from agent.events import Entry, Event, TurnStarted
from agent.ports import Journal
from agent.state import State
from agent.values import ImageRef
from perception.screenshot import Region, Screenshot, Space


class Recorder:
    """The journal and its fold, kept in step, and the clock of the present turn."""

    def __init__(self, journal: Journal, state: State) -> None:
        self.state = state
        self._journal = journal
        self._turn_began = time.monotonic()
        self._not_ours = 0.0

    def record(self, event: Event) -> Entry:
        """An event is in the journal before anyone acts on it."""
        if isinstance(event, TurnStarted):
            self._turn_began, self._not_ours = time.monotonic(), 0.0
        entry = self._journal.append(event)
        self.state.advance(entry)
        return entry

    def keep(self, screenshot: Screenshot) -> ImageRef:
        """Store a picture."""
        return self._journal.store(screenshot)

    def keep_picture(self, data: bytes, media_type: str, width: int, height: int) -> ImageRef:
        """Store a picture that is none of the screen: a page of a document, for one."""
        space = Space(Region(0, 0, width, height), width, height)
        return self._journal.store(Screenshot(data, media_type, space, time.time()))

    @contextmanager
    def not_ours(self) -> Generator[None]:
        """Time that the model or the user takes, not Deskhand."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._not_ours += time.monotonic() - began

    def turn_time(self) -> tuple[float, float]:
        """Seconds of the present turn so far: all of them, and those that are ours."""
        seconds = time.monotonic() - self._turn_began
        return round(seconds, 3), round(max(0.0, seconds - self._not_ours), 3)
