"""What tools need from the place they work beside: programs to run, and documents that are open on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

OUTPUT_BYTES = 1_000_000  # of a program's output, and of its errors, that are kept


Asks: TypeAlias = Literal["", "input", "keys", "password"]
"""For a line, for single keys as editors do, for a line that is not shown; "": it does not wait, or cannot be told."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended.

    Attributes:
        status: its exit status, -N for signal N; None where its time was over and it was ended.
        output, error: at most `OUTPUT_BYTES` each, the beginning and the end of what there was.
    """

    status: int | None
    output: bytes
    error: bytes


class Terminal(Protocol):
    """A program at a terminal of its own. Safe from any thread; no call but `close` blocks."""

    def fileno(self) -> int:
        """Readable when there is output, and at the end."""
        ...

    def read(self) -> bytes:
        """What it has written since; b"" where there is nothing now."""
        ...

    def write(self, data: bytes) -> int:
        """Type into it: how many bytes it took; it may take none while nobody reads them.

        Raises:
            OSError: it has ended.
        """
        ...

    def signal(self, number: int) -> None:
        """To all that it has started, whether or not they went away from it."""
        ...

    def status(self) -> int | None:
        """Exit status, -N for signal N; None while it runs, or while something that it has printed is on its way."""
        ...

    def asks(self) -> Asks:
        """Whether it waits for somebody to type, as far as the system tells."""
        ...

    def left_running(self) -> bool:
        """Whether something that it has started runs, itself included."""
        ...

    def close(self) -> None:
        """End it and all that it has started: ask first, force after half a second. May be called twice."""
        ...


class Programs(Protocol):
    """Runs the programs of tools, on this machine. Nothing that was started outlives the session, however that ends."""

    @property
    def confined(self) -> str:
        """ "" where programs run in a sandbox that shows them the task's folder and the system; else why not."""
        ...

    @property
    def network(self) -> bool:
        """Whether they reach other machines."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        input: bytes = b"",  # noqa: A002 (its name everywhere)
        seconds: float = 120.0,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        workspace: bool = True,
    ) -> Finished:
        """Run one program to its end, without a network. Cancelling this ends it.

        Args:
            cwd: None for the task's folder.
            environment: added to a plain one.
            writable, readable: folders and files that it sees besides.
            workspace: whether it sees, and may change, the task's folder.

        Raises:
            ToolFault: it cannot be started; says what to install.
        """
        ...

    async def terminal(self, command: str, *, cwd: Path, columns: int = 160, rows: int = 48) -> Terminal:
        """Start a shell command at a terminal of its own, with the network that the user allows.

        Raises:
            ToolFault: it cannot be started.
        """
        ...


class LiveOffice(Protocol):
    """LibreOffice, as it runs on the agent's computer with documents open."""

    async def ask(self, request: Mapping[str, Any], seconds: float = 30.0) -> dict[str, Any]:
        """Send one request to the LibreOffice there, and give its answer; `agent/office/live.py` knows both.

        Raises:
            ToolFault: it does not answer, or says why it cannot be done.
            LookupError: there is no LibreOffice with an open document, or none that can be asked.
        """
        ...


class Files(Protocol):
    """The task's folder where the computer is another machine: the same files in two places."""

    async def sync(self) -> None:
        """Bring what was changed there here, and what was changed here there; at once where it is one folder."""
        ...
