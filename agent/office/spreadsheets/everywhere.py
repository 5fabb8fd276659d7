"""All formulas of a workbook, wherever they stand: cells, rules, names, charts, tables, controls, links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.markup import m, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, local

Change: TypeAlias = Callable[[str, "str | None", Element], str]
"""Gets a formula without "=", the sheet it stands on (None: none), and the element that holds it; gives it anew."""

_PARTS = re.compile(r"xl/(charts|drawings|tables|ctrlProps)/[^/]+\.(xml|vml)")
_TEXTS: Final = {
    "f": "charts", "calculatedColumnFormula": "formulas", "totalsRowFormula": "formulas", "FmlaLink": "controls",
    "FmlaRange": "controls", "FmlaPict": "controls", "FmlaTxbx": "controls", "FmlaGroup": "controls",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "textlink": "shapes", "cellRange": "shapes", "fmlaLink": "controls", "fmlaRange": "controls",
    "fmlaTxbx": "controls", "fmlaGroup": "controls",
}  # fmt: skip
_IN_SHEETS: Final = frozenset({"formula", "formula1", "formula2", "f"})


def rewrite(book: Book, change: Change, *, mark: bytes = b"!", home: str | None = None) -> Counter[str]:
    """Let `change` see all formulas; how many of each kind are others now.

    Args:
        mark: what formulas in cells hold that can change; rows without it are not looked at …
        home: … but on this sheet all are.
    """
    told: Counter[str] = Counter()
    homes: dict[str, str] = {}
    for name, sheet in book.sheets():
        homes |= {each.target: name for each in book.relations(sheet.part) if not each.external}
        told["formulas"] += _rewrite_cells(sheet, name, change, b"<f" if name == home else mark)
        told.update(_rewrite_frame(sheet, name, change))
    for each in book.defined_names():
        if (new := _anew(change, each.text or "", None, each)) != (each.text or ""):
            each.text = new
            told["names"] += 1
    for part in [each for each in book.names if _PARTS.fullmatch(each)]:
        if not part.endswith(".vml") or b"Fmla" in book.read(part):
            told.update(_rewrite_part(book.xml(part), homes.get(part), change))
    return +told


def words(told: Counter[str]) -> str:
    """ "3 formulas and 1 chart"."""
    parts = [f"{count} {kind[:-1] if count == 1 else kind}" for kind, count in told.items()]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _anew(change: Change, text: str, home: str | None, holder: Element) -> str:
    if not text:
        return text
    try:
        return change(text, home, holder)
    except ToolFault:
        return text  # not a formula that could be read; programs will say so


def _rewrite_cells(sheet: Sheet, name: str, change: Change, mark: bytes) -> int:
    count = 0

    def one(row: Element) -> bool:
        before = count
        for cell in row:
            formula = cell.find(m("f"))
            if formula is not None and formula.text:
                put(formula, _anew(change, formula.text, name, formula))
        return count > before

    def put(formula: Element, text: str) -> None:
        nonlocal count
        if text != formula.text:
            formula.text = text
            count += 1

    sheet.rows.rewrite([n for n in sheet.rows.with_text(b"<f") if sheet.rows.with_text_in(n, mark)], one)
    return count


def _rewrite_frame(sheet: Sheet, name: str, change: Change) -> Counter[str]:
    told: Counter[str] = Counter()
    for tag, element in list(walk(sheet.frame)):
        if tag in _IN_SHEETS and element.text:
            new = _anew(change, element.text, name, element)
            told["rules"] += new != element.text
            element.text = new
        if tag == "hyperlink" and element.get("location"):
            new = _anew(change, element.get("location"), name, element)
            told["links"] += new != element.get("location")
            element.set("location", new)
    return told


def _rewrite_part(root: Element, home: str | None, change: Change) -> Counter[str]:
    told: Counter[str] = Counter()
    for tag, element in list(walk(root)):
        if tag in _TEXTS and element.text:
            new = _anew(change, element.text, home, element)
            told[_TEXTS[tag]] += new != element.text
            element.text = new
        for key in [key for key in element.attrib if _ATTRIBUTES.get(key)]:
            new = _anew(change, element.get(key), home, element)
            told[_ATTRIBUTES[key]] += new != element.get(key)
            element.set(key, new)
    told["charts"] = min(told["charts"], 1)
    return told


def rule_of(holder: Element) -> Element | None:
    """The conditional format or validation that an element is a formula of."""
    found = holder
    while found is not None and local(found) not in ("conditionalFormatting", "dataValidation"):
        found = found.getparent()
    return found
