"""Operations on cells: values, formulas, copies, looks and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.areas import clear_area, columns_of, set_columns
from agent.office.spreadsheets.cells import Area, letters, read_area, read_cell
from agent.office.spreadsheets.csvs import form_of, rows_of
from agent.office.spreadsheets.formulas import for_file, translated
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.looks import CsvColumn
from agent.office.spreadsheets.markup import children, drop, m, sub
from agent.office.spreadsheets.operations import (
    Clear,
    Format,
    ImportCsv,
    Merge,
    SetCells,
    SetFormula,
)
from agent.office.spreadsheets.parsing import common_type, decimal_of, order_of
from agent.office.spreadsheets.reading_texts import Reader, reader_for
from agent.office.spreadsheets.sheet import Sheet, column_of
from agent.office.spreadsheets.typed import typed
from agent.office.spreadsheets.values import EMPTY, text_content
from agent.office.xml import Element

MOST_CELLS: Final = 2_000_000  # that one operation writes
MOST_ROWS: Final = 100_000
_LOOKED_AT = 20_000  # rows of a CSV file that decide its columns' types
_LISTS: Final = (
    ("links", "hyperlinks"), ("validation", "dataValidations"), ("conditional_formats", "conditionalFormatting"),
)  # fmt: skip


def set_cells(job: Job, op: SetCells) -> str:
    """Write a block."""
    sheet = job.book.sheet(op.sheet)
    top, left = read_cell(op.at)
    width = max((len(row) for row in op.rows), default=0)
    if not op.rows or not width:
        raise ToolFault("rows is empty. Nothing was changed.")
    types = _types(op.types, width)
    check_room(top, left, len(op.rows), width)
    for number, row in enumerate(op.rows, top):
        for column, value in enumerate(row):
            content = typed(value, types[column], from_1904=job.book.date_1904)
            job.put(sheet, number, left + column, content)
    return f"{op.sheet}!{Area(top, left, top + len(op.rows) - 1, left + width - 1)} written"


def _types(given: Sequence[str] | None, width: int) -> list[str]:
    if not given:
        return ["auto"] * width
    if len(given) == 1:
        return [given[0]] * width
    if len(given) != width:
        raise ToolFault(f"types has {len(given)} entries for {width} columns. Give one for all, or one a column.")
    return list(given)


def check_room(top: int, left: int, height: int, width: int) -> None:
    if height * width > MOST_CELLS:
        raise ToolFault(f"{height * width} cells at once are too many; at most {MOST_CELLS}. Nothing was changed.")
    read_area(f"{letters(left)}{top}:{letters(left + width - 1)}{top + height - 1}")


def check_rows(area: Area) -> None:
    """Not too many rows for a record of each. Raises ToolFault."""
    if area.height > MOST_ROWS:
        raise ToolFault(
            f"{area} are {area.height} rows; at most {MOST_ROWS} are changed one by one. Nothing was changed. Name "
            "only the rows that are used, or whole columns."
        )


def set_formula(job: Job, op: SetFormula) -> str:
    """One formula for a range."""
    sheet = job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    check_room(area.top, area.left, area.height, area.width)
    text = for_file(op.formula)
    if op.array:
        job.put_array(sheet, area, text)
        return f"{op.sheet}!{area}: one array formula"
    for row in area.rows():
        for column in area.columns():
            job.put_raw_formula(sheet, row, column, translated(text, row - area.top, column - area.left))
        if row % 500 == 0:
            sheet.rows.settle()
    return f"{op.sheet}!{area}: {area.height * area.width} formulas"


def import_csv(job: Job, op: ImportCsv) -> str:
    """A file's rows, as they come."""
    sheet, path = job.book.sheet(op.sheet), job.file(op.file)
    top, left = read_cell(op.at)
    form = form_of(path, op.file, op.delimiter, op.encoding)
    readers = _readers(job, op, form)
    count, kept, widest = 0, 0, 0
    with rows_of(path, op.file, form) as rows:
        for count, row in enumerate(rows, 1):
            widest = max(widest, len(row))
            check_room(top, left, count, max(widest, 1))
            kept += _write_row(job, sheet, top + count - 1, left, row, readers if count > 1 else {})
            if count % 1_000 == 0:
                sheet.rows.settle(0)
    if not count:
        raise ToolFault(f"{op.file} holds no rows. Nothing was changed.")
    told = "; ".join(f"{letters(left + index)} {reader.name}" for index, reader in sorted(readers.items()))
    failed = [f"{letters(left + i)}: {r.failed}, like {r.example!r}" for i, r in readers.items() if r.failed]
    if failed:
        job.note(f"{op.file}: could not be read as their column's type and stay text: {'; '.join(failed[:10])}")
    if kept:
        job.note(f"{op.file}: {kept} texts begin with =, +, - or @; they stay texts and are not worked out.")
    area = Area(top, left, top + count - 1, left + max(widest, 1) - 1)
    return f"{op.sheet}!{area}: {count} rows of {op.file} ({form}){'; ' + told if told else '; all text'}"


