"""What holds for all sessions: how many may run and do, what they have cost today, and what a new one begins with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from agent.errors import UserFault
from agent.spending import Ledger
from ui.settings.config import Values
from ui.settings.options import DEFAULT_MODEL, together
from vm.here import default_computer
from vm.slots import Slots


class Common:
    """Reads the settings anew each time, so that a changed configuration is shown. For any thread."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def limits(self) -> dict[str, Any]:
        """How many sessions may run, do and wait, and their money; what cannot be read is None."""
        try:
            shared = together(Values(argparse.Namespace()))
            slots = Slots(self._home, shared.agents).limits()
            spent = Ledger(self._home, shared.daily_cost).spent()
        except (UserFault, OSError):
            return {"agents": None, "running": None, "queued": None, "daily_cost": None, "spent_today": None}
        counts = {"agents": slots.agents, "running": slots.running, "queued": slots.queued}
        return counts | {"daily_cost": shared.daily_cost, "spent_today": round(spent, 6)}

    def defaults(self) -> dict[str, Any]:
        """What a new session begins with; `problem` says why the configuration cannot be read."""
        found: dict[str, Any] = {"model": DEFAULT_MODEL, "computer": default_computer(), "key": False}
        found["computers"] = list(_possible())
        found |= {"api": "", "dialect": "", "base_url": "", "dialects": _dialects()}
        try:
            values = Values(argparse.Namespace())
            found["model"] = values.pick("model", str, DEFAULT_MODEL)
            found["computer"] = values.pick("computer", str, found["computer"])
            for name in ("api", "dialect", "base_url"):
                found[name] = values.pick(name, str, "")
            found["key"] = bool(values.pick("api_key", str.strip, ""))
        except UserFault as fault:
            found["problem"] = str(fault)
        return found


@cache
def _dialects() -> list[dict[str, str]]:
    from agent.dialects.dialect import dialects

    return [{"name": each.name, "about": each.about} for each in dialects()]


def _possible() -> Iterator[str]:
    """Private desktops need X servers of their own, one's own screen is where a session begins by itself."""
    from vm.image.store import images

    if sys.platform.startswith("linux"):
        yield "desktop"
    if default_computer() == "here":
        yield "here"
    yield from (f"vm:{image.name}" for image in images())
