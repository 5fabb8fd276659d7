"""What follows moved cells outside of the sheets: drawings, comments, tables, charts, pivot tables."""

from __future__ import annotations

import re

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.markup import DRAWING, drop, m, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.shifting import Shift, Where, follow
from agent.office.xml import Element, local

_EXCEL = "urn:schemas-microsoft-com:office:excel"


def check_parts(book: Book, sheet: Sheet, shift: Shift) -> None:
    """Before anything moves. Raises ToolFault where a pivot table, a table or an array would be torn."""
    for part in book.related(sheet.part, "pivotTable"):
        area = read_area(book.xml(part).find(m("location")).get("ref"))
        _check_whole(area, shift, f"the pivot table at {area}")
    for part in book.related(sheet.part, "table"):
        root = book.xml(part)
        area = read_area(root.get("ref"))
        header = Area(area.top, area.left, area.top, area.right)
        new = shift.where(area)
        if new is not None and root.get("headerRowCount") != "0" and shift.where(header) is None:
            raise ToolFault(f"The headers of table {root.get('name')} cannot go while it stays. Nothing was changed.")
        if new is not None and not shift.whole and (new.height, new.width) != (area.height, area.width):
            raise ToolFault(f"That would tear table {root.get('name')} ({area}) apart. Nothing was changed.")
    _check_sources(book, shift)
    for area, _, _ in sheet.arrays():
        if area.height * area.width > 1:
            _check_whole(area, shift, f"the array formula {area}")


def _check_sources(book: Book, shift: Shift) -> None:
    """Pivot tables know the columns of their source by place."""
    for part in [name for name in book.names if name.startswith("xl/pivotCache/pivotCacheDefinition")]:
        for tag, element in walk(book.xml(part)):
            area = _source_area(book, element, shift.sheet) if tag == "worksheetSource" else None
            new = shift.where(area) if area is not None else None
            if area is not None and (new is None or new.width != area.width):
                raise ToolFault(
                    f"{area} is the source of a pivot table, whose columns cannot be changed in between. Nothing was "
                    "changed. Put new columns after the last one of it."
                )


def _source_area(book: Book, source: Element, sheet: str) -> Area | None:
    if source.get("ref"):
        return read_area(source.get("ref")) if source.get("sheet") == sheet else None
    for part in book.related(book.sheet(sheet).part, "table"):
        if book.xml(part).get("displayName") == source.get("name"):
            return read_area(book.xml(part).get("ref"))
    return None


def _check_whole(area: Area, shift: Shift, what: str) -> None:
    new = shift.where(area)
    if new is not None and (new.height, new.width) != (area.height, area.width):
        raise ToolFault(f"That would tear {what} apart. Nothing was changed.")


def shift_parts(book: Book, sheet: Sheet, shift: Shift) -> None:
    """Let all of them follow."""
    for part in list(book.names):
        if re.match(r"xl/(charts|drawings)/.*\.xml$", part) and "style" not in part and "colors" not in part:
            _shift_formula_texts(book, part, shift)
    for part in book.related(sheet.part, "drawing"):
        if shift.whole:
            _shift_anchors(book.xml(part), shift)
    _shift_comments(book, sheet, shift)
    for part in book.related(sheet.part, "table"):
        _shift_table(book, sheet, part, shift)
    for part in book.related(sheet.part, "pivotTable"):
        location = book.xml(part).find(m("location"))
        new = shift.where(read_area(location.get("ref")))
        location.set("ref", str(new) if new else location.get("ref"))
    for part in [name for name in book.names if name.startswith("xl/pivotCache/pivotCacheDefinition")]:
        _shift_cache(book, part, shift)
    for part in [name for name in book.names if name.startswith("xl/ctrlProps/")]:
        root = book.xml(part)
        for name in ("fmlaLink", "fmlaRange", "fmlaTxbx"):
            if root.get(name):
                root.set(name, follow(root.get(name), shift.sheet, shift))


def _shift_formula_texts(book: Book, part: str, shift: Shift) -> None:
    if shift.sheet.replace("'", "''").encode() not in book.read(part):
        return
    for tag, element in walk(book.xml(part)):
        if tag == "f" and element.text:
            element.text = follow(element.text, None, shift)


def _shift_anchors(root: Element, shift: Shift) -> None:
    for anchor in root:
        if local(anchor) not in ("twoCellAnchor", "oneCellAnchor") or anchor.get("editAs") == "absolute":
            continue
        start, end = anchor.find(f"{{{DRAWING}}}from"), anchor.find(f"{{{DRAWING}}}to")
        rows, columns = _shift_marker(start, shift, None)
        if end is not None:
            _shift_marker(end, shift, (rows, columns) if anchor.get("editAs") == "oneCell" else None)


