"""Programs for tests of tools: `agent.tools.ports.Programs` without a sandbox, and with terminals that are real."""

from __future__ import annotations

from pathlib import Path

from vm import beside_plain


class PlainPrograms(beside_plain.PlainPrograms):
    """Programs of this machine, as they are, that say of themselves that they are confined."""

    def __init__(self, workspace: Path, *, confined: str = "", network: bool = False, pipes: bool = False) -> None:
        super().__init__(workspace, confined=confined, network=network, pipes=pipes)
