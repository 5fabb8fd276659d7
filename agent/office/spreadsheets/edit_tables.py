"""Operations on tables, names, validations and conditional formats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import Area, cell_name, read_area
from agent.office.spreadsheets.everywhere import rewrite
from agent.office.spreadsheets.formulas import for_file, map_tables
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import children, drop, m, sub
from agent.office.spreadsheets.operations import AddTable, ChangeTable, Highlighting, Name, Validate
from agent.office.spreadsheets.parsing import read_number
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.shifting_parts import sources_of_pivots
from agent.office.spreadsheets.styles import rgb
from agent.office.spreadsheets.tables import all_tables, check_name, find_table, make_table, remove_table
from agent.office.spreadsheets.values import Content, serial_of, text_content
from agent.office.xml import Element, etree

_TOTALS: Final = {"sum": 109, "average": 101, "count": 103, "max": 104, "min": 105}
_OPERATORS: Final = {
    "between": "between", "not_between": "notBetween", "equal": "equal", "not_equal": "notEqual",
    "greater": "greaterThan", "less": "lessThan", "greater_or_equal": "greaterThanOrEqual",
    "less_or_equal": "lessThanOrEqual",
}  # fmt: skip
_KINDS: Final = {
    "list": "list", "whole": "whole", "decimal": "decimal", "date": "date", "time": "time",
    "text_length": "textLength", "formula": "custom",
}  # fmt: skip


def add_table(job: Job, op: AddTable) -> str:
    """A range with headers becomes a table."""
    book, sheet = job.book, job.book.sheet(op.sheet)
    area = sheet.within(op.cells)
    check_name(book, op.name)
    if area.height < 2:
        raise ToolFault(f"{area} has no row below its headers. Nothing was changed.")
    _check_free(job, sheet, area)
    headers = _headers(job, sheet, area)
    for old in children(sheet.frame, "autoFilter"):
        if read_area(old.get("ref", "A1")).meets(area):
            drop(old)
    root = make_table(book, sheet, area, op.name, headers, op.style or "TableStyleMedium2")
    if op.totals:
        _totals(job, sheet, root, area, headers, op.totals)
    return f"table {op.name} at {op.sheet}!{root.get('ref')} with {', '.join(headers)[:300]}"


def _check_free(job: Job, sheet: Sheet, area: Area) -> None:
    for _, other, part in all_tables(job.book):
        there = read_area(job.book.xml(part).get("ref", "A1"))
        if other is sheet and there.meets(area):
            raise ToolFault(f"{area} meets table {job.book.xml(part).get('name')} at {there}. Nothing was changed.")
    for each in children(sheet.frame.find(m("mergeCells")), "mergeCell"):
        if read_area(each.get("ref", "A1")).meets(area):
            raise ToolFault(f"A table cannot hold merged cells, and {each.get('ref')} is. Nothing was changed.")


def _headers(job: Job, sheet: Sheet, area: Area) -> list[str]:
    """Texts of the first row; empty ones and doubles are given names, as programs do it."""
    names: list[str] = []
    for number, column in enumerate(area.columns(), 1):
        told = job.text(sheet.cell(area.top, column)) or f"Column{number}"
        name, count = told, 1
        while name.casefold() in (each.casefold() for each in names):
            count += 1
            name = f"{told}{count}"
        names.append(name)
        there = job.content(sheet.cell(area.top, column))
        if there.kind != "text" or there.value != name:
            job.put(sheet, area.top, column, Content("text", name))
    return names


def _totals(job: Job, sheet: Sheet, root: Element, area: Area, headers: list[str], totals: Sequence[str]) -> None:
    if len(totals) != area.width:
        raise ToolFault(f"totals has {len(totals)} entries for {area.width} columns. Nothing was changed.")
    row = area.bottom + 1
    if any(job.content(sheet.cell(row, column)).kind != "empty" for column in area.columns()):
        raise ToolFault(f"The row of totals would write over row {row}. Nothing was changed.")
    columns = children(root.find(m("tableColumns")), "tableColumn")
    for offset, kind in enumerate(totals):
        column = area.left + offset
        if kind == "label":
            columns[offset].set("totalsRowLabel", "Total")
            job.put(sheet, row, column, text_content("Total"))
        elif kind != "none":
            columns[offset].set("totalsRowFunction", kind)
            header = headers[offset].replace("'", "''")
            for mark in "[]#":
                header = header.replace(mark, f"'{mark}")
            text = f"SUBTOTAL({_TOTALS[kind]},{root.get('name')}[{header}])"
            job.put_raw_formula(sheet, row, column, text)
            look = sheet.cell(area.bottom, column)
            if look is not None and kind != "count":
                sheet.make_cell(row, column).set("s", look.get("s") or "0")
    root.attrib.pop("totalsRowShown", None)
    root.set("totalsRowCount", "1")
    root.set("ref", str(Area(area.top, area.left, row, area.right)))


def change_table(job: Job, op: ChangeTable) -> str:
    """Name, range or style of a table."""
    name, sheet, part = find_table(job.book, op.table)
    root = job.book.xml(part)
    if op.remove:
        remove_table(job.book, sheet, part)
        return f"table {op.table} is plain cells now"
    if op.style is not None:
        found = root.find(m("tableStyleInfo"))
        (found if found is not None else sub(root, "tableStyleInfo", showRowStripes="1")).set("name", op.style)
    if op.cells is not None:
        _resize(job, sheet, root, sheet.within(op.cells))
    if op.name is not None:
        check_name(job.book, op.name)
        old = root.get("displayName", "")
        root.set("name", op.name)
        root.set("displayName", op.name)
        _rename_in_formulas(job, old, op.name)
    return f"table {op.name or op.table} at {name}!{root.get('ref')}"


def _resize(job: Job, sheet: Sheet, root: Element, area: Area) -> None:
    before = read_area(root.get("ref", "A1"))
    if (area.top, area.left, area.right) != (before.top, before.left, before.right) or area.height < 2:
        raise ToolFault(
            f"A table can only get more or fewer rows here: {before} with another last row. Nothing was changed. "
            "For other columns insert or delete them, or remove the table and add it anew."
        )
    if root.get("totalsRowCount") == "1":
        raise ToolFault("The table has a row of totals: insert rows into it instead. Nothing was changed.")
    root.set("ref", str(area))
    for each in children(root, "autoFilter"):
        each.set("ref", str(area))


def _rename_in_formulas(job: Job, old: str, new: str) -> None:
    def change(text: str, _home: str | None, _holder: Element) -> str:
        return map_tables(text, lambda table, part: (new if table.casefold() == old.casefold() else table) + part)

    rewrite(job.book, change, mark=b"<f")
    for source in sources_of_pivots(job.book):
        if source.get("name", "").casefold() == old.casefold():
            source.set("name", new)


def validate(job: Job, op: Validate) -> str:
    """What may be entered."""
    from agent.office.spreadsheets.areas import clear_area

    sheet = job.book.sheet(op.sheet)
    area = read_area(op.cells)
    clear_area(sheet, "dataValidations", area)
    attributes = {"type": _KINDS[op.kind], "allowBlank": "1", "showInputMessage": "1", "showErrorMessage": "1"}
    if op.kind not in ("list", "formula"):
        attributes["operator"] = _OPERATORS[op.operator or "between"]
    if op.strict is False:
        attributes["errorStyle"] = "warning"
    for name, value in (("prompt", op.prompt), ("error", op.error)):
        if value:
            attributes[name] = value[:255]
    attributes["sqref"] = str(area)
    holder = sheet.child("dataValidations")
    rule = etree.SubElement(holder, m("dataValidation"), attributes)
    sub(rule, "formula1", _limit(op.first, op.kind))
    if op.second is not None:
        sub(rule, "formula2", _limit(op.second, op.kind))
    elif attributes.get("operator") in ("between", "notBetween"):
        raise ToolFault("between needs `first` and `second`. Nothing was changed.")
    holder.set("count", str(len(holder)))
    return f"{op.sheet}!{area}: only {op.kind} {op.first}{' to ' + op.second if op.second else ''}"


def _limit(text: str, kind: str) -> str:
    if text.startswith("="):
        return for_file(text)
    if kind == "list":
        joined = ",".join(each.strip() for each in text.split(","))
        if len(joined) > 255:
            raise ToolFault(
                'A list of more than 255 characters must stand in cells: "=Lists!A2:A99". Nothing was changed.'
            )
        return '"' + joined.replace('"', '""') + '"'
    if kind == "date":
        try:
            return f"{serial_of(date.fromisoformat(text.strip())):g}"
        except ValueError:
            raise ToolFault(f"{text!r} is no date; write it as 2025-12-31. Nothing was changed.") from None
    if kind == "formula":
        return for_file(text)
    if kind == "time":
        return text
    if read_number(text) is None:
        raise ToolFault(f"{text!r} is no number. Nothing was changed.")
    return text.strip()


def conditional_format(job: Job, op: Highlighting) -> str:
    """A conditional format, before the others in rank."""
    sheet = job.book.sheet(op.sheet)
    area = read_area(op.cells)
    for each in sheet.frame.iter(m("cfRule")):
        each.set("priority", str(int(each.get("priority") or 1) + 1))
    holder = etree.Element(m("conditionalFormatting"), {"sqref": str(area)})
    rule = sub(holder, "cfRule", priority="1")
    if op.kind in ("colour_scale", "data_bar", "icons"):
        _scale(rule, op)
    else:
        if op.highlight is None:
            raise ToolFault("A conditional format of this kind needs `highlight`. Nothing was changed.")
        rule.set("dxfId", str(job.book.styles.highlight(op.highlight)))
        _rule(rule, op, cell_name(area.top, area.left))
    sheet.put_child(holder)
    return f"{op.sheet}!{area}: {op.kind} {op.first or ''}".rstrip()


def _rule(rule: Element, op: Highlighting, first_cell: str) -> None:
    if op.kind in _OPERATORS:
        rule.set("type", "cellIs")
        rule.set("operator", _OPERATORS[op.kind])
        sub(rule, "formula", _operand(op.first))
        if op.kind == "between":
            sub(rule, "formula", _operand(op.second))
    elif op.kind == "contains":
        text = (op.first or "").replace('"', '""')
        for name, value in (("type", "containsText"), ("operator", "containsText"), ("text", op.first or "")):
            rule.set(name, value)
        sub(rule, "formula", f'NOT(ISERROR(SEARCH("{text}",{first_cell})))')
    elif op.kind == "formula":
        rule.set("type", "expression")
        sub(rule, "formula", for_file(op.first or ""))
    elif op.kind == "duplicates":
        rule.set("type", "duplicateValues")
    elif op.kind in ("top", "bottom"):
        rule.set("type", "top10")
        rule.set("rank", str(int(read_number(op.first or "10") or 10)))
        if op.kind == "bottom":
            rule.set("bottom", "1")
    else:
        rule.set("type", "aboveAverage")
        if op.kind == "below_average":
            rule.set("aboveAverage", "0")


def _operand(text: str | None) -> str:
    if text is None:
        raise ToolFault(
            "This kind of conditional format needs `first`, and «between» `second` too. Nothing was changed."
        )
    if text.startswith("="):
        return for_file(text)
    if read_number(text) is not None:
        return text.strip()
    return '"' + text.replace('"', '""') + '"'


def _scale(rule: Element, op: Highlighting) -> None:
    colours = [rgb(each) for each in op.colours or ()]
    if op.kind == "icons":
        rule.set("type", "iconSet")
        icons = sub(rule, "iconSet", iconSet="3TrafficLights1")
        for value in ("0", "33", "67"):
            sub(icons, "cfvo", type="percent", val=value)
        return
    if op.kind == "data_bar":
        rule.set("type", "dataBar")
        bar = sub(rule, "dataBar")
        sub(bar, "cfvo", type="min")
        sub(bar, "cfvo", type="max")
        sub(bar, "color", rgb=f"FF{(colours or ['638EC6'])[0]}")
        return
    colours = colours or ["F8696B", "FFEB84", "63BE7B"]
    if len(colours) not in (2, 3):
        raise ToolFault("A colour scale has two or three colours. Nothing was changed.")
    rule.set("type", "colorScale")
    scale = sub(rule, "colorScale")
    sub(scale, "cfvo", type="min")
    if len(colours) == 3:
        sub(scale, "cfvo", type="percentile", val="50")
    sub(scale, "cfvo", type="max")
    for colour in colours:
        sub(scale, "color", rgb=f"FF{colour}")


def name(job: Job, op: Name) -> str:
    """A defined name, made, changed or deleted."""
    book = job.book
    index = str(book.entries.index(book.entry(op.sheet))) if op.sheet else None
    there = [
        each for each in book.defined_names()
        if each.get("name", "").casefold() == op.name.casefold() and each.get("localSheetId") == index
    ]  # fmt: skip
    if op.refers_to is None:
        if not there:
            names = ", ".join(each.get("name", "") for each in book.defined_names())
            raise ToolFault(f"There is no name {op.name!r}; there are: {names or 'none'}. Nothing was changed.")
        drop(there[0])
        return f"name {op.name} deleted"
    text = for_file(op.refers_to)
    if there:
        there[0].text = text
        return f"name {op.name} is {op.refers_to} now"
    check_name(book, op.name)
    attributes = {"name": op.name} | ({"localSheetId": index} if index is not None else {})
    sub(book.child("definedNames"), "definedName", text, **attributes)
    return f"name {op.name} is {op.refers_to}"
