"""Lists of ranges on a sheet, and of its columns: parts taken out, others put in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.office.spreadsheets.cells import LAST_COLUMN, Area, areas_of
from agent.office.spreadsheets.markup import children, drop, insert_ordered, m, walk
from agent.office.spreadsheets.sheet import ORDER, Sheet
from agent.office.xml import Element, etree, local

_NEWER: Final = {"conditionalFormatting": "conditionalFormatting", "dataValidations": "dataValidation"}


def without(area: Area, hole: Area) -> list[Area]:
    """What is left of a range."""
    common = area.common(hole)
    if common is None:
        return [area]
    left: list[Area] = []
    if area.top < common.top:
        left.append(Area(area.top, area.left, common.top - 1, area.right))
    if common.bottom < area.bottom:
        left.append(Area(common.bottom + 1, area.left, area.bottom, area.right))
    if area.left < common.left:
        left.append(Area(common.top, area.left, common.bottom, common.left - 1))
    if common.right < area.right:
        left.append(Area(common.top, common.right + 1, common.bottom, area.right))
    return left


def clear_area(sheet: Sheet, name: str, hole: Area) -> int:
    """Take a range out of links, validations or conditional formats; how many of them that met."""
    count = 0
    if name == "conditionalFormatting":
        found = children(sheet.frame, name)
    else:
        found = list(sheet.frame.find(m(name)) if sheet.frame.find(m(name)) is not None else ())
    for each in found:
        attribute = "ref" if name == "hyperlinks" else "sqref"
        areas = areas_of(each.get(attribute, ""))
        if any(area.meets(hole) for area in areas):
            count += 1
            left = [part for area in areas for part in without(area, hole)]
            each.set(attribute, " ".join(str(part) for part in left))
            if not left:
                drop(each)
    _tidy(sheet, name)
    if name in _NEWER:
        _clear_newer(sheet, _NEWER[name], hole)
    return count


def _clear_newer(sheet: Sheet, name: str, hole: Area) -> None:
    """The same where newer programs have written it: at the sheet's end, the ranges in an element of their own."""
    for tag, each in list(walk(sheet.frame)):
        if tag != "sqref" or each.getparent() is None or local(each.getparent()) != name or not each.text:
            continue
        left = [part for area in areas_of(each.text) for part in without(area, hole)]
        each.text = " ".join(str(part) for part in left)
        empty = each.getparent()
        while not left and empty is not None and local(empty) != "worksheet":
            holder = empty.getparent()
            drop(empty)
            if holder is None or len(holder):
                break
            empty = holder


def _tidy(sheet: Sheet, name: str) -> None:
    holder = sheet.frame.find(m(name))
    if name != "conditionalFormatting" and holder is not None:
        if holder.get("count") is not None:
            holder.set("count", str(len(holder)))
        if not len(holder):
            drop(holder)


def columns_of(sheet: Sheet, left: int, right: int) -> Iterator[tuple[int, int, Element | None]]:
    """What a sheet says of columns, from left to right, gaps included."""
    at = left
    for col in sorted(children(sheet.frame.find(m("cols")), "col"), key=lambda each: int(each.get("min"))):
        first, last = int(col.get("min")), int(col.get("max"))
        if last < at or first > right:
            continue
        if first > at:
            yield at, first - 1, None
            at = first
        yield at, min(last, right), col
        at = min(last, right) + 1
    if at <= right:
        yield at, right, None


def set_columns(sheet: Sheet, left: int, right: int, changes: dict[str, str]) -> None:
    """Change what a sheet says of some columns."""
    told: list[Element] = []
    for first, last, col in list(columns_of(sheet, 1, LAST_COLUMN)):
        before, after = (first, min(last, left - 1)), (max(first, right + 1), last)
        for (low, high), inside in ((before, False), ((max(first, left), min(last, right)), True), (after, False)):
            if low <= high and (col is not None or inside):
                told.append(_column(low, high, col, changes if inside else {}))
    write_columns(sheet, told)


def _column(first: int, last: int, col: Element | None, changes: dict[str, str]) -> Element:
    attributes = dict(col.attrib) if col is not None else {"width": "9.140625"}
    return etree.Element(m("col"), attributes | {"min": str(first), "max": str(last)} | changes)


def write_columns(sheet: Sheet, told: list[Element]) -> None:
    """Say all of a sheet's columns anew."""
    old = sheet.frame.find(m("cols"))
    if old is not None:
        drop(old)
    if told:
        new = etree.Element(m("cols"))
        for each in told:
            new.append(each)
        insert_ordered(sheet.frame, new, ORDER)
