"""Operations on how sheets are shown, printed and protected, and on the file's properties."""

from __future__ import annotations

from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, read_area, read_cell
from agent.office.spreadsheets.edit_cells import check_room
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import children, drop, m, sub
from agent.office.spreadsheets.operations import Filter, PageSetup, Protect, SetProperties, View
from agent.office.spreadsheets.references import quoted
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, etree

_PAPER: Final = {"letter": 1, "legal": 5, "A3": 8, "A4": 9, "A5": 11}
_DC = "http://purl.org/dc/elements/1.1/"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_CM = 2.54


def view(job: Job, op: View) -> str:
    """How a sheet is shown."""
    sheet = job.book.sheet(op.sheet)
    views = sheet.child("sheetViews")
    shown = views[0] if len(views) else sub(views, "sheetView", workbookViewId="0")
    if op.zoom is not None:
        shown.set("zoomScale", str(max(10, min(400, op.zoom))))
    if op.gridlines is not None:
        shown.set("showGridLines", "1" if op.gridlines else "0")
    if op.freeze is not None:
        _freeze(shown, op.freeze)
    return f"{op.sheet}: view changed"


def _freeze(shown: Element, text: str) -> None:
    for old in children(shown, "pane"):
        drop(old)
    for old in [each for each in children(shown, "selection") if each.get("pane")]:
        drop(old)
    if text == "none":
        return
    row, column = read_cell(text)
    if (row, column) == (1, 1):
        return
    pane = "bottomRight" if row > 1 and column > 1 else "bottomLeft" if row > 1 else "topRight"
    attributes = {"topLeftCell": text.upper(), "activePane": pane, "state": "frozen"}
    if column > 1:
        attributes["xSplit"] = str(column - 1)
    if row > 1:
        attributes["ySplit"] = str(row - 1)
    shown.insert(0, etree.Element(m("pane"), attributes))


def set_filter(job: Job, op: Filter) -> str:
    """Buttons to filter by."""
    sheet = job.book.sheet(op.sheet)
    index = str(job.book.sheet_names.index(job.book.name_of(sheet)))
    for old in children(sheet.frame, "autoFilter"):
        drop(old)
    for name in job.book.defined_names():
        if name.get("name") == "_xlnm._FilterDatabase" and name.get("localSheetId") == index:
            drop(name)
    if op.cells is None:
        return f"{op.sheet}: no filter"
    area = sheet.within(op.cells)
    sheet.child("autoFilter").set("ref", str(area))
    attributes = {"name": "_xlnm._FilterDatabase", "localSheetId": index, "hidden": "1"}
    text = f"{quoted(job.book.name_of(sheet))}!{area.absolute}"
    sub(job.book.child("definedNames"), "definedName", text, **attributes)
    return f"{op.sheet}!{area}: filter buttons"


def page_setup(job: Job, op: PageSetup) -> str:
    """How a sheet is printed."""
    sheet = job.book.sheet(op.sheet)
    setup = sheet.child("pageSetup")
    if op.landscape is not None:
        setup.set("orientation", "landscape" if op.landscape else "portrait")
    if op.paper is not None:
        setup.set("paperSize", str(_PAPER[op.paper]))
    if op.fit_wide is not None or op.fit_high is not None:
        _fit(sheet, setup, op)
    if op.margins is not None:
        for side in ("left", "right", "top", "bottom"):
            sheet.child("pageMargins").set(side, f"{op.margins / _CM:.4g}")
        for side in ("header", "footer"):
            sheet.child("pageMargins").attrib.setdefault(side, "0.3")
    for tag, text in (("oddHeader", op.header), ("oddFooter", op.footer)):
        if text is not None:
            _head(sheet.child("headerFooter"), tag, text)
    _print_names(job, sheet, op)
    return f"{op.sheet}: page set up"


def _fit(sheet: Sheet, setup: Element, op: PageSetup) -> None:
    setup.set("fitToWidth", str(op.fit_wide if op.fit_wide is not None else 1))
    setup.set("fitToHeight", str(op.fit_high if op.fit_high is not None else 0))
    setup.attrib.pop("scale", None)
    holder = sheet.child("sheetPr")
    found = holder.find(m("pageSetUpPr"))
    (found if found is not None else sub(holder, "pageSetUpPr")).set("fitToPage", "1")


def _head(holder: Element, tag: str, text: str) -> None:
    for old in children(holder, tag):
        drop(old)
    if text:
        new = etree.Element(m(tag))
        new.text = text if text.startswith(("&L", "&C", "&R")) else f"&C{text}"
        holder.insert(0 if tag == "oddHeader" else len(children(holder, "oddHeader")), new)


def _print_names(job: Job, sheet: Sheet, op: PageSetup) -> None:
    book = job.book
    name = book.name_of(sheet)
    index = str(book.sheet_names.index(name))
    if op.print_area is not None:
        _set_local(book, "_xlnm.Print_Area", index, f"{quoted(name)}!{read_area(op.print_area).absolute}")
    parts: list[str] = []
    for text, rows in ((op.repeat_columns, False), (op.repeat_rows, True)):
        if text:
            area = read_area(text)
            whole = Area(area.top, 1, area.bottom, LAST_COLUMN) if rows else Area(1, area.left, LAST_ROW, area.right)
            parts.append(f"{quoted(name)}!{whole.absolute}")
    if parts:
        _set_local(book, "_xlnm.Print_Titles", index, ",".join(parts))


def _set_local(book: Book, name: str, index: str, text: str) -> None:
    for each in book.defined_names():
        if each.get("name") == name and each.get("localSheetId") == index:
            drop(each)
    sub(book.child("definedNames"), "definedName", text, name=name, localSheetId=index)


def protect(job: Job, op: Protect) -> str:
    """Protect a sheet without a password, or end that."""
    sheet = job.book.sheet(op.sheet)
    old = sheet.frame.find(m("sheetProtection"))
    if old is not None and any(old.get(name) for name in ("password", "hashValue")):
        raise ToolFault(
            f"{op.sheet} is protected with a password; its protection cannot be changed here. Nothing was changed. "
            "Its cells can be changed all the same: ask the user before."
        )
    if old is not None:
        drop(old)
    if not op.on:
        return f"{op.sheet}: not protected"
    for text in op.unlocked or ():
        area = sheet.within(text)
        check_room(area.top, area.left, area.height, area.width)
        for row in area.rows():
            if row % 1_000 == 0:
                sheet.rows.settle()
            for column in area.columns():
                cell = sheet.make_cell(row, column)
                cell.set("s", str(job.book.styles.unlocked(int(cell.get("s") or 0))))
    found = sheet.child("sheetProtection")
    for name in ("sheet", "objects", "scenarios"):
        found.set(name, "1")
    return f"{op.sheet}: protected without a password"


def set_properties(job: Job, op: SetProperties) -> str:
    """Title, author, subject of the file."""
    found = job.book.related("", "core-properties")
    if not found:
        root = f'<cp:coreProperties xmlns:cp="{_CORE}" xmlns:dc="{_DC}"/>'.encode()
        job.book.add("docProps/core.xml", root, "application/vnd.openxmlformats-package.core-properties+xml")
        kind = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
        job.book.relate("", kind, "docProps/core.xml")
        found = ["docProps/core.xml"]
    core = job.book.xml(found[0])
    for tag, value in (("title", op.title), ("creator", op.author), ("subject", op.subject)):
        if value is not None:
            there = core.find(f"{{{_DC}}}{tag}")
            (there if there is not None else etree.SubElement(core, f"{{{_DC}}}{tag}")).text = value
    return "properties set"
