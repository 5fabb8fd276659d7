"""Operations on tables of data: sorted, mended, split, searched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import Area, cell_name, column_number, letters, read_area
from agent.office.spreadsheets.formulas import for_file, translated
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.markup import children, drop, m
from agent.office.spreadsheets.operations import RemoveDuplicates, Replace, Sort, SplitColumn
from agent.office.spreadsheets.parsing import decimal_of, order_of, sorting_type
from agent.office.spreadsheets.patterns import LONGEST_PATTERN, groups, substituted
from agent.office.spreadsheets.reading_texts import reader_for
from agent.office.spreadsheets.sheet import Sheet, column_of, put_cell
from agent.office.spreadsheets.shifting import Shift
from agent.office.spreadsheets.shifting_parts import shift_comments
from agent.office.spreadsheets.values import EMPTY, LONGEST, Content, is_date_format, text_content
from agent.office.xml import Element

_LETTERS = re.compile(r"[A-Za-z]{1,3}")


def column_in(job: Job, sheet: Sheet, area: Area, text: str, header: bool) -> int:
    """A column by its header, or by its letter. Raises ToolFault."""
    if header:
        for column in area.columns():
            if job.text(sheet.cell(area.top, column)).strip().casefold() == text.strip().casefold():
                return column
    if _LETTERS.fullmatch(text.strip()) and area.left <= (number := column_number(text.strip())) <= area.right:
        return number
    told = ", ".join(job.text(sheet.cell(area.top, column)) for column in area.columns())[:400] if header else str(area)
    raise ToolFault(f"There is no column {text!r} in {told}. Nothing was changed.")


def _refuse_merged(sheet: Sheet, area: Area) -> None:
    for each in children(sheet.frame.find(m("mergeCells")), "mergeCell"):
        if read_area(each.get("ref", "A1")).meets(area):
            raise ToolFault(f"{each.get('ref')} is merged; undo that first. Nothing was changed.")
    for array, _, _ in sheet.arrays():
        if array.meets(area) and array.height * array.width > 1:
            raise ToolFault(f"{array} is one array formula, which cannot be taken apart. Nothing was changed.")


def sort(job: Job, op: Sort) -> str:
    """Sort rows as programs do it: numbers, texts, truth values, errors, empty ones last."""
    sheet = job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    keys = [(column_in(job, sheet, area, key.column, op.header), bool(key.descending)) for key in op.keys]
    body = area.below_header() if op.header else area
    if not keys or body.height < 1:
        raise ToolFault("There is nothing to sort by, or nothing to sort. Nothing was changed.")
    _refuse_merged(sheet, body)
    order = list(body.rows())
    for column, descending in reversed(keys):
        ranks = _ranks(job, sheet, column, order)
        full = [row for row in order if ranks[row][0] < 9]
        full.sort(key=lambda row: ranks[row], reverse=descending)
        order = full + [row for row in order if ranks[row][0] == 9]
        sheet.rows.settle()
    _reorder(job, sheet, body, order)
    return f"{op.sheet}!{area}: {body.height} rows sorted by {', '.join(key.column for key in op.keys)}"


def _ranks(job: Job, sheet: Sheet, column: int, rows: list[int]) -> dict[int, tuple[int, Any]]:
    """What the cells of a column are sorted by; texts of a CSV file by what they mean."""
    area = Area(min(rows), column, max(rows), column)
    values = {row: job.value(cell) for row, _, cell in cells_in(sheet, area)}
    if job.plain:
        texts = [str(value.value) for value in values.values() if value.kind == "text"]
        reader = reader_for(sorting_type(texts), None, order_of(texts), decimal_of(texts))
        values = {row: reader.read(str(value.value)) for row, value in values.items()}
    return {row: _rank(values.get(row, EMPTY)) for row in rows}


def _rank(value: Content) -> tuple[int, Any]:
    if value.kind == "number":
        return 0, float(value.value or 0)
    if value.kind == "text":
        return 1, str(value.value).casefold()
    if value.kind == "boolean":
        return 2, bool(value.value)
    return (3, str(value.value)) if value.kind == "error" else (9, 0)


def _reorder(job: Job, sheet: Sheet, area: Area, order: list[int]) -> None:
    """Give the rows of a range another order. Where there are fewer now, the last ones become empty."""
    sheet.unshare()
    block = {row: data for row in area.rows() if (data := _taken(sheet, area, row))}
    for offset, row in enumerate(area.rows()):
        source = order[offset] if offset < len(order) else 0
        if source in block:
            there = sheet.rows.make(row)
            for cell in sheet.rows.unpack(block.pop(source)):
                column = column_of(cell)
                _follow(job, cell, (source, row), column)
                put_cell(there, cell, column)
        if row % 1_000 == 0:
            sheet.rows.settle()
    _move_notes(job, sheet, area, {source: area.top + offset for offset, source in enumerate(order)})
    job.forget_arrays()


def _follow(job: Job, cell: Element, rows: tuple[int, int], column: int) -> None:
    """A formula that goes from one row to another."""
    formula, (source, row) = cell.find(m("f")), rows
    if formula is not None and formula.text and source != row:
        formula.text = translated(formula.text, row - source, 0)
        job.book.no_calc_chain()
        if formula.get("ref"):
            formula.set("ref", cell_name(row, column))


def _taken(sheet: Sheet, area: Area, number: int) -> bytes:
    """The cells of a row of a range, taken out of it."""
    if sheet.rows.get(number) is None:
        return b""
    if number % 1_000 == 0:
        sheet.rows.settle()
    cells = row_cells(sheet.rows.make(number)).items()
    inside = [cell for column, cell in cells if area.left <= column <= area.right]
    return sheet.rows.pack(inside) if inside else b""


def _move_notes(job: Job, sheet: Sheet, area: Area, new: dict[int, int]) -> None:
    """Notes, threads of comments and links of single cells go with their rows."""

    def where(each: Area) -> Area | None:
        if each not in area or each.height > 1:
            return each
        return each.moved(new[each.top] - each.top, 0) if each.top in new else None

    shift_comments(job.book, sheet, Shift(job.book.name_of(sheet), where))
    for each in children(sheet.frame.find(m("hyperlinks")), "hyperlink"):
        at = where(read_area(each.get("ref", "A1")))
        if at is None:
            drop(each)
        else:
            each.set("ref", str(at))


def remove_duplicates(job: Job, op: RemoveDuplicates) -> str:
    """Keep the first of rows that are the same."""
    sheet = job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    body = area.below_header() if op.header else area
    columns = [column_in(job, sheet, area, text, op.header) for text in op.columns or ()] or list(area.columns())
    _refuse_merged(sheet, body)
    seen: set[tuple[Any, ...]] = set()
    kept: list[int] = []
    gone: list[int] = []
    for row in body.rows():
        cells = row_cells(sheet.rows.get(row))
        key = tuple(_key(job.value(cells.get(column)), bool(op.loose)) for column in columns)
        if key in seen and any(part != ("empty", None) for part in key):
            gone.append(row)
        else:
            seen.add(key)
            kept.append(row)
    if gone:
        _reorder(job, sheet, body, kept)
    told = f": rows {', '.join(map(str, gone[:20]))}{' …' if len(gone) > 20 else ''}" if gone else ""
    last = body.top + len(kept) - 1
    return f"{op.sheet}!{area}: {len(gone)} duplicates removed{told}; the data ends in row {last} now"


def _key(value: Content, loose: bool) -> tuple[str, Any]:
    if value.kind == "text" and loose:
        return "text", " ".join(str(value.value).split()).casefold()
    return value.kind, value.value


def replace(job: Job, op: Replace) -> str:
    """Find and replace."""
    if not op.find or len(op.find) > LONGEST_PATTERN:
        raise ToolFault(f"find must have 1 to {LONGEST_PATTERN} characters. Nothing was changed.")
    names = [job.book.entry(op.sheet).get("name", "")] if op.sheet else [name for name, _ in job.book.sheets()]
    told: list[str] = []
    for name in names:
        sheet = job.book.sheet(name)
        area = sheet.within(op.cells) if op.cells else sheet.used()
        changed = _replaced(job, sheet, area, op)
        if changed:
            some = ", ".join(changed[:10]) + (" …" if len(changed) > 10 else "")
            told.append(f"{name}: {len(changed)} cells ({some})")
    return f"{op.find!r} replaced by {op.by!r}: {'; '.join(told) or 'found nowhere'}"


def _replaced(job: Job, sheet: Sheet, area: Area, op: Replace) -> list[str]:
    """Which cells are others now."""
    wanted = ("text", "formula") if op.formulas else ("text",)
    found = [
        (row, column, content)
        for row, column, cell in cells_in(sheet, area)
        if (content := job.content(cell)).kind in wanted and content.value
    ]
    changed: list[str] = []
    for (row, column, old), new in zip(found, _swapped(op, [str(each.value) for _, _, each in found]), strict=True):
        if new == old.value:
            continue
        if old.kind == "formula":
            job.put_raw_formula(sheet, row, column, for_file(new))
        else:
            job.put(sheet, row, column, text_content(new) if new else Content("empty"))
        changed.append(cell_name(row, column))
        if len(changed) % 1_000 == 0:
            sheet.rows.settle()
    return changed


def _swapped(op: Replace, texts: list[str]) -> list[str]:
    if op.regex:
        by = re.sub(r"\$(\d)", r"\\g<\1>", op.by)
        return substituted(op.find, by, texts, whole=bool(op.whole), case=bool(op.match_case))
    pattern = re.compile(re.escape(op.find), 0 if op.match_case else re.IGNORECASE)
    return [_swap(pattern, op, text) for text in texts]


def _swap(pattern: re.Pattern[str], op: Replace, text: str) -> str:
    if op.whole:
        return op.by if pattern.fullmatch(text) else text
    count = len(pattern.findall(text))
    if len(text) + count * (len(op.by) - len(op.find)) > LONGEST:
        raise ToolFault(f"A cell holds at most {LONGEST} characters, and one would get more. Nothing was changed.")
    return pattern.sub(lambda _: op.by, text) if count else text


def cells_in(sheet: Sheet, area: Area) -> Iterator[tuple[int, int, Element]]:
    """The cells of a range that are there; each may be changed when it comes."""
    for number in [each for each in sheet.rows.numbers if area.top <= each <= area.bottom]:
        for column, cell in list(row_cells(sheet.rows.get(number)).items()):
            if area.left <= column <= area.right:
                yield number, column, cell
        if number % 1_000 == 0:
            sheet.rows.settle()


def split_column(job: Job, op: SplitColumn) -> str:
    """Parts of texts into the columns to the right."""
    sheet = job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    body = area.below_header() if op.header else area
    if area.width != 1 or (op.delimiter is None) == (op.pattern is None):
        raise ToolFault("Give one column, and either a delimiter or a pattern. Nothing was changed.")
    parts = _parts({row: text for row, _, cell in cells_in(sheet, body) if (text := job.text(cell))}, op)
    width = max((len(each) for each in parts.values()), default=0)
    if width < 1:
        return f"{op.sheet}!{area}: nothing could be split"
    target = Area(area.top, area.left + 1, area.bottom, area.left + width)
    if any(job.content(cell).kind != "empty" for _, _, cell in cells_in(sheet, target)):
        raise ToolFault(f"The parts need {target}, which is not empty. Nothing was changed. `insert` columns first.")
    for row, texts in parts.items():
        for offset, text in enumerate(texts, 1):
            job.put(sheet, row, area.left + offset, text_content(text) if text else Content("empty"))
    for offset, header in enumerate((op.names or ())[:width] if op.header else (), 1):
        job.put(sheet, area.top, area.left + offset, text_content(header))
    none = sum(1 for texts in parts.values() if not texts)
    rest = f"; {none} had no such parts" if none else ""
    return f"{op.sheet}!{area}: parts in {letters(target.left)}:{letters(target.right)}{rest}"


def _parts(texts: dict[int, str], op: SplitColumn) -> dict[int, list[str]]:
    if op.delimiter is not None:
        return {row: [part.strip() for part in text.split(op.delimiter or " ")] for row, text in texts.items()}
    return dict(zip(texts, groups(op.pattern or "", [text[:5_000] for text in texts.values()]), strict=True))


def is_date_cell(job: Job, cell: Element | None) -> bool:
    """Whether a cell is shown as a date."""
    return cell is not None and is_date_format(job.book.styles.format_of(int(cell.get("s") or 0)))
