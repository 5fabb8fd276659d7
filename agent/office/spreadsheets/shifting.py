"""When cells move: everything in the workbook that refers to them follows, as a spreadsheet program does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, areas_of, read_area
from agent.office.spreadsheets.everywhere import rewrite, rule_of
from agent.office.spreadsheets.formulas import moved_references, split_union, translated
from agent.office.spreadsheets.markup import children, drop, m, walk
from agent.office.spreadsheets.references import GONE, Reference
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, local

Axis: TypeAlias = Literal["rows", "columns"]
Where: TypeAlias = Callable[[Area], "Area | None"]
_SQREF = "sqref"


@dataclass(frozen=True)
class Shift:
    """Cells of one sheet that move.

    Attributes:
        where: where a range is afterwards; None where it is gone.
        whole: whether whole rows or columns move, and drawings with them.
        follows: whether references from one sheet to another, Jan:Dec!B2, move too: that is so when the same has
            happened on all of these sheets. They are not asked about sheets that the shift has nothing to do with.
    """

    sheet: str
    where: Where
    axis: Axis = "rows"
    whole: bool = True
    follows: Callable[[str, str], bool] = lambda _first, _last: False


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

    def change(text: str, home: str | None, holder: Element) -> str:
        by = None
        if home == shift.sheet and (rule := rule_of(holder)) is not None:
            text, by = _for_first_left(text, rule, shift)
        return follow(text, home, shift, by)

    rewrite(book, change, home=shift.sheet)
    sheet = book.sheet(shift.sheet)
    _shift_arrays(sheet, shift)
    _shift_frame(sheet, shift)
    _tidy_names(book)
    from agent.office.spreadsheets.shifting_parts import shift_parts

    shift_parts(book, sheet, shift)
    book.no_calc_chain()


def follow(text: str, home: str | None, shift: Shift, by: tuple[int, int] | None = None) -> str:
    """A formula after the shift.

    Args:
        home: the sheet it stands on; None where its references always name one.
        by: of a rule, how far its first cell moves: relative references to what is gone keep their distance to it.

    Raises:
        ToolFault: it is no formula.
    """
    if home != shift.sheet and "!" not in text:
        return text
    wanted = shift.sheet.casefold()

    def change(reference: Reference) -> Area | None:
        if reference.last:
            here = shift.follows(reference.sheet or "", reference.last)
        else:
            here = (reference.sheet if reference.sheet is not None else home or "").casefold() == wanted
        if not here:
            return reference.area
        new = shift.where(reference.area)
        return new if new is not None or by is None else _at_distance(reference, shift.axis, by)

    return moved_references(text, change)


def _at_distance(reference: Reference, axis: Axis, by: tuple[int, int]) -> Area | None:
    area, (top, left, bottom, right) = reference.area, reference.marks
    fixed = (top or bottom) if axis == "rows" else (left or right)
    new = area.moved(*by)
    return None if fixed or new.top < 1 or new.left < 1 else new


def _for_first_left(text: str, rule: Element, shift: Shift) -> tuple[str, tuple[int, int] | None]:
    """The formula of a rule is written for its first cell: where that one goes, for the first that is left.

    Also how far that one moves.
    """
    areas = areas_of(_sqref(rule))
    left = [new for area in areas if (new := shift.where(area)) is not None]
    if not left:
        return text, None
    first, (row, column) = areas[0], (areas[0].top, areas[0].left)
    wanted = Area(left[0].top, left[0].left, left[0].top, left[0].left)
    down, right = (1, 0) if shift.axis == "rows" else (0, 1)
    while first.has(row, column):
        if shift.where(Area(row, column, row, column)) == wanted:
            by = (wanted.top - row, wanted.left - column)
            return translated(text, row - first.top, column - first.left), by
        row, column = row + down, column + right
    return text, None


def _sqref(rule: Element) -> str:
    """The ranges of a rule: an attribute, or an element where it is one of the newer kind."""
    told = rule.get(_SQREF) or next((each.text for tag, each in walk(rule) if tag == _SQREF), "")
    return told or ""


def _shift_arrays(sheet: Sheet, shift: Shift) -> None:
    """Ranges that formulas themselves name: of arrays, and of tables of what-if."""

    def one(row: Element) -> bool:
        for formula in [found for cell in row if (found := cell.find(m("f"))) is not None]:
            for name in ("ref", "r1", "r2"):
                if formula.get(name):
                    new = shift.where(read_area(formula.get(name)))
                    formula.set(name, str(new) if new else "A1")
        return True

    sheet.rows.rewrite([n for n in sheet.rows.with_text(b"<f") if sheet.rows.with_text_in(n, b" ref=")], one)


def _shift_frame(sheet: Sheet, shift: Shift) -> None:
    gone = [element for tag, element in list(walk(sheet.frame)) if not _shift_ranges(tag, element, shift)]
    for element in gone:
        _drop_with_holder(element)
    if shift.whole:
        _shift_breaks(sheet, shift)


def shift_filter(element: Element, shift: Shift) -> None:
    """The columns that a filter looks at are counted from its first one."""
    before = read_area(element.get("ref"))
    after = shift.where(before)
    for each in children(element, "filterColumn"):
        column = before.left + int(each.get("colId") or 0)
        new = shift.where(Area(before.top, column, before.top, column))
        if new is None or after is None:
            drop(each)
        else:
            each.set("colId", str(new.left - after.left))


def _shift_ranges(tag: str, element: Element, shift: Shift) -> bool:
    """Ranges that an element names; False where nothing is left of it."""
    if tag == "autoFilter" and element.get("ref"):
        shift_filter(element, shift)
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
    """A break stands before the line that follows the one it names."""
    holder = sheet.frame.find(m("rowBreaks" if shift.axis == "rows" else "colBreaks"))
    for each in list(holder) if holder is not None else ():
        at = int(each.get("id", "0")) + 1
        new = shift.where(Area(at, 1, at, 1) if shift.axis == "rows" else Area(1, at, 1, at))
        if new is None:
            drop(each)
        else:
            each.set("id", str((new.top if shift.axis == "rows" else new.left) - 1))


def _tidy_names(book: Book) -> None:
    """Print areas, titles and filters that are gone are no names any more."""
    for name in book.defined_names():
        if name.get("name", "").startswith("_xlnm.") and GONE in (name.text or ""):
            left = [each for each in split_union(name.text) if GONE not in each]
            name.text = ",".join(left)
            if not left:
                drop(name)
