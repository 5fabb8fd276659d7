"""Cell styles that every spreadsheet program knows, whether or not a workbook uses them yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.office.spreadsheets.markup import MAIN
from agent.office.xml import Element, etree


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One of them: its font, fill and border as elements of the styles part."""

    name: str
    number: int
    number_format: str
    elements: Mapping[str, Element]


def built_in(name: str) -> BuiltIn | None:
    """By name, in whatever capitals."""
    from openpyxl.styles import builtins

    known: dict[str, Any] = builtins.styles
    wanted = name.casefold().replace("heading", "headline")  # the library's own name for them
    found = next((style for each, style in known.items() if each.casefold() == wanted), None)
    if found is None:
        return None
    elements = {kind: _element(getattr(found, kind), kind) for kind in ("font", "fill", "border")}
    return BuiltIn(
        str(found.name).replace("Headline", "Heading"),
        int(found.builtinId or 0),
        str(found.number_format or "General"),
        elements,
    )


def _element(part: Any, kind: str) -> Element:
    from openpyxl.xml import functions

    library: Any = functions
    text = str(library.tostring(part.to_tree(kind)), "utf-8")
    if MAIN not in text:
        text = text.replace(f"<{kind}", f'<{kind} xmlns="{MAIN}"', 1)
    return etree.fromstring(text)
