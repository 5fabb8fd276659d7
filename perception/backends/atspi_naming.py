"""What is at a point, and what has the focus, asked of one program through AT-SPI.

Not by the programs' own hit tests, which take the first thing there, hidden pages included, but from the window down
through whatever is showing and lies around the point. Only tables and long lists are asked themselves, whose children
nobody must list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from perception.backends.atspi_bus import open_bus
from perception.backends.atspi_calls import ACCESSIBLE, HOLDS_TOO_MUCH, REGISTRY, ROOT, first
from perception.backends.atspi_look import Gone, Look, Thing
from perception.backends.atspi_names import ABOVE, BOXES, INNER, WINDOWS, Named, name_of, named_by
from perception.backends.dbus import Bus, BusLost, Call
from perception.backends.xwindows import Place
from perception.errors import CannotRead
from perception.frames import overlap
from perception.screenshot import Region

CONNECT_SECONDS = 1.0
RETRY_SECONDS = 5.0  # until a bus that was not there is looked for again
MAX_DEPTH = 50
NEAR = 3  # pixels by which a popup's own account of its place may be off
TRIES = 4  # answers of a browser of which two in a row must agree
INDENT = 24  # pixels before the text of a row, for the sign that unfolds it

_ITEMS = frozenset({"menu", "menu item", "check menu item", "radio menu item"})
_MENUS = frozenset({"menu", "menu bar", "popup menu", "menu item"})
_AROUND_MENUS = BOXES - {"root pane"} | {"tool bar", "push button menu", "toggle button"}
_PAGE = "document web"
_LESS_LIKELY = frozenset({"tool bar", "page tab list"})
_NEVER = frozenset({"menu bar", "menu", "status bar", "scroll bar", "separator", "label", "static"})

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

    def responds(self, place: Place, deadline: float) -> bool:
        """Whether a window's program answers a short question."""
        try:
            bus = self.connect()
            asked = [Call(name, ROOT, ACCESSIBLE, "GetState") for name in self._programs(bus, place.pid, deadline)]
            return any(reply is not None for reply in bus.gather(asked, deadline))
        except (BusLost, CannotRead):
            return False

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
    told = {one for one in (named_by(look, leaf, x, y) for leaf in leaves) if one is not None}
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
    """What a browser says is at a point of a page: there things lie on top of each other, as only it knows."""
    inner = _twice(look, page, x, y)
    if inner is None or not inner.has(x, y):
        return []
    outer = inner
    for _ in range(ABOVE):
        around = look.around(outer) if outer.role in INNER else None
        if around is None or around.path == page.path:
            break
        around.parent, outer.parent, outer = page, around, around
    return [inner]


def _twice(look: Look, page: Thing, x: int, y: int) -> Thing | None:
    """A browser's first answer may be a guess, for which it asks the page behind our back: so it must say it twice."""
    last: Thing | None = None
    for _ in range(TRIES):
        now = look.at_point(page, x, y)
        if now is None or (last is not None and last.path == now.path):
            return now
        last = now
    return None


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
    return None if thing.role in BOXES | WINDOWS else Named(thing.role, name_of(look, thing))


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
