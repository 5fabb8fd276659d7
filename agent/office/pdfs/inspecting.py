"""`inspect` for PDFs."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.errors import ToolFault
from agent.office.cutting import LONGEST
from agent.office.pdfs.apart import ask
from agent.tools.base import Reply, Room

_FIRST = 6_000  # characters of the first page's text in the overview
_MOST_PAGES = 50  # of one call
_AT_ONCE = 10  # pages that are read by one program
_SECONDS = 60.0


async def inspect(room: Room, path: Path, kind: str, part: str | None, detail: str | None) -> str | Reply:
    """What is in a PDF: the overview with the first page's text, `part` "form", or the text of pages "2-5".

    Raises:
        ToolFault: it cannot be read, or has no such part.
    """
    name = room.folder.name(path)
    asked = {"path": str(path), "name": name}
    if part is None:
        lines = await ask(room, {"do": "overview", **asked})
        return _cut("\n".join([*lines, "text of page 1:", (await _text(room, path, name, 1, 1))[0][:_FIRST]]))
    if part.strip().lower() == "form":
        return _cut("\n".join(await ask(room, {"do": "form", **asked})))
    numbers: list[int] = await ask(room, {"do": "numbers", "pages": part, **asked})
    return await _pages(room, path, name, numbers)


async def _pages(room: Room, path: Path, name: str, numbers: list[int]) -> str:
    told: list[str] = []
    left = LONGEST
    for at in range(0, len(numbers), _AT_ONCE):
        if at >= _MOST_PAGES or left <= 0:
            return "\n".join([*told, f"… cut here; go on with pages {numbers[at]}-"])
        some = numbers[at : at + _AT_ONCE]
        texts = await _text(room, path, name, min(some), max(some)) if max(some) - min(some) < 2 * _AT_ONCE else None
        for number in some:
            text = texts[number - min(some)] if texts else (await _text(room, path, name, number, number))[0]
            if left <= 0:
                return "\n".join([*told, f"… cut here; go on with pages {number}-"])
            told.append(f"--- page {number} ---\n{text[:left]}")
            left -= len(text) + 20
    return "\n".join(told)


async def _text(room: Room, path: Path, name: str, first: int, last: int) -> list[str]:
    """The text of pages, laid out as on them."""
    if shutil.which("pdftotext") is None:
        raise ToolFault("pdftotext is not installed here; ask the user to install it (package poppler-utils).")
    argv = ("pdftotext", "-f", str(first), "-l", str(last), "-layout", "-enc", "UTF-8", str(path), "-")
    finished = await room.programs.run(argv, seconds=_SECONDS, readable=(path,))
    if finished.status is None:
        raise ToolFault(f"Reading the text of {name} took more than {_SECONDS:.0f} s and was given up.")
    if finished.status:
        why = finished.error.decode("utf-8", "replace").strip().splitlines()
        raise ToolFault(f"The text of {name} cannot be read: {why[-1][:200] if why else 'no reason was given'}.")
    pages = finished.output.decode("utf-8", "replace").split("\f")[: last - first + 1]
    pages += [""] * (last - first + 1 - len(pages))
    return [_tidy(page) or "(no text; if it is a picture, look at it with `render`)" for page in pages]


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1]))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… cut here"
