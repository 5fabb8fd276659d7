"""What is painted beneath overlays: of that the damage of the whole screen tells nothing, since nobody can see it."""

from __future__ import annotations

from typing import Any

from perception import frames
from perception.backends.xstack import XStack
from perception.screenshot import Region


class XBeneath:
    """Listens for damage of the windows that lie beneath overlays. Errors of python-xlib pass through."""

    def __init__(self, display: Any, stack: XStack) -> None:
        self._x, self._stack = display, stack
        self._heard: dict[int, tuple[int, Region]] = {}  # damage objects by window, and where that is
        self._windows: dict[int, int] = {}  # the other way round

    def follow(self) -> None:
        """Windows have come, gone or moved."""
        from Xlib.ext import damage

        beneath = {top.id: top for place in self._stack.overlays for top in self._stack.below(place)}
        for window in self._heard.keys() - beneath.keys():
            number, _ = self._heard.pop(window)
            self._windows.pop(number)
            self._x.damage_destroy(number)
        for window, top in beneath.items():
            if window in self._heard:
                number = self._heard[window][0]
            else:
                resource = self._x.create_resource_object("window", window)
                number = int(resource.damage_create(damage.DamageReportBoundingBox))
                self._windows[number] = window
            self._heard[window] = number, frames.moved([top.region], top.border, top.border)[0]

    def place(self, event: Any) -> Region | None:
        """Where damage beneath an overlay is, in pixels of the root window; None for what is told otherwise, too."""
        _, window = self._heard[self._windows[event.damage]]
        area = event.area
        (told,) = frames.moved([Region(area.x, area.y, area.width, area.height)], window.left, window.top)
        covered = [frames.overlap(told, place) for place in self._stack.overlays]
        return frames.bounding([part for part in covered if part is not None])

    def knows(self, event: Any) -> bool:
        """Whether an event of damage is of such a window."""
        return event.damage in self._windows

    def forget(self) -> None:
        """Declare what was told seen."""
        for number in self._windows:
            self._x.damage_subtract(number)
