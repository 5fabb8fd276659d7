"""Names on an X display: windows as the X server knows them, what is in them as their programs tell, else as it reads.

A program that did not answer at all gets no more than a moment for a sign of life from then on, until it gives one: it
would cost the whole time again before every click.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from perception.backends.atspi_look import TooSlow
from perception.backends.atspi_names import Named
from perception.backends.atspi_naming import AtspiNaming
from perception.backends.xreading import XReading
from perception.backends.xwindows import Place, XWindows
from perception.errors import CannotRead
from perception.naming import Tell
from perception.target import Target

if TYPE_CHECKING:
    from Xlib.display import Display

SIGN_SECONDS = 0.01  # in which a program that was silent must answer a short question before it is asked another one
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
        self._silent = set[int]()  # processes that did not answer

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
        self._reading.close()
        self._display.close()

    def _ask(self, place: Place, question: Callable[[], Named | None]) -> Named | None:
        if place.pid is None:
            return None
        try:
            if place.pid in self._silent and not self._programs.responds(place, time.monotonic() + SIGN_SECONDS):
                return None
            self._silent.discard(place.pid)
            return question()
        except TooSlow as slow:
            if slow.silent:
                self._silent.add(place.pid)
        except CannotRead:
            pass
        return None


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""
