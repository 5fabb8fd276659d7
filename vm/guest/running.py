"""Programs that are run for somebody on the host: bounded in time and in what is kept of what they say."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vm.guest.files import place
from vm.guest.wire import Refused

MOST = 1024 * 1024  # bytes that are kept of each of the two outputs
LINGER = 0.1  # seconds for what a program said last, while others that it has started keep its output open
SITE = Path(__file__).with_name("site")  # modules that programs of the guest may import
_OURS = (
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Attributes:
        status: as a shell has it, negative for a signal; None if it did not end in time, and was killed.
    """

    status: int | None
    output: str
    error: str

    @property
    def timed_out(self) -> bool:
        """Whether it was killed, as its time was over."""
        return self.status is None


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What programs get: the session's environment, without what is the server's own."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {**kept, "PYTHONPATH": str(SITE), **(more or {})}


def run(
    argv: Sequence[str],
    *,
    seconds: float,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    text: str = "",
) -> Outcome:
    """Run a program to its end; what it has left in the background goes on, and may go on talking.

    Args:
        argv: the program and its arguments.
        seconds: after which it is killed with all that it has started.
        cwd: where; the home folder else.
        env: variables besides those of the session.
        text: its standard input.

    Raises:
        Refused: there is no such program or folder, or it may not be run.
    """
    process = start(argv, cwd=cwd, env=env, pipes=True)
    return _Listening(process, text.encode("utf-8", "surrogateescape"), time.monotonic() + seconds).outcome()


def start(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    pipes: bool = False,
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it outlives this server.

    Raises:
        Refused: see `run`.
    """
    if not argv or any("\0" in word for word in argv):
        raise Refused(400, "invalid", "a command is a list of words, or a line of text")
    folder = str(place(cwd)) if cwd else str(Path.home())
    quiet = output or subprocess.DEVNULL
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=environment(env),
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else quiet,
            stderr=subprocess.PIPE if pipes else quiet,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        what = folder if not Path(folder).is_dir() else argv[0]
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Refused(422, "invalid", f"cannot run {what}: {reason}") from None


def reap(process: subprocess.Popen[bytes]) -> None:
    """Collect a program when it ends, which nobody else waits for."""
    threading.Thread(target=process.wait, daemon=True, name="deskhand-reap").start()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all that it has started in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass(slots=True)
class _Said:
    kept: bytearray = field(default_factory=bytearray)
    cut: int = 0

    def add(self, data: bytes) -> None:
        room = MOST - len(self.kept)
        self.kept += data[:room]
        self.cut += max(0, len(data) - room)

    def text(self) -> str:
        more = f"\n[{self.cut} bytes more were said, and are left out]" if self.cut else ""
        return self.kept.decode("utf-8", "replace") + more


class _Listening:
    """A program while it runs: fed, listened to, and watched for its end, all by one thread."""

    def __init__(self, process: subprocess.Popen[bytes], text: bytes, deadline: float) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._process, self._text, self._deadline = process, memoryview(text), deadline
        self._said = {process.stdout.fileno(): _Said(), process.stderr.fileno(): _Said()}
        self._input = process.stdin.fileno()
        self._open = set(self._said)
        self._poll = select.poll()

    def outcome(self) -> Outcome:
        ended = os.pidfd_open(self._process.pid)
        try:
            status = self._until_end(ended)
        finally:
            os.close(ended)
            self._leave()
        output, error = (said.text() for said in self._said.values())
        return Outcome(status, output, error)

    def _until_end(self, ended: int) -> int | None:
        self._poll.register(ended, select.POLLIN)
        for descriptor in self._said:
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        os.set_blocking(self._input, False)
        if self._text:
            self._poll.register(self._input, select.POLLOUT)
        else:
            self._close_input()
        over: float | None = None
        while True:
            left = (self._deadline if over is None else over) - time.monotonic()
            if left <= 0 or (over is not None and not self._open):
                return self._ended(over is not None)
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor == ended:
                    over = time.monotonic() + LINGER
                    self._poll.unregister(ended)
                elif descriptor == self._input:
                    self._feed()
                else:
                    self._hear(descriptor)

    def _ended(self, by_itself: bool) -> int | None:
        if by_itself:
            return self._process.wait()
        end(self._process)
        for descriptor in list(self._open):
            self._hear(descriptor)
        return None

    def _hear(self, descriptor: int) -> None:
        try:
            while data := os.read(descriptor, 1 << 16):
                self._said[descriptor].add(data)
        except BlockingIOError:
            return
        except OSError:
            pass
        self._open.discard(descriptor)
        with suppress(KeyError):
            self._poll.unregister(descriptor)

    def _feed(self) -> None:
        try:
            self._text = self._text[os.write(self._input, self._text[: 1 << 16]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not want more
            self._text = memoryview(b"")
        if not self._text:
            self._poll.unregister(self._input)
            self._close_input()

    def _close_input(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()

    def _leave(self) -> None:
        """What goes on in the background must find somebody who listens, or it ends when it talks."""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._process.stdin.close()
        streams = [self._process.stdout, self._process.stderr]
        rest = [stream for stream in streams if stream.fileno() in self._open]
        for stream in streams:
            if stream not in rest:
                stream.close()
        if rest:
            threading.Thread(target=_drain, args=(rest,), daemon=True, name="deskhand-drain").start()


def _drain(streams: Sequence[IO[bytes]]) -> None:
    poll = select.poll()
    known = {stream.fileno(): stream for stream in streams}
    for descriptor in known:
        poll.register(descriptor, select.POLLIN)
    while known:
        for descriptor, _ in poll.poll():
            with suppress(BlockingIOError):
                if not os.read(descriptor, 1 << 16):
                    poll.unregister(descriptor)
                    known.pop(descriptor).close()
