"""The way of a change to slides or text documents: looked at, read, changed, and written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.formats import FAMILY, MACROS, Kind, examine
from agent.office.libreoffice import Office
from agent.office.live import edit_live
from agent.office.materials import Materials, as_modern, gather
from agent.office.opc import Difference
from agent.office.package import Package
from agent.tools.base import Room
from agent.tools.strict import Part

LONGEST = 20_000  # characters of a reply
_NEW = {
    "slides": ("pptx", "pptm", "potx", "odp", "ppt"),
    "document": ("docx", "docm", "dotx", "odt", "doc", "rtf"),
}
_OLD = ("odp", "ppt", "odt", "doc", "rtf", "otp", "ott")
_TEMPLATES = ("potx", "otp", "dotx", "dotm", "ott")


@dataclass(frozen=True)
class Edited:
    """What was done: a line for each operation, what the model should know besides, and what has changed.

    Attributes:
        lost: what would be lost that nobody asked for; nothing is saved before that was accepted.
        probe: writes a copy that is to be laid out as a PDF first; then `finish` gives what is to be saved.
    """

    done: Sequence[str]
    notes: Sequence[str]
    difference: Difference
    lost: Sequence[str] = ()
    probe: Callable[[Path], None] | None = None
    finish: Callable[[Path], Edited] | None = None


@dataclass(frozen=True)
class Trade:
    """What makes one family of documents.

    Attributes:
        suffix: of the kind that is edited.
        blank: writes an empty one to begin with.
        edit: carries operations out on a package; `begin` is "", "deck" (a document) or "template".
        author: of tracked changes.
    """

    family: Literal["slides", "document"]
    suffix: str
    blank: Callable[[Path], None]
    edit: Callable[[Package, Path, Sequence[Part], Materials, str], Edited]
    author: str | None = None


@dataclass(frozen=True)
class _Base:
    """The package that a change begins with."""

    path: Path
    begin: str
    kind: str  # of what is written in the end
    stamp: tuple[int, int] | None  # of the file that is changed, when it was read


async def change(
    room: Room,
    office: Office,
    trade: Trade,
    path_text: str,
    source: str | None,
    operations: Sequence[Part],
    accept: bool,
) -> str:
    """Carry operations out on a file, or on a new one.

    Raises:
        ToolFault: why nothing was done.
    """
    path = room.folder.resolve(path_text)
    name = room.folder.name(path)
    if path.exists():
        if not operations:
            raise ToolFault("operations is empty. Nothing was done.")
        if source is not None:
            raise ToolFault(f"{name} exists already. Leave source out to edit it, or name a new file.")
        if (live := await edit_live(room, path, operations, author=trade.author)) is not None:
            return live
        room.folder.check(path)
    try:
        return await _changed(room, office, trade, path, source, operations, accept)
    except (OSError, RecursionError) as error:
        raise ToolFault(f"{name} could not be worked on: {error}. Nothing was changed.") from error


async def _changed(
    room: Room, office: Office, trade: Trade, path: Path, source: str | None, operations: Sequence[Part], accept: bool
) -> str:
    name = room.folder.name(path)
    base = await _base(room, office, trade, path, name, source)
    materials = await gather(room, office, operations)
    edited = await _write(room, office, trade, path, name, base, operations, materials, accept=accept)
    return _told(name, base, edited, new=bool(base.begin))


async def _base(room: Room, office: Office, trade: Trade, path: Path, name: str, source: str | None) -> _Base:
    if path.exists():  # noqa: ASYNC240 (at once)
        stamp = _stamp(path)
        kind = await anyio.to_thread.run_sync(_kind, trade, path, name)
        return _Base(await as_modern(office, path, kind, trade.suffix), "", kind, stamp)
    wanted = path.suffix[1:].lower()
    if wanted not in _NEW[trade.family]:
        raise ToolFault(f"{name} cannot be made; the name must end with .{', .'.join(_NEW[trade.family])}.")
    if source is None:
        if wanted in MACROS:
            raise ToolFault(f"{name} would be a file with macros, which cannot be made here. Name it .{trade.suffix}.")
        blank = office.place() / f"blank.{trade.suffix}"
        await anyio.to_thread.run_sync(trade.blank, blank)
        return _Base(blank, "document", wanted, None)
    from_path = room.folder.resolve(source, there=True)
    kind = await anyio.to_thread.run_sync(_kind, trade, from_path, room.folder.name(from_path))
    room.folder.note(from_path)
    if (kind in MACROS) != (wanted in MACROS):
        right = trade.suffix if wanted in MACROS else f"{trade.suffix[:-1]}m"
        raise ToolFault(f"{source} {'has' if kind in MACROS else 'has no'} macros; name the new file .{right}.")
    begin = "template" if kind in _TEMPLATES else "document"
    return _Base(await as_modern(office, from_path, kind, trade.suffix), begin, wanted, None)


def _kind(trade: Trade, path: Path, name: str) -> Kind:
    kind = examine(path, name)
    if FAMILY[kind] != trade.family:
        what = "presentation" if trade.family == "slides" else "text document"
        raise ToolFault(f"{name} is no {what}; it is {kind}. Nothing was changed.")
    return kind


async def _write(
    room: Room,
    office: Office,
    trade: Trade,
    path: Path,
    name: str,
    base: _Base,
    operations: Sequence[Part],
    materials: Materials,
    *,
    accept: bool,
) -> Edited:
    with Package.open(base.path, name) as package:
        edited = await anyio.to_thread.run_sync(trade.edit, package, base.path, operations, materials, base.begin)
        if edited.lost and not accept:
            raise ToolFault(
                f"This would lose {'; '.join(dict.fromkeys(edited.lost))}. Nothing was changed. "
                "Give accept_loss: true if that is all right."
            )
        if edited.probe and edited.finish:
            copy = office.place() / f"probe.{trade.suffix}"
            await anyio.to_thread.run_sync(edited.probe, copy)
            edited = await anyio.to_thread.run_sync(edited.finish, await office.pdf(copy))
        if base.kind not in _OLD:
            _check_same(path, name, base)
            await anyio.to_thread.run_sync(_save, room, package, edited.difference, path)
            return edited
        made, back = office.place() / f"edited.{trade.suffix}", office.place() / f"back{path.suffix}"
        await anyio.to_thread.run_sync(package.save, made, edited.difference.replaced, edited.difference.dropped)
    await office.convert(made, back)
    _check_same(path, name, base)
    await anyio.to_thread.run_sync(_put, room, back, path)
    return edited


def _stamp(path: Path) -> tuple[int, int] | None:
    """None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _check_same(path: Path, name: str, base: _Base) -> None:
    """Nobody may have written the file while it was worked on. Raises ToolFault."""
    if _stamp(path) != base.stamp:
        raise ToolFault(f"{name} was changed by somebody else meanwhile. Nothing was written; look again first.")


def _save(room: Room, package: Package, difference: Difference, path: Path) -> None:
    with room.folder.saving(path) as scratch:
        package.save(scratch, difference.replaced, difference.dropped)


def _put(room: Room, made: Path, path: Path) -> None:
    with room.folder.saving(path) as scratch:
        shutil.copyfile(made, scratch)


def _told(name: str, base: _Base, edited: Any, *, new: bool) -> str:
    head = f"{name} {'made' if new else 'changed'}:"
    lines = [head, *edited.done, *(f"! {note}" for note in dict.fromkeys(edited.notes))]
    if base.kind in _OLD:
        lines.append(f"! LibreOffice converted it to be edited and back to .{base.kind}; look at it with `render`.")
    if base.kind in MACROS:
        lines.append("! Its macros are kept and were not run.")
    text = "\n".join(lines)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… ({len(text) - LONGEST} characters left out)"
