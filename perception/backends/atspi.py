"""The accessibility tree of an X display, through AT-SPI over raw D-Bus.

Programs are walked through from their windows down, each level in one go, and only to what is showing. There is one
call that tells everything at once (`Cache.GetItems`), but it also tells of what a program has thrown away: LibreOffice
crashes over it soon after a dialog was closed. So nobody asks for caches here, and nobody listens to events, for which
programs would begin to keep them. Programs that hang cost the time that they are given, and are named; all others
answer meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perception.backends.atspi_bus import Residents, open_bus, program_name
from perception.backends.atspi_calls import (
    ACCESSIBLE,
    ACTION,
    COMPONENT,
    HOLDS_TOO_MUCH,
    NULL,
    REGISTRY,
    ROOT,
    TEXT,
    VALUE,
    first,
    get,
    property_of,
    region_of,
)
from perception.backends.atspi_nodes import Node, elements_of
from perception.backends.dbus import Bus, BusLost, Call, Malformed, Reply
from perception.errors import CannotRead
from perception.tree import Element, Reading

ANSWER_SHARE = 0.6  # of the time for a reading: by then a program must have answered its first question
MAX_NODES = 5000  # that are walked through, of one program
MAX_CHILDREN = 300  # of one node; a table claims millions
MAX_TEXT = 300  # characters of what is written in an element,
MAX_DETAIL = 10_000  # and of it in detail

_ENDED = (".NoReply", ".ServiceUnknown", ".NameHasNoOwner")  # errors of calls to programs that are gone
_LIMITS = ("MinimumValue", "MaximumValue", "MinimumIncrement")
_DESCRIBED = 4  # calls that describe a node

_WRITTEN = frozenset({"text", "entry", "paragraph", "terminal", "heading", "autocomplete", "edit bar", "date editor"})
_MEASURED = frozenset({"slider", "spin button", "progress bar", "level bar", "dial", "rating"})
_UNTOLD = frozenset({"static", "label", "status bar"})  # roles whose text counts where they have no name


@dataclass
class _Program:
    """One application on the bus while it is read."""

    bus_name: str
    root: str
    pid: int
    name: str = ""
    toolkit: str = ""
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    answered: bool = False
    ended: bool = False
    cut_short: bool = False

    def call(self, path: str, interface: str, member: str, signature: str = "", *arguments: Any) -> Call:
        return Call(self.bus_name, path, interface, member, signature, arguments)

    def get(self, path: str, interface: str, name: str) -> Call:
        return get(self.bus_name, path, interface, name)


@dataclass(frozen=True, slots=True)
class Detail:
    """More about an element.

    Attributes:
        attributes: as its toolkit calls them.
        actions: name, description, keys.
        text: what is written in it, whatever its role; "" where it holds no text.
        limits: of its value: the least, the largest, and the least step; empty where there are none.
    """

    attributes: Mapping[str, str]
    actions: tuple[tuple[str, str, str], ...]
    text: str = ""
    limits: tuple[float, ...] = ()


class AtspiTree:
    """See `perception.tree.TreeBackend`. Connects when it is first asked, and again when the bus was gone."""

    def __init__(self, display: str | None, *, bus: str | None = None) -> None:
        """Nothing is opened yet.

        Args:
            display: like ":7"; None for the one of the environment.
            bus: address of the display's session bus, where it is known.
        """
        self._display = display or os.environ.get("DISPLAY", "")
        self._session = bus
        self._bus: Bus | None = None
        self._residents = Residents(self._display)

    def read(self, seconds: float) -> Reading:
        """See `TreeBackend.read`."""
        began = time.monotonic()
        try:
            return self._read(began, began + seconds)
        except BusLost:  # it may have been started anew
            self.close()
        try:
            return self._read(began, began + seconds)
        except BusLost as error:
            self.close()
            raise CannotRead(f"the accessibility tree of display {self._display} is gone: {error}") from None

    def actions(self, element: Element, seconds: float) -> Sequence[str]:
        """See `TreeBackend.actions`."""
        name, _, path = element.id.partition("/")
        deadline = time.monotonic() + seconds
        try:
            reply = self._connected(deadline).ask(Call(name, f"/{path}", ACTION, "GetActions"), deadline)
            values = reply and reply.values("a(sss)")
        except (BusLost, Malformed):
            self.close()
            return ()
        return [str(action[0]) for action in values[0]] if values else []

    def text(self, element: Element, seconds: float) -> str | None:
        """All that is written in an element, however long; None if it holds no text, or does not answer."""
        name, _, path = element.id.partition("/")
        deadline = time.monotonic() + seconds
        reply = self._ask_all([Call(name, f"/{path}", TEXT, "GetText", "ii", (0, -1))], deadline)[0]
        return first(reply, "s", None)

    def details(self, elements: Sequence[Element], seconds: float) -> Sequence[Detail]:
        """What only screen readers ask of each element, as far as programs tell in so many seconds."""
        asked: list[Call] = []
        for element in elements:
            name, _, path = element.id.partition("/")
            asked.append(Call(name, f"/{path}", ACCESSIBLE, "GetAttributes"))
            asked.append(Call(name, f"/{path}", ACTION, "GetActions"))
            asked.append(Call(name, f"/{path}", TEXT, "GetText", "ii", (0, MAX_DETAIL)))
            if element.value is not None:
                asked += [get(name, f"/{path}", VALUE, limit) for limit in _LIMITS]
        replies = iter(self._ask_all(asked, time.monotonic() + seconds))
        return [_detail(element, replies) for element in elements]

    def close(self) -> None:
        """See `TreeBackend.close`."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _ask_all(self, calls: Sequence[Call], deadline: float) -> list[Reply | None]:
        try:
            return self._connected(deadline).gather(calls, deadline)
        except (BusLost, Malformed):
            self.close()
            return [None] * len(calls)

    def _connected(self, deadline: float) -> Bus:
        if not self._display:
            raise CannotRead("there is no screen whose accessibility tree could be read: set DISPLAY to one")
        if self._bus is None:
            self._bus = open_bus(self._display, self._session, deadline)
        return self._bus

    def _read(self, began: float, deadline: float) -> Reading:
        bus = self._connected(deadline)
        reader = _Reader(bus, deadline)
        programs = self._programs(bus, deadline)
        reader.introduce(programs, began + ANSWER_SHARE * (deadline - began))
        alive = [program for program in programs if program.answered]
        reader.walk(alive)
        reader.measure(alive)
        elements = [element for program in alive for element in elements_of(**_told(program))]
        return Reading(tuple(elements), tuple(_notes(programs, deadline - began)), time.monotonic() - began)

    def _programs(self, bus: Bus, deadline: float) -> list[_Program]:
        """Those on this display."""
        reply = bus.ask(Call(REGISTRY, ROOT, ACCESSIBLE, "GetChildren"), deadline)
        found: list[tuple[str, str]] | None = first(reply, "a(so)", None)
        if found is None:
            raise CannotRead(f"the accessibility registry of display {self._display} does not answer; log out and in")
        pids = bus.process_of([name for name, _ in found], deadline)
        return [
            _Program(name, root, pid)
            for (name, root), pid in zip(found, pids, strict=True)
            if pid and self._residents.has(pid)
        ]


