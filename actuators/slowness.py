"""An emulated machine takes ten times as long as those that the patience of the hands was measured on."""

from __future__ import annotations

from pathlib import Path

FACTOR = 6
_CPU = Path("/proc/cpuinfo")
WAITS = ("FETCH_AFTER_PONG", "FETCH_UNPINGED", "QUIET", "FROZEN", "DIGEST", "COLLECT_UNPINGED")


def is_emulated(cpu: Path = _CPU) -> bool:
    """Whether the processor is QEMU's own."""
    try:
        return "QEMU" in cpu.read_text()
    except OSError:
        return False


def be_patient() -> None:
    """Let the hands wait longer for programs: text that is fetched later than they wait for is typed twice."""
    from actuators.backends import x11_text

    for name in WAITS:
        setattr(x11_text, name, FACTOR * float(getattr(x11_text, name)))
