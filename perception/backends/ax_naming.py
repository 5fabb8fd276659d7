"""What is at a point of a Mac's screen, and what has the focus, through AX (pyobjc).

Not tested on a real Mac yet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from perception.backends.ax import asked, name_of, role_of, services_here
from perception.naming import Tell
from perception.target import Target

_ON_SCREEN, _NO_DESKTOP = 1, 16  # kCGWindowListOptionOnScreenOnly, kCGWindowListExcludeDesktopElements
_NO_WINDOW = 0  # kCGNullWindowID
_ASKED = ("AXRole", "AXSubrole", "AXTitle", "AXDescription", "AXHelp", "AXValue", "AXParent", "AXWindow")
_PART = frozenset({"label", "image"})
_BOXES = frozenset({"frame", "panel", "grouping", "unknown", "scroll pane", "application", "split pane"})
_ACTING = frozenset(
    {"push button", "push button menu", "combo box", "check box", "radio button", "link", "menu item", "table cell"}
)


class AxNaming:
    """See `perception.naming.NamingBackend`."""

    def __init__(self) -> None:
        self._system: Any = None

    def prepare(self) -> None:
        """See `NamingBackend.prepare`."""
        if self._system is None:
            self._system = services_here().AXUIElementCreateSystemWide()

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.at`."""
        target = next((target for target, place in _windows() if _has(place, x, y)), None)
        if target is None:
            return
        tell(target)
        self.prepare()
        services = services_here()
        services.AXUIElementSetMessagingTimeout(self._system, max(0.01, deadline - time.monotonic()))
        failed, element = services.AXUIElementCopyElementAtPosition(self._system, float(x), float(y), None)
        if not failed and element is not None:
            role, name, window = _named(services, element)
            tell(replace(target, role=role, name=name, window=window or target.window))

    def in_front(self, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.in_front`."""
        kit: Any = import_module("AppKit")
        program: Any = kit.NSWorkspace.sharedWorkspace().frontmostApplication()
        if program is None:
            return
        target = Target(application=str(program.localizedName() or ""))
        tell(target)
        services = services_here()
        element: Any = services.AXUIElementCreateApplication(program.processIdentifier())
        services.AXUIElementSetMessagingTimeout(element, max(0.01, deadline - time.monotonic()))
        failed, window = services.AXUIElementCopyAttributeValue(element, "AXFocusedWindow", None)
        if not failed and window is not None:
            target = replace(target, window=_told(asked(services, window, _ASKED))[1])
            tell(target)
        failed, focused = services.AXUIElementCopyAttributeValue(element, "AXFocusedUIElement", None)
        if not failed and focused is not None:
            role, name, _ = _named(services, focused)
            tell(replace(target, role=role, name=name))

    def close(self) -> None:
        """See `NamingBackend.close`."""
        self._system = None


def _windows() -> Iterator[tuple[Target, tuple[float, float, float, float]]]:
    """The windows on the screen, the topmost first, with their places; no program is asked for that."""
    quartz: Any = import_module("Quartz")
    for window in quartz.CGWindowListCopyWindowInfo(_ON_SCREEN | _NO_DESKTOP, _NO_WINDOW) or ():
        bounds: dict[str, Any] = window.get("kCGWindowBounds") or {}
        if float(window.get("kCGWindowAlpha", 1.0)) <= 0:
            continue
        title, program = str(window.get("kCGWindowName") or ""), str(window.get("kCGWindowOwnerName") or "")
        left, top, width, height = (float(bounds.get(side, 0)) for side in ("X", "Y", "Width", "Height"))
        yield Target(window=title, application=program), (left, top, width, height)


def _has(place: tuple[float, float, float, float], x: int, y: int) -> bool:
    left, top, width, height = place
    return left <= x < left + width and top <= y < top + height


def _named(services: Any, element: Any) -> tuple[str, str, str]:
    """Role, name and window of an element: of a button's label the button's; nothing for mere boxes."""
    said = asked(services, element, _ASKED)
    role, name = _told(said)
    if role in _PART and said.get("AXParent") is not None:
        outer = _told(asked(services, said["AXParent"], _ASKED))
        role, name = outer if outer[0] in _ACTING else (role, name)
    window = said.get("AXWindow")
    title = "" if window is None else _told(asked(services, window, _ASKED))[1]
    return ("", "", title) if role in _BOXES else (role, name, title)


def _told(said: dict[str, Any]) -> tuple[str, str]:
    role = role_of(said)
    return role, name_of(said, role) or str(said.get("AXHelp") or "")
