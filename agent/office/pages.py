"""Pages of documents as pictures to look at."""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.libreoffice import Office
from agent.tools.base import Picture
from agent.tools.ports import Finished

MOST_PICTURES: Final = 10  # of one call
NARROWEST, WIDEST = 200, 2400  # pixels
TALLEST = 3  # times its width; a page that is taller is made narrower
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Paper:
    count: int
    width: float
    height: float


async def pages(
    office: Office, source: Path, numbers: Sequence[int] | None, *, width: int
) -> tuple[list[Picture], int]:
    """Pages of a document or a PDF as PNGs, and how many pages there are.

    Args:
        numbers: from 1; None for the first ones. At most `MOST_PICTURES`.
        width: of the pictures, in pixels.

    Raises:
        ToolFault: it cannot be read or drawn, or there is no such page.
    """
    pdf = source if source.suffix.lower() == ".pdf" else await office.pdf(source, hidden=True)
    paper = await _paper(office, pdf, source.name)
    wanted = list(dict.fromkeys(numbers)) if numbers is not None else [*range(1, min(4, paper.count) + 1)]
    if wrong := [number for number in wanted if not 1 <= number <= paper.count]:
        raise ToolFault(f"{source.name} has {paper.count} pages; there is no page {wrong[0]}.")
    if len(wanted) > MOST_PICTURES:
        raise ToolFault(f"At most {MOST_PICTURES} pages at a time can be looked at; you asked for {len(wanted)}.")
    return [await _picture(office, pdf, number, _width(paper, width)) for number in wanted], paper.count


def _width(paper: _Paper, width: int) -> int:
    wide = max(NARROWEST, min(WIDEST, width))
    return wide if paper.height <= TALLEST * paper.width else max(1, int(wide * TALLEST * paper.width / paper.height))


async def _paper(office: Office, pdf: Path, name: str) -> _Paper:
    finished = await _run(office, pdf, "pdfinfo", str(pdf))
    text = finished.output.decode("utf-8", "replace")
    count = re.search(r"^Pages:\s+(\d+)", text, re.MULTILINE)
    size = re.search(r"^Page size:\s+([\d.]+) x ([\d.]+)", text, re.MULTILINE)
    if finished.status != 0 or count is None:
        raise _unreadable(finished, name)
    return _Paper(int(count[1]), float(size[1]) if size else 595, float(size[2]) if size else 842)


async def _picture(office: Office, pdf: Path, number: int, width: int) -> Picture:
    place = office.place()
    try:
        finished = await _run(
            office, pdf, "pdftoppm", "-png", "-singlefile", "-f", str(number), "-l", str(number),
            "-scale-to-x", str(width), "-scale-to-y", "-1", str(pdf), str(place / "page"), writable=(place,),
        )  # fmt: skip
        made = place / "page.png"
        if finished.status != 0 or not made.exists():
            raise _unreadable(finished, pdf.name)
        data = await anyio.to_thread.run_sync(made.read_bytes)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    high = struct.unpack(">II", data[16:24])
    return Picture(data, *high)


async def _run(office: Office, pdf: Path, *argv: str, writable: Sequence[Path] = ()) -> Finished:
    if shutil.which(argv[0]) is None:
        raise ToolFault(f"{argv[0]} is not installed here; ask the user to install it (package poppler-utils).")
    return await office.room.programs.run(
        argv, cwd=office.scratch, seconds=SECONDS, readable=(pdf,), writable=writable, workspace=False
    )


def _unreadable(finished: Finished, name: str) -> ToolFault:
    said = finished.error.decode("utf-8", "replace")
    if "password" in said.lower():
        return ToolFault(f"{name} is protected with a password. Ask the user for a copy without one.")
    if finished.status is None:
        return ToolFault(f"Drawing {name} took more than {SECONDS:.0f} s and was ended.")
    lines = said.strip().splitlines()
    return ToolFault(f"{name} cannot be drawn: {lines[-1][:200] if lines else 'no reason was given'}.")
