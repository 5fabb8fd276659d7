"""Changing PDFs: forms, pages, metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.office.schemas import definitions, parameters
from agent.tools.base import Arguments, Context, Room, Tool
from agent.tools.office import edit_in_words

if TYPE_CHECKING:
    from pathlib import Path

    from agent.office.pdfs.operations import EditPdf

_ABOUT = """\
Make or change a PDF: fill its form, add, take out, order and turn pages, write on them, set metadata. All operations \
are carried out in their order, or none. To make a PDF of a document, give it as the source, or add its pages. \
`inspect` tells the fields (part "form"); look at the result with `render`."""


def pdf_tools(room: Room) -> tuple[Tool, ...]:
    """`pdf`."""

    async def run(arguments: Arguments, _: Context) -> str:
        from agent.office.pdfs.operations import EditPdf
        from agent.tools.strict import parsed

        return await _edited(room, parsed(EditPdf, arguments))

    return (
        Tool(
            "pdf",
            _ABOUT,
            parameters("pdf"),
            run,
            definitions=definitions("pdf"),
            in_words=edit_in_words,
            touches_files=True,
        ),
    )


async def _edited(room: Room, told: EditPdf) -> str:
    from agent.errors import ToolFault
    from agent.office.pdfs.apart import ask

    path = room.folder.resolve(told.path)
    name = room.folder.name(path)
    base = await _base(room, told, path, name)
    added = {each.path: await _as_pdf(room, each.path) for each in told.operations if each.do == "add_pages"}
    room.folder.check(path)
    others = tuple(each for each in (base, *added.values()) if each and not each.is_relative_to(room.folder.path))
    with room.folder.saving(path) as scratch:
        request = {"do": "change", "name": name, "base": str(base) if base else None, "target": str(scratch)}
        request |= {"edit": told.model_dump(), "added": {given: str(each) for given, each in added.items()}}
        lines = await ask(room, request, readable=others)
        if not scratch.exists():
            raise ToolFault(f"{name} could not be written. Nothing was changed.")
    sources = [told.source] if told.source and base else []
    return "\n".join([*lines, *(note for each in (*sources, *added) if (note := _left_out(room, each)))])


def _left_out(room: Room, text: str) -> str:
    """What a PDF of a presentation does not hold."""
    from agent.office.package import Package

    path = room.folder.resolve(text, there=True)
    if path.suffix.lower() not in (".pptx", ".pptm", ".ppsx", ".potx"):
        return ""
    with Package.open(path, text) as package:
        slides = [each for each in package.names if re.fullmatch(r"ppt/slides/slide\d+\.xml", each)]
        hidden = sum(1 for each in slides if re.search(rb"<p:sld\b[^>]*\sshow=.(0|false)", package.read(each)))
    return f"! {hidden} hidden slide{'s' if hidden > 1 else ''} of {text} left out" if hidden else ""


async def _base(room: Room, told: EditPdf, path: Path, name: str) -> Path | None:
    """What the change begins with. Raises ToolFault."""
    from anyio import to_thread

    from agent.errors import ToolFault
    from agent.office.formats import examine

    if path.suffix.lower() != ".pdf":
        raise ToolFault(f"{name} is no name of a PDF; it must end with .pdf. Nothing was done.")
    if not path.exists():  # noqa: ASYNC240 (at once)
        return await _as_pdf(room, told.source) if told.source else None
    if told.source is not None:
        raise ToolFault(f"{name} exists already. Leave source out to edit it, or name a new file.")
    await to_thread.run_sync(examine, path, name)
    return path


async def _as_pdf(room: Room, text: str) -> Path:
    """A PDF of a file: itself, or what LibreOffice makes of it."""
    from anyio import to_thread

    from agent.errors import ToolFault
    from agent.office.formats import FAMILY, examine
    from agent.tools.office import office_of

    path = room.folder.resolve(text, there=True)
    kind = await to_thread.run_sync(examine, path, room.folder.name(path))
    room.folder.note(path)
    if kind == "pdf":
        return path
    if FAMILY[kind] not in ("spreadsheet", "slides", "document", "picture", "text"):
        raise ToolFault(f"{room.folder.name(path)} cannot be turned into a PDF. Nothing was done.")
    return await office_of(room).pdf(path)
