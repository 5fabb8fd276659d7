"""The accessibility tree of macOS, through AX (pyobjc).

Each element is one call to its program, so what is read is bounded in time and number. Regions are in points, the
pointer's own units. Not tested on a real Mac yet.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from perception.errors import CannotRead
from perception.screenshot import Region
from perception.tree import TRUSTED, Element, Reading

MAX_NODES = 5000  # that are read of one program
ANSWER_SHARE = 0.4  # of the time for a reading, that one answer may take
CURE = "allow it for the program that Deskhand runs in: System Settings, Privacy & Security, Accessibility"

_POINT, _SIZE = 1, 2  # kAXValueCGPointType, kAXValueCGSizeType
_ORDINARY_PROGRAM = 0  # NSApplicationActivationPolicyRegular

_ATTRIBUTES = (
    *("AXRole", "AXTitle", "AXDescription", "AXHelp", "AXValue", "AXPosition", "AXSize", "AXEnabled", "AXFocused"),
    *("AXSelected", "AXExpanded", "AXChildren", "AXSubrole"),
)

_ROLES = {
    "AXApplication": "application",
    "AXWindow": "frame",
    "AXSheet": "dialog",
    "AXDrawer": "panel",
    "AXButton": "push button",
    "AXMenuButton": "push button menu",
    "AXPopUpButton": "combo box",
    "AXComboBox": "combo box",
    "AXCheckBox": "check box",
    "AXRadioButton": "radio button",
    "AXTextField": "entry",
    "AXTextArea": "text",
    "AXStaticText": "label",
    "AXHeading": "heading",
    "AXLink": "link",
    "AXImage": "image",
    "AXMenuBar": "menu bar",
    "AXMenuBarItem": "menu",
    "AXMenu": "popup menu",
    "AXMenuItem": "menu item",
    "AXToolbar": "tool bar",
    "AXTabGroup": "page tab list",
    "AXList": "list",
    "AXOutline": "tree",
    "AXTable": "table",
    "AXRow": "table row",
    "AXCell": "table cell",
    "AXColumn": "column header",
    "AXScrollArea": "scroll pane",
    "AXScrollBar": "scroll bar",
    "AXSlider": "slider",
    "AXIncrementor": "spin button",
    "AXProgressIndicator": "progress bar",
    "AXSplitGroup": "split pane",
    "AXSplitter": "separator",
    "AXGroup": "grouping",
    "AXWebArea": "document web",
}
"""Roles in the words of AT-SPI; others are unknown."""

_ACTING = frozenset({"push button", "push button menu", "combo box", "check box", "radio button", "link", "menu item"})


class AxTree:
    """See `perception.tree.TreeBackend`."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}  # of the last reading, by id

    def read(self, seconds: float) -> Reading:
        """See `TreeBackend.read`."""
        services = services_here()
        began = time.monotonic()
        elements: list[Element] = []
        notes: list[str] = []
        self._handles.clear()
        for pid, name in _programs():
            program = services.AXUIElementCreateApplication(pid)
            services.AXUIElementSetMessagingTimeout(program, max(0.05, ANSWER_SHARE * seconds))
            before = len(elements)
            elements += self._read_program(services, program, str(pid), name, began + seconds)
            if time.monotonic() > began + seconds:
                notes.append(f"{name} and what comes after it was not read to the end: the time was over")
                break
            if len(elements) == before:
                notes.append(f"{name} does not answer; what is on its windows is missing")
        return Reading(tuple(elements), tuple(notes), time.monotonic() - began)

    def actions(self, element: Element, seconds: float) -> Sequence[str]:
        """See `TreeBackend.actions`."""
        handle = self._handles.get(element.id)
        if handle is None:
            return ()
        failed, names = services_here().AXUIElementCopyActionNames(handle, None)
        return () if failed or not names else [_action(str(name)) for name in names]

    def close(self) -> None:
        """See `TreeBackend.close`."""
        self._handles.clear()

    def _read_program(self, services: Any, program: Any, identity: str, name: str, deadline: float) -> list[Element]:
        """Its windows and its menu bar, each level after the one above it: what is near the top is read first."""
        found: list[Element] = []
        children = dict[str, list[Element]]()
        top = asked(services, program)
        waiting = deque((child, f"{identity}.{n}", "", 0, "") for n, child in enumerate(top.get("AXChildren") or ()))
        while waiting and len(found) < MAX_NODES and time.monotonic() < deadline:
            handle, one, parent, depth, window = waiting.popleft()
            said = asked(services, handle)
            if not said:
                continue
            element = _element(services, said, one, parent, depth, name, window)
            found.append(element)
            children.setdefault(parent, []).append(element)
            self._handles[one] = handle
            if element.role in ("menu", "popup menu") and "showing" not in element.states:
                continue  # menus that are closed are most of a program's tree
            title = window or element.name
            below = said.get("AXChildren") or ()
            waiting += ((child, f"{one}.{n}", one, depth + 1, title) for n, child in enumerate(below))
        return list(_nested(children, ""))


