"""One connection to an X server: errors mapped, round trips bounded in time, and what we ask about windows."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actuators.backends import Monitor
from actuators.errors import ActuatorError, DisplayLost
from actuators.xlibfix import open_display

ANSWER_SECONDS = 10.0  # a server that has not answered for so long counts as lost
WATCH_INTERVAL = 1.0
CHROMIUM = re.compile(r"chrom|electron|brave|vivaldi|opera|msedge|microsoft-edge|^code$|^code-|slack|discord|signal")
MAX_DEPTH = 40  # of a window below the root, against loops in broken trees


@dataclass(frozen=True, slots=True)
class Client:
    """Who owns a window: the X connection, and the process where the server knows it."""

    base: int
    pid: int | None

    def same_program(self, other: Client) -> bool:
        """One connection, or two of one process (LibreOffice's own toolkit has a second one for the clipboard)."""
        return self.base == other.base or (self.pid is not None and self.pid == other.pid)


@dataclass(frozen=True, slots=True)
class Focus:
    """The window that keys go to.

    Attributes:
        window: the focused window; 0 when nothing has the focus.
        toplevel: its ancestor that answers `_NET_WM_PING`; 0 when none does.
        wm_class: lower-case instance and class names of the program, possibly empty.
        is_dialog: whether it belongs to another window of its program.
    """

    window: int
    toplevel: int
    client: Client
    wm_class: frozenset[str]
    is_dialog: bool = False


def is_chromium(focus: Focus) -> bool:
    """Whether the program is a Chromium or an Electron, as far as its class tells."""
    return any(CHROMIUM.search(name) for name in focus.wm_class)


class XDisplay:
    """Used by one thread at a time. `x` is the python-xlib Display, whose objects are dynamic: hence `Any`."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or os.environ.get("DISPLAY", "")
        self.x: Any = open_display(name)
        self.refused: list[str] = []  # protocol errors of requests without a reply, newest last
        self.x.set_error_handler(self._on_error)
        self.root: Any = self.x.screen().root
        self._asking_since: float | None = None
        self._silent = False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="deskhand-x11-watch").start()

    @contextmanager
    def mapped(self) -> Generator[None, None, None]:
        """The one place where python-xlib's exceptions become ours."""
        from Xlib.error import ConnectionClosedError, DisplayError, XError

        try:
            yield
        except (ConnectionClosedError, DisplayError) as error:
            raise self._lost() from error
        except XError as error:
            raise ActuatorError(f"the X server refused: {type(error).__name__}") from error
        except (OSError, TypeError, AttributeError, ValueError, IndexError, RuntimeError, struct.error) as error:
            # python-xlib trips over its own emptied buffers when the connection ends under it.
            if self.x.display.socket_error is None:
                raise
            raise self._lost() from error

    @contextmanager
    def asking(self) -> Generator[None, None, None]:
        """Around every round trip: if the server never answers, the connection is cut and this ends."""
        self._asking_since = time.monotonic()
        try:
            yield
        finally:
            self._asking_since = None

    def sync(self) -> None:
        """Return when the server has dealt with everything sent so far."""
        with self.asking():
            self.x.sync()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._closed.set()
        try:
            with self.asking():
                self.x.close()
        except Exception:  # closing what is already gone is what was wanted
            self.x.display.socket.close()

    def monitors(self) -> list[Monitor]:
        """The rectangles of the screen that pixels are shown in."""
        with self.asking():
            if self.x.has_extension("RANDR"):
                found = self.root.xrandr_get_monitors().monitors
                areas = [Monitor(m.x, m.y, m.width_in_pixels, m.height_in_pixels) for m in found]
                if areas:
                    return areas
            size = self.root.get_geometry()
            return [Monitor(0, 0, size.width, size.height)]

    def pointer_state(self) -> int:
        """The modifier, group and button bits as of now (core KEYBUTMASK)."""
        with self.asking():
            return self.root.query_pointer().mask

    def client(self, window: int) -> Client:
        """Who owns a window."""
        mask = self.x.display.info.resource_id_mask
        return Client(window & ~mask, self._pid(window))

    def focus(self) -> Focus:
        """The window that has the keyboard now."""
        from Xlib import error

        try:
            with self.asking():
                window = self._focused()
                chain = self._ancestors(window)
                toplevel = next((w.id for w in chain if self._answers_ping(w)), 0)
                names = {name.lower() for w in chain for name in (w.get_wm_class() or ())}
                dialog = any(w.get_wm_transient_for() is not None for w in chain)
                return Focus(window, toplevel, self.client(window), frozenset(names), dialog)
        except (error.BadWindow, error.BadDrawable):  # it was closed while we looked
            return Focus(0, 0, Client(0, None), frozenset())

    def _focused(self) -> int:
        from Xlib import X

        window = self.x.get_input_focus().focus
        if window == X.NONE:
            return 0
        if window != X.PointerRoot:
            return window.id
        below = self.root
        for _ in range(MAX_DEPTH):
            child = below.query_pointer().child
            if not child:
                break
            below = child
        return 0 if below == self.root else below.id

    def _ancestors(self, window: int) -> list[Any]:
        """The window and those above it, the root left out."""
        chain: list[Any] = []
        here = self.x.create_resource_object("window", window) if window else self.root
        while here and here.id != self.root.id and len(chain) < MAX_DEPTH:
            chain.append(here)
            here = here.query_tree().parent
        return chain

    def _answers_ping(self, window: Any) -> bool:
        return self.x.intern_atom("_NET_WM_PING") in window.get_wm_protocols()

    def _pid(self, window: int) -> int | None:
        if not window or not self.x.has_extension("X-Resource"):
            return None
        from Xlib.error import XError
        from Xlib.ext.res import LocalClientPIDMask

        try:
            with self.asking():
                ids = self.x.res_query_client_ids([(window, LocalClientPIDMask)]).ids
        except XError:  # an old server, or the window has gone
            return None
        values = [int(value) for entry in ids for value in entry.value]
        return values[0] if values else None

    def _on_error(self, error: object, request: object) -> None:
        self.refused = [*self.refused[-9:], str(error)]

    def _lost(self) -> DisplayLost:
        how = "does not answer any more" if self._silent else "is gone"
        return DisplayLost(f"display {self.name} {how}")

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_INTERVAL):
            since = self._asking_since
            if since is not None and time.monotonic() - since > ANSWER_SECONDS:
                self._silent = True
                self.x.display.socket.shutdown(socket.SHUT_RDWR)
                return
