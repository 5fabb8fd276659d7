"""Which top-level windows lie over which on an X screen, overlays told apart; kept up by events.

Nothing is known, or kept up, until there is an overlay: then the server is asked once for all windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actuators.backends.xoverlays import XOverlays
from perception.frames import overlap
from perception.screenshot import Region


@dataclass(slots=True)
class Top:
    """A top-level window.

    Attributes:
        region: with its border, in pixels of the root window.
        drawn: whether it shows anything: some only take input.
    """

    id: int
    region: Region
    border: int
    mapped: bool
    drawn: bool


class XStack:
    """The top-level windows of a display. Its owner selects SubstructureNotify and PropertyChange on the root window.

    Errors of python-xlib pass through, but not of windows that have gone.
    """

    def __init__(self, display: Any, *, always: bool = False) -> None:
        """`always`: know the windows also while there is no overlay."""
        self._x, self._always = display, always
        self._root = display.screen().root
        self._overlays = XOverlays(display)
        self._tops: list[Top] = []  # from the lowest to the highest
        self._ours: frozenset[int] = frozenset()  # those of overlays
        if always or self._overlays:
            self._load()

    @property
    def overlays(self) -> tuple[Region, ...]:
        """Where overlays are to be seen."""
        return tuple(top.region for top in self._tops if top.mapped and top.id in self._ours) if self._ours else ()

    def is_overlay(self, window: int) -> bool:
        """Whether a window is an overlay's, or a probe: a top-level one, or any that an overlay's process made."""
        return self._overlays.is_overlay(window) or (bool(self._overlays) and window in self._ours)

    def before(self, window: int) -> int:
        """The window that was active before an overlay became it; 0 for none."""
        return self._overlays.before(window)

    def below(self, place: Region) -> Sequence[Top]:
        """The other windows at a place, from the lowest to the highest."""
        seen = (top for top in self._tops if top.mapped and top.drawn and top.id not in self._ours)
        return [top for top in seen if overlap(top.region, place) is not None]

    def at(self, x: int, y: int) -> int:
        """The topmost window at a point that is not an overlay; 0 for none."""
        found = self.below(Region(x, y, 1, 1))
        return found[-1].id if found else 0

    def note(self, event: Any) -> bool:
        """Take in an event; whether windows have changed, as far as that is known."""
        from Xlib import X

        if self._overlays.note(event):
            self._load()
            return True
        if not (self._always or self._overlays) or getattr(event, "event", self._root) != self._root:
            return False
        match event.type:
            case X.CreateNotify:
                self._come(event)
            case X.DestroyNotify:
                self._go(event.window.id)
            case X.MapNotify | X.UnmapNotify:
                self._show(event.window.id, event.type == X.MapNotify)
            case X.ConfigureNotify | X.GravityNotify | X.CirculateNotify | X.ReparentNotify:
                self._change(event)
            case _:
                return False
        return True

    def _change(self, event: Any) -> None:
        from Xlib import X

        if event.type == X.ConfigureNotify and event.window != self._root:
            self._configure(event)
        elif event.type == X.CirculateNotify:
            self._restack(event.window.id, len(self._tops) if event.place == X.PlaceOnTop else 0)
        elif event.type == X.ReparentNotify and event.parent != self._root:
            self._go(event.window.id)
            if self._overlays.owns(event.window.id):  # its frame is to be left out from now on
                self._find_ours()
        else:  # rare, and not worth the bookkeeping
            self._load()

    def _load(self) -> None:
        from Xlib.error import XError

        self._tops = []
        for window in self._root.query_tree().children:
            try:
                self._add(window)
            except XError:  # it has gone in the meantime
                continue
        self._find_ours()

    def _add(self, window: Any) -> None:
        from Xlib import X

        shown, at = window.get_attributes(), window.get_geometry()
        drawn = shown.win_class != X.InputOnly and window.id not in self._overlays.probes
        mapped = shown.map_state != X.IsUnmapped
        self._tops.append(Top(window.id, _outer(at, at.border_width), at.border_width, mapped, drawn))

    def _find_ours(self) -> None:
        self._ours = frozenset(self._overlays.tops())

    def _come(self, event: Any) -> None:
        from Xlib.error import XError

        self._go(event.window.id)
        try:
            self._add(event.window)
        except XError:
            return
        if self._overlays.owns(event.window.id):
            self._ours |= {event.window.id}

    def _go(self, window: int) -> None:
        self._tops = [top for top in self._tops if top.id != window]
        self._ours -= {window}

    def _show(self, window: int, mapped: bool) -> None:
        for top in self._tops:
            if top.id == window:
                top.mapped = mapped

    def _configure(self, event: Any) -> None:
        for top in self._tops:
            if top.id == event.window.id:
                top.region, top.border = _outer(event, event.border_width), event.border_width
                break
        else:
            return
        sibling = getattr(event.above_sibling, "id", 0)
        under = next((place for place, top in enumerate(self._tops) if top.id == sibling), None)
        if not sibling:
            self._restack(event.window.id, 0)
        elif under is None:  # one that we have missed
            self._load()
        else:
            self._restack(event.window.id, under + 1)

    def _restack(self, window: int, place: int) -> None:
        """Move a window to before the one that is at `place` now."""
        now = next((number for number, top in enumerate(self._tops) if top.id == window), None)
        if now is not None:
            self._tops.insert(place - (now < place), self._tops.pop(now))


def _outer(at: Any, border: int) -> Region:
    return Region(at.x, at.y, at.width + 2 * border, at.height + 2 * border)
