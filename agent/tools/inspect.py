"""Reading documents: what is in a file, as compact text with addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import anyio.to_thread

from agent.errors import ToolFault
from agent.tools.base import Arguments, Context, Reply, Room, Tool, text_of

_MODULES = {
    "spreadsheet": "agent.office.spreadsheets.inspecting",
    "slides": "agent.office.slides.inspecting",
    "document": "agent.office.documents.inspecting",
    "pdf": "agent.office.pdfs.inspecting",
}
_ABOUT = """\
Read a spreadsheet, slides, text document or PDF as compact text with addresses; nothing is changed. Without `part` \
you get the overview, which says which parts there are. Use the same addresses to edit. To see how it looks: `render`.
part: workbooks: a sheet ("Costs"), a range ("Costs!A1:F40"; "A1:F40" is of the first sheet), a table, a defined name; \
slides: "3" or "2-5"; text documents: paragraphs "10-40", "comments", "styles"; PDFs: pages "3-5", "form".
detail: workbooks: "values" (the usual), "formulas" (beside the values) or "styles"; others as the overview says."""


class _Inspect(Protocol):
    def __call__(
        self, room: Room, path: Path, kind: Any, part: str | None, detail: str | None
    ) -> Awaitable[str | Reply]: ...


Inspect: TypeAlias = Callable[[Room, Path, Any, str | None, str | None], Awaitable[str | Reply]]


def inspect_tools(room: Room) -> tuple[Tool, ...]:
    """`inspect`."""

    async def run(arguments: Arguments, _: Context) -> str | Reply:
        path = room.folder.resolve(arguments["path"], there=True)
        live = await _live(room, path)
        kind, family = await anyio.to_thread.run_sync(_examine, live or path, room.folder.name(path))
        if family not in _MODULES:
            raise _not_here(room.folder.name(path), family)
        inspect = cast("_Inspect", import_module(_MODULES[family]).inspect)
        reply = await inspect(room, live or path, kind, _given(arguments, "part"), _given(arguments, "detail"))
        room.folder.note(path)
        return reply if live is None else _as_open(reply, live, room.folder.name(path))

    return (
        Tool(
            "inspect",
            _ABOUT,
            {
                "path": {"type": "string"},
                "part": {"type": ["string", "null"], "description": "Null for the overview."},
                "detail": {"type": ["string", "null"], "description": "Null for the usual."},
            },
            run,
            in_words=lambda arguments: f"read {arguments.get('path')}",
            reads_only=True,
            touches_files=True,
        ),
    )


async def _live(room: Room, path: Path) -> Path | None:
    """The document as it stands where it is open, as a file of its own; None where the file itself is to be read."""
    if room.live is None:
        return None
    from agent.office.live import inspect_live

    return await inspect_live(room, path)


def _as_open(reply: str | Reply, live: Path, name: str) -> str | Reply:
    if isinstance(reply, Reply):
        return replace(reply, text=str(_as_open(reply.text, live, name)))
    text = reply.replace(str(live), name)
    return f"{name} is open in LibreOffice; this is as it stands there, unsaved changes too.\n{text}"


def _examine(path: Path, name: str) -> tuple[str, str]:
    from agent.office.formats import FAMILY, examine

    kind = examine(path, name)
    return kind, FAMILY[kind]


def _given(arguments: Arguments, name: str) -> str | None:
    value = arguments.get(name)
    return None if value is None or value == "" else text_of(value, name, 1_000)


def _not_here(name: str, family: str) -> ToolFault:
    if family == "picture":
        return ToolFault(f"{name} is a picture; look at it with `render`.")
    if family == "text":
        return ToolFault(f"{name} is plain text; read it with the file tools.")
    return ToolFault(f"{name} is no kind of file that is known here. The shell's `file` may say more.")
