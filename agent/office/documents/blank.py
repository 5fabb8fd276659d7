"""The document to begin with where there is no template: A4, plain, and good to read."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from agent.office.documents.order import put
from agent.office.xml import Element, first, q, remove

_FONT: Final = "Arial"  # is everywhere, and is measured the same everywhere
_DARK: Final = "1F3A5F"
_HEADINGS: Final = {1: (16, 360, 120), 2: (13, 280, 80), 3: (11, 220, 60), 4: (10.5, 200, 60)}  # points, twentieths


def write_blank(path: Path) -> None:
    """Write one. Raises OSError."""
    path.write_bytes(_blank())


@cache
def _blank() -> bytes:
    import docx
    from docx.shared import Cm, Pt

    document: Any = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    for side in ("top", "bottom", "left", "right"):
        setattr(section, f"{side}_margin", Cm(2.5))
    _defaults(document.styles.element)
    normal = document.styles["Normal"]
    normal.font.size = Pt(10.5)
    normal.paragraph_format.space_after = Pt(6)
    normal.paragraph_format.line_spacing = 1.15
    for level in range(1, 10):
        _heading(document.styles[f"Heading {level}"], level)
    _title(document.styles["Title"])
    _caption(document.styles["Caption"])
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _defaults(styles: Element) -> None:
    look = first(styles, "w:docDefaults", "w:rPrDefault", "w:rPr")
    _font(look)


def _font(look: Element) -> None:
    if (old := first(look, "w:rFonts")) is not None:
        remove(old)
    put(look, "w:rFonts", {f"w:{name}": _FONT for name in ("ascii", "hAnsi", "eastAsia", "cs")})


def _heading(style: Any, level: int) -> None:
    from docx.shared import Pt, RGBColor

    size, before, after = _HEADINGS.get(level, (10.5, 180, 60))
    _font(style.element.get_or_add_rPr())
    style.font.size, style.font.bold, style.font.italic = Pt(size), True, False
    style.font.color.rgb = RGBColor.from_string(_DARK)
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before / 20), Pt(after / 20)


def _title(style: Any) -> None:
    from docx.shared import Pt, RGBColor

    _font(style.element.get_or_add_rPr())
    style.font.size, style.font.bold = Pt(26), True
    style.font.color.rgb = RGBColor.from_string(_DARK)
    settings = style.element.get_or_add_pPr()
    for border in settings.findall(q("w:pBdr")):
        settings.remove(border)
    style.paragraph_format.space_after = Pt(12)


def _caption(style: Any) -> None:
    from docx.shared import Pt, RGBColor

    style.font.size, style.font.bold, style.font.italic = Pt(9), False, True
    style.font.color.rgb = RGBColor.from_string("4A5563")
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(4), Pt(10)
