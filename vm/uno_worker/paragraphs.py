"""Where paragraphs of an open text are, and how they look."""

from __future__ import annotations

from typing import Any

from .link import colour, each, enum, struct

Operation = dict[str, Any]
ALIGN = {"left": "LEFT", "centre": "CENTER", "right": "RIGHT", "justify": "BLOCK"}


def paragraph_at(cursor: Any) -> Any:
    """The one that a cursor is in."""
    return next(each(cursor))


def paragraph_look(told: Operation) -> list[tuple[str, Any]]:
    """Properties of a whole paragraph."""
    look: dict[str, Any] = {
        "ParaTopMargin": None if told["before"] is None else round(told["before"] * 2540 / 72),
        "ParaBottomMargin": None if told["after"] is None else round(told["after"] * 2540 / 72),
        "ParaLeftMargin": None if told["indent"] is None else round(told["indent"] * 1000),
    }
    if told["align"] is not None:
        look["ParaAdjust"] = enum("style.ParagraphAdjust", ALIGN[told["align"]])
    if told["line_spacing"] is not None:
        look["ParaLineSpacing"] = struct("style.LineSpacing", Mode=0, Height=round(told["line_spacing"] * 100))
    return [(name, value) for name, value in look.items() if value is not None]


def letters(told: Operation) -> list[tuple[str, Any]]:
    """Of words: font, size and so on."""
    look: dict[str, Any] = {
        "CharFontName": told["font"],
        "CharHeight": told["size"],
        "CharWeight": None if told["bold"] is None else 150.0 if told["bold"] else 100.0,
        "CharUnderline": None if told.get("underline") is None else int(told["underline"]),
        "CharColor": None if told["colour"] is None else colour(told["colour"]),
    }
    if told["italic"] is not None:
        look["CharPosture"] = enum("awt.FontSlant", "ITALIC" if told["italic"] else "NONE")
    return [(name, value) for name, value in look.items() if value is not None]
