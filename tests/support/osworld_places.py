"""Guest servers to ask: one on a private screen of this machine, one in a virtual machine; no token needed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from tests.support.command import wait_until
from tests.support.osworld_client import Osworld
from tests.support.vm_image import missing
from tests.support.xserver import end, xvfb

Kind: TypeAlias = Literal["desktop", "machine"]
SIZE = (1920, 1080)
ROOT = Path(__file__).parents[2]
WINDOW = Path(__file__).with_name("guest_window.py")
_MACHINE = [pytest.mark.vm, pytest.mark.timeout(900)]
KINDS = ["desktop", pytest.param("machine", marks=_MACHINE)]
SELDOM = ["desktop", pytest.param("machine", marks=[*_MACHINE, pytest.mark.slow])]
"""For what takes minutes in a machine and is the same there."""
"""What a fixture that gives a Place is parametrised over."""
TYPELIBS = (
    *("Atk-1.0", "Gdk-3.0", "GdkPixbuf-2.0", "GModule-2.0", "Gtk-3.0", "HarfBuzz-0.0", "Pango-1.0", "cairo-1.0"),
    *("freetype2-2.0", "xlib-2.0"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A server with a desktop. `port`: the server's, as programs beside it see it; `home`: of its user."""

    kind: Kind
    guest: Osworld
    port: int
    home: str

    @property
    def seconds(self) -> float:
        """How long to wait for what takes a moment; emulated processors are slow."""
        return 15 if self.kind == "desktop" else 150

    def eventually(self, what: str, true: Any) -> None:
        """Wait until something is so."""
        wait_until(true, what, self.seconds)

    def has(self, program: str) -> bool:
        """Whether a program is installed there."""
        return self.guest.execute(["which", program]).json["returncode"] == 0

    @contextmanager
    def window(self, title: str, name: str, kind: Literal["text", "terminal"] = "text") -> Generator[GuestWindow]:
        """A window of ours in front, by the plain interface alone."""
        script, report = f"{self.home}/guest_window.py", f"{self.home}/{name}-{time.monotonic_ns()}.json"
        self.guest.upload(script, WINDOW.read_bytes())
        start = [*self._with_gtk(), "/usr/bin/python3", script, title, name, report, kind]
        assert self.guest.launch(start).status == 200
        window = GuestWindow(self, title, report)
        self.eventually(f"{title} in front", lambda: bool(window.told().get("active")))
        try:
            yield window
        finally:
            self.guest.window("close", title, strict=True)
            self.eventually(f"{title} gone", lambda: not shows(self, title))
            self.guest.output(["rm", "-f", report])

    def _with_gtk(self) -> list[str]:
        """What to put before a command that uses GTK: the image has the library, but not what Python needs for it."""
        if self.kind == "desktop":
            return []
        folder = f"{self.home}/typelibs"
        self.guest.output(["mkdir", "-p", folder])
        for path in Path("/usr/lib").glob("*/girepository-1.0/*.typelib"):
            if path.stem in TYPELIBS and self.guest.file(f"{folder}/{path.name}").status == 404:
                self.guest.upload(f"{folder}/{path.name}", path.read_bytes())
        return ["env", f"GI_TYPELIB_PATH={folder}"]


@dataclass(frozen=True, slots=True)
class GuestWindow:
    """A window of `guest_window.py`."""

    place: Place
    title: str
    report: str

    def told(self) -> dict[str, Any]:
        """What it got so far; nothing yet: {}."""
        answer = self.place.guest.file(self.report)
        return json.loads(answer.body) if answer.status == 200 else {}

    def wait_for(self, what: str, value: object) -> None:
        """Wait until it tells this."""
        deadline = time.monotonic() + self.place.seconds
        while (got := self.told().get(what)) != value:
            assert time.monotonic() < deadline, f"{what} is {got!r}, not {value!r}"
            time.sleep(0.02)


def shows(place: Place, title: str) -> bool:
    """Whether there is a window with exactly this title."""
    search = ["xdotool", "search", "--onlyvisible", "--name", f"^{re.escape(title)}$"]
    return bool(place.guest.execute(search).json["output"].strip())


def front(place: Place) -> str:
    """The title of the window in front; "" where there is none."""
    return str(place.guest.execute(["xdotool", "getactivewindow", "getwindowname"]).json["output"]).rstrip("\n")


@contextmanager
def place_of(kind: Kind) -> Generator[Place]:
    """A place of this kind; skips the test where there can be none."""
    with _desktop() if kind == "desktop" else _machine() as place:
        yield place


@contextmanager
def _machine() -> Generator[Place]:
    if why := missing():
        pytest.skip(f"NO VIRTUAL MACHINE CAN RUN HERE: {why}")
    from vm.image.store import find_image
    from vm.machine import open_machine

    machine = open_machine(find_image("office"), plain=True)
    try:
        yield Place("machine", Osworld(machine.guest.host, machine.guest.port, 120), 5000, "/home/user")
    finally:
        machine.close()


@contextmanager
def _desktop() -> Generator[Place]:
    with tempfile.TemporaryDirectory(prefix="dh-") as temp, xvfb(*SIZE, window_manager=True) as display:
        home = Path(temp, "home")
        for folder in (home / "Desktop", home / "Documents", Path(temp, "run")):
            folder.mkdir(parents=True)
        Path(temp, "run").chmod(0o700)
        Path(temp, "bin").mkdir()
        Path(temp, "bin/python").symlink_to("/usr/bin/python3")
        environment = _environment(home, Path(temp, "run"), display)
        with _bus(environment) as bus, _server(environment | bus) as port:
            yield Place("desktop", Osworld("127.0.0.1", port), port, str(home))


def _environment(home: Path, run: Path, display: str) -> dict[str, str]:
    """Of programs on the desktop."""
    accessible = {"GTK_MODULES": "gail:atk-bridge", "NO_AT_BRIDGE": "0", "GDK_BACKEND": "x11"}
    places = {"HOME": str(home), "XDG_RUNTIME_DIR": str(run), "DISPLAY": display, "TMPDIR": str(run)}
    return {"PATH": f"{home.parent}/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"} | places | accessible


@contextmanager
def _bus(environment: Mapping[str, str]) -> Generator[dict[str, str]]:
    """A session bus; with it end the programs that it started."""
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    daemon = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert daemon.stdout is not None
        yield {"DBUS_SESSION_BUS_ADDRESS": daemon.stdout.readline().decode().strip()}
    finally:
        end(daemon)


@contextmanager
def _server(environment: Mapping[str, str]) -> Generator[int]:
    log = Path(environment["XDG_RUNTIME_DIR"], "server.log")
    command = [sys.executable, "-m", "vm.guest.server", "--host", "127.0.0.1", "--port", "0"]
    with log.open("wb") as said:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said)
    try:
        assert server.stdout is not None
        line = server.stdout.readline().decode()
        assert line.startswith("port "), f"{shlex.join(command)}: {line}{log.read_text()[-2000:]}"
        yield int(line.split()[1])
        assert server.poll() is None, f"the server did not outlive the tests: {log.read_text()[-2000:]}"
    finally:
        end(server)
