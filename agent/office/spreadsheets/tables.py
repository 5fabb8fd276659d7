"""Tables of a workbook: parts of their own, tied to a range of a sheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.markup import MAIN, R_ID, children, drop, m, sub
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, etree

if TYPE_CHECKING:
    from agent.office.spreadsheets.shifting import Shift

TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.table+xml"
_NAME = re.compile(r"[A-Za-z_\\\u0080-\uffff][\w.\u0080-\uffff]{0,250}")
_CELL_LIKE = re.compile(r"[A-Za-z]{1,3}\d+|[RrCc]|[Rr]\d*[Cc]\d*")


def all_tables(book: Book) -> list[tuple[str, Sheet, str]]:
    """Name of the sheet, the sheet and the part of each table."""
    return [(name, sheet, part) for name, sheet in book.sheets() for part in book.related(sheet.part, "table")]


def find_table(book: Book, name: str) -> tuple[str, Sheet, str]:
    """A table by its name. Raises ToolFault."""
    found = all_tables(book)
    for each in found:
        if (book.xml(each[2]).get("displayName") or "").casefold() == name.casefold():
            return each
    names = ", ".join(book.xml(part).get("displayName", "") for _, _, part in found)
    raise ToolFault(f"There is no table {name!r}; there are: {names or 'none'}. Nothing was changed.")


def check_name(book: Book, name: str) -> None:
    """A name that a table or range may get. Raises ToolFault."""
    if not _NAME.fullmatch(name) or _CELL_LIKE.fullmatch(name):
        raise ToolFault(f"{name!r} cannot be a name: letters, digits, _ and . only, no spaces, not like a cell.")
    taken = {book.xml(part).get("displayName", "").casefold() for _, _, part in all_tables(book)}
    taken |= {each.get("name", "").casefold() for each in book.defined_names()}
    if name.casefold() in taken:
        raise ToolFault(f"The name {name!r} is taken. Nothing was changed.")


def make_table(book: Book, sheet: Sheet, area: Area, name: str, headers: list[str], style: str) -> Element:
    """A new table part; its root."""
    taken = [int(book.xml(part).get("id") or 0) for _, _, part in all_tables(book)]
    part = book.free("xl/tables/table{}.xml")
    root = etree.Element(m("table"), nsmap={None: MAIN})
    for key, value in (("id", str(max([0, *taken]) + 1)), ("name", name), ("displayName", name), ("ref", str(area))):
        root.set(key, value)
    root.set("totalsRowShown", "0")
    sub(root, "autoFilter", ref=str(area))
    columns = sub(root, "tableColumns", count=str(len(headers)))
    for number, header in enumerate(headers, 1):
        sub(columns, "tableColumn", id=str(number), name=_in_file(header))
    attributes = {"showFirstColumn": "0", "showLastColumn": "0", "showRowStripes": "1", "showColumnStripes": "0"}
    sub(root, "tableStyleInfo", None, name=style, **attributes)
    book.add(part, etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True), TYPE)
    holder = sheet.child("tableParts")
    etree.SubElement(holder, m("tablePart"), {R_ID: book.relate(sheet.part, "table", part)})
    holder.set("count", str(len(holder)))
    return book.xml(part)


def _in_file(header: str) -> str:
    return header.replace("\r", "").replace("\n", "_x000a_")


def remove_table(book: Book, sheet: Sheet, part: str) -> None:
    """Make plain cells of a table."""
    ids = {each.id for each in book.relations(sheet.part) if each.target == part}
    holder = sheet.frame.find(m("tableParts"))
    for each in list(holder) if holder is not None else ():
        if each.get(R_ID) in ids:
            drop(each)
    if holder is not None:
        holder.set("count", str(len(holder)))
        if not len(holder):
            drop(holder)
    book.remove(part)
    book.unrelate(sheet.part, part)


def follow_columns(book: Book, sheet: Sheet, root: Element, before: Area, shift: Shift) -> None:
    """Columns of the sheet have come or gone inside of a table."""
    new = read_area(root.get("ref"))
    columns = root.find(m("tableColumns"))
    there = children(columns, "tableColumn")
    places = {
        moved.left: there[offset]
        for offset in range(min(before.width, len(there)))
        if (moved := shift.where(Area(before.top, before.left + offset, before.top, before.left + offset)))
    }
    for each in there:
        columns.remove(each)
    number = max((int(each.get("id") or 0) for each in there), default=0)
    names = {each.get("name", "").casefold() for each in places.values()}
    for column in new.columns():
        if (each := places.get(column)) is None:
            number += 1
            each = _new_column(number, names)
            _write_header(sheet, new.top, column, each.get("name"))
        columns.append(each)
    columns.set("count", str(len(columns)))


def _new_column(number: int, names: set[str]) -> Element:
    name = next(text for n in range(1, 20_000) if (text := f"Column{n}").casefold() not in names)
    names.add(name.casefold())
    return etree.Element(m("tableColumn"), {"id": str(number), "name": name})


def _write_header(sheet: Sheet, row: int, column: int, text: str) -> None:
    from agent.office.spreadsheets.values import text_content, wipe, write_value

    cell = sheet.make_cell(row, column)
    wipe(cell)
    write_value(cell, text_content(text))
