"""New paragraphs, runs and fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agent.errors import ToolFault
from agent.office.documents.draft import Draft
from agent.office.documents.leaves import fill_run
from agent.office.slides.texts import clean
from agent.office.xml import Element, add, make, q

LONGEST = 200_000  # characters of one paragraph
_MARKUP = re.compile(r"\*\*(?P<bold>.{1,2000}?)\*\*|(?<![\w*])\*(?P<italic>[^*\s](?:[^*]{0,2000}[^*\s])?)\*(?![\w*])"
                     r"|\[(?P<words>[^\[\]\n]{1,500})\]\((?P<link>(?:https?://|mailto:)[^)\s]+)\)")  # fmt: skip


def paragraph(draft: Draft, text: str, style: str | None = None, *, markup: bool = False) -> Element:
    """A paragraph that is in no tree yet; `style` is the id of a paragraph style.

    Raises:
        ToolFault: the text is too long.
    """
    if len(text) > LONGEST:
        raise ToolFault(f"a paragraph of {len(text)} characters is too long; {LONGEST} fit. Nothing was changed.")
    element = make(draft.body, "w:p")
    if style:
        add(add(element, "w:pPr"), "w:pStyle", {"w:val": style})
    for words, look in pieces(clean(text)) if markup else [(clean(text), {})]:
        if words:
            _run(draft, element, words, look)
    return element


def pieces(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Text parted by its markup: words, and {"bold": …}, {"italic": …} or {"link": address}."""
    position = 0
    for found in _MARKUP.finditer(text):
        yield text[position : found.start()], {}
        if found["link"]:
            yield found["words"], {"link": found["link"]}
        else:
            yield found["bold"] or found["italic"], {"bold" if found["bold"] else "italic": "1"}
        position = found.end()
    yield text[position:], {}


def _run(draft: Draft, parent: Element, words: str, look: dict[str, str]) -> None:
    if "link" in look:
        parent.append(link(draft, words, look["link"]))
        return
    run = add(parent, "w:r")
    if look:
        add(add(run, "w:rPr"), "w:b" if "bold" in look else "w:i")
    fill_run(run, words)


def link(draft: Draft, words: str, address: str) -> Element:
    """A link to an address; nothing is fetched."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    identity = draft.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    element = make(draft.body, "w:hyperlink")
    element.set(q("r:id"), identity)
    run = add(element, "w:r")
    look = add(run, "w:rPr")
    add(look, "w:color", {"w:val": "1D5FA8"})
    add(look, "w:u", {"w:val": "single"})
    fill_run(run, words)
    return element


def field(like: Element, code: str, result: str, *, dirty: bool = False) -> list[Element]:
    """The runs of a field: what it is worked out by, and what it shows now."""
    runs = [make(like, "w:r") for _ in range(5)]
    begin = add(runs[0], "w:fldChar", {"w:fldCharType": "begin"})
    if dirty:
        begin.set(q("w:dirty"), "true")
    add(runs[1], "w:instrText", {"xml:space": "preserve"}, f" {code} ")
    add(runs[2], "w:fldChar", {"w:fldCharType": "separate"})
    fill_run(runs[3], result)
    add(runs[4], "w:fldChar", {"w:fldCharType": "end"})
    return runs


def bookmark(draft: Draft, element: Element, name: str, runs: list[Element] | None = None) -> None:
    """Name a paragraph, or some runs of it."""
    number = str(next_bookmark(draft))
    start = make(element, "w:bookmarkStart", {"w:id": number, "w:name": name})
    end = make(element, "w:bookmarkEnd", {"w:id": number})
    if runs:
        outer = [_child_of(element, run) for run in runs]
        outer[0].addprevious(start)
        outer[-1].addnext(end)
        return
    settings = element.find(q("w:pPr"))
    element.insert(0 if settings is None else 1, start)
    element.append(end)


def _child_of(parent: Element, element: Element) -> Element:
    while element.getparent() is not parent:
        element = element.getparent()
    return element


def next_bookmark(draft: Draft) -> int:
    """An id that no bookmark has."""
    if not draft.last_bookmark:
        draft.last_bookmark = max(
            (int(each.get(q("w:id")) or 0) for each in draft.body.iter(q("w:bookmarkStart"))), default=0
        )
    draft.last_bookmark += 1
    return draft.last_bookmark


def bookmarks(draft: Draft) -> dict[str, Element]:
    """Where bookmarks begin, by name."""
    return {each.get(q("w:name")): each for each in draft.body.iter(q("w:bookmarkStart"))}


def insert(draft: Draft, at: Any, elements: list[Element]) -> None:
    """Put new blocks in, tracked where edits are."""
    draft.insert(at, elements)
    if draft.tracker:
        for element in elements:
            draft.tracker.insert_block(element)
