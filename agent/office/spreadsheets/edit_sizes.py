"""Operations on widths and heights, on what is hidden and what is grouped."""

from __future__ import annotations

from agent.errors import ToolFault
from agent.office.spreadsheets.areas import set_columns
from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.edit_cells import check_rows
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.markup import children, m
from agent.office.spreadsheets.operations import Size
from agent.office.spreadsheets.shapes_of_numbers import about
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element

_WIDEST = 60.0  # characters of a column that is fitted to what is in it


def size(job: Job, op: Size) -> str:
    """Widths, heights, what is hidden and what is grouped."""
    sheet, area = job.book.sheet(op.sheet), read_area(op.cells)
    if area.whole_rows:
        _size_rows(sheet, area, op)
    elif area.whole_columns:
        _size_columns(job, sheet, area, op)
    else:
        raise ToolFault(f'{op.cells}: only whole columns ("A:C") and rows ("2:9") have a size. Nothing was changed.')
    return f"{op.sheet}!{op.cells} sized"


def _size_rows(sheet: Sheet, area: Area, op: Size) -> None:
    check_rows(area)
    for number in area.rows():
        row = sheet.rows.make(number)
        if op.size is not None:
            row.set("ht", f"{op.size:g}")
            row.set("customHeight", "1")
        if op.fit:
            for name in ("ht", "customHeight"):
                row.attrib.pop(name, None)
        _hide_and_group(row, op)
        if number % 1_000 == 0:
            sheet.rows.settle()


def _hide_and_group(element: Element, op: Size) -> None:
    if op.hidden is not None:
        element.set("hidden", "1" if op.hidden else "0")
    if op.group is not None:
        element.set("outlineLevel", str(max(0, min(7, op.group))))


def _size_columns(job: Job, sheet: Sheet, area: Area, op: Size) -> None:
    changes: dict[str, str] = {}
    if op.hidden is not None:
        changes["hidden"] = "1" if op.hidden else "0"
    if op.group is not None:
        changes["outlineLevel"] = str(max(0, min(7, op.group)))
    if op.size is not None:
        changes |= {"width": f"{op.size:g}", "customWidth": "1"}
    if changes:
        set_columns(sheet, area.left, area.right, changes)
    if op.fit:
        for column, width in _widths(job, sheet, area).items():
            set_columns(sheet, column, column, {"width": f"{width:g}", "customWidth": "1", "bestFit": "1"})


def _widths(job: Job, sheet: Sheet, area: Area) -> dict[int, float]:
    """How wide columns must be for what is in them, in characters; merged cells do not count."""
    widths: dict[int, float] = {}
    merged = [read_area(each.get("ref", "A1")) for each in children(sheet.frame.find(m("mergeCells")), "mergeCell")]
    for number, row in sheet.rows.each():
        for column, cell in row_cells(row).items():
            if area.left <= column <= area.right and not any(each.has(number, column) for each in merged):
                longest = max((len(line) for line in _shown(job, cell).split("\n")), default=0)
                widths[column] = max(widths.get(column, 0), min(_WIDEST, longest * 1.1 + 2))
    return widths


def _shown(job: Job, cell: Element) -> str:
    """About what a cell shows: numbers as their format makes them."""
    text, code = job.text(cell), job.book.styles.format_of(int(cell.get("s") or 0))
    value = job.value(cell)
    if value.kind == "number" and code not in ("General", "@"):
        return about(float(value.value or 0), code, text)
    return text
