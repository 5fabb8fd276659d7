"""Edits written as tracked changes: insertions, deletions, moves and other looks, with their author."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.office.xml import Element, add, first, local, make, q, remove

_NUMBERED = (
    "ins", "del", "moveFrom", "moveTo", "moveFromRangeStart", "moveToRangeStart", "rPrChange", "pPrChange", "cellIns",
    "bookmarkStart", "sectPrChange", "tblPrChange", "trPrChange", "tcPrChange", "cellDel",
)  # fmt: skip

_ONCE = ("bookmarkStart", "bookmarkEnd", "commentRangeStart", "commentRangeEnd", "rPrChange", "pPrChange")


@dataclass
class Tracker:
    """Writes changes of one author. `number` is the last id that was given."""

    author: str
    number: int
    when: str
    moves: int = 0

    @classmethod
    def of(cls, author: str, roots: Iterable[Element]) -> Tracker:
        """One that begins after the ids that are in use."""
        highest = 0
        for root in roots:
            for each in root.iter(*(q(f"w:{name}") for name in _NUMBERED)):
                told = each.get(q("w:id")) or ""
                highest = max(highest, int(told) if told.isdigit() else 0)
        return cls(author, highest, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def mark(self, like: Element, tag: str) -> Element:
        """A new element that says who and when."""
        self.number += 1
        marks = {"w:id": str(self.number), "w:author": self.author, "w:date": self.when}
        return make(like, tag, marks)

    def delete_runs(self, runs: Sequence[Element], tag: str = "w:del") -> Element:
        """Mark runs as deleted: the last element that stands for them now, None where nothing is left of them."""
        last: Element = None
        for run in runs:
            holder = run.getparent()
            if holder.tag == q("w:ins") and holder.get(q("w:author")) == self.author:
                last = _take_own(holder, run)
                continue
            if last is not None and last.tag == q(tag) and run.getprevious() is last:
                last.append(run)
            else:
                wrapper = self.mark(run, tag)
                run.addprevious(wrapper)
                wrapper.append(run)
                last = wrapper
            if tag == "w:del":
                _as_deleted(run)
        return last

    def insert_runs(self, runs: Sequence[Element], tag: str = "w:ins") -> Element:
        """Wrap runs that stand side by side in one insertion."""
        wrapper = self.mark(runs[0], tag)
        runs[0].addprevious(wrapper)
        for run in runs:
            wrapper.append(run)
        return wrapper

    def delete_block(self, block: Element) -> None:
        """Mark a paragraph or a table as deleted."""
        for paragraph in block.iter(q("w:p")):
            self.delete_runs(live_runs(paragraph))
            self.mark_paragraph(paragraph, "w:del")
        for row in block.iter(q("w:tr")):
            self._mark_row(row, "w:del")

    def insert_block(self, block: Element) -> None:
        """Mark a new paragraph or table as inserted."""
        for paragraph in block.iter(q("w:p")):
            self._insert_all(live_runs(paragraph))
            self.mark_paragraph(paragraph, "w:ins")
        for row in block.iter(q("w:tr")):
            self._mark_row(row, "w:ins")

    def _insert_all(self, runs: Sequence[Element]) -> None:
        for run in runs:
            before = run.getprevious()
            if before is not None and before.tag == q("w:ins") and before.get(q("w:author")) == self.author:
                before.append(run)
            else:
                self.insert_runs([run])

    def mark_paragraph(self, paragraph: Element, tag: str) -> None:
        """Mark the end of a paragraph."""
        look = properties(properties(paragraph, "w:pPr"), "w:rPr")
        if first(look, tag) is None:
            look.insert(0, self.mark(look, tag))

    def move_blocks(self, blocks: Sequence[Element]) -> list[Element]:
        """Mark paragraphs as moved away: what is to be put where they go."""
        self.moves += 1
        name = f"move{self.number}_{self.moves}"
        copies = [_as_it_reads(block) for block in blocks]
        for block, copy in zip(blocks, copies, strict=True):
            if block.tag == q("w:tbl"):
                self.delete_block(block)
                self.insert_block(copy)
            else:
                self._move(block, "w:moveFrom", name)
                self._move(copy, "w:moveTo", name)
        return copies

    def _move(self, paragraph: Element, tag: str, name: str) -> None:
        runs = live_runs(paragraph)
        start = self.mark(paragraph, f"{tag}RangeStart")
        start.set(q("w:name"), name)
        self.delete_runs(runs, tag)
        self.mark_paragraph(paragraph, tag)
        settings = first(paragraph, "w:pPr")
        settings.addnext(start)
        add(paragraph, f"{tag}RangeEnd", {"w:id": start.get(q("w:id"))})

    def remember_look(self, look: Element, tag: str) -> None:
        """Keep what an `w:rPr` or `w:pPr` said before it is changed; `tag` is "w:rPrChange" or "w:pPrChange"."""
        if first(look, tag) is not None:
            return
        before = deepcopy(look)
        before.tag = look.tag
        for name in ("w:rPrChange", "w:pPrChange", "w:sectPr", "w:ins", "w:del", "w:moveFrom", "w:moveTo"):
            for each in before.findall(q(name)):
                before.remove(each)
        if tag == "w:pPrChange":
            for each in before.findall(q("w:rPr")):
                before.remove(each)
        mark = self.mark(look, tag)
        mark.append(before)
        look.append(mark)

    def _mark_row(self, row: Element, tag: str) -> None:
        settings = first(row, "w:trPr")
        if settings is None:
            settings = make(row, "w:trPr")
            before = first(row, "w:tblPrEx")
            row.insert(0, settings) if before is None else before.addnext(settings)
        settings.append(self.mark(row, tag))


def properties(element: Element, tag: str) -> Element:
    """The `w:pPr` of a paragraph, the `w:rPr` of a run or of a `w:pPr`; made where it is missing."""
    found = first(element, tag)
    if found is not None:
        return found
    made = make(element, tag)
    if tag == "w:rPr" and element.tag == q("w:pPr"):
        after = [each for each in element if local(each) in ("sectPr", "pPrChange")]
        after[0].addprevious(made) if after else element.append(made)
    else:
        element.insert(0, made)
    return made


def live_runs(paragraph: Element) -> list[Element]:
    """Runs of a paragraph that are not deleted, those of text boxes in it left out."""
    return [
        run for run in paragraph.iter(q("w:r"))
        if local(run.getparent()) not in ("del", "moveFrom") and owner(run) is paragraph
    ]  # fmt: skip


def owner(element: Element) -> Element:
    """The paragraph that something stands in."""
    return next(element.iterancestors(q("w:p")), None)


def _take_own(holder: Element, run: Element) -> Element:
    """What one has inserted oneself is simply gone when one deletes it."""
    before = run.getprevious()
    remove(run)
    if len(holder):
        return before if before is not None else None
    last = holder.getprevious()
    remove(holder)
    return last if last is not None and local(last) != "pPr" else None


def _as_it_reads(block: Element) -> Element:
    """A copy without changes that are still open, and without names and marks that can be there only once."""
    copy = deepcopy(block)
    for run in [each.getparent() for each in copy.iter(q("w:commentReference"))]:
        remove(run)
    for element in list(copy.iter(*(q(f"w:{name}") for name in ("del", "moveFrom", *_ONCE)))):
        remove(element)
    for element in list(copy.iter(q("w:ins"), q("w:moveTo"))):
        for child in list(element):
            element.addprevious(child)
        remove(element)
    return copy


def _as_deleted(run: Element) -> None:
    for old, new in (("w:t", "w:delText"), ("w:instrText", "w:delInstrText")):
        for leaf in run.findall(q(old)):
            twin = make(run, new, {"xml:space": "preserve"}, leaf.text or "")
            leaf.addprevious(twin)
            remove(leaf)
