"""From what programs tell through AT-SPI to elements: order, windows, and regions that are put right.

LibreOffice draws much of its windows itself (all below a "root pane") and errs about where that is: by the height
of the menu bar at first, and by other amounts after clicks. GTK's own widgets, which are right, are around and
in the middle of what it draws: each in a place of its own size, but not where that place says that it is. So the error
is measured, each time anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from perception.backends.atspi_words import role_name, state_names
from perception.screenshot import Region
from perception.tree import DOUBTFUL, TRUSTED, Element

CORRECTED = 0.8  # confidence of a region whose error could be measured at two places or more
GUESSED = 0.5  # … at one place only
LEAST_SIZE = 16  # pixels; smaller things of equal size are too many to tell which is which
OFF_BY = 1  # pixels by which the sizes of the two may differ

Shift: TypeAlias = tuple[int, int]
"""Pixels to the right and down."""

NONE: Shift = (0, 0)

DRAWN = "root pane"  # role of what LibreOffice draws itself
_ACTION = "org.a11y.atspi.Action"


@dataclass(slots=True)
class Node:
    """One accessible object while its program is read."""

    path: str
    parent: str
    index: int
    count: int = 0
    interfaces: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    role: str = "unknown"
    states: frozenset[str] = frozenset()
    showing: bool = False
    region: Region | None = None
    text: str = ""
    value: float | None = None

    def set_role(self, number: int) -> None:
        """By its number in AT-SPI."""
        self.role = role_name(number)

    def set_states(self, words: Sequence[int]) -> None:
        """By their bits, in words of 32."""
        self.states = state_names(words[0] if words else 0, words[1] if len(words) > 1 else 0)
        self.showing = "showing" in self.states


def elements_of(
    *, bus_name: str, root: str, application: str, toolkit: str, nodes: Mapping[str, Node]
) -> Iterator[Element]:
    """The elements of one program, parents before children, in the order of the program."""
    family = _Family(root, nodes)
    trusted = _put_right(family) if toolkit.lower() == "gtk" else {}
    for node, parent, depth, window in family.in_order():
        yield Element(
            bus_name + node.path,
            bus_name + parent if parent else "",
            depth,
            node.role,
            node.name,
            node.description,
            node.states,
            node.region,
            trusted.get(node.path, TRUSTED) if node.region else 0.0,
            node.text,
            node.value,
            application,
            window,
            _ACTION in node.interfaces,
        )


class _Family:
    """Who is whose child."""

    def __init__(self, root: str, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.children: dict[str, list[Node]] = {}
        for node in nodes.values():
            self.children.setdefault(node.parent, []).append(node)
        for siblings in self.children.values():
            siblings.sort(key=lambda node: node.index)
        self.windows = self.children.get(root, [])

    def in_order(self) -> Iterator[tuple[Node, str, int, str]]:
        """Every node with its parent, depth and window."""
        waiting = [(window, "", 0, window.name) for window in reversed(self.windows)]
        seen = set[str]()
        while waiting:
            node, parent, depth, window = waiting.pop()
            if node.path in seen:  # a program may say that somebody is their own grandfather
                continue
            seen.add(node.path)
            yield node, parent, depth, window
            below = self.children.get(node.path, ())
            waiting += [(child, node.path, depth + 1, window) for child in reversed(below)]


def _put_right(family: _Family) -> dict[str, float]:
    """Correct what LibreOffice draws itself. Returns the confidence of each node that this is about."""
    trusted: dict[str, float] = {}
    for pane in [node for node in family.nodes.values() if node.role == DRAWN and node.region]:
        if pane.path in trusted:
            continue
        drawn, errors = _drawn_in(pane, family)
        shift, confidence = _error(pane, errors, family)
        for node in drawn:
            if node.region is not None:
                node.region = moved(node.region, shift)
            trusted[node.path] = confidence
        _drop_stale_menus(family, pane, {node.path for node in drawn})
    return trusted


def _drawn_in(pane: Node, family: _Family) -> tuple[list[Node], Counter[Shift]]:
    """What is drawn below a pane, and how far GTK's widgets stand below the places that are drawn for them."""
    drawn, errors = dict[str, Node](), Counter[Shift]()
    waiting = [pane]
    while waiting:
        place = waiting.pop()
        if place.path in drawn:
            continue
        drawn[place.path] = place
        for node in family.children.get(place.path, ()):
            error = misplaced(node.region, place.region)
            if error != NONE:
                errors[error] += 1
            else:
                waiting.append(node)
    return list(drawn.values()), errors


def misplaced(widget: Region | None, place: Region | None) -> Shift:
    """How far a widget of GTK is from the place that it fills; nothing for what is drawn like the place itself."""
    if widget is None or place is None or min(place.width, place.height) < LEAST_SIZE:
        return NONE
    fills = widget.width == place.width and abs(widget.height - place.height) <= OFF_BY
    return (widget.left - place.left, widget.top - place.top) if fills else NONE


def moved(region: Region, shift: Shift) -> Region:
    """A region elsewhere."""
    return Region(region.left + shift[0], region.top + shift[1], region.width, region.height)


def _error(pane: Node, errors: Counter[Shift], family: _Family) -> tuple[Shift, float]:
    """By how much what is drawn must be moved, and how sure that is."""
    best = errors.most_common(2)
    whole = _misplaced_pane(pane, family)
    if whole is not None and (whole in errors or not errors):
        return whole, CORRECTED if whole in errors or whole == NONE else GUESSED
    if best and best[0][1] >= 2 and (len(best) == 1 or best[0][1] > best[1][1]):
        return best[0][0], CORRECTED
    return (best[0][0], GUESSED) if len(best) == 1 else (NONE, DOUBTFUL)


def _misplaced_pane(pane: Node, family: _Family) -> Shift | None:
    parent = family.nodes.get(pane.parent)
    return error_of_pane(None if parent is None else parent.region, pane.region)


def error_of_pane(parent: Region | None, pane: Region | None) -> Shift | None:
    """How far from it the widget is that a pane fills; None if it fills none."""
    if parent is None or pane is None:
        return None
    error = misplaced(parent, pane)
    return error if error != NONE or parent == pane else None


def _drop_stale_menus(family: _Family, pane: Node, drawn: Container[str]) -> None:
    """The menu bar is told twice, by GTK, and by LibreOffice as a shadow of it in a wrong place."""
    if any(node.role == "menu bar" and node.path not in drawn for node in family.nodes.values()):
        below = family.children.get(pane.path, [])
        below[:] = [node for node in below if node.role != "menu bar"]
