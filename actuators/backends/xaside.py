"""Clicks through overlays on X11: their input regions are emptied, by us, right before our own pointer acts.

Any client may shape any window. So that an overlay is never left dead, its process is told (`PASS`): which window of
ours vouches for it, and where we have left the pointer. It takes its input region back when that window is gone, since
then we are, and when the pointer is elsewhere, since then the user has moved it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from actuators.backends.x11_display import XDisplay
from actuators.backends.xoverlays import PASS, XOverlays
from actuators.errors import ActuatorError

ACTING = -1  # in place of where the pointer was left
FOCUS_SECONDS = 1.0  # for the window manager to give the keyboard back
_TRIES = 5


class XAside:
    """See `actuators.backends.aside.Aside`. A connection of its own; without any overlay it costs a round trip."""

    def __init__(self, display: str | None) -> None:
        from Xlib import X

        self._display = XDisplay(display)
        self._x = self._display.x
        with self._display.mapped(), self._display.asking():
            self._shapes = bool(self._x.has_extension("SHAPE"))
            self._pass, self._active = self._x.intern_atom(PASS), self._x.intern_atom("_NET_ACTIVE_WINDOW")
            self._display.root.change_attributes(event_mask=X.PropertyChangeMask)
            self._overlays = XOverlays(self._x)
            self._voucher = self._display.root.create_window(-2, -2, 1, 1, 0, 0, X.InputOnly, override_redirect=True)
            self._x.sync()
        self._stepped: dict[int, int] = {}

    def step(self) -> None:
        """See `Aside.step`."""
        with self._display.mapped(), self._display.asking():
            self._take_in()
            if self._overlays and self._shapes:
                self._empty()

    def check(self) -> None:
        """See `Aside.check`: asks where the pointer is now."""
        with self._display.mapped(), self._display.asking():
            for _ in range(_TRIES):
                self._take_in()
                if not self._overlays or (self._stepped and not self._is_met()):
                    return
                self._empty()  # a window manager shapes frames, too
        raise ActuatorError("the overlay is in the way and does not let clicks through; move it, or close it")

    def back(self) -> None:
        """See `Aside.back`."""
        if not self._stepped:
            return
        with self._display.mapped(), self._display.asking():
            at = self._display.root.query_pointer()
            for top, client in self._stepped.items():
                if self._is_over(top, at.root_x, at.root_y):
                    self._tell(client, at.root_x, at.root_y)
                else:
                    self._fill(top, client)
            self._stepped = {}
            self._x.sync()

    def free_keys(self) -> None:
        """See `Aside.free_keys`."""
        with self._display.mapped(), self._display.asking():
            self._take_in()
            if not self._overlays:
                return
            deadline = time.monotonic() + FOCUS_SECONDS
            while (window := self._focused()) and self._overlays.owns(window):
                if time.monotonic() > deadline:
                    raise ActuatorError("the overlay has the keyboard and does not give it back; click elsewhere")
                self._focus(self._overlays.before(window))
                time.sleep(0.01)  # the window manager does it

    def close(self) -> None:
        """See `Aside.close`."""
        self._display.close()

    def _take_in(self) -> None:
        self._x.sync()
        for _ in range(self._x.pending_events()):
            self._overlays.note(self._x.next_event())

    def _empty(self) -> None:
        from Xlib.ext import shape

        self._stepped = self._overlays.tops()
        for top, client in self._stepped.items():
            self._tell(client, ACTING, ACTING)
            self._window(top).shape_rectangles(shape.SO.Set, shape.SK.Input, 0, 0, 0, [])
        self._x.sync()

    def _fill(self, top: int, client: int) -> None:
        from Xlib import X
        from Xlib.ext import shape

        self._window(top).shape_mask(shape.SO.Set, shape.SK.Input, 0, 0, X.NONE)
        self._window(client).delete_property(self._pass)

    def _tell(self, client: int, x: int, y: int) -> None:
        from Xlib import Xatom

        words = [self._voucher.id, x & 0xFFFFFFFF, y & 0xFFFFFFFF]
        self._window(client).change_property(self._pass, Xatom.CARDINAL, 32, words)

    def _is_met(self) -> bool:
        met = getattr(self._display.root.query_pointer().child, "id", 0)
        return met in self._stepped or (bool(met) and self._overlays.owns(met))

    def _is_over(self, top: int, x: int, y: int) -> bool:
        from Xlib.error import XError

        with suppress(XError):
            at = self._window(top).get_geometry()
            return at.x <= x < at.x + at.width and at.y <= y < at.y + at.height
        return False

    def _focused(self) -> int:
        """The window that gets the keys; 0 where there is none."""
        focus = self._x.get_input_focus().focus
        return int(getattr(focus, "id", 0))

    def _focus(self, window: int) -> None:
        """Ask the window manager, or where there is none do it."""
        from Xlib import X
        from Xlib.error import CatchError
        from Xlib.protocol.event import ClientMessage

        root = self._display.root
        managed = root.get_full_property(self._x.intern_atom("_NET_SUPPORTING_WM_CHECK"), 0)
        if not window or managed is None:
            self._x.set_input_focus(window or X.PointerRoot, X.RevertToParent, X.CurrentTime, onerror=CatchError())
        else:
            data = (32, [2, X.CurrentTime, 0, 0, 0])  # 2: as a pager does, in the user's name
            message = ClientMessage(window=window, client_type=self._active, data=data)
            root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._x.sync()

    def _window(self, number: int) -> Any:
        return self._x.create_resource_object("window", number)
