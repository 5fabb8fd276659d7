"""What an element at a point is called, and which one a click there is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perception.backends.atspi_look import Look, Thing
from perception.screenshot import Region

ABOVE = 5  # levels between what is under the pointer and the button that it is part of
AROUND = 8  # levels between a thing without a name and the box that is named after it
FRAMED = 12  # pixels by which such a box may be higher than the thing
PARTS = 2  # that make up one thing to its user
TALL = 80  # pixels; what is taller than a button, and holds others, is not what a click on them is for

_ACTING = frozenset(
    {"push button", "toggle button", "push button menu", "check box", "radio button", "link", "menu item", "menu"}
    | {"check menu item", "radio menu item", "page tab", "list item", "tree item", "table cell", "combo box"}
    | {"column header", "row header", "table column header", "table row header", "spin button", "slider", "entry"}
    | {"password text", "switch", "scroll bar"}
)
INNER = frozenset({"label", "static", "image", "icon", "section", "paragraph", "text", "heading", "filler", "panel"})
BOXES = frozenset(
    {"panel", "filler", "unknown", "redundant object", "viewport", "scroll pane", "split pane", "layered pane"}
    | {"root pane", "section", "grouping", "glass pane", "invalid", "extended", "embedded", "page tab list", "form"}
)
WINDOWS = frozenset({"frame", "window", "dialog", "alert", "file chooser", "color chooser", "font chooser"})
_NAMING = BOXES - {"root pane"} | {"tool bar", "combo box", "list", "tool item"}
_WRITTEN = frozenset({"label", "static", "heading"})


@dataclass(frozen=True, slots=True)
class Named:
    """An element: its role in the words of AT-SPI, and its name."""

    role: str
    name: str


def named_by(look: Look, leaf: Thing, x: int, y: int) -> Named | None:
    """What the innermost thing at a point belongs to; None where that is a mere box."""
    thing = _acting(leaf, x, y)
    if thing.role in BOXES or thing.role in WINDOWS:
        return None
    return Named(thing.role, name_of(look, thing))


def _acting(leaf: Thing, x: int, y: int) -> Thing:
    """What a click on it is for: of a button's label the button."""
    if leaf.role not in INNER:
        return leaf
    for level, thing in enumerate(leaf.upward()):
        if thing.role in _ACTING:
            return thing if thing.has(x, y) and not _unfolds(thing) else leaf
        if level > ABOVE or (thing is not leaf and thing.role not in INNER):
            break
    return leaf


def _unfolds(thing: Thing) -> bool:
    """Whether a click on what is in it does not reach it: all that it has unfolded is below it."""
    tall = thing.region is None or thing.region.height > TALL
    return tall or (thing.role == "toggle button" and bool(thing.states & {"expandable", "expanded"}))


def name_of(look: Look, thing: Thing) -> str:
    """The name of a thing, else what labels or describes it, or the box that it fills; "" for none of that."""
    if thing.name:
        return thing.name
    if thing.role in _WRITTEN:
        return look.text_of(thing)
    row = list(_row(thing))
    hints = look.hints_of([thing, *row])
    names = [hints[0], *(box.name or hint for box, hint in zip(row, hints[1:], strict=True))]
    return next((name for name in names if name), "")


def _row(thing: Thing) -> Iterator[Thing]:
    """The boxes that a thing fills, alone or as one part of a row, like a field and its arrow."""
    alone = True
    for level, box in enumerate(thing.upward()):
        if box is thing:
            continue
        alone = alone and len(box.children) == 1
        if level > AROUND or box.role not in _NAMING or not _as_high(thing.region, box.region):
            return
        if not alone and (len(box.children) > PARTS or box.role == "tool bar"):
            return
        yield box


def _as_high(part: Region | None, row: Region | None) -> bool:
    return part is not None and row is not None and row.height <= part.height + FRAMED
