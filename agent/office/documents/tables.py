"""Tables of a text document."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import insert, paragraph
from agent.office.documents.captions import caption
from agent.office.documents.draft import Draft, blocks_of, pieces_of
from agent.office.documents.leaves import rewrite
from agent.office.documents.order import put
from agent.office.documents.tracking import live_runs, properties
from agent.office.slides.measure import width_of
from agent.office.slides.tables import is_numeric
from agent.office.slides.texts import clean
from agent.office.xml import Element, add, first, make, q, remove

MOST_CELLS = 100_000
_PLAIN = "Plain table with header"
_CM = 567  # twentieths of a point
_ONCE = ("ins", "del", "bookmarkStart", "bookmarkEnd", "commentRangeStart", "commentRangeEnd", "tblHeader", "vMerge")


def insert_table(draft: Draft, operation: do.InsertTable) -> str:
    """A table of rows, or of cells of a workbook."""
    rows = _rows(draft, operation)
    style = styles.identity(draft, operation.style, "table") if operation.style else _plain_style(draft)
    table = _table(draft, rows, style or "", _widths(draft, rows, operation.widths))
    blocks = [table, paragraph(draft, "")]
    if operation.caption is not None:
        blocks.insert(0, caption(draft, "Table", operation.caption, above=True))
    insert(draft, operation.at, blocks)
    return f"table of {len(rows)}×{len(rows[0])} inserted"


def _rows(draft: Draft, operation: do.InsertTable) -> list[list[str]]:
    given: Sequence[Sequence[str]] | None = operation.rows
    if operation.cells is not None:
        given = draft.materials.grids[operation.cells].texts
    if not given or not any(given):
        raise ToolFault("a table needs rows or cells.")
    width = max(len(row) for row in given)
    if len(given) * width > MOST_CELLS or width > 63:
        raise ToolFault(
            f"a table of {len(given)}×{width} cells is too large for a document (63 columns, {MOST_CELLS} cells)."
        )
    return [[*row, *[""] * (width - len(row))] for row in given]


def _widths(draft: Draft, rows: list[list[str]], given: list[float] | None) -> list[float]:
    """In centimetres: as asked for, else by what the columns hold."""
    if given:
        if len(given) != len(rows[0]) or min(given) <= 0:
            raise ToolFault(f"widths must be {len(rows[0])} numbers above 0.")
        return given
    needs = [min(max(width_of(row[column][:60], 10) for row in rows) + 0.5, 7.0) for column in range(len(rows[0]))]
    whole = draft.text_width()
    return [max(need * whole / sum(needs), 0.8) for need in needs]


def _plain_style(draft: Draft) -> str:
    """Thin lines between rows and a marked header, made once."""
    known = styles.find(draft, _PLAIN, "table")
    if known is not None:
        return known.get(q("w:styleId"))
    style = styles.new_style(draft, _PLAIN, "table", "Normal Table")
    settings = add(style, "w:pPr")
    add(settings, "w:spacing", {"w:before": "40", "w:after": "40", "w:line": "240", "w:lineRule": "auto"})
    look = add(style, "w:tblPr")
    borders = add(look, "w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        add(borders, f"w:{side}", {"w:val": "single", "w:sz": "4", "w:space": "0", "w:color": "BFC7D1"})
    margins = add(look, "w:tblCellMar")
    for side in ("left", "right"):
        add(margins, f"w:{side}", {"w:w": "100", "w:type": "dxa"})
    head = add(style, "w:tblStylePr", {"w:type": "firstRow"})
    words = add(head, "w:rPr")
    add(words, "w:b")
    add(words, "w:color", {"w:val": "FFFFFF"})
    add(add(head, "w:tcPr"), "w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": _accent(draft)})
    return style.get(q("w:styleId"))


def _accent(draft: Draft) -> str:
    """The colour of headings, else a quiet blue."""
    heading = styles.find(draft, "heading 1")
    colour = first(heading, "w:rPr", "w:color") if heading is not None else None
    value = colour.get(q("w:val")) if colour is not None else None
    return value if value and value != "auto" else "1F3A5F"


def _table(draft: Draft, rows: list[list[str]], style: str, widths: list[float]) -> Element:
    table = make(draft.body, "w:tbl")
    settings = add(table, "w:tblPr")
    add(settings, "w:tblStyle", {"w:val": style})
    add(settings, "w:tblW", {"w:w": str(round(sum(widths) * _CM)), "w:type": "dxa"})
    add(settings, "w:tblLayout", {"w:type": "fixed"})
    add(settings, "w:tblLook", {"w:val": "04A0", "w:firstRow": "1", "w:noVBand": "1", "w:noHBand": "0"})
    grid = add(table, "w:tblGrid")
    for width in widths:
        add(grid, "w:gridCol", {"w:w": str(round(width * _CM))})
    numeric = [is_numeric([row[column] for row in rows[1:]]) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        _row(draft, table, row, widths, numeric, header=number == 0)
    return table


def _row(
    draft: Draft, table: Element, texts: list[str], widths: list[float], numeric: list[bool], *, header: bool
) -> None:
    row = add(table, "w:tr")
    settings = add(row, "w:trPr")
    add(settings, "w:cantSplit")
    if header:
        add(settings, "w:tblHeader")
    for text, width, number in zip(texts, widths, numeric, strict=True):
        cell = add(row, "w:tc")
        add(add(cell, "w:tcPr"), "w:tcW", {"w:w": str(round(width * _CM)), "w:type": "dxa"})
        element = paragraph(draft, text)
        held = properties(element, "w:pPr")
        put(held, "w:spacing", {"w:before": "50", "w:after": "50", "w:line": "240", "w:lineRule": "auto"})
        if number:
            put(held, "w:jc", {"w:val": "right"})
        cell.append(element)


def set_cells(draft: Draft, operation: do.SetCells) -> str:
    """Other texts for cells."""
    table = draft.table(operation.block)
    if operation.row < 1 or operation.column < 1 or len(operation.rows) > MOST_CELLS:
        raise ToolFault("row and column count from 1.")
    added = 0
    while len(rows := pieces_of(table, "w:tr")) < operation.row - 1 + len(operation.rows):
        _add_row(draft, rows[-1])
        added += 1
    for down, texts in enumerate(operation.rows):
        cells = pieces_of(rows[operation.row - 1 + down], "w:tc")
        if operation.column - 1 + len(texts) > len(cells):
            raise ToolFault(f"row {operation.row + down} of block {operation.block} has {len(cells)} cells.")
        for across, text in enumerate(texts):
            cell = cells[operation.column - 1 + across]
            if text.strip() and _covered(cell):
                raise ToolFault(
                    f"row {operation.row + down}, cell {operation.column + across} of block {operation.block} is "
                    "merged with the one above; write into that, and leave this one empty."
                )
            _set_cell(draft, cell, text)
    return f"cells of block {operation.block} set{f', {added} rows added' if added else ''}"


def _covered(cell: Element) -> bool:
    merged = first(cell, "w:tcPr", "w:vMerge")
    return merged is not None and merged.get(q("w:val")) != "restart"


def _set_cell(draft: Draft, cell: Element, text: str) -> None:
    paragraphs = [each for each in blocks_of(cell) if each.tag == q("w:p")]
    if not paragraphs:
        paragraphs = [add(cell, "w:p")]
    rewrite(paragraphs[0], clean(text), draft.tracker)
    for extra in paragraphs[1:]:
        if draft.tracker:
            draft.tracker.delete_block(extra)
        elif extra.getnext() is None and extra.getprevious() is not None and extra.getprevious().tag == q("w:tbl"):
            rewrite(extra, "", None)  # a cell must not end with a table
        else:
            remove(extra)


def _add_row(draft: Draft, last: Element) -> None:
    """Another last row that looks like the one before."""
    new = deepcopy(last)
    for element in list(new.iter(q("w:p"))):
        for run in live_runs(element)[1:]:
            remove(run)
        for run in live_runs(element):
            for child in [each for each in run if each.tag != q("w:rPr")]:
                run.remove(child)
    for mark in list(new.iter(*(q(f"w:{name}") for name in _ONCE))):
        remove(mark)
    last.addnext(new)
    if draft.tracker:
        draft.tracker.insert_block(new)


def delete_rows(draft: Draft, operation: do.DeleteRows) -> str:
    """Take rows out."""
    table = draft.table(operation.block)
    rows = pieces_of(table, "w:tr")
    if not 1 <= operation.first <= operation.last <= len(rows):
        raise ToolFault(f"block {operation.block} has rows 1 to {len(rows)}.")
    for row in rows[operation.first - 1 : operation.last]:
        if draft.tracker:
            draft.tracker.delete_block(row)
        else:
            remove(row)
    if not pieces_of(table, "w:tr"):
        remove(table)
    return f"rows {operation.first} to {operation.last} of block {operation.block} deleted"
