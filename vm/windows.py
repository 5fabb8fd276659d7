"""What the window manager of a display says about its windows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from actuators.backends.xoverlays import XOverlays
from actuators.errors import DisplayLost
from actuators.xlibfix import open_display

WINDOW_SECONDS = 20.0  # until a program's first window
DONE_SECONDS = 1.0  # a program that ended well this long ago, without a window, needs none
POLL_SECONDS = 0.01
CLIENT_BITS = 21  # the bits of a window's number above these say which program made it


class Windows:
    """A connection of its own to one display. Used by one thread at a time.

    Raises:
        DisplayLost: from any call, when the display is gone.
    """

    def __init__(self, display: str) -> None:
        self._x: Any = open_display(display)  # python-xlib makes its objects at run time
        self._root: Any = self._x.screen().root
        self._atoms: dict[str, int] = {}
        self._overlays = XOverlays(self._x)

    def managed(self) -> bool:
        """Whether a window manager is at work: one that was killed leaves its name on the root window."""
        named = self._listed("_NET_SUPPORTING_WM_CHECK")
        return bool(named) and self._listed("_NET_SUPPORTING_WM_CHECK", self._window(named[0])) == named

    def shown(self) -> frozenset[int]:
        """The windows of programs, dialogs included; splash screens and overlays left out."""
        windows = {*self._listed("_NET_CLIENT_LIST"), *self._unmanaged()}
        self._asked(self._overlays.refresh)
        return frozenset(w for w in windows if not (self._overlays.is_overlay(w) or self._is_splash(w)))

    def dialogs(self, programs: Sequence[str]) -> list[str]:
        """Titles of dialogs that must be answered before their programs (window classes, in part) do anything else."""
        modal, found = self._atom("_NET_WM_STATE_MODAL"), list[str]()
        for number in self._listed("_NET_CLIENT_LIST"):
            window = self._window(number)
            if modal in self._listed("_NET_WM_STATE", window):
                kind = " ".join(self._asked(window.get_wm_class) or ()).lower()
                if any(program in kind for program in programs):
                    found.append(str(self._asked(window.get_wm_name) or "without a title"))
        return found

    def _unmanaged(self) -> Sequence[int]:
        """Windows that go past the window manager, as some full-screen programs do; all, where there is none."""
        from Xlib.X import InputOutput, IsViewable

        manager = {window >> CLIENT_BITS for window in self._listed("_NET_SUPPORTING_WM_CHECK")}
        others = (
            child for child in self._asked(self._root.query_tree).children if child.id >> CLIENT_BITS not in manager
        )
        seen = ((window.id, self._asked(window.get_attributes)) for window in others)
        return [
            number
            for number, attributes in seen
            if attributes and attributes.map_state == IsViewable and attributes.win_class == InputOutput
        ]

    def _is_splash(self, window: int) -> bool:
        splash = self._atom("_NET_WM_WINDOW_TYPE_SPLASH")
        return splash in self._listed("_NET_WM_WINDOW_TYPE", self._window(window))

    def close(self) -> None:
        """Close the connection; a display that is gone is no matter."""
        try:
            self._x.close()
        except Exception as error:  # python-xlib raises what the socket raised
            if not _lost(error):
                raise

    def _window(self, number: int) -> Any:
        return self._x.create_resource_object("window", number)

    def _listed(self, name: str, window: Any = None) -> Sequence[int]:
        """The numbers of a property, of the root window if of none else."""
        found = self._asked((window or self._root).get_full_property, self._atom(name), 0)
        return () if found is None else tuple(found.value)

    def _asked(self, question: Callable[..., Any], *arguments: object) -> Any:
        """The answer of the X server; None for a window that was closed meanwhile."""
        from Xlib.error import BadWindow

        try:
            return question(*arguments)
        except BadWindow:
            return None
        except Exception as error:
            if _lost(error):
                raise DisplayLost(f"the display is gone ({error})") from None
            raise

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._asked(self._x.intern_atom, name)
        return self._atoms[name]


def _lost(error: Exception) -> bool:
    from Xlib.error import ConnectionClosedError

    return isinstance(error, ConnectionClosedError | OSError)


def wait_for_window(appeared: Callable[[], object], ended: Callable[[], bool], cancelled: threading.Event) -> None:
    """Until there is a window, or none is to be expected: a command may have done its work without one."""
    deadline = time.monotonic() + WINDOW_SECONDS
    done_at: float | None = None
    while not appeared() and not cancelled.wait(POLL_SECONDS):
        now = time.monotonic()
        if done_at is None and ended():
            done_at = now
        if now > deadline or (done_at is not None and now > done_at + DONE_SECONDS):
            return
