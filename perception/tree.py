"""What programs say is on their windows: the accessibility tree, as a façade over the backends.

AT-SPI on Linux, UI Automation on Windows, AX on macOS. Names, roles and states can be relied upon. Regions cannot
always: each has a confidence, and `perception.checking` holds it against the picture before anybody clicks on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Protocol, Self

from perception.screenshot import Region, Space

SECONDS = 1.0  # that reading may take; what has not answered by then is named in the notes

TRUSTED = 0.9
"""Confidence of a region that a toolkit with sound coordinates reports."""

DOUBTFUL = 0.3
"""Confidence of a region that is known to be wrong in some programs, and could not be put right."""


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on a window.

    Attributes:
        id: names it within one reading, and for `Tree.actions`.
        parent: id of what it is in; "" at the top.
        depth: 0 for a window.
        role: what it is, in the words of AT-SPI on every system: "push button", "entry", "menu item", …
        name: what its user calls it, mostly what is written on it.
        description: of things without a name, where there is one: mostly a tooltip.
        states: "showing", "focused", "enabled", "checked", "selected", "editable", …
        region: where it is, in the units in which the pointer moves; None if it is not showing, or does not say.
        confidence: how far `region` can be trusted, 0 to 1.
        text: what is written in it, where that is not its name; at most some hundred characters.
        value: of sliders, spin buttons and progress bars.
        application: the program's name.
        window: the title of the window that it is in.
        acts: whether it can be told to act, without the pointer.
    """

    id: str
    parent: str
    depth: int
    role: str
    name: str
    description: str = ""
    states: frozenset[str] = frozenset()
    region: Region | None = None
    confidence: float = 0.0
    text: str = ""
    value: float | None = None
    application: str = ""
    window: str = ""
    acts: bool = False

    @property
    def showing(self) -> bool:
        """Whether it is to be seen, or scrolled to, right now."""
        return "showing" in self.states


@dataclass(frozen=True)
class Reading:
    """The tree as it was at one moment.

    Attributes:
        elements: what is showing, as far as it was read, parents before their children; on Windows and macOS with some
            that is not.
        notes: what is missing and why, one line each.
        seconds: how long it took.
    """

    elements: tuple[Element, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @cached_property
    def by_id(self) -> dict[str, Element]:
        """Every element by its id."""
        return {element.id: element for element in self.elements}

    @property
    def showing(self) -> Iterator[Element]:
        """What is on the screen, in the order of `elements`."""
        return (element for element in self.elements if element.showing)


class TreeBackend(Protocol):
    """Where trees come from. Its façade makes one call at a time, from any thread."""

    def read(self, seconds: float) -> Reading:
        """The tree of every application on this screen, as far as `seconds` reach.

        Raises:
            CannotRead: there is no tree to be had here; says what would help.
        """
        ...

    def actions(self, element: Element, seconds: float) -> Sequence[str]:
        """What an element can be told to do; empty if nothing, or if it is gone."""
        ...

    def close(self) -> None:
        """Let go of everything. May be called twice."""
        ...


class Tree:
    """The accessibility tree of one screen. Safe to use from any thread."""

    def __init__(self, backend: TreeBackend) -> None:
        self._backend = backend
        self._lock = Lock()

    def read(self, seconds: float = SECONDS) -> Reading:
        """The tree as it is now.

        Args:
            seconds: that it may take. Applications that do not answer by then are named in `Reading.notes`; the others
                are in the reading.

        Raises:
            CannotRead: there is no tree to be had here; says what would help.
        """
        with self._lock:
            return self._backend.read(seconds)

    def actions(self, element: Element, seconds: float = SECONDS) -> tuple[str, ...]:
        """What an element can be told to do, like "click"; empty if nothing, or if it is gone."""
        with self._lock:
            return tuple(self._backend.actions(element, seconds)) if element.acts else ()

    def close(self) -> None:
        """Let go of everything. May be called twice."""
        with self._lock:
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_tree(display: str | None = None, *, bus: str | None = None) -> Tree:
    """The tree of a screen of this machine.

    Args:
        display: an X11 display, like ":77"; None for the one of the environment, or the only one there is.
        bus: address of the session bus of that display, where it is known; else it is found out.

    Raises:
        CannotRead: there is no tree to be had here; says what would help.
    """
    if sys.platform == "win32":
        from perception.backends.uia import UiaTree

        return Tree(UiaTree())
    if sys.platform == "darwin":
        from perception.backends.ax import AxTree

        return Tree(AxTree())
    from perception.backends.atspi import AtspiTree

    return Tree(AtspiTree(display, bus=bus))


def on_image(region: Region, space: Space) -> Region | None:
    """Where a region of the screen is on a screenshot, in its pixels; None if no part of it is."""
    left, top = max(region.left, space.region.left), max(region.top, space.region.top)
    right = min(region.right, space.region.right)
    bottom = min(region.bottom, space.region.bottom)
    if left >= right or top >= bottom:
        return None
    x, y = space.width / space.region.width, space.height / space.region.height
    first = round((left - space.region.left) * x), round((top - space.region.top) * y)
    last = round((right - space.region.left) * x), round((bottom - space.region.top) * y)
    return Region(*first, max(1, last[0] - first[0]), max(1, last[1] - first[1]))
