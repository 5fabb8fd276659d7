"""What both ways of listening on X11 share: a thread over a connection, and the keys of the panic chord."""

from __future__ import annotations

import os
import select
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from actuators.actions import Point
from actuators.backends.witness import Kind
from actuators.backends.x11_display import XDisplay
from actuators.backends.x11_keymap import keysym_named
from actuators.backends.xoverlays import XOverlays
from actuators.errors import ActuatorError

if TYPE_CHECKING:
    from actuators.guard import Hear

TOPS_SECONDS = 1.0
# Keys that are there twice: both count.
_TWINS = {0xFFE1: (0xFFE2,), 0xFFE3: (0xFFE4,), 0xFFE9: (0xFFEA,), 0xFFEB: (0xFFEC,), 0xFF0D: (0xFF8D,)}


class XListener(ABC):
    """A connection to an X server, used by a thread of its own and by the hands' thread, one at a time.

    Attributes:
        note: what cannot be heard; set when the connection is lost.
    """

    def __init__(self, display: str | None, panic: Sequence[str], note: str = "") -> None:
        self.note = note
        self._display = XDisplay(display)
        self._x: Any = self._display.x
        self._overlays = self._heed_overlays()
        self._panic = PanicKeys(self._display, panic)
        self._known_tops: frozenset[int] = frozenset()
        self._tops_of: frozenset[int] = frozenset()
        self._tops_until = 0.0
        self._hear: Hear = lambda heard: None
        self._lock = threading.RLock()
        self._over = False
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-guard")

    def start(self, hear: Hear) -> None:
        """Begin to listen."""
        self._hear = hear
        self._thread.start()

    @abstractmethod
    def begin(self) -> None:
        """The hands begin an action."""

    @abstractmethod
    def expect(self, kind: Kind, count: int = 1) -> None:
        """The hands are about to make such events."""

    @abstractmethod
    def end(self) -> None:
        """The hands have ended an action."""

    def close(self) -> None:
        """Stop listening and disconnect."""
        with self._lock:
            if self._closed:
                return
            self._over = self._closed = True
        os.write(self._wake_write, b"!")
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self._display.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    @abstractmethod
    def _listen(self) -> None:
        """Report what has come; called with the lock held and exceptions mapped."""

    def _nap(self) -> float | None:
        """Seconds until `_listen` is to be called even though nothing comes; None for never."""
        return None

    def _try(self, *, sync: bool = False) -> None:
        """Listen, unless it is over; a lost display ends it quietly: eyes and hands tell of that themselves.

        Args:
            sync: make sure with a round trip that everything the server has done so far has come.
        """
        with self._lock:
            if self._over:
                return
            try:
                with self._display.mapped():
                    if sync:
                        self._display.sync()
                    self._listen()
            except Exception as error:
                self._over = True
                self.note = f"the user's own mouse and keyboard cannot be heard any more: {error}"
                if not isinstance(error, ActuatorError):
                    raise

    def _run(self) -> None:
        while not self._over:
            # A connection that was cut is closed at the other end, and readable.
            ready, _, _ = select.select([self._x.fileno(), self._wake_read], [], [], self._nap())
            if self._wake_read in ready:
                return
            self._try()

    def _where(self) -> Point:
        """Where the pointer is."""
        with self._display.asking():
            at = self._display.root.query_pointer()
        return Point(at.root_x, at.root_y)

    def _heed_overlays(self) -> XOverlays:
        from Xlib import X

        with self._display.mapped(), self._display.asking():
            self._display.root.change_attributes(event_mask=X.PropertyChangeMask)
            return XOverlays(self._x)

    def _is_for_overlay(self, kind: Kind) -> bool:
        """Whether what the user does now goes to an overlay: keys where the focus is, all else where the pointer is."""
        if not self._overlays:
            return False
        with self._display.asking():
            if kind == "key":
                return self._overlays.owns(getattr(self._x.get_input_focus().focus, "id", 0))
            return getattr(self._display.root.query_pointer().child, "id", 0) in self._tops()

    def _tops(self) -> Collection[int]:
        """The top-level windows of overlays, looked up once a second: a mouse tells of itself a thousand times."""
        if self._tops_of != self._overlays.clients or time.monotonic() > self._tops_until:
            self._known_tops = frozenset(self._overlays.tops())
            self._tops_of, self._tops_until = self._overlays.clients, time.monotonic() + TOPS_SECONDS
        return self._known_tops


class PanicKeys:
    """Knows by keycodes when a chord is pressed, in whatever keyboard mapping is in force."""

    def __init__(self, display: XDisplay, names: Sequence[str]) -> None:
        self._display = display
        self._keysyms = [_keysyms(name) for name in names]
        self._codes: list[set[int]] | None = None
        self._held: set[int] = set()

    def forget_mapping(self) -> None:
        """The keyboard mapping has changed."""
        self._codes = None

    def down(self, keycode: int) -> bool:
        """A key went down: whether it completes the chord."""
        if keycode in self._held:  # it repeats
            return False
        self._held.add(keycode)
        codes = self._codes = self._codes if self._codes is not None else self._read()
        return bool(codes) and keycode in codes[-1] and all(one & self._held for one in codes)

    def up(self, keycode: int) -> None:
        """A key came up."""
        self._held.discard(keycode)

    def _read(self) -> list[set[int]]:
        info = self._display.x.display.info
        with self._display.asking():
            rows = self._display.x.get_keyboard_mapping(info.min_keycode, info.max_keycode - info.min_keycode + 1)
        return [
            {code for code, row in enumerate(rows, info.min_keycode) if wanted.intersection(row)}
            for wanted in self._keysyms
        ]


def _keysyms(name: str) -> set[int]:
    keysym = keysym_named(name)
    return {keysym, *_TWINS.get(keysym, ())}
