"""How much processor time a program takes: one that calculates has not reacted to the end yet."""

from __future__ import annotations

import sys
import time

BUSY = 0.5  # of one processor; more is work, less is carets, clocks and answers to pings


class Load:
    """The processor time of one process, all its threads together; nothing is known of those of other machines.

    Asking costs a microsecond, and needs no right to look into the process.
    """

    def __init__(self, pid: int | None) -> None:
        self._clock = None if pid is None or sys.platform != "linux" else _clock_of(pid)
        self._asked, self._used = time.monotonic(), 0.0
        self._used = self._read()

    @property
    def age(self) -> float:
        """Seconds since `recent` was asked."""
        return time.monotonic() - self._asked

    def recent(self) -> float:
        """Processors kept busy since this was asked before; 0 where that is not known, or the process has ended."""
        now, used = time.monotonic(), self._read()
        passed, took = now - self._asked, used - self._used
        self._asked, self._used = now, used
        return took / passed if passed > 0 else 0.0

    def _read(self) -> float:
        if self._clock is None:
            return 0.0
        try:
            return time.clock_gettime(self._clock)
        except OSError:  # it has ended
            self._clock = None
            return self._used


class Work:
    """Whether the program in front is at work. One that always is, whatever is done to it, does not count."""

    sample = 0.3  # seconds between two inputs; in less it may still be at work on the first

    def __init__(self) -> None:
        self._pid: int | None = None
        self._load = Load(None)
        self._chronic = False

    def follow(self, pid: int | None) -> None:
        """An input is about to be sent to this process: what it does now has other reasons."""
        if pid != self._pid:
            self._pid, self._load, self._chronic = pid, Load(pid), False
            return
        long = self._load.age >= self.sample
        busy = self._load.recent() >= BUSY
        self._chronic = busy if long else self._chronic

    def busy(self) -> bool:
        """Whether it has calculated since this was asked before."""
        return self._load.recent() >= BUSY and not self._chronic


def _clock_of(pid: int) -> int:
    """The kernel's number for the clock of another process; see clock_getcpuclockid(3)."""
    scheduled = 2
    return (~pid << 3) | scheduled
