"""Looking at single elements of one program through AT-SPI: some questions at once, and all of them in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perception.backends.atspi_calls import (
    ACCESSIBLE,
    COMPONENT,
    NULL,
    ROOT,
    SELECTION,
    TEXT,
    first,
    get,
    property_of,
    region_of,
)
from perception.backends.atspi_nodes import DRAWN, NONE, Shift, error_of_pane, misplaced, moved
from perception.backends.atspi_words import role_name, state_names
from perception.backends.dbus import Bus, Call, Reply
from perception.screenshot import Region

MAX_CHILDREN = 300  # of one element that are looked at
MAX_THINGS = 1500  # that are looked at for one answer
MAX_NAME = 120  # characters
FEW = 10  # things of which everything is asked at once
AHEAD = 3  # children that are asked for before anybody knows whether they are there: it saves waiting for an answer
_GONE = (".ServiceUnknown", ".NameHasNoOwner", ".NoReply")
_LABELLED_BY = 2


class TooSlow(Exception):
    """A program has not told everything in time.

    Attributes:
        silent: it has not told anything.
    """

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__()
        self.silent = silent


class Gone(Exception):
    """A program has ended while it was asked."""


@dataclass(slots=True, eq=False)
class Thing:
    """An element while it is looked at.

    Attributes:
        parent: what it is in; None for a window.
        told: where its program says that it is.
        region: where it is; None where that is not known.
        shift: from one to the other; None where that is not known.
        count: of its children.
        known: their addresses, where those are known already.
        children: what is in it, without what is known not to be showing.
    """

    path: str
    parent: Thing | None = None
    states: frozenset[str] = frozenset()
    role: str = "unknown"
    name: str = ""
    count: int = 0
    told: Region | None = None
    region: Region | None = None
    shift: Shift | None = NONE
    known: list[tuple[str, str]] | None = None
    children: list[Thing] = field(default_factory=list["Thing"])

    @property
    def showing(self) -> bool:
        """Whether it is on the screen."""
        return "showing" in self.states

    @property
    def listable(self) -> bool:
        """Whether its children may be listed: a table has as many as its sheet could have."""
        return 0 < self.count <= MAX_CHILDREN and "manages descendants" not in self.states

    def has(self, x: int, y: int) -> bool:
        """Whether it lies around a point."""
        return self.region is not None and self.region.contains(x, y)

    @property
    def reaches_out(self) -> bool:
        """Whether what it holds may lie elsewhere: the page of a tab is below it, and some boxes have no place."""
        if self.role == "page tab":
            return "selected" in self.states
        return self.told is None and self.shift is not None

    def upward(self) -> Iterator[Thing]:
        """Itself, what it is in, and so on."""
        thing: Thing | None = self
        while thing is not None:
            yield thing
            thing = thing.parent


class Look:
    """One program, until a deadline. Every call raises TooSlow, Gone, or BusLost.

    Attributes:
        program: its name on the bus.
    """

    def __init__(self, bus: Bus, program: str, deadline: float) -> None:
        self.program = program
        self._bus, self._deadline = bus, deadline
        self._seen = set[str]()
        self._answered = False

    def windows(self) -> list[Thing]:
        """The program's windows that are showing."""
        windows = self.children([Thing(ROOT)])
        for window in windows:
            window.parent = None
        return windows

    def children(
        self, parents: Sequence[Thing], spot: tuple[int, int] | None = None, *, brief: bool = False
    ) -> list[Thing]:
        """What is showing in others; each thing is told of once.

        Args:
            spot: a point; what does not lie around it may be left out.
            brief: neither names nor places are wanted.
        """
        things = [thing for parent in parents for thing in self._listed_before(parent)]
        asked = [parent for parent in parents if parent.known is None]
        replies = self._gather([self._call(parent.path, ACCESSIBLE, "GetChildren") for parent in asked])
        for parent, reply in zip(asked, replies, strict=True):
            things += self._new(parent, first(reply, "a(so)", []))
        if len(self._seen) > MAX_THINGS:
            raise TooSlow
        if len(things) > FEW:
            things = self._at_spot(things, spot) if spot else self._shown(things)
        self.describe(things, brief=brief)
        shown = [thing for thing in things if thing.showing]
        for parent in parents:
            if len(parent.children) <= FEW:
                parent.children = [thing for thing in parent.children if thing.showing or not thing.states]
        return shown

    def at_point(self, holder: Thing, x: int, y: int) -> Thing | None:
        """What a program itself says is at a point of one of its tables or lists."""
        if holder.shift is None:
            return None
        point = (x - holder.shift[0], y - holder.shift[1])
        [reply] = self._gather([self._call(holder.path, COMPONENT, "GetAccessibleAtPoint", "iiu", *point, 0)])
        name, path = first(reply, "(so)", ("", NULL))
        if name != self.program or path in (NULL, holder.path):
            return None
        thing = Thing(path, holder)
        self.describe([thing])
        return thing

    def around(self, thing: Thing) -> Thing | None:
        """What a thing is in, where its program was asked for the thing itself."""
        [reply] = self._gather([get(self.program, thing.path, ACCESSIBLE, "Parent")])
        name, path = property_of(reply) or ("", NULL)
        if name != self.program or path == NULL:
            return None
        outer = Thing(path)
        self.describe([outer])
        return outer

    def chosen(self, holder: Thing) -> Thing | None:
        """What is selected in a table or list, if it is one thing."""
        [count] = self._gather([get(self.program, holder.path, SELECTION, "NSelectedChildren")])
        if property_of(count) != 1:
            return None
        [reply] = self._gather([self._call(holder.path, SELECTION, "GetSelectedChild", "i", 0)])
        name, path = first(reply, "(so)", ("", NULL))
        if name != self.program or path == NULL:
            return None
        thing = Thing(path, holder)
        self.describe([thing])
        return thing

    def describe(self, things: Sequence[Thing], *, brief: bool = False) -> None:
        """Find out what things are, and where; and by the way what is in them, where that is not much."""
        ahead = AHEAD if len(things) <= FEW else 0
        asked: list[Call] = []
        for thing in things:
            asked.append(self._call(thing.path, ACCESSIBLE, "GetState"))
            asked.append(self._call(thing.path, ACCESSIBLE, "GetRole"))
            asked.append(get(self.program, thing.path, ACCESSIBLE, "ChildCount"))
            asked += [self._call(thing.path, ACCESSIBLE, "GetChildAtIndex", "i", index) for index in range(ahead)]
        each, facts = 3 + ahead, len(asked)
        for thing in () if brief else things:
            asked.append(get(self.program, thing.path, ACCESSIBLE, "Name"))
            asked.append(self._call(thing.path, COMPONENT, "GetExtents", "u", 0))
        replies = self._gather(asked)
        for number, thing in enumerate(things):
            states, role, count, *inside = replies[each * number : each * (number + 1)]
            thing.states = _states(states)
            thing.role = role_name(first(role, "u", 0))
            thing.count = int(property_of(count) or 0)
            if thing.count <= ahead:
                thing.known = [first(reply, "(so)", ("", NULL)) for reply in inside[: thing.count]]
        for thing, name, extents in zip(things, replies[facts::2], replies[facts + 1 :: 2], strict=not brief):
            thing.name = str(property_of(name) or "").strip()
            thing.told = region_of(first(extents, "(iiii)", None))
            _place(thing)

    def text_of(self, thing: Thing) -> str:
        """What is written in it; "" if nothing can be."""
        [reply] = self._gather([self._call(thing.path, TEXT, "GetText", "ii", 0, MAX_NAME)])
        return str(first(reply, "s", "")).strip()

    def hints_of(self, things: Sequence[Thing]) -> list[str]:
        """What describes each, where it has no name: its label, else its tooltip."""
        asked: list[Call] = []
        for thing in things:
            asked.append(get(self.program, thing.path, ACCESSIBLE, "Description"))
            asked.append(self._call(thing.path, ACCESSIBLE, "GetRelationSet"))
        replies = self._gather(asked)
        labels = [self._label(reply) for reply in replies[1::2]]
        descriptions = [str(property_of(reply) or "").strip() for reply in replies[::2]]
        return [label or description for label, description in zip(labels, descriptions, strict=True)]

    def _label(self, relations: Reply) -> str:
        for kind, targets in first(relations, "a(ua(so))", []):
            for name, path in targets if kind == _LABELLED_BY else ():
                if name == self.program:
                    [label] = self._gather([get(name, path, ACCESSIBLE, "Name")])
                    return str(property_of(label) or "").strip()
        return ""

    def _listed_before(self, parent: Thing) -> list[Thing]:
        return [] if parent.known is None else self._new(parent, parent.known)

    def _new(self, parent: Thing, listed: Sequence[tuple[str, str]]) -> list[Thing]:
        """Things that were not seen before."""
        things: list[Thing] = []
        for name, path in listed[:MAX_CHILDREN]:
            if name == self.program and path != NULL and path not in self._seen:
                self._seen.add(path)
                things.append(Thing(path, parent))
        parent.children = things
        return things

    def _shown(self, things: Sequence[Thing]) -> list[Thing]:
        replies = self._gather([self._call(thing.path, ACCESSIBLE, "GetState") for thing in things])
        return [thing for thing, reply in zip(things, replies, strict=True) if "showing" in _states(reply)]

    def _at_spot(self, things: Sequence[Thing], spot: tuple[int, int]) -> list[Thing]:
        """Those that lie around a point, or may do so."""
        replies = self._gather([self._call(thing.path, COMPONENT, "GetExtents", "u", 0) for thing in things])
        near: list[Thing] = []
        for thing, reply in zip(things, replies, strict=True):
            thing.told = region_of(first(reply, "(iiii)", None))
            _place(thing)  # by its role, which is not known yet, it might be a pane, but those come alone
            if thing.has(*spot):
                near.append(thing)
        return near

    def _call(self, path: str, interface: str, member: str, signature: str = "", *arguments: object) -> Call:
        return Call(self.program, path, interface, member, signature, arguments)

    def _gather(self, calls: Sequence[Call]) -> list[Reply]:
        replies = [reply for reply in self._bus.gather(calls, self._deadline) if reply is not None]
        self._answered = self._answered or bool(replies)
        if len(replies) < len(calls):
            raise TooSlow(silent=not self._answered)
        if any(reply.error.endswith(_GONE) for reply in replies):
            raise Gone
        return replies


def _states(reply: Reply) -> frozenset[str]:
    words = first(reply, "au", ())
    return state_names(*words) if len(words) == 2 else frozenset()


def _place(thing: Thing) -> None:
    """Put right where LibreOffice says that things are; see `atspi_nodes`."""
    parent = thing.parent
    if parent is None:
        thing.region = thing.told
        return
    if thing.role == DRAWN:
        thing.shift = error_of_pane(parent.told, thing.told)
    elif parent.shift != NONE and parent.shift is not None and misplaced(thing.told, parent.told) == parent.shift:
        thing.shift = NONE  # a widget of GTK amid what is drawn
    else:
        thing.shift = parent.shift
    thing.region = None if thing.told is None or thing.shift is None else moved(thing.told, thing.shift)
