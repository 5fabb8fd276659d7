"""The parts that make a pivot table of its cells: what it is of, the records, and how it is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.markup import MAIN, R_ID, RELATIONS, m, sub
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.values import escape, plain_number
from agent.office.xml import Element, etree

if TYPE_CHECKING:
    from agent.office.spreadsheets.pivots import Key, Plan, Source

_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.pivot"
_FUNCTIONS: Final = {"sum": "sum", "count": "count", "average": "average", "max": "max", "min": "min"}
_TAGS: Final = {"number": "n", "text": "s", "boolean": "b", "error": "e", "empty": "m"}


def add_parts(book: Book, sheet: Sheet, plan: Plan, source: Source) -> None:
    """Put them into the workbook."""
    cache = book.free("xl/pivotCache/pivotCacheDefinition{}.xml")
    records = book.free("xl/pivotCache/pivotCacheRecords{}.xml")
    table = book.free("xl/pivotTables/pivotTable{}.xml")
    holder = book.child("pivotCaches")
    number = max([int(each.get("cacheId") or 0) for each in holder], default=0) + 1
    book.add(records, _bytes(_records(source)), f"{_TYPE}CacheRecords+xml")
    book.add(cache, _bytes(_cache(source)), f"{_TYPE}CacheDefinition+xml")
    book.xml(cache).set(R_ID, book.relate(cache, "pivotCacheRecords", records))
    etree.SubElement(
        holder, m("pivotCache"), {"cacheId": str(number), R_ID: book.relate(book.part, "pivotCacheDefinition", cache)}
    )
    book.add(table, _bytes(_table(book, plan, source, number)), f"{_TYPE}Table+xml")
    book.relate(table, "pivotCacheDefinition", cache)
    book.relate(sheet.part, "pivotTable", table)


def _bytes(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _root(tag: str, **attributes: str) -> Element:
    return etree.Element(m(tag), attributes, nsmap={None: MAIN, "r": RELATIONS})


def _value(parent: Element, key: Key) -> None:
    kind, value = key
    child = sub(parent, _TAGS[kind])
    if kind == "number":
        child.set("v", plain_number(float(value)))
    elif kind == "boolean":
        child.set("v", "1" if value else "0")
    elif kind != "empty":
        child.set("v", escape(str(value)))


def _cache(source: Source) -> Element:
    root = _root(
        "pivotCacheDefinition", refreshOnLoad="1", refreshedBy="Deskhand", createdVersion="6", refreshedVersion="6",
        minRefreshableVersion="3", recordCount=str(len(source.records)),
    )  # fmt: skip
    where = sub(sub(root, "cacheSource", type="worksheet"), "worksheetSource")
    if source.table:
        where.set("name", source.table)
    else:
        where.set("ref", str(source.area))
        where.set("sheet", source.sheet)
    fields = sub(root, "cacheFields", count=str(len(source.headers)))
    for number, header in enumerate(source.headers):
        shared = sub(sub(fields, "cacheField", name=header, numFmtId="0"), "sharedItems")
        kinds = {record[number][0] for record in source.records}
        _tell_kinds(shared, kinds, [record[number][1] for record in source.records if record[number][0] == "number"])
        if number in source.items:
            shared.set("count", str(len(source.items[number])))
            for key in source.items[number]:
                _value(shared, key)
    return root


def _tell_kinds(shared: Element, kinds: set[str], numbers: list[float]) -> None:
    """Marks that say which kinds of values a field has."""
    strings = bool(kinds & {"text", "boolean", "error"})
    if "empty" in kinds:
        shared.set("containsBlank", "1")
    if not strings and "number" in kinds:
        shared.set("containsString", "0")
        if "empty" not in kinds:
            shared.set("containsSemiMixedTypes", "0")
    if strings and "number" in kinds:
        shared.set("containsMixedTypes", "1")
    if numbers:
        shared.set("containsNumber", "1")
        if all(number == int(number) for number in numbers):
            shared.set("containsInteger", "1")
        shared.set("minValue", plain_number(min(numbers)))
        shared.set("maxValue", plain_number(max(numbers)))


def _records(source: Source) -> Element:
    places = {number: {key: index for index, key in enumerate(items)} for number, items in source.items.items()}
    root = _root("pivotCacheRecords", count=str(len(source.records)))
    for record in source.records:
        row = sub(root, "r")
        for number, key in enumerate(record):
            if number in places:
                sub(row, "x", v=str(places[number][key]))
            else:
                _value(row, key)
    return root


def _table(book: Book, plan: Plan, source: Source, cache: int) -> Element:
    several = len(plan.measures) > 1
    root = _root(
        "pivotTableDefinition", name=plan.name, cacheId=str(cache), applyNumberFormats="0", applyBorderFormats="0",
        applyFontFormats="0", applyPatternFormats="0", applyAlignmentFormats="0", applyWidthHeightFormats="1",
        dataCaption="Values", updatedVersion="6", minRefreshableVersion="3", useAutoFormatting="1", itemPrintTitles="1",
        createdVersion="6", indent="0", compact="0", compactData="0", outline="0", outlineData="0",
        multipleFieldFilters="0",
    )  # fmt: skip
    location = sub(root, "location", ref=str(plan.area), firstHeaderRow="1" if plan.columns else "0")
    location.set("firstDataRow", str(plan.header_rows))
    location.set("firstDataCol", str(len(plan.rows)))
    if plan.filters:
        location.set("rowPageCount", str(len(plan.filters)))
        location.set("colPageCount", "1")
    _fields(root, plan, source)
    _axis(root, "row", plan.rows)
    _items(root, "rowItems", [_indices(source, plan.rows, keys) for keys in plan.row_keys], 1)
    _axis(root, "col", [*plan.columns, *([-2] if several else [])])
    keys = [_indices(source, plan.columns, each) for each in plan.column_keys]
    _items(root, "colItems", keys, len(plan.measures))
    if plan.filters:
        pages = sub(root, "pageFields", count=str(len(plan.filters)))
        for number in plan.filters:
            sub(pages, "pageField", fld=str(number), hier="-1")
    data = sub(root, "dataFields", count=str(len(plan.measures)))
    for number, measure, name in plan.measures:
        shown = sub(
            data, "dataField", name=_own_name(name, source.headers), fld=str(number), baseField="0", baseItem="0"
        )
        if measure.function != "sum":
            shown.set("subtotal", _FUNCTIONS[measure.function])
        if measure.number_format:
            index = book.styles.with_format(0, measure.number_format)
            shown.set("numFmtId", book.styles.xf(index).get("numFmtId"))
    sub(
        root, "pivotTableStyleInfo", None, name="PivotStyleLight16", showRowHeaders="1", showColHeaders="1",
        showRowStripes="0", showColStripes="0", showLastColumn="1",
    )  # fmt: skip
    return root


def _own_name(name: str, headers: list[str]) -> str:
    """A measure must not be called like a field."""
    return f"{name} " if name.casefold() in (each.casefold() for each in headers) else name


def _fields(root: Element, plan: Plan, source: Source) -> None:
    holder = sub(root, "pivotFields", count=str(len(source.headers)))
    measured = {number for number, _, _ in plan.measures}
    for number in range(len(source.headers)):
        each = sub(holder, "pivotField", compact="0", outline="0", showAll="0", defaultSubtotal="0")
        axis = "axisRow" if number in plan.rows else "axisCol" if number in plan.columns else None
        axis = axis or ("axisPage" if number in plan.filters else None)
        if axis:
            each.set("axis", axis)
        if number in measured:
            each.set("dataField", "1")
        if number in source.items:
            items = sub(each, "items", count=str(len(source.items[number])))
            for index in range(len(source.items[number])):
                sub(items, "item", x=str(index))


def _axis(root: Element, name: str, fields: list[int]) -> None:
    if fields:
        holder = sub(root, f"{name}Fields", count=str(len(fields)))
        for number in fields:
            sub(holder, "field", x=str(number))


def _indices(source: Source, fields: list[int], keys: tuple[Key, ...]) -> list[int]:
    return [source.items[number].index(key) for number, key in zip(fields, keys, strict=True)]


def _items(root: Element, name: str, keys: list[list[int]], measures: int) -> None:
    """Lines of an axis: each combination, for each measure, and the grand total."""
    lines: list[tuple[list[int], int, bool]] = [(key, index, False) for key in keys for index in range(measures)]
    lines += [([0] * max(1, len(keys[0]) if keys else 0), index, True) for index in range(measures)]
    if not keys and measures == 1:
        lines = [([], 0, False)]
    elif not keys:
        lines = [([], index, False) for index in range(measures)]
    holder = sub(root, name, count=str(len(lines)))
    before: list[int] = []
    for key, index, grand in lines:
        line = sub(holder, "i")
        if grand:
            line.set("t", "grand")
        if index:
            line.set("i", str(index))
        told = key[:1] if grand else key
        same = 0
        if not grand and name == "rowItems":
            same = next((n for n, (one, other) in enumerate(zip(before, told, strict=False)) if one != other), 0)
            same = same if before else 0
        if not grand and index:
            same = len(told)
        if same:
            line.set("r", str(same))
        for number in told[same:]:
            (sub(line, "x", v=str(number)) if number else sub(line, "x"))
        if measures > 1:
            (sub(line, "x", v=str(index)) if index else sub(line, "x"))
        before = told if not grand else []
