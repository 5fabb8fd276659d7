"""Clicks through overlays on macOS: only a window's own process can say so, and it is asked through a socket.

As long as the connection stands it lets clicks through, so that it takes them again when our process has ended.
"""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from actuators.errors import ActuatorError

ASIDE, BACK, KEYS, DONE = b"a", b"b", b"k", b"d"  # let clicks through; take them again; give the keyboard back; done
ANSWER_SECONDS = 1.0


def sockets() -> Path:
    """The folder in which overlays of this user listen."""
    return Path(tempfile.gettempdir()) / f"deskhand-overlays-{os.getuid() if hasattr(os, 'getuid') else 0}"


class MacAside:
    """See `actuators.backends.aside.Aside`."""

    def __init__(self) -> None:
        self._connections: dict[Path, socket.socket] = {}

    def step(self) -> None:
        """See `Aside.step`."""
        self._say(ASIDE)

    def check(self) -> None:
        """See `Aside.check`: each of them has answered."""

    def back(self) -> None:
        """See `Aside.back`: the overlay itself sees where the pointer is."""
        self._say(BACK)

    def free_keys(self) -> None:
        """See `Aside.free_keys`."""
        self._say(KEYS)

    def close(self) -> None:
        """See `Aside.close`."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _say(self, word: bytes) -> None:
        self._connect()
        for path, connection in list(self._connections.items()):
            try:
                connection.sendall(word)
                answer = connection.recv(1)
            except TimeoutError:
                raise ActuatorError("the overlay does not answer; close it, or end its process") from None
            except OSError:
                answer = b""
            if answer != DONE:  # it has ended
                self._connections.pop(path).close()

    def _connect(self) -> None:
        with suppress(OSError):
            for path in set(sockets().glob("*.sock")) - self._connections.keys():
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.settimeout(ANSWER_SECONDS)
                try:
                    connection.connect(str(path))
                except OSError:  # left behind by one that was killed
                    connection.close()
                    continue
                self._connections[path] = connection
