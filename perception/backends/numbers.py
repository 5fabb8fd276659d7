"""Process ids of sandboxes: a process in one has another number there than it has here."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def is_apart(pid: int) -> bool:
    """Whether a process counts in another way than this one does; False where that cannot be told."""
    own, other = _space("self"), _space(pid)
    return own is not None and other is not None and own != other


def peer(connection: socket.socket) -> int | None:
    """The process that listens at the other end of a local connection."""
    with suppress(OSError, AttributeError):
        pid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid or None
    return None


def here(beside: int, pids: Iterable[int]) -> dict[int, int]:
    """What processes are called here that are called `pids` where the process `beside` is.

    Returns:
        our number by theirs; without those that are gone.
    """
    space, wanted = _space(beside), set(pids)
    found: dict[int, int] = {}
    for name in os.listdir("/proc") if wanted else ():  # noqa: PTH208 (there are many)
        if name.isdigit() and (theirs := _innermost(name)) in wanted and _space(name) == space:
            found[theirs] = int(name)
    return found


def _innermost(pid: str) -> int:
    """A process's number as it sees it itself; 0 if it is gone."""
    with suppress(OSError, ValueError):
        status = Path(f"/proc/{pid}/status").read_bytes()
        start = status.index(b"\nNSpid:") + 7
        return int(status[start : status.index(b"\n", start)].split()[-1])
    return 0


def _space(pid: int | str) -> str | None:
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 (there are many)
    return None
