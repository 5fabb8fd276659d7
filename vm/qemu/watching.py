"""What becomes of a machine, from what QEMU says: in one line, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perception.errors import ScreenLost


class MachineLost(ScreenLost):
    """The machine hangs, broke down or is gone; the message says what happened. `Machine.reset` brings it back."""

    cure = "`deskhand resume` goes on in a fresh one"


_STATES = {
    "internal-error": "the processor met something that this host cannot run (QEMU: internal-error)",
    "io-error": "its disk cannot be written",
    "guest-panicked": "its kernel panicked",
    "shutdown": "it was switched off",
    "paused": "somebody paused it",
    "suspended": "it went to sleep",
    "watchdog": "its watchdog barked",
}
_WELL = frozenset(("running", "inmigrate", "finish-migrate", "postmigrate", "prelaunch", "save-vm", "restore-vm"))
_NO_ROOM = "the host's disk is full: make room, or point TMPDIR at a larger one"


def reason(event: Mapping[str, Any]) -> str | None:
    """Why an event is the end of the machine; None if it is not."""
    data: Mapping[str, Any] = event.get("data") or {}
    match event.get("event"):
        case "GUEST_PANICKED":
            return _STATES["guest-panicked"]
        case "BLOCK_IO_ERROR":
            return _NO_ROOM if data.get("nospace") else f"its disk failed ({data.get('reason', 'no reason given')})"
        case "BLOCK_IMAGE_CORRUPTED":
            return f"its disk is damaged ({data.get('msg', 'no reason given')})"
        case "SHUTDOWN":
            return _shutdown(data)
        case "RESET" if data.get("guest"):
            return "it restarted itself"
        case _:
            return None


def _shutdown(data: Mapping[str, Any]) -> str | None:
    match data.get("reason"):
        case "guest-reset":
            return "it restarted itself"
        case "guest-panic":
            return _STATES["guest-panicked"]
        case "host-qmp-quit" | "host-signal":
            return "QEMU was told to quit"
        case _:
            return "it switched itself off" if data.get("guest") else "it was switched off"


def state_reason(status: str) -> str | None:
    """Why a state of QEMU (`query-status`) is the end of the machine; None if it is not."""
    return None if status in _WELL else _STATES.get(status, f"QEMU is in the state {status}")


def exit_reason(status: int, said: str) -> str:
    """How QEMU itself ended: its exit status, -N for signal N, and the last line that it said."""
    if status == -7:  # SIGBUS: a page of a mapped file could not be had
        return "a page of its memory could not be read or written (is the host's disk full, or a snapshot cut short?)"
    how = f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
    return f"QEMU ended, {how}" + (f": {said}" if said else "")
