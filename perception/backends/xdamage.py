"""What an X11 server tells about changes: damaged areas, since when, and how the program in front is doing.

The only user of python-xlib for watching. Not safe for use by two threads at a time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perception.backends.xbeneath import XBeneath
from perception.backends.xbusy import XBusy
from perception.backends.xfront import Front, XFront
from perception.backends.xstack import XStack
from perception.frames import bounding, overlap
from perception.screenshot import Region

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window

_WRAP = 2**32 / 1000  # seconds, after which the server's clock begins anew


class WatchLost(Exception):
    """The server does not tell (any more): no X11, no DAMAGE extension, or the connection broke."""


@dataclass(slots=True)
class Told:
    """What the server has told since it was asked before.

    Attributes:
        damage: around all that was painted, in pixels of the root window.
        traces: the parts of it that were painted for the first time since `trace`, and when (`time.monotonic`).
        refocused: another window may be in front.
        answered: the last ping was answered.
        resized: the screen may have another size.
    """

    damage: Region | None = None
    traces: list[tuple[Region, float]] = field(default_factory=list[tuple[Region, float]])
    refocused: bool = False
    answered: bool = False
    resized: bool = False


class XDamage:
    """A connection that listens for damage on the root window, and knows the program in front."""

    def __init__(self, display: str | None) -> None:
        self._display = _connect(display)
        self._display.set_error_handler(_ignore)  # windows vanish while they are being asked
        self._root: Window = self._display.screen().root
        self._atoms: dict[str, int] = {}
        self._tracing = False
        try:
            with _one_error():
                self._behind = self._compare_clocks()
                self._damage, self._traced = self._listen()
                self._stack = XStack(self._display)
                self._beneath = XBeneath(self._display, self._stack)
                self._beneath.follow()
                self._front = XFront(self._display, self._atom, self._stack)
                self._busy = XBusy(self._display)
                self._handlers = self._event_handlers()
        except WatchLost:
            self.close()
            raise

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
                if self._stack.note(event):
                    self._beneath.follow()
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
            for damage in (self._damage, self._traced) if self._tracing else (self._damage,):
                self._display.damage_subtract(damage)  # pyright: ignore  # added by the extension
            self._beneath.forget()
            self._display.sync()

    def trace(self) -> Told:
        """From now on, tell when each part is painted for the first time, too; what was told before that.

        However long nobody asks, what is kept until then is no more than the screen has parts.

        Raises:
            WatchLost: the connection broke.
        """
        self._tracing = False
        with _one_error():
            self._display.damage_subtract(self._traced)  # pyright: ignore  # added by the extension
            self._display.sync()
        told = self.told()
        self._tracing = True
        return told

    def untrace(self) -> None:
        """No more of that."""
        self._tracing = False

    def ping(self) -> bool:
        """Ask the program in front whether it keeps up. False if there is none, or it knows no such question.

        Raises:
            WatchLost: the connection broke.
        """
        with _one_error():
            return self._front.ping()

    def moved_on(self) -> bool:
        """Whether another window is in front than the one that was pinged last."""
        with _one_error():
            return self._front.moved_on()

    def give_up(self) -> bool:
        """Whether the window pinged last has never answered; it is not asked again then, unless it does."""
        return self._front.give_up()

    def front(self) -> Front:
        """What is in front.

        Raises:
            WatchLost: the connection broke.
        """
        with _one_error():
            return self._front.described()

    def waiting(self) -> bool:
        """Whether the mouse pointer has a shape that asks the user to wait."""
        with _one_error():
            return self._busy.waiting

    def fresh_windows(self) -> tuple[Region, ...]:
        """Where windows have come a moment ago, in pixels of the root window."""
        return tuple(place for window, place in self._busy.fresh.items() if not self._stack.is_overlay(window))

    def cut(self) -> None:
        """Make a call that waits for the server in another thread end, with WatchLost."""
        with suppress(OSError):
            self._display.display.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        with suppress(Exception):  # a broken connection cannot be closed politely
            self._display.close()
        with suppress(Exception):  # and then is left open
            self._display.display.socket.close()

    def _listen(self) -> tuple[int, int]:
        from Xlib import X
        from Xlib.ext import damage

        if not self._display.has_extension(damage.extname):
            raise WatchLost("the X server has no DAMAGE extension")
        self._display.damage_query_version()  # pyright: ignore  # added by the extension
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.StructureNotifyMask | X.PropertyChangeMask)
        bounds, parts = damage.DamageReportBoundingBox, damage.DamageReportDeltaRectangles
        damages = [self._root.damage_create(level) for level in (bounds, parts)]  # pyright: ignore  # as above
        self._display.sync()
        return int(damages[0]), int(damages[1])  # pyright: ignore  # as above

    def _compare_clocks(self) -> float:
        """Seconds by which the server's clock is behind ours, learnt from an event that comes at once."""
        from Xlib import X, Xatom

        window = self._root.create_window(0, 0, 1, 1, 0, 0, X.InputOnly, event_mask=X.PropertyChangeMask)
        window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"clock")
        self._display.sync()
        behind = 0.0
        while self._display.pending_events():
            event: Any = self._display.next_event()
            if event.type == X.PropertyNotify:
                behind = time.monotonic() - event.time / 1000
        window.destroy()
        return behind

    def _event_handlers(self) -> dict[int, Callable[[Any, Told], None]]:
        from Xlib import X

        damaged: int = self._display.extension_event.DamageNotify  # pyright: ignore  # filled in by extensions
        handlers: dict[int, Callable[[Any, Told], None]] = {
            damaged: self._note_damage,
            X.ClientMessage: self._note_answer,
            X.PropertyNotify: self._note_property,
            X.MapNotify: lambda event, _: self._busy.note_mapped(event),
            X.UnmapNotify: self._note_gone,
            X.DestroyNotify: self._note_gone,
            X.ConfigureNotify: self._note_size,
        }
        if self._busy.cursor_event is not None:
            handlers[self._busy.cursor_event] = lambda event, _: self._busy.note_cursor(event)
        return handlers

    def _note_damage(self, event: Any, told: Told) -> None:
        area = Region(event.area.x, event.area.y, event.area.width, event.area.height)
        if self._beneath.knows(event):
            beneath = self._beneath.place(event)
            if beneath is not None:
                told.damage = bounding([beneath] if told.damage is None else [beneath, told.damage])
                told.traces += [(beneath, self._ours(event.timestamp))] if self._tracing else []
        elif any(overlap(area, place) == area for place in self._stack.overlays):  # an overlay's own doing
            self._display.damage_subtract(event.damage)  # pyright: ignore  # added by the extension
        elif event.damage != self._traced:
            told.damage = bounding([area] if told.damage is None else [area, told.damage])
        elif self._tracing:
            told.traces.append((area, self._ours(event.timestamp)))

    def _note_answer(self, event: Any, told: Told) -> None:
        told.answered = self._front.answers(event) or told.answered

    def _note_property(self, event: Any, told: Told) -> None:
        if event.atom == self._atom("_NET_ACTIVE_WINDOW"):
            told.refocused = True

    def _note_gone(self, event: Any, told: Told) -> None:
        told.refocused = True
        self._front.gone(event.window.id)
        self._busy.note_gone(event.window.id)

    def _note_size(self, event: Any, told: Told) -> None:
        if event.window == self._root:
            told.resized = True

    def _ours(self, timestamp: int) -> float:
        """Our time for one of the server's, in milliseconds; never in the future."""
        now = time.monotonic()
        ago = (now - self._behind - timestamp / 1000) % _WRAP
        return now - (ago if ago < _WRAP / 2 else 0.0)

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._display.intern_atom(name)
        return self._atoms[name]


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
