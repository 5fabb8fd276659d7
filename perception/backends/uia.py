"""The accessibility tree of Windows, through UI Automation (comtypes).

A window is read in one call, with everything in it (a cache request over its subtree). Regions are in physical pixels,
the pointer's own units, as long as this process is aware of the screen's scale. Not tested on a real Windows yet.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from perception.errors import CannotRead
from perception.screenshot import Region
from perception.tree import TRUSTED, Element, Reading

MAX_NODES = 5000  # that are read of one window

_SUBTREE = 7  # TreeScope_Element | _Children | _Descendants
_CHILDREN = 2
_NAME, _TYPE, _RECTANGLE, _HELP = 30005, 30003, 30001, 30013
_ENABLED, _OFFSCREEN, _FOCUSED, _FOCUSABLE, _PASSWORD, _PROCESS = 30010, 30022, 30008, 30009, 30019, 30002
_VALUE, _RANGE, _TOGGLED, _SELECTED, _EXPANDED, _READ_ONLY = 30045, 30047, 30086, 30079, 30070, 30046
_PATTERNS = {"click": 30031, "toggle": 30041, "select": 30036, "expand": 30028, "set value": 30043}
"""What can be done, and the property that says whether an element's control pattern for it is there."""

_ASKED = (
    *(_NAME, _TYPE, _RECTANGLE, _HELP, _ENABLED, _OFFSCREEN, _FOCUSED, _FOCUSABLE, _PASSWORD, _PROCESS),
    *(_VALUE, _RANGE, _TOGGLED, _SELECTED, _EXPANDED, _READ_ONLY),
    *_PATTERNS.values(),
)

_ROLES = dict(
    enumerate(
        (
            *("push button", "calendar", "check box", "combo box", "entry", "link", "image", "list item", "list"),
            *("menu", "menu bar", "menu item", "progress bar", "radio button", "scroll bar", "slider", "spin button"),
            *("status bar", "page tab list", "page tab", "label", "tool bar", "tool tip", "tree", "tree item"),
            *("unknown", "grouping", "unknown", "table", "table row", "document frame", "push button menu", "frame"),
            *("panel", "header", "column header", "table", "title bar", "separator", "panel", "tool bar"),
        ),
        start=50000,
    )
)
"""Control types, in the words of AT-SPI."""


class UiaTree:
    """See `perception.tree.TreeBackend`. Its objects live for one reading: COM ties them to a thread."""

    def __init__(self) -> None:
        self._actions: dict[str, tuple[str, ...]] = {}  # by the ids of the last reading

    def read(self, seconds: float) -> Reading:
        """See `TreeBackend.read`."""
        began = time.monotonic()
        elements: list[Element] = []
        notes: list[str] = []
        self._actions.clear()
        with automation_here() as (automation, failure):
            limit(automation, seconds)
            cache = _cache_request(automation)
            for number, window in enumerate(_windows(automation, cache)):
                title = str(window.CachedName or "")
                if time.monotonic() > began + seconds:
                    notes.append(f"the window {title!r} was not read: the time was over")
                    continue
                try:
                    elements += self._read_window(window.BuildUpdatedCache(cache), f"{number}", title)
                except failure as error:
                    notes.append(f"the window {title!r} does not answer ({_reason(error)})")
        return Reading(tuple(elements), tuple(notes), time.monotonic() - began)

    def actions(self, element: Element, seconds: float) -> Sequence[str]:
        """See `TreeBackend.actions`; as they were when the tree was last read."""
        return self._actions.get(element.id, ())

    def close(self) -> None:
        """See `TreeBackend.close`."""
        self._actions.clear()

    def _read_window(self, window: Any, name: str, title: str) -> Iterator[Element]:
        """Everything in a window whose subtree has been cached."""
        waiting: list[tuple[Any, str, str, int]] = [(window, name, "", 0)]
        count = 0
        while waiting and count < MAX_NODES:
            node, identity, parent, depth = waiting.pop()
            count += 1
            actions = tuple(does for does, known in _PATTERNS.items() if _property(node, known) is True)
            self._actions[identity] = actions
            yield _element(node, identity, parent, depth, title, acts=bool(actions))
            children = node.GetCachedChildren()
            number = 0 if not children else int(children.Length)
            below = [(children.GetElement(n), f"{identity}.{n}", identity, depth + 1) for n in range(number)]
            waiting += reversed(below)


