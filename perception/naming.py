"""What an action would reach, told before it happens: the thing under a point, and what gets the keys.

A call is never late and never raises. It returns what was found out by then: the window's title and program at first,
then the element. Where the sources disagree or are in doubt, the name is empty: somebody decides by it whether
the click may happen, and for that a wrong name is worse than none.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeAlias

from perception.target import Target

SECONDS = 0.8  # that an answer may take; mostly some ms, but who decides by it must not miss it on a busy machine
STUCK = 2.0  # seconds after which nobody waits behind a question that is still being worked on
CLOSING = 0.5  # seconds that closing waits for a question
UNKNOWN = Target()

Tell: TypeAlias = Callable[[Target], None]
"""Takes what is known so far; each time more."""


class NamingBackend(Protocol):
    """Where names come from. Every call is made in one and the same thread, and may raise whatever it likes."""

    def prepare(self) -> None:
        """Connect to what the other calls need. They do it themselves where this was not called."""
        ...

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        """Tell what is at a point, in the units in which the pointer moves, until a time of `time.monotonic()`."""
        ...

    def in_front(self, deadline: float, tell: Tell) -> None:
        """Tell which window gets the keys, and which element in it."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


Ask: TypeAlias = Callable[[NamingBackend, float, Tell], None]


@dataclass
class _Question:
    ask: Ask
    deadline: float
    answer: Target = UNKNOWN
    begun: float | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def tell(self, target: Target) -> None:
        self.answer = target


class Naming:
    """Names of what is on one screen. Safe to use from any thread; nothing is opened before the first call.

    A thread of its own asks, so that nobody waits longer than agreed, whatever hangs.
    """

    def __init__(self, opening: Callable[[], NamingBackend]) -> None:
        self._opening = opening
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: _Question | None = None
        self._closed = False

    def prepare(self) -> None:
        """Begin to connect, so that the first answer need not wait for that. Returns at once; may be called often."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._put(_Question(lambda backend, deadline, tell: backend.prepare(), float("inf")))

    def at(self, x: int, y: int, *, seconds: float = SECONDS) -> Target:
        """What is at a point of the screen.

        Args:
            x, y: in the units in which the pointer moves.
            seconds: that this may take; what is known by then is returned.
        """
        return self._answer(lambda backend, deadline, tell: backend.at(x, y, deadline, tell), seconds)

    def in_front(self, *, seconds: float = SECONDS) -> Target:
        """The window that gets the keys, with the focused element where it is known; see `at`."""
        return self._answer(lambda backend, deadline, tell: backend.in_front(deadline, tell), seconds)

    def close(self) -> None:
        """Let go of everything. May be called twice."""
        with self._lock:
            self._closed = True
            thread = self._thread
            self._questions.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSING)  # one that hangs with its display ends with this process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, ask: Ask, seconds: float) -> Target:
        now = time.monotonic()
        question = _Question(ask, now + seconds)
        with self._lock:
            if self._closed or self._is_stuck(now):
                return UNKNOWN
            self._put(question)
        question.done.wait(max(0.0, question.deadline - time.monotonic()))
        return question.answer

    def _is_stuck(self, now: float) -> bool:
        last = self._last
        return last is not None and not last.done.is_set() and last.begun is not None and now - last.begun > STUCK

    def _put(self, question: _Question) -> None:
        self._questions.put(question)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="deskhand-naming", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        backend: NamingBackend | None = None
        while (question := self._questions.get()) is not None:
            self._last = question
            question.begun = time.monotonic()
            if question.begun < question.deadline:
                with suppress(Exception):  # whatever is wrong with a program, its name is unknown then
                    backend = backend or self._opening()
                    question.ask(backend, question.deadline, question.tell)
            question.done.set()
        if backend is not None:
            with suppress(Exception):
                backend.close()


def open_naming(display: str | None = None, *, bus: str | None = None) -> Naming:
    """Names of what is on a screen of this machine. Costs nothing until it is asked.

    Args:
        display: an X11 display, like ":77"; None for the one of the environment, or the only one there is.
        bus: address of the session bus of that display, where it is known; else it is found out.
    """

    def opened() -> NamingBackend:
        if sys.platform == "win32":
            from perception.backends.uia_naming import UiaNaming

            return UiaNaming()
        if sys.platform == "darwin":
            from perception.backends.ax_naming import AxNaming

            return AxNaming()
        from perception.backends.xnaming import XNaming

        return XNaming(display, bus=bus)

    return Naming(opened)


def described(target: Target) -> str:
    """A target in words: '"Save" (push button) in "Save As"', or as much of it as is known; "" for nothing."""
    thing = " ".join([*([f'"{target.name}"'] if target.name else []), *([f"({target.role})"] if target.role else [])])
    place = f'"{target.window}"' if target.window else target.application
    if thing and place:
        return f"{thing} in {place}"
    return thing or place
