"""Headers of tables: a table knows them by name, and a file in which both differ is taken for damaged."""

from __future__ import annotations

import re

from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.everywhere import rewrite
from agent.office.spreadsheets.formulas import map_tables
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import children, m
from agent.office.spreadsheets.sheet import Sheet, column_of
from agent.office.spreadsheets.tables import all_tables
from agent.office.spreadsheets.values import Content
from agent.office.xml import Element


def follow_headers(job: Job) -> None:
    """Make tables and formulas follow headers that were written over; each header is a text of its own."""
    for _, sheet, part in all_tables(job.book):
        if not sheet.rows.changed:
            continue
        root = job.book.xml(part)
        if root.get("headerRowCount") == "0":
            continue
        area = read_area(root.get("ref", "A1"))
        _follow(job, sheet, root, Area(area.top, area.left, area.top, area.right))


def _follow(job: Job, sheet: Sheet, root: Element, header: Area) -> None:
    taken: set[str] = set()
    columns = children(root.find(m("tableColumns")), "tableColumn")
    for number, (column, told) in enumerate(zip(header.columns(), columns, strict=False), 1):
        old = told.get("name", "").replace("_x000a_", "\n")
        cell = sheet.cell(header.top, column)
        name = _free(job.text(cell) or f"Column{number}", taken)
        if job.content(cell) != Content("text", name) and (job.content(cell).kind, job.text(cell)) != ("text", name):
            job.put(sheet, header.top, column, Content("text", name))
        if name != old:
            told.set("name", name.replace("\n", "_x000a_"))
            _rename(job, job.book.name_of(sheet), root, old, name)


def _free(name: str, taken: set[str]) -> str:
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{name}{count}"
    taken.add(found.casefold())
    return found


def _rename(job: Job, sheet: str, root: Element, old: str, new: str) -> None:
    """In formulas that name the table's column; those in the table itself may leave out its name."""
    table, area = root.get("displayName", "").casefold(), read_area(root.get("ref", "A1"))
    pattern = re.compile(rf"(?:(?<=[\[@:])|(?<=\],)|(?<=\], )){re.escape(_marked(old))}(?=[\]:])", re.IGNORECASE)

    def change(text: str, home: str | None, holder: Element) -> str:
        def one(name: str, part: str) -> str:
            mine = name.casefold() == table or (not name and home == sheet and _inside(holder, root, area))
            return name + (pattern.sub(lambda _: _marked(new), part) if mine else part)

        return map_tables(text, one) if "[" in text else text

    rewrite(job.book, change, mark=b"[")


def _marked(header: str) -> str:
    """A header as formulas write it."""
    return re.sub(r"(['\[\]#@])", r"'\1", header)


def _inside(holder: Element, root: Element, area: Area) -> bool:
    """Whether a formula stands in the table."""
    cell = holder.getparent()
    if cell is None or cell.tag != m("c"):
        return holder.getroottree().getroot() is root
    return area.has(int(cell.getparent().get("r")), column_of(cell))
