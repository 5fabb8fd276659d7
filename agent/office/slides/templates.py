"""A template: put under a deck, or begun with; and the blank deck to begin with where there is none."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office.slides import operations as do
from agent.office.slides.copying import Copier, add_master, drop_master, relations, scale
from agent.office.slides.deck import EMU, Deck, open_deck
from agent.office.slides.structure import delete_slides, set_layout, similar_layout
from agent.office.slides.themes import keep_theme, set_colours, set_fonts, theme_of
from agent.office.xml import add, each, first, make

WIDTH, HEIGHT = 12_192_000, 6_858_000  # EMU of a slide of 16:9
_COLOURS = {
    "dark1": "1F2933", "light1": "FFFFFF", "dark2": "1F3A5F", "light2": "EDF1F6", "accent1": "2A6DB0",
    "accent2": "E0803A", "accent3": "3B9A6D", "accent4": "C7A22E", "accent5": "7B5EA7", "accent6": "4BA3B5",
    "link": "1D5FA8",
}  # fmt: skip
_FONT = "Arial"  # is everywhere, and is measured the same everywhere
_BODY_SIZES = (24, 20, 18, 16, 16)
_MARGIN = 838_200


def apply_template(deck: Deck, operation: do.ApplyTemplate) -> str:
    """Masters, layouts and theme of another deck."""
    other = open_deck(deck.materials.decks[operation.template], operation.template, deck.materials)
    if not other.layouts:
        raise ToolFault(f"{operation.template} has no layouts to apply. Nothing was changed.")
    old = deck.masters
    resized = (deck.width, deck.height) != (other.width, other.height)
    slides = deck.slides
    matched = [similar_layout(other.layouts, slide.slide_layout) for slide in slides]
    copier = Copier(deck)
    for master in other.masters:
        add_master(deck, master, copier)
    if resized:
        _resize(deck, other, slides)
    for slide, layout in zip(slides, matched, strict=True):
        set_layout(slide, copier.copied[layout.part].slide_layout)
    for master in old:
        drop_master(deck, master)
    _relink_theme(deck)
    told = ", ".join(dict.fromkeys(layout.name for layout in matched))
    return f"{operation.template} applied to {len(slides)} slides ({told}); {len(old)} old masters taken out"


def _resize(deck: Deck, other: Deck, slides: list[Any]) -> None:
    factor = min(other.width / deck.width, other.height / deck.height)
    right, down = (other.width - deck.width * factor) / 2 * EMU, (other.height - deck.height * factor) / 2 * EMU
    for slide in slides:
        scale(slide._element, factor, right, down)
    size, model = (first(each.part._element, "p:sldSz") for each in (deck, other))
    size.attrib.clear()
    size.attrib.update(dict(model.attrib))
    deck.notes.append(
        f"slides are now {other.width:.1f}×{other.height:.1f} cm as in the template; shapes were scaled to {factor:.0%}"
    )


def _relink_theme(deck: Deck) -> None:
    """The presentation itself refers to the theme of its first master."""
    from pptx.opc.constants import RELATIONSHIP_TYPE

    kinds = [relation.reltype for relation in relations(deck.part).values()]
    if RELATIONSHIP_TYPE.THEME not in kinds and deck.masters:
        deck.part.relate_to(deck.masters[0].part.part_related_by(RELATIONSHIP_TYPE.THEME), RELATIONSHIP_TYPE.THEME)


def emptied(deck: Deck) -> None:
    """Take all slides out, as a template is begun with."""
    if count := len(deck.ids):
        delete_slides(deck, do.DeleteSlides(do="delete_slides", slides=list(range(1, count + 1))))
    for sections in deck.part._element.xpath('//*[local-name()="sectionLst"]'):
        sections.getparent().getparent().remove(sections.getparent())


@cache
def blank() -> bytes:
    """An empty deck of 16:9 with plain, good-looking masters."""
    from pptx import Presentation

    presentation: Any = Presentation()
    master = presentation.slide_masters[0]
    presentation.slide_width, presentation.slide_height = WIDTH, HEIGHT
    for owner in (master, *master.slide_layouts):
        _widen(owner)
    root = theme_of(master)
    set_colours(root, _COLOURS)
    set_fonts(root, _FONT, _FONT)
    keep_theme(master, root)
    _shape_master(master)
    for layout in master.slide_layouts:
        _shape_layout(layout)
    out = BytesIO()
    presentation.save(out)
    return out.getvalue()


def write_blank(path: Path) -> None:
    """The blank deck as a file. Raises OSError."""
    path.write_bytes(blank())


def _widen(owner: Any) -> None:
    """From 4:3: places and widths grow with the slide, heights stay."""
    for held in each(owner._element, "a:off"):
        held.set("x", str(round(int(held.get("x")) * WIDTH / 9_144_000)))
    for held in each(owner._element, "a:ext"):
        if held.get("cx"):
            held.set("cx", str(round(int(held.get("cx")) * WIDTH / 9_144_000)))


def _shape_master(master: Any) -> None:
    places = {"TITLE": (420_000, 1_000_000), "BODY": (1_620_000, 4_420_000)}
    for shape in master.placeholders:
        kind = str(shape.placeholder_format.type).partition(" ")[0]
        if kind in places:
            shape.left, shape.width = _MARGIN, WIDTH - 2 * _MARGIN
            shape.top, shape.height = places[kind]
    styles = first(master._element, "p:txStyles")
    title = first(styles, "p:titleStyle", "a:lvl1pPr")
    title.set("algn", "l")
    _size(title, 30, "tx2", bold=True)
    for level, size in enumerate(_BODY_SIZES, 1):
        _size(first(styles, "p:bodyStyle", f"a:lvl{level}pPr"), size, "tx1", bold=False)
    _add_line(master)


def _size(style: Any, size: int, colour: str, *, bold: bool) -> None:
    held = first(style, "a:defRPr")
    held.set("sz", str(size * 100))
    held.set("b", "1" if bold else "0")
    for clr in each(held, "a:schemeClr"):
        clr.set("val", colour)


def _add_line(master: Any) -> None:
    """A thin bar of the first accent colour at the left edge of the title."""
    tree = master.shapes._spTree
    shape = add(tree, "p:sp")
    tree.insert(2, shape)
    held = add(shape, "p:nvSpPr")
    add(held, "p:cNvPr", {"id": "90", "name": "Accent bar"})
    add(held, "p:cNvSpPr")
    add(held, "p:nvPr", {"userDrawn": "1"})
    properties = add(shape, "p:spPr")
    place = add(properties, "a:xfrm")
    add(place, "a:off", {"x": "0", "y": "560000"})
    add(place, "a:ext", {"cx": "180000", "cy": "720000"})
    add(add(properties, "a:prstGeom", {"prst": "rect"}), "a:avLst")
    add(add(properties, "a:solidFill"), "a:schemeClr", {"val": "accent1"})
    add(add(properties, "a:ln"), "a:noFill")


def _shape_layout(layout: Any) -> None:
    kind = layout._element.get("type")
    if kind in ("title", "secHead"):
        layout._element.set("showMasterSp", "0")
        _band(layout)
        _shape_title(layout)
    elif kind in ("twoObj", "twoTxTwoObj"):
        _columns(layout, 1_620_000 if kind == "twoObj" else None)


def _band(layout: Any) -> None:
    """Title slides stand on the dark colour of the theme."""
    slide = first(layout._element, "p:cSld")
    background = make(slide, "p:bg")
    properties = add(background, "p:bgPr")
    add(add(properties, "a:solidFill"), "a:schemeClr", {"val": "tx2"})
    add(properties, "a:effectLst")
    slide.insert(0, background)


def _shape_title(layout: Any) -> None:
    for shape in layout.placeholders:
        kind = str(shape.placeholder_format.type).partition(" ")[0]
        if kind not in ("TITLE", "CENTER_TITLE", "SUBTITLE", "BODY"):
            continue
        title = "TITLE" in kind and kind != "SUBTITLE"
        shape.left, shape.width = _MARGIN, WIDTH - 2 * _MARGIN
        shape.top, shape.height = (1_750_000, 1_650_000) if title else (3_560_000, 1_300_000)
        body = first(shape._element, "p:txBody")
        settings = first(body, "a:bodyPr")
        settings.set("anchor", "b" if title else "t")
        style = first(body, "a:lstStyle")
        for held in list(style):
            style.remove(held)
        level = add(style, "a:lvl1pPr", {"algn": "l", "marL": "0", "indent": "0"})
        add(level, "a:buNone")
        look = add(level, "a:defRPr", {"sz": "4000" if title else "2000", "b": "1" if title else "0", "cap": "none"})
        add(add(look, "a:solidFill"), "a:schemeClr", {"val": "bg1" if title else "bg2"})


def _columns(layout: Any, top: int | None) -> None:
    """Two columns with a gap between, as high as the master's text."""
    gap = 360_000
    width = (WIDTH - 2 * _MARGIN - gap) // 2
    for shape in layout.placeholders:
        index = shape.placeholder_format.idx
        if 1 <= index <= 4:
            right = index in ((2,) if top else (3, 4))
            shape.left, shape.width = _MARGIN + (width + gap if right else 0), width
            if top:
                shape.top, shape.height = top, 4_420_000
        for held in each(shape._element, "a:defRPr"):
            if 1 <= index <= 4 and held.get("sz"):
                held.set("sz", str(min(int(held.get("sz")), 2000)))
