"""What an X11 server tells about changes: damaged areas, and whether the program in front is keeping up.

The only user of python-xlib among the eyes. Not safe for use by two threads at a time.

A ping (`_NET_WM_PING`) is answered by a program when its event loop gets to it, so an answer means that it has
dealt with all input sent before: that is how "busy, and not painting yet" is told from "nothing to do".
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from perception.frames import bounding
from perception.screenshot import Region

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window

_MAX_DEPTH = 16  # windows between a focused field and its program's own window


class WatchLost(Exception):
    """The server does not tell (any more): no X11, no DAMAGE extension, or the connection broke."""


@dataclass(slots=True)
class Told:
    """What the server has told since it was asked before. `damage` is in pixels of the root window."""

    damage: Region | None = None
    refocused: bool = False
    answered: bool = False
    resized: bool = False


class XDamage:
    """A connection that listens for damage on the root window, and pings the program in front."""

    def __init__(self, display: str | None) -> None:
        self._display = _connect(display)
        self._display.set_error_handler(_ignore)  # windows vanish while they are being asked
        self._root: Window = self._display.screen().root
        try:
            with _one_error():
                self._damage = self._listen()
        except WatchLost:
            self.close()
            raise
        self._atoms: dict[str, int] = {}
        self._handlers = self._event_handlers()
        self._serials = count(1)
        self._serial: int | None = None  # of the ping that is not answered yet
        self._asked = 0  # the window that was pinged last
        self._proven: set[int] = set()  # windows that have answered
        self._deaf: set[int] = set()  # windows that promised to answer, and have not

    def fileno(self) -> int:
        """Readable when the server has something to tell. Ask `told` first: events may be queued here."""
        return self._display.fileno()

    def told(self) -> Told:
        """What has come in; does not wait.

        Raises:
            WatchLost: the connection broke.
        """
        told = Told()
        with _one_error():
            while self._display.pending_events():
                event: Any = self._display.next_event()
                handler = self._handlers.get(event.type)
                if handler is not None:
                    handler(event, told)
        return told

    def forget(self) -> None:
        """Declare all damage seen. Without that the server tells of damage only where there was none before.

        Whatever is drawn after this returns is told. Look at the pixels after it, and keep what `told` says then:
        damage that was told and is not forgotten again is never told a second time.

        Raises:
            WatchLost: the connection broke.
        """
        with _one_error():
            self._display.damage_subtract(self._damage)  # pyright: ignore  # added by the extension
            self._display.sync()

    def ping(self) -> bool:
        """Ask the program in front whether it keeps up. False if there is none, or it knows no such question.

        Raises:
            WatchLost: the connection broke.
        """
        from Xlib import X
        from Xlib.protocol.event import ClientMessage

        with _one_error():
            window = self._in_front()
            if window is None:
                self._serial = None
                return False
            self._serial = next(self._serials)
            data = [self._atom("_NET_WM_PING"), self._serial, window.id, 0, 0]
            message = ClientMessage(window=window, client_type=self._atom("WM_PROTOCOLS"), data=(32, data))
            window.send_event(message, event_mask=X.NoEventMask)
            self._display.flush()
            self._asked = window.id
        return True

    def moved_on(self) -> bool:
        """Whether another window is in front than the one that was pinged last."""
        with _one_error():
            window = self._in_front()
        return window is not None and window.id != self._asked

    def give_up(self) -> bool:
        """Whether the window pinged last has never answered; it is not asked again then, unless it does."""
        if self._asked in self._proven:
            return False
        self._deaf.add(self._asked)
        self._serial = None
        return True

    def close(self) -> None:
        """Close the connection. May be called twice."""
        with suppress(Exception):  # a broken connection cannot be closed politely
            self._display.close()
        with suppress(Exception):  # and then is left open
            self._display.display.socket.close()

    def _listen(self) -> int:
        from Xlib import X
        from Xlib.ext import damage

        if not self._display.has_extension(damage.extname):
            raise WatchLost("the X server has no DAMAGE extension")
        self._display.damage_query_version()  # pyright: ignore  # added by the extension
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.StructureNotifyMask | X.PropertyChangeMask)
        identifier = self._root.damage_create(damage.DamageReportBoundingBox)  # pyright: ignore  # as above
        self._display.sync()
        return int(identifier)  # pyright: ignore  # as above

    def _event_handlers(self) -> dict[int, Callable[[Any, Told], None]]:
        from Xlib import X

        damaged: int = self._display.extension_event.DamageNotify  # pyright: ignore  # filled in by extensions
        return {
            damaged: _note_damage,
            X.ClientMessage: self._note_answer,
            X.PropertyNotify: self._note_property,
            X.UnmapNotify: self._note_gone,
            X.DestroyNotify: self._note_gone,
            X.ConfigureNotify: self._note_size,
        }

    def _note_answer(self, event: Any, told: Told) -> None:
        if event.client_type != self._atom("WM_PROTOCOLS"):
            return
        kind, serial, window = event.data[1][:3]
        if kind != self._atom("_NET_WM_PING"):
            return
        self._proven.add(window)
        self._deaf.discard(window)
        if serial == self._serial:
            self._serial = None
            told.answered = True

    def _note_property(self, event: Any, told: Told) -> None:
        if event.atom == self._atom("_NET_ACTIVE_WINDOW"):
            told.refocused = True

    def _note_gone(self, event: Any, told: Told) -> None:
        told.refocused = True
        self._deaf.discard(event.window.id)
        self._proven.discard(event.window.id)

    def _note_size(self, event: Any, told: Told) -> None:
        if event.window == self._root:
            told.resized = True

    def _in_front(self) -> Window | None:
        """The window to ping: the active one; where no window manager says which, the focused one."""
        from Xlib import X
        from Xlib.error import XError

        active = self._root.get_full_property(self._atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType)
        try:
            if active is not None and len(active.value) and active.value[0]:
                window = self._display.create_resource_object("window", int(active.value[0]))
                return window if self._is_answering(window) else None
            return self._focused()
        except XError:  # gone in the meantime
            return None

    def _focused(self) -> Window | None:
        """The nearest window that answers pings, upward from the one with the focus, or under the pointer."""
        window: Any = self._display.get_input_focus().focus
        if isinstance(window, int) or window == self._root:  # none, or wherever the pointer is
            window = self._root.query_pointer().child
        for _ in range(_MAX_DEPTH):
            if isinstance(window, int) or window == self._root:
                return None
            if self._is_answering(window):
                return window
            window = window.query_tree().parent
        return None

    def _is_answering(self, window: Window) -> bool:
        """Whether a window promises to answer pings, and has not broken that promise."""
        from Xlib import X

        if window.id in self._deaf:
            return False
        protocols = window.get_full_property(self._atom("WM_PROTOCOLS"), X.AnyPropertyType)
        return protocols is not None and self._atom("_NET_WM_PING") in list(protocols.value)

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._display.intern_atom(name)
        return self._atoms[name]


def _note_damage(event: Any, told: Told) -> None:
    area = Region(event.area.x, event.area.y, event.area.width, event.area.height)
    told.damage = bounding([area] if told.damage is None else [area, told.damage])


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""


def _connect(display: str | None) -> Display:
    from actuators.errors import ActuatorError
    from actuators.xlibfix import open_display

    try:
        return open_display(display)
    except ActuatorError as error:
        raise WatchLost(str(error)) from error


@contextmanager
def _one_error() -> Generator[None, None, None]:
    """The one place where exceptions of python-xlib become ours."""
    import struct

    from Xlib.error import ConnectionClosedError, XError

    known = (XError, ConnectionClosedError, OSError, struct.error)
    try:
        yield
    except known as error:
        raise WatchLost(str(error).split("\n")[0] or type(error).__name__) from error
