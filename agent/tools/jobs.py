"""One command at a terminal: what it has printed, whether it asks for something, how it ended."""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import suppress

import anyio

from agent.tools.kept import Kept
from agent.tools.ports import Asks, Terminal
from agent.tools.rendered import Page, last_lines, told

KEPT_BYTES = 262_144  # of what was not read yet
LAST_BYTES = 4096
ROUND_READS = 64  # at once, before others have their turn
QUIET_SECONDS = 0.3  # without output, before a command counts as waiting for input
KEYS_QUIET_SECONDS = 1.0  # the same for those that read key by key, which look like it while they do other things
SECRET = "••••"
_PROMPT = re.compile(
    r"(pass ?(word|phrase|code)|passwort|kennwort|mot de passe|contraseña|\bpin\b|one-time code|verification code)"
    r"[^\n]{0,100}[:：?>]\s*$",
    re.IGNORECASE,
)


class Job:
    """One command at a terminal.

    Attributes:
        id: how the model calls it; "" for one that has not been left running.
        ended: set when it has ended.
        status: its exit status then, -N for signal N.
        watched: somebody waits for its end and will tell of it.
        noticed: that it waits for input, the model has been told.
    """

    def __init__(self, command: str, terminal: Terminal) -> None:
        self.command, self.terminal = command, terminal
        self.id, self.news = "", ""
        self.status: int | None = None
        self.ended = anyio.Event()
        self.watched = True
        self.noticed = False
        self.closed = False
        self._began = self._changed = time.monotonic()
        self._seconds = 0.0
        self._page, self._new, self._last = Page(), Kept(KEPT_BYTES), bytearray()
        self._secrets: list[str] = []
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began if self.runs else self._seconds

    @property
    def runs(self) -> bool:
        """Whether it has not ended, as far as the event loop knows."""
        return not self.ended.is_set()

    def drain(self) -> bool:
        """Read what it has printed, in any thread; True when it turns out to have ended."""
        with self._lock:
            if self.closed:
                return False
            if self._read() and (status := self.terminal.status()) is not None:
                self._read()  # what it printed right before its end
                if self.status is None:
                    self.status, self._seconds = status, time.monotonic() - self._began
                    return True
            return False

    def take(self, most: int) -> str:
        """What it has printed since the last time, as text of about `most` characters."""
        with self._lock:
            text = told(self._page, self._new.take(), most, last=not self.runs)
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        return text

    def last(self, lines: int = 5, most: int = 600) -> str:
        """The end of what it has printed, read or not."""
        with self._lock:
            text = last_lines(bytes(self._last), lines, most)
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        return text

    def asks(self) -> Asks:
        """Whether it waits for somebody to type; it has to be quiet for a moment first. Takes some milliseconds."""
        quiet = time.monotonic() - self._changed
        if not self.runs or quiet < QUIET_SECONDS:
            return ""
        asked = self.terminal.asks()
        if asked == "keys" and quiet < KEYS_QUIET_SECONDS:
            return ""
        doubtful = asked == "input" or (not asked and quiet > KEYS_QUIET_SECONDS)
        return "password" if doubtful and _PROMPT.search(self.last(1)) else asked

    def hide(self, secret: str) -> None:
        """Show it nowhere, should it be printed."""
        self._secrets.append(secret)

    def type(self, data: bytes) -> int:
        """Type into it; how many bytes it took.

        Raises:
            OSError: it has ended.
        """
        taken = self.terminal.write(data)
        self._changed, self.noticed = time.monotonic(), False
        return taken

    def close(self) -> None:
        """End what is left of it, in a thread: it takes up to some seconds."""
        self.drain()
        self.terminal.close()
        with self._lock:
            self.closed = True
            if self.status is None:
                self.status, self._seconds = self.terminal.status() or -signal.SIGKILL, time.monotonic() - self._began

    def _read(self) -> bool:
        """Take in what there is; False when there may be more."""
        for _ in range(ROUND_READS):
            if not (data := self.terminal.read()):
                return True
            self._add(data)
        return False

    def _add(self, data: bytes) -> None:
        self._new.add(data)
        self._last += data
        del self._last[:-LAST_BYTES]
        self._changed, self.noticed = time.monotonic(), False


def how(job: Job) -> str:
    """How a command has ended."""
    if job.runs or job.status is None:
        return "it runs"
    if job.status >= 0:
        return f"exit {job.status}"
    with suppress(ValueError):
        return f"killed by signal {-job.status} ({signal.Signals(-job.status).name})"
    return f"killed by signal {-job.status}"


def short(command: str, most: int = 60) -> str:
    line = " ".join(command.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
