"""The book of windows on the guest's display: which there are, in which order, and what may be done to them."""

from __future__ import annotations

import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from actuators.errors import ActuatorError
from perception.backends.xdamage import WatchLost
from perception.backends.xfront import XFront
from perception.backends.xstack import XStack
from perception.screenshot import Region
from vm.guest.events import Events
from vm.guest.wire import Refused

_PAGER = 2  # who asks, in messages to a window manager: somebody whom the user told to
_DEPTH = 8  # windows between a program's own and the frame around it


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a program: its class is both names, like "Navigator.firefox"."""

    id: int
    title: str
    program: str
    pid: int | None


class Book:
    """A connection of its own, for one thread at a time. Raises WatchLost from any call when the display is gone."""

    def __init__(self, display: str, events: Events) -> None:
        from Xlib import X

        from actuators.xlibfix import open_display

        try:
            self._x: Any = open_display(display)
        except ActuatorError as error:
            raise WatchLost(str(error)) from error
        self._x.set_error_handler(_ignore)  # windows vanish while they are being asked
        self._events = events
        self._atoms: dict[str, int] = {}
        self._known: dict[int, Window] = {}
        self._frames: dict[int, int] = {}  # windows, and the top-level ones that they are in
        self._active = 0
        self._panel = 0  # as far as one has been found
        with one_error():
            self._root: Any = self._x.screen().root
            self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
            self._stack = XStack(self._x, always=True)
            self._front = XFront(self._x, self._atom, self._stack)
            self._list(silent=True)
            self._active = self._listed_active()

    def fileno(self) -> int:
        """Readable when something has happened; ask `take_in` first, as something may be known already."""
        return int(self._x.fileno())

    def take_in(self) -> None:
        """Learn what has happened, and tell of it."""
        with one_error():
            while self._x.pending_events():
                self._note(self._x.next_event())

    def cut(self) -> None:
        """Make a call that waits for the server in another thread end, with WatchLost."""
        with suppress(OSError):
            self._x.display.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the display. May be called twice."""
        try:
            self._x.close()
        except Exception:
            self._x.display.socket.close()

    @property
    def size(self) -> tuple[int, int]:
        """Of the screen, in pixels."""
        with one_error():
            size = self._root.get_geometry()
        return int(size.width), int(size.height)

    def windows(self) -> Sequence[Window]:
        """Those of programs, in the order in which they came."""
        self.take_in()
        return list(self._known.values())

    def active(self) -> Window | None:
        """The one that gets the keys."""
        self.take_in()
        return self._known.get(self._active)

    def managed(self) -> bool:
        """Whether a window manager is at work."""
        with one_error():
            return bool(self._property("_NET_SUPPORTING_WM_CHECK"))

    def has_panel(self) -> bool:
        """Whether there is a panel, taskbar or dock."""
        dock = self._atom("_NET_WM_WINDOW_TYPE_DOCK")
        with one_error():
            shown = [*self._known, *(top.id for top in self._stack.below(self._whole()))]
            if self._panel not in shown:
                kinds = ((number, self._property("_NET_WM_WINDOW_TYPE", self._window(number))) for number in shown)
                self._panel = next((number for number, kind in kinds if dock in kind), 0)
        return self._panel != 0

    def layout(self) -> Sequence[tuple[int, Region, bool]]:
        """Top-level windows that show something, menus too, the foremost first; and whether it is the active one."""
        self.take_in()
        with one_error():
            active = self._frame(self._active) if self._active else 0
            return [(top.id, top.region, top.id == active) for top in reversed(self._stack.below(self._whole()))]

    def size_of(self, number: int) -> tuple[int, int] | None:
        """Of a window without its frame; None if it has gone."""
        from Xlib.error import XError

        with one_error():
            try:
                size = self._window(number).get_geometry()
            except XError:
                return None
        return int(size.width), int(size.height)

    def is_splash(self, number: int) -> bool:
        """Whether a window only says that another one is coming."""
        with one_error():
            return self._atom("_NET_WM_WINDOW_TYPE_SPLASH") in self._property(
                "_NET_WM_WINDOW_TYPE", self._window(number)
            )

    def activate(self, number: int) -> None:
        """Bring a window to the front, on whichever desktop it is."""
        with one_error():
            desktop = self._property("_NET_WM_DESKTOP", self._window(number))
            current = self._property("_NET_CURRENT_DESKTOP")
            if desktop and current and desktop[0] not in (current[0], 0xFFFFFFFF):
                self._tell(self._root, "_NET_CURRENT_DESKTOP", desktop[0], 0)
            self._tell(self._window(number), "_NET_ACTIVE_WINDOW", _PAGER, 0, 0)

    def shut(self, number: int) -> None:
        """Ask a window to close, as its own button does."""
        with one_error():
            self._tell(self._window(number), "_NET_CLOSE_WINDOW", 0, _PAGER)

    def _note(self, event: Any) -> None:
        from Xlib import X

        self._stack.note(event)
        if event.type in (X.ReparentNotify, X.DestroyNotify, X.CreateNotify):
            self._frames.pop(event.window.id, None)
        if event.type != X.PropertyNotify:
            return
        if event.window == self._root:
            if event.atom == self._atom("_NET_CLIENT_LIST"):
                self._list()
            elif event.atom == self._atom("_NET_ACTIVE_WINDOW"):
                self._focus(self._listed_active())
        elif event.window.id in self._known and event.atom in (self._atom("_NET_WM_NAME"), self._atom("WM_NAME")):
            self._rename(event.window.id)

    def _list(self, *, silent: bool = False) -> None:
        from Xlib import X

        listed = self._property("_NET_CLIENT_LIST")
        for number in [number for number in self._known if number not in listed]:
            gone = self._known.pop(number)
            self._front.gone(number)
            self._events.add("window.closed", window=gone.title, program=gone.program, id=number)
        for number in listed:
            if number in self._known:
                continue
            self._window(number).change_attributes(event_mask=X.PropertyChangeMask)
            self._known[number] = new = self._described(number)
            if not silent:
                self._events.add("window.opened", window=new.title, program=new.program, id=number)

    def _rename(self, number: int) -> None:
        before = self._known[number]
        now = self._known[number] = self._described(number)
        if now.title != before.title:
            self._events.add("window.renamed", window=now.title, program=now.program, id=number)

    def _focus(self, number: int) -> None:
        if number != self._active:
            self._active = number
            now = self._known.get(number)
            title, program = (now.title, now.program) if now else ("", "")
            self._events.add("window.focused", window=title, program=program, id=number)

    def _described(self, number: int) -> Window:
        from Xlib.error import XError

        window = self._window(number)
        try:
            told, names = self._front.of(window), window.get_wm_class()
        except XError:  # gone in the meantime
            return Window(number, "", "", None)
        return Window(number, told.window, ".".join(names or ()), told.pid)

    def _frame(self, number: int) -> int:
        """The top-level window that a window is in."""
        from Xlib.error import XError

        if number in self._frames:
            return self._frames[number]
        here: Any = self._window(number)
        try:
            for _ in range(_DEPTH):
                parent: Any = here.query_tree().parent
                if isinstance(parent, int) or parent == self._root:
                    break
                here = parent
        except XError:
            return 0
        self._frames[number] = here.id
        return int(here.id)

    def _listed_active(self) -> int:
        active = self._property("_NET_ACTIVE_WINDOW")
        return active[0] if active else 0

    def _whole(self) -> Region:
        screen = self._x.screen()
        return Region(0, 0, screen.width_in_pixels, screen.height_in_pixels)

    def _tell(self, window: Any, kind: str, *data: int) -> None:
        from Xlib import X
        from Xlib.protocol.event import ClientMessage

        padded = [*data, 0, 0, 0, 0, 0][:5]
        message = ClientMessage(window=window, client_type=self._atom(kind), data=(32, padded))
        self._root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._x.flush()

    def _property(self, name: str, window: Any = None) -> Sequence[int]:
        from Xlib.error import XError

        try:
            found = (window or self._root).get_full_property(self._atom(name), 0)
        except XError:
            return ()
        return () if found is None else tuple(int(value) for value in found.value)

    def _window(self, number: int) -> Any:
        return self._x.create_resource_object("window", number)

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._x.intern_atom(name)
        return self._atoms[name]


def matching(windows: Sequence[Window], name: str, *, strict: bool, by_class: bool) -> Window | None:
    """The first window that a name means: a part of the title, whatever the case; `strict`: exactly the title."""

    def of(window: Window) -> str:
        return window.program if by_class else window.title

    if strict:
        return next((window for window in windows if of(window) == name), None)
    return next((window for window in windows if name.casefold() in of(window).casefold()), None)


@contextmanager
def one_error() -> Generator[None, None, None]:
    """The one place where exceptions of python-xlib become ours."""
    import struct

    from Xlib.error import ConnectionClosedError, XError

    try:
        yield
    except XError:
        raise Refused(404, "missing", "the window has gone") from None
    except (ConnectionClosedError, OSError, struct.error) as error:
        raise WatchLost(f"the display is gone ({str(error) or type(error).__name__})") from error


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""
