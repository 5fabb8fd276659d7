"""Operations carried out on a presentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office import opc
from agent.office.editing import Edited
from agent.office.materials import Materials
from agent.office.package import Package
from agent.office.slides import brand, charts, comments, content, footers, structure, tables, templates
from agent.office.slides.deck import Deck, oddities, open_deck
from agent.office.slides.measure import hints
from agent.tools.strict import Part

_DONE_BY: Mapping[str, Callable[[Deck, Any], str]] = {
    "add_slide": structure.add_slide,
    "add_outline": structure.add_outline,
    "delete_slides": structure.delete_slides,
    "move_slide": structure.move_slide,
    "duplicate_slide": structure.duplicate_slide,
    "set_slide": structure.set_slide,
    "set_text": content.set_text,
    "add_text": content.add_text,
    "add_picture": content.add_picture,
    "add_table": tables.add_table,
    "set_cells": tables.set_cells,
    "add_chart": charts.add_chart,
    "set_chart_data": charts.set_chart_data,
    "add_shape": content.add_shape,
    "set_shape": content.set_shape,
    "delete_shape": content.delete_shape,
    "set_notes": structure.notes,
    "add_comment": comments.add_comment,
    "replace_text": content.replace_text,
    "restyle": brand.restyle,
    "set_footers": footers.set_footers,
    "apply_template": templates.apply_template,
    "import_slides": structure.import_slides,
    "set_properties": content.set_properties,
}
_PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_HINTED = 30  # slides that are looked over after the change


def edit(package: Package, path: Path, operations: Sequence[Part], materials: Materials, *, begin: str) -> Edited:
    """Carry operations out on the package at `path`; nothing is written.

    Args:
        begin: "" for a file that is changed, "document" or "template" for one that something new begins as.

    Raises:
        ToolFault: one of them cannot be carried out; says which.
    """
    deck = open_deck(path, package.name, materials)
    before = opc.known(deck.package)
    untouched = {slide.part: slide._element for slide in deck.slides}
    if begin == "template":
        templates.emptied(deck)
    if begin:
        _as_presentation(deck)
    digests = {part: _digest(element) for part, element in untouched.items()}
    done = [_carry_out(deck, number, operation) for number, operation in enumerate(operations, 1)]
    return Edited(done, [*deck.notes, *_hints(deck, digests)], opc.difference(package, deck.package, before), deck.lost)


def _as_presentation(deck: Deck) -> None:
    """A template that something begins as is one no longer."""
    kind = deck.part._content_type  # its `content_type` would stay what it was when first asked for
    if ".template" in kind or ".slideshow" in kind:
        deck.part._content_type = _PRESENTATION


def _carry_out(deck: Deck, number: int, operation: Any) -> str:
    try:
        return f"{number}. {_DONE_BY[operation.do](deck, operation)}"
    except ToolFault as fault:
        raise ToolFault(f"operation {number} ({operation.do}): {_plain(str(fault))} Nothing was changed.") from None
    except oddities() as error:
        raise ToolFault(
            f"operation {number} ({operation.do}) cannot be carried out on what {deck.name} holds there "
            f"({type(error).__name__}: {error}). Nothing was changed."
        ) from error


def _plain(text: str) -> str:
    return text.removesuffix(" Nothing was changed.")


def _digest(element: Any) -> bytes:
    import hashlib

    from agent.office.xml import etree

    return hashlib.blake2b(etree.tostring(element), digest_size=16).digest()


def _hints(deck: Deck, before: Mapping[Any, bytes]) -> list[str]:
    """What does not look right on slides that are new or have changed."""
    changed = [slide for slide in deck.slides if before.get(slide.part) != _digest(slide._element)]
    found: list[str] = []
    for slide in changed[:_HINTED]:
        with suppress(*oddities()):  # of a slide that was damaged before
            found += [f"slide {deck.number(slide)}: {hint}" for hint in hints(deck, slide)]
    return found
