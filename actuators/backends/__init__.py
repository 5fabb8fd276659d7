"""What hands are made of: the few primitives that each system's backend provides.

`actuators.hands.Hands` is the façade: it holds the lock, checks, times, and keeps the books of what is held. A backend
just does what it is told, one call at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeAlias

from actuators.actions import Button

Pause: TypeAlias = Callable[[float], None]
"""Sleep for so many seconds, or raise `Interrupted` as soon as the hands have been told to let go."""


class Monitor(NamedTuple):
    """A rectangle that the pointer can be in, in screen units; right and bottom are exclusive."""

    left: int
    top: int
    width: int
    height: int

    def contains(self, x: int, y: int) -> bool:
        """Whether the point lies inside."""
        return 0 <= x - self.left < self.width and 0 <= y - self.top < self.height


class Backend(Protocol):
    """Primitive input on one display. Called by one thread at a time, always inside `acting()`."""

    @property
    def name(self) -> str:
        """As `open_hands(backend=…)` calls it."""
        ...

    def acting(self) -> AbstractContextManager[None]:
        """Entered around each action: here, and nowhere else, a backend's own exceptions become ours.

        Raises (on leaving):
            ActuatorError: DisplayLost when the display has gone or does not answer in time.
        """
        ...

    def monitors(self) -> Sequence[Monitor]:
        """Where the pointer can be, as of now."""
        ...

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a point; the display has got it when this returns."""
        ...

    def button(self, button: Button, down: bool) -> None:
        """Press or release a mouse button where the pointer is."""
        ...

    def notch(self, dx: int, dy: int) -> None:
        """Turn the wheel: whole notches, positive is right and down."""
        ...

    def key(self, name: str, down: bool) -> None:
        """Press or release a key by its canonical name (`actuators.keys`).

        Raises:
            NotSupported: this system has no such key.
        """
        ...

    def type_text(self, text: str, pause: Pause) -> None:
        """Enter text exactly. It holds no control characters but newline (Enter) and tab (Tab).

        Raises:
            CannotType: names the characters and the reason; what came before them may have been typed.
        """
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice, and when the display has gone."""
        ...
