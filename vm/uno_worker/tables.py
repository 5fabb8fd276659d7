"""Tables on slides: columns as wide as what they hold, a header that is told apart, numbers to the right."""

from __future__ import annotations

import re
from typing import Any

from .link import enum, struct, values

NUMBER = re.compile(r"[-–(]?[^\w\s]?\s?[\d.,'\u202f\xa0 ]*\d\s?(%|[^\w\s]|[A-Z]{3})?\)?")
LARGEST, SMALLEST = 18.0, 8.0  # points
LETTER = 0.62  # width of a letter, as a part of the size
WHITE, RULE, DARK = 0xFFFFFF, 0xC8CDD2, 0x2B3A4A
POINT = 35.28  # hundredths of a millimetre
FAMILIES = ("table", "cell")


def lay_out(document: Any, shape: Any, rows: list[list[str]], slide: Any) -> None:
    """Fill a new table, which has as many rows and columns as it needs. How it looks is a style, since whatever is said
    of one cell lays all of them out again."""
    table, width, height = shape.Model, shape.Size.Width, shape.Size.Height
    needs = [max(4, *(len(row[at]) if at < len(row) else 0 for row in rows)) + 2 for at in range(table.Columns.Count)]
    for at, need in enumerate(needs):
        table.Columns.getByIndex(at).Width = round(width * need / sum(needs))
    for at in range(table.Rows.Count):
        table.Rows.getByIndex(at).Height = round(height / table.Rows.Count)
    shape.TableTemplate = _style(document, _title_colour(slide))
    shape.UseFirstRowStyle, shape.UseBandingRowStyle = True, False
    fits = min(width / POINT / LETTER / sum(needs), height / POINT / table.Rows.Count / 1.9)
    _write(table, rows, max(SMALLEST, min(LARGEST, float(int(fits)))))
    shape.setSize(struct("awt.Size", Width=width, Height=height))  # rows have grown while their text was larger


def _write(table: Any, rows: list[list[str]], size: float) -> None:
    """Texts with their look at once, since each change lays the table out again."""
    plain: dict[str, Any] = {"CharHeight": size} if size < LARGEST else {}
    head = {"CharColor": WHITE, "CharWeight": 150.0}
    for at in range(max(map(len, rows))):
        texts = [row[at] if at < len(row) else "" for row in rows]
        number = any(NUMBER.fullmatch(text.strip()) for text in texts[1:])
        side = {"ParaAdjust": enum("style.ParagraphAdjust", "RIGHT")} if number else {}
        for down, text in enumerate(texts):
            look = values(**plain, **side, **({} if down else head))
            table.getCellByPosition(at, down).appendTextPortion(text, look)


def _style(document: Any, ground: int) -> Any:
    """A table style of thin rules, and a header of a colour; made where there is none yet."""
    tables, cells = (document.StyleFamilies.getByName(name) for name in FAMILIES)
    name = f"Rules {ground:06X}"
    if tables.hasByName(name):
        return tables.getByName(name)
    rule = struct("table.BorderLine2", Color=RULE, OuterLineWidth=18, LineWidth=18)
    body = {"FillStyle": enum("drawing.FillStyle", "NONE"), "BottomBorder": rule}
    head = {"FillStyle": enum("drawing.FillStyle", "SOLID"), "FillColor": ground}
    style = tables.createInstance()
    tables.insertByName(name, style)
    for part, look in (("body", body), ("first-row", head)):
        cell = cells.createInstance()
        cells.insertByName(f"{name} {part}", cell)
        cell.setParentStyle("default")
        for field, value in look.items():
            cell.setPropertyValue(field, value)
        style.replaceByName(part, cell)
    return style


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
