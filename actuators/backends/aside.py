"""Hands that reach what is under the overlay: for as long as they use the pointer, clicks go through it.

What the user sees of a session floats over the windows that the agent works on. It may stay where it is: the pictures
are made without it (`perception`), and the pointer reaches what they show.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Protocol

from actuators.actions import Button
from actuators.backends import Backend, Monitor, Pause


class Aside(Protocol):
    """Lets clicks through the overlays of a display. Called from inside `Backend.acting`, by one thread at a time."""

    def step(self) -> None:
        """From now on the pointer does not meet them."""
        ...

    def check(self) -> None:
        """Right before a press: make sure of it.

        Raises:
            ActuatorError: one is in the way all the same; nothing may be pressed.
        """
        ...

    def back(self) -> None:
        """The user can click on them again; not before the pointer leaves them, where it rests over one."""
        ...

    def free_keys(self) -> None:
        """Give the keyboard back to the program in front, if an overlay has it.

        Raises:
            ActuatorError: it stays with the overlay; nothing may be typed.
        """
        ...

    def close(self) -> None:
        """Let go. Safe to call twice."""
        ...


class PastOverlays:
    """A backend whose pointer meets no overlay, and whose keys none gets."""

    def __init__(self, backend: Backend, aside: Aside) -> None:
        self._backend, self._aside = backend, aside
        self._stepped = False

    @property
    def name(self) -> str:
        """The name of the backend behind."""
        return self._backend.name

    @contextmanager
    def acting(self) -> Generator[None, None, None]:
        """Around each action."""
        with self._backend.acting():
            try:
                yield
            finally:
                if self._stepped:
                    self._stepped = False
                    self._aside.back()

    def monitors(self) -> Sequence[Monitor]:
        """As the backend."""
        return self._backend.monitors()

    def move(self, x: int, y: int) -> None:
        """The pointer passes under the overlays."""
        if not self._stepped:
            self._stepped = True
            self._aside.step()
        self._backend.move(x, y)

    def button(self, button: Button, down: bool) -> None:
        """A press is never meant for an overlay."""
        if down:
            self._aside.check()
        self._backend.button(button, down)

    def notch(self, dx: int, dy: int) -> None:
        """Nor is the wheel."""
        self._aside.check()
        self._backend.notch(dx, dy)

    def key(self, name: str, down: bool) -> None:
        """Nor are keys."""
        if down:
            self._aside.free_keys()
        self._backend.key(name, down)

    def type_text(self, text: str, pause: Pause) -> None:
        """Nor is text."""
        self._aside.free_keys()
        self._backend.type_text(text, pause)

    def close(self) -> None:
        """Close both."""
        self._aside.close()
        self._backend.close()


def past_overlays(backend: Backend, display: str | None) -> Backend:
    """A backend that leaves overlays alone, as far as this system lets it.

    Raises:
        DisplayLost: there is no such display.
    """
    if sys.platform == "win32":
        from actuators.backends.aside_windows import WindowsAside

        return PastOverlays(backend, WindowsAside())
    if sys.platform == "darwin":
        from actuators.backends.aside_macos import MacAside

        return PastOverlays(backend, MacAside())
    from actuators.backends.xaside import XAside

    return PastOverlays(backend, XAside(display))