def _readers(job: Job, op: ImportCsv, form: object) -> dict[int, Reader]:
    """Of the columns that are not left as text, by their place from 0."""
    from itertools import islice

    from agent.office.spreadsheets.csvs import Form

    if not (op.columns or op.find_types) or not isinstance(form, Form):
        return {}
    with rows_of(job.file(op.file), op.file, form) as rows:
        sample = list(islice(rows, _LOOKED_AT))
    header = [text.strip() for text in sample[0]] if sample else []
    wanted = {_place(header, column, op.file): column for column in op.columns or ()}
    readers: dict[int, Reader] = {}
    for index in range(max((len(row) for row in sample), default=0)):
        texts = [row[index] for row in sample[1:] if index < len(row)]
        kind, told = _wanted(wanted.get(index), texts, bool(op.find_types))
        if kind != "text":
            readers[index] = reader_for(kind, told, order_of(texts), decimal_of(texts), from_1904=job.book.date_1904)
    return readers


def _wanted(column: CsvColumn | None, texts: list[str], find: bool) -> tuple[str, str | None]:
    if column is not None:
        return ("text", None) if column.type == "auto" else (column.type, column.format)
    return (common_type(texts) if find else "text"), None


def _place(header: list[str], column: CsvColumn, file: str) -> int:
    name = column.column.strip()
    if name in header:
        return header.index(name)
    if name.isdigit() and 1 <= int(name) <= max(len(header), 1):
        return int(name) - 1
    raise ToolFault(f"{file} has no column {name!r}; it has: {', '.join(header)[:500]}. Nothing was changed.")


def _write_row(job: Job, sheet: Sheet, row: int, left: int, texts: list[str], readers: dict[int, Reader]) -> int:
    """Write a row of texts; how many of them look like formulas."""
    kept = 0
    for index, text in enumerate(texts):
        content = readers[index].read(text) if index in readers else text_content(text) if text else EMPTY
        kept += content.kind == "text" and text[:1] in "=+-@" and len(text) > 1
        job.put(sheet, row, left + index, content)
    return kept


def clear(job: Job, op: Clear) -> str:
    """Take away what is named."""
    sheet = job.book.sheet(op.sheet)
    area = read_area(op.cells)
    count = 0
    if op.what in ("contents", "all", "formats"):
        count = _clear_cells(job, sheet, area, op.what)
    if op.what in ("comments", "all"):
        from agent.office.spreadsheets.comments import remove_comments

        count += remove_comments(job.book, sheet, area)
    for what, name in _LISTS:
        if op.what in (what, "all"):
            count += clear_area(sheet, name, area)
    return f"{op.sheet}!{op.cells}: {op.what} cleared ({count})"


def _clear_cells(job: Job, sheet: Sheet, area: Area, what: str) -> int:
    """Empty cells; array formulas only as a whole."""
    for array, _, _ in sheet.arrays():
        if area.meets(array) and array not in area and what != "formats":
            raise ToolFault(f"{array} is one array formula; clear it as a whole. Nothing was changed.")
    if what != "formats":
        sheet.unshare()
    count = 0
    for _, row in sheet.rows.each(area.top, area.bottom, change=True):
        for cell in list(row):
            if area.left <= column_of(cell) <= area.right:
                count += 1
                _clear_cell(job, row, cell, what)
    job.forget_arrays()
    return count


