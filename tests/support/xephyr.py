"""An X server within an X server: what XTEST does on the outer one comes from real devices for the inner one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from actuators.xlibfix import open_display
from tests.support.xserver import XServer, end, xserver

WIDTH, HEIGHT = 1280, 800
KEYCODES = {"a": 38, "escape": 9, "enter": 36, "shift": 50, "ctrl": 37}


class User:
    """Somebody with mouse and keyboard, in front of the inner server."""

    def __init__(self, outer: str) -> None:
        self._x: Any = open_display(outer)

    def move(self, x: int, y: int) -> None:
        """Put the pointer there, in one go."""
        from Xlib import X

        self._fake(X.MotionNotify, 0, x=x, y=y)

    def press(self, button: int, down: bool = True) -> None:
        """Press or release a button."""
        from Xlib import X

        self._fake(X.ButtonPress if down else X.ButtonRelease, button)

    def click(self, button: int = 1) -> None:
        """Press and release a button; 4 and 5 are the wheel."""
        self.press(button)
        self.press(button, down=False)

    def key(self, name: str, down: bool) -> None:
        """Press or release a key."""
        from Xlib import X

        self._fake(X.KeyPress if down else X.KeyRelease, KEYCODES[name])

    def tap(self, name: str) -> None:
        """Press and release a key."""
        self.key(name, True)
        self.key(name, False)

    def close(self) -> None:
        """Go away."""
        self._x.close()

    def _fake(self, *arguments: int, **place: int) -> None:
        from Xlib.ext.xtest import fake_input

        fake_input(self._x, *arguments, **place)
        self._x.sync()


@contextmanager
def xephyr(*extra: str) -> Generator[tuple[XServer, User], None, None]:
    """The inner server, and its user, whose pointer rests in the middle."""
    with xserver(WIDTH, HEIGHT) as outer:
        read_end, write_end = os.pipe()
        command = ["Xephyr", "-displayfd", str(write_end), "-screen", f"{WIDTH}x{HEIGHT}", "-noreset", "-no-host-grab"]
        server = XServer(
            [*command, "-nolisten", "tcp", *extra],
            pass_fds=(write_end,),
            env={**os.environ, "DISPLAY": outer.display},
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        try:
            with os.fdopen(read_end) as numbers:
                line = numbers.readline()
            if not line.endswith("\n"):
                raise RuntimeError(f"Xephyr did not start (exit status {server.wait(5)})")
            server.display = f":{line.strip()}"
            user = User(outer.display)
            try:
                user.move(WIDTH // 2, HEIGHT // 2)
                yield server, user
            finally:
                user.close()
        finally:
            end(server)


def pressed(display: str) -> tuple[set[int], int]:
    """The keycodes and the button and modifier bits that are down on a server."""
    connection: Any = open_display(display)
    try:
        keymap = connection.query_keymap()
        keys = {8 * index + bit for index, byte in enumerate(keymap) for bit in range(8) if byte >> bit & 1}
        return keys, connection.screen().root.query_pointer().mask
    finally:
        connection.close()
