"""What becomes of a machine, watched from outside."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.waiting import until
from vm.guest_client import GuestClient
from vm.machine import Machine, MachineLost


def run(machine: Machine, command: str, seconds: float = 20.0) -> str:
    with GuestClient(machine.guest) as client:
        return client.execute(command, seconds=seconds).output.strip()


def lost(machine: Machine, seconds: float) -> str:
    """What the machine says that has become of it, once it has noticed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            machine.check()
        except MachineLost as told:
            return str(told)
        time.sleep(0.05)
    raise AssertionError(f"nothing was noticed within {seconds} s")


def gone(pid: int, seconds: float = 10.0) -> bool:
    return until(lambda: not Path(f"/proc/{pid}").exists(), seconds)
