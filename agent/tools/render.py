"""Looking at documents: their pages as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import anyio.to_thread

from agent.errors import ToolFault
from agent.tools.base import Arguments, Context, Reply, Room, Tool
from agent.tools.file_view import view
from agent.tools.office import office_of

WIDTH = 1000  # pixels of a page, unless asked for otherwise
_ABOUT = """\
Look at a spreadsheet, slides, text document, PDF or picture: its pages as pictures, as they would be printed. Look at \
what you have made before you say that it is finished. At most 10 pages at a time; the first 4 where `pages` is null."""


def render_tools(room: Room) -> tuple[Tool, ...]:
    """`render`."""

    async def run(arguments: Arguments, _: Context) -> Reply:
        path = room.folder.resolve(arguments["path"], there=True)
        wanted, width = _numbers(arguments.get("pages")), _width(arguments.get("width"))
        family = await anyio.to_thread.run_sync(_family, path, room.folder.name(path))
        if family == "picture":
            number = wanted[0] if wanted else 1
            picture, words = await anyio.to_thread.run_sync(view, path, room.folder.name(path), width, None, number)
            reply = Reply(words, (picture,))
        else:
            reply = await _drawn(room, path, wanted, width)
        room.folder.note(path)
        return reply

    return (
        Tool(
            "render",
            _ABOUT,
            {
                "path": {"type": "string"},
                "pages": {
                    "anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}],
                    "description": "Numbers from 1; slides count as pages.",
                },
                "width": {"type": ["integer", "null"], "description": "Of a page in pixels, 200 to 2400; null: 1000."},
            },
            run,
            in_words=_in_words,
            reads_only=True,
            touches_files=True,
        ),
    )


async def _drawn(room: Room, path: Path, wanted: Sequence[int] | None, width: int) -> Reply:
    from agent.office.pages import pages

    live = await _live(room, path)
    pictures, count = await pages(office_of(room), live or path, wanted, width=width)
    shown = wanted if wanted is not None else range(1, len(pictures) + 1)
    told = ", ".join(str(number) for number in shown)
    unsaved = " As it stands in LibreOffice, with what is not saved." if live else ""
    return Reply(f"{room.folder.name(path)}: {count} page{'s' * (count != 1)}; here: {told}.{unsaved}", tuple(pictures))


async def _live(room: Room, path: Path) -> Path | None:
    """A PDF of an open document that has unsaved changes."""
    if room.live is None:
        return None
    from agent.office.live import pdf_live

    return await pdf_live(room, path)


def _family(path: Path, name: str) -> str:
    from agent.office.formats import FAMILY, examine

    if (family := FAMILY[examine(path, name)]) == "unknown":
        raise ToolFault(f"{name} is no kind of file that can be drawn.")
    return family


def _numbers(raw: object) -> list[int] | None:
    if raw is None:
        return None
    numbers = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    if not numbers or not all(isinstance(number, int) for number in numbers):
        raise ToolFault("pages must be a list of whole numbers from 1, or null.")
    return list(dict.fromkeys(cast("list[int]", numbers)))


def _width(raw: object) -> int:
    if raw is None:
        return WIDTH
    if not isinstance(raw, int) or not 200 <= raw <= 2400:
        raise ToolFault("width must be a whole number from 200 to 2400, or null.")
    return raw


def _in_words(arguments: Arguments) -> str:
    pages = arguments.get("pages")
    which = f", pages {', '.join(map(str, cast('list[Any]', pages)))}" if isinstance(pages, list) and pages else ""
    return f"look at {arguments.get('path')}{which}"