class _Reader:
    """Asks programs for their nodes, all of them at once."""

    def __init__(self, bus: Bus, deadline: float) -> None:
        self._bus, self._deadline = bus, deadline

    def introduce(self, programs: Sequence[_Program], deadline: float) -> None:
        """Who they are, and whether they answer at all."""
        asked: list[Call] = []
        for program in programs:
            asked.append(program.get(program.root, ACCESSIBLE, "Name"))
            asked.append(program.get(program.root, "org.a11y.atspi.Application", "ToolkitName"))
        replies = self._bus.gather(asked, deadline)
        for index, program in enumerate(programs):
            name, toolkit = replies[2 * index : 2 * index + 2]
            program.answered = name is not None
            program.ended = name is not None and name.error.endswith(_ENDED)
            program.name, program.toolkit = str(property_of(name) or ""), str(property_of(toolkit) or "")

    def walk(self, programs: Sequence[_Program]) -> None:
        """All that is showing, level by level, of all programs at once."""
        parents = [(program, program.root) for program in programs]
        while parents:
            if time.monotonic() > self._deadline:
                for program, _ in parents:
                    program.cut_short = True
                return
            showing = self._showing(self._children(parents))
            self._describe(showing)
            parents = [(program, node.path) for program, node in showing if node.count and _walkable(node)]

    def measure(self, programs: Sequence[_Program]) -> None:
        """Where the nodes that are showing are, and what they hold."""
        wanted = [(program, node) for program in programs for node in program.nodes.values() if node.showing]
        asked: list[tuple[Node, str, Call]] = []
        for program, node in wanted:
            if COMPONENT in node.interfaces:
                asked.append((node, "region", program.call(node.path, COMPONENT, "GetExtents", "u", 0)))
            if not node.name and ACTION in node.interfaces:
                asked.append((node, "description", program.get(node.path, ACCESSIBLE, "Description")))
            if TEXT in node.interfaces and (node.role in _WRITTEN or (node.role in _UNTOLD and not node.name)):
                asked.append((node, "text", program.call(node.path, TEXT, "GetText", "ii", 0, MAX_TEXT)))
            if VALUE in node.interfaces and node.role in _MEASURED:
                asked.append((node, "value", program.get(node.path, VALUE, "CurrentValue")))
        replies = self._bus.gather([call for _, _, call in asked], self._deadline)
        for (node, what, _), reply in zip(asked, replies, strict=True):
            _note_down(node, what, reply)

    def _children(self, parents: Sequence[tuple[_Program, str]]) -> list[tuple[_Program, Node]]:
        """New nodes below others, with no more known of them than where they belong."""
        asked = [program.call(path, ACCESSIBLE, "GetChildren") for program, path in parents]
        new: list[tuple[_Program, Node]] = []
        for (program, parent), reply in zip(parents, self._bus.gather(asked, self._deadline), strict=True):
            children: list[tuple[str, str]] = first(reply, "a(so)", [])
            program.cut_short |= reply is None
            for index, (name, path) in enumerate(children[:MAX_CHILDREN]):
                if name == program.bus_name and path not in program.nodes and path != NULL:
                    new.append((program, Node(path, parent, index)))
        return new

    def _showing(self, new: Sequence[tuple[_Program, Node]]) -> list[tuple[_Program, Node]]:
        """Those that are on the screen, which are kept."""
        asked = [program.call(node.path, ACCESSIBLE, "GetState") for program, node in new]
        kept: list[tuple[_Program, Node]] = []
        for (program, node), reply in zip(new, self._bus.gather(asked, self._deadline), strict=True):
            program.cut_short |= reply is None
            node.set_states(first(reply, "au", ()))
            if not node.showing or node.path in program.nodes:
                continue
            if len(program.nodes) >= MAX_NODES:
                program.cut_short = True
                continue
            program.nodes[node.path] = node
            kept.append((program, node))
        return kept

    def _describe(self, new: Sequence[tuple[_Program, Node]]) -> None:
        asked: list[Call] = []
        for program, node in new:
            asked += [program.get(node.path, ACCESSIBLE, name) for name in ("Name", "ChildCount")]
            asked += [program.call(node.path, ACCESSIBLE, f"Get{name}") for name in ("Role", "Interfaces")]
        replies = self._bus.gather(asked, self._deadline)
        for number, (_, node) in enumerate(new):
            name, count, role, interfaces = replies[number * _DESCRIBED : (number + 1) * _DESCRIBED]
            node.name, node.count = str(property_of(name) or ""), int(property_of(count) or 0)
            node.set_role(first(role, "u", 0))
            node.interfaces = tuple(first(interfaces, "as", ()))


