"""The overlay's window on macOS: not shared with captures, and deaf to the mouse while the agent's hands ask for it."""

from __future__ import annotations

import importlib
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from actuators.backends.aside_macos import ASIDE, BACK, DONE, KEYS, sockets
from ui.window.place import Area

POLL = 0.03  # seconds between looks at the pointer
NOT_SHARED = 0  # NSWindowSharingNone


class MacNative:
    """See `ui.window.native.Native`."""

    def __init__(self) -> None:
        self._window: Any = None
        self._previous: Any = None
        self._path = sockets() / f"{os.getpid()}.sock"
        self._listening: socket.socket | None = None

    def prepare(self) -> None:
        """See `Native.prepare`."""
        self._previous = _appkit().NSWorkspace.sharedWorkspace().frontmostApplication()

    def areas(self) -> list[Area]:
        """See `Native.areas`; macOS counts from the bottom."""
        screens = list(_appkit().NSScreen.screens())
        height = screens[0].frame().size.height
        found: list[Area] = []
        for screen in screens:
            area = screen.visibleFrame()
            top = height - area.origin.y - area.size.height
            found.append((int(area.origin.x), int(top), int(area.size.width), int(area.size.height)))
        return found

    def dark(self) -> bool:
        """See `Native.dark`."""
        defaults = importlib.import_module("Foundation").NSUserDefaults.standardUserDefaults()
        return defaults.stringForKey_("AppleInterfaceStyle") == "Dark"

    def adopt(self, window: Any) -> None:
        """See `Native.adopt`."""
        self._window = window
        window.setSharingType_(NOT_SHARED)
        window.setCollectionBehavior_(1)  # NSWindowCollectionBehaviorCanJoinAllSpaces

    def shown(self, window: Any) -> None:
        """See `Native.shown`."""
        folder = sockets()
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(self._path))
        self._listening.listen(4)
        threading.Thread(target=self._listen, daemon=True, name="deskhand-overlay").start()

    def give_back_keys(self) -> None:
        """See `Native.give_back_keys`."""
        if self._previous is not None:
            self._previous.activateWithOptions_(2)  # NSApplicationActivateIgnoringOtherApps

    def close(self) -> None:
        """See `Native.close`."""
        if self._listening is not None:
            self._listening.close()
        self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        assert self._listening is not None
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """Do what one pair of hands asks for, until it goes."""
        with connection, suppress(OSError):
            while word := connection.recv(1):
                if word == ASIDE:
                    self._pass(True)
                elif word == KEYS:
                    self.give_back_keys()
                connection.sendall(DONE)
                if word == BACK:
                    self._wait_for_pointer(connection)
        self._pass(False)

    def _wait_for_pointer(self, connection: socket.socket) -> None:
        """Take clicks again, once the pointer has left where the agent put it."""
        where = _appkit().NSEvent.mouseLocation
        left = where()
        connection.setblocking(False)
        with suppress(BlockingIOError):
            while self._is_over(where()) and where() == left:
                time.sleep(POLL)
                try:
                    connection.recv(1, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                break  # the next word, or the end
        connection.setblocking(True)
        self._pass(False)

    def _is_over(self, point: Any) -> bool:
        frame = self._window.frame()
        x, y = point.x - frame.origin.x, point.y - frame.origin.y
        return 0 <= x < frame.size.width and 0 <= y < frame.size.height

    def _pass(self, passing: bool) -> None:
        done = threading.Event()

        def act() -> None:
            self._window.setIgnoresMouseEvents_(passing)
            done.set()

        importlib.import_module("PyObjCTools.AppHelper").callAfter(act)
        done.wait(1)


def _appkit() -> Any:
    return importlib.import_module("AppKit")
