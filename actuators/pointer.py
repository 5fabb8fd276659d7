"""Where the mouse pointer is: asked of the system, not of the hands that have put it there."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from actuators.actions import Point


class Pointer(Protocol):
    """The mouse pointer of one display. Every method raises `DisplayLost` when the display has gone."""

    def where(self) -> Point:
        """Where it is, in screen units."""
        ...

    def put(self, point: Point) -> None:
        """Put it there by another way than the hands' own: for putting it back, even where they miss."""
        ...

    def close(self) -> None:
        """Let go of the display. Safe to call twice."""
        ...


class XPointer:
    """Through a connection of its own."""

    def __init__(self, display: str | None) -> None:
        from actuators.backends.x11_display import XDisplay

        self._display = XDisplay(display)

    def where(self) -> Point:
        """See `Pointer`."""
        with self._display.mapped(), self._display.asking():
            found = self._display.root.query_pointer()
        return Point(found.root_x, found.root_y)

    def put(self, point: Point) -> None:
        """See `Pointer`."""
        with self._display.mapped():
            self._display.root.warp_pointer(point.x, point.y)
            self._display.sync()

    def close(self) -> None:
        """See `Pointer`."""
        self._display.close()


class SystemPointer:
    """Through pynput, which asks Windows or macOS itself."""

    def __init__(self) -> None:
        from pynput.mouse import Controller

        self._mouse: Any = Controller()

    def where(self) -> Point:
        """See `Pointer`."""
        x, y = self._mouse.position
        return Point(round(x), round(y))

    def put(self, point: Point) -> None:
        """See `Pointer`."""
        self._mouse.position = (point.x, point.y)

    def close(self) -> None:
        """See `Pointer`: nothing is held."""


def open_pointer(display: str | None = None) -> Pointer:
    """The pointer of a display like ":3"; None means this desktop.

    Raises:
        DisplayLost: there is no such display.
    """
    return SystemPointer() if sys.platform in ("win32", "darwin") else XPointer(display)