def _walkable(node: Node) -> bool:
    """Whether its children can be gone through: a table has as many as its sheet could have."""
    return node.role not in HOLDS_TOO_MUCH and "manages descendants" not in node.states and node.count <= MAX_CHILDREN


def _note_down(node: Node, what: str, reply: Reply | None) -> None:
    if what == "region":
        node.region = region_of(first(reply, "(iiii)", None))
    elif what == "text":
        node.text = str(first(reply, "s", ""))
    elif what == "description":
        node.description = str(property_of(reply) or "")
    else:
        number = property_of(reply)
        node.value = float(number) if isinstance(number, int | float) else None


def _detail(element: Element, replies: Iterator[Reply | None]) -> Detail:
    """Of the answers to the questions about one element, which come next."""
    attributes, actions = first(next(replies), "a{ss}", {}), tuple(first(next(replies), "a(sss)", ()))
    text = str(first(next(replies), "s", ""))
    numbers = [property_of(next(replies)) for _ in _LIMITS] if element.value is not None else []
    told = all(isinstance(number, int | float) for number in numbers)
    return Detail(attributes, actions, text, tuple(float(number) for number in numbers) if told else ())


def _told(program: _Program) -> dict[str, Any]:
    return {
        "bus_name": program.bus_name,
        "root": program.root,
        "application": program.name,
        "toolkit": program.toolkit,
        "nodes": program.nodes,
    }


def _notes(programs: Iterable[_Program], seconds: float) -> Iterable[str]:
    for program in programs:
        name = program.name or program_name(program.pid)
        if program.ended:
            yield f"{name} ended while it was read"
        elif not program.answered:
            yield f"{name} did not answer within {seconds * ANSWER_SHARE:.1f} s; what is on its windows is missing"
        elif program.cut_short:
            yield f"{name} has more on its windows than could be read within {seconds:.1f} s"
