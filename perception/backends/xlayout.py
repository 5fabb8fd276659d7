"""What has come between the eyes and a window: which top-level windows were mapped, moved or raised lately.

Pixels alone do not tell: a white dialog over a white page looks the same around most of its points.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from perception.backends.xstack import XStack

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window


class XLayout:
    """A connection of its own that keeps book of changes since `note`. Not safe for use by two threads at a time.

    A server that goes away makes every answer False: eyes and hands report the loss themselves.
    """

    def __init__(self, display: str | None) -> None:
        from Xlib import X

        from actuators.xlibfix import open_display

        self._display: Display = open_display(display)
        self._display.set_error_handler(_ignore)  # windows vanish while they are being asked
        self._root: Window = self._display.screen().root
        self._active_atom = self._display.intern_atom("_NET_ACTIVE_WINDOW")
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
        self._stack = XStack(self._display)
        self._display.sync()
        self._came: set[int] = set()
        self._refocused = False
        self._active = self._active_window()

    def note(self) -> None:
        """The windows are known as they are now."""
        self._take_in()
        self._came.clear()
        if self._refocused:
            self._active, self._refocused = self._active_window(), False

    def covers(self, x: int, y: int) -> bool:
        """Whether the top-level window at a point of the screen has come, moved or been raised there since `note`."""
        self._take_in()
        if not self._came:
            return False
        with suppress(Exception):
            under: Any = self._root.translate_coords(self._root.id, x, y).child
            window = getattr(under, "id", 0)
            return (self._stack.at(x, y) if self._stack.is_overlay(window) else window) in self._came
        return False

    def refocused(self) -> bool:
        """Whether another window has become the active one since `note`."""
        self._take_in()
        return self._refocused and self._active_window() != self._active

    def close(self) -> None:
        """Disconnect. May be called twice."""
        with suppress(Exception):
            self._display.close()

    def _take_in(self) -> None:
        from Xlib import X

        with suppress(Exception):
            while self._display.pending_events():
                event: Any = self._display.next_event()
                self._stack.note(event)
                if event.type in (X.MapNotify, X.ConfigureNotify, X.CirculateNotify):
                    self._came.add(event.window.id)
                elif event.type in (X.UnmapNotify, X.DestroyNotify):
                    self._came.discard(event.window.id)
                elif event.type == X.PropertyNotify and event.atom == self._active_atom:
                    self._refocused = True

    def _active_window(self) -> int:
        from Xlib import X

        with suppress(Exception):
            active = self._root.get_full_property(self._active_atom, X.AnyPropertyType)
            window = int(active.value[0]) if active is not None and len(active.value) else 0
            return self._stack.before(window) if self._stack.is_overlay(window) else window
        return 0


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""
