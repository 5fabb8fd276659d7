"""Pivot tables: real ones, with their values worked out and written into the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import Area, read_area, read_cell
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.looks import Measure
from agent.office.spreadsheets.operations import Pivot
from agent.office.spreadsheets.pivot_parts import add_parts
from agent.office.spreadsheets.references import read_reference
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.tables import find_table
from agent.office.spreadsheets.values import Content, text_content

MOST_ITEMS: Final = 2_000  # of a field that makes rows or columns
MOST_CELLS: Final = 100_000
Key: TypeAlias = tuple[str, Any]
_NAMES: Final = {"sum": "Sum of", "count": "Count of", "average": "Average of", "max": "Max of", "min": "Min of"}


@dataclass
class Source:
    """The data of a pivot table.

    Attributes:
        records: values of all columns, row by row.
        items: different values of each column that makes rows, columns or filters, in order.
    """

    sheet: str
    area: Area
    table: str
    headers: list[str]
    records: list[list[Key]]
    items: dict[int, list[Key]] = field(default_factory=dict[int, list[Key]])


@dataclass
class Plan:
    """Where everything of a pivot table is."""

    name: str
    area: Area
    rows: list[int]
    columns: list[int]
    filters: list[int]
    measures: list[tuple[int, Measure, str]]
    row_keys: list[tuple[Key, ...]]
    column_keys: list[tuple[Key, ...]]
    header_rows: int


def pivot(job: Job, op: Pivot) -> str:
    """The operation."""
    source = _source(job, op.source)
    rows = [_field(source, text) for text in op.rows]
    columns = [_field(source, text) for text in op.columns or ()]
    filters = [_field(source, text) for text in op.filters or ()]
    used = [*rows, *columns, *filters]
    if not rows or not op.values or len(set(used)) < len(used):
        raise ToolFault("A pivot table needs rows and values, and each field in one place only. Nothing was changed.")
    if len(columns) > 1 or len(rows) > 3:
        raise ToolFault("At most three fields in rows and one in columns can be had here. Nothing was changed.")
    for number in used:
        source.items[number] = _items(source, number)
    sheet = job.book.sheet(op.sheet)
    plan = _plan(job, op, source, rows, columns, filters)
    _check_free(job, sheet, plan.area, op)
    _write(job, sheet, plan, source)
    add_parts(job.book, sheet, plan, source)
    job.note("The pivot table's values were worked out here; programs refresh it when they open the file.")
    return (
        f"pivot table {plan.name} at {op.sheet}!{plan.area}: {len(plan.row_keys)} rows of {len(source.records)} records"
    )


def _source(job: Job, text: str) -> Source:
    reference = read_reference(text.strip().removeprefix("="))
    table = ""
    if reference is None:
        name, sheet, part = find_table(job.book, text.strip())
        root = job.book.xml(part)
        area, table = read_area(root.get("ref")), root.get("displayName", "")
        if root.get("totalsRowCount") == "1":
            area = Area(area.top, area.left, area.bottom - 1, area.right)
    else:
        if reference.sheet is None:
            raise ToolFault(f'{text!r} names no sheet; write it like "Data!A1:F500". Nothing was changed.')
        name = job.book.entry(reference.sheet).get("name", "")
        sheet = job.book.sheet(name)
        area = sheet.cut(reference.area)
    headers = [job.text(sheet.cell(area.top, column)).strip() for column in area.columns()]
    if not all(headers) or len({each.casefold() for each in headers}) < len(headers):
        raise ToolFault(f"Each column of {text} needs a header of its own in row {area.top}. Nothing was changed.")
    return Source(name, area, table, headers, _records(job, sheet, area))


def _records(job: Job, sheet: Sheet, area: Area) -> list[list[Key]]:
    records: list[list[Key]] = []
    for number in range(area.top + 1, area.bottom + 1):
        cells = row_cells(sheet.rows.get(number))
        values = [job.value(cells.get(column)) for column in area.columns()]
        records.append(
            [_key(job, each, cells.get(column)) for each, column in zip(values, area.columns(), strict=True)]
        )
        sheet.rows.settle()
    if not records:
        raise ToolFault(f"{area} has no rows below its headers. Nothing was changed.")
    return records


def _key(job: Job, value: Content, cell: Any) -> Key:
    if value.kind == "formula" or (value.kind == "empty" and cell is not None and job.content(cell).kind == "formula"):
        raise ToolFault(
            "The source holds formulas that are not worked out yet. Nothing was changed. Make the pivot table in a "
            "further call, after this one has saved the workbook."
        )
    if value.kind == "number":
        return "number", float(value.value or 0)
    return value.kind, value.value


def _field(source: Source, text: str) -> int:
    for number, header in enumerate(source.headers):
        if header.casefold() == text.strip().casefold():
            return number
    raise ToolFault(f"The source has no column {text!r}; it has: {', '.join(source.headers)}. Nothing was changed.")


def _items(source: Source, number: int) -> list[Key]:
    found = list(dict.fromkeys(record[number] for record in source.records))
    if len(found) > MOST_ITEMS:
        raise ToolFault(f"{source.headers[number]} has {len(found)} different values; at most {MOST_ITEMS} fit.")
    order = {"number": 0, "text": 1, "boolean": 2, "error": 3, "empty": 4}
    return sorted(found, key=lambda key: (order[key[0]], key[1] if key[0] == "number" else str(key[1]).casefold()))


def _plan(job: Job, op: Pivot, source: Source, rows: list[int], columns: list[int], filters: list[int]) -> Plan:
    row, column = read_cell(op.at)
    measures = [
        (
            _field(source, each.field),
            each,
            each.name or f"{_NAMES[each.function]} {source.headers[_field(source, each.field)]}",
        )
        for each in op.values
    ]
    row_keys = _keys(source, rows)
    column_keys = _keys(source, columns) if columns else []
    wide = (len(column_keys) + 1 if columns else 1) * len(measures)
    header_rows = (2 if len(measures) > 1 else 1) + 1 if columns else 1
    top = row + (len(filters) + 1 if filters else 0)
    area = Area(top, column, top + header_rows + len(row_keys), column + len(rows) + wide - 1)
    if area.height * area.width > MOST_CELLS:
        raise ToolFault(
            f"The pivot table would have {area.height} × {area.width} cells, too many. Nothing was changed."
        )
    taken = {part for part in job.book.names if part.startswith("xl/pivotTables/pivotTable")}
    return Plan(
        op.name or f"PivotTable{len(taken) + 1}",
        area,
        rows,
        columns,
        filters,
        measures,
        row_keys,
        column_keys,
        header_rows,
    )


def _keys(source: Source, fields: Sequence[int]) -> list[tuple[Key, ...]]:
    """Combinations that there are, in the order of the items."""
    places = [{key: index for index, key in enumerate(source.items[number])} for number in fields]
    there = {tuple(record[number] for number in fields) for record in source.records}
    return sorted(there, key=lambda keys: [place[key] for place, key in zip(places, keys, strict=True)])


def _check_free(job: Job, sheet: Sheet, area: Area, op: Pivot) -> None:
    for number, row in sheet.rows.each(area.top, area.bottom):
        for column, cell in row_cells(row).items():
            if area.has(number, column) and job.content(cell).kind != "empty":
                raise ToolFault(f"The pivot table needs {op.sheet}!{area}, which is not empty. Nothing was changed.")


def _write(job: Job, sheet: Sheet, plan: Plan, source: Source) -> None:
    area, left = plan.area, plan.area.left
    for offset, number in enumerate(plan.filters):
        row = area.top - len(plan.filters) - 1 + offset
        job.put(sheet, row, left, text_content(source.headers[number]))
        job.put(sheet, row, left + 1, text_content("(All)"))
    _write_headers(job, sheet, plan, source)
    first = area.top + plan.header_rows
    groups = _groups(source, plan)
    for offset, keys in enumerate([*plan.row_keys, None]):
        row = first + offset
        before = plan.row_keys[offset - 1] if 0 < offset <= len(plan.row_keys) else None
        _write_row_head(job, sheet, row, left, keys, before)
        column = left + len(plan.rows)
        for column_keys in [*plan.column_keys, None] if plan.columns else [None]:
            for index, (number, measure, _) in enumerate(plan.measures):
                value = _result(groups.get((keys, column_keys), []), number, measure.function)
                if value is not None:
                    job.put(sheet, row, column + index, Content("number", value, measure.number_format or ""))
            column += len(plan.measures)


def _write_row_head(
    job: Job, sheet: Sheet, row: int, left: int, keys: tuple[Key, ...] | None, before: tuple[Key, ...] | None
) -> None:
    if keys is None:
        job.put(sheet, row, left, text_content("Grand Total"))
        return
    for index, key in enumerate(keys):
        if before is None or before[: index + 1] != keys[: index + 1]:
            job.put(sheet, row, left + index, _shown(key))


def _shown(key: Key) -> Content:
    return text_content("(blank)") if key[0] == "empty" else Content(key[0], key[1])  # type: ignore[arg-type]


def _write_headers(job: Job, sheet: Sheet, plan: Plan, source: Source) -> None:
    area = plan.area
    last = area.top + plan.header_rows - 1
    for index, number in enumerate(plan.rows):
        job.put(sheet, last, area.left + index, text_content(source.headers[number]))
    column = area.left + len(plan.rows)
    if not plan.columns:
        for index, (_, _, name) in enumerate(plan.measures):
            job.put(sheet, last, column + index, text_content(name))
        return
    if len(plan.measures) == 1:
        job.put(sheet, area.top, area.left, text_content(plan.measures[0][2]))
    job.put(sheet, area.top, column, text_content(source.headers[plan.columns[0]]))
    for keys in [*plan.column_keys, None]:
        head = _shown(keys[0]) if keys else text_content("Grand Total")
        job.put(sheet, area.top + 1, column, head)
        if len(plan.measures) > 1:
            for index, (_, _, name) in enumerate(plan.measures):
                job.put(sheet, last, column + index, text_content(name))
        column += len(plan.measures)


def _groups(source: Source, plan: Plan) -> dict[tuple[Any, Any], list[list[Key]]]:
    """Records by their row and column; None stands for all."""
    groups: dict[tuple[Any, Any], list[list[Key]]] = {}
    for record in source.records:
        row = tuple(record[number] for number in plan.rows)
        column = tuple(record[number] for number in plan.columns) if plan.columns else None
        for keys in {(row, column), (row, None), (None, column), (None, None)}:
            groups.setdefault(keys, []).append(record)
    return groups


def _result(records: list[list[Key]], number: int, function: str) -> float | None:
    values = [record[number] for record in records if record[number][0] != "empty"]
    if not records:
        return None
    if function == "count":
        return float(len(values))
    numbers = [float(value) for kind, value in values if kind == "number"]
    if not numbers:
        return 0.0 if function == "sum" else None
    if function == "average":
        return sum(numbers) / len(numbers)
    return {"sum": sum, "max": max, "min": min}[function](numbers)
