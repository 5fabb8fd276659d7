"""Ten slides of an outline, in the look of the house."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pptx import Presentation

from tests.jobs.house import boxes, house, opened, parts_of, said
from tests.jobs.job import Check, Job
from tests.jobs.looking import Pages, astray, ink, printed

OUTLINE = """\
# A library card for everyone
Kick-off of the new lending system
Aino Virtanen and Søren Åkerlund, 12 May 2026

# Part 1: Where we are

# Why now
- The old system is no longer looked after from January 2027
- Readers ask for one card in all 14 branches
  - 61 % of them use more than one branch
  - Lost cards cost us €18,400 a year
- Staff type every loan twice, in Ťažký’s register and in ours
Say: Begin with the story of the reader who had five cards.
Say: Then the figures.

# What readers told us
- “I never know in which branch my book is.”
- “Why can’t I pay by phone?”
- “Opening hours should be where the search is.”

# Old and new
| Today
- Five systems, five cards
- Letters by post
- Reports by hand, once a year
| From 2027
- One system, one card
- Messages by phone or e-mail
- Reports every night
Say: Do not speak about the costs here.

# Part 2: How we get there

# Three steps
- Move the catalogue
  - 412,000 titles, 38,000 without a number
  - Duplicates are merged by Ngọc Ánh’s team
- Train all 96 colleagues
  - Two mornings each, branch by branch
- Open the new desk
Say: Ask who would like to be the first branch.

# When
- May to August 2026: catalogue
- September to November 2026: training
- 7 December 2026: the first branch opens with it
- 1 March 2027: all branches

# What it costs
- Licences: €64,000 a year
- Moving the data: €112,500 once
- Training: €38,200 once
- Saved from 2028 on: €97,000 a year
Say: The city has agreed to the first two.

