"""Documents that are open in LibreOffice on the agent's computer: read and edited there, with what is not saved yet.

An edit is one step that Ctrl+Z takes back, all of it or nothing, and the screen shows it. It is saved if nothing in the
document was unsaved before; else that is left to whoever has unsaved changes there. A file that is open is never
written underneath, and never loaded again over unsaved work.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from agent.errors import ToolFault
from agent.office.live_requests import by_number, check, requests, same_blocks
from agent.office.live_shapes import placed_shapes
from agent.office.locks import is_stale, read_lock, refuse_if_open
from agent.tools.base import Room
from agent.tools.strict import Part

__all__ = ["edit_live", "inspect_live", "pdf_live", "refuse_if_open"]

EDIT_SECONDS = 60.0
SNAPSHOT_SECONDS = 90.0
OPENING_SECONDS = 8.0  # until a document that is being opened can be asked for
POLL_SECONDS = 0.2
MOST_ERRORS = 20  # that are told
_SUFFIX = {"spreadsheet": "xlsx", "slides": "pptx", "document": "docx"}


async def edit_live(
    room: Room, path: Path, operations: Sequence[Part], *, author: str | None = None, save: bool | None = None
) -> str | None:
    """Carry operations out on a document where it is open.

    Args:
        author: whose tracked changes they are, in a text document; None to track nothing more than it does by itself.
        save: whether to save it then; None: if it had no unsaved changes before.

    Returns:
        What was done; None where it is not open, so that the file itself can be edited.

    Raises:
        ToolFault: nothing was done: it cannot be done live, or it is open where it cannot be asked.
    """
    if (found := await _open(room, path)) is None:
        refuse_if_open(room.folder, path)
        return None
    name = room.folder.name(path)
    check(operations, found["kind"], name)
    if found["readonly"]:
        raise ToolFault(f"{name} is open in LibreOffice for reading only. Nothing was changed. Work on a copy.")
    asked = await _asked(room, path, found["kind"], operations)
    request: dict[str, Any] = {"do": "edit", "path": str(path), "operations": asked}
    request["save"] = "auto" if save is None else "always" if save else "never"
    if author is not None:
        request["track"] = {"author": author}
    told = await _live(room, request, EDIT_SECONDS)
    if told["saved"]:
        room.folder.note(path)
    return _reply(name, told)


async def _asked(room: Room, path: Path, kind: str, operations: Sequence[Part]) -> list[dict[str, Any]]:
    async def texts(where: dict[str, Any]) -> list[list[str]]:
        return (await _live(room, {"do": "texts", "path": str(path), **where}, EDIT_SECONDS))["columns"]

    asked = await requests(room, operations, texts)
    if kind == "document" and by_number(operations):
        blocks = (await _live(room, {"do": "blocks", "path": str(path)}, EDIT_SECONDS))["blocks"]
        await same_blocks(await _snapshot(room, path, "docx"), blocks, room.folder.name(path))
    if kind == "slides":
        return await placed_shapes(asked, lambda: _snapshot(room, path, "pptx"), room.folder.name(path))
    return asked


def _reply(name: str, told: dict[str, Any]) -> str:
    lines = [f"{name} is open in LibreOffice and was edited there; {_undo(told)}."]
    lines += [f"{number}. {text}" for number, text in enumerate(told["done"], 1)]
    if errors := told["errors"]:
        more = f" and {len(errors) - MOST_ERRORS} more" if len(errors) > MOST_ERRORS else ""
        lines.append(f"Cells with errors: {', '.join(errors[:MOST_ERRORS])}{more}.")
    if told["saved"]:
        lines.append("It was saved.")
    else:
        before = "It had unsaved changes before, so it" if told["modified_before"] else "It"
        lines.append(f"{before} was not saved: the file on disk is as it was. Ctrl+S there saves all of it.")
    return "\n".join(lines)


def _undo(told: dict[str, Any]) -> str:
    if not told["undoable"]:
        return "Ctrl+Z does not take that back"
    but = f", but not {' and '.join(told['lasting'])}" if told["lasting"] else ""
    return f"Ctrl+Z takes all of it back in one step{but}"


async def inspect_live(room: Room, path: Path) -> Path | None:
    """The live state of an open document, unsaved changes too, as a file of its own (.xlsx, .pptx or .docx).

    Slides and text documents are always read in this way while they are open, so that the numbers of their parts are
    those that `edit_live` goes by.

    Returns:
        A file in the session's scratch folder; None where it is not open, or is a workbook with nothing unsaved.

    Raises:
        ToolFault: it is open and cannot be read just now.
    """
    if (found := await _open(room, path)) is None or found["kind"] not in _SUFFIX:
        return None
    if found["kind"] == "spreadsheet" and not found["modified"]:
        return None
    return await _snapshot(room, path, _SUFFIX[found["kind"]])


async def pdf_live(room: Room, path: Path) -> Path | None:
    """A PDF of an open document as it stands; None where it is not open, or has nothing unsaved. Raises ToolFault."""
    if (found := await _open(room, path)) is None or not found["modified"] or found["kind"] not in _SUFFIX:
        return None
    return await _snapshot(room, path, "pdf")


async def _snapshot(room: Room, path: Path, kind: str) -> Path:
    from agent.tools.office import office_of

    told = await _live(room, {"do": "snapshot", "path": str(path), "as": kind}, SNAPSHOT_SECONDS)
    stem = re.sub(r"[^\w.-]", "_", path.stem)[:60]
    target = office_of(room).place() / f"{stem}.{kind}"
    data = base64.b64decode(told["data"])
    await anyio.to_thread.run_sync(target.write_bytes, data)
    return target


async def _live(room: Room, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    if room.live is None:
        raise ToolFault("There is no way to the documents that are open on the agent's computer.")
    try:
        return await room.live.ask(request, seconds)
    except LookupError:
        raise ToolFault(
            f"{room.folder.name(Path(request['path']))} was closed in LibreOffice meanwhile. Nothing was changed."
        ) from None


async def _open(room: Room, path: Path) -> dict[str, Any] | None:
    """What is known of a document if it is open where it can be asked; one that is being opened is waited for."""
    if room.live is None:
        return None
    with anyio.move_on_after(OPENING_SECONDS):
        while True:
            if (found := await _listed(room, path)) is not None:
                return found
            lock = read_lock(path)
            if lock is None or is_stale(lock) or not await _ours(room):
                return None
            await anyio.sleep(POLL_SECONDS)
    return None


async def _listed(room: Room, path: Path) -> dict[str, Any] | None:
    assert room.live is not None
    try:
        documents = (await room.live.ask({"do": "list"}, 15.0))["documents"]
    except LookupError:
        return None
    return next((one for one in documents if one["path"] and _same(one["path"], path)), None)


def _same(one: str, other: Path) -> bool:
    return Path(one).resolve() == other.resolve()


async def _ours(room: Room) -> bool:
    """Whether a LibreOffice runs there at all, so that a lock may be of a document that it is loading."""
    assert room.live is not None
    try:
        await room.live.ask({"do": "list"}, 15.0)
    except LookupError:
        return False
    return True
