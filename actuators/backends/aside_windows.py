"""Clicks through overlays on Windows: a window that is both layered and transparent is passed over by the pointer.

Any program of the user may set that on any other's window. The overlay's process takes it back when ours has ended, or
when the pointer is no longer where we have left it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from actuators.errors import ActuatorError, NotSupported

MARK = "DeskhandOverlay"  # a property that an overlay's process gives to its window
PASS = "DeskhandOverlayPass"  # the process that lets clicks through it
LEFT_AT = "DeskhandOverlayLeftAt"  # where that has left the pointer: x and y in a word each, plus one; 0 while it acts
GWL_EXSTYLE = -20
WS_EX_TRANSPARENT, WS_EX_LAYERED = 0x20, 0x80000


class WindowsAside:
    """See `actuators.backends.aside.Aside`."""

    def __init__(self) -> None:
        self._user32 = user32()
        self._stepped: list[int] = []

    def step(self) -> None:
        """See `Aside.step`."""
        self._stepped = self._overlays()
        for window in self._stepped:
            self._user32.SetPropW(window, PASS, os.getpid())
            self._user32.SetPropW(window, LEFT_AT, 0)
            set_passing(self._user32, window, True)

    def check(self) -> None:
        """See `Aside.check`."""
        if self._is_met():
            self.step()
            if self._is_met():
                raise ActuatorError("the overlay is in the way and does not let clicks through; move it, or close it")

    def back(self) -> None:
        """See `Aside.back`."""
        x, y = pointer(self._user32)
        for window in self._stepped:
            if is_over(self._user32, window, x, y):
                self._user32.SetPropW(window, LEFT_AT, packed(x, y))
            else:
                set_passing(self._user32, window, False)
                self._user32.RemovePropW(window, PASS)
        self._stepped = []

    def free_keys(self) -> None:
        """See `Aside.free_keys`: the window below gets the keys."""
        front = self._user32.GetForegroundWindow()
        if front not in self._overlays():
            return
        below = front
        while below := self._user32.GetWindow(below, 2):  # GW_HWNDNEXT
            if self._user32.IsWindowVisible(below) and below not in self._overlays():
                break
        if not below or not self._user32.SetForegroundWindow(below):
            raise ActuatorError("the overlay has the keyboard and does not give it back; click elsewhere")

    def close(self) -> None:
        """See `Aside.close`."""
        self.back()

    def _overlays(self) -> list[int]:
        found: list[int] = []
        if sys.platform == "win32":

            def look(window: int, _: int) -> bool:
                if self._user32.GetPropW(window, MARK):
                    found.append(window)
                return True

            kind = ctypes.WINFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)
            self._user32.EnumWindows(kind(look), 0)
        return found

    def _is_met(self) -> bool:
        point = ctypes.c_longlong(_word(*pointer(self._user32)))
        met = self._user32.GetAncestor(self._user32.WindowFromPoint(point), 2)  # GA_ROOT
        return bool(met) and bool(self._user32.GetPropW(met, MARK))


def user32() -> Any:
    """The library, told which of its functions take and give whole words.

    Raises:
        NotSupported: this is not Windows.
    """
    if sys.platform != "win32":
        raise NotSupported("this is not Windows")
    library: Any = ctypes.WinDLL("user32", use_last_error=True)
    handle = ctypes.c_void_p
    library.GetPropW.argtypes, library.GetPropW.restype = [handle, ctypes.c_wchar_p], handle
    library.SetPropW.argtypes = [handle, ctypes.c_wchar_p, handle]
    library.RemovePropW.argtypes, library.RemovePropW.restype = [handle, ctypes.c_wchar_p], handle
    library.GetWindowLongPtrW.argtypes, library.GetWindowLongPtrW.restype = [handle, ctypes.c_int], ctypes.c_ssize_t
    library.SetWindowLongPtrW.argtypes = [handle, ctypes.c_int, ctypes.c_ssize_t]
    library.WindowFromPoint.argtypes, library.WindowFromPoint.restype = [ctypes.c_longlong], handle
    library.GetAncestor.argtypes, library.GetAncestor.restype = [handle, ctypes.c_uint], handle
    library.GetWindow.argtypes, library.GetWindow.restype = [handle, ctypes.c_uint], handle
    library.GetForegroundWindow.restype = handle
    for name in ("SetForegroundWindow", "IsWindowVisible"):
        getattr(library, name).argtypes = [handle]
    return library


def set_passing(library: Any, window: int, passing: bool) -> None:
    """Whether the pointer passes a window over."""
    style = int(library.GetWindowLongPtrW(window, GWL_EXSTYLE))
    bits = WS_EX_TRANSPARENT | WS_EX_LAYERED
    wanted = style | bits if passing else style & ~WS_EX_TRANSPARENT
    library.SetWindowLongPtrW(window, GWL_EXSTYLE, wanted)
    if passing:
        library.SetLayeredWindowAttributes(ctypes.c_void_p(window), 0, 255, 2)  # LWA_ALPHA: seen as before


def pointer(library: Any) -> tuple[int, int]:
    """Where the mouse pointer is."""
    place = (ctypes.c_long * 2)()
    library.GetCursorPos(place)
    return int(place[0]), int(place[1])


def is_over(library: Any, window: int, x: int, y: int) -> bool:
    """Whether a point lies in a window's rectangle."""
    box = (ctypes.c_long * 4)()
    library.GetWindowRect(ctypes.c_void_p(window), box)
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def packed(x: int, y: int) -> int:
    """A point as one number that is never 0."""
    return _word(x, y) + 1


def _word(x: int, y: int) -> int:
    return (x & 0xFFFFFFFF) | (y & 0x7FFFFFFF) << 32
