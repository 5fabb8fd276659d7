"""Formulas worked out by LibreOffice: a copy is calculated there, and only the results are taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.libreoffice import Office
from agent.office.package import Package
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, cell_name, read_area
from agent.office.spreadsheets.formulas import for_people, functions, references
from agent.office.spreadsheets.functions import UNKNOWN, foreign
from agent.office.spreadsheets.markup import m, sub
from agent.office.spreadsheets.references import Reference, any_reference
from agent.office.spreadsheets.sheet import Sheet, column_of
from agent.office.spreadsheets.spans import between
from agent.office.spreadsheets.stream import Seen, rows_of_sheet
from agent.office.spreadsheets.strings import Strings
from agent.office.spreadsheets.tainted import Tainted
from agent.office.spreadsheets.tokens import Token, tokens
from agent.office.xml import Element

MOST_BYTES: Final = 30_000_000  # of all sheets, some 500,000 cells, beyond which it would take minutes
_MOST_CLOSURE = 30_000  # formulas among which dependants of unknown functions are looked for
_MOST_PASSES: Final = 200  # over them; one is enough where formulas look up, or to the left
_NO: Final = Reference(None, Area(1, 1, 1, 1), (False, False, False, False), "cell")
_TYPES: Final = {"number": None, "text": "str", "boolean": "b", "error": "e"}


@dataclass
class Report:
    """What came of it.

    Attributes:
        formulas: how many there are.
        changed: whose results are others now.
        errors: sheet and cell, error, formula.
        unknown: formulas with functions that LibreOffice does not know, and what depends on them.
        skipped: why nothing was worked out; "".
    """

    formulas: int = 0
    changed: int = 0
    errors: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    unknown: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    depending: int = 0
    skipped: str = ""


def has_formulas(book: Book) -> bool:
    """Whether there is anything to work out."""
    return any(sheet.rows.with_text(b"<f") for _, sheet in book.sheets())


async def recalculate(book: Book, office: Office) -> Report:
    """Work all formulas out, and put the results into the open workbook.

    Raises:
        ToolFault: never for a failure of LibreOffice: then programs are told to work it out on opening.
    """
    if not await anyio.to_thread.run_sync(has_formulas, book):
        return Report()
    place = office.place()
    copy, worked_out = place / "copy.xlsx", place / "worked-out.xlsx"
    try:
        if (
            sum(book.package.size(part) for part in book.package.names if part.startswith("xl/worksheets/"))
            > MOST_BYTES
        ):
            raise ToolFault("the workbook is too large for that")
        await anyio.to_thread.run_sync(book.save, copy)
        await office.convert(copy, worked_out)
        return await anyio.to_thread.run_sync(_take_over, book, worked_out)
    except ToolFault as fault:
        book.calculate_on_opening()
        return Report(skipped=str(fault))
    finally:
        await anyio.to_thread.run_sync(_forget, (copy, worked_out))


def _forget(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _take_over(book: Book, worked_out: Path) -> Report:
    report = Report()
    tainted = _tainted(book, report)
    with Package.open(worked_out, "LibreOffice's copy") as package:
        other = Book(package)
        strings = Strings()
        for name, sheet in book.sheets():
            part = other.part_of(other.entry(name))
            _take_sheet(name, sheet, rows_of_sheet(package, part, strings), partial(tainted.has, name), report)
    if report.unknown:
        book.calculate_on_opening()
    return report


def _take_sheet(
    name: str,
    sheet: Sheet,
    rows: Iterable[tuple[int, list[Seen]]],
    tainted: Callable[[int, int], bool],
    report: Report,
) -> None:
    """Both sides are in order of rows, so that only one row of each is held."""
    arrays = [area for area, _, _ in sheet.arrays()]
    wanted = set(sheet.rows.with_text(b"<f")) | {row for area in arrays for row in area.rows()}
    for number, seen in rows:
        if number not in wanted:
            continue
        row = sheet.rows.get(number)
        if row is None:
            continue
        results = {each.column: each for each in seen}
        changed = 0
        for cell in row:
            column = column_of(cell)
            formula = cell.find(m("f"))
            if formula is None and not any(area.has(number, column) for area in arrays):
                continue
            report.formulas += formula is not None
            if tainted(number, column):
                continue
            changed += _take_cell(cell, results.get(column))
            _note_error(report, name, number, column, cell, formula)
        if changed:
            sheet.rows.make(number)
            report.changed += changed
        sheet.rows.settle()


def _take_cell(cell: Element, result: Seen | None) -> int:
    """Put a result into a cell; whether it is another one than before."""
    kind, value = (result.kind, result.value) if result is not None else ("empty", "")
    old = cell.find(m("v"))
    if kind == "empty":
        if old is None or not old.text:
            return 0
        cell.remove(old)
        cell.attrib.pop("t", None)
        return 1
    wanted = _TYPES[kind]
    if old is not None and _same(cell.get("t"), old.text or "", wanted, value):
        return 0
    if old is None:
        old = sub(cell, "v")
    old.text = value
    if wanted:
        cell.set("t", wanted)
    else:
        cell.attrib.pop("t", None)
    return 1


def _same(told: str | None, old: str, wanted: str | None, new: str) -> bool:
    """Whether a result is what it was; numbers as far as both programs write them out."""
    if (told if told != "n" else None) != wanted:
        return False
    if wanted is not None:
        return old == new
    try:
        one, other = float(old), float(new)
    except ValueError:
        return False
    return abs(one - other) <= 1e-12 * max(abs(one), abs(other))


def _note_error(report: Report, name: str, row: int, column: int, cell: Element, formula: Element | None) -> None:
    value = cell.find(m("v"))
    if formula is not None and cell.get("t") == "e" and value is not None:
        text = for_people(formula.text) if formula.text else "="
        report.errors.append((f"{name}!{cell_name(row, column)}", value.text or "", text))


def _tainted(book: Book, report: Report) -> Tainted:
    """Cells whose results LibreOffice cannot know, by sheet, and all that depend on them."""
    found = Tainted(book.sheet_names)
    macros = any(name.endswith("vbaProject.bin") for name in book.names)
    for name, at, cell, text in _formulas(book):
        if _is_unknown(text, cell, macros):
            found.add(name, _filled(cell) or Area(*at, *at))
            report.unknown.append((f"{name}!{cell_name(*at)}", for_people(text)))
    if report.unknown:
        _spread(book, found, report)
    return found


def _formulas(book: Book) -> Iterator[tuple[str, tuple[int, int], Element, str]]:
    """Sheet, place, cell and text of each."""
    for name, sheet in book.sheets():
        for number in sheet.rows.with_text(b"<f"):
            for cell in sheet.rows.cells(number):
                formula = cell.find(m("f"))
                if formula is not None and formula.text:
                    yield name, (number, column_of(cell)), cell, formula.text
            sheet.rows.settle()


def _filled(cell: Element) -> Area | None:
    """The range of an array formula."""
    formula = cell.find(m("f"))
    return read_area(formula.get("ref")) if formula.get("t") == "array" and formula.get("ref") else None


def _is_unknown(text: str, cell: Element, macros: bool) -> bool:
    """Whether LibreOffice cannot work it out: a function that it does not know, or what it cannot read.

    A function that nobody knows is a mistake, unless it has had a result, or a macro may have made it.
    """
    try:
        names = functions(text)
        odd = any(_is_odd(token) for token in tokens(text))
    except ToolFault:
        return False
    if odd or not names.isdisjoint(UNKNOWN):
        return True
    value = cell.find(m("v"))
    worked = value is not None and bool(value.text) and cell.get("t") != "e"
    return foreign(names) and (worked or macros)


def _is_odd(token: Token) -> bool:
    """Right for Excel, and not read by LibreOffice 7.4: [Net] for the own table, and 'Jan 24:Dec 24'!A1."""
    if token.kind == "structured":
        return token.text.startswith("[")
    return token.kind == "reference" and token.text.startswith("'") and bool((any_reference(token.text) or _NO).last)


def _spread(book: Book, found: Tainted, report: Report) -> None:
    users = [
        (name, at, _filled(cell) or Area(*at, *at), areas)
        for name, at, cell, text in islice(_formulas(book), _MOST_CLOSURE)
        if not found.has(name, *at) and (areas := _areas(text, name, found.order))
    ]
    for _ in range(_MOST_PASSES):
        left = [user for user in users if not any(found.meets(sheet, area) for sheet, area in user[3])]
        for name, _, filled, areas in users:
            if any(found.meets(sheet, area) for sheet, area in areas):
                found.add(name, filled)
        if len(left) == len(users):
            return
        report.depending += len(users) - len(left)
        users = left


def _areas(text: str, home: str, order: Sequence[str]) -> list[tuple[str, Area]]:
    """What a formula refers to, sheet by sheet."""
    found: list[tuple[str, Area]] = []
    with suppress(ToolFault):
        for each in references(text):
            sheets = between(order, each.sheet or "", each.last) if each.last else (each.sheet or home,)
            found += [(sheet, each.area) for sheet in sheets]
    return found
