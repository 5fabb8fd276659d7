"""What is at a point, and what has the focus, asked of one program through AT-SPI.

Not by the programs' own hit tests, which take the first thing there, hidden pages included, but from the window down
through whatever is showing and lies around the point. Only tables and long lists are asked themselves, whose children
nobody must list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from perception.backends.atspi_bus import open_bus
from perception.backends.atspi_calls import ACCESSIBLE, HOLDS_TOO_MUCH, REGISTRY, ROOT, first
from perception.backends.atspi_look import Gone, Look, Thing
from perception.backends.dbus import Bus, BusLost, Call
from perception.backends.xwindows import Place
from perception.errors import CannotRead
from perception.frames import overlap
from perception.screenshot import Region

CONNECT_SECONDS = 1.0
RETRY_SECONDS = 5.0  # until a bus that was not there is looked for again
MAX_DEPTH = 50
NEAR = 3  # pixels by which a popup's own account of its place may be off
ABOVE = 5  # levels between what is under the pointer and the button that it is part of
AROUND = 8  # levels between a thing without a name and the box that is named after it
INDENT = 24  # pixels before the text of a row, for the sign that unfolds it
FRAMED = 12  # pixels by which such a box may be higher than the thing
PARTS = 2  # that make up one thing to its user
TALL = 80  # pixels; what is taller than a button, and holds others, is not what a click on them is for

_ACTING = frozenset(
    {"push button", "toggle button", "push button menu", "check box", "radio button", "link", "menu item", "menu"}
    | {"check menu item", "radio menu item", "page tab", "list item", "tree item", "table cell", "combo box"}
    | {"column header", "row header", "table column header", "table row header", "spin button", "slider", "entry"}
    | {"password text", "switch", "scroll bar"}
)
_PARTS = frozenset({"label", "static", "image", "icon", "section", "paragraph", "text", "heading", "filler", "panel"})
_BOXES = frozenset(
    {"panel", "filler", "unknown", "redundant object", "viewport", "scroll pane", "split pane", "layered pane"}
    | {"root pane", "section", "grouping", "glass pane", "invalid", "extended", "embedded", "page tab list", "form"}
)
_WINDOWS = frozenset({"frame", "window", "dialog", "alert", "file chooser", "color chooser", "font chooser"})
_ITEMS = frozenset({"menu", "menu item", "check menu item", "radio menu item"})
_MENUS = frozenset({"menu", "menu bar", "popup menu", "menu item"})
_AROUND_MENUS = _BOXES - {"root pane"} | {"tool bar", "push button menu", "toggle button"}
_NAMING = _BOXES - {"root pane"} | {"tool bar", "combo box", "list", "tool item"}
_WRITTEN = frozenset({"label", "static", "heading"})
_PAGE = "document web"
_LESS_LIKELY = frozenset({"tool bar", "page tab list"})
_NEVER = frozenset({"menu bar", "menu", "status bar", "scroll bar", "separator", "label", "static"})


@dataclass(frozen=True, slots=True)
class Named:
    """An element: its role in the words of AT-SPI, and its name."""

    role: str
    name: str


_Question: TypeAlias = Callable[[Look], Named | None]


class AtspiNaming:
    """Names elements of programs on one display. For one thread."""

    def __init__(self, display: str, bus: str | None) -> None:
        self._display, self._session = display, bus
        self._bus: Bus | None = None
        self._missing_until = 0.0
        self._pids: dict[str, int | None] = {}  # by names on the bus, which are never used twice
        self._pages: dict[tuple[str, str], tuple[str, str]] = {}  # windows and pages in them, by program and title

    def connect(self) -> Bus:
        """Find the bus, if it is not there yet.

        Raises:
            CannotRead: there is none.
        """
        if self._bus is None:
            if time.monotonic() < self._missing_until:
                raise CannotRead("there was no accessibility bus a moment ago")
            self._missing_until = time.monotonic() + RETRY_SECONDS
            self._bus = open_bus(self._display, self._session, time.monotonic() + CONNECT_SECONDS)
        return self._bus

    def at(self, place: Place, x: int, y: int, deadline: float) -> Named | None:
        """What is at a point in a window; None where its program does not tell, or not clearly.

        Raises:
            TooSlow: the program has not answered in time.
            CannotRead: there is no bus.
        """

        def question(look: Look) -> Named | None:
            page = self._known_page(look, place)
            if page is not None and page.has(x, y):
                return _best(look, _in_page(look, page, x, y), x, y)
            leaves = _at(look, look.windows(), place, x, y)
            self._remember_page(look, place, leaves)
            return _best(look, leaves, x, y)

        return self._ask(place, deadline, question)

    def focused(self, place: Place, deadline: float) -> Named | None:
        """What has the focus in a window; raises as `at`."""
        return self._ask(place, deadline, lambda look: _focused(look, look.windows(), place))

    def close(self) -> None:
        """Disconnect. May be called twice."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _ask(self, place: Place, deadline: float, question: _Question) -> Named | None:
        try:
            bus = self.connect()
            for name in self._programs(bus, place.pid, deadline):
                if (named := self._ask_program(Look(bus, name, deadline), name, question)) is not None:
                    return named
        except BusLost:
            self.close()
        return None

    def _ask_program(self, look: Look, name: str, question: _Question) -> Named | None:
        try:
            return question(look)
        except Gone:
            self._pids.pop(name, None)
            return None

    def _known_page(self, look: Look, place: Place) -> Thing | None:
        """The page that a browser's window showed the last time, if it still does: it saves the way down to it."""
        known = self._pages.get((look.program, place.title))
        if known is None or place.popup:
            return None
        window, page = Thing(known[0]), Thing(known[1])
        look.describe([window, page])
        return page if window.showing and window.name == place.title and page.showing else None

    def _remember_page(self, look: Look, place: Place, leaves: Sequence[Thing]) -> None:
        self._pages.clear()
        for leaf in leaves:
            chain = list(leaf.upward())
            if (page := next((thing for thing in chain if thing.role == _PAGE), None)) is not None:
                self._pages[look.program, place.title] = chain[-1].path, page.path

    def _programs(self, bus: Bus, pid: int | None, deadline: float) -> list[str]:
        """The names that a process has on the bus."""
        if known := [name for name, owner in self._pids.items() if owner == pid]:
            return known
        reply = bus.ask(Call(REGISTRY, ROOT, ACCESSIBLE, "GetChildren"), deadline)
        listed: list[tuple[str, str]] = first(reply, "a(so)", [])
        new = [name for name, _ in listed if name not in self._pids]
        self._pids = {name: self._pids[name] for name, _ in listed if name in self._pids}
        self._pids |= dict(zip(new, bus.process_of(new, deadline), strict=True))
        return [name for name, owner in self._pids.items() if owner == pid]


