"""Slides as a whole: added, from an outline, moved, copied, taken out, brought from another deck."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from agent.errors import ToolFault
from agent.office.slides import operations as do
from agent.office.slides.comments import comments_of
from agent.office.slides.copying import Copier, add_master, duplicate, insert, place, relate, relations, scale
from agent.office.slides.deck import EMU, Deck, open_deck, placeholder, shapes_of
from agent.office.slides.measure import shrink
from agent.office.slides.texts import body_of, clean, set_lines
from agent.office.xml import first

MOST_SLIDES = 1000  # added by one call
_BOTTOM = ("dt", "ftr", "sldNum")
_TITLE_LAYOUT = ("title slide", "titelfolie", "title")


@dataclass
class Draft:
    """A slide as an outline has it."""

    title: str = ""
    body: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    layout: str | None = None


def add_slide(deck: Deck, operation: do.AddSlide) -> str:
    """Add one slide."""
    draft = Draft(
        operation.title or "", (operation.body or "").split("\n") if operation.body else [], layout=operation.layout
    )
    draft.notes = [operation.notes] if operation.notes else []
    slide = _add(deck, draft, operation.at, first=not len(deck.ids))
    return f"slide {deck.number(slide)} added, layout {slide.slide_layout.name!r}: {_shapes(slide)}"


def _shapes(slide: Any) -> str:
    return ", ".join(f"#{shape.shape_id} {(placeholder(shape) or ('shape', 0))[0]}" for shape in slide.shapes)


def add_outline(deck: Deck, operation: do.AddOutline) -> str:
    """Add many slides."""
    drafts = parse_outline(operation.outline)
    at = operation.at or len(deck.ids) + 1
    empty = not len(deck.ids)
    slides = [_add(deck, draft, at + number, first=empty and number == 0) for number, draft in enumerate(drafts)]
    numbers = f"{deck.number(slides[0])} to {deck.number(slides[-1])}"
    return f"slides {numbers} added: " + "; ".join(draft.title for draft in drafts)[:1000]


def parse_outline(text: str) -> list[Draft]:
    """The slides of an outline.

    Raises:
        ToolFault: it has none, or too many.
    """
    drafts: list[Draft] = []
    for line in clean(text).split("\n"):
        if heading := re.match(r"#\s+(.*)", line):
            drafts.append(Draft(heading[1].strip()))
        elif line.strip():
            if not drafts:
                raise ToolFault('the outline must begin with "# Title" of its first slide. Nothing was changed.')
            _read_line(drafts[-1], line)
    if not 1 <= len(drafts) <= MOST_SLIDES:
        raise ToolFault(
            f'the outline has {len(drafts)} lines "# Title"; 1 to {MOST_SLIDES} slides. Nothing was changed.'
        )
    return drafts


def _read_line(draft: Draft, line: str) -> None:
    if layout := re.fullmatch(r"\s*\[layout:\s*(.+?)\s*\]\s*", line):
        draft.layout = layout[1]
    elif note := re.match(r"\s*>\s?(.*)", line):
        draft.notes.append(note[1])
    elif point := re.match(r"(\s*)[-*•]\s+(.*)", line):
        width = len(point[1].expandtabs(2))
        draft.body.append("\t" * min(width // 2, 8) + point[2].strip())
    else:
        draft.body.append(line.strip())


def _add(deck: Deck, draft: Draft, at: int | None, *, first: bool) -> Any:
    from pptx.opc.constants import CONTENT_TYPE
    from pptx.oxml.slide import CT_Slide
    from pptx.parts.slide import SlidePart

    if len(deck.ids) >= MOST_SLIDES * 5:
        raise ToolFault(f"{deck.name} has too many slides for another one. Nothing was changed.")
    layout = deck.layout(draft.layout) if draft.layout else _fitting(deck, draft, first=first)
    name = deck.package.next_partname("/ppt/slides/slide%d.xml")
    part = SlidePart(name, CONTENT_TYPE.PML_SLIDE, deck.package, CT_Slide.new())
    from pptx.opc.constants import RELATIONSHIP_TYPE

    part.relate_to(layout.part, RELATIONSHIP_TYPE.SLIDE_LAYOUT)
    slide = insert(deck, part, at)
    slide.shapes.clone_layout_placeholders(layout)
    _fill(deck, slide, draft)
    return slide


def _fitting(deck: Deck, draft: Draft, *, first: bool) -> Any:
    """The layout that suits what a slide holds."""
    wanted = ["title"] if first and len(draft.body) <= 3 else []
    wanted += ["obj", "tx"] if draft.body else ["titleOnly"] if draft.title else ["blank"]
    layouts = deck.layouts
    if not layouts:
        raise ToolFault(f"{deck.name} has no layouts, so no slide can be added. Begin with another template.")
    for kind in wanted:
        for layout in layouts:
            if layout._element.get("type") == kind or (kind == "title" and layout.name.casefold() in _TITLE_LAYOUT):
                return layout
    bodies = 1 if draft.body else 0
    return min(layouts, key=lambda layout: abs(_bodies(layout) - bodies))


def _bodies(layout: Any) -> int:
    return sum(1 for shape in layout.placeholders if (placeholder(shape) or ("", 0))[0] in ("body", "subtitle"))


def _fill(deck: Deck, slide: Any, draft: Draft) -> None:
    held = [(shape, kind[0]) for shape in shapes_of(slide) if (kind := placeholder(shape))]
    titles = [shape for shape, kind in held if kind == "title"]
    bodies = [shape for shape, kind in held if kind in ("body", "subtitle")]
    if draft.title and not titles:
        deck.notes.append(f"layout {slide.slide_layout.name!r} has no place for the title {draft.title!r}")
    if draft.body and not bodies:
        deck.notes.append(f"layout {slide.slide_layout.name!r} has no place for the body of {draft.title!r}")
    for shapes, text in ((titles, draft.title), (bodies, "\n".join(draft.body))):
        if text and shapes:
            set_lines(body_of(shapes[0]), text)
            shrunk(deck, slide, shapes[0])
    if draft.notes:
        set_notes(slide, "\n".join(draft.notes))


def shrunk(deck: Deck, slide: Any, shape: Any) -> None:
    """Let the text of a placeholder shrink where it is too much, and say so."""
    if placeholder(shape) and (percent := shrink(deck, shape)):
        deck.notes.append(f"slide {deck.number(slide)}: text of #{shape.shape_id} was shrunk to {percent} % to fit")


def set_notes(slide: Any, text: str) -> None:
    """Notes of a slide."""
    frame = slide.notes_slide.notes_text_frame
    if frame is None:
        raise ToolFault("the notes page of that slide has no place for text. Nothing was changed.")
    set_lines(frame._txBody, text)


def notes(deck: Deck, operation: do.SetNotes) -> str:
    """Set the notes."""
    slide = deck.slide(operation.slide)
    set_notes(slide, operation.text)
    return f"notes of slide {deck.number(slide)} set"


def delete_slides(deck: Deck, operation: do.DeleteSlides) -> str:
    """Take slides out."""
    gone = [deck.slide(number) for number in dict.fromkeys(operation.slides)]
    entries = {deck.part.related_part(entry.rId): entry for entry in deck.ids}
    for slide in gone:
        entry = entries[slide.part]
        _leave_sections(deck, entry.get("id"))
        deck.ids.remove(entry)
        for identity, relation in list(relations(deck.part).items()):
            if not relation.is_external and relation.target_part is slide.part:
                del relations(deck.part)[identity]
    if deck.last in gone:
        deck.last = None
    _unlink(deck, {slide.part for slide in gone})
    return f"{len(gone)} slides deleted, {len(deck.ids)} left"


def _leave_sections(deck: Deck, identity: str) -> None:
    for entry in deck.part._element.xpath(f'//*[local-name()="sectionLst"]//*[local-name()="sldId"][@id="{identity}"]'):
        entry.getparent().remove(entry)


def _unlink(deck: Deck, gone: set[Any]) -> None:
    """Links from other slides to what is gone would keep it in the file."""
    for slide in deck.slides:
        for identity, relation in list(relations(slide.part).items()):
            if relation.is_external or relation.target_part not in gone:
                continue
            for link in slide._element.xpath(f'//*[@r:id="{identity}"]'):
                link.getparent().remove(link)
            del relations(slide.part)[identity]


def move_slide(deck: Deck, operation: do.MoveSlide) -> str:
    """Move a slide."""
    slide = deck.slide(operation.slide)
    number = deck.number(slide)
    if not 1 <= operation.to <= len(deck.ids):
        raise ToolFault(f"a slide cannot be moved to place {operation.to}; there are {len(deck.ids)}.")
    place(deck.ids, deck.ids[number - 1], operation.to)
    return f"slide {number} is now slide {operation.to}"


def duplicate_slide(deck: Deck, operation: do.DuplicateSlide) -> str:
    """Copy a slide."""
    slide = deck.slide(operation.slide)
    number = deck.number(slide)
    copy = insert(deck, duplicate(deck, slide), operation.to or number + 1)
    _uncommented(deck, [slide])
    return f"slide {number} copied to slide {deck.number(copy)}"


def _uncommented(deck: Deck, slides: list[Any]) -> None:
    if any(comments_of(slide) for slide in slides):
        deck.notes.append("comments stay at the slide that they were made on; the copy has none")


def set_slide(deck: Deck, operation: do.SetSlide) -> str:
    """Layout and visibility."""
    slide = deck.slide(operation.slide)
    told: list[str] = []
    if operation.hidden is not None:
        slide._element.attrib.pop("show", None)
        if operation.hidden:
            slide._element.set("show", "0")
        told.append("hidden" if operation.hidden else "shown")
    if operation.layout is not None:
        set_layout(slide, deck.layout(operation.layout))
        told.append(f"layout {slide.slide_layout.name!r}")
    return f"slide {deck.number(slide)}: {', '.join(told) or 'nothing to set'}"


def set_layout(slide: Any, layout: Any) -> None:
    """Another layout for a slide. Its placeholders take the places of the layout's by kind; empty ones go."""
    for identity, relation in list(relations(slide.part).items()):
        if not relation.is_external and relation.reltype.endswith("/slideLayout"):
            relate(slide.part, identity, relation.reltype, layout.part)
    free = [(shape, held) for shape in layout.placeholders if (held := placeholder(shape)) and held[0] not in _BOTTOM]
    for shape in list(shapes_of(slide)):
        held = placeholder(shape)
        if held and held[0] not in _BOTTOM:
            _seat(shape, held, free)
    for shape, held in free:
        if held[0] in ("title", "body", "subtitle"):
            slide.shapes.clone_placeholder(shape)


