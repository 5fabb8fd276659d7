"""Text and look of shapes on slides, and what to look for on them."""

from __future__ import annotations

from typing import Any

from .link import colour, each, enum

Operation = dict[str, Any]
ALIGN = {"left": "LEFT", "centre": "CENTER", "right": "RIGHT", "justify": "BLOCK"}


def sought(holder: Any, operation: Operation) -> Any:
    """What to find, and to put in its place."""
    asked = holder.createReplaceDescriptor()
    asked.SearchString, asked.ReplaceString = operation["find"], operation["replace"]
    asked.SearchCaseSensitive, asked.SearchWords = operation["match_case"], operation["whole_words"]
    return asked


def words(text: str) -> list[str]:
    """To compare by."""
    return text.split()


def write(shape: Any, text: str) -> None:
    """Paragraphs, one a line, a leading tab for each level."""
    lines = text.split("\n")
    shape.setString("\n".join(line.lstrip("\t") for line in lines))
    for paragraph, line in zip(each(shape), lines, strict=False):
        level = len(line) - len(line.lstrip("\t"))
        if level and paragraph.PropertySetInfo.hasPropertyByName("NumberingLevel"):
            paragraph.NumberingLevel = level


def fill_table(table: Any, rows: list[list[str]], top: int, left: int) -> None:
    """Put texts into cells, which keep their look."""
    for down, row in enumerate(rows):
        for right, text in enumerate(row):
            table.getCellByPosition(left + right, top + down).setString(text)


def fill(shape: Any, fill: str | None, line: str | None) -> None:
    """Colours of a shape; "none" takes them away."""
    if fill is not None:
        shape.FillStyle = enum("drawing.FillStyle", "NONE" if fill == "none" else "SOLID")
        if fill != "none":
            shape.FillColor = colour(fill)
    if line is not None:
        shape.LineStyle = enum("drawing.LineStyle", "NONE" if line == "none" else "SOLID")
        if line != "none":
            shape.LineColor = colour(line)


def look(shape: Any, look: Operation | None) -> None:
    """Font, size and so on of all text of a shape."""
    if look is None:
        return
    told: dict[str, Any] = {
        "CharFontName": look["font"],
        "CharHeight": look["size"],
        "CharWeight": None if look["bold"] is None else 150.0 if look["bold"] else 100.0,
        "CharColor": None if look["colour"] is None else colour(look["colour"]),
        "CharPosture": None
        if look["italic"] is None
        else enum("awt.FontSlant", "ITALIC" if look["italic"] else "NONE"),
        "ParaAdjust": None if look["align"] is None else enum("style.ParagraphAdjust", ALIGN[look["align"]]),
    }
    for name, value in told.items():
        if value is not None:
            shape.setPropertyValue(name, value)
