"""The leader of one program that a tool runs: it starts it, says how it ended, and ends all that has come of it.

It is run by its path (`python -I -S leader.py FD`, standard library only), in a sandbox or not, by a warden. Its other
end speaks to it through a SEQPACKET socket, one JSON object a packet (see `vm.led`):

    first  {"argv": […], "cwd": "…", "environment": {…}, "terminal": [columns, rows]}
                                                                        the program gets a terminal of its own
           {…, "terminal": null}                                        its three streams come along as descriptors
    then   {"signal": 15}                                               to all that has come of it
    it answers {"begun": true}, with the terminal's other end, and then {"started": true} or {"error": "…"};
    later  {"status": 0, "left": false}                                 it has ended; `left`: what it started has not

It is the session's leader and a subreaper, so whatever forks away stays below it. It goes when nothing is left, or when
the other end is closed; then it ends the rest, politely first.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable
from typing import Any

PACKET_BYTES = 1 << 20
GRACE_SECONDS = 0.5  # between asking and forcing
LAST_SECONDS = 15.0  # for ten thousand on a busy machine; what cannot be ended then is the warden's
ROUND_SECONDS = 0.01
PRINTED_SECONDS = 0.03  # what was printed right before an end gets through the terminal meanwhile

_PR_SET_CHILD_SUBREAPER = 36


class Leader:
    """Serves one other end, for one program."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._program = 0
        self._terminal: int | None = None
        self._childless = False
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._bell, rung = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ring)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _leave)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def serve(self) -> None:
        """Start the program, and stay until all of it has ended."""
        packet, descriptors, _, _ = socket.recv_fds(self._control, PACKET_BYTES, 3)
        if not packet:
            return
        try:
            self._start(json.loads(packet), descriptors)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._tell({"error": str(error)})
            return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._stay()

    def _start(self, asked: dict[str, Any], streams: list[int]) -> None:
        size: list[int] | None = asked["terminal"]
        if size is None:
            self._tell({"begun": True})  # beforehand: a program may kill this process before it has said anything
            self._program = self._run(asked, streams)
            self._tell({"started": True})
            return
        master, slave = os.openpty()
        try:
            self._terminal = slave
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            socket.send_fds(self._control, [json.dumps({"begun": True}).encode()], [master])
            self._program = self._run(asked, [slave, slave, slave])
            self._tell({"started": True})
        finally:
            os.close(master)

    def _run(self, asked: dict[str, Any], streams: list[int]) -> int:
        program = subprocess.Popen(
            asked["argv"],
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            cwd=asked["cwd"],
            env={**os.environ, **asked["environment"]},
            preexec_fn=self._come_forward,  # safe: one thread
        )
        program.returncode = 0  # reaped here
        return program.pid

    def _come_forward(self) -> None:
        """In the program: a process group of its own, the one that has the terminal."""
        os.setpgid(0, 0)
        if self._terminal is not None:
            os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    def _stay(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        while not self._childless:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._bell in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._bell, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._obey():
                return

    def _obey(self) -> bool:
        """Do what the other end says; False when it is closed."""
        packet = self._control.recv(PACKET_BYTES)
        if not packet:
            return False
        number = int(json.loads(packet)["signal"])
        _signal(descendants(), number)
        return True

    def _reap(self) -> None:
        """Collect the dead; tell when the program itself is among them."""
        ended: int | None = None
        try:
            while (waited := os.waitpid(-1, os.WNOHANG))[0]:
                if waited[0] == self._program:
                    ended = os.waitstatus_to_exitcode(waited[1])
        except ChildProcessError:
            self._childless = True
        if ended is None:
            return
        if self._terminal is not None:
            os.close(self._terminal)  # kept until now, so that the terminal outlives a program that closes its own
        if not self._childless:
            time.sleep(PRINTED_SECONDS)
        self._tell({"status": ended, "left": not self._childless})

    def _tell(self, told: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._control.send(json.dumps(told).encode())


def end_all() -> None:
    """End what is left below this process: ask for half a second, then force."""
    began = time.monotonic()
    asked: set[int] = set()
    while left := descendants():
        patient = time.monotonic() - began < GRACE_SECONDS
        if patient:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
                _signal(left - asked, number)
            asked |= left
        else:
            _signal(left, signal.SIGKILL)
        if time.monotonic() - began > GRACE_SECONDS + LAST_SECONDS:
            return
        time.sleep(ROUND_SECONDS)
        _collect()
    _collect()


def descendants() -> set[int]:
    """The living processes below this one."""
    children: dict[int, list[tuple[int, str]]] = {}
    for pid, state, parent in _processes():
        children.setdefault(parent, []).append((pid, state))
    found: set[int] = set()
    below = [os.getpid()]
    while below:
        for pid, state in children.get(below.pop(), ()):
            below.append(pid)
            if state not in "ZX":
                found.add(pid)
    return found


def _processes() -> Iterable[tuple[int, str, int]]:
    """Process id, state and parent of everything that runs."""
    for name in os.listdir("/proc"):  # noqa: PTH208 (in a loop against the clock)
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    status = file.read()
                state, parent = status[status.rindex(b")") + 2 :].split()[:2]
                yield int(name), state.decode(), int(parent)


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _collect() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _ring(*_: object) -> None:
    """A handler of its own, so that the signal reaches the wakeup descriptor."""


def _leave(*_: object) -> None:
    raise SystemExit


def main(descriptor: int) -> None:
    """Lead one program, and end what is left of it."""
    with socket.socket(fileno=descriptor) as control:
        try:
            Leader(control).serve()
        except (SystemExit, ConnectionError):
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            end_all()


if __name__ == "__main__":
    main(int(sys.argv[1]))
