"""What follows moved cells outside of the sheets: drawings, comments, tables, charts, pivot tables."""

from __future__ import annotations

import re

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.markup import DRAWING, drop, m, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.shifting import Shift, Where, shift_filter
from agent.office.xml import Element

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


def sources_of_pivots(book: Book) -> list[Element]:
    """The `worksheetSource` of each pivot table's data."""
    parts = [name for name in book.names if name.startswith("xl/pivotCache/pivotCacheDefinition")]
    return [each for part in parts for tag, each in walk(book.xml(part)) if tag == "worksheetSource"]


def source_sheet(book: Book, source: Element) -> str:
    """The sheet that a pivot table takes its data from; "" where it is none of this workbook."""
    if source.get("ref"):
        return source.get("sheet", "")
    named = [(name, part) for name, sheet in book.sheets() for part in book.related(sheet.part, "table")]
    return next((name for name, part in named if book.xml(part).get("displayName") == source.get("name")), "")


def _check_sources(book: Book, shift: Shift) -> None:
    """Pivot tables know the columns of their source by place."""
    for source in sources_of_pivots(book):
        area = _source_area(book, source, shift.sheet)
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
    if shift.whole:
        for part in book.related(sheet.part, "drawing"):
            _shift_anchors(book.xml(part), shift)
        _shift_controls(book, sheet, shift)
    shift_comments(book, sheet, shift)
    for part in book.related(sheet.part, "table"):
        _shift_table(book, sheet, part, shift)
    for part in book.related(sheet.part, "pivotTable"):
        location = book.xml(part).find(m("location"))
        new = shift.where(read_area(location.get("ref")))
        location.set("ref", str(new) if new else location.get("ref"))
    for source in sources_of_pivots(book):
        if source.get("ref") and source.get("sheet") == shift.sheet:
            source.set("ref", str(shift.where(read_area(source.get("ref"))) or source.get("ref")))


def _shift_anchors(root: Element, shift: Shift) -> None:
    for tag, anchor in list(walk(root)):
        if tag not in ("twoCellAnchor", "oneCellAnchor") or anchor.get("editAs") == "absolute":
            continue
        start, end = anchor.find(f"{{{DRAWING}}}from"), anchor.find(f"{{{DRAWING}}}to")
        rows, columns = _shift_marker(start, shift, None)
        if end is not None:
            _shift_marker(end, shift, (rows, columns) if anchor.get("editAs") == "oneCell" else None)


def _shift_controls(book: Book, sheet: Sheet, shift: Shift) -> None:
    """Buttons and embedded objects stand in the sheet and, for older programs, in a drawing of another kind."""
    for tag, anchor in list(walk(sheet.frame)):
        if tag == "anchor" and anchor.get("moveWithCells") in ("1", "true"):
            by = _shift_marker(anchor.find(m("from")), shift, None)
            _shift_marker(anchor.find(m("to")), shift, None if anchor.get("sizeWithCells") in ("1", "true") else by)
    for part in book.related(sheet.part, "vmlDrawing"):
        if b"<x:Anchor" not in book.read(part):
            continue
        for data in [each for tag, each in walk(book.xml(part)) if tag == "ClientData"]:
            anchor, stays = data.find(f"{{{_EXCEL}}}Anchor"), data.find(f"{{{_EXCEL}}}MoveWithCells")
            if anchor is not None and data.get("ObjectType") != "Note" and stays is None:
                at = [int(each) for each in re.findall(r"-?\d+", anchor.text or "")]
                if len(at) == 8:
                    corner = Area(at[2] + 1, at[0] + 1, at[2] + 1, at[0] + 1)
                    new = shift.where(corner) or _before(corner, shift)
                    _move_anchor(anchor, at, new.top - corner.top, new.left - corner.left)


def _move_anchor(anchor: Element, numbers: list[int], rows: int, columns: int) -> None:
    """Numbers are left, its offset, top, its offset, right, its offset, bottom, its offset."""
    for index, by in ((0, columns), (4, columns), (2, rows), (6, rows)):
        numbers[index] = max(0, numbers[index] + by)
    anchor.text = ", ".join(str(each) for each in numbers)


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


def shift_comments(book: Book, sheet: Sheet, shift: Shift) -> None:
    """Notes, threads and what shows them go with their cells."""
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
        _move_anchor(anchor, numbers, new.top - at.top, new.left - at.left)


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
        if tag == "autoFilter" and element.get("ref"):
            shift_filter(element, shift)
        if tag == "table" or (tag in ("autoFilter", "sortState", "sortCondition") and element.get("ref")):
            moved = shift.where(read_area(element.get("ref")))
            element.set("ref", str(moved or new))
    if new.width != area.width:
        follow_columns(book, sheet, root, area, shift)


def _at_least(where: Where, area: Area, new: Area) -> Where:
    return lambda each: new if each == area else where(each)
