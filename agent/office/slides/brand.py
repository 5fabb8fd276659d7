"""A deck brought to a brand: its themes, its masters and layouts, and what hard-codes something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from agent.errors import ToolFault
from agent.office.slides import operations as do
from agent.office.slides.deck import EMU, Deck, run_properties, set_alt
from agent.office.slides.hard_coded import clear_grounds, follow_master, nearest
from agent.office.slides.texts import colour_element, rgb, set_run_colour
from agent.office.slides.themes import colours_of, keep_theme, roots_of, set_colours, set_fonts, theme_of
from agent.office.xml import Element, add, each, first, make, q, remove

_LOGO = "Brand logo"
_LEVELS = 9
_STEP = 0.9  # each level of text is smaller by this much, down to 12 points
_SMALLEST = 12.0
_GREY = 0.16  # of saturation, below which a colour counts as a grey


@dataclass
class Tally:
    """What was brought under the theme."""

    fonts: int = 0
    colours: int = 0
    mapped: dict[str, str] = field(default_factory=dict[str, str])


def restyle(deck: Deck, operation: do.Restyle) -> str:
    """Bring a deck to a brand."""
    given = operation.colours.model_dump(exclude_none=True) if operation.colours else {}
    colours = {name: rgb(value) for name, value in given.items()}
    if operation.background:
        clear_grounds(deck)
    before = _theme_colours(deck)
    for master in deck.masters:
        _restyle_theme(master, operation, colours)
    tally = _under_theme(deck, before) if operation.hard_coded else None
    for master in deck.masters:
        _restyle_master(master, operation)
    told = [f"{len(deck.masters)} masters and {len(deck.layouts)} layouts restyled"]
    if operation.logo:
        told.append(_put_logos(deck, operation))
    if tally is not None:
        told.append(_told(tally))
    return "; ".join(told)


def _restyle_theme(master: Any, operation: do.Restyle, colours: Mapping[str, str]) -> None:
    root = theme_of(master)
    if root is None:
        return
    set_colours(root, colours)
    set_fonts(root, operation.heading_font, operation.body_font)
    keep_theme(master, root)


def _restyle_master(master: Any, operation: do.Restyle) -> None:
    if operation.background:
        _set_background(master, operation.background)
    styles = first(master._element, "p:txStyles")
    if styles is None:
        return
    _restyle_levels(first(styles, "p:titleStyle"), operation.title_colour, operation.title_size, "+mj-lt")
    _restyle_levels(first(styles, "p:bodyStyle"), operation.text_colour, operation.body_size, "+mn-lt")
    for layout in master.slide_layouts:
        _follow_master(layout, operation)


def _set_background(master: Any, colour: str) -> None:
    slide = first(master._element, "p:cSld")
    if (old := first(slide, "p:bg")) is not None:
        remove(old)
    background = make(slide, "p:bg")
    properties = add(background, "p:bgPr")
    properties.append(colour_element(properties, colour))
    add(properties, "a:effectLst")
    slide.insert(0, background)


def _restyle_levels(style: Element | None, colour: str | None, size: float | None, font: str) -> None:
    if style is None:
        return
    now = size
    for level in range(1, _LEVELS + 1):
        held = first(style, f"a:lvl{level}pPr", "a:defRPr")
        if held is None:
            continue
        if colour:
            set_run_colour(held, colour)
        if now:
            held.set("sz", str(round(now) * 100))
            now = max(now * _STEP, min(_SMALLEST, now))
        if (latin := first(held, "a:latin")) is not None:
            latin.attrib.clear()
            latin.set("typeface", font)


def _follow_master(layout: Any, operation: do.Restyle) -> None:
    """Titles and text of layouts take the colour of the master, unless they stand on a ground of their own."""
    if first(layout._element, "p:cSld", "p:bg") is not None:
        return
    for shape in layout.placeholders:
        style = first(shape._element, "p:txBody", "a:lstStyle")
        title = "TITLE" in str(shape.placeholder_format.type)
        colour = operation.title_colour if title else operation.text_colour
        if style is None or not colour:
            continue
        for held in each(style, "a:defRPr"):
            for fill in held.findall(q("a:solidFill")):
                held.remove(fill)


def _put_logos(deck: Deck, operation: do.Restyle) -> str:
    image = deck.materials.pictures[operation.logo or ""]
    corner = operation.logo_corner or "top_right"
    height = deck.height * 0.075
    width = height * image.width / image.height
    if width > deck.width * 0.22:
        width, height = deck.width * 0.22, deck.width * 0.22 * image.height / image.width
    margin = deck.height * 0.035
    left = margin if corner.endswith("left") else deck.width - width - margin
    top = margin if corner.startswith("top") else deck.height - height - margin
    for master in deck.masters:
        for owner in (
            master,
            *(layout for layout in master.slide_layouts if layout._element.get("showMasterSp") == "0"),
        ):
            _put_logo(owner, image.data, (left, top, width, height))
        _make_room(deck, master, corner, left, top + height)
    return f"logo on {len(deck.masters)} masters, {corner.replace('_', ' ')}"


def _put_logo(owner: Any, data: bytes, place: tuple[float, float, float, float]) -> None:
    for old in [shape for shape in owner.shapes if shape.name == _LOGO]:
        remove(old._element)
    part, identity = owner.part.get_or_add_image_part(BytesIO(data))
    tree = owner.shapes._spTree
    number = max((int(found) for found in tree.xpath("//p:cNvPr/@id")), default=1) + 1
    tree.add_pic(number, _LOGO, part.desc, identity, *(round(value * EMU) for value in place))
    set_alt(next(shape for shape in owner.shapes if shape.name == _LOGO), "Logo")


def _make_room(deck: Deck, master: Any, corner: str, left: float, bottom: float) -> None:
    """Titles end before a logo in the top right corner."""
    if corner != "top_right":
        return
    for owner in (master, *master.slide_layouts):
        for shape in owner.placeholders:
            if "TITLE" not in str(shape.placeholder_format.type) or first(shape._element, "p:spPr", "a:xfrm") is None:
                continue
            right = (shape.left + shape.width) / EMU
            if shape.top / EMU < bottom and right > left - 0.3 and left - 0.3 - shape.left / EMU > deck.width / 3:
                shape.width = round((left - 0.3) * EMU) - shape.left


def _theme_colours(deck: Deck) -> dict[str, str]:
    return colours_of(theme_of(deck.masters[0])) if deck.masters else {}


def _under_theme(deck: Deck, before: Mapping[str, str]) -> Tally:
    """Fonts and colours that are written out become those of the theme; `before` are the colours that it had."""
    tally = Tally(colours=sum(follow_master(slide._element) for slide in deck.slides))
    roots = [root for _, root in roots_of(deck)] + _chart_roots(deck)
    tally.mapped = _mapping(roots, before, _theme_colours(deck))
    for root in roots:
        for held in run_properties(root):
            tally.fonts += _font_under(held)
        for colour in each(root, "a:srgbClr"):
            if (slot := tally.mapped.get((colour.get("val") or "").upper())) is not None:
                colour.tag = q("a:schemeClr")
                colour.set("val", slot)
                tally.colours += 1
    return tally


def _chart_roots(deck: Deck) -> list[Element]:
    found: list[Element] = []
    for slide in deck.slides:
        found += [shape.chart._chartSpace for shape in slide.shapes if getattr(shape, "has_chart", False)]
    return found


def _font_under(held: Element) -> int:
    latin = first(held, "a:latin")
    if latin is None or (latin.get("typeface") or "").startswith("+"):
        return 0
    if (latin.get("typeface") or "") in ("Wingdings", "Symbol", "Webdings"):
        return 0
    title = held.xpath('ancestor::p:sp[1]/p:nvSpPr/p:nvPr/p:ph[@type="title" or @type="ctrTitle"]')
    latin.attrib.clear()
    latin.set("typeface", "+mj-lt" if title else "+mn-lt")
    return 1


def _mapping(roots: list[Element], before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The theme's colour for each that is written out: what the theme had keeps its name there, greys go by lightness,
    the others by likeness, those first that are used most."""
    counted = Counter(
        (colour.get("val") or "").upper() for root in roots for colour in each(root, "a:srgbClr")
        if not colour.xpath("ancestor::a:gradFill | ancestor::a:effectLst")
    )  # fmt: skip
    known = {value: _scheme_name(name) for name, value in before.items() if name != "link"}
    found: dict[str, str] = {}
    rest: list[str] = []
    for value, _ in counted.most_common():
        if (grey := _grey(value)) is not None:
            found[value] = "bg1" if grey > 0.93 else "bg2" if grey > 0.75 else "tx2" if grey > 0.3 else "tx1"
        elif value in known:
            found[value] = known[value]
        elif len(value) == 6:
            rest.append(value)
    colourful = {_scheme_name(name): value for name, value in now.items() if "accent" in name or name == "dark2"}
    return found | nearest(rest, colourful)


def _scheme_name(name: str) -> str:
    return {"dark1": "tx1", "light1": "bg1", "dark2": "tx2", "light2": "bg2", "link": "hlink"}.get(name, name)


def _grey(value: str) -> float | None:
    """Lightness from 0 to 1 of a grey; None of what has a colour."""
    try:
        red, green, blue = (int(value[index : index + 2], 16) / 255 for index in (0, 2, 4))
    except ValueError:
        return None
    high, low = max(red, green, blue), min(red, green, blue)
    lightness = (high + low) / 2
    return lightness if high - low < _GREY or lightness < 0.1 else None


def _told(tally: Tally) -> str:
    if not tally.fonts and not tally.colours:
        return "nothing was hard-coded"
    pairs = ", ".join(f"{old} → {new}" for old, new in list(tally.mapped.items())[:12])
    return f"{tally.fonts} hard-coded fonts and {tally.colours} colours put under the theme ({pairs})"


def check(operation: do.Restyle) -> None:
    """Whether there is anything to do. Raises ToolFault."""
    if not operation.model_fields_set - {"do"} or all(
        getattr(operation, name) in (None, False) for name in type(operation).model_fields if name != "do"
    ):
        raise ToolFault("restyle says nothing to change. Nothing was changed.")
