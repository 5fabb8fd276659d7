"""Headers of tables: a table knows them by name, and a file in which both differ is taken for damaged."""

from __future__ import annotations

import re

from agent.office.spreadsheets.cells import Area, read_area
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import children, m
from agent.office.spreadsheets.sheet import Sheet
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
            _rename(job, root.get("displayName", ""), old, name)


def _free(name: str, taken: set[str]) -> str:
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{name}{count}"
    taken.add(found.casefold())
    return found


def _rename(job: Job, table: str, old: str, new: str) -> None:
    """In formulas that name the table's column."""
    pattern = re.compile(rf"(?<![\w.])({re.escape(table)}\[(?:\[#[^\]]*\],)?\[?){re.escape(old)}(?=\])", re.IGNORECASE)
    for _, sheet in job.book.sheets():
        for number in sheet.rows.with_text(f"{table}[".encode()):
            for cell in list(sheet.rows.make(number)):
                formula = cell.find(m("f"))
                if formula is not None and formula.text:
                    formula.text = pattern.sub(lambda match: match[1] + new, formula.text)
