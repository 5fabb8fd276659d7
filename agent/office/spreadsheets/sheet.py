"""One sheet: a frame that is a tree, and rows that stay bytes until somebody touches them.

So a sheet of a million cells costs little more than its bytes, and rows that nobody touched are written as they were.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import Area, cell_name, column_number, read_area
from agent.office.spreadsheets.markup import MAIN, insert_ordered, m, read_xml, write_xml
from agent.office.xml import Element, etree

if TYPE_CHECKING:
    from agent.office.spreadsheets.book import Book

ORDER: Final = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection",
    "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells",
    "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup",
    "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags",
    "drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls",
    "webPublishItems", "tableParts", "extLst",
)  # fmt: skip
_DATA = re.compile(rb"<sheetData\s*/>|<sheetData\b[^>]*>(.*?)</sheetData\s*>", re.DOTALL)
_ROW = re.compile(rb"<row\b[^>]*?/>|<row\b[^>]*>.*?</row\s*>", re.DOTALL)
_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d+)[\"']")
_PREFIXED = re.compile(rb"<([A-Za-z_][\w.-]*):worksheet\b")
_EMPTY = b"<sheetData/>"
_ADDRESS = re.compile(rb"<c r=[\"']([A-Z]+)\d")
_CELL_PARTS = re.compile(r"([A-Z]+)(\d+)")


class Sheet:
    """A sheet of an open workbook."""

    def __init__(self, book: Book, part: str) -> None:
        self.book, self.part = book, part
        data = _plain(book.read(part))
        match = _DATA.search(data)
        if match is None:
            raise ToolFault(f"{book.package.name} is damaged: {part} has no cells.")
        self._head, self._tail = data[: match.start()], data[match.end() :]
        self.frame: Element = read_xml(self._head + _EMPTY + self._tail, book.package.name)
        if self.frame.tag != m("worksheet"):
            raise ToolFault(f"{book.package.name}: {part} is no sheet of a kind that can be edited.")
        self._before = write_xml(self.frame)
        self.rows = Rows(match[1] or b"", self.frame)
        del data, match

    def changed(self) -> bytes | None:
        """The part as it is now, or None if it is as it was."""
        frame = write_xml(self.frame)
        if frame == self._before and not self.rows.changed:
            return None
        head, tail = self._head, self._tail
        if frame != self._before:
            head, _, tail = frame.partition(_EMPTY)
        return b"".join((head, b"<sheetData>", self.rows.to_bytes(), b"</sheetData>", tail))

    def child(self, name: str) -> Element:
        """A child of the frame, made where the schema wants it if it is not there."""
        if (found := self.frame.find(m(name))) is None:
            found = etree.Element(m(name))
            insert_ordered(self.frame, found, ORDER)
        return found

    def put_child(self, child: Element) -> None:
        """A further child where the schema wants it."""
        insert_ordered(self.frame, child, ORDER)

    def used(self) -> Area:
        """The smallest range with all cells that are there; A1 of an empty sheet."""
        found: Area | None = None
        for number in self.rows.numbers:
            if (ends := self.rows.ends(number)) is not None:
                here = Area(number, ends[0], number, ends[1])
                found = found.union(here) if found else here
        return found or Area(1, 1, 1, 1)

    def within(self, cells: str) -> Area:
        """A range that the model has written, whole rows and columns cut to what is used. Raises ToolFault."""
        return self.cut(read_area(cells))

    def cut(self, area: Area) -> Area:
        """A range of whole rows or columns, cut to what is used."""
        if not (area.whole_rows or area.whole_columns):
            return area
        used = self.used()
        bottom = max(area.top, min(area.bottom, used.bottom)) if area.whole_columns else area.bottom
        right = max(area.left, min(area.right, used.right)) if area.whole_rows else area.right
        return Area(area.top, area.left, bottom, right)

    def cell(self, row: int, column: int) -> Element | None:
        """A `c` element, if it is there."""
        found = self.rows.get(row)
        return None if found is None else find_cell(found, column)

    def make_cell(self, row: int, column: int) -> Element:
        """A `c` element, made if it is not there, with the look of its column or row."""
        parent = self.rows.make(row)
        if (found := find_cell(parent, column)) is not None:
            return found
        cell = etree.Element(m("c"), {"r": cell_name(row, column)})
        look = parent.get("s") if parent.get("customFormat") in ("1", "true") else self._column_look(column)
        if look and look != "0":
            cell.set("s", look)
        put_cell(parent, cell, column)
        return cell

    def _column_look(self, column: int) -> str | None:
        cols = self.frame.find(m("cols"))
        for col in cols if cols is not None else ():
            if int(col.get("min")) <= column <= int(col.get("max")):
                return col.get("style")
        return None

    def unshare(self) -> None:
        """Give each cell of a shared formula its own one, so that cells can be changed one by one."""
        masters: dict[str, tuple[str, int, int]] = {}
        for number in self.rows.with_text(b'"shared"'):
            for cell in self.rows.make(number):
                if (formula := cell.find(m("f"))) is not None and formula.get("t") == "shared":
                    _unshare(formula, number, column_of(cell), masters)
            self.rows.settle()

    def unshare_outside(self) -> None:
        """`unshare`, where shared formulas lead to other sheets."""
        if any(self.rows.with_text_in(number, b"!") for number in self.rows.with_text(b'"shared"')):
            self.unshare()

    def arrays(self) -> list[tuple[Area, int, int]]:
        """Ranges of array formulas, and the cell that holds each."""
        found: list[tuple[Area, int, int]] = []
        for number in self.rows.with_text(b'"array"'):
            for cell in self.rows.cells(number):
                formula = cell.find(m("f"))
                if formula is not None and formula.get("t") == "array" and formula.get("ref"):
                    found.append((read_area(formula.get("ref")), number, column_of(cell)))
        return found

    def tell_size(self) -> None:
        """Keep what the sheet says of its own size true."""
        if (found := self.frame.find(m("dimension"))) is not None:
            found.set("ref", str(self.used()))


@dataclass(slots=True)
class _Kept:
    data: bytes
    tree: Element | None = None


class Rows:
    """Rows by number: bytes, or trees where somebody looked."""

    def __init__(self, data: bytes, frame: Element) -> None:
        spaces = "".join(
            f' xmlns{":" + prefix if prefix else ""}="{uri}"' for prefix, uri in frame.nsmap.items() if prefix != "xml"
        )
        self._open, self._close = f"<sheetData{spaces}>".encode(), b"</sheetData>"
        self._kept: dict[int, _Kept] = {}
        self.changed = False
        last = 0
        for match in _ROW.finditer(data):
            row = match[0]
            told = _NUMBER.search(row, 0, row.find(b">"))
            last = int(told[1]) if told else last + 1
            self._kept[last] = _Kept(row)
        self._numbers = sorted(self._kept)

    @property
    def numbers(self) -> list[int]:
        """Of the rows that are there, in order."""
        return self._numbers

    def get(self, number: int) -> Element | None:
        """A row to read or, after `touch`, to change."""
        kept = self._kept.get(number)
        if kept is None:
            return None
        if kept.tree is None:
            kept.tree = self._parse(kept.data, number)
        return kept.tree

    def cells(self, number: int) -> list[Element]:
        """Of a row; none where there is no such row."""
        row = self.get(number)
        return [] if row is None else list(row)

    def ends(self, number: int) -> tuple[int, int] | None:
        """The first and the last column of a row, found without reading the row."""
        kept = self._kept[number]
        if kept.tree is None and kept.data.count(b"<c") == kept.data.count(b"<c r="):
            first, last = _ADDRESS.search(kept.data), kept.data.rfind(b"<c r=")
            end = _ADDRESS.match(kept.data, last) if last >= 0 else None
            return (column_number(first[1].decode()), column_number(end[1].decode())) if first and end else None
        columns = [column for cell in self.cells(number) if (column := column_of(cell))]
        return (min(columns), max(columns)) if columns else None

    def make(self, number: int) -> Element:
        """A row that is going to be changed, made if it is not there."""
        self.changed = True
        if (found := self.get(number)) is not None:
            found.attrib.pop("spans", None)
            return found
        row = self._parse(f'<row r="{number}"/>'.encode(), number)
        self._kept[number] = _Kept(b"", row)
        insort(self._numbers, number)
        return row

    def each(self, top: int = 1, bottom: int = 1 << 30, *, change: bool = False) -> Iterator[tuple[int, Element]]:
        """Rows in order, in bounded memory.

        Args:
            change: what is done to each before the next one is asked for, counts.
        """
        first, last = bisect_left(self._numbers, top), bisect_right(self._numbers, bottom)
        for number in self._numbers[first:last]:
            kept = self._kept[number]
            hot = kept.tree is not None
            row: Element = kept.tree if hot else self._parse(kept.data, number)
            yield number, row
            if change:
                self.changed = True
                row.attrib.pop("spans", None)
                if not hot:
                    kept.data = self._bytes(row)

    def rewrite(self, numbers: Sequence[int], change: Callable[[Element], bool]) -> None:
        """Let `change` work on rows, in bounded memory; those that it says False of stay as they were."""
        for number in numbers:
            kept = self._kept[number]
            row = kept.tree if kept.tree is not None else self._parse(kept.data, number)
            if change(row):
                self.changed = True
                row.attrib.pop("spans", None)
                if kept.tree is None:
                    kept.data = self._bytes(row)

    def with_text(self, text: bytes) -> list[int]:
        """Numbers of the rows that may hold it."""
        return [number for number in self._numbers if text in self._of(self._kept[number])]

    def with_text_in(self, number: int, text: bytes) -> bool:
        """Whether a row may hold it."""
        return text in self._of(self._kept[number])

    def written(self, number: int) -> bytes:
        """A row as it is written; nothing where there is no such row."""
        kept = self._kept.get(number)
        return b"" if kept is None else self._of(kept)

    def pack(self, cells: list[Element]) -> bytes:
        """Cells, taken out of where they are, in little memory; `unpack` gives them back."""
        row = self._parse(b"<row/>", 1)
        row.extend(cells)
        return self._bytes(row)

    def unpack(self, data: bytes) -> list[Element]:
        """What was packed."""
        return list(self._parse(data, 1))

    def settle(self, most: int = 2_000) -> None:
        """Make bytes of rows again, when many are trees. Nobody may hold a row."""
        hot = [kept for kept in self._kept.values() if kept.tree is not None]
        if len(hot) > most:
            for kept in hot:
                kept.data, kept.tree = self._bytes(kept.tree), None

    def drop(self, number: int) -> None:
        """Remove a row."""
        if self._kept.pop(number, None) is not None:
            self._numbers.remove(number)
            self.changed = True

    def renumber(self, new: dict[int, int]) -> None:
        """Give rows other numbers; those that are not in `new` are gone."""
        self.changed = True
        kept: dict[int, _Kept] = {}
        for number, row in self._kept.items():
            if (to := new.get(number)) is not None:
                if to != number:
                    tree = row.tree if row.tree is not None else self._parse(row.data, number)
                    name_row(tree, to)
                    row = _Kept(b"", tree) if row.tree is not None else _Kept(self._bytes(tree))
                kept[to] = row
        self._kept, self._numbers = kept, sorted(kept)

    def to_bytes(self) -> bytes:
        """All rows, to be written."""
        return b"".join(self._of(self._kept[number]) for number in self._numbers)

    def _of(self, kept: _Kept) -> bytes:
        return kept.data if kept.tree is None else self._bytes(kept.tree)

    def _parse(self, data: bytes, number: int) -> Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            row = etree.fromstring(self._open + data + self._close, parser)[0]
        except etree.XMLSyntaxError as error:
            raise ToolFault(f"The workbook is damaged in row {number}: {error}. Nothing was changed.") from None
        row.set("r", str(number))
        _name_cells(row, number)
        return row

    def _bytes(self, row: Element) -> bytes:
        whole: bytes = etree.tostring(row.getparent(), encoding="UTF-8", xml_declaration=False)
        return whole[whole.index(b">") + 1 : whole.rindex(b"</")]


def _unshare(formula: Element, row: int, column: int, masters: dict[str, tuple[str, int, int]]) -> None:
    from agent.office.spreadsheets.formulas import translated

    ident = formula.get("si") or ""
    if formula.text:
        masters.setdefault(ident, (formula.text, row, column))
    elif ident in masters:
        text, top, left = masters[ident]
        formula.text = translated(text, row - top, column - left)
    for name in ("t", "si", "ref"):
        formula.attrib.pop(name, None)


def find_cell(row: Element, column: int) -> Element | None:
    """A cell of a row."""
    if len(row) and column_of(row[-1]) < column:
        return None
    return next((cell for cell in row if column_of(cell) == column), None)


def column_of(cell: Element) -> int:
    """The column of a `c` element; 0 of anything else in a row."""
    match = _CELL_PARTS.match(cell.get("r") or "")
    return column_number(match[1]) if match else 0


def put_cell(row: Element, cell: Element, column: int) -> None:
    """Put a cell where it belongs in a row."""
    at = len(row)
    while at > 0 and column_of(row[at - 1]) > column:
        at -= 1
    cell.set("r", cell_name(int(row.get("r")), column))
    row.insert(at, cell)


def name_row(row: Element, number: int) -> None:
    """Give a row and its cells another number."""
    row.set("r", str(number))
    for cell in row:
        if column := column_of(cell):
            cell.set("r", cell_name(number, column))


def _name_cells(row: Element, number: int) -> None:
    """Cells may leave out their address; then they follow the one before."""
    last = 0
    for cell in row:
        if cell.tag == m("c"):
            last = column_of(cell) or last + 1
            if cell.get("r") is None:
                cell.set("r", cell_name(number, last))


def _plain(data: bytes) -> bytes:
    """A sheet in UTF-8 whose elements have no prefix."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = write_xml(read_xml(data, "the workbook"))
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if b"<![CDATA[" in data:
        data = write_xml(read_xml(data, "the workbook"))
    match = _PREFIXED.search(data, 0, 4096)
    if match is None or f'xmlns:{match[1].decode()}="{MAIN}"'.encode() not in data:
        return data
    prefix = match[1]
    data = data.replace(b"<" + prefix + b":", b"<").replace(b"</" + prefix + b":", b"</")
    return data.replace(b"xmlns:" + prefix + b"=", b"xmlns=", 1)
