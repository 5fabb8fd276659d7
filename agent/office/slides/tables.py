"""Tables on slides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from agent.errors import ToolFault
from agent.office.slides import operations as do
from agent.office.slides.content import content_box, name_shape, take_place
from agent.office.slides.deck import EMU, Deck, find_shape
from agent.office.slides.measure import width_of
from agent.office.slides.structure import make_room
from agent.office.slides.texts import set_lines
from agent.office.xml import q

MOST_ROWS, MOST_COLUMNS = 75, 25  # more cannot be read on a slide
_SIZES = (16, 14, 12, 11, 10, 9, 8)  # points, the largest that fits
_POINT = 2.54 / 72
_NUMBER = re.compile(r"[-–(]?[^\w\s]?\s?[\d.,'\u202f\xa0 ]*\d\s?(%|[^\w\s]|[A-Z]{3})?\)?")


def add_table(deck: Deck, operation: do.AddTable) -> str:
    """A table of rows, or of cells of a workbook."""
    slide = deck.slide(operation.slide)
    make_room(deck, slide)
    rows = rows_of(deck, operation.rows, operation.cells)
    box = deck.box(operation.box, content_box(deck, slide))
    widths, size, row = _measures(rows, box[2] / EMU, box[3] / EMU)
    frame = slide.shapes.add_table(len(rows), len(rows[0]), box[0], box[1], box[2], round(row * EMU * len(rows)))
    take_place(slide, operation.box)
    table = frame.table
    for column, width in zip(table.columns, widths, strict=True):
        column.width = round(width * EMU)
    _write(table, rows, size)
    if row * len(rows) > box[3] / EMU * 1.02:
        deck.notes.append(f"slide {deck.number(slide)}: the table is higher than its place; split it over two slides")
    told = f"{len(rows)}×{len(rows[0])}, {size} points"
    return f"slide {deck.number(slide)}: table {name_shape(frame, operation.name)} added, {told}"


def rows_of(deck: Deck, rows: Sequence[Sequence[str]] | None, cells: Any) -> list[list[str]]:
    """Rows of equal length. Raises ToolFault."""
    given = deck.materials.grids[cells].texts if cells is not None else rows
    if not given or not any(given):
        raise ToolFault("a table needs rows or cells. Nothing was changed.")
    width = max(len(row) for row in given)
    if len(given) > MOST_ROWS or width > MOST_COLUMNS:
        raise ToolFault(
            f"{len(given)}×{width} cells are too many for a slide ({MOST_ROWS}×{MOST_COLUMNS} at most). "
            "Nothing was changed; take fewer rows, or a chart."
        )
    return [[*row, *[""] * (width - len(row))] for row in given]


def _measures(rows: list[list[str]], width: float, height: float) -> tuple[list[float], int, float]:
    """Widths of the columns, size of the text and height of a row, in centimetres and points."""
    size = _SIZES[-1]
    row = 0.6
    for size in _SIZES:
        row = size * 1.2 * _POINT + 0.36
        needs = [max(width_of(line[column], size, bold=True) for line in rows) + 0.6 for column in range(len(rows[0]))]
        if row * len(rows) <= height and sum(needs) <= width:
            break
    needs = [max(width_of(line[column], size, bold=True) for line in rows) + 0.6 for column in range(len(rows[0]))]
    roomy = min(max((height / len(rows)), row), row * 1.5)
    return [need * width / sum(needs) for need in needs], size, roomy


def _write(table: Any, rows: list[list[str]], size: int) -> None:
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Pt

    numeric = [is_numeric([row[column] for row in rows[1:]]) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            cell = table.cell(number, column)
            set_lines(cell.text_frame._txBody, text)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            for paragraph in cell.text_frame.paragraphs:
                paragraph.font.size = Pt(size)
                if numeric[column]:
                    paragraph.alignment = PP_ALIGN.RIGHT


def is_numeric(texts: list[str]) -> bool:
    """Whether a column holds numbers, amounts or shares, and nothing else."""
    full = [text.strip() for text in texts if text.strip() not in ("", "-", "–")]
    return bool(full) and all(_NUMBER.fullmatch(text) for text in full)


def set_cells(deck: Deck, operation: do.SetCells) -> str:
    """Other texts for cells."""
    slide = deck.slide(operation.slide)
    shape = find_shape(slide, operation.shape)
    if not getattr(shape, "has_table", False):
        raise ToolFault(f"shape #{shape.shape_id} is no table. Nothing was changed.")
    table = shape.table
    wide = max((len(row) for row in operation.rows), default=0)
    if operation.row < 1 or operation.column < 1 or operation.column - 1 + wide > len(table.columns):
        raise ToolFault(f"the table has {len(table.rows)}×{len(table.columns)} cells; columns cannot be added here.")
    if operation.row - 1 + len(operation.rows) > MOST_ROWS * 2:
        raise ToolFault("that is too many rows for a slide. Nothing was changed.")
    added = 0
    while len(table.rows) < operation.row - 1 + len(operation.rows):
        _add_row(table)
        added += 1
    for down, row in enumerate(operation.rows):
        for across, text in enumerate(row):
            cell = table.cell(operation.row - 1 + down, operation.column - 1 + across)
            if cell.is_spanned and text.strip():
                raise ToolFault(
                    f"row {operation.row + down}, column {operation.column + across} is covered by a merged cell; "
                    "write into that, and leave this one empty."
                )
            set_lines(cell.text_frame._txBody, text)
    return f"slide {deck.number(slide)}: cells of #{shape.shape_id} set{f', {added} rows added' if added else ''}"


def _add_row(table: Any) -> None:
    last = table._tbl.findall(q("a:tr"))[-1]
    new = deepcopy(last)
    for held in list(new.iter("{http://schemas.microsoft.com/office/drawing/2014/main}rowId")):
        held.getparent().getparent().remove(held.getparent())
    last.addnext(new)
    for cell in table.rows[len(table.rows) - 1].cells:
        set_lines(cell.text_frame._txBody, "")
