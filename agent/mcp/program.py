"""How a server's program is started: decided by the composition root, as `agent/` knows no place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias


class Program(Protocol):
    """A program that runs, with pipes to it. Safe from any thread; but for `close`, no call blocks for long."""

    @property
    def input(self) -> int:
        """Descriptor to write to; whoever has the program closes the three of them."""
        ...

    @property
    def output(self) -> int:
        """Descriptor to read its standard output from."""
        ...

    @property
    def errors(self) -> int:
        """Descriptor to read its standard error from."""
        ...

    def status(self) -> int | None:
        """Exit status, -N for signal N; None while it runs."""
        ...

    def close(self) -> None:
        """End it, and all that it has started; takes up to some seconds. May be called twice."""
        ...


Start: TypeAlias = Callable[[Sequence[str], Mapping[str, str], Path], Program]
"""Starts a program with exactly this environment in this folder, so that it cannot outlive this process. Blocks for
some 0.1 s. Raises OSError."""
