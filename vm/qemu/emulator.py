"""One QEMU process: started under a warden, watched through its monitor, ended at once."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from vm.desktop_place import inherited
from vm.processes import Processes, WardenLost
from vm.programs import last_line
from vm.qemu.arguments import PAINTED
from vm.qemu.monitor import Event, Monitor, MonitorLost
from vm.qemu.pictures import Painted, Pictures
from vm.qemu.watching import exit_reason, reason, state_reason

START_SECONDS = 60.0  # QEMU speaks after 0.1 s
END_SECONDS = 10.0  # the kernel takes 0.05 s to take a machine's memory apart
POLL_SECONDS = 0.003
STATUS_SECONDS = 8.0  # QEMU that does not say within this how it is, hangs
T = TypeVar("T")
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG")


class EmulatorLost(Exception):
    """The machine is gone; the message says why, without a name."""


class Emulator:
    """A QEMU process and its monitor. Safe from any thread."""

    def __init__(self, processes: Processes, folder: Path, words: Sequence[str], *, tells: bool = False) -> None:
        """Start it. Raises EmulatorLost.

        Args:
            folder: its own; it is there, and is removed with it.
            tells: this QEMU is known to tell when something new is shown.
        """
        self.folder = folder
        self._processes = processes
        self._lost: str | None = None
        self._ended = threading.Event()
        self._log = folder / "qemu.log"
        self.pid = 0
        self.token = ""  # what opens `/v2` in it
        self._seeing = threading.Lock()
        self._seen: bytes | None = None
        fifo = folder / PAINTED
        self._painted = Painted(fifo, sure=tells) if str(fifo) in words else None
        self.monitor = Monitor(folder / "qmp", self._heard)
        try:
            self.pid = processes.spawn(words, environment=_environment(), cwd=folder, log=self._log)
            self.monitor.accept(START_SECONDS, lambda: self._status() is not None)
            self.pictures = Pictures(self.monitor)
        except (MonitorLost, OSError, WardenLost) as error:
            why = self._after(error)
            self.end()
            raise EmulatorLost(why) from None
        except BaseException:
            self.end()
            raise

    def execute(self, name: str, *, seconds: float = STATUS_SECONDS, **arguments: object) -> Any:
        """Do a command of QMP. Raises EmulatorLost, and Refused where QEMU says no."""
        return self.guarded(lambda: self.monitor.execute(name, seconds=seconds, **arguments))

    def raw(self) -> bytes:
        """The screen as a PPM. Raises EmulatorLost."""
        if why := self._lost:
            raise EmulatorLost(why)
        with self._seeing:
            if self._seen is None or self._may_differ():
                self._seen = self.guarded(self.pictures.raw)
            return self._seen

    @property
    def tells(self) -> bool:
        """Whether it has told that something new is shown, so that its silence means something."""
        return self._painted is not None and self._painted.sure

    def guarded(self, work: Callable[[], T]) -> T:
        """Do something with the monitor, and say what has become of the machine if that fails."""
        try:
            return work()
        except MonitorLost as error:
            raise EmulatorLost(self._after(error)) from None

    def status(self) -> str:
        """QEMU's word for the state of the machine, like "running". Raises EmulatorLost."""
        return str(self.execute("query-status")["status"])

    def lost(self) -> str | None:
        """Why the machine is gone, as far as is known without asking it; None as long as it is there."""
        if self._lost is None and (status := self._status()) is not None:
            self._lost = exit_reason(status, self.said())
        return self._lost

    def check(self) -> None:
        """Raise EmulatorLost if the machine is gone, stopped, or QEMU hangs."""
        why = self.lost() or state_reason(self.status()) or self._lost
        if why:
            raise EmulatorLost(why)

    def said(self) -> str:
        """The last line that QEMU itself wrote."""
        with suppress(OSError), self._log.open("rb") as log:
            return last_line(log)
        return ""

    def end(self) -> None:
        """Kill it and remove its folder. Returns when it is gone; may be called twice."""
        self.kill()
        self.wait()

    def kill(self) -> None:
        """The first half of `end`: takes no time."""
        self._ended.set()
        if self.pid and self._status() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """The second half."""
        deadline = time.monotonic() + END_SECONDS
        while self.pid and self._status() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.monitor.close()
        with suppress(AttributeError):  # it was never started
            self.pictures.close()
        if self._painted is not None:
            self._painted.close()
        self._seen = None  # megabytes, and this object may be kept for a while
        shutil.rmtree(self.folder, ignore_errors=True)

    def _may_differ(self) -> bool:
        """Whether the screen may show something new, or there is none any more."""
        if self._painted is None or self._painted.anything():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def _heard(self, event: Event) -> None:
        if self._lost is None and not self._ended.is_set():
            self._lost = reason(event)

    def _status(self) -> int | None:
        try:
            return self._processes.status(self.pid)
        except (WardenLost, OSError):
            return -signal.SIGKILL  # the warden takes its children with it

    def _after(self, error: Exception) -> str:
        """What has happened, after something failed: QEMU's end is noticed a moment later than its silence."""
        deadline = time.monotonic() + 1.0
        while self.pid and isinstance(error, MonitorLost) and time.monotonic() < deadline:
            if why := self.lost():
                return why
            time.sleep(POLL_SECONDS)
        return str(error)


def _environment() -> dict[str, str]:
    """What QEMU gets to see of ours: no keys, no tokens."""
    return inherited(_ENVIRONMENT)
