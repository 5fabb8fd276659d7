"""A private desktop for tests that are not asynchronous themselves."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio

from vm.desktop import PrivateDesktop, open_desktop

FORM = f"/usr/bin/python3 {Path(__file__).with_name('form.py')}"


@contextmanager
def desk(workspace: Path, *targets: str, size: tuple[int, int] = (1280, 800)) -> Generator[PrivateDesktop]:
    """A desktop on which the targets have been opened, one after the other."""
    desktop = anyio.run(lambda: open_desktop(size, workspace=workspace))
    try:
        for target in targets:
            anyio.run(desktop.open, target)
        yield desktop
    finally:
        anyio.run(desktop.aclose)
