"""Footers, slide numbers and dates at the bottom of slides."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from agent.office.slides import operations as do
from agent.office.slides.deck import Deck, placeholder
from agent.office.slides.texts import said, set_lines
from agent.office.xml import Element, add, first, make, q, remove


def set_footers(deck: Deck, operation: do.SetFooters) -> str:
    """Put them on slides, or take them away."""
    wanted = {"ftr": operation.footer, "dt": operation.date}
    wanted["sldNum"] = None if operation.numbers is None else "‹#›" if operation.numbers else ""
    done = 0
    for slide in deck.slides:
        title = slide.slide_layout._element.get("type") == "title"
        for kind, text in wanted.items():
            if text is not None:
                _set(slide, kind, text if operation.on_title_slides or not title else "")
        done += operation.on_title_slides or not title
    if operation.footer is not None:
        _tell_layouts(deck, operation.footer)
    return f"footers set on {done} of {len(deck.ids)} slides"


def _tell_layouts(deck: Deck, text: str) -> None:
    """The layouts in use say the same, as PowerPoint has it; LibreOffice takes the look of footers from there."""
    for layout in {slide.slide_layout.part: slide.slide_layout for slide in deck.slides}.values():
        for shape in layout.placeholders:
            if (placeholder(shape) or ("", 0))[0] == "ftr":
                _plain(first(shape._element, "p:txBody"), text)


def _set(slide: Any, kind: str, text: str) -> None:
    old = [shape for shape in slide.shapes if (placeholder(shape) or ("", 0))[0] == kind]
    if not text:
        for shape in old:
            remove(shape._element)
        return
    element = old[0]._element if old else _from_layout(slide, kind)
    if element is None:
        return
    body = first(element, "p:txBody")
    if kind == "sldNum":
        _number_field(body)
    else:
        _plain(body, text)


def _from_layout(slide: Any, kind: str) -> Element | None:
    """A placeholder like that of the layout, or of the master; it takes its place and look from there."""
    layout = slide.slide_layout
    for owner in (layout, layout.slide_master):
        for shape in owner.placeholders:
            if (placeholder(shape) or ("", 0))[0] == kind:
                return _clone(slide, shape, own_place=owner is not layout)
    return None


def _clone(slide: Any, shape: Any, *, own_place: bool) -> Element:
    element = deepcopy(shape._element)
    tree = slide.shapes._spTree
    element.xpath("./p:nvSpPr/p:cNvPr")[0].set("id", str(max(int(each) for each in tree.xpath("//p:cNvPr/@id")) + 1))
    if not own_place:
        properties = first(element, "p:spPr")
        for held in list(properties):
            properties.remove(held)
    style = first(element, "p:txBody", "a:lstStyle")
    if style is not None and not own_place:
        for held in list(style):
            style.remove(held)
    tree.append(element)
    return element


def _number_field(body: Element) -> None:
    paragraphs = body.findall(q("a:p"))
    for extra in paragraphs[1:]:
        remove(extra)
    if list(paragraphs[0].iter(q("a:fld"))):
        return
    for piece in paragraphs[0].findall(q("a:r")):
        remove(piece)
    field = make(paragraphs[0], "a:fld", {"id": "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}", "type": "slidenum"})
    add(field, "a:rPr", {"lang": "en-GB"})
    add(field, "a:t", text="‹#›")
    paragraphs[0].insert(1 if first(paragraphs[0], "a:pPr") is not None else 0, field)


def _plain(body: Element, text: str) -> None:
    for field in list(body.iter(q("a:fld"))):
        remove(field)
    if said(body.findall(q("a:p"))[0]) != text:
        set_lines(body, text)
