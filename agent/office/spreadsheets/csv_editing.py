"""CSV files edited in place: the operations of workbooks that have to do with values, on a sheet that is the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from html import escape as escape_xml
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.formats import examine
from agent.office.package import Package
from agent.office.spreadsheets.blank import write_blank
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, cell_name
from agent.office.spreadsheets.csv_files import CsvFile, empty_file, read_file
from agent.office.spreadsheets.edit_sheets import EMPTY_SHEET, add_sheet
from agent.office.spreadsheets.editing import edit
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.operations import AddSheet, SpreadsheetOperation, SpreadsheetRequest
from agent.office.spreadsheets.parsing import decimal_of
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.values import escape
from agent.tools.base import Room

if TYPE_CHECKING:
    from agent.office.xml import Element

SUFFIXES: Final = (".csv", ".tsv", ".tab")
_SHEET: Final = "CSV"
_MAY: Final = frozenset({
    "set_cells", "import_csv", "copy_cells", "move_cells", "clear", "insert", "delete", "sort", "remove_duplicates",
    "replace", "split_column", "clean",
})  # fmt: skip


async def edit_csv(room: Room, request: SpreadsheetRequest, path: Path, place: Path) -> str:
    """Do what was asked for, and say what came of it.

    Args:
        place: an empty folder for what is in between.

    Raises:
        ToolFault: why nothing was done.
    """
    name, new = room.folder.name(path), not path.exists()  # noqa: ASYNC240 (at once)
    operations = _for_one_sheet(request.operations, name)
    before = await anyio.to_thread.run_sync(_read, room, request, path)
    job, data, done = await anyio.to_thread.run_sync(_edited, room, before, operations, place, abandon_on_cancel=True)
    if not new:
        room.folder.check(path)
    elif path.exists():  # noqa: ASYNC240 (at once)
        raise ToolFault(f"{name} has appeared meanwhile. Nothing was written; look at it first.")
    await anyio.to_thread.run_sync(room.folder.write, path, data)
    lines = [f"{name} {'made' if new else 'saved'} ({before}).", *(f"{n}. {text}" for n, text in enumerate(done, 1))]
    return "\n".join([*lines, *(f"Note: {note}" for note in job.notes)])


def _for_one_sheet(operations: Sequence[SpreadsheetOperation], name: str) -> list[SpreadsheetOperation]:
    """The operations, whatever they call the only sheet. Raises ToolFault for those that a CSV file cannot keep."""
    out: list[SpreadsheetOperation] = []
    for number, operation in enumerate(operations, 1):
        if operation.do not in _MAY:
            raise ToolFault(
                f"Operation {number} ({operation.do}): {name} is a CSV file, which holds values only. Nothing was "
                f"changed. It can take {', '.join(sorted(_MAY))}; for all else make a workbook (.xlsx) and put it in "
                "with `import_csv`."
            )
        named = [each for each in ("sheet", "to_sheet") if getattr(operation, each, None) is not None]
        out.append(operation.model_copy(update=dict.fromkeys(named, _SHEET)))
    return out


def _read(room: Room, request: SpreadsheetRequest, path: Path) -> CsvFile:
    if path.exists() and request.source:
        raise ToolFault(f"{room.folder.name(path)} is there already; `source` is for new files. Nothing was changed.")
    source = room.folder.resolve(request.source, there=True) if request.source else path
    if not source.exists():
        return empty_file(path)
    name = room.folder.name(source)
    if examine(source, name) != "csv":
        raise ToolFault(f"{name} is no CSV file. Nothing was made. Open it with `inspect`, and write its values.")
    room.folder.check(source)
    return read_file(source, name)


def _edited(
    room: Room, before: CsvFile, operations: Sequence[SpreadsheetOperation], place: Path
) -> tuple[Job, bytes, list[str]]:
    work = place / "work.xlsx"
    write_blank(work, "xlsx")
    with Package.open(work, "the file") as package:
        job = Job(Book(package), room.folder, plain=True)
        add_sheet(job, AddSheet(do="add_sheet", name=_SHEET, position=None))
        job.book.put(job.book.part_of(job.book.entries[0]), _as_sheet(before))
        sheet = job.book.sheet(_SHEET)
        done = edit(job, operations)
        if sheet.rows.with_text(b"<f"):
            raise ToolFault(
                "A CSV file holds no formulas. Nothing was changed. Write values; or, if it is a text that begins with "
                "«=», give its type as text."
            )
        used = sheet.used()
        rows = _rows(job, sheet, before, used.bottom, used.right)
        return job, before.written(rows, anew=before.width != used.right), [_plain(each) for each in done]


def _plain(told: str) -> str:
    return told.replace(f"{_SHEET}!", "").removeprefix(f"{_SHEET}: ")


def _as_sheet(file: CsvFile) -> bytes:
    """A sheet with all fields as texts, as wide and as high as the file, though the last ones may be empty."""
    if file.width > LAST_COLUMN or len(file.records) > LAST_ROW:
        raise ToolFault(
            f"The file has {len(file.records)} rows and {file.width} columns; a sheet has at most {LAST_ROW} and "
            f"{LAST_COLUMN}. Nothing was changed."
        )
    kept = _corners(file)
    rows = b"".join(_row(number, fields, kept) for number, (fields, _) in enumerate(file.records, 1))
    return EMPTY_SHEET.replace(b"<sheetData/>", b"<sheetData>" + rows + b"</sheetData>")


def _corners(file: CsvFile) -> set[tuple[int, int]]:
    """Cells that are there even if they are empty, so that the sheet is as large as the file."""
    widest = next((n for n, (fields, _) in enumerate(file.records, 1) if len(fields) == file.width), 0)
    return {(widest, file.width), (len(file.records), 1)}


def _row(number: int, fields: list[str], kept: set[tuple[int, int]]) -> bytes:
    cells = (
        f'<c r="{cell_name(number, column)}" t="inlineStr"><is><t xml:space="preserve">{_text(text)}</t></is></c>'
        for column, text in enumerate(fields or [""], 1)
        if text or (number, column) in kept
    )
    return f'<row r="{number}">{"".join(cells)}</row>'.encode()


def _text(text: str) -> str:
    return escape_xml(escape(text), quote=False).replace("\r", "&#13;")


def _rows(job: Job, sheet: Sheet, before: CsvFile, height: int, width: int) -> Iterator[list[str]]:
    """The rows as texts; those that are as long as before keep their length."""
    widths = {tuple(_bare(fields)): len(fields) for fields, _ in before.records}

    @cache
    def comma(index: int) -> bool:
        return decimal_of(before.column(index)) == ","

    kept = _corners(before)
    for number in range(1, height + 1):
        fields = before.records[number - 1][0] if number <= len(before.records) else []
        if width == before.width and fields and sheet.rows.written(number) == _row(number, fields, kept):
            yield fields
            continue
        cells = row_cells(sheet.rows.get(number))
        fields = _bare([_shown(job, cells.get(column), column - 1, comma) for column in range(1, width + 1)])
        length = widths.get(tuple(fields), width) if width == before.width else width
        yield fields + [""] * (length - len(fields))
        if number % 1_000 == 0:
            sheet.rows.settle(0)


def _bare(fields: list[str]) -> list[str]:
    """Without the empty ones at the end."""
    end = len(fields)
    while end and not fields[end - 1]:
        end -= 1
    return fields[:end]


def _shown(job: Job, cell: Element | None, index: int, comma: Callable[[int], bool]) -> str:
    text = job.text(cell)
    return text.replace(".", ",") if job.value(cell).kind == "number" and "." in text and comma(index) else text