def _seat(shape: Any, held: tuple[str, int], free: list[tuple[Any, tuple[str, int]]]) -> None:
    """Give a placeholder the layout's place that suits it, and take that from the free ones."""
    same = [each for each in free if each[1][0] == held[0]]
    near = [each for each in free if {each[1][0], held[0]} <= {"body", "subtitle", "picture"}]
    chosen = next((each for each in same if each[1][1] == held[1]), None) or next(iter(same or near), None)
    if chosen is None:
        if getattr(shape, "has_text_frame", False) and not shape.text_frame.text.strip():
            shape._element.getparent().remove(shape._element)
        return
    free.remove(chosen)
    mark, model = (each._element.xpath("./*[1]/p:nvPr/p:ph")[0] for each in (shape, chosen[0]))
    for name in list(mark.attrib):
        del mark.attrib[name]
    for name, value in model.attrib.items():
        mark.set(name, value)
    place_of = first(shape._element, "p:spPr", "a:xfrm")
    if place_of is not None:
        place_of.getparent().remove(place_of)


def make_room(deck: Deck, slide: Any) -> None:
    """A title slide on which something is put besides its title is none any longer."""
    if slide.slide_layout._element.get("type") != "title":
        return
    plain = [layout for layout in deck.layouts if layout._element.get("type") == "titleOnly"]
    subtitles = [shape for shape in slide.placeholders if (placeholder(shape) or ("", 0))[0] == "subtitle"]
    if plain and subtitles and not any(shape.text_frame.text.strip() for shape in subtitles):
        set_layout(slide, plain[0])


