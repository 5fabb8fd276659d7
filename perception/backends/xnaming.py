"""Names on an X display: windows as the X server knows them, what is in them as their programs tell, else as it reads.

A program that did not answer at all is left alone for a while, and longer each time: it would cost the whole time again
before every click.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from perception.backends.atspi_look import TooSlow
from perception.backends.atspi_naming import AtspiNaming, Named
from perception.backends.xreading import XReading
from perception.backends.xwindows import Place, XWindows
from perception.errors import CannotRead
from perception.naming import Tell
from perception.target import Target

if TYPE_CHECKING:
    from Xlib.display import Display

FIRST_REST = 2.0  # seconds for which a program that did not answer is not asked
LONGEST_REST = 60.0
FRAME = "title bar"
LETTERED = frozenset(
    {"", "label", "static", "push button", "menu item", "menu", "check box", "radio button", "page tab", "link"}
    | {"heading", "list item", "table cell"}
)
"""Roles of things whose name is written on them; "" for what no program tells of."""


class XNaming:
    """See `perception.naming.NamingBackend`."""

    def __init__(self, display: str | None, *, bus: str | None) -> None:
        from actuators.xlibfix import open_display

        self._display: Display = open_display(display)
        self._display.set_error_handler(_ignore)
        self._windows = XWindows(self._display)
        self._programs = AtspiNaming(self._display.get_display_name(), bus)
        self._reading = XReading(self._display)
        self._rests = Rests()

    def prepare(self) -> None:
        """See `NamingBackend.prepare`."""
        with suppress(CannotRead):
            self._programs.connect()

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.at`."""
        place = self._windows.at(x, y)
        if place is None:
            return
        target = Target(window=place.title, application=place.application)
        if place.region is None:
            tell(replace(target, role=FRAME))
            return
        tell(target)
        named = self._ask(place, lambda: self._programs.at(place, x, y, deadline))
        if named is not None:
            target = replace(target, role=named.role, name=named.name)
            tell(target)
        if not target.name and target.role in LETTERED:
            with suppress(CannotRead):
                tell(replace(target, name=self._reading.label(x, y, place.region, deadline)))

    def in_front(self, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.in_front`."""
        place = self._windows.in_front()
        if place is None:
            return
        target = Target(window=place.title, application=place.application)
        tell(target)
        if self._windows.menu_is_open():
            tell(replace(target, role="menu"))
            return
        named = self._ask(place, lambda: self._programs.focused(place, deadline))
        if named is not None:
            tell(replace(target, role=named.role, name=named.name))

    def close(self) -> None:
        """See `NamingBackend.close`."""
        self._programs.close()
        self._display.close()

    def _ask(self, place: Place, question: Callable[[], Named | None]) -> Named | None:
        if place.pid is None or self._rests.resting(place.pid):
            return None
        try:
            named = question()
        except TooSlow as slow:
            if slow.silent:
                self._rests.tired(place.pid)
            return None
        except CannotRead:
            return None
        self._rests.answered(place.pid)
        return named


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""


class Rests:
    """Which programs are left alone, and for how long."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[float, float]] = {}  # when the rest ends, and how long it is

    def resting(self, pid: int) -> bool:
        """Whether a program is left alone now."""
        return pid in self._until and time.monotonic() < self._until[pid][0]

    def tired(self, pid: int) -> None:
        """It did not answer: let it rest, twice as long as the last time."""
        _, last = self._until.get(pid, (0.0, 0.0))
        rest = min(LONGEST_REST, 2 * last) or FIRST_REST
        self._until[pid] = (time.monotonic() + rest, rest)

    def answered(self, pid: int) -> None:
        """It keeps up."""
        self._until.pop(pid, None)
