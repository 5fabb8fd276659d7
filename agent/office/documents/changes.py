"""Tracked changes of a document: listed by number, accepted and rejected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.errors import ToolFault
from agent.office.documents.draft import Draft
from agent.office.documents.operations import DecideChanges
from agent.office.xml import Element, first, local, make, q, remove

_LOOKS: Final = ("rPrChange", "pPrChange", "sectPrChange", "tblPrChange", "trPrChange", "tcPrChange", "tblGridChange",
                 "tblPrExChange")  # fmt: skip
_TEXTS: Final = ("ins", "del", "moveFrom", "moveTo", "cellIns", "cellDel")
_WORDS: Final = {"ins": "inserted", "del": "deleted", "moveFrom": "moved away", "moveTo": "moved here",
                 "cellIns": "cell inserted", "cellDel": "cell deleted"}  # fmt: skip
_NEW: Final = ("ins", "moveTo", "cellIns")


@dataclass(frozen=True)
class Change:
    """A tracked change: the elements of one kind, author and time that stand in one paragraph.

    Attributes:
        kind: "inserted", "deleted", "moved away", "moved here" or "look".
        text: what was inserted or deleted; "¶" for the end of the paragraph.
    """

    kind: str
    author: str
    date: str
    text: str
    elements: Sequence[Element]
    place: Element


def changes_of(draft: Draft) -> list[Change]:
    """All tracked changes, in their order; they are counted from 1."""
    found: list[Change] = []
    for _, root in draft.stories():
        groups: dict[tuple[Element, str, str, str], list[Element]] = {}
        for element in root.iter(*(q(f"w:{name}") for name in (*_TEXTS, *_LOOKS))):
            key = (
                _place(element),
                local(element),
                element.get(q("w:author")) or "",
                element.get(q("w:date")) or "",
            )
            groups.setdefault(key, []).append(element)
        found += [_change(elements) for elements in groups.values()]
    return found


def _place(element: Element) -> Element:
    return next(element.iterancestors(q("w:p"), q("w:tr"), q("w:tbl"), q("w:sectPr")), element)


def _change(elements: list[Element]) -> Change:
    one = elements[0]
    return Change(
        kind=_WORDS.get(local(one), "look"),
        author=one.get(q("w:author")) or "",
        date=one.get(q("w:date")) or "",
        text="".join(_text(each) for each in sorted(elements, key=_is_mark)),
        elements=elements,
        place=_place(one),
    )


def _text(element: Element) -> str:
    if local(element) in _LOOKS:
        holder = element.getparent().getparent()
        return "".join(leaf.text or "" for leaf in holder.iter(q("w:t")))[:60] if holder is not None else ""
    if _is_mark(element):
        return "¶" if local(element.getparent()) == "rPr" else "[row]"
    return "".join(leaf.text or "" for leaf in element.iter(q("w:t"), q("w:delText")))


def _is_mark(element: Element) -> bool:
    """Of a paragraph's end, a row or a cell, in place of text."""
    return local(element.getparent()) in ("rPr", "trPr", "tcPr", "numPr")


def decide(draft: Draft, operation: DecideChanges) -> str:
    """Accept or reject changes."""
    everything = changes_of(draft)
    chosen = everything
    if operation.changes is not None:
        if wrong := [number for number in operation.changes if not 1 <= number <= len(everything)]:
            raise ToolFault(f"there is no change {wrong[0]}; there are {len(everything)}. Nothing was changed.")
        chosen = [everything[number - 1] for number in operation.changes]
    if operation.author is not None:
        chosen = [change for change in chosen if change.author == operation.author]
    if not chosen:
        authors = ", ".join(sorted({change.author for change in everything})) or "none"
        raise ToolFault(f"there are no such changes; authors of changes: {authors}. Nothing was changed.")
    settle([element for change in chosen for element in change.elements], accept=operation.accept)
    for _, root in draft.stories():
        if next(root.iter(q("w:moveFrom"), q("w:moveTo")), None) is None:
            _drop_ranges(root)
    left = len(changes_of(draft))
    return f"{len(chosen)} changes {'accepted' if operation.accept else 'rejected'}, {left} left"


def settle(elements: Iterable[Element], *, accept: bool) -> None:
    """Accept or reject these elements; what they leave open goes with them."""
    marks: list[Element] = []
    for element in list(elements):
        if element.getparent() is None:
            continue
        if local(element) in _LOOKS:
            _settle_look(element, accept=accept)
        elif _is_mark(element):
            marks.append(element)
        else:
            _settle_text(element, accept=accept)
    for element in reversed(marks):
        _settle_mark(element, accept=accept)


def _settle_look(element: Element, *, accept: bool) -> None:
    holder = element.getparent()
    if accept:
        holder.remove(element)
        return
    before = next(iter(element), None)
    kept = [each for each in holder if local(holder) == "pPr" and local(each) in ("rPr", "sectPr")]
    for each in list(holder):
        holder.remove(each)
    if before is not None:
        holder.extend(list(before))
    holder.extend(kept)


def _settle_text(element: Element, *, accept: bool) -> None:
    kept = (local(element) in _NEW) == accept
    if not kept:
        remove(element)
        return
    if local(element) in ("del", "moveFrom"):
        as_live(element)
    unwrap(element)


def as_live(element: Element) -> None:
    """Deleted text below becomes text again."""
    for old, new in (("w:delText", "w:t"), ("w:delInstrText", "w:instrText")):
        for leaf in list(element.iter(q(old))):
            leaf.addprevious(make(leaf, new, {"xml:space": "preserve"}, leaf.text or ""))
            remove(leaf)


def unwrap(element: Element) -> None:
    """Put what is in an element in its place."""
    for child in list(element):
        element.addprevious(child)
    remove(element)


def _settle_mark(element: Element, *, accept: bool) -> None:
    holder = element.getparent()
    owner = holder.getparent()
    stays = (local(element) in _NEW) == accept
    paragraph = next(element.iterancestors(q("w:p")), None)
    holder.remove(element)
    if stays or owner is None:
        _drop_ranges(paragraph)
        return
    if local(holder) == "trPr":
        table = owner.getparent()
        remove(owner)
        if table is not None and first(table, "w:tr") is None:
            remove(table)
    elif local(holder) == "rPr":
        _join_next(owner.getparent())


def _drop_ranges(holder: Element) -> None:
    """What says where a move begins and ends, in paragraphs or between them."""
    if holder is None:
        return
    for each in list(holder.iter(*(q(f"w:move{way}Range{end}") for way in ("From", "To") for end in ("Start", "End")))):
        remove(each)


def _join_next(paragraph: Element) -> None:
    """The end of a paragraph is gone: what is left of it begins the next one."""
    if paragraph is None or paragraph.getparent() is None:
        return
    rest = [each for each in paragraph if local(each) not in ("pPr", "moveFromRangeStart", "moveFromRangeEnd",
            "moveToRangeStart", "moveToRangeEnd", "proofErr")]  # fmt: skip
    following = paragraph.getnext()
    if not rest:
        cell = paragraph.getparent()
        if local(cell) != "tc" or len(cell.findall(q("w:p"))) > 1:
            remove(paragraph)
        return
    if following is None or following.tag != q("w:p"):
        return
    settings = first(following, "w:pPr")
    for each in reversed(rest):
        following.insert(0, each) if settings is None else settings.addnext(each)
    remove(paragraph)
