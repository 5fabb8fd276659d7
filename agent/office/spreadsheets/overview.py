"""What is in a workbook, sheet by sheet: sizes, objects, and what a sheet's data look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.office.package import damaged
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area
from agent.office.spreadsheets.comments import comments_of
from agent.office.spreadsheets.drawings import objects_of
from agent.office.spreadsheets.formulas import for_people
from agent.office.spreadsheets.markup import children, m, read_xml, walk
from agent.office.spreadsheets.profiles import Profile
from agent.office.spreadsheets.stream import Seen, rows_of_sheet
from agent.office.spreadsheets.strings import Strings
from agent.office.xml import Element, local

MOST_COLUMNS = 60  # that are profiled
_MOST_LISTED = 25
_CELLS_END = re.compile(rb"</(?:\w+:)?sheetData>")


@dataclass
class Facts:
    """What one pass over a sheet's cells told."""

    used: Area | None = None
    cells: int = 0
    formulas: int = 0
    errors: list[str] = field(default_factory=list[str])
    error_count: int = 0
    profiles: dict[int, Profile] = field(default_factory=dict[int, Profile])
    rows: int = 0


def _rows(book: Book, part: str, strings: Strings, area: Area | None) -> Iterator[tuple[int, list[Seen]]]:
    if area is None:
        return rows_of_sheet(book.package, part, strings)
    return rows_of_sheet(book.package, part, strings, area.bottom, area.top)


def facts_of(book: Book, part: str, strings: Strings, area: Area | None = None) -> Facts:
    """Look at all cells of a sheet, or of a range of it, once."""
    facts, formats = Facts(), book.styles.formats()
    for number, cells in _rows(book, part, strings, area):
        there = [each for each in cells if each.kind != "empty" or each.formula]
        there = [each for each in there if area.has(number, each.column)] if area else there
        if not there:
            continue
        here = Area(number, min(each.column for each in there), number, max(each.column for each in there))
        facts.used = facts.used.union(here) if facts.used else here
        facts.rows += 1
        for each in there:
            facts.cells += 1
            facts.formulas += bool(each.formula)
            if each.kind == "error":
                facts.error_count += 1
                if len(facts.errors) < _MOST_LISTED:
                    facts.errors.append(f"{Area(number, each.column, number, each.column)} {each.value}")
            if (profile := _profile(facts, number, each.column, each.value, each.kind)) is not None:
                code = formats[each.style] if each.style < len(formats) else "General"
                profile.add(each.kind, each.value, code, bool(each.formula))
    return facts


def _profile(facts: Facts, row: int, column: int, value: str, kind: str) -> Profile | None:
    """Of the column; the first row counts as its header if it is text there."""
    profile = facts.profiles.get(column)
    if profile is None:
        if len(facts.profiles) >= MOST_COLUMNS:
            return None
        profile = facts.profiles[column] = Profile()
        if kind == "text" and facts.used is not None and row == facts.used.top:
            profile.header = value[:60]
            return None
    return profile


def frame_of(book: Book, part: str) -> Element:
    """All of a sheet but its cells, which are not even unpacked into memory. Raises ToolFault."""
    kept, skipping, rest = bytearray(), False, b""
    try:
        with book.package.stream(part) as file:
            while chunk := file.read(1 << 20):
                rest += chunk
                skipping, rest = _skim(kept, rest, skipping)
    except OSError as error:
        raise damaged(book.package.name, error) or error from None
    if not skipping:
        kept += rest
    return read_xml(bytes(kept), book.package.name)


def _skim(kept: bytearray, data: bytes, skipping: bool) -> tuple[bool, bytes]:
    """Keep what comes before and after the cells; what is left may end in the middle of a mark."""
    if not skipping:
        at = data.find(b"sheetData>")
        if at < 0 or data[at - 1 : at] == b"/":
            cut = max(0, len(data) - 64)
            kept += data[:cut]
            return False, data[cut:]
        kept += data[: at + 10]
        data = data[at + 10 :]
    end = _CELLS_END.search(data)
    if end is None:
        return True, data[-64:]
    kept += data[end.start() :]
    return False, b""


def sheet_lines(book: Book, part: str, frame: Element) -> Iterator[str]:
    """What is on a sheet besides its cells, one line each."""
    yield from _tables(book, part)
    yield from objects_of(book, part)
    yield from _pivots(book, part)
    merged = [each.get("ref", "") for each in children(frame.find(m("mergeCells")), "mergeCell")]
    if merged:
        yield f"merged: {_some(merged)}"
    for each in children(frame, "autoFilter"):
        yield f"filter buttons: {each.get('ref')}"
    yield from _validations(frame)
    yield from _conditional(frame)
    yield from _notes(book, part)
    yield from _links(book, part, frame)
    yield from _hidden(frame)
    for pane in frame.iter(m("pane")):
        if pane.get("state") in ("frozen", "frozenSplit"):
            yield f"frozen: first cell that scrolls is {pane.get('topLeftCell')}"
    protection = frame.find(m("sheetProtection"))
    if protection is not None and protection.get("sheet") in ("1", "true"):
        secret = protection.get("password") or protection.get("hashValue")
        yield f"protected {'with' if secret else 'without'} a password"
    if any("sparkline" in tag for tag, _ in walk(frame)):
        yield "sparklines"


