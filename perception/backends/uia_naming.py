"""What is at a point of a Windows screen, and what has the focus, through UI Automation (comtypes).

The window comes first, from the system itself, which does not wait for the program. Not tested on a real Windows yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import PureWindowsPath
from typing import Any

from perception.backends.uia import automation_here, limit, role_of
from perception.naming import Tell
from perception.target import Target

_ROOT = 2  # GA_ROOT
_QUERY_LIMITED = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_PART = frozenset({"label", "image"})
_BOXES = frozenset({"panel", "grouping", "frame", "unknown", "title bar"})
_ACTING = frozenset(
    {"push button", "check box", "combo box", "link", "list item", "menu item", "radio button", "page tab", "tree item"}
    | {"push button menu", "column header"}
)
_TITLE = 512  # characters of a title or path that are asked for


class UiaNaming:
    """See `perception.naming.NamingBackend`. COM ties its objects to its thread, which is always the same."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._automation: Any = None

    def prepare(self) -> None:
        """See `NamingBackend.prepare`."""
        if self._automation is None:
            self._automation, _ = self._opened.enter_context(automation_here())

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.at`."""
        wintypes: Any = import_module("ctypes.wintypes")
        user32 = _library("user32")
        window = user32.GetAncestor(user32.WindowFromPoint(wintypes.POINT(x, y)), _ROOT)
        self._tell(window, deadline, tell, lambda: self._automation.ElementFromPoint(_point(x, y)))

    def in_front(self, deadline: float, tell: Tell) -> None:
        """See `NamingBackend.in_front`."""
        window = _library("user32").GetForegroundWindow()
        self._tell(window, deadline, tell, lambda: self._automation.GetFocusedElement())

    def close(self) -> None:
        """See `NamingBackend.close`."""
        self._automation = None
        self._opened.close()

    def _tell(self, window: Any, deadline: float, tell: Tell, element: Callable[[], Any]) -> None:
        if not window:
            return
        target = Target(window=_title(window), application=_program(window))
        tell(target)
        self.prepare()
        limit(self._automation, max(0.01, deadline - time.monotonic()))
        role, name = self._named(element())
        tell(replace(target, role=role, name=name))

    def _named(self, element: Any) -> tuple[str, str]:
        """Of a button's label the button; nothing for mere boxes."""
        role = role_of(element)
        if role in _PART:
            parent = self._automation.ControlViewWalker.GetParentElement(element)
            if parent and role_of(parent) in _ACTING:
                element, role = parent, role_of(parent)
        name = str(element.CurrentName or "") or str(element.CurrentHelpText or "")
        return ("", "") if role in _BOXES else (role, name)


def _point(x: int, y: int) -> Any:
    point: Any = import_module("ctypes.wintypes").POINT
    return point(x, y)


def _title(window: Any) -> str:
    ctypes: Any = import_module("ctypes")
    text = ctypes.create_unicode_buffer(_TITLE)
    _library("user32").InternalGetWindowText(window, text, _TITLE)  # which, unlike GetWindowText, asks no program
    return str(text.value)


def _program(window: Any) -> str:
    """The name of the file that a window's program runs, like "excel"."""
    ctypes: Any = import_module("ctypes")
    kernel, user = _library("kernel32"), _library("user32")
    pid, size = ctypes.c_ulong(), ctypes.c_ulong(_TITLE)
    user.GetWindowThreadProcessId(window, ctypes.byref(pid))
    kernel.OpenProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.OpenProcess(_QUERY_LIMITED, False, pid))
    if not process:
        return ""
    try:
        path = ctypes.create_unicode_buffer(_TITLE)
        told = kernel.QueryFullProcessImageNameW(process, 0, path, ctypes.byref(size))
        return PureWindowsPath(path.value).stem if told else ""
    finally:
        kernel.CloseHandle(process)


def _library(name: str) -> Any:
    ctypes: Any = import_module("ctypes")
    library = getattr(ctypes.windll, name)
    if name == "user32":  # handles are pointers, which a C int would cut off
        for function in ("WindowFromPoint", "GetAncestor", "GetForegroundWindow"):
            getattr(library, function).restype = ctypes.c_void_p
        library.GetAncestor.argtypes = (ctypes.c_void_p, ctypes.c_uint)
        library.InternalGetWindowText.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_int)
        library.GetWindowThreadProcessId.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    return library
