"""A private desktop for tests that are not asynchronous themselves."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import anyio

from vm import warden
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


def process_of(desktop: PrivateDesktop, words: str) -> int:
    """The process on a desktop whose command line has these words."""
    run = Path(desktop.environment["HOME"]).parent.name
    for pid in warden.marked(run):
        if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
            return pid
    raise AssertionError(f"{words} does not run")


def write_book(folder: Path) -> None:
    """`book.xlsx`, with "Rent" in its first cell."""
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "Rent"
    book.save(folder / "book.xlsx")
