"""Tables on slides: columns as wide as what they hold, a header that is told apart, numbers to the right."""

from __future__ import annotations

import re
from typing import Any

from .link import enum, struct
from .shapes import fill_table

NUMBER = re.compile(r"[-–(]?[^\w\s]?\s?[\d.,'\u202f\xa0 ]*\d\s?(%|[^\w\s]|[A-Z]{3})?\)?")
LARGEST, SMALLEST = 18.0, 8.0  # points
LETTER = 0.62  # width of a letter, as a part of the size
WHITE, RULE, DARK = 0xFFFFFF, 0xC8CDD2, 0x2B3A4A
MOST_CELLS = 150  # that are given a look of their own; more take long
POINT = 35.28  # hundredths of a millimetre


def lay_out(document: Any, shape: Any, rows: list[list[str]], slide: Any) -> None:
    """Fill a new table, which has as many rows and columns as it needs."""
    document.lockControllers()  # it would be drawn again for each cell
    try:
        _dress(shape, rows, slide)  # while there is no text, since each change lays all of it out
        fill_table(shape.Model, rows, 0, 0)
    finally:
        document.unlockControllers()


def _dress(shape: Any, rows: list[list[str]], slide: Any) -> None:
    table, width, height = shape.Model, shape.Size.Width, shape.Size.Height
    needs = [max(4, *(len(row[at]) if at < len(row) else 0 for row in rows)) + 2 for at in range(table.Columns.Count)]
    for at, need in enumerate(needs):
        table.Columns.getByIndex(at).Width = round(width * need / sum(needs))
    for at in range(table.Rows.Count):
        table.Rows.getByIndex(at).Height = round(height / table.Rows.Count)
    shape.UseFirstRowStyle = shape.UseBandingRowStyle = True
    if table.Rows.Count * table.Columns.Count > MOST_CELLS:
        return
    fits = min(width / POINT / LETTER / sum(needs), height / POINT / table.Rows.Count / 1.9)
    size, header = max(SMALLEST, min(LARGEST, float(int(fits)))), _title_colour(slide)
    for right in range(len(needs)):
        number = any(NUMBER.fullmatch(row[right].strip()) for row in rows[1:] if right < len(row))
        for down in range(len(rows)):
            cell = table.getCellByPosition(right, down)
            if size < LARGEST:
                cell.CharHeight = size
            if number:
                cell.ParaAdjust = enum("style.ParagraphAdjust", "RIGHT")
            _paint(cell, header if down == 0 else None)


def _paint(cell: Any, ground: int | None) -> None:
    cell.FillStyle = enum("drawing.FillStyle", "NONE" if ground is None else "SOLID")
    if ground is None:
        cell.BottomBorder = struct("table.BorderLine2", Color=RULE, OuterLineWidth=18, LineWidth=18)
    else:
        cell.FillColor, cell.CharColor, cell.CharWeight = ground, WHITE, 150.0


def _title_colour(slide: Any) -> int:
    """The colour of the slide's title, where white can be read on it."""
    for at in range(slide.Count):
        shape = slide.getByIndex(at)
        if shape.ShapeType.endswith("TitleTextShape"):
            colour = int(shape.CharColor)
            red, green, blue = colour >> 16 & 255, colour >> 8 & 255, colour & 255
            if colour >= 0 and 0.3 * red + 0.59 * green + 0.11 * blue < 140:
                return colour
    return DARK
