"""The text of paragraphs, whatever runs, links and fields it is spread over: read, found, and replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from agent.office.documents.tracking import Tracker, live_runs
from agent.office.spans import changed_middle, edits, splice
from agent.office.xml import Element, add, first, local, make, q, remove

_GAPS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011", "ptab": "\t"}
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class _Text:
    """A `w:t`."""

    def __init__(self, element: Element) -> None:
        self.element = element

    @property
    def text(self) -> str:
        return self.element.text or ""

    @text.setter
    def text(self, value: str) -> None:
        head, *rest = re.split(r"(?=[\t\n])", value)
        self.element.text = head
        self.element.set(_SPACE, "preserve")
        anchor = self.element
        for new in _elements(self.element, "".join(rest)):
            anchor.addnext(new)
            anchor = new


class _Gap:
    """A tab or a break, which is one character for those who search."""

    def __init__(self, element: Element) -> None:
        self.element = element

    @property
    def text(self) -> str:
        return _GAPS[local(self.element)]

    @text.setter
    def text(self, value: str) -> None:
        if value != self.text:
            for new in _elements(self.element, value):
                self.element.addprevious(new)
            remove(self.element)


Leaf = _Text | _Gap


def leaves(paragraph: Element) -> list[Leaf]:
    """What a paragraph says, piece by piece; deleted text and the codes of fields left out."""
    return [leaf for run in live_runs(paragraph) for leaf in _of_run(run)]


def _of_run(run: Element) -> Iterator[Leaf]:
    for child in run:
        name = local(child)
        if name == "t":
            yield _Text(child)
        elif name in _GAPS:
            yield _Gap(child)


def said(paragraph: Element) -> str:
    """What a paragraph says now."""
    return "".join(leaf.text for leaf in leaves(paragraph))


def text_in(block: Element) -> str:
    """What a paragraph or a table says now, its paragraphs by lines."""
    if block.tag == q("w:p"):
        return said(block)
    return "\n".join(said(paragraph) for paragraph in block.iter(q("w:p")))


def replace_span(paragraph: Element, start: int, end: int, text: str, tracker: Tracker | None) -> None:
    """Put `text` in the place of characters. It has the look of the first of them."""
    if tracker is None:
        splice(leaves(paragraph), start, end, text)
        if not leaves(paragraph) and text:
            add(add(paragraph, "w:r"), "w:t", {"xml:space": "preserve"}, text)
        return
    old = said(paragraph)[start:end]
    if old and text:
        head, tail, middle = changed_middle(old, text)
        start, end, text = start + head, start + tail, middle
    _tracked(paragraph, start, end, text, tracker)


def _tracked(paragraph: Element, start: int, end: int, text: str, tracker: Tracker) -> None:
    runs = isolate(paragraph, start, end) if end > start else []
    before = runs[0] if runs else run_before(paragraph, start)
    new = _new_run(paragraph, before, text) if text else None
    anchor = tracker.delete_runs(runs) if runs else _top(before, paragraph)
    if new is None:
        return
    if runs and anchor is None:
        anchor = _top(run_before(paragraph, start), paragraph)
    put_after(paragraph, anchor, new)
    tracker.insert_runs([new])


def _top(run: Element, paragraph: Element) -> Element:
    """What stands directly in the paragraph, or in a link of it, and holds the run."""
    while run is not None and run.getparent() is not None and local(run.getparent()) in ("ins", "moveTo"):
        run = run.getparent()
    return run


def put_after(paragraph: Element, anchor: Element, new: Element) -> None:
    if anchor is not None and anchor.getparent() is not None:
        _top(anchor, paragraph).addnext(new)
        return
    settings = first(paragraph, "w:pPr")
    paragraph.insert(0, new) if settings is None else settings.addnext(new)


def _new_run(paragraph: Element, like: Element, text: str) -> Element:
    run = make(paragraph, "w:r")
    look = first(like, "w:rPr") if like is not None else None
    if look is not None:
        run.append(deepcopy(look))
    fill_run(run, text)
    return run


def fill_run(run: Element, text: str) -> None:
    """Write text into a run; tabs and line breaks become what they are in documents."""
    run.extend(_elements(run, text))


def _elements(like: Element, text: str) -> list[Element]:
    named = {"\t": "w:tab", "\n": "w:br"}
    return [
        make(like, named[piece]) if piece in named else make(like, "w:t", {"xml:space": "preserve"}, piece)
        for piece in re.split(r"(\t|\n)", text)
        if piece
    ]


def isolate(paragraph: Element, start: int, end: int) -> list[Element]:
    """Split runs so that some hold exactly these characters: those runs."""
    _split_at(paragraph, start)
    _split_at(paragraph, end)
    found: list[Element] = []
    position = 0
    for run in live_runs(paragraph):
        length = sum(len(leaf.text) for leaf in _of_run(run))
        if length and position >= start and position + length <= end:
            found.append(run)
        position += length
    return found


def _split_at(paragraph: Element, offset: int) -> None:
    position = 0
    for run in live_runs(paragraph):
        pieces = list(_of_run(run))
        length = sum(len(leaf.text) for leaf in pieces)
        if position < offset < position + length:
            _split(run, pieces, offset - position)
            return
        position += length


def _split(run: Element, pieces: list[Leaf], offset: int) -> None:
    second = make(run, "w:r")
    if (look := first(run, "w:rPr")) is not None:
        second.append(deepcopy(look))
    for leaf in pieces:
        length = len(leaf.text)
        if 0 < offset < length:
            rest = leaf.text[offset:]
            leaf.text = leaf.text[:offset]
            following = list(leaf.element.itersiblings())
            add(second, "w:t", {"xml:space": "preserve"}, rest)
            second.extend(following)
            break
        if offset <= 0:
            second.extend([leaf.element, *leaf.element.itersiblings()])
            break
        offset -= length
    run.addnext(second)


def run_before(paragraph: Element, offset: int) -> Element:
    """The run that ends where something is to be put in; split for that if need be. None at the beginning."""
    _split_at(paragraph, offset)
    position, found = 0, None
    for run in live_runs(paragraph):
        length = sum(len(leaf.text) for leaf in _of_run(run))
        if position + length > offset:
            break
        position += length
        found = run
    return found


def rewrite(paragraph: Element, text: str, tracker: Tracker | None) -> None:
    """Make a paragraph say `text`, word by word where it differs, so that the rest keeps its look."""
    for start, end, words in edits(said(paragraph), text):
        replace_span(paragraph, start, end, words, tracker)


def paragraphs_of(root: Element) -> Iterator[Element]:
    """All paragraphs below, those in tables and text boxes included, each once."""
    for paragraph in list(root.iter(q("w:p"))):
        if next(paragraph.iterancestors(q("mc:Fallback")), None) is None:
            yield paragraph