# The thing at a point ----------------------------------------------------------------------------------------------


def _at(look: Look, windows: Sequence[Thing], place: Place, x: int, y: int) -> list[Thing]:
    """The innermost things at a point; several where they overlap."""
    window = _window(windows, place)
    if window is not None and window.has(x, y):
        return _descend(look, window, x, y)
    if place.popup and place.region is not None:
        return _in_menus(look, windows, place.region, x, y)
    return []


def _best(look: Look, leaves: Sequence[Thing], x: int, y: int) -> Named | None:
    """None where several things claim the point: nobody knows which of them is on top."""
    told = {named for named in (_named(look, leaf, x, y) for leaf in leaves) if named is not None}
    return told.pop() if len(told) == 1 else None


def _window(windows: Sequence[Thing], place: Place) -> Thing | None:
    """The one that the X server means: by its place, or by its title; None if there is none, or more than one."""
    if place.popup:
        return _only([window for window in windows if _same(window.region, place.region)])
    titled = [window for window in windows if window.name == place.title]
    placed = [window for window in titled if _holds(window.region, place.region)]
    return _only(placed) or _only(titled)


def _descend(look: Look, window: Thing, x: int, y: int) -> list[Thing]:
    """The innermost things around a point."""
    leaves: list[Thing] = []
    level = [window]
    for _ in range(MAX_DEPTH):
        if page := next((thing for thing in level if thing.role == _PAGE and thing.has(x, y)), None):
            return _in_page(look, page, x, y)
        below = look.children([thing for thing in level if thing.listable], (x, y))
        around = {id(thing.parent) for thing in below if thing.has(x, y)}
        ends = [thing for thing in level if thing.has(x, y) and id(thing) not in around]
        leaves += [_inmost(look, thing, x, y) for thing in ends]
        level = [thing for thing in below if thing.has(x, y) or thing.reaches_out]
        if not level:
            break
    return _without_holders(leaves)


def _in_page(look: Look, page: Thing, x: int, y: int) -> list[Thing]:
    """What a browser says is at a point of a page: there things lie on top of each other, as only it knows.

    Its first answer may be a guess, for which it asks the page behind our back; so it must say the same twice.
    """
    guess = look.at_point(page, x, y)
    if guess is None or not guess.has(x, y):
        return []
    outer = guess
    for _ in range(ABOVE):
        around = look.around(outer) if outer.role in _PARTS else None
        if around is None or around.path == page.path:
            break
        around.parent, outer.parent, outer = page, around, around
    again = look.at_point(page, x, y)
    return [guess] if again is not None and again.path == guess.path else []


def _without_holders(leaves: Sequence[Thing]) -> list[Thing]:
    """Those that do not turn out to hold another one, further in."""
    holders = {id(thing) for leaf in leaves for thing in leaf.upward() if thing is not leaf}
    return [leaf for leaf in leaves if id(leaf) not in holders]


