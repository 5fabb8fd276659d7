"""Themes of masters: their colours and fonts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agent.office.slides.deck import Deck, theme_part
from agent.office.xml import Element, add, first, parse, q, remove, to_bytes

SLOTS = {
    "dark1": "dk1", "light1": "lt1", "dark2": "dk2", "light2": "lt2", "accent1": "accent1", "accent2": "accent2",
    "accent3": "accent3", "accent4": "accent4", "accent5": "accent5", "accent6": "accent6", "link": "hlink",
}  # fmt: skip


def theme_of(master: Any) -> Element | None:
    """The root of a master's theme."""
    part = theme_part(master)
    return None if part is None else parse(part.blob)


def keep_theme(master: Any, root: Element) -> None:
    """Put a theme that was changed back."""
    theme_part(master)._blob = to_bytes(root)


def colours_of(root: Element | None) -> dict[str, str]:
    """ "RRGGBB" by the names that the tool gives them."""
    found: dict[str, str] = {}
    scheme = None if root is None else first(root, "a:themeElements", "a:clrScheme")
    for name, slot in SLOTS.items():
        held = None if scheme is None else first(scheme, f"a:{slot}")
        if held is not None and len(held):
            found[name] = (held[0].get("lastClr") or held[0].get("val") or "").upper()
    return found


def fonts_of(root: Element | None) -> tuple[str, str]:
    """Fonts of headings and of text."""
    fonts = None if root is None else first(root, "a:themeElements", "a:fontScheme")
    if fonts is None:
        return "", ""
    heading, body = (first(fonts, tag, "a:latin") for tag in ("a:majorFont", "a:minorFont"))
    return ("" if each is None else each.get("typeface") or "" for each in (heading, body))  # pyright: ignore[reportReturnType]


def set_colours(root: Element, colours: Mapping[str, str]) -> None:
    """Colours of a theme, "RRGGBB" by name."""
    scheme = first(root, "a:themeElements", "a:clrScheme")
    for name, value in colours.items():
        held = None if scheme is None else first(scheme, f"a:{SLOTS[name]}")
        if held is not None:
            for old in list(held):
                held.remove(old)
            add(held, "a:srgbClr", {"val": value})


def set_fonts(root: Element, heading: str | None, body: str | None) -> None:
    """Fonts of a theme; those for single scripts would win over them, and go."""
    for tag, font in (("a:majorFont", heading), ("a:minorFont", body)):
        held = first(root, "a:themeElements", "a:fontScheme", tag)
        if font and held is not None:
            first(held, "a:latin").attrib.clear()
            first(held, "a:latin").set("typeface", font)
            for script in held.findall(q("a:font")):
                if script.get("script") in ("Grek", "Cyrl"):
                    remove(script)


def roots_of(deck: Deck, *, slides: bool = True) -> Iterator[tuple[Any, Element]]:
    """Masters, layouts and slides, and their XML."""
    for each in [*deck.masters, *deck.layouts, *(deck.slides if slides else [])]:
        yield each, each._element
