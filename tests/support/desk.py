"""A private desktop for tests that are not asynchronous themselves."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import anyio

from vm.desktop import PrivateDesktop, open_desktop

SUPPORT = Path(__file__).parent
FORM = f"/usr/bin/python3 {SUPPORT / 'form.py'}"


@contextmanager
def desk(
    workspace: Path, *targets: str, size: tuple[int, int] = (1280, 800), shared: Iterable[Path] = (SUPPORT,)
) -> Generator[PrivateDesktop]:
    """A desktop on which the targets have been opened, one after the other."""
    desktop = anyio.run(lambda: open_desktop(size, workspace=workspace, opens=targets, shared=shared))
    try:
        for target in targets:
            anyio.run(desktop.open, target)
        yield desktop
    finally:
        anyio.run(desktop.aclose)
