"""Tables of contents, of figures and of tables: the field, its entries, and their page numbers.

Page numbers are those of a PDF that LibreOffice makes of a copy: every paragraph that is referred to becomes an entry
of its outline there, which says the page. The document itself is never written by LibreOffice.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import bookmark, bookmarks, field, paragraph
from agent.office.documents.draft import Draft, blocks_of
from agent.office.documents.fields import Field, fields_of, heading_level, in_deletion, renumber, show
from agent.office.documents.leaves import fill_run, said
from agent.office.documents.numbering import PageNumbers
from agent.office.documents.order import put
from agent.office.documents.tracking import owner, properties
from agent.office.xml import Element, add, first, make, q, remove

_CODES = {"figures": 'TOC \\h \\z \\c "Figure"', "tables": 'TOC \\h \\z \\c "Table"'}
_MOST_ENTRIES = 5000
_NONE = "No entries yet."


@dataclass(frozen=True)
class _Entry:
    level: int
    text: str
    mark: str  # name of the bookmark at its paragraph


def insert_contents(draft: Draft, operation: do.InsertContents) -> str:
    """A table of contents; its entries are written when everything else is done."""
    levels = min(max(operation.levels or 3, 1), 9)
    code = _CODES.get(operation.of, f'TOC \\o "1-{levels}" \\h \\z \\u')
    control = make(draft.body, "w:sdt")
    gallery = add(add(control, "w:sdtPr"), "w:docPartObj")
    add(gallery, "w:docPartGallery", {"w:val": "Table of Contents"})
    add(gallery, "w:docPartUnique")
    content = add(control, "w:sdtContent")
    if operation.title:
        content.append(paragraph(draft, operation.title, styles.identity(draft, "TOC Heading")))
    holder = paragraph(draft, "")
    holder.extend(field(holder, code, _NONE))
    content.append(holder)
    draft.insert(operation.at, [control])
    draft.wants_pages = True
    if draft.tracker:
        draft.notes.append("the table of contents itself is no tracked change")
    return f"contents of {operation.of} inserted"


def update_fields(draft: Draft, _: do.UpdateFields) -> str:
    """Bring fields up to date."""
    draft.wants_pages = True
    return "fields brought up to date"


def refresh(draft: Draft) -> None:
    """Write the entries of all tables of contents anew, still without pages, and number captions."""
    renumber(draft)
    for found in [each for each in fields_of(draft.body) if each.code.startswith("TOC")]:
        entries = list(_entries(draft, found.code))[:_MOST_ENTRIES]
        if not _rewrite(draft, found, entries):
            draft.notes.append("a table of contents of an unusual make was left as it is")


def _entries(draft: Draft, code: str) -> Iterator[_Entry]:
    label = re.search(r'\\c\s+"?([^"\\]+?)"?\s*(?:\\|$)', code)
    if label:
        yield from _captions(draft, label[1].strip())
        return
    span = re.search(r'\\o\s+"?(\d)\s*-\s*(\d)', code)
    low, high = (int(span[1]), int(span[2])) if span else (1, 9)
    for block in _paragraphs(draft):
        level = heading_level(draft, block)
        if level is not None and low <= level <= high and (text := _plain(block)):
            yield _Entry(level, text, _mark(draft, block))


def _captions(draft: Draft, label: str) -> Iterator[_Entry]:
    for found in fields_of(draft.body):
        if re.match(rf"SEQ\s+{re.escape(label)}\b", found.code, re.IGNORECASE) and not in_deletion(found.begin):
            block = owner(found.begin)
            yield _Entry(1, _plain(block), _mark(draft, block))


def _paragraphs(draft: Draft) -> Iterator[Element]:
    return (block for block in blocks_of(draft.body) if block.tag == q("w:p"))


def _plain(block: Element) -> str:
    return " ".join(said(block).split())


def _mark(draft: Draft, block: Element) -> str:
    """Name of the bookmark at a paragraph, made where there is none."""
    for start in block.iter(q("w:bookmarkStart")):
        if (start.get(q("w:name")) or "").startswith("_Toc"):
            return start.get(q("w:name"))
    name = f"_Toc{secrets.randbelow(900_000_000) + 100_000_000}"
    bookmark(draft, block, name)
    return name


def _rewrite(draft: Draft, found: Field, entries: list[_Entry]) -> bool:
    """Put entries between the field's marks; False where these do not stand in paragraphs beside each other."""
    start, end = owner(found.begin), owner(found.end)
    if start is None or end is None or start.getparent() is not end.getparent() or found.begin.getparent() is not start:
        return False
    old = [start]
    while old[-1] is not end:
        following = old[-1].getnext()
        if following is None:
            return False
        old.append(following)
    looks = {
        style.get(q("w:val")): deepcopy(first(each, "w:pPr"))
        for each in old
        if (style := first(each, "w:pPr", "w:pStyle")) is not None
    }
    made = [_entry(draft, each, found.code, looks) for each in entries] or [paragraph(draft, _NONE)]
    settings = first(made[0], "w:pPr")
    for run in reversed(found.codes):
        made[0].insert(0, run) if settings is None else settings.addnext(run)
    made[-1].append(found.end)
    start.addprevious(made[0])
    for one, other in pairwise(made):
        one.addnext(other)
    for each in old:
        remove(each)
    return True