def import_slides(deck: Deck, operation: do.ImportSlides) -> str:
    """Bring slides of another deck."""
    other = open_deck(deck.materials.decks[operation.source], operation.source, deck.materials)
    chosen = [other.slide(number) for number in operation.slides] if operation.slides else other.slides
    copier = Copier(deck)
    factor = min(deck.width / other.width, deck.height / other.height)
    resized = abs(deck.width - other.width) + abs(deck.height - other.height) > 0.1
    shift = (deck.width - other.width * factor) / 2 * EMU, (deck.height - other.height * factor) / 2 * EMU
    _settle_notes(deck, other, copier)
    for number, slide in enumerate(chosen):
        _settle_layout(deck, slide, copier, (factor, *shift) if resized else None, keep_look=operation.keep_look)
        part = copier.copy(slide.part)
        if resized:
            scale(part._element, factor, *shift)
        insert(deck, part, operation.at + number if operation.at else None)
    _uncommented(deck, chosen)
    if resized:
        deck.notes.append(f"{operation.source} has another slide size; its shapes were scaled to {factor:.0%}")
    return f"{len(chosen)} slides of {operation.source} are now slides {_span(deck, len(chosen))}"


def _span(deck: Deck, count: int) -> str:
    last = deck.number(deck.last)
    return f"{last - count + 1} to {last}"


def _settle_notes(deck: Deck, other: Deck, copier: Copier) -> None:
    for relation in relations(other.part).values():
        if not relation.is_external and relation.reltype.endswith("/notesMaster"):
            copier.copied[relation.target_part] = deck.part.notes_master_part


def _settle_layout(
    deck: Deck, slide: Any, copier: Copier, change: tuple[float, float, float] | None, *, keep_look: bool
) -> None:
    """See to it that the slide's layout is to be had here."""
    layout = slide.slide_layout
    if layout.part in copier.copied:
        return
    if not keep_look:
        copier.copied[layout.part] = similar_layout(deck.layouts, layout).part
        return
    master = add_master(deck, layout.slide_master, copier)
    if change:
        for root in (master, *master.slide_layouts):
            scale(root._element, *change)


def similar_layout(layouts: list[Any], like: Any) -> Any:
    """The one that stands for another deck's layout: by name, by kind, by what it has places for."""
    named = [layout for layout in layouts if layout.name.casefold() == like.name.casefold()]
    kind = like._element.get("type")
    typed = [layout for layout in layouts if kind and layout._element.get("type") == kind]
    if named or typed:
        return (named or typed)[0]
    return min(layouts, key=lambda layout: abs(_bodies(layout) - _bodies(like)))
