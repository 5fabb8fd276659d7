"""From an action that the host sends to the event inside the machine: through /v2, and OSWorld's way beside it."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from actuators.actions import Click
from actuators.hands import open_hands
from tests.bench.figure import Figure
from tests.support.command import wait_until
from tests.support.xserver import xvfb
from vm.guest_client import GuestClient
from vm.image.store import Image, find_image
from vm.machine import Machine, open_machine

TARGET_MS = 30.0
WITNESS = Path(__file__).parents[1] / "support" / "witness.py"
PORT = 7007
ASKED = 30  # times that a clock is read, to know how far it is from ours
PATIENCE = 60.0


def figures(rounds: int = 20, image: Image | None = None) -> list[Figure]:
    """Medians of `rounds` clicks each way, taken in turns."""
    here = _local(rounds)
    with open_machine(image or find_image(), plain=True, ports={PORT: 0}, say=print) as machine:
        ours, theirs = _there(machine, rounds)
    over = (statistics.median(ours) - statistics.median(here)) * 1000
    return [
        Figure("local action → X event", _ms(here)),
        Figure("action through /v2 → X event inside", _ms(ours), note=f"worst {max(ours) * 1000:.0f} ms"),
        Figure("the same, over a local action", f"{over:.1f} ms", f"≤ {TARGET_MS:g} ms", over <= TARGET_MS),
        Figure("OSWorld's way (a Python for each action) → X event", _ms(theirs), note="same machine, same run"),
    ]


class Witness:
    """The other end of the window's socket, with its clock told in ours."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._said = self._line.makefile("r")
        self._ahead = self._compare()

    def seconds(self, act: Callable[[], object]) -> float:
        """From when something is begun to the event that it causes."""
        began = time.monotonic()
        act()
        word, at, _ = self._said.readline().split()
        assert word == "event"
        return float(at) - self._ahead - began

    def close(self) -> None:
        """Hang up."""
        self._said.close()
        self._line.close()

    def _compare(self) -> float:
        """How far its clock is ahead of ours: by the quickest of many questions."""
        best = (float("inf"), 0.0)
        for _ in range(ASKED):
            asked = time.monotonic()
            self._line.sendall(b"?\n")
            told = float(self._said.readline().split()[1])
            heard = time.monotonic()
            best = min(best, (heard - asked, told - (asked + heard) / 2))
        return best[1]


def _local(rounds: int) -> list[float]:
    with xvfb(1920, 1080) as display, _shown(display) as port, open_hands(display) as hands:
        witness = Witness(port)
        taken = [witness.seconds(lambda n=n: hands.perform(_click(n))) for n in range(rounds)]
        witness.close()
    return taken


@contextmanager
def _shown(display: str) -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, str(WITNESS), str(port)], env={"DISPLAY": display})
    try:
        wait_until(lambda: _listens(port), "the window", PATIENCE)
        yield port
    finally:
        process.kill()
        process.wait()


def _there(machine: Machine, rounds: int) -> tuple[list[float], list[float]]:
    with GuestClient(machine.guest) as client:
        client.put_file("~/witness.py", WITNESS.read_bytes())
        client.execute(["sh", "-c", f"exec python3 ~/witness.py {PORT}"], background=True)
        wait_until(lambda: _answers(machine.ports[PORT]), "the window inside", PATIENCE)
        witness = Witness(machine.ports[PORT])
        ours: list[float] = []
        theirs: list[float] = []
        for n in range(-3, rounds):  # the first ones warm the emulator up
            a = witness.seconds(lambda n=n: client.perform([_click(n)], f"click-{n}", 30))
            b = witness.seconds(lambda n=n: _as_osworld(machine, n))
            if n >= 0:
                ours.append(a)
                theirs.append(b)
        witness.close()
    return ours, theirs


def _as_osworld(machine: Machine, n: int) -> None:
    at = _click(n)
    code = f"import pyautogui; import time; pyautogui.FAILSAFE = False; pyautogui.click({at.x}, {at.y})"
    body = json.dumps({"command": ["python", "-c", code], "shell": False}).encode()
    address = f"http://{machine.guest.host}:{machine.guest.port}/execute"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert json.load(answer)["returncode"] == 0


def _click(n: int) -> Click:
    return Click(100 + 37 * (n + 5), 200 + 23 * (n + 5))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answers(port: int) -> bool:
    """A forwarded port takes every connection, whoever listens behind it."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as line:
            line.settimeout(2)
            line.sendall(b"?\n")
            return line.recv(64).startswith(b"clock")
    except OSError:
        return False


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms"
