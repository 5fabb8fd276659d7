"""Programs of tools, beside the agent's computer: whichever way this system has for them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agent.tools.ports import Programs


class BesidePrograms(Programs, Protocol):
    """The programs of a session."""

    async def aclose(self) -> None:
        """End every program, and remove what was theirs. May be called twice."""
        ...


async def open_programs(workspace: Path, *, network: bool, say: Callable[[str], object]) -> BesidePrograms:
    """Programs of a session; nothing is started yet.

    Args:
        workspace: the task's folder.
        network: whether commands reach other machines; only a sandbox can keep them from it.
        say: told where there is no sandbox.
    """
    if sys.platform == "linux":
        from vm.beside_sandbox import SandboxedPrograms

        return SandboxedPrograms(workspace, network=network, say=say)
    from vm.beside_plain import PlainPrograms

    return PlainPrograms(workspace)
