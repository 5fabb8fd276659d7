"""Listening on Windows and macOS: the system's hooks, by pynput, which tells what programs have sent from the rest.

On Windows an event carries LLMHF_INJECTED or LLKHF_INJECTED, on macOS the number of the process that sent it. What
other programs send (remote control, say) looks like our own: only real devices count. Not tried on these systems yet.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actuators.actions import Point
from actuators.backends.witness import Kind
from actuators.errors import NotSupported
from actuators.guard import Heard

if TYPE_CHECKING:
    from actuators.guard import Hear

JITTER_PIXELS = 5.0
JITTER_SECONDS = 0.2
NOTE = "input that other programs send, such as remote control, is not taken for the user's"
UNTRUSTED = (
    "the user's own mouse and keyboard cannot be heard: allow Deskhand (or your terminal) under System Settings, "
    "Privacy & Security, Accessibility and Input Monitoring"
)
# pynput's names of keys that we call otherwise; the right and left one count as the same key.
_NAMES = {
    "esc": "escape", "cmd": "super", "cmd_l": "super", "cmd_r": "super", "ctrl_l": "ctrl", "ctrl_r": "ctrl",
    "shift_l": "shift", "shift_r": "shift", "alt_l": "alt", "alt_r": "alt",
}  # fmt: skip


class HookListener:
    """The user's own hands, on the whole desktop.

    Attributes:
        note: what is not heard.
    """

    def __init__(self, panic: Sequence[str]) -> None:
        """Load pynput; `panic` names the keys of the panic chord.

        Raises:
            NotSupported: pynput does not work here.
        """
        try:
            from pynput import keyboard, mouse
        except ImportError as error:
            raise NotSupported(f"pynput does not work here: {error}") from error
        self.note = NOTE
        self._chord = tuple(panic)
        self._hear: Hear = lambda heard: None
        self._held: set[str] = set()
        self._at: tuple[float, float] | None = None
        self._steps: deque[tuple[float, float, float]] = deque()
        mouse_listener: Any = mouse.Listener
        key_listener: Any = keyboard.Listener
        self._listeners: list[Any] = [
            mouse_listener(on_move=self._moved, on_click=self._clicked, on_scroll=self._scrolled),
            key_listener(on_press=self._pressed, on_release=self._released),
        ]

    def start(self, hear: Hear) -> None:
        """Begin to listen."""
        self._hear = hear
        for listener in self._listeners:
            listener.daemon = True
            listener.start()
            listener.wait()
        if sys.platform == "darwin" and not all(getattr(each, "IS_TRUSTED", True) for each in self._listeners):
            self.note = UNTRUSTED

    def begin(self) -> None:
        """Our own events carry a mark: nothing to know."""

    def expect(self, kind: Kind, count: int = 1) -> None:
        """Our own events carry a mark: nothing to know."""

    def end(self) -> None:
        """Our own events carry a mark: nothing to know."""

    def close(self) -> None:
        """Take the hooks away."""
        for listener in self._listeners:
            listener.stop()

    def _moved(self, x: float, y: float, injected: bool = False) -> None:
        before, self._at = self._at, (x, y)
        if injected or before is None:
            return
        now = time.monotonic()
        self._steps.append((now, x - before[0], y - before[1]))
        while now - self._steps[0][0] > JITTER_SECONDS:
            self._steps.popleft()
        if math.hypot(sum(dx for _, dx, _ in self._steps), sum(dy for _, _, dy in self._steps)) >= JITTER_PIXELS:
            self._hear(Heard("pointer"))

    def _clicked(self, x: float, y: float, button: object, pressed: bool, injected: bool = False) -> None:
        if pressed and not injected:
            self._hear(Heard("button", Point(round(x), round(y))))

    def _scrolled(self, x: float, y: float, dx: int, dy: int, injected: bool = False) -> None:
        if not injected:
            self._hear(Heard("wheel"))

    def _pressed(self, key: object, injected: bool = False) -> None:
        name = _name(key)
        if injected or name in self._held:  # it repeats
            return
        self._held.add(name)
        self._hear(Heard("key", panic=name == self._chord[-1] and self._held.issuperset(self._chord)))

    def _released(self, key: object, injected: bool = False) -> None:
        if not injected:
            self._held.discard(_name(key))


def _name(key: Any) -> str:
    """The canonical name of a key as pynput gives it: a `Key`, a `KeyCode`, or None."""
    name = getattr(key, "name", None) or getattr(key, "char", None) or str(key)
    return _NAMES.get(name, str(name).lower())
