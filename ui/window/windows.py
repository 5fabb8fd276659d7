"""The overlay's window on Windows: the system leaves it out of captures, the agent's pointer passes it over."""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import Any

from actuators.backends.aside_windows import LEFT_AT, MARK, PASS, packed, pointer, set_passing, user32
from agent.errors import UserFault
from ui.window.place import Area

POLL = 0.03  # seconds between looks at the pointer while clicks go through the window
WDA_EXCLUDEFROMCAPTURE = 0x11  # Windows 10 of 2004 or later; before, the window would be a black box
SPI_GETWORKAREA = 0x30
SYNCHRONIZE = 0x100000


class WindowsNative:
    """See `ui.window.native.Native`."""

    def __init__(self) -> None:
        self._user32: Any = None
        self._window = 0
        self._previous = 0
        self._closed = threading.Event()

    def prepare(self) -> None:
        """See `Native.prepare`."""
        self._user32 = user32()
        self._previous = int(self._user32.GetForegroundWindow() or 0)

    def areas(self) -> list[Area]:
        """See `Native.areas`: the main screen's."""
        box = (ctypes.c_long * 4)()
        self._user32.SystemParametersInfoW(SPI_GETWORKAREA, 0, box, 0)
        return [(int(box[0]), int(box[1]), int(box[2] - box[0]), int(box[3] - box[1]))]

    def dark(self) -> bool:
        """See `Native.dark`."""
        if sys.platform == "win32":
            import winreg

            try:
                path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
                    return winreg.QueryValueEx(key, "AppsUseLightTheme")[0] == 0
            except OSError:
                return False
        return False

    def adopt(self, window: Any) -> None:
        """See `Native.adopt`.

        Raises:
            UserFault: this Windows would show the window in pictures.
        """
        self._window = int(window.Handle.ToInt64())
        if not self._user32.SetWindowDisplayAffinity(ctypes.c_void_p(self._window), WDA_EXCLUDEFROMCAPTURE):
            raise UserFault(
                "no overlay can be shown: this Windows cannot keep a window out of pictures (2004 or later can); "
                "watch the session with `deskhand serve`"
            )
        self._user32.SetPropW(self._window, MARK, 1)

    def shown(self, window: Any) -> None:
        """See `Native.shown`."""
        threading.Thread(target=self._keep_clickable, daemon=True, name="deskhand-overlay").start()

    def give_back_keys(self) -> None:
        """See `Native.give_back_keys`."""
        if self._previous:
            self._user32.SetForegroundWindow(self._previous)

    def close(self) -> None:
        """See `Native.close`."""
        self._closed.set()

    def _keep_clickable(self) -> None:
        """Take clicks again when whoever let them through has ended, or the pointer is elsewhere."""
        while not self._closed.wait(POLL):
            front = int(self._user32.GetForegroundWindow() or 0)
            self._previous = front if front not in (0, self._window) else self._previous
            process = self._user32.GetPropW(self._window, PASS)
            if process and (not _lives(int(process)) or self._has_moved_on()):
                set_passing(self._user32, self._window, False)
                self._user32.RemovePropW(self._window, PASS)

    def _has_moved_on(self) -> bool:
        left = int(self._user32.GetPropW(self._window, LEFT_AT) or 0)
        return left not in (0, packed(*pointer(self._user32)))


def _lives(process: int) -> bool:
    if sys.platform != "win32":
        return False
    kernel: Any = ctypes.WinDLL("kernel32")
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(SYNCHRONIZE, False, process)
    if not handle:
        return False
    ended = kernel.WaitForSingleObject(ctypes.c_void_p(handle), 0) == 0
    kernel.CloseHandle(ctypes.c_void_p(handle))
    return not ended
