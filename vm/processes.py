"""Programs started through a warden, which ends them all when this process is gone, however it goes."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actuators.errors import DisplayLost
from vm import warden

ANSWER_SECONDS = 10.0  # the warden answers in milliseconds; on a machine that swaps, later
CLOSE_SECONDS = 8.0  # grace, kill, and the removal of a large home
_WARDEN = Path(__file__).with_name("warden.py")


class WardenLost(DisplayLost):
    """The warden is gone, and with it everything that it started, the X server for one."""


class Spawner:
    """Starts programs through the warden at the other end of a socket. Calls block for milliseconds; any thread may."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(ANSWER_SECONDS)
        self._socket = end
        self._lock = threading.Lock()
        self._hello = self._receive()

    def spawn(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        descriptors: Sequence[int] = (),
    ) -> int:
        """Start a program and return its process id, as it is over there. Its output goes to `log`, its input is empty.

        Args:
            descriptors: inherited by the program; `{fd0}` in `argv` stands for the number of the first one there.

        Raises:
            OSError: it could not be started.
            WardenLost: nothing can be started any more.
        """
        asked = {"do": "spawn", "argv": list(argv), "env": dict(environment), "cwd": str(cwd), "log": str(log)}
        return int(self._ask(asked, descriptors)["pid"])

    def status(self, pid: int) -> int | None:
        """Exit status of a program started here, -N for signal N; None while it runs."""
        return self._ask({"do": "status", "pid": pid})["status"]

    def close(self) -> None:
        """Let go of them; everything that was started ends. May be called twice."""
        self._socket.close()

    def _ask(self, asked: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with self._lock:
            try:
                socket.send_fds(self._socket, [json.dumps(asked).encode()], list(descriptors))
            except OSError as error:
                raise WardenLost(f"the process that looks after the others is gone ({error})") from None
            reply = self._receive()
        if "error" in reply:
            raise OSError(reply["error"])
        return reply

    def _receive(self) -> dict[str, Any]:
        try:
            packet = self._socket.recv(warden.PACKET_BYTES)
        except OSError as error:
            raise WardenLost(f"the process that looks after the others does not answer ({error})") from None
        if not packet:
            raise WardenLost("the process that looks after the others was killed")
        return json.loads(packet)


class Processes(Spawner):
    """The programs of one run and their directory."""

    def __init__(self, process: subprocess.Popen[bytes], end: socket.socket, base: Path) -> None:
        super().__init__(end)
        self._process, self._base = process, base
        self.run = Path(self._hello["run"])
        """The directory of this run, mode 700, removed at the end."""

    def tend(self, folder: Path) -> None:
        """At the end, remove the lock files that programs of this run leave beside documents in `folder`."""
        self._ask({"do": "tend", "folder": str(folder)})

    def end(self) -> None:
        """End every program at once, and tidy up after them; others can be started."""
        self._ask({"do": "end"})

    def close(self) -> None:
        """End everything, remove the directory. Returns when it is done; may be called twice."""
        super().close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        warden.sweep(self._base)  # in case the warden was killed before it was through


def start_processes() -> Processes:
    """Start a warden, which first sweeps away what earlier, killed runs have left.

    Raises:
        OSError: the directory for temporary files cannot be used.
        WardenLost: it did not start.
    """
    base = warden.base_dir()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = (str(base), secrets.token_hex(6), str(os.getpid()))
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WARDEN), *arguments, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
        )
    try:
        return Processes(process, ours, base)
    except BaseException:
        ours.close()
        process.wait(CLOSE_SECONDS)
        raise
