"""Looks of cells in words."""

from __future__ import annotations

from agent.office.spreadsheets.markup import m
from agent.office.spreadsheets.styles import Styles
from agent.office.xml import Element, local


def describe(styles: Styles, index: int) -> str:
    """A look: "Calibri 11 bold FFFFFF, fill accent1, #,##0.00, centred"."""
    xf = styles.xf(index)
    parts = [
        _font(styles.part(index, "font")),
        _fill(styles.part(index, "fill")),
        _border(styles.part(index, "border")),
    ]
    parts.append(styles.format_of(index))
    if (name := styles.style_name(index)) != "Normal":
        parts.insert(0, f"style {name}")
    alignment = xf.find(m("alignment"))
    if alignment is not None:
        parts += [f"{name} {value}" for name, value in alignment.attrib.items()]
    protection = xf.find(m("protection"))
    if protection is not None and protection.get("locked") == "0":
        parts.append("unlocked")
    return ", ".join(part for part in parts if part)


def _font(font: Element | None) -> str:
    if font is None:
        return ""
    told = {local(each): each for each in font}
    words = [told["name"].get("val", "")] if "name" in told else []
    words += [told["sz"].get("val", "")] if "sz" in told else []
    for tag, word in (("b", "bold"), ("i", "italic"), ("u", "underlined"), ("strike", "struck out")):
        if tag in told and told[tag].get("val") not in ("0", "false", "none"):
            words.append(word)
    return " ".join([*words, _colour(told.get("color"))]).strip()


def _fill(fill: Element | None) -> str:
    pattern = None if fill is None else fill.find(m("patternFill"))
    if pattern is None or pattern.get("patternType") in (None, "none"):
        return ""
    return f"fill {_colour(pattern.find(m('fgColor'))) or pattern.get('patternType')}"


def _border(border: Element | None) -> str:
    sides = [] if border is None else [f"{local(each)} {each.get('style')}" for each in border if each.get("style")]
    return f"border {', '.join(sides)}" if sides else ""


def _colour(colour: Element | None) -> str:
    if colour is None:
        return ""
    if colour.get("rgb"):
        return colour.get("rgb")[-6:]
    if colour.get("theme"):
        names = ("light1", "dark1", "light2", "dark2", *(f"accent{n}" for n in range(1, 7)))
        number = int(colour.get("theme"))
        tint = f" {float(colour.get('tint')):+.0%}" if colour.get("tint") else ""
        return (names[number] if number < len(names) else f"theme {number}") + tint
    return ""
