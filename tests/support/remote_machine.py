"""A machine without a machine: an X server whose screen is its own, with the guest's server on it as a process."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import open_screen
from tests.support.xserver import end, openbox, xserver

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Guest:
    """Where the server listens."""

    host: str
    port: int
    token: str = field(repr=False)


class XvfbMachine:
    """`vm.remote_eyes.Screenful`, and what tests want to know of it.

    Attributes:
        display: of its X server.
        home: of its user.
        lost: what has become of it, once something has.
        server: the guest's server.
    """

    def __init__(self, display: str, home: Path, server: subprocess.Popen[str], guest: Guest) -> None:
        self.display, self.home, self.server, self.guest = display, home, server, guest
        self.lost = ""
        self.closed = False
        self._screen = open_screen(display)
        self._lock = threading.Lock()

    def screendump(self) -> Frame:
        """See `Screenful`."""
        self.check()
        with self._lock:
            return self._screen.grab()

    def check(self) -> None:
        """See `Screenful`."""
        if self.lost:
            raise ScreenLost(f"the machine test: {self.lost}")

    def close(self) -> None:
        """See `Screenful`: noted, and it goes on for the next test."""
        self.closed = True

    def end(self) -> None:
        """Let go of its screen."""
        self._screen.close()


@contextmanager
def xvfb_machine(
    home: Path, width: int = 1024, height: int = 768, *, manager: bool = False, plain: bool = False
) -> Generator[XvfbMachine, None, None]:
    """A machine whose user's home is `home`.

    Args:
        manager: whether it has a window manager.
        plain: without a token, so that only the plain interface is open.
    """
    home.mkdir(exist_ok=True)
    runtime = home / ".runtime"
    runtime.mkdir(mode=0o700)
    token = "" if plain else secrets.token_urlsafe(24)
    (runtime / "token").write_text(token)
    with xserver(width, height) as screen:
        managing = openbox(screen.display) if manager else None
        if managing is not None:
            managing.__enter__()
        try:
            with _server(screen.display, home, runtime) as (server, port):
                machine = XvfbMachine(screen.display, home, server, Guest("127.0.0.1", port, token))
                try:
                    yield machine
                finally:
                    machine.end()
        finally:
            if managing is not None:
                managing.__exit__(None, None, None)


@contextmanager
def _server(display: str, home: Path, runtime: Path) -> Generator[tuple[subprocess.Popen[str], int], None, None]:
    environment = {**os.environ, "DISPLAY": display, "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    words = [sys.executable, "-m", "vm.guest.server", "--host", "127.0.0.1", "--port", "0", "--no-panel"]
    words += ["--token", str(runtime / "token"), "--root", str(runtime / "no.sock"), "--hands", str(runtime / "h.sock")]
    log = (home / "server.log").open("w")
    server = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert server.stdout
        line = server.stdout.readline()
        if not line.startswith("port "):
            raise RuntimeError(f"the guest's server did not start: {(home / 'server.log').read_text()[-500:]}")
        yield server, int(line.split()[1])
    finally:
        log.close()
        end(server)
