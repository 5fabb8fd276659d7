"""Signs on an X11 screen of a program at work: a mouse pointer that says so, and windows that have just come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from perception.screenshot import Region

if TYPE_CHECKING:
    from Xlib.display import Display

BUSY_CURSORS = frozenset(
    {
        *("watch", "wait", "left_ptr_watch", "progress", "half-busy", "clock"),
        # What the first programs with cursor themes called them, and many since: digests of their pixels.
        *("0426c94ea35c87780ff01dc239897213", "00000000000000020006000e7e9ffc3f"),
        *("08e8e1c95fe2fc01f976f1e063a24ccd", "3ecb610c1bf2410f44200f48c40d3599"),
    }
)
YOUNG = 1.0  # seconds for which a new window may still have to be painted
_LEAST = 48  # pixels; smaller windows are no dialogs
_CURSOR_NOTIFY = 1  # of the events of XFIXES


class XBusy:
    """Listens for the pointer's shape and for new windows. Errors of python-xlib pass through."""

    def __init__(self, display: Display) -> None:
        self._display: Any = display
        self._names: dict[int, str] = {}  # of cursors, by atom
        self._cursor = 0  # the atom of its name
        self._fresh: dict[int, tuple[float, Region]] = {}  # windows, since when, and where
        self.cursor_event = self._listen()

    @property
    def waiting(self) -> bool:
        """Whether the mouse pointer has a shape that asks the user to wait."""
        if not self._cursor:
            return False
        if self._cursor not in self._names:
            self._names[self._cursor] = self._display.get_atom_name(self._cursor)
        return self._names[self._cursor].lower() in BUSY_CURSORS

    @property
    def fresh(self) -> dict[int, Region]:
        """Windows that have come a moment ago and are still there, in pixels of the root window."""
        now = time.monotonic()
        self._fresh = {window: new for window, new in self._fresh.items() if now - new[0] < YOUNG}
        return {window: region for window, (_, region) in self._fresh.items()}

    def note_cursor(self, event: Any) -> None:
        """The pointer has another shape."""
        self._cursor = int(event.name)

    def note_mapped(self, event: Any) -> None:
        """A window has come."""
        from Xlib.error import XError

        try:
            place = event.window.get_geometry()
        except XError:  # and gone again
            return
        if place.width >= _LEAST and place.height >= _LEAST:
            self._fresh[event.window.id] = time.monotonic(), Region(place.x, place.y, place.width, place.height)

    def note_gone(self, window: int) -> None:
        """A window is not there any more."""
        self._fresh.pop(window, None)

    def _listen(self) -> int | None:
        """The number of the events that tell of the pointer's shape; None on servers that tell nothing."""
        from Xlib.ext import xfixes

        if not self._display.has_extension(xfixes.extname):
            return None
        self._display.xfixes_query_version()
        mask = xfixes.XFixesDisplayCursorNotifyMask
        self._display.xfixes_select_cursor_input(self._display.screen().root, mask)
        number = self._display.query_extension(xfixes.extname).first_event + _CURSOR_NOTIFY
        self._display.display.event_classes[number] = {0: _cursor_notify()}
        return int(number)


def _cursor_notify() -> Any:
    """The event with the name of the cursor, which python-xlib leaves out."""
    from Xlib.protocol import rq

    class CursorNotify(rq.Event):
        _code = None
        _fields = rq.Struct(
            rq.Card8("type"),
            rq.Card8("sub_code"),
            rq.Card16("sequence_number"),
            rq.Window("window"),
            rq.Card32("cursor_serial"),
            rq.Card32("timestamp"),
            rq.Card32("name"),
            rq.Pad(12),
        )

    return CursorNotify
