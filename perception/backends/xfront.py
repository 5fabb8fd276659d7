"""The window in front of an X11 screen: whose it is, and whether its program keeps up.

A ping (`_NET_WM_PING`) is answered by a program when its event loop gets to it, so an answer means that it has
dealt with all input sent before: that is how "busy, and not painting yet" is told from "nothing to do".
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from perception.backends import numbers

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window

_MAX_DEPTH = 16  # windows between a focused field and its program's own window
_MAX_KNOWN = 200  # windows whose programs are remembered


@dataclass(frozen=True, slots=True)
class Front:
    """The window in front: its program's class, its title, and its process if that runs on this machine."""

    program: str = ""
    window: str = ""
    pid: int | None = None


class Overlays(Protocol):
    """Tells windows that are none of the agent's business: see `xstack`."""

    def is_overlay(self, window: int) -> bool:
        """Whether a window is one of them."""
        ...

    def before(self, window: int) -> int:
        """The window that was active before one of them; 0 for none."""
        ...


class XFront:
    """Asks about the window in front, and pings it. Errors of python-xlib pass through, but not of windows that go."""

    def __init__(self, display: Display, atom: Callable[[str], int], overlays: Overlays | None = None) -> None:
        self._display, self._atom, self._overlays = display, atom, overlays
        self._root: Window = display.screen().root
        self._serials = count(1)
        self._serial: int | None = None  # of the ping that is not answered yet
        self._asked = 0  # the window that was pinged last
        self._proven: set[int] = set()  # windows that have answered
        self._deaf: set[int] = set()  # windows that promised to answer, and have not
        self._owners: dict[int, tuple[str, int | None]] = {}

    def ping(self) -> bool:
        """Ask the program in front whether it keeps up. False if there is none, or it knows no such question."""
        from Xlib import X
        from Xlib.protocol.event import ClientMessage

        window = self._answering()
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

    def answers(self, event: Any) -> bool:
        """Whether a client message answers the last ping."""
        if event.client_type != self._atom("WM_PROTOCOLS"):
            return False
        kind, serial, window = event.data[1][:3]
        if kind != self._atom("_NET_WM_PING"):
            return False
        self._proven.add(window)
        self._deaf.discard(window)
        answered = serial == self._serial
        self._serial = None if answered else self._serial
        return answered

    def moved_on(self) -> bool:
        """Whether the window that was pinged last is not the one to ping any more; there may be none."""
        window = self._answering()
        return window is None or window.id != self._asked

    def give_up(self) -> bool:
        """Whether the window pinged last has never answered; it is not asked again then, unless it does."""
        if self._asked in self._proven:
            return False
        self._deaf.add(self._asked)
        self._serial = None
        return True

    def gone(self, window: int) -> None:
        """A window is not there any more."""
        self._deaf.discard(window)
        self._proven.discard(window)
        self._owners.pop(window, None)

    def described(self) -> Front:
        """What is in front; nothing where no window manager says it. Costs some round trips to the server."""
        from Xlib.error import XError

        try:
            window = self.active()
            if window is None:
                return Front()
            if len(self._owners) > _MAX_KNOWN:
                self._owners.clear()
            if window.id not in self._owners:
                self._owners[window.id] = _class_of(window), self._pid_of(window)
            program, pid = self._owners[window.id]
            return Front(program, self._title_of(window), pid)
        except XError:  # gone in the meantime
            return Front()

    def of(self, window: Window) -> Front:
        """What a window is. Raises errors of python-xlib where it goes in the meantime."""
        return Front(_class_of(window), self._title_of(window), self._pid_of(window))

    def active(self) -> Window | None:
        """The active window, as the window manager says; for an overlay, the one that was active before it."""
        from Xlib import X

        active = self._root.get_full_property(self._atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType)
        window = 0 if active is None or not len(active.value) else int(active.value[0])
        if window and self._overlays is not None and self._overlays.is_overlay(window):
            window = self._overlays.before(window)
        return self._display.create_resource_object("window", window) if window else None

    def _answering(self) -> Window | None:
        """The window to ping: the active one; where no window manager says which, the focused one."""
        from Xlib.error import XError

        try:
            active = self.active()
            if active is not None:
                return active if self._is_answering(active) else None
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
        if window.id in self._deaf:
            return False
        protocols = self._property(window, "WM_PROTOCOLS")
        return protocols is not None and self._atom("_NET_WM_PING") in list(protocols)

    def _title_of(self, window: Window) -> str:
        title = self._property(window, "_NET_WM_NAME") or self._property(window, "WM_NAME")
        return title.decode(errors="replace") if isinstance(title, bytes) else str(title or "")

    def _pid_of(self, window: Window) -> int | None:
        """The process, if it is one of this machine: another one's number says nothing here."""
        machine, declared = self._property(window, "WM_CLIENT_MACHINE"), self._property(window, "_NET_WM_PID")
        name = machine.decode(errors="replace") if isinstance(machine, bytes) else str(machine or "")
        if name and name not in (socket.gethostname(), "localhost"):
            pid = self._pid_by_server(window)  # of a sandbox on this machine, or of what forwards another one's windows
            return pid if pid > 1 and numbers.is_apart(pid) else None
        pid = int(declared[0]) if declared and name else self._pid_by_server(window)
        return pid if pid > 1 else None

    def _pid_by_server(self, window: Window) -> int:
        """What the server knows of the program at the other end of a local connection; 0 for nothing."""
        from Xlib.ext import res

        display: Any = self._display
        if not display.has_extension(res.extname):
            return 0
        found = display.res_query_client_ids([{"client": window.id, "mask": res.LocalClientPIDMask}]).ids
        return int(found[0].value[0]) if found and found[0].value else 0

    def _property(self, window: Window, name: str) -> Any:
        from Xlib import X

        found = window.get_full_property(self._atom(name), X.AnyPropertyType)
        return None if found is None or not len(found.value) else found.value


def _class_of(window: Window) -> str:
    names = window.get_wm_class()
    return "" if not names else str(names[1])
