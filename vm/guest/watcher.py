"""Listens to the guest's display all the time: who is in front, whether it keeps up, what comes and goes."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from perception.backends.xdamage import Told, WatchLost, XDamage
from perception.frames import bounding
from perception.load import Work
from perception.screenshot import Region
from vm.guest.book import Book
from vm.guest.events import Events
from vm.guest.wire import Refused

LOCK_SECONDS = 3.0  # for a question to the X server before this one
ANSWER_SECONDS = 8.0  # an X server that has not answered for so long counts as lost
GUARD_SECONDS = 1.0  # between two looks at that
TELL_SECONDS = 0.2  # between two events about what was painted

_T = TypeVar("_T")


class Watcher:
    """Two connections to the X server, and a thread that waits for what it says. Safe to use from any thread."""

    def __init__(self, display: str, events: Events, lost: Callable[[], None]) -> None:
        """Connect.

        Args:
            lost: called, in the thread, when the display has gone.

        Raises:
            WatchLost: there is no such display, or it cannot be watched.
        """
        self._events, self._lost = events, lost
        self._x = XDamage(display)
        try:
            self._book = Book(display, events)
        except WatchLost:
            self._x.close()
            raise
        self._work = Work()
        self._pid: int | None = None
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._asking = threading.Lock()  # one ping at a time
        self._answers = 0
        self._painted: Region | None = None
        self._told_at = 0.0
        self._closed = threading.Event()
        self._since: float | None = None  # when whoever holds the lock began to ask the server
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-watcher")
        self._thread.start()
        threading.Thread(target=self._guard, daemon=True, name="deskhand-guard").start()

    def front(self) -> dict[str, Any]:
        """What is in front, and whether it is at work."""
        with self._held():
            self._take_in()
            front = self._x.front()
            if front.pid != self._pid:
                self._pid = front.pid
                self._work.follow(front.pid)
            fresh = [[place.left, place.top, place.width, place.height] for place in self._x.fresh_windows()]
            waiting = self._x.waiting()
            self._take_in()
            return {
                "program": front.program,
                "window": front.window,
                "pid": front.pid,
                "busy": self._work.busy(),
                "fresh": fresh,
                "cursor_busy": waiting,
            }

    def touching(self) -> None:
        """An input is about to be sent: what the program in front does now has other reasons. Asks nobody."""
        self._work.follow(self._pid)

    def ping(self, seconds: float) -> dict[str, bool]:
        """Ask the program in front whether it keeps up, and wait for its answer."""
        deadline = time.monotonic() + seconds
        if not self._asking.acquire(timeout=seconds):
            raise Refused(503, "busy", "another ping has not been answered yet")
        try:
            return self._ping(deadline)
        finally:
            self._asking.release()

    def ask(self, question: Callable[[Book], _T]) -> _T:
        """A question about the windows."""
        with self._held():
            self._take_in()
            answer = question(self._book)
            self._take_in()  # what came with the answers wakes nobody up later
            return answer

    def wait_for(self, found: Callable[[Book], _T | None], deadline: float) -> _T | None:
        """What a question is answered once it is; None if it is not by a time of `time.monotonic()`."""
        while (answer := self.ask(found)) is None and (left := deadline - time.monotonic()) > 0:
            with self._held():
                self._rest(min(left, 0.2))
        return answer

    def close(self) -> None:
        """End the thread and the connections. May be called twice."""
        self._closed.set()
        with suppress(OSError):
            os.write(self._wake_write, b"!")
        if threading.current_thread() is not self._thread:
            self._thread.join(LOCK_SECONDS)

    def _ping(self, deadline: float) -> dict[str, bool]:
        with self._held():
            self._take_in()
            before = self._answers
            if not self._x.ping():
                return {"asked": False, "answered": False, "moved_on": False}
            moved = False
            while self._answers == before and not moved and (left := deadline - time.monotonic()) > 0:
                self._check()
                self._rest(min(left, 0.5))
                moved = self._answers == before and self._x.moved_on()
                self._take_in()
            return {"asked": True, "answered": self._answers != before, "moved_on": moved}

    @contextmanager
    def _held(self) -> Generator[None, None, None]:
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise Refused(504, "timeout", "the X server does not answer")
        try:
            self._check()
            self._since = time.monotonic()
            yield
        finally:
            self._since = None
            self._lock.release()

    def _rest(self, seconds: float) -> None:
        """Until there are news. With the lock held, which others get meanwhile."""
        self._news.wait(seconds)
        self._since = time.monotonic()

    def _check(self) -> None:
        if self._closed.is_set():
            raise WatchLost("the display is gone")

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._x.fileno(), self._book.fileno(), self._wake_read):
            poll.register(descriptor, select.POLLIN)
        try:
            while not self._closed.is_set():
                poll.poll(self._patience())
                self._listen()
        except Exception as error:
            if not isinstance(error, WatchLost | OSError) and not self._closed.is_set():
                raise
        finally:
            self._end()

    def _listen(self) -> None:
        with self._lock:
            self._since = time.monotonic()
            try:
                self._take_in()
            finally:
                self._since = None

    def _guard(self) -> None:
        """A server that is frozen keeps whoever asks it waiting for ever: then the connections are cut."""
        while not self._closed.wait(GUARD_SECONDS):
            since = self._since
            if since is not None and time.monotonic() - since > ANSWER_SECONDS:
                self._x.cut()
                self._book.cut()

    def _patience(self) -> float | None:
        """Milliseconds until there is something to be told, if nothing comes before."""
        return None if self._painted is None or not self._events.wanted else TELL_SECONDS * 1000

    def _take_in(self) -> None:
        """Everything that has come. With the lock held."""
        self._note(self._x.told())
        self._book.take_in()
        self._tell_painted()
        self._news.notify_all()

    def _note(self, told: Told) -> None:
        self._answers += told.answered
        if told.damage is not None and told.damage.width and told.damage.height:
            self._painted = bounding([told.damage] if self._painted is None else [self._painted, told.damage])

    def _tell_painted(self) -> None:
        """Only while somebody listens: to hear of more, what was heard must be taken back, and that costs."""
        now = time.monotonic()
        if self._painted is None or not self._events.wanted or now < self._told_at + TELL_SECONDS:
            return
        place, self._painted, self._told_at = self._painted, None, now
        self._x.forget()
        self._events.add("screen.changed", region=[place.left, place.top, place.width, place.height])

    def _end(self) -> None:
        was_closed = self._closed.is_set()
        self._closed.set()
        with suppress(RuntimeError), self._lock:
            self._news.notify_all()
        self._x.close()
        self._book.close()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)
        if not was_closed:
            self._lost()