def _clear_cell(job: Job, row: Element, cell: Element, what: str) -> None:
    if cell.find(m("f")) is not None and what != "formats":
        job.book.no_calc_chain()
    if what == "all" or (what == "contents" and cell.get("s") is None):
        row.remove(cell)
        return
    if what == "formats":
        cell.attrib.pop("s", None)
        return
    for child in list(cell):
        cell.remove(child)
    for name in ("t", "cm", "vm"):
        cell.attrib.pop(name, None)


def merge(job: Job, op: Merge) -> str:
    """One cell of many, or the other way round."""
    sheet = job.book.sheet(op.sheet)
    area = read_area(op.cells)
    merged = children(sheet.frame.find(m("mergeCells")), "mergeCell")
    meeting = [(each, other) for each in merged if (other := read_area(each.get("ref", "A1"))).meets(area)]
    if op.undo:
        for each, _ in meeting:
            drop(each)
        tell_merged(sheet)
        return f"{op.sheet}!{op.cells}: {len(meeting)} merged ranges are single cells again"
    if meeting and meeting[0][1] != area:
        raise ToolFault(f"{area} meets the merged range {meeting[0][1]}; undo that first. Nothing was changed.")
    if area.height * area.width < 2 or meeting:
        return f"{op.sheet}!{area}: nothing to merge"
    _keep_first(job, sheet, area)
    sub(sheet.child("mergeCells"), "mergeCell", ref=str(area))
    tell_merged(sheet)
    return f"{op.sheet}!{area} merged"


def _keep_first(job: Job, sheet: Sheet, area: Area) -> None:
    lost = [
        (row, column)
        for row, found in sheet.rows.each(area.top, area.bottom)
        for column, cell in row_cells(found).items()
        if area.has(row, column) and (row, column) != (area.top, area.left) and job.content(cell).kind != "empty"
    ]
    if lost:
        job.lose(f"Merging {area} empties {len(lost)} cells that hold something; only the first cell stays.")
    for row, column in lost:
        job.put(sheet, row, column, EMPTY)


def tell_merged(sheet: Sheet) -> None:
    """Keep their number true; nothing stays where there is none."""
    holder = sheet.child("mergeCells")
    if len(holder):
        holder.set("count", str(len(holder)))
    else:
        drop(holder)


def format_cells(job: Job, op: Format) -> str:
    """Looks; of whole columns and rows also of the cells that are still empty."""
    sheet, area = job.book.sheet(op.sheet), read_area(op.cells)
    styles = job.book.styles
    if area.whole_columns:
        for left, right, col in columns_of(sheet, area.left, area.right):
            look = styles.with_look(int(col.get("style") or 0) if col is not None else 0, op.look, frozenset())
            set_columns(sheet, left, right, {"style": str(look)})
        cells = _cells_there(sheet, area)
    elif area.whole_rows:
        check_rows(area)
        for number in area.rows():
            row = sheet.rows.make(number)
            row.set("s", str(styles.with_look(int(row.get("s") or 0), op.look, frozenset())))
            row.set("customFormat", "1")
            if number % 1_000 == 0:
                sheet.rows.settle()
        cells = _cells_there(sheet, area)
    else:
        check_room(area.top, area.left, area.height, area.width)
        cells = ((row, column) for row in area.rows() for column in area.columns())
    for count, (row, column) in enumerate(cells):
        cell = sheet.make_cell(row, column)
        cell.set("s", str(styles.with_look(int(cell.get("s") or 0), op.look, _edges(area, row, column))))
        if count % 50_000 == 49_999:
            sheet.rows.settle()
    return f"{op.sheet}!{op.cells} formatted"


def _cells_there(sheet: Sheet, area: Area) -> list[tuple[int, int]]:
    return [
        (number, column)
        for number, row in sheet.rows.each(area.top, area.bottom)
        for column in row_cells(row)
        if area.left <= column <= area.right
    ]


def _edges(area: Area, row: int, column: int) -> frozenset[str]:
    at = {"top": row == area.top, "bottom": row == area.bottom}
    at |= {"left": column == area.left, "right": column == area.right}
    return frozenset(side for side, there in at.items() if there)
