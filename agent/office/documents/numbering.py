"""The number that a page shows, which is not its place in the document where a section begins to count anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.office.documents.draft import Draft
from agent.office.documents.leaves import said
from agent.office.documents.tracking import owner
from agent.office.xml import Element, first, q

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass
class _Section:
    """Its first paragraph with words, and how its pages are numbered; `start` is None where they go on."""

    start: int | None = None
    kind: str = "decimal"
    first: Element = None


@dataclass
class PageNumbers:
    """The sections of a document, and which of its paragraphs stand in which."""

    sections: list[_Section] = field(default_factory=list[_Section])
    places: dict[Element, int] = field(default_factory=dict[Element, int])

    @classmethod
    def of(cls, draft: Draft) -> PageNumbers:
        """Read them."""
        made = cls()
        section = _Section()
        for block in draft.body.iter(q("w:p")):
            if owner(block) is not None:
                continue
            made.places[block] = len(made.sections)
            if section.first is None and said(block).strip():
                section.first = block
            if (held := first(block, "w:pPr", "w:sectPr")) is not None:
                made._close(section, held)
                section = _Section()
        made._close(section, first(draft.body, "w:sectPr"))
        return made

    def _close(self, section: _Section, settings: Element) -> None:
        told = first(settings, "w:pgNumType") if settings is not None else None
        if told is not None:
            start = told.get(q("w:start")) or ""
            section.start = int(start) if start.isdigit() else None
            section.kind = told.get(q("w:fmt")) or "decimal"
        self.sections.append(section)

    @property
    def needed(self) -> list[Element]:
        """Paragraphs whose pages must be known: those that sections begin with which count anew."""
        return [each.first for each in self.sections[1:] if each.start is not None and each.first is not None]

    def shown(self, block: Element, page: int, pages: Mapping[Element, int]) -> str:
        """What is written on the page that a paragraph is on.

        Args:
            page: from 1, as the pages follow each other.
            pages: those of the paragraphs that are `needed`.
        """
        number = self.places.get(block, 0)
        for at in range(number, -1, -1):
            section = self.sections[at]
            if section.start is not None and (begins := 1 if at == 0 else pages.get(section.first)) is not None:
                page = section.start + page - begins
                break
        return _written(page, self.sections[number].kind)


def _written(number: int, kind: str) -> str:
    if not 0 < number < 4000:
        return str(number)
    if kind in ("lowerRoman", "upperRoman"):
        text = ""
        for value, letters in _ROMAN:
            text += letters * (number // value)
            number %= value
        return text if kind == "lowerRoman" else text.upper()
    if kind in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if kind == "lowerLetter" else letter.upper()
    return str(number)
