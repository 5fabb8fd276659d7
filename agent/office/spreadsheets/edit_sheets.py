"""Operations on sheets: made, copied, renamed, moved, deleted, shown and printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Final
from uuid import uuid4

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book, check_sheet_name
from agent.office.spreadsheets.everywhere import rewrite, words
from agent.office.spreadsheets.formulas import map_references, map_sheets, map_tables
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import MAIN, R_ID, RELATIONS, children, drop, m, rels_name, sub, walk, write_xml
from agent.office.spreadsheets.operations import (
    AddSheet,
    ChangeSheet,
    CopySheet,
    DeleteSheet,
)  # fmt: skip
from agent.office.spreadsheets.references import GONE, Reference
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.shifting_parts import source_sheet, sources_of_pivots
from agent.office.spreadsheets.styles import colour_element
from agent.office.spreadsheets.tables import all_tables
from agent.office.xml import Element, etree, local

_COPIED: Final = ("drawing", "comments", "vmlDrawing", "threadedComment", "ctrlProp")
SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
EMPTY_SHEET: Final = (
    f'<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheetViews><sheetView workbookViewId="0"/></sheetViews>'
    '<sheetFormatPr defaultRowHeight="15"/><sheetData/><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" '
    'header="0.3" footer="0.3"/></worksheet>'
).encode()


def add_sheet(job: Job, op: AddSheet) -> str:
    """A new sheet."""
    name = check_sheet_name(op.name, job.book.sheet_names)
    part = job.book.free("xl/worksheets/sheet{}.xml")
    job.book.add(part, EMPTY_SHEET, SHEET_TYPE)
    _enter(job.book, part, name, op.position)
    return f"sheet {name} added"


def _enter(book: Book, part: str, name: str, position: int | None) -> None:
    numbers = [int(each.get("sheetId") or 0) for each in book.entries]
    attributes = {"name": name, "sheetId": str(max([0, *numbers]) + 1), R_ID: book.relate(book.part, "worksheet", part)}
    holder = book.child("sheets")
    holder.append(etree.Element(m("sheet"), attributes))
    if position is not None:
        _place(book, len(holder) - 1, position)


def _place(book: Book, index: int, position: int) -> None:
    """Move a sheet; what counts sheets by number follows."""
    holder = book.child("sheets")
    if not 1 <= position <= len(holder):
        raise ToolFault(f"position must be from 1 to {len(holder)}. Nothing was changed.")
    before = list(holder)
    holder.remove(before[index])
    holder.insert(position - 1, before[index])
    now = {before.index(entry): number for number, entry in enumerate(holder)}
    for each in book.defined_names():
        if each.get("localSheetId") is not None:
            each.set("localSheetId", str(now[int(each.get("localSheetId"))]))
    _follow_active(book, now)


def _follow_active(book: Book, now: dict[int, int]) -> None:
    for view in children(book.root.find(m("bookViews")), "workbookView"):
        for attribute in ("activeTab", "firstSheet"):
            if view.get(attribute) is not None:
                view.set(attribute, str(now.get(int(view.get(attribute)), 0)))


def copy_sheet(job: Job, op: CopySheet) -> str:
    """A copy with charts, pictures, tables and its own names; pivot tables and slicers stay where they are."""
    book = job.book
    name = check_sheet_name(op.name, book.sheet_names)
    sheet = book.sheet(op.sheet)
    source = book.name_of(sheet)
    part = book.free("xl/worksheets/sheet{}.xml")
    book.add(part, sheet.changed() or book.read(sheet.part), SHEET_TYPE)
    tables: dict[str, str] = {}
    for relation in book.relations(sheet.part):
        tables |= _copy_relation(job, sheet.part, part, relation.id)
    _own_threads(book, part)
    copied = Sheet(book, part)
    _tidy_copy(book, copied)
    book.put(part, copied.changed() or book.read(part))
    at = [each.casefold() for each in book.sheet_names].index(source.casefold())
    _enter(book, part, name, op.position or at + 2)
    _point_charts(book, part, source, name)
    _copy_names(book, source, name)
    if tables:
        rewrite(book, lambda text, home, _holder: _own_tables(text, tables) if home == name else text, home=name)
    return f"sheet {source} copied as {name}{''.join(f', table {old} as {new}' for old, new in tables.items())}"


def _own_threads(book: Book, part: str) -> None:
    """Comments of a thread have numbers that are there only once; its note names the first of them."""
    for thread in book.related(part, "threadedComment"):
        old = {each.get("id") for tag, each in walk(book.xml(thread)) if tag == "threadedComment"}
        new = {each.encode(): f"{{{str(uuid4()).upper()}}}".encode() for each in old if each}
        for name in (thread, *book.related(part, "comments")):
            data = write_xml(book.xml(name))
            for was, now in new.items():
                data = data.replace(was, now)
            book.put(name, data)


def _tidy_copy(book: Book, copied: Sheet) -> None:
    """Take out what leads to parts that were not copied, and what only one sheet can be."""
    there = {each.id for each in book.relations(copied.part)}
    parts = copied.frame.find(m("tableParts"))
    for each in children(parts, "tablePart"):
        if each.get(R_ID) not in there:
            drop(each)
    if parts is not None:
        parts.set("count", str(len(parts)))
        if not len(parts):
            drop(parts)
    if (found := copied.frame.find(m("extLst"))) is not None and b"slicer" in write_xml(found):
        drop(found)
    for view in copied.frame.iter(m("sheetView")):
        view.attrib.pop("tabSelected", None)


def _copy_names(book: Book, source: str, name: str) -> None:
    """Names that count on one sheet only, its print area among them."""
    old, new = (str(book.sheet_names.index(each)) for each in (source, name))
    for each in [each for each in book.defined_names() if each.get("localSheetId") == old]:
        copied = sub(book.child("definedNames"), "definedName", renamed(each.text or "", source, name), **each.attrib)
        copied.set("localSheetId", new)


def _copy_table(book: Book, old: str) -> tuple[str, str, str]:
    """A copy of a table under another name: its part, the old name and the new one."""
    root = deepcopy(book.xml(old))
    taken = {book.xml(part).get("displayName", "").casefold() for _, _, part in all_tables(book)}
    taken |= {each.get("name", "").casefold() for each in book.defined_names()}
    was = root.get("displayName", "")
    name = next(text for n in range(2, 100_000) if (text := f"{was}{n}").casefold() not in taken)
    for key in ("name", "displayName"):
        root.set(key, name)
    root.set("id", str(max(int(book.xml(part).get("id") or 0) for _, _, part in all_tables(book)) + 1))
    part = book.free("xl/tables/table{}.xml")
    book.add(part, write_xml(root), book.type_of(old))
    return part, was, name


def _own_tables(text: str, tables: Mapping[str, str]) -> str:
    """A formula of the copy, which means the tables beside it."""
    now = {old.casefold(): new for old, new in tables.items()}
    return map_tables(text, lambda table, part: now.get(table.casefold(), table) + part)


def _copy_relation(job: Job, old: str, new: str, ident: str) -> dict[str, str]:
    """Give the copy the same relationship, to a copy of the part where it must not be shared; new names of tables."""
    book = job.book
    relation = next(each for each in book.relations(old) if each.id == ident)
    name = rels_name(new)
    if not book.has(name):
        book.put(name, b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>')
    outside = relation.type == "table" and bool(book.relations(relation.target))
    if relation.type in ("pivotTable", "slicer", "queryTable") or outside:
        job.note("Pivot tables, slicers and tables of outside data were not copied with the sheet; their cells were.")
        return {}
    target, tables = relation.target, dict[str, str]()
    if relation.type == "table":
        target, was, name_now = _copy_table(book, relation.target)
        tables[was] = name_now
    elif not relation.external and relation.type in (
        "drawing",
        "comments",
        "vmlDrawing",
        "threadedComment",
        "ctrlProp",
    ):
        target = copy_part(book, relation.target)
    made = book.relate(new, relation.type, target, external=relation.external)
    for each in book.xml(name):
        if each.get("Id") == made:
            each.set("Id", ident)
    return tables


def copy_part(book: Book, part: str) -> str:
    """A copy of a part and of the charts it leads to; its name."""
    stem = re.sub(r"\d*(\.\w+)$", r"{}\1", part)
    new = book.free(stem)
    data = write_xml(book.xml(part)) if part.endswith((".xml", ".vml")) else book.read(part)
    if part.endswith(".vml"):
        book.put(new, data)
    else:
        book.add(new, data, book.type_of(part))
    for relation in book.relations(part):
        chart = not relation.external and relation.type in ("chart", "chartUserShapes", "chartStyle", "chartColorStyle")
        target = copy_part(book, relation.target) if chart else relation.target
        made = book.relate(new, relation.type, target, external=relation.external)
        for each in book.xml(rels_name(new)):
            if each.get("Id") == made:
                each.set("Id", relation.id)
    return new


def _point_charts(book: Book, part: str, source: str, name: str) -> None:
    for drawing in book.related(part, "drawing"):
        for chart in book.related(drawing, "chart"):
            for tag, element in walk(book.xml(chart)):
                if tag == "f" and element.text:
                    element.text = renamed(element.text, source, name)


def renamed(formula: str, old: str, new: str) -> str:
    """A formula after a sheet got another name."""
    if "!" not in formula:
        return formula
    wanted = old.casefold()
    try:
        return map_sheets(formula, lambda name: new if name.casefold() == wanted else name)
    except ToolFault:
        return formula


def change_sheet(job: Job, op: ChangeSheet) -> str:
    """Name, place and look."""
    book, entry = job.book, job.book.entry(op.sheet)
    done: list[str] = []
    if op.name is not None and op.name != entry.get("name"):
        _rename(book, entry, op.name)
        done.append(f"is now {op.name}")
    if op.position is not None:
        _place(book, book.entries.index(entry), op.position)
        done.append(f"is sheet {op.position}")
    if op.visible is not None:
        _show(book, entry, op.visible)
        done.append("visible" if op.visible else "hidden")
    if op.colour is not None:
        _colour(book.sheet(entry.get("name")), op.colour)
        done.append("tab coloured")
    if op.active:
        _activate(book, entry)
        done.append("is seen first")
    return f"sheet {op.sheet}: {', '.join(done) or 'nothing to do'}"


def _rename(book: Book, entry: Element, name: str) -> None:
    old = entry.get("name", "")
    check_sheet_name(name, [each for each in book.sheet_names if each != old])
    rewrite(book, lambda text, _home, _holder: renamed(text, old, name))
    entry.set("name", name)
    for source in sources_of_pivots(book):
        if source.get("sheet", "").casefold() == old.casefold():
            source.set("sheet", name)


def _show(book: Book, entry: Element, visible: bool) -> None:
    shown = [each for each in book.entries if each.get("state", "visible") == "visible"]
    if not visible and shown == [entry]:
        raise ToolFault("One sheet must stay visible. Nothing was changed.")
    if visible:
        entry.attrib.pop("state", None)
        return
    entry.set("state", "hidden")
    _activate(book, next(each for each in shown if each is not entry))


def _activate(book: Book, entry: Element) -> None:
    views = book.child("bookViews")
    if not len(views):
        sub(views, "workbookView")
    views[0].set("activeTab", str(book.entries.index(entry)))
    for each, sheet in book.sheets():
        for view in sheet.frame.iter(m("sheetView")):
            if each == entry.get("name"):
                view.set("tabSelected", "1")
            elif view.get("tabSelected"):
                view.attrib.pop("tabSelected")


def _colour(sheet: Sheet, colour: str) -> None:
    holder = sheet.child("sheetPr")
    for old in children(holder, "tabColor"):
        drop(old)
    if colour != "none":
        holder.insert(0, colour_element("tabColor", colour))


def delete_sheet(job: Job, op: DeleteSheet) -> str:
    """Remove a sheet; what refers to it becomes #REF!, which is said."""
    book, entry = job.book, job.book.entry(op.sheet)
    name, part = entry.get("name", ""), job.book.part_of(entry)
    if len([each for each in book.entries if each.get("state", "visible") == "visible" and each is not entry]) == 0:
        raise ToolFault("The last visible sheet cannot be deleted. Nothing was changed.")
    order = book.sheet_names
    tables = {book.xml(each).get("displayName", "").casefold() for each in book.related(part, "table")}
    pivots = sum(source_sheet(book, each) == name for each in sources_of_pivots(book))
    _forget_index(book, book.entries.index(entry))
    drop(entry)
    book.forget(part)
    book.remove_tree(part)
    book.unrelate(book.part, part)
    book.no_calc_chain()
    users = rewrite(
        book, lambda text, _home, holder: _cut_off(text, holder, name, order, tables), mark=b"<f" if tables else b"!"
    )
    users["pivot tables"] = pivots
    if users := +users:
        job.lose(f"{words(users)} refer to {name}, and lose it or become #REF!.")
    return f"sheet {name} deleted"


