"""What happens in all sessions, told to whoever listens: one thread looks at all journals, and only while it must."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from agent.errors import UserFault
from agent.session import Session, list_sessions
from ui.service.following import Change, Following, Tell

POLL = 0.025  # seconds between looks at sessions at work
POLL_OTHERS = 0.25  # at the others on the board, and for new ones
POLL_LIVE = 0.5  # for processes that have gone
POLL_SLOWLY = 1.0  # at everything, while nobody wants it at once
POLL_ALL = 2.0  # at sessions that are too old for the board, and at the limits
NEWEST = 60  # sessions on the board beside those at work


class NoSession(UserFault):
    """There is no session of this id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no session {name[:80]!r}; the board lists them")


class Listener(Protocol):
    """Is told what happens, from the feed's thread. `eager` ones want it at once, the others soon."""

    eager: bool

    def note(self, item: Following, change: Change) -> None:
        """A session has changed."""
        ...

    def lose(self, name: str) -> None:
        """A session has vanished."""
        ...

    def limit(self) -> None:
        """The limits have changed."""
        ...

    def end(self) -> None:
        """There will be nothing more."""
        ...


class Limits(Protocol):
    """Says how many sessions may run and do, and what they have cost today."""

    def __call__(self) -> dict[str, Any]:
        """Ready for JSON."""
        ...


class Sessions:
    """Every session of a home, or the only one that is served."""

    def __init__(self, home: Path, tell: Tell, only: str | None = None) -> None:
        self._home, self._tell, self._only = home, tell, only
        self._known: dict[str, Following] = {}
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None

    def refresh(self) -> tuple[list[Following], list[str]]:
        """What is new, and the names of what has vanished, since the last time."""
        with self._lock:
            stamp = self._stamp()
            if stamp is not None and stamp == self._seen:
                return [], []
            found = {session.id: session for session in self._listed()}
            gone = [name for name in self._known if name not in found]
            new = [Following(session, self._tell) for name, session in found.items() if name not in self._known]
            self._known = {name: item for name, item in self._known.items() if name in found}
            self._known |= {item.session.id: item for item in new}
            self._seen = stamp
        return new, gone

    def _stamp(self) -> tuple[int, int] | None:
        """Changes with the list of sessions; None while it may change without this, within a tick of its clock."""
        try:
            changed = (self._home / "sessions").stat().st_mtime_ns
        except OSError:
            return (0, 0)
        return None if time.time_ns() - changed < 50_000_000 else (changed, 1)

    def _listed(self) -> Iterable[Session]:
        return [one for one in list_sessions(self._home) if self._only in (None, one.id)]

    def get(self, name: str) -> Following:
        """The session of exactly this id.

        Raises:
            NoSession: there is none.
        """
        if name not in self._known:
            self.refresh()
        found = self._known.get(name)
        if found is None:
            raise NoSession(name)
        return found

    def newest_first(self) -> list[Following]:
        """All of them."""
        known = self._known
        return [known[name] for name in sorted(known, reverse=True)]


class Feed:
    """Looks at the journals while somebody listens, and when it is asked."""

    def __init__(self, home: Path, limits: Limits, *, only: str | None = None) -> None:
        self.sessions = Sessions(home, self._tell, only)
        self.limits = limits
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._closed = False
        self._told_limits: dict[str, Any] | None = None

    # ---- asked

    def board(self) -> list[Following]:
        """Those at work and the newest others, newest first, as they are now."""
        with self._loading:
            new, _ = self.sessions.refresh()
            for item in new:
                item.live = item.session.is_live()  # else a journal that nobody wants would be read
            chosen = self._on_board()
            for item in chosen:
                item.look(liveness=item.live)
        return [item for item in chosen if not item.is_beginning]

    def now(self, name: str) -> Following:
        """One session, as it is now.

        Raises:
            NoSession: there is none.
        """
        found = self.sessions.get(name)
        found.look(liveness=True)
        return found

    def _on_board(self) -> list[Following]:
        everything = self.sessions.newest_first()
        others = [item for item in everything if not item.live][:NEWEST]
        chosen = {id(item) for item in others}
        return [item for item in everything if item.live or id(item) in chosen]

    # ---- told

    def open(self, listener: Listener) -> None:
        """Begin to tell somebody."""
        with self._lock:
            self._listeners.add(listener)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-feed")
                self._thread.start()
        self._wake.set()

    def shut(self, listener: Listener) -> None:
        """Nothing more for this one. With the last one, nobody looks at journals any more."""
        with self._lock:
            self._listeners.discard(listener)
        self._wake.set()

    @property
    def listeners(self) -> frozenset[Listener]:
        """Those that are told now."""
        with self._lock:
            return frozenset(self._listeners)

    def close(self) -> None:
        """End it for all."""
        with self._lock:
            self._closed = True
        self._each(lambda listener: listener.end())
        self._wake.set()

    def _run(self) -> None:
        rounds = _Rounds()
        while True:
            with self._lock:
                if self._closed or not self._listeners:
                    self._thread = None
                    return
                slowly = not any(listener.eager for listener in self._listeners)
            began = time.monotonic()
            try:
                self._look(rounds, slowly=slowly)
            except Exception:  # one session must not keep the others from being told of
                logging.getLogger(__name__).exception("a look at the journals failed")
                self._wake.wait(1.0)
            pace = POLL_SLOWLY if slowly else POLL
            self._wake.wait(max(POLL / 4, pace - (time.monotonic() - began)))
            self._wake.clear()

    def _look(self, rounds: _Rounds, *, slowly: bool) -> None:
        others, live = rounds.due(POLL_OTHERS), rounds.due(POLL_SLOWLY if slowly else POLL_LIVE)
        if others:
            self._look_for_new()
            rounds.board = self._on_board()
        for item in rounds.board:
            if item.live or others:
                item.look(liveness=live and item.live)
        if rounds.due(POLL_ALL):
            self._look_at_limits()
            for item in self.sessions.newest_first():
                if item.has_changed():
                    item.look()

    def _look_for_new(self) -> None:
        with suppress(UserFault):  # the folder cannot be read just now
            new, gone = self.sessions.refresh()
            for item in new:  # those on the board are looked at next, and the others need not be read
                item.live = item.session.is_live()
            for name in gone:
                self._each(lambda listener, name=name: listener.lose(name))

    def _look_at_limits(self) -> None:
        now = self.limits()
        if now != self._told_limits:
            self._told_limits = now
            self._each(lambda listener: listener.limit())

    def _tell(self, item: Following, change: Change) -> None:
        self._each(lambda listener: listener.note(item, change))

    def _each(self, tell: Callable[[Listener], None]) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            tell(listener)


class _Rounds:
    """Which of the slower looks are due, and what the last one found to be on the board."""

    def __init__(self) -> None:
        self.board: list[Following] = []
        self._last: dict[float, float] = {}

    def due(self, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(seconds, 0.0) < seconds:
            return False
        self._last[seconds] = now
        return True
