"""The page's server in a process of its own, on a port and with a token that a restart keeps.

A session whose workspace holds a file `.display` has that X display as its private desktop.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.command import wait_until

_PROGRAM = """
import secrets, sys, threading
from pathlib import Path
home, port, token = sys.argv[1:]
secrets.token_urlsafe = lambda _bytes=None: token
import ui.server
known = ui.server.display_of
def display_of(workspace):
    told = workspace / ".display"
    return told.read_text() if told.exists() else known(workspace)
ui.server.display_of = display_of
server = ui.server.start_in_thread(Path(home), port=int(port))
sys.stdin.read()
server.close()
"""


class Server:
    """A server over a home. `start` and `stop` may alternate; it stays at its address."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = _free_port()
        self.token = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Without the token."""
        return f"http://127.0.0.1:{self.port}"

    def address(self, page: str = "", fragment: str = "") -> str:
        """Of a page, with the token; `fragment` is where in the page."""
        return f"{self.url}/{page}#token={self.token}{'&' + fragment if fragment else ''}"

    def start(self) -> None:
        """Serve, and return once it does."""
        assert self._process is None
        ours = {"OPENAI_API_KEY": "a key for tests", "XDG_CONFIG_HOME": str(self.home / "config"), "DISPLAY": ""}
        environment = os.environ | ours
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(self.home), str(self.port), self.token],
            stdin=subprocess.PIPE,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        wait_until(self._answers, "the server", 20)

    def stop(self, *, hard: bool = True) -> None:
        """End it: as a crash, or as it ends by itself."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        if hard:
            process.kill()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(15)

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(self.url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path) -> Generator[Server]:
    """A server for the length of a block."""
    server = Server(home)
    server.start()
    try:
        yield server
    finally:
        server.stop()