def _some(texts: list[str]) -> str:
    more = len(texts) - _MOST_LISTED
    return ", ".join(texts[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _tables(book: Book, part: str) -> Iterator[str]:
    for each in book.related(part, "table"):
        root = book.xml(each)
        columns = [column.get("name", "") for column in children(root.find(m("tableColumns")), "tableColumn")]
        totals = " with totals" if root.get("totalsRowCount") == "1" else ""
        yield f"table {root.get('displayName')} {root.get('ref')}{totals}: {', '.join(columns)[:400]}"


def _pivots(book: Book, part: str) -> Iterator[str]:
    for each in book.related(part, "pivotTable"):
        root = book.xml(each)
        source = ""
        for cache in book.related(each, "pivotCacheDefinition"):
            for tag, element in walk(book.xml(cache)):
                if tag == "worksheetSource":
                    source = element.get("name") or f"{element.get('sheet')}!{element.get('ref')}"
        yield f"pivot table {root.get('name')} at {root.find(m('location')).get('ref')} of {source or 'outside data'}"


def _validations(frame: Element) -> Iterator[str]:
    for each in children(frame.find(m("dataValidations")), "dataValidation")[:_MOST_LISTED]:
        limits = [child.text or "" for child in each if local(child).startswith("formula")]
        yield f"validation {each.get('sqref')}: {each.get('type', 'any')} {' to '.join(limits)[:200]}"


def _conditional(frame: Element) -> Iterator[str]:
    for each in children(frame, "conditionalFormatting")[:_MOST_LISTED]:
        for rule in children(each, "cfRule"):
            limits = [child.text or "" for child in children(rule, "formula")]
            what = " ".join(filter(None, (rule.get("type"), rule.get("operator"), *limits)))
            yield f"conditional format {each.get('sqref')}: {what[:200]}"


def _notes(book: Book, part: str) -> Iterator[str]:
    from types import SimpleNamespace
    from typing import Any

    sheet: Any = SimpleNamespace(part=part)
    found = comments_of(book, sheet)
    for cell, author, text in found[:_MOST_LISTED]:
        yield f"note {cell} ({author}): {' '.join(text.split())[:200]}"
    if len(found) > _MOST_LISTED:
        yield f"… and {len(found) - _MOST_LISTED} more notes"


def _links(book: Book, part: str, frame: Element) -> Iterator[str]:
    targets = {each.id: each.target for each in book.relations(part) if each.external}
    found: list[str] = []
    for each in children(frame.find(m("hyperlinks")), "hyperlink"):
        ident = next((value for name, value in each.attrib.items() if name.endswith("}id")), "")
        found.append(f"{each.get('ref')} → {targets.get(ident) or '#' + (each.get('location') or '')}")
    if found:
        yield f"links (not followed): {_some(found)[:1_500]}"


def _hidden(frame: Element) -> Iterator[str]:
    columns = [
        str(Area(1, int(each.get("min")), 1_048_576, int(each.get("max"))))
        for each in children(frame.find(m("cols")), "col") if each.get("hidden") in ("1", "true")
    ]  # fmt: skip
    if columns:
        yield f"hidden columns: {_some(columns)}"


def book_lines(book: Book) -> Iterator[str]:
    """What is in the workbook besides its sheets."""
    names = [
        f"{each.get('name')} = {for_people(each.text or '')}" + (f" (sheet {scope} only)" if scope else "")
        for each in book.defined_names()
        if each.get("hidden") not in ("1", "true")
        for scope in [_scope(book, each)]
    ]
    if names:
        yield f"names: {_some(names)}"
    styles = book.styles.style_names()
    if len(styles) > 1:
        yield f"cell styles: {_some(styles)}"
    if any(name.endswith("vbaProject.bin") for name in book.names):
        yield "macros: there are some; they are kept and never run"
    links = [name for name in book.names if re.fullmatch(r"xl/externalLinks/externalLink\d+\.xml", name)]
    for link in links:
        targets = [each.target for each in book.relations(link) if each.external]
        dde = b"ddeLink" in book.read(link)
        yield f"{'DDE link' if dde else 'link to another workbook'} (kept, never followed): {', '.join(targets)}"
    if book.has("xl/connections.xml"):
        yield "connections to data elsewhere (kept, never used)"
    kept = sorted({name.split("/")[1] for name in book.names if name.startswith(("xl/slicers/", "xl/timelines/"))})
    if kept:
        yield f"also: {', '.join(kept)}"
    if any(name.startswith("customXml/") for name in book.names):
        yield "custom XML"


def _scope(book: Book, each: Element) -> str:
    number = each.get("localSheetId")
    return "" if number is None or int(number) >= len(book.sheet_names) else book.sheet_names[int(number)]
