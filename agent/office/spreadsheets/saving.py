"""A call of `spreadsheet` from the request to the saved file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.formats import FAMILY, MACROS, Kind, examine
from agent.office.package import Package
from agent.office.spreadsheets.book import Book, is_strict
from agent.office.spreadsheets.csv_editing import SUFFIXES, edit_csv
from agent.office.spreadsheets.editing import ODD, edit, unexpected
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.operations import SpreadsheetOperation, SpreadsheetRequest
from agent.office.spreadsheets.recalculating import Report, recalculate
from agent.tools.base import Room
from agent.tools.office import office_of

if TYPE_CHECKING:
    from agent.office.libreoffice import Office

DIRECT: Final[frozenset[Kind]] = frozenset({"xlsx", "xlsm", "xltx", "xltm"})
CONVERTED: Final[frozenset[Kind]] = frozenset({"xls", "ods", "ots"})
_LONGEST = 18_000  # characters of a reply
_MOST_TOLD = 30  # errors by cell


async def carry_out(room: Room, request: SpreadsheetRequest) -> str:
    """Do what was asked for, and say what came of it. Raises ToolFault."""
    path = room.folder.resolve(request.path)
    if not request.operations:
        raise ToolFault("operations is empty. Nothing was done.")
    if path.exists() and (told := await _live(room, path, request.operations)) is not None:
        return told
    place = office_of(room).place()
    try:
        if path.suffix.lower() in SUFFIXES:
            return await edit_csv(room, request, path, place)
        return await _Call(room, request, path, place).run()
    except ODD as error:
        raise unexpected(error) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ToolFault(f"{request.path} could not be worked on: {reason}. Nothing was changed.") from error
    finally:
        await anyio.to_thread.run_sync(_remove, place)


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)


async def _live(room: Room, path: Path, operations: Sequence[SpreadsheetOperation]) -> str | None:
    from agent.office.live import edit_live

    return await edit_live(room, path, operations)


class _Call:
    def __init__(self, room: Room, request: SpreadsheetRequest, path: Path, place: Path) -> None:
        self.room, self.request, self.path, self.place = room, request, path, place
        self.name = room.folder.name(path)
        self.new = not path.exists()
        self.office: Office = office_of(room)
        self.told: list[str] = []

    async def run(self) -> str:
        """The whole of it."""
        kind, work = await self._begin()
        with await anyio.to_thread.run_sync(Package.open, work, self.name) as package:
            book = await anyio.to_thread.run_sync(Book, package)
            job = Job(book, self.room.folder, accept_loss=bool(self.request.accept_loss))
            job.new = self.new and self.request.source is None
            await anyio.to_thread.run_sync(_prepare, job, kind, self.path.suffix.lower())
            done = await anyio.to_thread.run_sync(edit, job, self.request.operations, abandon_on_cancel=True)
            report = await recalculate(book, self.office)
            made = self.place / f"made{'.xlsx' if kind in CONVERTED else self.path.suffix.lower()}"
            await anyio.to_thread.run_sync(book.save, made)
        await self._finish(kind, made)
        return _reply(self.name, self.new, done, [*self.told, *job.notes], report)

    async def _begin(self) -> tuple[Kind, Path]:
        """What is to be made, and the file that is edited."""
        if self.new:
            return await self._begin_new()
        if self.request.source:
            raise ToolFault(f"{self.name} is there already; `source` is for new files. Nothing was changed.")
        kind = await anyio.to_thread.run_sync(examine, self.path, self.name)
        self.room.folder.check(self.path)
        self._check_kind(kind)
        return kind, await self._as_package(kind, self.path, self.name)

    async def _begin_new(self) -> tuple[Kind, Path]:
        kind = _kind_of_suffix(self.path, self.name)
        if self.request.source is None:
            if kind in MACROS:
                raise ToolFault(f"{self.name}: a new workbook cannot have macros; name it .xlsx. Nothing was made.")
            work = self.place / "new.xlsx"
            from agent.office.spreadsheets.blank import write_blank

            await anyio.to_thread.run_sync(write_blank, work, kind)
            return kind, work
        source = self.room.folder.resolve(self.request.source, there=True)
        name = self.room.folder.name(source)
        of_source = await anyio.to_thread.run_sync(examine, source, name)
        self._check_kind(of_source)
        return kind, await self._as_package(of_source, source, name)

    def _check_kind(self, kind: Kind) -> None:
        if kind == "csv":
            raise ToolFault("A workbook is not made of a CSV file with `source`; put it in with `import_csv`.")
        if kind == "xlsb":
            raise ToolFault(
                f"{self.name} is a binary workbook, which LibreOffice can read but not write. Nothing was changed. "
                "Convert it with the shell (soffice --convert-to xlsx) and edit that."
            )
        if FAMILY[kind] != "spreadsheet":
            raise ToolFault(f"{self.name} is no workbook. Nothing was changed.")

    async def _as_package(self, kind: Kind, source: Path, name: str) -> Path:
        strict = kind in DIRECT and await anyio.to_thread.run_sync(is_strict, source, name)
        if strict and not self.request.accept_loss:
            raise ToolFault(
                f"{name} is of the rare kind «Strict Open XML». LibreOffice would make an ordinary .xlsx of it, "
                "without what it does not know. Nothing was changed. Say accept_loss: true to go on with that."
            )
        if kind in DIRECT and not strict:
            work = self.place / f"work{source.suffix.lower()}"
            await anyio.to_thread.run_sync(shutil.copyfile, source, work)
            return work
        if not strict and await anyio.to_thread.run_sync(_has_macros, source, name) and not self.request.accept_loss:
            raise ToolFault(
                f"{name} holds macros, which are lost when it is converted to be edited. Nothing was changed. "
                "Say accept_loss: true to go on without them."
            )
        work = self.place / "work.xlsx"
        await self.office.convert(source, work)
        how = f"was converted by LibreOffice to be edited, and back; what only .{kind} knows may look different"
        if strict:
            how = "is an ordinary workbook now, made by LibreOffice; compare it with the original"
        self.told.append(f"{name} {how}.")
        return work

    async def _finish(self, kind: Kind, made: Path) -> None:
        """Put the result into its place, whole."""
        if kind in CONVERTED:
            back = self.place / f"back.{kind}"
            await self.office.convert(made, back)
            made = back
        if not self.new:
            self.room.folder.check(self.path)
        elif self.path.exists():
            raise ToolFault(f"{self.name} has appeared meanwhile. Nothing was written; look at it first.")

        def save() -> None:
            with self.room.folder.saving(self.path) as target:
                shutil.copyfile(made, target)

        await anyio.to_thread.run_sync(save)


def _kind_of_suffix(path: Path, name: str) -> Kind:
    kinds: tuple[Kind, ...] = (*DIRECT, *CONVERTED)
    for kind in kinds:
        if path.suffix.lower() == f".{kind}":
            return kind
    raise ToolFault(f"{name}: name it .xlsx, .xltx, .xls or .ods, or .csv for values only. Nothing was made.")


def _has_macros(path: Path, name: str) -> bool:
    from agent.office import compound

    with path.open("rb") as file:
        if file.read(8) == compound.MAGIC:
            return compound.look(path).macros
    with Package.open(path, name) as package:
        return any(
            part.startswith("Basic/") and part.endswith(".xml") and "script-l" not in part for part in package.names
        )


_MAIN: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "xltx": "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    "xltm": "application/vnd.ms-excel.template.macroEnabled.main+xml",
}


def _prepare(job: Job, kind: Kind, suffix: str) -> None:
    """Make a workbook of a template, say what is there that is not touched, and what is not followed."""
    book = job.book
    wanted = _MAIN["xlsx" if kind in CONVERTED else kind]
    if book.type_of(book.part) != wanted:
        _set_main_type(job, wanted, suffix)
    if any(name.endswith("vbaProject.bin") for name in book.names):
        job.note("The workbook holds macros; they are kept as they are and were not run.")
    if any(name.startswith("xl/externalLinks/externalLink") for name in book.names):
        job.note("Links to other workbooks are kept and not followed; their last values stand.")
    if "xl/connections.xml" in book.names:
        job.note("Connections to data elsewhere are kept and not used.")


def _set_main_type(job: Job, wanted: str, suffix: str) -> None:
    book = job.book
    macros = [name for name in book.names if name.endswith("vbaProject.bin")]
    if macros and "macroEnabled" not in wanted:
        job.lose(f"A {suffix} file cannot hold the macros of the source.")
        for name in macros:
            book.remove(name)
            book.unrelate(book.part, name)
    types = book.xml("[Content_Types].xml")
    for override in types:
        if override.get("PartName") == f"/{book.part}":
            override.set("ContentType", wanted)


def _reply(name: str, new: bool, done: list[str], notes: list[str], report: Report) -> str:
    lines = [f"{name} {'made' if new else 'saved'}.", *(f"{number}. {text}" for number, text in enumerate(done, 1))]
    lines += _calculated(report) + [f"Note: {note}" for note in notes]
    text = "\n".join(lines)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… ({len(text)} characters; the rest is left out)"


def _calculated(report: Report) -> list[str]:
    if report.skipped:
        return [
            f"Formulas were not worked out here ({report.skipped}). Until a program opens the file and does it, their "
            "results are those from before, and new ones have none."
        ]
    if not report.formulas:
        return []
    lines = [f"Formulas: {report.formulas}, worked out by LibreOffice, {report.changed} results changed."]
    if report.errors:
        lines.append(f"Errors: {len(report.errors)}")
        lines += [f"  {cell} {error} {formula[:200]}" for cell, error, formula in report.errors[:_MOST_TOLD]]
        if len(report.errors) > _MOST_TOLD:
            lines.append(f"  … and {len(report.errors) - _MOST_TOLD} more")
    else:
        lines[0] = lines[0][:-1] + ", no errors."
    if report.unknown:
        told = "; ".join(f"{cell} {formula[:80]}" for cell, formula in report.unknown[:5])
        lines.append(
            f"{len(report.unknown)} formulas are beyond LibreOffice 7.4 (newer functions, macros, add-ins): {told}. "
            f"They, and {report.depending} that depend on them, were not worked out here; Excel does it on opening."
        )
    return lines