def _inmost(look: Look, thing: Thing, x: int, y: int) -> Thing:
    """In a table or long list: the cell at a point, as far as the program knows it."""
    for _ in range(4):
        if thing.listable or thing.count == 0:
            break
        inner = look.at_point(thing, x, y)
        if inner is None or not _in_cell(inner.region, x, y):
            break
        thing = inner
    return thing


def _in_cell(cell: Region | None, x: int, y: int) -> bool:
    """Whether a point is in a cell, which GTK places without what is drawn in front of it."""
    wider = cell and Region(cell.left - INDENT, cell.top, cell.width + 2 * INDENT, cell.height)
    return wider is not None and wider.contains(x, y)


def _in_menus(look: Look, windows: Sequence[Thing], popup: Region, x: int, y: int) -> list[Thing]:
    """The items at a point of an open menu, which programs keep below the menu bar, wherever it pops up."""
    level = [window for window in windows if window.listable]
    for _ in range(MAX_DEPTH):
        below = look.children(level)
        if hits := [thing for thing in below if thing.role in _ITEMS and thing.has(x, y) and _within(thing, popup)]:
            return hits
        menus = [thing for thing in below if thing.role in _MENUS and thing.listable]
        opened = [thing for thing in menus if thing.states & {"selected", "expanded"}]
        boxes = [thing for thing in below if thing.role in _AROUND_MENUS and thing.listable]
        level = [*(opened or menus), *boxes]
        if not level:
            break
    return []


def _within(thing: Thing, popup: Region) -> bool:
    region = thing.region
    return region is not None and overlap(region, popup) == region


def _same(one: Region | None, other: Region | None) -> bool:
    if one is None or other is None:
        return False
    apart = (one.left - other.left, one.top - other.top, one.width - other.width, one.height - other.height)
    return max(map(abs, apart)) <= NEAR


def _holds(outer: Region | None, inner: Region | None) -> bool:
    """Whether a window as its program tells it, with or without its frame, is the one that the X server means."""
    if outer is None or inner is None:
        return False
    return (
        outer.contains(*_middle(inner))
        and abs(outer.width - inner.width) < 60
        and abs(outer.height - inner.height) < 80
    )


def _middle(region: Region) -> tuple[int, int]:
    return region.center.x, region.center.y


def _only(things: Sequence[Thing]) -> Thing | None:
    return things[0] if len(things) == 1 else None


# Its name ----------------------------------------------------------------------------------------------------------


def _named(look: Look, leaf: Thing, x: int, y: int) -> Named | None:
    thing = _acting(leaf, x, y)
    if thing.role in _BOXES or thing.role in _WINDOWS:
        return None
    return Named(thing.role, _name(look, thing))


def _acting(leaf: Thing, x: int, y: int) -> Thing:
    """What a click on it is for: of a button's label the button."""
    if leaf.role not in _PARTS:
        return leaf
    for level, thing in enumerate(leaf.upward()):
        if thing.role in _ACTING:
            return thing if thing.has(x, y) and not _unfolds(thing) else leaf
        if level > ABOVE or (thing is not leaf and thing.role not in _PARTS):
            break
    return leaf


def _unfolds(thing: Thing) -> bool:
    """Whether a click on what is in it does not reach it: all that it has unfolded is below it."""
    tall = thing.region is None or thing.region.height > TALL
    return tall or (thing.role == "toggle button" and bool(thing.states & {"expandable", "expanded"}))


def _name(look: Look, thing: Thing) -> str:
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


# The thing with the focus -------------------------------------------------------------------------------------------


def _focused(look: Look, windows: Sequence[Thing], place: Place) -> Named | None:
    window = _window(windows, place)
    if window is None:
        return None
    focus = _find_focus(look, window)
    if focus is None:
        return None
    look.describe([focus])
    thing = (look.chosen(focus) or focus) if focus.role in HOLDS_TOO_MUCH else focus
    return None if thing.role in _BOXES | _WINDOWS else Named(thing.role, _name(look, thing))


def _find_focus(look: Look, window: Thing) -> Thing | None:
    """The innermost thing with the focus: looked for where people write, and then on tool bars and the like."""
    found: Thing | None = None
    level, later = [window], list[Thing]()
    for _ in range(MAX_DEPTH):
        below = look.children([thing for thing in level if thing.listable], brief=True)
        focused = [thing for thing in below if "focused" in thing.states]
        if focused:
            found, later = focused[-1], []
        else:
            later += [thing for thing in below if thing.role in _LESS_LIKELY]
        level = focused[-1:] or [thing for thing in below if thing.role not in _LESS_LIKELY | _NEVER]
        if not level:
            level, later = later, []
        if not level:
            break
    return found