def _nested(children: dict[str, list[Element]], parent: str) -> Iterator[Element]:
    """Parents before their children, in the order of the program."""
    waiting = list(reversed(children.get(parent, ())))
    while waiting:
        element = waiting.pop()
        yield element
        waiting += reversed(children.get(element.id, ()))


def _element(
    services: Any, said: dict[str, Any], identity: str, parent: str, depth: int, program: str, window: str
) -> Element:
    role = role_of(said)
    region = _region(services, said)
    value = said.get("AXValue")
    title = str(said.get("AXTitle") or said.get("AXDescription") or "")
    text = str(value)[:300] if isinstance(value, str) and role != "password text" else ""
    if role == "label" and not title:
        title, text = text, ""
    return Element(
        identity,
        parent,
        depth,
        role,
        title,
        str(said.get("AXHelp") or ""),
        frozenset(_states(said, role, region)),
        region,
        TRUSTED if region else 0.0,
        text,
        float(value) if isinstance(value, int | float) and role in ("slider", "spin button", "progress bar") else None,
        program,
        window or (title if depth == 0 else ""),
        role in _ACTING,
    )


def role_of(said: dict[str, Any]) -> str:
    """What an element is by its attributes, in the words of AT-SPI."""
    if said.get("AXSubrole") == "AXSecureTextField":
        return "password text"
    return _ROLES.get(str(said.get("AXRole")), "unknown")


def name_of(said: dict[str, Any], role: str) -> str:
    """What its user calls an element: its title, or of mere text what is written."""
    title = str(said.get("AXTitle") or said.get("AXDescription") or "")
    value = said.get("AXValue")
    return str(value)[:300] if role == "label" and not title and isinstance(value, str) else title


def _states(said: dict[str, Any], role: str, region: Region | None) -> Iterator[str]:
    if region is not None:
        yield from ("showing", "visible")
    for attribute, state in (
        ("AXEnabled", "enabled"),
        ("AXFocused", "focused"),
        ("AXSelected", "selected"),
        ("AXExpanded", "expanded"),
    ):
        if said.get(attribute):
            yield state
    if role in ("check box", "radio button"):
        yield "checkable"
        if said.get("AXValue") == 1:
            yield "checked"
    if role in ("entry", "text", "combo box", "password text") and said.get("AXEnabled"):
        yield "editable"


def asked(services: Any, handle: Any, attributes: tuple[str, ...] = _ATTRIBUTES) -> dict[str, Any]:
    """The attributes of an element that it has; empty if it is gone or its program hangs."""
    failed, values = services.AXUIElementCopyMultipleAttributeValues(handle, attributes, 0, None)
    if failed or values is None:
        return {}
    return {name: value for name, value in zip(attributes, values, strict=False) if not _is_error(services, value)}


def _is_error(services: Any, value: Any) -> bool:
    """What is not there comes as an error in the place of its value."""
    if value is None or type(value).__name__ == "NSNull":
        return True
    is_value = type(value).__name__ == "AXValueRef"
    return is_value and services.AXValueGetType(value) == services.kAXValueAXErrorType


def _region(services: Any, said: dict[str, Any]) -> Region | None:
    position, size = said.get("AXPosition"), said.get("AXSize")
    if position is None or size is None:
        return None
    found, point = services.AXValueGetValue(position, _POINT, None)
    measured, extent = services.AXValueGetValue(size, _SIZE, None)
    if not (found and measured) or extent.width < 1 or extent.height < 1:
        return None
    return Region(round(point.x), round(point.y), round(extent.width), round(extent.height))


def _action(name: str) -> str:
    """ "AXPress" as other systems call it."""
    return {"AXPress": "click", "AXShowMenu": "show menu"}.get(name, name.removeprefix("AX").lower())


def services_here() -> Any:
    """The system's accessibility functions.

    Raises:
        CannotRead: they are not there, or the user has not allowed them.
    """
    try:
        services: Any = import_module("ApplicationServices")
    except ImportError as error:
        raise CannotRead(f"windows cannot be read here: pyobjc does not load ({error}); reinstall deskhand") from None
    if not services.AXIsProcessTrusted():
        raise CannotRead(f"windows cannot be read here: macOS does not allow it; {CURE}")
    return services


def _programs() -> Iterator[tuple[int, str]]:
    """Process ids and names of the programs with windows, the active one first."""
    kit: Any = import_module("AppKit")
    workspace = kit.NSWorkspace.sharedWorkspace()
    running = [one for one in workspace.runningApplications() if one.activationPolicy() == _ORDINARY_PROGRAM]
    for one in sorted(running, key=lambda program: not program.isActive()):
        yield int(one.processIdentifier()), str(one.localizedName() or "a program without a name")
