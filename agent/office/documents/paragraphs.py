"""Paragraphs, headings and lists: put in, written anew, moved, taken out, given a look; and text replaced."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import insert, paragraph
from agent.office.documents.draft import Draft
from agent.office.documents.fields import torn
from agent.office.documents.leaves import isolate, paragraphs_of, replace_span, rewrite, said
from agent.office.documents.order import put
from agent.office.documents.tracking import live_runs, properties
from agent.office.slides.texts import clean
from agent.office.spans import pattern_of
from agent.office.xml import Element, add, first, local, make, q, remove

MOST_BLOCKS = 20_000  # put in by one operation
_LOOKS = ("font", "size", "bold", "italic", "underline", "colour")
_PLACES = ("align", "before", "after", "line_spacing", "indent")


def insert_paragraphs(draft: Draft, operation: do.InsertParagraphs) -> str:
    """New paragraphs."""
    _check_count(len(operation.paragraphs))
    made = [
        paragraph(draft, each.text, styles.identity(draft, each.style), markup=operation.markup)
        for each in operation.paragraphs
    ]
    insert(draft, operation.at, made)
    return f"{len(made)} paragraphs inserted"


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST_BLOCKS:
        raise ToolFault(f"1 to {MOST_BLOCKS} can be inserted at once, not {count}.")


def insert_heading(draft: Draft, operation: do.InsertHeading) -> str:
    """A heading, or the title."""
    style = styles.identity(draft, f"heading {operation.level}" if operation.level else "Title")
    insert(draft, operation.at, [paragraph(draft, operation.text, style)])
    return f"heading {operation.text[:60]!r} inserted" if operation.level else "title inserted"


def insert_list(draft: Draft, operation: do.InsertList) -> str:
    """A list with a numbering of its own."""
    _check_count(len(operation.items))
    numbers = operation.kind == "numbers"
    style = styles.identity(draft, "List Number" if numbers else "List Bullet")
    identity = _numbering(draft, numbers=numbers)
    made: list[Element] = []
    for item in operation.items:
        text = item.lstrip("\t")
        element = paragraph(draft, text, style, markup=operation.markup)
        held = put(properties(element, "w:pPr"), "w:numPr")
        add(held, "w:ilvl", {"w:val": str(min(len(item) - len(text), 8))})
        add(held, "w:numId", {"w:val": identity})
        made.append(element)
    insert(draft, operation.at, made)
    return f"list of {len(made)} inserted"


def _numbering(draft: Draft, *, numbers: bool) -> str:
    """A new numbering that begins with 1: its id."""
    root = draft.part.numbering_part.element
    kinds = root.findall(q("w:abstractNum"))
    abstract = str(max((int(each.get(q("w:abstractNumId"))) for each in kinds), default=-1) + 1)
    made = make(root, "w:abstractNum", {"w:abstractNumId": abstract})
    add(made, "w:multiLevelType", {"w:val": "hybridMultilevel"})
    for level in range(9):
        _level(made, level, numbers=numbers)
    kinds[-1].addnext(made) if kinds else root.insert(0, made)
    used = root.findall(q("w:num"))
    identity = str(max((int(each.get(q("w:numId"))) for each in used), default=0) + 1)
    number = make(root, "w:num", {"w:numId": identity})
    add(number, "w:abstractNumId", {"w:val": abstract})
    used[-1].addnext(number) if used else made.addnext(number)
    return identity


def _level(abstract: Element, level: int, *, numbers: bool) -> None:
    held = add(abstract, "w:lvl", {"w:ilvl": str(level)})
    add(held, "w:start", {"w:val": "1"})
    formats = ("decimal", "lowerLetter", "lowerRoman")
    add(held, "w:numFmt", {"w:val": formats[level % 3] if numbers else "bullet"})
    add(held, "w:lvlText", {"w:val": f"%{level + 1}." if numbers else "•–▪"[level % 3]})
    add(held, "w:lvlJc", {"w:val": "left"})
    add(add(held, "w:pPr"), "w:ind", {"w:left": str(425 * (level + 1)), "w:hanging": "425"})


def replace_paragraph(draft: Draft, operation: do.ReplaceParagraph) -> str:
    """Another text for a paragraph."""
    element = draft.paragraph(operation.block)
    style = styles.identity(draft, operation.style)
    rewrite(element, clean(operation.text), draft.tracker)
    if style:
        _set_style(draft, element, style)
    return f"block {operation.block} written anew"


def _set_style(draft: Draft, element: Element, style: str) -> None:
    settings = properties(element, "w:pPr")
    if draft.tracker:
        draft.tracker.remember_look(settings, "w:pPrChange")
    put(settings, "w:pStyle", {"w:val": style})


def delete_blocks(draft: Draft, operation: do.DeleteBlocks) -> str:
    """Take blocks out."""
    chosen = _whole(draft, operation)
    for block in chosen:
        if draft.tracker:
            draft.tracker.delete_block(block)
        else:
            take_out(draft, block)
    how = "marked as deleted" if draft.tracker else "deleted"
    return f"blocks {operation.first} to {operation.last} {how}"


def _whole(draft: Draft, operation: do.DeleteBlocks | do.MoveBlocks) -> list[Element]:
    """Blocks that can go without leaving half of a field behind. Raises ToolFault."""
    chosen = draft.span(operation.first, operation.last)
    if code := torn(draft, chosen):
        raise ToolFault(
            f"blocks {operation.first} to {operation.last} hold only one end of the field {{ {code[:60]} }}; "
            "take all of its blocks, a table of contents as a whole."
        )
    return chosen


def take_out(draft: Draft, block: Element) -> None:
    """Remove a block; a section that ended with it goes on to the next break, and no control is left empty."""
    if first(block, "w:pPr", "w:sectPr") is not None:
        draft.notes.append(
            "a section break went with its paragraph; what stood before it has the next section's pages now"
        )
    parent = block.getparent()
    remove(block)
    if local(parent) in ("sdtContent", "tc") and not len(parent):
        add(parent, "w:p")


def move_blocks(draft: Draft, operation: do.MoveBlocks) -> str:
    """Move blocks elsewhere."""
    chosen = _whole(draft, operation)
    anchor, _ = draft.anchor(operation.at)
    if any(anchor is each for each in chosen):
        raise ToolFault("blocks cannot be moved to a place among themselves.")
    moved = draft.tracker.move_blocks(chosen) if draft.tracker else chosen
    draft.insert(operation.at, moved)
    how = "marked as moved" if draft.tracker else "moved"
    return f"blocks {operation.first} to {operation.last} {how}"


def replace_text(draft: Draft, operation: do.ReplaceText) -> str:
    """Find and replace."""
    pattern = pattern_of(operation.find, match_case=operation.match_case, whole_words=operation.whole_words)
    roots = [draft.block(operation.block)] if operation.block is not None else [root for _, root in draft.stories()]
    found = [
        (element, match)
        for root in roots
        for element in paragraphs_of(root)
        for match in pattern.finditer(said(element))
    ]
    if operation.occurrence is not None:
        if not 1 <= operation.occurrence <= len(found):
            raise ToolFault(
                f"{operation.find!r} stands there {len(found)} times, so there is no {operation.occurrence}."
            )
        found = [found[operation.occurrence - 1]]
    if not found:
        raise ToolFault(f"{operation.find!r} stands nowhere there.")
    for element, match in reversed(found):
        replace_span(element, match.start(), match.end(), clean(operation.replace), draft.tracker)
    if operation.occurrence is None and draft.tracker is None:
        _replace_twins(roots, pattern, clean(operation.replace))
    return f"{len(found)} replaced"


def _replace_twins(roots: list[Element], pattern: re.Pattern[str], text: str) -> None:
    """The copies of text boxes that older programs show."""
    twins = [each for root in roots for twin in root.iter(q("mc:Fallback")) for each in twin.iter(q("w:p"))]
    for element in twins:
        for match in reversed(list(pattern.finditer(said(element)))):
            replace_span(element, match.start(), match.end(), text, None)


def format_paragraphs(draft: Draft, operation: do.FormatParagraphs) -> str:
    """Style and look."""
    style = styles.identity(draft, operation.style)
    chosen = [each for block in draft.span(operation.first, operation.last) for each in _own_paragraphs(block)]
    touched = 0
    for element in chosen:
        touched += _format(draft, element, operation, style)
    if operation.words is not None and not touched:
        raise ToolFault(f"{operation.words!r} stands nowhere in those blocks.")
    return f"{touched if operation.words else len(chosen)} {'places' if operation.words else 'paragraphs'} formatted"


def _own_paragraphs(block: Element) -> list[Element]:
    return [block] if block.tag == q("w:p") else list(paragraphs_of(block))


def _format(draft: Draft, element: Element, operation: do.FormatParagraphs, style: str | None) -> int:
    if style or any(getattr(operation, name) is not None for name in _PLACES):
        settings = properties(element, "w:pPr")
        if draft.tracker:
            draft.tracker.remember_look(settings, "w:pPrChange")
        if style:
            put(settings, "w:pStyle", {"w:val": style})
        styles.set_paragraph(settings, operation)
    if all(getattr(operation, name) is None for name in _LOOKS):
        return 0
    runs = _with_text(element) if operation.words is None else _runs_of(element, operation.words)
    for run in runs:
        look = properties(run, "w:rPr")
        if draft.tracker:
            draft.tracker.remember_look(look, "w:rPrChange")
        styles.set_look(look, operation)
    return len(runs)


def _with_text(element: Element) -> list[Element]:
    """Runs that say something; marks of comments and footnotes keep their look."""
    return [
        run for run in live_runs(element) if any(local(each) in ("t", "tab", "br", "sym", "instrText") for each in run)
    ]


def _runs_of(element: Element, words: str) -> list[Element]:
    pattern = pattern_of(words, match_case=True, whole_words=False)
    runs: list[Element] = []
    for match in pattern.finditer(said(element)):
        runs += isolate(element, match.start(), match.end())
    return runs


def like(element: Element) -> Element:
    """A copy of a paragraph's properties, for a new one beside it; None where it has none."""
    settings = first(element, "w:pPr")
    return None if settings is None else deepcopy(settings)


def set_properties(draft: Draft, operation: do.SetProperties) -> str:
    """The file's own data."""
    held: Any = draft.document.core_properties
    for name in ("title", "author", "subject", "keywords"):
        if (value := getattr(operation, name)) is not None:
            setattr(held, name, value)
    return "properties set"
