"""When cells move: everything in the workbook that refers to them follows, as a spreadsheet program does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, areas_of, read_area
from agent.office.spreadsheets.formulas import moved_references
from agent.office.spreadsheets.markup import drop, m, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, local

Axis: TypeAlias = Literal["rows", "columns"]
Where: TypeAlias = Callable[[Area], "Area | None"]
_FORMULAS = frozenset({"formula", "formula1", "formula2", "f"})
_SQREF = "sqref"


@dataclass(frozen=True)
class Shift:
    """Cells of one sheet that move.

    Attributes:
        where: where a range is afterwards; None where it is gone.
        whole: whether whole rows or columns move, and drawings with them.
    """

    sheet: str
    where: Where
    axis: Axis = "rows"
    whole: bool = True


def inserted(axis: Axis, at: int, count: int, band: Area | None = None) -> Where:
    """Where ranges are after rows or columns have come in before `at`; in a band only, if one is given."""

    def where(area: Area) -> Area | None:
        if _apart(area, axis, band):
            return area
        low, high = _ends(area, axis)
        last = LAST_ROW if axis == "rows" else LAST_COLUMN
        low, high = low + (count if low >= at else 0), high + (count if high >= at else 0)
        return None if low > last else _with_ends(area, axis, low, min(high, last))

    return where


def deleted(axis: Axis, first: int, last: int, band: Area | None = None) -> Where:
    """Where ranges are after rows or columns have gone."""
    count = last - first + 1

    def where(area: Area) -> Area | None:
        if _apart(area, axis, band):
            return area
        low, high = _ends(area, axis)
        if first <= low and high <= last:
            return None
        low = low if low < first else first if low <= last else low - count
        high = high if high < first else first - 1 if high <= last else high - count
        return _with_ends(area, axis, low, high)

    return where


def _apart(area: Area, axis: Axis, band: Area | None) -> bool:
    """Whether a range takes no part: it is endless that way, or not wholly in the band."""
    if (axis == "rows" and area.whole_columns) or (axis == "columns" and area.whole_rows):
        return True
    if band is None:
        return False
    if axis == "rows":
        return not (band.left <= area.left and area.right <= band.right)
    return not (band.top <= area.top and area.bottom <= band.bottom)


def _ends(area: Area, axis: Axis) -> tuple[int, int]:
    return (area.top, area.bottom) if axis == "rows" else (area.left, area.right)


def _with_ends(area: Area, axis: Axis, low: int, high: int) -> Area:
    return Area(low, area.left, high, area.right) if axis == "rows" else Area(area.top, low, area.bottom, high)


def apply(book: Book, shift: Shift) -> None:
    """Let everything follow. The cells themselves have been moved already."""
    for name, sheet in book.sheets():
        _shift_formulas(sheet, name, shift)
        _shift_frame(sheet, name, shift)
    _shift_names(book, shift)
    sheet = book.sheet(shift.sheet)
    from agent.office.spreadsheets.shifting_parts import shift_parts

    shift_parts(book, sheet, shift)
    book.no_calc_chain()


def follow(text: str, home: str | None, shift: Shift) -> str:
    """A formula after the shift.

    Args:
        home: the sheet it stands on; None where its references always name one.
    """
    if not text or not (home == shift.sheet or shift.sheet.replace("'", "''") in text or shift.sheet in text):
        return text

    def change(sheet: str | None, area: Area) -> tuple[str | None, Area] | None:
        if (sheet if sheet is not None else home or "").casefold() != shift.sheet.casefold():
            return sheet, area
        new = shift.where(area)
        return None if new is None else (sheet, new)

    try:
        return moved_references(text, change)
    except ToolFault:
        return text  # not a formula that could be read; programs will say so


def _shift_formulas(sheet: Sheet, name: str, shift: Shift) -> None:
    mark = shift.sheet.replace("'", "''").encode()
    wanted = [n for n in sheet.rows.with_text(b"<f") if name == shift.sheet or sheet.rows.with_text_in(n, mark)]
    for number in wanted:
        for _, row in sheet.rows.each(number, number, change=True):
            for cell in row:
                formula = cell.find(m("f"))
                if formula is not None:
                    _shift_formula(formula, name, shift)


def _shift_formula(formula: Element, home: str, shift: Shift) -> None:
    if formula.text:
        formula.text = follow(formula.text, home, shift)
    for name in ("ref", "r1", "r2"):
        if home == shift.sheet and formula.get(name):
            new = shift.where(read_area(formula.get(name)))
            formula.set(name, str(new) if new else "A1")


def _shift_frame(sheet: Sheet, name: str, shift: Shift) -> None:
    own = name == shift.sheet
    gone: list[Element] = []
    for tag, element in list(walk(sheet.frame)):
        if tag in _FORMULAS and element.text:
            element.text = follow(element.text, name, shift)
        if tag == "hyperlink" and element.get("location"):
            element.set("location", follow(element.get("location"), name, shift))
        if own and not _shift_ranges(tag, element, shift):
            gone.append(element)
    for element in gone:
        _drop_with_holder(element)
    if own and shift.whole:
        _shift_breaks(sheet, shift)


def _shift_ranges(tag: str, element: Element, shift: Shift) -> bool:
    """Ranges that an element names; False where nothing is left of it."""
    if tag == _SQREF and element.text:
        element.text = _shifted(element.text, shift)
        return bool(element.text)
    if tag == "selection":
        for name in ("activeCell", _SQREF):
            if element.get(name):
                element.set(name, _shifted(element.get(name), shift) or "A1")
        return True
    for name in ("ref", _SQREF):
        if element.get(name) and tag not in ("dimension", "f"):
            new = _shifted(element.get(name), shift)
            if not new:
                return False
            element.set(name, new)
    return True


def _shifted(text: str, shift: Shift) -> str:
    moved = [shift.where(area) for area in areas_of(text)]
    return " ".join(str(area) for area in moved if area is not None)


def _drop_with_holder(element: Element) -> None:
    """Drop an element, and what held it if that is empty now."""
    if local(element) == _SQREF:
        element = element.getparent()
    holder = element.getparent()
    if holder is None:
        return
    drop(element)
    if local(holder) in ("mergeCells", "hyperlinks", "dataValidations", "protectedRanges", "ignoredErrors"):
        if holder.get("count") is not None:
            holder.set("count", str(len(holder)))
        if not len(holder):
            drop(holder)
    elif local(holder) in ("conditionalFormattings", "sparklines", "sparklineGroup") and not len(holder):
        _drop_with_holder(holder)


def _shift_breaks(sheet: Sheet, shift: Shift) -> None:
    holder = sheet.frame.find(m("rowBreaks" if shift.axis == "rows" else "colBreaks"))
    for each in list(holder) if holder is not None else ():
        at = int(each.get("id", "0"))
        area = Area(at, 1, at, LAST_COLUMN) if shift.axis == "rows" else Area(1, at, LAST_ROW, at)
        new = shift.where(area)
        if new is None:
            drop(each)
        else:
            each.set("id", str(new.top if shift.axis == "rows" else new.left))


def _shift_names(book: Book, shift: Shift) -> None:
    for name in book.defined_names():
        name.text = follow(name.text or "", None, shift)
