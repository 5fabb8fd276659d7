"""Mail merge: one document for each row of a table, as files or as PDFs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from agent.errors import ToolFault
from agent.office import opc
from agent.office.documents import filling
from agent.office.documents.draft import open_draft
from agent.office.documents.operations import MailMerge
from agent.office.formats import FAMILY, examine
from agent.office.grids import Grid, read_grid
from agent.office.libreoffice import Office
from agent.office.materials import as_modern
from agent.office.package import Package
from agent.office.slides.texts import clean
from agent.office.xml import Element
from agent.tools.base import Room

MOST_ROWS = 10_000
_AT_ONCE = 40  # letters that LibreOffice converts with one start
_TOLD = 5  # names of files that are told


@dataclass(frozen=True)
class _Letter:
    """One document to be made: where, and the values of its fields by key."""

    path: Path
    values: dict[str, str]


class _Going:
    """What is still under way, for those who ask meanwhile."""

    def __init__(self, room: Room) -> None:
        self.done = self.of = 0
        room.news.watch(self._words)

    def _words(self) -> str:
        return f"mail merge: {self.done} of {self.of} documents made" if self.done < self.of else ""


async def mail_merge(room: Room, office: Office, path_text: str, operation: MailMerge, *, replace: bool) -> str:
    """Make the documents.

    Args:
        replace: files of these names that exist are written over.

    Raises:
        ToolFault: why it could not be done, and how many were made before.
    """
    path = room.folder.resolve(path_text, there=True)
    name = room.folder.name(path)
    kind = await anyio.to_thread.run_sync(examine, path, name)
    if FAMILY[kind] != "document":
        raise ToolFault(f"{name} is no text document; it is {kind}. Nothing was made.")
    grid = await read_grid(
        office, room.folder.resolve(operation.rows.workbook, there=True), operation.rows.workbook, operation.rows
    )
    letters = _letters(room, operation, grid, replace=replace)
    modern = await as_modern(office, path, kind, "docx")
    going = _Going(room)
    going.of = len(letters)
    try:
        told = await _make(room, office, modern, name, grid, letters, going)
    except (OSError, RecursionError) as error:
        raise ToolFault(f"{name}: {error}. {going.done} of {going.of} documents had been made before.") from error
    except ToolFault as fault:
        raise ToolFault(f"{fault} {going.done} of {going.of} documents had been made before.") from None
    finally:
        going.of = going.done
    shown = ", ".join(room.folder.name(letter.path) for letter in letters[:_TOLD])
    more = f" and {len(letters) - _TOLD} more" if len(letters) > _TOLD else ""
    return f"{len(letters)} documents made of {name}: {shown}{more}.{told}"


def _letters(room: Room, operation: MailMerge, grid: Grid, *, replace: bool) -> list[_Letter]:
    """All that is to be made, checked before anything is. Raises ToolFault."""
    header, *rows = grid.texts
    keys = [filling.key(each) for each in header]
    rows = [row for row in rows if any(text.strip() for text in row)]
    if not 1 <= len(rows) <= MOST_ROWS:
        raise ToolFault(
            f"the table has {len(rows)} rows below its header; 1 to {MOST_ROWS} can be merged. Nothing was made."
        )
    letters: list[_Letter] = []
    for number, row in enumerate(rows, 1):
        values = {known: clean(text) for known, text in zip(keys, row, strict=True) if known}
        path = room.folder.resolve(_named(operation.output, {**values, "row": str(number)}, header))
        letters.append(_Letter(path, values))
    _check_paths(room, [letter.path for letter in letters], replace=replace)
    return letters


def _named(pattern: str, values: dict[str, str], header: Sequence[str]) -> str:
    def put(match: re.Match[str]) -> str:
        known = filling.key(match[1] or match[2])
        if known not in values:
            raise ToolFault(f"output names {match[0]}, but the columns are {', '.join(header)}. Nothing was made.")
        return re.sub(r"[\x00-\x1f/\\:*?\"<>|]+", "_", values[known].strip()).strip(". ")[:120] or "_"

    return filling.FIELD.sub(put, pattern)


def _check_paths(room: Room, paths: list[Path], *, replace: bool) -> None:
    if {path.suffix.lower() for path in paths} - {".pdf", ".docx"}:
        raise ToolFault("output must end with .pdf or .docx. Nothing was made.")
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ToolFault(
            f"two rows would both make {room.folder.name(twice)}; put {{{{row}}}} into output. Nothing was made."
        )
    there = [path for path in paths if path.exists()]
    if there and not replace:
        raise ToolFault(
            f"{len(there)} of these files exist already, {room.folder.name(there[0])} for one. Nothing was made. "
            "Choose other names, or give accept_loss: true to write over them."
        )
    for path in there:
        room.folder.check(path)


async def _make(
    room: Room, office: Office, template: Path, name: str, grid: Grid, letters: list[_Letter], going: _Going
) -> str:
    place = office.place()
    try:
        with Package.open(template, name) as package:
            form = await anyio.to_thread.run_sync(_Form, package, template)
            told = form.check(grid.texts[0])
            for start in range(0, len(letters), _AT_ONCE):
                await _batch(room, office, form, letters[start : start + _AT_ONCE], place, going)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return told


async def _batch(room: Room, office: Office, form: _Form, letters: list[_Letter], place: Path, going: _Going) -> None:
    made = [place / f"{number}.docx" for number in range(len(letters))]
    for letter, target in zip(letters, made, strict=True):
        await anyio.to_thread.run_sync(form.write, letter.values, target)
    wanted = [target for letter, target in zip(letters, made, strict=True) if letter.path.suffix.lower() == ".pdf"]
    pdfs = await office.pdfs(wanted) if wanted else {}
    for letter, target in zip(letters, made, strict=True):
        await anyio.to_thread.run_sync(_put, room, pdfs.get(target, target), letter.path)
        going.done += 1


def _put(room: Room, made: Path, path: Path) -> None:
    with room.folder.saving(path) as scratch:
        shutil.copyfile(made, scratch)


class _Form:
    """A template that was read once and is filled many times."""

    def __init__(self, package: Package, path: Path) -> None:
        self._package = package
        self._draft = open_draft(path, package.name)
        self._stories = [root for _, root in self._draft.stories()]
        self._plain = [deepcopy(root) for root in self._stories]
        before = opc.known(self._draft.part.package)
        self._as_document()
        self._replaced = opc.difference(package, self._draft.part.package, before).replaced

    def check(self, header: Sequence[str]) -> str:
        """Whether the columns suit the fields: what the model should know. Raises ToolFault."""
        there = filling.fields_in(self._stories)
        columns = {filling.key(each) for each in header}
        if not there:
            raise ToolFault(f"{self._package.name} has no fields like {{{{Name}}}}. Nothing was made.")
        if missing := [name for known, name in there.items() if known not in columns]:
            raise ToolFault(
                f"there is no column for {', '.join(missing)}; columns: {', '.join(header)}. Nothing was made."
            )
        unused = [each for each in header if each and filling.key(each) not in there]
        return f" Columns without a field: {', '.join(unused)}." if unused else ""

    def write(self, values: dict[str, str], target: Path) -> None:
        """Write one document."""
        filling.fill(self._stories, values)
        self._draft.settle()
        made = {part.partname.lstrip("/"): part.blob for part in self._draft.story_parts}
        self._package.save(target, {**self._replaced, **made})
        for root, plain in zip(self._stories, self._plain, strict=True):
            _restore(root, plain)

    def _as_document(self) -> None:
        part = self._draft.part
        if ".template" in part.content_type:
            part._content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def _restore(root: Element, plain: Element) -> None:
    for child in list(root):
        root.remove(child)
    root.extend(_copies(plain))


def _copies(plain: Element) -> Iterator[Element]:
    return (deepcopy(child) for child in plain)
