"""Rows, columns and cells put in, taken out and moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from agent.errors import ToolFault
from agent.office.spreadsheets.areas import columns_of, set_columns, write_columns
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, letters, read_area, read_cell
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.markup import children, m
from agent.office.spreadsheets.operations import Delete, Insert, MoveCells
from agent.office.spreadsheets.sheet import Sheet, column_of, put_cell
from agent.office.spreadsheets.shifting import Axis, Shift, Where, apply, deleted, inserted
from agent.office.spreadsheets.shifting_parts import check_parts
from agent.office.xml import Element, etree

MOST_LOOKS: Final = 200_000  # cells that are made only to look like those before them


def insert(job: Job, op: Insert) -> str:
    """Make room."""
    area = read_area(op.cells)
    axis, whole = _axis(area, op.push, "down", "push")
    name = job.book.entry(op.sheet).get("name", "")
    _insert(job, name, area, axis, whole, _what(op))
    _look_like_before(job.book.sheet(name), area, axis, whole)
    return f"{name}: {area} inserted; what was there has moved {'down' if axis == 'rows' else 'right'}"


def delete(job: Job, op: Delete) -> str:
    """Close a gap."""
    area = read_area(op.cells)
    axis, whole = _axis(area, op.pull, "up", "pull")
    name = job.book.entry(op.sheet).get("name", "")
    _delete(job, name, area, axis, whole, _what(op))
    return f"{name}: {area} deleted; what came after it has moved {'up' if axis == 'rows' else 'left'}"


def _axis(area: Area, told: str | None, vertical: str, word: str) -> tuple[Axis, bool]:
    if area.whole_rows or area.whole_columns:
        return ("rows" if area.whole_rows else "columns"), True
    if told is None:
        raise ToolFault(f"{area} are single cells: say where the others go, in `{word}`. Nothing was changed.")
    return ("rows" if told == vertical else "columns"), False


def _insert(job: Job, name: str, area: Area, axis: Axis, whole: bool, what: str) -> None:
    first, count = (area.top, area.height) if axis == "rows" else (area.left, area.width)
    shift = Shift(name, inserted(axis, first, count, None if whole else area), axis, whole)
    sheet = job.book.sheet(name)
    used = sheet.used()
    if (used.bottom + count > LAST_ROW and axis == "rows") or (used.right + count > LAST_COLUMN and axis == "columns"):
        raise ToolFault(f"{name} has no room for {count} more {axis}. Nothing was changed.")
    _move(job, sheet, shift, what)


def _delete(job: Job, name: str, area: Area, axis: Axis, whole: bool, what: str) -> None:
    first, last = (area.top, area.bottom) if axis == "rows" else (area.left, area.right)
    shift = Shift(name, deleted(axis, first, last, None if whole else area), axis, whole)
    _move(job, job.book.sheet(name), shift, what)


def _what(op: Insert | Delete | MoveCells) -> str:
    """What is done, whatever the sheet."""
    return op.model_dump_json(exclude={"sheet"})


def _move(job: Job, sheet: Sheet, shift: Shift, what: str) -> None:
    shift = replace(shift, follows=job.together.follows(job.book, shift.sheet, what))
    check_parts(job.book, sheet, shift)
    _check_merged(sheet, shift)
    for _, each in job.book.sheets():
        each.unshare() if each is sheet else each.unshare_outside()
    if shift.whole and shift.axis == "rows":
        numbers = {n: new.top for n in sheet.rows.numbers if (new := shift.where(Area(n, 1, n, LAST_COLUMN)))}
        sheet.rows.renumber(numbers)
    else:
        _move_cells(sheet, shift)
    if shift.whole and shift.axis == "columns":
        _move_columns(sheet, shift)
    apply(job.book, shift)
    job.forget_arrays()


def _check_merged(sheet: Sheet, shift: Shift) -> None:
    for each in children(sheet.frame.find(m("mergeCells")), "mergeCell"):
        area = read_area(each.get("ref", "A1"))
        if not shift.whole and _torn(area, shift):
            raise ToolFault(f"That would tear the merged range {area} apart. Nothing was changed.")


def _torn(area: Area, shift: Shift) -> bool:
    """Whether some cells of a range move otherwise than the range itself."""
    whole = shift.where(area)
    for row, column in (
        (area.top, area.left),
        (area.bottom, area.right),
        (area.top, area.right),
        (area.bottom, area.left),
    ):
        corner = shift.where(Area(row, column, row, column))
        if (corner is None) != (whole is None):
            return True
        if (
            corner
            and whole
            and (corner.top - row, corner.left - column) != (whole.top - area.top, whole.left - area.left)
        ):
            return True
    return False


def _move_cells(sheet: Sheet, shift: Shift) -> None:
    """Move cells one by one: first those of each row among themselves, then those that change their row."""
    leaving: dict[int, list[tuple[int, Element]]] = {}
    for number, row in sheet.rows.each(change=True):
        staying: list[tuple[int, Element]] = []
        for column, cell in row_cells(row).items():
            new = shift.where(Area(number, column, number, column))
            row.remove(cell)
            if new is not None and new.top == number:
                staying.append((new.left, cell))
            elif new is not None:
                leaving.setdefault(new.top, []).append((new.left, cell))
        for column, cell in sorted(staying, key=lambda pair: pair[0]):
            put_cell(row, cell, column)
    for number, cells in leaving.items():
        row = sheet.rows.make(number)
        for column, cell in cells:
            for old in [each for each in row if column_of(each) == column]:
                row.remove(old)
            put_cell(row, cell, column)
        sheet.rows.settle()


def _move_columns(sheet: Sheet, shift: Shift) -> None:
    """Widths and looks go with the columns; new ones look like the one before."""
    told: list[Element] = []
    for col in children(sheet.frame.find(m("cols")), "col"):
        new = shift.where(Area(1, int(col.get("min")), LAST_ROW - 1, int(col.get("max"))))
        if new is not None:
            col.set("min", str(new.left))
            col.set("max", str(new.right))
            told.append(col)
    write_columns(sheet, told)


def _look_like_before(sheet: Sheet, area: Area, axis: Axis, whole: bool) -> None:
    """New rows and columns look like the one before them, as programs do it."""
    if whole and axis == "rows" and area.top > 1:
        _rows_like(sheet, area, sheet.rows.get(area.top - 1))
    elif whole and axis == "columns" and area.left > 1:
        _columns_like(sheet, area)


def _rows_like(sheet: Sheet, area: Area, before: Element | None) -> None:
    cells = {} if before is None else row_cells(before)
    looks = [(column, look) for column, cell in cells.items() if (look := cell.get("s")) not in (None, "0")]
    if len(looks) * area.height > MOST_LOOKS:
        return
    for number in area.rows() if looks else ():
        for column, look in looks:
            sheet.make_cell(number, column).set("s", look or "0")
        if number % 1_000 == 0:
            sheet.rows.settle()


def _columns_like(sheet: Sheet, area: Area) -> None:
    before = next((col for _, _, col in columns_of(sheet, area.left - 1, area.left - 1)), None)
    kept = (
        {name: before.get(name) for name in ("width", "customWidth", "style") if before.get(name)}
        if before is not None
        else {}
    )
    if kept and not any(col is not None for _, _, col in columns_of(sheet, area.left, area.left)):
        set_columns(sheet, area.left, area.right, kept)
    for number, row in sheet.rows.each(change=True):
        look = found.get("s") if (found := row_cells(row).get(area.left - 1)) is not None else None
        if look not in (None, "0"):
            for column in area.columns():
                put_cell(row, etree.Element(m("c"), {"s": look}), column)
        row.set("r", str(number))


def move_cells(job: Job, op: MoveCells) -> str:
    """Cut and paste; whole rows and columns make room where they go."""
    area, name = read_area(op.cells), job.book.entry(op.sheet).get("name", "")
    if area.whole_rows or area.whole_columns:
        return _move_lines(job, name, area, op)
    row, column = read_cell(op.to.partition(":")[0])
    to = area.moved(row - area.top, column - area.left)
    if to.bottom > LAST_ROW or to.right > LAST_COLUMN:
        raise ToolFault(f"{area} does not fit at {op.to}. Nothing was changed.")
    _check_empty(job, name, area, to)
    _move(job, job.book.sheet(name), Shift(name, moved(area, to), "rows", whole=False), _what(op))
    return f"{name}!{area} moved to {to}; references follow"


def moved(area: Area, to: Area) -> Where:
    """Where ranges are after one has been cut and pasted."""
    by = to.top - area.top, to.left - area.left

    def where(each: Area) -> Area | None:
        if each in area:
            return each.moved(*by)
        return None if each in to else each

    return where


def _check_empty(job: Job, name: str, area: Area, to: Area) -> None:
    sheet = job.book.sheet(name)
    there = sum(
        1
        for number, row in sheet.rows.each(to.top, to.bottom)
        for column, cell in row_cells(row).items()
        if to.has(number, column) and not area.has(number, column) and job.content(cell).kind != "empty"
    )
    if there:
        job.lose(f"{name}!{to} holds {there} cells that would be written over.")


def _move_lines(job: Job, name: str, area: Area, op: MoveCells) -> str:
    axis: Axis = "rows" if area.whole_rows else "columns"
    at = _line(op.to, axis)
    first, last = (area.top, area.bottom) if axis == "rows" else (area.left, area.right)
    count = last - first + 1
    if first <= at <= last + 1:
        return f"{name}: {area} is there already"
    sheet = job.book.sheet(name)
    _move(job, sheet, Shift(name, _permuted(axis, first, last, at), axis), _what(op))
    goes = at if at < first else at - count
    told = f"{goes}:{goes + count - 1}" if axis == "rows" else f"{letters(goes)}:{letters(goes + count - 1)}"
    return f"{name}: {area} moved to {told}; references follow"


def _line(text: str, axis: Axis) -> int:
    plain = text.strip().partition(":")[0]
    try:
        return int(plain) if axis == "rows" else read_cell(f"{plain}1")[1]
    except ValueError:
        raise ToolFault(f'{text!r} is no row; write where the rows go, like "9". Nothing was changed.') from None


def _permuted(axis: Axis, first: int, last: int, at: int) -> Where:
    """Lines `first` to `last` before line `at`: ranges follow where all of their ends do."""
    count = last - first + 1

    def line(number: int) -> int:
        if first <= number <= last:
            return number + (at - first if at < first else at - count - first)
        if at <= number < first:
            return number + count
        return number - count if last < number < at else number

    def where(area: Area) -> Area | None:
        if (axis == "rows" and area.whole_columns) or (axis == "columns" and area.whole_rows):
            return area
        low, high = (area.top, area.bottom) if axis == "rows" else (area.left, area.right)
        ends: tuple[int, int] | Literal[False] = (line(low), line(high))
        if ends[1] - ends[0] != high - low:
            ends = (low, high)  # it is not moved as a whole: it stays where it is
        return (
            Area(ends[0], area.left, ends[1], area.right)
            if axis == "rows"
            else Area(area.top, ends[0], area.bottom, ends[1])
        )

    return where
