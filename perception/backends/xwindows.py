"""Which window of an X display is at a point, and which one gets the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actuators.backends.xoverlays import XOverlays
from perception.backends.xfront import XFront
from perception.backends.xstack import XStack
from perception.screenshot import Region

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window

_MAX_DEPTH = 8  # windows between the root and a program's own one, and from a menu to the window that it belongs to


@dataclass(frozen=True, slots=True)
class Place:
    """A window of a program.

    Attributes:
        title: of the window that the user would name: for a menu that of the window that it belongs to.
        application: its program's class.
        pid: its process, if that runs on this machine.
        region: where this very window is, without the window manager's frame; None for the frame itself.
        popup: whether it came up without the window manager: a menu, a list, a tooltip.
    """

    title: str
    application: str
    pid: int | None
    region: Region | None
    popup: bool = False


class XWindows:
    """Asks an X server. Errors of python-xlib pass through: windows vanish while they are being asked."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._root: Window = display.screen().root
        self._atoms: dict[str, int] = {}
        self._overlays = XOverlays(display)
        self._front = XFront(display, self._atom, self._overlays)

    def at(self, x: int, y: int) -> Place | None:
        """The window at a point; None where there is only the background."""
        self._overlays.refresh()
        windows = list(self._below(x, y))
        if not windows:
            return None
        for window in windows:
            if self._has(window, "WM_STATE"):
                return self._managed(window)
        top = windows[0]
        inside = next((w for w in reversed(top.query_tree().children) if self._has(w, "WM_STATE")), None)
        if inside is not None:  # the point is on the frame that a window manager has put around it
            told = self._front.of(inside)
            return Place(told.window, told.program, told.pid, None)
        return self._popup(top) if top.get_attributes().override_redirect else self._managed(top)

    def in_front(self) -> Place | None:
        """The active window, or where no window manager tells it the one with the focus; None if there is none."""
        self._overlays.refresh()
        window = self._front.active() or self._focused()
        return None if window is None else self._managed(window)

    def menu_is_open(self) -> bool:
        """Whether a menu has popped up somewhere, which gets the keys before any window does."""
        from Xlib import X

        kinds = {self._atom(f"_NET_WM_WINDOW_TYPE_{name}") for name in ("POPUP_MENU", "DROPDOWN_MENU", "COMBO")}
        for window in reversed(self._root.query_tree().children):
            told: Any = window.get_attributes()
            if told.map_state == X.IsViewable and told.override_redirect and not self._overlays.owns(window.id):
                kind: Any = window.get_full_property(self._atom("_NET_WM_WINDOW_TYPE"), 0)
                if kind is not None and kinds & set(kind.value):
                    return True
        return False

    def _managed(self, window: Any) -> Place:
        told = self._front.of(window)
        return Place(told.window, told.program, told.pid, self._region(window))

    def _popup(self, window: Any) -> Place:
        own = self._front.of(window)
        owner = self._owner(window, own.pid)
        told = own if owner is None else self._front.of(owner)
        return Place(told.window, told.program or own.program, own.pid, self._region(window), popup=True)

    def _owner(self, window: Any, pid: int | None) -> Any:
        """The window that a menu belongs to: as it says, else the active one of the same program."""
        for _ in range(_MAX_DEPTH):
            named = window.get_full_property(self._atom("WM_TRANSIENT_FOR"), 0)
            if named is None or not len(named.value) or named.value[0] in (0, self._root.id):
                break
            window = self._display.create_resource_object("window", int(named.value[0]))
            if self._has(window, "WM_STATE"):
                return window
        active = self._front.active()
        return active if active is not None and pid is not None and self._front.of(active).pid == pid else None

    def _below(self, x: int, y: int) -> Iterator[Any]:
        """The windows at a point, from the top-level one down; overlays are looked through."""
        window: Any = self._root
        for _ in range(_MAX_DEPTH):
            window = window.translate_coords(self._root.id, x, y).child
            if not isinstance(window, int) and window.id in self._overlays.tops():
                under = XStack(self._display).at(x, y)
                window = self._display.create_resource_object("window", under) if under else 0
            if isinstance(window, int):
                return
            yield window

    def _focused(self) -> Any:
        """The top-level window around the focus."""
        window: Any = self._display.get_input_focus().focus
        if isinstance(window, int) or window.id == self._root.id or self._overlays.owns(window.id):
            return None
        for _ in range(_MAX_DEPTH):
            parent: Any = window.query_tree().parent
            if isinstance(parent, int) or parent.id == self._root.id or self._has(window, "WM_STATE"):
                break
            window = parent
        return window

    def _region(self, window: Any) -> Region:
        size = window.get_geometry()
        corner = self._root.translate_coords(window.id, 0, 0)
        return Region(int(corner.x), int(corner.y), int(size.width), int(size.height))

    def _has(self, window: Any, name: str) -> bool:
        return window.get_full_property(self._atom(name), 0) is not None

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._display.intern_atom(name)
        return self._atoms[name]
