"""How cells of an open workbook look."""

from __future__ import annotations

from typing import Any

from .link import colour, enum, struct

Operation = dict[str, Any]
WIDTHS = {"thin": 26, "medium": 53, "thick": 79, "hair": 2, "dotted": 26, "dashed": 26, "double": 53, "none": 0}
STYLES = {"dotted": 1, "dashed": 2, "double": 3}
ALIGN = {"general": "STANDARD", "left": "LEFT", "centre": "CENTER", "right": "RIGHT", "fill": "REPEAT",
         "justify": "BLOCK"}  # fmt: skip
VERTICAL = {"top": 1, "centre": 2, "bottom": 3, "justify": 4}


def cell_look(look: Operation) -> list[tuple[str, Any]]:
    """The properties of cells that need no more than a value."""
    told: dict[str, Any] = {
        "CharFontName": look["font"],
        "CharHeight": look["size"],
        "CharWeight": None if look["bold"] is None else 150.0 if look["bold"] else 100.0,
        "CharUnderline": None if look["underline"] is None else int(look["underline"]),
        "CharStrikeout": None if look["strike"] is None else int(look["strike"]),
        "CharColor": None if look["colour"] is None else colour(look["colour"]),
        "CellBackColor": None if look["fill"] is None else colour(look["fill"]),
        "VertJustify": None if look["vertical"] is None else VERTICAL[look["vertical"]],
        "IsTextWrapped": look["wrap"],
        "ParaIndent": None if look["indent"] is None else look["indent"] * 353,
        "RotateAngle": None if look["rotation"] is None else look["rotation"] % 360 * 100,
    }
    if look["italic"] is not None:
        told["CharPosture"] = enum("awt.FontSlant", "ITALIC" if look["italic"] else "NONE")
    if look["horizontal"] is not None:
        told["HoriJustify"] = enum("table.CellHoriJustify", ALIGN[look["horizontal"]])
    return [(name, value) for name, value in told.items() if value is not None]


def _line(kind: str, line_colour: str | None) -> Any:
    width = WIDTHS[kind]
    return struct(
        "table.BorderLine2", Color=colour(line_colour) if line_colour else 0, OuterLineWidth=width, LineWidth=width,
        LineStyle=STYLES.get(kind, 0) if width else 32767,
    )  # fmt: skip


def set_borders(area: Any, look: Operation) -> None:
    """Lines around cells."""
    ink = look["border_colour"]
    sides = ("TopBorder", "BottomBorder", "LeftBorder", "RightBorder")
    for field, names in (("borders", sides), ("top", sides[:1]), ("bottom", sides[1:2])):
        if look[field] is not None:
            for name in names:
                area.setPropertyValue(name, _line(look[field], ink))
    if look["outline"] is not None:
        line = _line(look["outline"], ink)
        table = area.TableBorder2
        for side in ("Top", "Bottom", "Left", "Right"):
            setattr(table, f"{side}Line", line)
            setattr(table, f"Is{side}LineValid", True)
        table.IsHorizontalLineValid = table.IsVerticalLineValid = False
        area.TableBorder2 = table
