"""The overlays on an X display: they tell the user how a session is doing, and are none of the agent's business.

An overlay's process writes the number of its window into a property of the root window before it shows it, and marks
the window itself. All windows of the same connection belong to the overlay, its menus and tooltips too.
"""

from __future__ import annotations

from typing import Any

LIST = "_DESKHAND_OVERLAYS"  # of the root window: the windows of all overlays, dead ones included
MARK = "_DESKHAND_OVERLAY"  # of an overlay's window: which window was active before it, 0 for none
PROBE = 0xFFFFFFFF  # in its place: a window that is on no screen, and only ours
PASS = "_DESKHAND_OVERLAY_PASS"  # of an overlay's window, while clicks go through it: see `xaside`
_MAX_DEPTH = 6  # windows between a client's own and the root


class XOverlays:
    """Knows the overlays of a display, through a connection that its owner reads.

    The owner selects PropertyChange on the root window, and hands each event to `note`. Errors of python-xlib pass
    through, but not of windows that have gone.
    """

    def __init__(self, display: Any) -> None:
        self._x = display
        self._root = display.screen().root
        self._list, self._mark = display.intern_atom(LIST), display.intern_atom(MARK)
        self._mask = ~int(display.display.info.resource_id_mask)
        self.clients: frozenset[int] = frozenset()
        self.probes: frozenset[int] = frozenset()
        self.refresh()

    def __bool__(self) -> bool:
        return bool(self.clients)

    def note(self, event: Any) -> bool:
        """Take in an event; whether other overlays are there now."""
        from Xlib import X

        before = self.clients, self.probes
        if event.type == X.PropertyNotify and event.atom == self._list:
            self.refresh()
        elif event.type == X.DestroyNotify:
            self.clients -= {event.window.id}
            self.probes -= {event.window.id}
        return (self.clients, self.probes) != before

    def refresh(self) -> None:
        """Read the list anew. Its entries outlive their windows, whose numbers may be another program's by then."""
        marks = {window: self._marked(window) for window in listed(self._root, self._list)}
        self.clients = frozenset(window for window, mark in marks.items() if mark not in (None, PROBE))
        self.probes = frozenset(window for window, mark in marks.items() if mark == PROBE)

    def owns(self, window: int) -> bool:
        """Whether a window was made by the process of an overlay."""
        return window & self._mask in {client & self._mask for client in self.clients}

    def is_overlay(self, window: int) -> bool:
        """Whether a window is none of the agent's business: an overlay's, or a probe. Not for the manager's frames."""
        return self.owns(window) or window in self.probes

    def before(self, window: int) -> int:
        """The window that was active before one of an overlay's, or if that has gone the topmost one; 0 for none."""
        clients = sorted(self.clients, key=lambda client: client & self._mask != window & self._mask)
        stacked = listed(self._root, self._x.intern_atom("_NET_CLIENT_LIST_STACKING"))
        known = [found for client in clients if (found := self.previous(client)) in stacked]
        return next((found for found in [*known, *reversed(stacked)] if not self.owns(found)), 0)

    def tops(self) -> dict[int, int]:
        """The top-level windows of all overlays, frames of the window manager included, each with its client."""
        from Xlib.error import XError

        if not self.clients:
            return {}
        found = {child.id: child.id for child in self._root.query_tree().children if self.owns(child.id)}
        for client in self.clients:
            try:
                found[self._top(client)] = client
            except XError:
                self.clients -= {client}
        return found

    def previous(self, client: int) -> int:
        """The window that was active before an overlay's own; 0 for none."""
        return self._marked(client) or 0

    def _top(self, client: int) -> int:
        window: Any = self._x.create_resource_object("window", client)
        for _ in range(_MAX_DEPTH):
            parent: Any = window.query_tree().parent
            if parent == 0 or parent.id == self._root.id:
                break
            window = parent
        return int(window.id)

    def _marked(self, window: int) -> int | None:
        """Its mark, None if it has none or is not there; its end is told from now on."""
        from Xlib import X
        from Xlib.error import CatchError, XError

        there: Any = self._x.create_resource_object("window", window)
        there.change_attributes(event_mask=X.StructureNotifyMask | X.PropertyChangeMask, onerror=CatchError())
        try:
            found = there.get_full_property(self._mark, 0)
        except XError:
            return None
        return None if found is None else int(found.value[0])


def register(display: Any, window: Any, mark: int = 0) -> None:
    """Make a window of one's own known as an overlay's, before it is shown; the dead are struck off the list."""
    from Xlib import X, Xatom
    from Xlib.error import XError

    root = display.screen().root
    list_, mark_ = display.intern_atom(LIST), display.intern_atom(MARK)
    window.change_property(mark_, Xatom.CARDINAL, 32, [mark])

    def is_there(other: int) -> bool:
        try:
            return display.create_resource_object("window", other).get_full_property(mark_, 0) is not None
        except XError:
            return False

    display.grab_server()  # others may do the same
    try:
        others = [other for other in listed(root, list_) if other != window.id and is_there(other)]
        root.change_property(list_, Xatom.WINDOW, 32, [*others, window.id], X.PropModeReplace)
    finally:
        display.ungrab_server()
        display.sync()


def listed(root: Any, atom: int) -> tuple[int, ...]:
    """The windows that a property of the root window names."""
    found = root.get_full_property(atom, 0)
    return () if found is None else tuple(int(window) for window in found.value)