def _entry(draft: Draft, entry: _Entry, code: str, looks: dict[str, Element]) -> Element:
    """A line: text, dots, page; a link to its place."""
    name = "table of figures" if "\\c" in code else f"toc {entry.level}"
    style = styles.identity(draft, name) or ""
    element = paragraph(draft, "", style)
    if (look := looks.get(style)) is not None:
        element.replace(first(element, "w:pPr"), deepcopy(look))
    else:
        styles.leader(draft, properties(element, "w:pPr"))
    holder = add(element, "w:hyperlink", {"w:anchor": entry.mark, "w:history": "1"})
    fill_run(add(holder, "w:r"), f"{entry.text}\t")
    holder.extend(field(holder, f"PAGEREF {entry.mark} \\h", "1"))
    return element


def targets(draft: Draft) -> list[tuple[str, Element]]:
    """Bookmarks whose page somebody wants to know, and their paragraphs, in their order."""
    wanted = {match[1] for each in fields_of(draft.body) if (match := re.match(r"PAGEREF\s+(\S+)", each.code))}
    marks = bookmarks(draft)
    found = [(name, owner(start)) for name, start in marks.items() if name in wanted]
    return [(name, block) for name, block in found if block is not None and said(block).strip()]


@contextmanager
def outlined(draft: Draft) -> Generator[None]:
    """Meanwhile every paragraph that is referred to is one of the document's outline."""
    changed: list[tuple[Element, Element]] = []
    for block in dict.fromkeys([*(block for _, block in targets(draft)), *PageNumbers.of(draft).needed]):
        if heading_level(draft, block) is None:
            before = deepcopy(first(block, "w:pPr"))
            put(properties(block, "w:pPr"), "w:outlineLvl", {"w:val": "8"})
            changed.append((block, before))
    try:
        yield
    finally:
        for block, before in reversed(changed):
            remove(first(block, "w:pPr"))
            if before is not None:
                block.insert(0, before)


def set_pages(draft: Draft, pdf: Path) -> None:
    """Write page numbers into the fields that show them."""
    found, missing = _pages(draft, pdf)
    for each in fields_of(draft.body):
        match = re.match(r"PAGEREF\s+(\S+)", each.code)
        if match and match[1] in found:
            show(each, found[match[1]])
    if missing:
        draft.notes.append(f"the pages of {missing} places could not be found out; a word processor will fill them in")


def _pages(draft: Draft, pdf: Path) -> tuple[dict[str, str], int]:
    """What the pages of bookmarks show, and how many could not be found. Outline and document are read side by side."""
    numbers = PageNumbers.of(draft)
    names: dict[Element, list[str]] = {block: [] for block in numbers.needed}
    for name, block in targets(draft):
        names.setdefault(block, []).append(name)
    outline = _outline(pdf)
    pages: dict[Element, int] = {}
    position = 0
    for block in draft.body.iter(q("w:p")):
        if block not in names and heading_level(draft, block) is None:
            continue
        text = _squeezed(said(block))
        at = next((index for index in range(position, len(outline)) if text and outline[index][0].endswith(text)), None)
        if at is not None:
            position = at + 1
            pages[block] = outline[at][1]
    shown = {name: numbers.shown(block, page, pages) for block, page in pages.items() for name in names.get(block, ())}
    return shown, sum(len(each) for each in names.values()) - len(shown)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _outline(pdf: Path) -> list[tuple[str, int]]:
    """Titles and pages of a PDF's outline, in its order."""
    from pypdf import PdfReader

    reader = PdfReader(pdf)
    found: list[tuple[str, int]] = []

    def walk(entries: Any) -> None:
        for each in entries:
            if isinstance(each, list):
                walk(each)
            else:
                found.append((_squeezed(str(each.title)), (reader.get_destination_page_number(each) or 0) + 1))

    walk(reader.outline)
    return found


def has_contents(draft: Draft) -> bool:
    """Whether there is a table of contents."""
    return any((leaf.text or "").strip().startswith("TOC") for leaf in draft.body.iter(q("w:instrText")))
