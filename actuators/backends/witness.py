"""Which synthetic input is our own: the hands announce each event before they send it, and a listener ticks it off.

An X server makes exactly one raw event of every XTEST request, also for a move to where the pointer already is; it may
hold them back for as long as some program freezes the pointer, as window managers do at every click. So pointer events
are told by kind and number, never by time. How many keys a text takes only the backend knows: keys are ours from the
moment the hands announce the first until all that went down in this action have come up.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, TypeAlias

from actuators.actions import Button
from actuators.backends import Backend, Monitor, Pause

Kind: TypeAlias = Literal["pointer", "button", "wheel", "key"]

PYAUTOGUI_MOVES = 2  # it moves the pointer to where it is before every press, release and notch
LATE_SECONDS = 10.0  # what has not come so long after the action was lost on the way, and is waited for no more
LATE_KEYS_SECONDS = 3.0


class Witness(Protocol):
    """Told what the hands do, as they do it. Never raises."""

    def begin(self) -> None:
        """An action begins. What others did before has been noticed when this returns."""
        ...

    def expect(self, kind: Kind, count: int = 1) -> None:
        """The hands are about to make so many events (for keys: any number)."""
        ...

    def end(self) -> None:
        """The action is over, and everything that was held has been let go of."""
        ...


class Witnessed:
    """A backend whose every doing is announced to a witness."""

    def __init__(self, backend: Backend, witness: Witness) -> None:
        self._backend = backend
        self._witness = witness
        self._extra = PYAUTOGUI_MOVES if backend.name == "pyautogui" else 0

    @property
    def name(self) -> str:
        """The name of the backend behind."""
        return self._backend.name

    @contextmanager
    def acting(self) -> Generator[None, None, None]:
        """Around each action."""
        self._witness.begin()
        try:
            with self._backend.acting():
                yield
        finally:
            self._witness.end()

    def monitors(self) -> Sequence[Monitor]:
        """Nothing to announce."""
        return self._backend.monitors()

    def move(self, x: int, y: int) -> None:
        """One movement."""
        self._witness.expect("pointer")
        self._backend.move(x, y)

    def button(self, button: Button, down: bool) -> None:
        """One press; releases are nobody's."""
        if self._extra and button not in ("back", "forward"):  # pynput makes those two
            self._witness.expect("pointer", self._extra)
        if down:
            self._witness.expect("button")
        self._backend.button(button, down)

    def notch(self, dx: int, dy: int) -> None:
        """One event for each notch."""
        count = abs(dx) + abs(dy)
        if self._extra:
            self._witness.expect("pointer", self._extra * count)
        self._witness.expect("wheel", count)
        self._backend.notch(dx, dy)

    def key(self, name: str, down: bool) -> None:
        """A key, and the Shift that it may need."""
        if down:
            self._witness.expect("key")
        self._backend.key(name, down)

    def type_text(self, text: str, pause: Pause) -> None:
        """Any number of keys."""
        self._witness.expect("key")
        self._backend.type_text(text, pause)

    def close(self) -> None:
        """Nothing to announce."""
        self._backend.close()


class Ledger:
    """The events of our own that are still to come. Callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed: Counter[Kind] = Counter()
        self._keys = False  # whether keys may be ours
        self._struck = False  # whether any has been seen in this action
        self._down: set[int] = set()
        self._acting = False
        self._ended = 0.0

    @property
    def owing(self) -> bool:
        """Whether anything of ours is still to come."""
        with self._lock:
            return self._keys or any(self._owed.values())

    def begin(self) -> None:
        """An action begins."""
        with self._lock:
            self._forget()
            self._acting, self._struck = True, False

    def expect(self, kind: Kind, count: int = 1) -> None:
        """So many events are about to be sent."""
        with self._lock:
            if kind == "key":
                self._keys = True
            else:
                self._owed[kind] += count

    def end(self) -> None:
        """The action is over, and every event of it that is not held back has been ticked off."""
        with self._lock:
            self._acting, self._ended = False, time.monotonic()
            if self._struck and not self._down:
                self._keys = False

    def tick_off(self, kind: Kind, detail: int = 0) -> bool:
        """Whether a synthetic event is one that we owed; `detail` tells keys apart."""
        with self._lock:
            self._forget()
            if kind == "key":
                return self._strike(detail)
            if self._owed[kind] <= 0:
                return False
            self._owed[kind] -= 1
            return True

    def key_up(self, detail: int) -> None:
        """A synthetic key has come up."""
        with self._lock:
            self._down.discard(detail)

    def _strike(self, detail: int) -> bool:
        if self._keys:
            self._struck = True
            self._down.add(detail)
        return self._keys

    def _forget(self) -> None:
        if self._acting:
            return
        since = time.monotonic() - self._ended
        if since > LATE_SECONDS:
            self._owed.clear()
        if since > LATE_KEYS_SECONDS:
            self._keys = False
            self._down.clear()
