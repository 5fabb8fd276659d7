"""Pictures of a machine that another process of this user holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from perception.frames import Frame
from vm import warden
from vm.qemu.monitor import Monitor, MonitorLost, Refused
from vm.qemu.pictures import Pictures, to_frame
from vm.qemu.watching import MachineLost

LIVE = "live.qmp"


class LiveMachine:
    """The screen of a machine that another process of this user holds. Lost with each reset of the machine."""

    def __init__(self, monitor: Path) -> None:
        """Raises MachineLost."""
        try:
            self._monitor = Monitor(monitor, listen=False)
            self._pictures = Pictures(self._monitor)
        except (MonitorLost, Refused) as error:
            raise MachineLost(f"the machine: {error}") from None

    def screendump(self) -> Frame:
        """The screen, H×W×4 BGRX. Raises MachineLost."""
        try:
            return to_frame(self._pictures.raw())
        except (MonitorLost, Refused) as error:
            raise MachineLost(f"the machine: {error}") from None

    def close(self) -> None:
        """Hang up. May be called twice."""
        self._monitor.close()
        self._pictures.close()


def live_machine(workspace: Path) -> LiveMachine | None:
    """The running machine whose folder this is; None if there is none. Raises MachineLost."""
    for run in _runs(str(workspace.resolve())):
        with suppress(OSError):
            return LiveMachine((run / LIVE).readlink())
    return None


def _runs(folder: str) -> Sequence[Path]:
    found: list[Path] = []
    with suppress(OSError):
        for run in warden.base_dir().iterdir():
            with suppress(OSError):
                if folder in (run / "tended").read_text().splitlines() and os.path.lexists(run / LIVE):
                    found.append(run)
    return found