def _forget_index(book: Book, index: int) -> None:
    for each in book.defined_names():
        number = each.get("localSheetId")
        if number is not None and int(number) == index:
            drop(each)
        elif number is not None and int(number) > index:
            each.set("localSheetId", str(int(number) - 1))
    _follow_active(book, {n: n if n < index else max(0, n - 1) for n in range(len(book.entries) + 1)})


def _cut_off(text: str, holder: Element, gone: str, order: list[str], tables: set[str]) -> str:
    """Make #REF! of what leads to a sheet that is gone, or to its tables; ranges of sheets become shorter."""
    if local(holder) == "hyperlink":
        return text

    def one(reference: Reference) -> str | None:
        if reference.last:
            return _shorter(reference, gone, order)
        return GONE if (reference.sheet or "").casefold() == gone.casefold() else None

    changed = map_references(text, one)
    return map_tables(changed, lambda table, part: GONE if table.casefold() in tables else table + part)


def _shorter(reference: Reference, gone: str, order: list[str]) -> str | None:
    places = {name.casefold(): number for number, name in enumerate(order)}
    first, last = (places.get(each.casefold(), -1) for each in (reference.sheet or "", reference.last))
    at = places[gone.casefold()]
    if at not in (first, last) or min(first, last) < 0:
        return None
    step = 1 if last > first else -1
    first, last = first + (step if at == first else 0), last - (step if at == last else 0)
    if (last - first) * step < 0:
        return GONE
    left = order[last] if last != first else ""
    return Reference(order[first], reference.area, reference.marks, reference.form, left).text()
