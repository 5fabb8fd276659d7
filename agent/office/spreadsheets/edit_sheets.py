"""Operations on sheets: made, copied, renamed, moved, deleted, shown and printed."""

from __future__ import annotations

import re
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book, check_sheet_name
from agent.office.spreadsheets.formulas import Reference, map_references, quoted
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import MAIN, R_ID, RELATIONS, children, drop, m, rels_name, sub, walk, write_xml
from agent.office.spreadsheets.operations import (
    AddSheet,
    ChangeSheet,
    CopySheet,
    DeleteSheet,
)  # fmt: skip
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.styles import colour_element
from agent.office.xml import Element, etree

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
    """A copy with charts and pictures; tables and pivot tables stay where they are."""
    book = job.book
    name = check_sheet_name(op.name, book.sheet_names)
    sheet = book.sheet(op.sheet)
    source = book.name_of(sheet)
    part = book.free("xl/worksheets/sheet{}.xml")
    book.add(part, sheet.changed() or book.read(sheet.part), SHEET_TYPE)
    for relation in book.relations(sheet.part):
        _copy_relation(job, sheet.part, part, relation.id)
    copied = Sheet(book, part)
    for holder in ("tableParts", "extLst"):
        if (found := copied.frame.find(m(holder))) is not None and (
            holder == "tableParts" or b"slicer" in write_xml(found)
        ):
            drop(found)
    for view in copied.frame.iter(m("sheetView")):
        view.attrib.pop("tabSelected", None)
    book.put(part, copied.changed() or book.read(part))
    at = [each.casefold() for each in book.sheet_names].index(source.casefold())
    _enter(book, part, name, op.position or at + 2)
    _point_charts(book, part, source, name)
    return f"sheet {source} copied as {name}"


def _copy_relation(job: Job, old: str, new: str, ident: str) -> None:
    """Give the copy the same relationship, to a copy of the part where it must not be shared."""
    book = job.book
    relation = next(each for each in book.relations(old) if each.id == ident)
    name = rels_name(new)
    if not book.has(name):
        book.put(name, b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>')
    if relation.type in ("table", "pivotTable", "slicer", "queryTable"):
        job.note("Tables, pivot tables and slicers were not copied with the sheet; their cells were.")
        return
    target = relation.target
    if not relation.external and relation.type in ("drawing", "comments", "vmlDrawing", "threadedComment", "ctrlProp"):
        target = copy_part(book, relation.target)
    made = book.relate(new, relation.type, target, external=relation.external)
    for each in book.xml(name):
        if each.get("Id") == made:
            each.set("Id", ident)


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
            _rename_in(book.xml(chart), source, name)


def _rename_in(root: Element, old: str, new: str) -> None:
    for tag, element in walk(root):
        if tag in ("f", "formula", "formula1", "formula2", "definedName", "calculatedColumnFormula") and element.text:
            element.text = renamed(element.text, old, new)
        if tag == "hyperlink" and element.get("location"):
            element.set("location", renamed(element.get("location"), old, new))


def renamed(formula: str, old: str, new: str) -> str:
    """A formula after a sheet got another name."""
    if old.casefold() not in formula.casefold() and old.replace("'", "''").casefold() not in formula.casefold():
        return formula

    def one(reference: Reference) -> str | None:
        if reference.sheet is None or reference.sheet.casefold() != old.casefold():
            return None
        return Reference(new, reference.area, reference.marks, reference.form).text()

    try:
        changed = map_references(formula, one)
    except ToolFault:
        return formula
    return changed.replace(f"{quoted(old)}!#REF!", f"{quoted(new)}!#REF!")


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
    for _, sheet in book.sheets():
        mark = old.replace("'", "''").encode()
        for number in sheet.rows.with_text(b"<f"):
            if sheet.rows.with_text_in(number, mark):
                _rename_in(sheet.rows.make(number), old, name)
        _rename_in(sheet.frame, old, name)
    entry.set("name", name)
    _rename_in(book.root, old, name)
    for part in [each for each in book.names if re.match(r"xl/(charts|drawings|tables)/[^/]+\.xml$", each)]:
        _rename_in(book.xml(part), old, name)
    for part in [each for each in book.names if each.startswith("xl/pivotCache/pivotCacheDefinition")]:
        for tag, element in walk(book.xml(part)):
            if tag == "worksheetSource" and element.get("sheet") == old:
                element.set("sheet", name)


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
    index = book.entries.index(entry)
    users = _cut_off(book, name)
    drop(entry)
    book.forget(part)
    for relation in book.relations(part):
        if not relation.external and relation.type in ("drawing", "comments", "vmlDrawing", "table", "printerSettings"):
            book.remove(relation.target)
    book.remove(part)
    book.unrelate(book.part, part)
    _forget_index(book, index)
    book.no_calc_chain()
    if users:
        job.lose(f"{users} formulas and names refer to {name} and become #REF!.")
    return f"sheet {name} deleted"


def _forget_index(book: Book, index: int) -> None:
    for each in book.defined_names():
        number = each.get("localSheetId")
        if number is not None and int(number) == index:
            drop(each)
        elif number is not None and int(number) > index:
            each.set("localSheetId", str(int(number) - 1))
    _follow_active(book, {n: n if n < index else max(0, n - 1) for n in range(len(book.entries) + 1)})


def _cut_off(book: Book, name: str) -> int:
    """Make #REF! of all references to a sheet; in how many formulas and names."""
    count = 0
    mark = name.replace("'", "''").encode()
    for other, sheet in book.sheets():
        for number in sheet.rows.with_text(b"<f") if other != name else ():
            if sheet.rows.with_text_in(number, mark):
                count += sum(_cut_one(cell.find(m("f")), name) for cell in sheet.rows.make(number))
    return count + sum(_cut_one(each, name) for each in book.defined_names())


def _cut_one(element: Element | None, name: str) -> int:
    if element is None or not element.text:
        return 0

    def one(reference: Reference) -> str | None:
        return "#REF!" if (reference.sheet or "").casefold() == name.casefold() else None

    try:
        changed = map_references(element.text, one)
    except ToolFault:
        return 0
    done, element.text = changed != element.text, changed
    return int(done)