def _shift_marker(marker: Element, shift: Shift, by: tuple[int, int] | None) -> tuple[int, int]:
    """Move a corner with its cell, or by as much as another one moved; how far it moved."""
    row, column = (marker.find(f"{{{DRAWING}}}{name}") for name in ("row", "col"))
    at = Area(int(row.text) + 1, int(column.text) + 1, int(row.text) + 1, int(column.text) + 1)
    if by is None:
        new = shift.where(at) or _before(at, shift)
        by = new.top - at.top, new.left - at.left
    row.text, column.text = str(max(0, int(row.text) + by[0])), str(max(0, int(column.text) + by[1]))
    return by


def _before(at: Area, shift: Shift) -> Area:
    """Where the nearest cell before one that is gone has come to."""
    step = (-1, 0) if shift.axis == "rows" else (0, -1)
    found = at
    while (found.top if step[0] else found.left) > 1:
        found = found.moved(*step)
        if (new := shift.where(found)) is not None:
            return new.moved(-step[0], -step[1])
    return Area(1 if step[0] else at.top, 1 if step[1] else at.left, at.bottom, at.right)


def _shift_comments(book: Book, sheet: Sheet, shift: Shift) -> None:
    for kind in ("comments", "threadedComment"):
        for part in book.related(sheet.part, kind):
            for tag, element in list(walk(book.xml(part))):
                if tag in ("comment", "threadedComment") and element.get("ref"):
                    new = shift.where(read_area(element.get("ref")))
                    if new is None:
                        drop(element)
                    else:
                        element.set("ref", str(new))
    for part in book.related(sheet.part, "vmlDrawing"):
        for shape in [each for tag, each in walk(book.xml(part)) if tag == "shape"]:
            _shift_note(shape, shift)


def _shift_note(shape: Element, shift: Shift) -> None:
    data = shape.find(f"{{{_EXCEL}}}ClientData")
    row, column = (None, None) if data is None else (data.find(f"{{{_EXCEL}}}{name}") for name in ("Row", "Column"))
    if data is None or row is None or column is None:
        return
    at = Area(int(row.text) + 1, int(column.text) + 1, int(row.text) + 1, int(column.text) + 1)
    new = shift.where(at)
    if new is None:
        drop(shape)
        return
    row.text, column.text = str(new.top - 1), str(new.left - 1)
    anchor = data.find(f"{{{_EXCEL}}}Anchor")
    numbers = [int(each) for each in re.findall(r"-?\d+", anchor.text or "")] if anchor is not None else []
    if anchor is not None and len(numbers) == 8:
        for index, by in (
            (0, new.left - at.left),
            (4, new.left - at.left),
            (2, new.top - at.top),
            (6, new.top - at.top),
        ):
            numbers[index] = max(0, numbers[index] + by)
        anchor.text = ", ".join(str(each) for each in numbers)


def _shift_table(book: Book, sheet: Sheet, part: str, shift: Shift) -> None:
    from agent.office.spreadsheets.tables import follow_columns, remove_table

    root = book.xml(part)
    area = read_area(root.get("ref"))
    new = shift.where(area)
    if new is None:
        remove_table(book, sheet, part)
        return
    if new.height < 2 and root.get("headerRowCount") != "0":
        new = Area(new.top, new.left, new.top + 1, new.right)  # a table keeps one row, be it empty
        shift = Shift(shift.sheet, _at_least(shift.where, area, new), shift.axis, shift.whole)
    for tag, element in walk(root):
        if tag == "table" or (tag in ("autoFilter", "sortState", "sortCondition") and element.get("ref")):
            moved = shift.where(read_area(element.get("ref")))
            element.set("ref", str(moved or new))
        elif tag in ("calculatedColumnFormula", "totalsRowFormula") and element.text:
            element.text = follow(element.text, shift.sheet, shift)
    if new.width != area.width:
        follow_columns(book, sheet, root, area, shift)


def _at_least(where: Where, area: Area, new: Area) -> Where:
    return lambda each: new if each == area else where(each)


def _shift_cache(book: Book, part: str, shift: Shift) -> None:
    for tag, element in walk(book.xml(part)):
        if tag == "worksheetSource" and element.get("ref") and element.get("sheet") == shift.sheet:
            new = shift.where(read_area(element.get("ref")))
            if new is not None:
                element.set("ref", str(new))