# What we need from you
- A name for the card
- One volunteer per branch until Friday
- Your doubts, early
Say: Thank you. Kiitos. Tack.
"""


@dataclass(frozen=True)
class Slide:
    """What a slide must be: its layout, its title, its bodies as (level, text), its notes."""

    layout: str
    title: str
    bodies: tuple[tuple[tuple[int, str], ...], ...]
    notes: tuple[str, ...]


def slides() -> list[Slide]:
    """The outline, read."""
    return [_slide(number, text) for number, text in enumerate(re.split(r"^# ", OUTLINE, flags=re.M)[1:])]


def _slide(number: int, text: str) -> Slide:
    title, *lines = text.strip().splitlines()
    notes = tuple(line.removeprefix("Say: ") for line in lines if line.startswith("Say: "))
    bodies: list[list[tuple[int, str]]] = []
    for line in lines:
        if line.startswith("| "):
            bodies.append([(0, line[2:])])
        elif not line.startswith("Say: "):
            if not bodies:
                bodies.append([])
            bodies[-1].append(((len(line) - len(line.lstrip())) // 2, re.sub(r"^\s*- ", "", line)))
    chapter = title.startswith("Part ")
    layout = "Opening" if not number else "Chapter" if chapter else "Two columns" if len(bodies) > 1 else "Text"
    return Slide(layout, title, tuple(tuple(body) for body in bodies), notes)


def make(folder: Path) -> None:
    """The outline and the template, which has two slides to show how it is meant."""
    (folder / "outline.md").write_text(OUTLINE, encoding="utf-8")
    deck = house()
    for layout, title in (("Opening", "Click to add a title"), ("Text", "This is how a slide looks")):
        slide = deck.slides.add_slide(next(each for each in deck.slide_layouts if each.name == layout))
        slide.shapes.title.text = title
    held = io.BytesIO()
    deck.save(held)
    (folder / "house.potx").write_bytes(_as(b"template.main", held.getvalue()))


def half(folder: Path) -> None:
    """The titles stand on ten slides of another look."""
    deck: Any = Presentation()
    for each in slides():
        deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = each.title
    deck.save(str(folder / "kickoff.pptx"))


def grade(folder: Path) -> Sequence[Check]:
    """What is said, by which layouts, and that it can be read."""
    deck = opened(folder / "kickoff.pptx")
    found, wanted = list(deck.slides), slides()
    titles = [slide.shapes.title.text if slide.shapes.title else "" for slide in found]
    layouts = [slide.slide_layout.name for slide in found]
    bodies = [tuple(said(shape) for shape in _bodies(slide)) for slide in found]
    notes = [_notes(slide) for slide in found]
    own = [slide.part.partname for slide in found if _own_look(slide)]
    numbered = [any("SLIDE_NUMBER" in str(each.placeholder_format.type) for each in s.placeholders) for s in found]
    checks = [
        Check("ten slides, with their titles", titles == [each.title for each in wanted], str(titles)),
        Check("each has its layout", layouts == [each.layout for each in wanted], str(layouts)),
        Check("each says what the outline says", bodies == [each.bodies for each in wanted], _first(bodies, wanted)),
        Check("notes are for the speaker", notes == [each.notes for each in wanted], str(notes)),
        Check("the master is the house's", parts_of(deck) == parts_of(_template(folder))),
        Check("nothing has a look of its own", not own, str(own)),
        Check("numbers on all slides but the first", numbered == [False] + [True] * (len(wanted) - 1), str(numbered)),
        Check("the outline is untouched", (folder / "outline.md").read_text("utf-8") == OUTLINE),
        Check("the template is untouched", len(_template(folder).slides) == 2),
    ]
    if all(check.ok for check in checks):
        checks += _looks(printed(folder / "kickoff.pptx"), deck)
    return checks


def _looks(pages: Pages, deck: Any) -> list[Check]:
    stray = [
        (number, words)
        for number, (slide, page) in enumerate(zip(deck.slides, pages.words, strict=False), 1)
        if (words := astray(page, boxes(slide, deck)))
    ]
    blank = [number for number, pixels in enumerate(pages.pictures(40), 1) if ink(pixels) < 0.01]
    return [
        Check("ten pages", len(pages.words) == 10, str(len(pages.words))),
        Check("no text is outside its place", not stray, str(stray)),
        Check("no page is blank", not blank, str(blank)),
    ]


def _template(folder: Path) -> Any:
    """python-pptx opens no templates."""
    return Presentation(io.BytesIO(_as(b"presentation.main", (folder / "house.potx").read_bytes())))


def _as(kind: bytes, data: bytes) -> bytes:
    """The same package as a presentation or as a template."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            new.writestr(info, re.sub(rb"(template|presentation)\.main", kind, part) if "[" in info.filename else part)
    return held.getvalue()


def _bodies(slide: Any) -> list[Any]:
    """Places for text besides the title, filled or not, from left to right."""
    bottom = ("SLIDE_NUMBER", "FOOTER", "DATE")
    kept = [each for each in slide.placeholders if each.placeholder_format.idx != 0]
    kept = [each for each in kept if not any(word in str(each.placeholder_format.type) for word in bottom)]
    return sorted(kept, key=lambda each: each.left)


def _notes(slide: Any) -> tuple[str, ...]:
    text = slide.notes_slide.notes_text_frame.text if slide.has_notes_slide else ""
    return tuple(text.split("\n")) if text else ()


def _own_look(slide: Any) -> bool:
    return bool(slide._element.xpath(".//a:srgbClr | .//a:latin | .//a:rPr/@sz"))


def _first(found: Sequence[Any], wanted: Sequence[Slide]) -> str:
    pairs = zip(found, (each.bodies for each in wanted), strict=False)
    return next((f"{one} in place of {other}" for one, other in pairs if one != other), "")


JOB = Job(
    "deck",
    "Make kickoff.pptx of outline.md, in the look of our template house.potx: a slide for each line that begins with "
    "#, none besides. The first one takes the layout Opening, those named “Part …” Chapter, the one with two columns "
    "(each begins with |, which is its first line) Two columns, all others Text. Lines that begin with “Say:” are "
    "notes for the speaker. Put slide numbers on all but the first. Leave fonts and colours to the template.",
    make,
    half,
    grade,
)