def _element(node: Any, identity: str, parent: str, depth: int, window: str, *, acts: bool) -> Element:
    region = _region(node.CachedBoundingRectangle)
    password = _property(node, _PASSWORD) is True
    value = _property(node, _RANGE)
    written = _property(node, _VALUE)
    text = written if isinstance(written, str) and not password else ""
    return Element(
        identity,
        parent,
        depth,
        "password text" if password else _ROLES.get(int(node.CachedControlType), "unknown"),
        str(node.CachedName or ""),
        str(_property(node, _HELP) or ""),
        frozenset(_states(node, region)),
        region,
        TRUSTED if region else 0.0,
        "" if text == node.CachedName else text[:300],
        float(value) if isinstance(value, int | float) else None,
        "",
        window,
        acts,
    )


def role_of(element: Any) -> str:
    """What an element is now, in the words of AT-SPI."""
    return "password text" if element.CurrentIsPassword else _ROLES.get(int(element.CurrentControlType), "unknown")


def _states(node: Any, region: Region | None) -> Iterator[str]:
    if region is not None and _property(node, _OFFSCREEN) is not True:
        yield from ("showing", "visible")
    for known, state in ((_ENABLED, "enabled"), (_FOCUSED, "focused"), (_FOCUSABLE, "focusable")):
        if _property(node, known) is True:
            yield state
    if _property(node, _PATTERNS["toggle"]) is True:
        yield "checkable"
        if _property(node, _TOGGLED) == 1:
            yield "checked"
    if _property(node, _SELECTED) is True:
        yield "selected"
    if _property(node, _PATTERNS["expand"]) is True:
        yield "expandable"
        if _property(node, _EXPANDED) in (1, 2):
            yield "expanded"
    if _property(node, _PATTERNS["set value"]) is True and _property(node, _READ_ONLY) is False:
        yield "editable"


def _property(node: Any, known: int) -> Any:
    """A cached property; a placeholder object of UI Automation, or None, where the element has none."""
    return node.GetCachedPropertyValue(known)


def _region(rectangle: Any) -> Region | None:
    left, top, right, bottom = (int(getattr(rectangle, side)) for side in ("left", "top", "right", "bottom"))
    return Region(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _windows(automation: Any, cache: Any) -> Iterator[Any]:
    """The windows on the desktop, the topmost first, with no more than their names cached."""
    names = automation.CreateCacheRequest()
    names.AddProperty(_NAME)
    found = automation.GetRootElement().FindAllBuildCache(_CHILDREN, automation.CreateTrueCondition(), names)
    for number in range(found.Length):
        yield found.GetElement(number)


def _cache_request(automation: Any) -> Any:
    """What is to be fetched of every element of a window, in one go."""
    request = automation.CreateCacheRequest()
    for known in _ASKED:
        request.AddProperty(known)
    request.TreeScope = _SUBTREE
    request.TreeFilter = automation.ControlViewCondition
    return request


def limit(automation: Any, seconds: float) -> None:
    """How long a window that hangs may hold us up; Windows 8 and later."""
    for name in ("ConnectionTimeout", "TransactionTimeout"):
        with suppress(AttributeError, OSError):
            setattr(automation, name, max(50, int(seconds * 500)))


@contextmanager
def automation_here() -> Generator[tuple[Any, type[Exception]], None, None]:
    """UI Automation on this thread, and the error that its calls raise.

    Raises:
        CannotRead: it is not there, or stopped working in the middle.
    """
    try:
        comtypes: Any = import_module("comtypes")
        client: Any = import_module("comtypes.client")
    except ImportError as error:
        raise CannotRead(f"windows cannot be read here: comtypes does not load ({error}); reinstall deskhand") from None
    failure: type[Exception] = comtypes.COMError
    begun = False
    with suppress(OSError):  # this thread has chosen another model, which serves as well
        comtypes.CoInitializeEx(comtypes.COINIT_MULTITHREADED)
        begun = True
    try:
        module = client.GetModule("UIAutomationCore.dll")
        try:
            automation = client.CreateObject(module.CUIAutomation8, interface=module.IUIAutomation2)
        except (AttributeError, OSError):
            automation = client.CreateObject(module.CUIAutomation, interface=module.IUIAutomation)
        yield automation, failure
    except (failure, OSError) as error:
        raise CannotRead(f"windows cannot be read here: UI Automation does not work ({_reason(error)})") from None
    finally:
        if begun:
            comtypes.CoUninitialize()


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
