"""Pages: breaks, paper and margins, headers and footers."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import field, insert, paragraph
from agent.office.documents.captions import drawing
from agent.office.documents.draft import Draft, blocks_of
from agent.office.documents.fields import heading_level
from agent.office.documents.leaves import fill_run, said
from agent.office.documents.order import put
from agent.office.documents.tracking import properties
from agent.office.slides.texts import clean
from agent.office.xml import Element, add, first, q, remove

_PAPERS = {
    "A3": (29.7, 42.0),
    "A4": (21.0, 29.7),
    "A5": (14.8, 21.0),
    "Letter": (21.59, 27.94),
    "Legal": (21.59, 35.56),
}
_CM = 567  # twentieths of a point
_FIELDS = {"page": "PAGE", "pages": "NUMPAGES", "title": "TITLE", "date": "DATE \\@ \"d MMMM yyyy\"",
           "section": "STYLEREF 1"}  # fmt: skip
_LOGO = 1.2  # centimetres of height


def insert_break(draft: Draft, operation: do.InsertBreak) -> str:
    """A new page, or a new section."""
    element = paragraph(draft, "")
    if operation.kind == "page":
        add(add(element, "w:r"), "w:br", {"w:type": "page"})
        insert(draft, operation.at, [element])
        return "page break inserted"
    draft.insert(operation.at, [element])
    following = next(
        (each for each in element.itersiblings(q("w:p"), q("w:sectPr")) if _section_of(each) is not None), None
    )
    section = _section_of(following) if following is not None else None
    if section is None:
        raise ToolFault("a section cannot begin there; choose a place in the body of the document.")
    before = deepcopy(section)
    properties(element, "w:pPr").append(before)
    _goes_on(section)
    _turn(section, landscape=operation.kind == "landscape_section")
    kind = first(section, "w:type")
    if kind is not None:
        kind.set(q("w:val"), "nextPage")
    return f"{operation.kind.partition('_')[0]} section begins here; insert another break where it ends"


def _goes_on(section: Element) -> None:
    """What comes after a break has no title page of its own, and its pages are counted on."""
    for title in section.findall(q("w:titlePg")):
        section.remove(title)
    for number in section.findall(q("w:pgNumType")):
        number.attrib.pop(q("w:start"), None)


def _section_of(element: Element) -> Element:
    return element if element.tag == q("w:sectPr") else first(element, "w:pPr", "w:sectPr")


def _turn(section: Element, *, landscape: bool) -> None:
    size = first(section, "w:pgSz")
    if size is None:
        size = add(section, "w:pgSz", {"w:w": "11906", "w:h": "16838"})
    wide, high = sorted((int(size.get(q("w:w")) or 11906), int(size.get(q("w:h")) or 16838)), reverse=landscape)
    size.set(q("w:w"), str(wide))
    size.set(q("w:h"), str(high))
    size.attrib.pop(q("w:orient"), None)
    if landscape:
        size.set(q("w:orient"), "landscape")


def page_setup(draft: Draft, operation: do.PageSetup) -> str:
    """Paper and margins."""
    from docx.shared import Cm

    chosen = _sections(draft, operation.section)
    for section in chosen:
        if operation.paper:
            landscape = (section.page_width or 0) > (section.page_height or 0)
            sides = sorted(_PAPERS[operation.paper], reverse=landscape)
            section.page_width, section.page_height = Cm(sides[0]), Cm(sides[1])
        if operation.orientation:
            _turn(section._sectPr, landscape=operation.orientation == "landscape")
        for side in ("top", "bottom", "left", "right"):
            if (value := getattr(operation, side)) is not None:
                if not 0 <= value <= 15:
                    raise ToolFault("margins are 0 to 15 centimetres.")
                setattr(section, f"{side}_margin", Cm(value))
    return f"pages of {len(chosen)} sections set"


def _sections(draft: Draft, number: int | None) -> list[Any]:
    found = list(draft.document.sections)
    if number is None:
        return found
    if not 1 <= number <= len(found):
        raise ToolFault(f"there is no section {number}; there are {len(found)}.")
    return [found[number - 1]]


def set_header_footer(draft: Draft, operation: do.SetHeaderFooter) -> str:
    """Header or footer."""
    chosen = _sections(draft, operation.section)
    for number, section in enumerate(chosen):
        if number and operation.section is None and _linked(section, operation):
            continue
        _write(draft, _story(draft, section, operation), operation, section)
    if "{section}" in operation.text:
        draft.notes.append(
            "{section} is the heading in force on each page; Word shows it, LibreOffice shows the section's first"
        )
    return f"{operation.which} of {len(chosen)} sections set"


def _linked(section: Any, operation: do.SetHeaderFooter) -> bool:
    held = getattr(section, _name(operation))
    return held.is_linked_to_previous


def _name(operation: do.SetHeaderFooter) -> str:
    return {"all": "", "first": "first_page_", "even": "even_page_"}[operation.pages] + operation.which


def _story(draft: Draft, section: Any, operation: do.SetHeaderFooter) -> Any:
    if operation.pages == "first":
        section.different_first_page_header_footer = True
    elif operation.pages == "even":
        draft.document.settings.odd_and_even_pages_header_footer = True
    held = getattr(section, _name(operation))
    held.is_linked_to_previous = False
    return held


def _write(draft: Draft, story: Any, operation: do.SetHeaderFooter, section: Any) -> None:
    root = story._element
    behind = _watermarks(root)
    for mark in behind:
        remove(mark)
    draft.lost += _losses(root, operation)
    for old in list(root):
        root.remove(old)
    heading = _heading(draft, section)
    for number, line in enumerate(clean(operation.text).split("\n")):
        element = paragraph(draft, "", styles.identity(draft, operation.which))
        root.append(element)
        if number == 0:
            element.extend(behind)
        if number == 0 and operation.picture:
            _logo(draft, story, element, operation.picture)
        _fill(draft, element, line, operation, heading)


def _watermarks(root: Element) -> list[Element]:
    """Runs with a drawing that lies behind the text of the page: they are not what a header says."""
    found = [each for each in root.iter(q("w:pict")) if "watermark" in _named(each).casefold()]
    found += [each.getparent() for each in root.iter(q("wp:anchor")) if each.get("behindDoc") in ("1", "true")]
    runs = [next(each.iterancestors(q("w:r")), None) for each in found]
    return [run for run in dict.fromkeys(runs) if run is not None]


def _named(pict: Element) -> str:
    return " ".join(value for each in pict for name, value in each.attrib.items() if name in ("id", "alt"))


def _losses(root: Element, operation: do.SetHeaderFooter) -> list[str]:
    """What stands there and is no text; a logo takes the place of pictures."""
    counted = {
        "a picture": 0 if operation.picture else sum(1 for _ in root.iter(q("a:blip"), q("w:pict"))),
        "a table": sum(1 for _ in root.iter(q("w:tbl"))),
        "a text box": sum(1 for _ in root.iter(q("w:txbxContent"))),
    }
    return [f"{what} in the {operation.which}" for what, count in counted.items() if count]


def _heading(draft: Draft, section: Any) -> str:
    """What `{section}` shows first: the first heading of the section, else the last one before it."""
    last = own = ""
    for block in blocks_of(draft.body):
        if heading_level(draft, block) == 1 and (words := said(block).strip()):
            last, own = words, own or words
        if (held := first(block, "w:pPr", "w:sectPr")) is not None:
            if held is section._sectPr:
                break
            own = ""
    return own or last


def _logo(draft: Draft, story: Any, element: Element, name: str) -> None:
    image = draft.materials.pictures[name]
    width = _LOGO * image.width / image.height
    run = add(element, "w:r")
    run.append(drawing(story.part, image, width, _LOGO, "Logo"))
    fill_run(add(element, "w:r"), "  ")


def _fill(draft: Draft, element: Element, line: str, operation: do.SetHeaderFooter, heading: str) -> None:
    settings = properties(element, "w:pPr")
    if "\t" in line:
        tabs = put(settings, "w:tabs")
        whole = draft.text_width() * _CM
        for old in _style_tabs(draft, operation.which):
            add(tabs, "w:tab", {"w:val": "clear", "w:pos": old})
        add(tabs, "w:tab", {"w:val": "center", "w:pos": str(round(whole / 2))})
        add(tabs, "w:tab", {"w:val": "right", "w:pos": str(round(whole))})
    if operation.align:
        put(settings, "w:jc", {"w:val": styles.ALIGN[operation.align]})
    for piece in re.split(r"(\{(?:page|pages|title|date|section)\})", line):
        if piece[1:-1] in _FIELDS and piece.startswith("{"):
            element.extend(field(element, _FIELDS[piece[1:-1]], _shown(draft, piece[1:-1], heading)))
        elif piece:
            fill_run(add(element, "w:r"), piece)


def _style_tabs(draft: Draft, style: str) -> list[str]:
    """Where the style of headers and footers has tabs; these suit another width of the page."""
    held = styles.find(draft, style)
    return [] if held is None else [tab.get(q("w:pos")) for tab in held.iter(q("w:tab")) if tab.get(q("w:pos"))]


def _shown(draft: Draft, name: str, heading: str) -> str:
    from datetime import UTC, datetime

    if name == "title":
        return draft.document.core_properties.title or "Title"
    if name == "date":
        today = datetime.now(UTC)
        return f"{today.day} {today:%B %Y}"
    return heading if name == "section" else "1"
