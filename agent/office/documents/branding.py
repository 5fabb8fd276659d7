"""A document brought to a brand: its theme, its styles, and what runs set themselves."""

from __future__ import annotations

from typing import Any, Final

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.draft import Draft
from agent.office.documents.order import put
from agent.office.slides.texts import rgb
from agent.office.slides.themes import set_colours, set_fonts
from agent.office.xml import Element, each, first, local, parse, q, to_bytes

_HEADINGS: Final = ("title", "subtitle", "toc heading", *(f"heading {level}" for level in range(1, 10)))
_SYMBOLS: Final = ("Wingdings", "Symbol", "Webdings")


def restyle(draft: Draft, operation: do.Restyle) -> str:
    """Bring a document to a brand."""
    told: list[str] = []
    if all(getattr(operation, name) in (None, False) for name in type(operation).model_fields if name != "do"):
        raise ToolFault("restyle says nothing to change.")
    _theme(draft, operation)
    told.append(f"{_styles(draft, operation)} styles restyled")
    if operation.accent:
        told.append(f"{_accents(draft, rgb(operation.accent))} colours of tables and links set")
    if operation.hard_coded:
        fonts, colours = _under_styles(draft)
        told.append(f"{fonts} fonts and {colours} colours that runs set themselves taken away")
    return "; ".join(told)


def _theme(draft: Draft, operation: do.Restyle) -> None:
    for relation in draft.part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/theme"):
            part = relation.target_part
            root = parse(part.blob)
            set_fonts(root, operation.heading_font, operation.body_font)
            if operation.accent:
                set_colours(root, {"accent1": rgb(operation.accent)})
            part._blob = to_bytes(root)


def _styles(draft: Draft, operation: do.Restyle) -> int:
    """Defaults and styles; styles of headings and of text that say something else follow."""
    root = styles.root_of(draft)
    look = first(root, "w:docDefaults", "w:rPrDefault", "w:rPr")
    if look is not None:  # a colour of Normal itself would win over the white words of a table's marked header
        _set(look, operation.body_font, operation.text_colour, None)
    count = 0
    for style in root.findall(q("w:style")):
        held = first(style, "w:name")
        name = (held.get(q("w:val")) or "").casefold() if held is not None else ""
        if name in _HEADINGS:
            colour = operation.heading_colour
            count += _set(styles.part_of(style, "w:rPr"), operation.heading_font, colour, None)
        elif name == "normal":
            own = styles.part_of(style, "w:rPr")
            count += _set(own, operation.body_font, None, operation.body_size)
            count += styles.drop(own, "w:color") if operation.text_colour else 0
        elif style.get(q("w:type")) == "paragraph" and (own := first(style, "w:rPr")) is not None:
            count += _follow(own, operation)
    return count


def _set(look: Element, font: str | None, colour: str | None, size: float | None) -> int:
    asked = do.DefineStyle(
        do="define_style", name="", kind="paragraph", based_on=None, next=None, font=font, size=size, bold=None,
        italic=None, colour=colour, align=None, before=None, after=None, line_spacing=None, keep_with_next=None,
    )  # fmt: skip
    styles.set_look(look, asked)
    return int(any(value is not None for value in (font, colour, size)))


def _follow(look: Element, operation: do.Restyle) -> int:
    """A style of text with another font or colour takes those of the text; its size and weight stay."""
    changed = 0
    fonts = first(look, "w:rFonts")
    if operation.body_font and fonts is not None and fonts.get(q("w:ascii")) not in _SYMBOLS:
        changed += styles.drop(look, "w:rFonts")
    if operation.text_colour:
        changed += styles.drop(look, "w:color")
    return int(changed > 0)


def _accents(draft: Draft, colour: str) -> int:
    """Marked headers of table styles and of tables, and links."""
    count = 0
    for style in styles.root_of(draft).findall(q("w:style")):
        if style.get(q("w:type")) == "table":
            for mark in each(style, "w:tblStylePr"):
                count += _shade(mark, colour) if mark.get(q("w:type")) == "firstRow" else 0
        elif (held := first(style, "w:name")) is not None and held.get(q("w:val")) == "Hyperlink":
            styles.set_colour(styles.part_of(style, "w:rPr"), colour)
            count += 1
    for table in draft.body.iter(q("w:tbl")):
        row = first(table, "w:tr")
        count += _shade(row, colour) if row is not None else 0
    for link in draft.body.iter(q("w:hyperlink")):
        if link.get(q("r:id")):
            for look in link.iter(q("w:rPr")):
                put(look, "w:color", {"w:val": colour})
    return count


def _shade(root: Element, colour: str) -> int:
    """Grounds that are there take the colour; white and none stay."""
    count = 0
    for shade in root.iter(q("w:shd")):
        if (shade.get(q("w:fill")) or "auto") not in ("auto", "FFFFFF"):
            shade.set(q("w:fill"), colour)
            for theme in ("themeFill", "themeFillTint", "themeFillShade"):
                shade.attrib.pop(q(f"w:{theme}"), None)
            count += 1
    return count


def _under_styles(draft: Draft) -> tuple[int, int]:
    """Fonts and colours of runs go, so that those of their styles show."""
    fonts = colours = 0
    for _, root in draft.stories():
        for look in [held for held in root.iter(q("w:rPr")) if local(held.getparent()) in ("r", "pPr")]:
            held = first(look, "w:rFonts")
            if held is not None and held.get(q("w:ascii")) not in _SYMBOLS:
                fonts += styles.drop(look, "w:rFonts")
            if not _in_link(look) and not _on_ground(look):
                colours += styles.drop(look, "w:color")
    return fonts, colours


def _in_link(look: Element) -> bool:
    return next(look.iterancestors(q("w:hyperlink")), None) is not None


def _on_ground(look: Element) -> bool:
    """White words on a dark cell must stay white."""
    cell: Any = next(look.iterancestors(q("w:tc")), None)
    shade = first(cell, "w:tcPr", "w:shd") if cell is not None else None
    return shade is not None and (shade.get(q("w:fill")) or "auto") not in ("auto", "FFFFFF")
