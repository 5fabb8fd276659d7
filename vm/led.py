"""Programs of tools, each with a leader of its own (`vm/leader.py`), as this process sees them."""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.tools.ports import Asks
from vm.leader import GRACE_SECONDS, LAST_SECONDS, PACKET_BYTES
from vm.processes import Spawner, WardenLost
from vm.tty import is_waiting

CHUNK_BYTES = 65536
START_SECONDS = 10.0  # it takes some 40 ms
END_SECONDS = GRACE_SECONDS + LAST_SECONDS + 4.0
FLUSH_SECONDS = 0.5  # at most, for what a program that has ended printed last


class NotStarted(Exception):
    """A program that could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where programs are started.

    Attributes:
        spawner: starts leaders there.
        words: before each leader, for a sandbox of its own.
        python: an interpreter as it is called there.
        script: `vm/leader.py` as it is called there.
        environment: of programs there.
        log: where leaders put what they cannot say.
    """

    spawner: Spawner
    words: tuple[str, ...]
    python: str
    script: Path
    environment: Mapping[str, str]
    log: Path


class Led:
    """A program that runs, with all that it starts. Safe from any thread.

    Raises:
        NotStarted: it does not run.
        WardenLost: nothing can be started there any more.
    """

    def __init__(
        self,
        stage: Stage,
        argv: Sequence[str],
        cwd: Path,
        *,
        streams: Sequence[int] = (),
        size: tuple[int, int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._status: int | None = None
        self._left = self._connected = True
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self.pid = stage.spawner.spawn(
                    [*stage.words, stage.python, "-I", "-S", str(stage.script), "{fd0}"],
                    environment=stage.environment,
                    cwd=Path("/"),
                    log=stage.log,
                    descriptors=[theirs.fileno()],
                )
            asked = {"argv": list(argv), "cwd": str(cwd), "environment": dict(environment or {}), "terminal": size}
            self.descriptors = _begin(ours, json.dumps(asked).encode(), streams)
        except WardenLost:
            ours.close()
            raise
        except (OSError, ValueError) as error:
            ours.close()
            raise NotStarted(_words(error)) from None
        ours.setblocking(False)
        self._control = ours

    def fileno(self) -> int:
        """Readable when there is something that `status` does not know yet."""
        return self._control.fileno()

    @property
    def connected(self) -> bool:
        """Whether the leader is there, as far as is known."""
        return self._connected

    @property
    def left(self) -> bool:
        """Whether something that was started runs, as far as is known."""
        return self._connected and self._left

    def status(self) -> int | None:
        """Exit status, -N for signal N; None while it runs."""
        with self._lock:
            while self._connected:
                try:
                    packet = self._control.recv(PACKET_BYTES)
                except BlockingIOError:
                    break
                except OSError:
                    packet = b""
                self._hear(packet)
            return self._status

    def signal(self, number: int) -> None:
        """To all that it has started."""
        with suppress(OSError):
            self._control.send(json.dumps({"signal": number}).encode())

    def end(self) -> None:
        """End it and all that it has started; blocks until that is done. May be called twice."""
        deadline = time.monotonic() + END_SECONDS
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        while self._connected and time.monotonic() < deadline:
            if select.select([self._control], [], [], deadline - time.monotonic())[0]:
                self.status()

    def close(self) -> None:
        """`end`, and let go of it."""
        if self._control.fileno() >= 0:
            self.end()
            with self._lock:
                self._connected = False
                self._control.close()

    def _hear(self, packet: bytes) -> None:
        if packet:
            told = json.loads(packet)
            self._status, self._left = int(told["status"]), bool(told["left"])
            return
        self._connected = False
        if self._status is None:
            self._status = -9  # its leader was killed, and it with the terminal, or with the sandbox


class LedTerminal:
    """A program at a terminal of its own: `agent.tools.ports.Terminal`."""

    def __init__(self, led: Led) -> None:
        self._led = led
        self._master = led.descriptors[0]
        os.set_blocking(self._master, False)
        self._lock = threading.Lock()
        self._over = self._closed = False  # over: nobody holds the terminal any more
        self._ended_at: float | None = None
        self._poll = select.epoll()
        self._poll.register(self._master, select.EPOLLIN)
        self._poll.register(led, select.EPOLLIN)
        self._heard = False

    def fileno(self) -> int:
        """Readable when there is output, and at the end."""
        return self._poll.fileno()

    def read(self) -> bytes:
        """What it has written since; b"" where there is nothing now."""
        with self._lock:
            if self._closed or self._over:
                return b""
            try:
                return os.read(self._master, CHUNK_BYTES)
            except BlockingIOError:
                return b""
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                self._over = True
                self._poll.unregister(self._master)
                return b""

    def write(self, data: bytes) -> int:
        """Type into it; how many bytes it took."""
        with self._lock:
            if self._closed or self._over or self._led.status() is not None:
                raise OSError(errno.EIO, "it has ended")
            try:
                return os.write(self._master, data)
            except BlockingIOError:
                return 0

    def signal(self, number: int) -> None:
        """To all that it has started."""
        self._led.signal(number)

    def status(self) -> int | None:
        """Exit status; None while it runs or has not been read to its end."""
        status = self._led.status()
        with self._lock:
            if not self._heard and not self._closed and not self._led.connected:
                self._heard = True
                self._poll.unregister(self._led)
        if status is None or self._over or self._led.left:
            return status
        self._ended_at = self._ended_at or time.monotonic()
        return status if time.monotonic() - self._ended_at > FLUSH_SECONDS else None

    @property
    def closed(self) -> bool:
        """Whether it was let go of."""
        return self._closed

    def asks(self) -> Asks:
        """Whether it waits for somebody to type."""
        with self._lock:
            if self._closed or self._over:
                return ""
            return _asks(self._master)

    def left_running(self) -> bool:
        """Whether something that it has started runs."""
        self.status()
        return self._led.left

    def close(self) -> None:
        """End it and all that it has started."""
        self._led.end()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._poll.close()
            os.close(self._master)
        self._led.close()


def _asks(master: int) -> Asks:
    try:
        flags = int(termios.tcgetattr(master)[3])
        group = os.tcgetpgrp(master)
    except (OSError, termios.error):
        return ""
    lines, shown = bool(flags & termios.ICANON), bool(flags & termios.ECHO)
    if not is_waiting(group, reads=lines):
        return ""
    return "keys" if not lines else "input" if shown else "password"


def _begin(ours: socket.socket, asked: bytes, streams: Sequence[int]) -> list[int]:
    """Give the leader its orders; returns the descriptors that come with its answer."""
    ours.settimeout(START_SECONDS)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PACKET_BYTES)
    socket.send_fds(ours, [asked], list(streams))
    packet, descriptors, _, _ = socket.recv_fds(ours, PACKET_BYTES, 1)
    if not packet:
        raise OSError("what should lead it has ended")
    for each in descriptors:
        os.set_inheritable(each, False)
    told: dict[str, Any] = json.loads(packet)
    if "begun" in told and (packet := ours.recv(PACKET_BYTES)):  # else the program runs and has killed its leader
        told = json.loads(packet)
    if "error" in told:
        for each in descriptors:
            os.close(each)
        raise OSError(told["error"])
    return descriptors


def _words(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno in (errno.EMSGSIZE, errno.E2BIG, errno.ENOBUFS):
        return "it is too long"
    return str(error)
