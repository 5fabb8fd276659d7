"""Whether somebody at a terminal is waited for, as Linux tells."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

# Numbers of system calls in which programs wait for input: read; and besides, for those that read key by key, select,
# poll and their kind.
_READ = {"x86_64": {0, 19}, "aarch64": {63, 65}}
_WAIT = {"x86_64": {7, 23, 232, 270, 271, 281, 441}, "aarch64": {22, 72, 73, 441}}


def is_waiting(group: int, *, reads: bool) -> bool:
    """Whether a process of a group rests in a system call that waits for the terminal.

    Args:
        group: the process group that has the terminal, as this process counts.
        reads: only reading counts; else waiting for several things does too, as programs do that read key by key.
    """
    return any(_rests(pid, reads=reads) for pid in _members(group))


def _members(group: int) -> list[int]:
    found: list[int] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 (called ten times a second)
        if name.isdigit():
            with suppress(OSError, ValueError):
                status = Path(f"/proc/{name}/stat").read_bytes()
                if int(status[status.rindex(b")") + 2 :].split()[2]) == group:
                    found.append(int(name))
    return found


def _rests(pid: int, *, reads: bool) -> bool:
    try:
        words = Path(f"/proc/{pid}/syscall").read_text().split()
        number, first = int(words[0]), int(words[1], 16)
    except (OSError, ValueError, IndexError):  # it runs, has ended, or is not for us to see
        return False
    machine = platform.machine()
    if number in _READ.get(machine, set()):
        return _is_terminal(pid, first)
    return not reads and number in _WAIT.get(machine, set())


def _is_terminal(pid: int, descriptor: int) -> bool:
    with suppress(OSError):
        place = str(Path(f"/proc/{pid}/fd/{descriptor}").readlink())
        return place.startswith(("/dev/pts/", "/dev/tty"))
    return False
