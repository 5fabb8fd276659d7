"""What the operations of one call work with: the open workbook, the folder, and cells read and written by meaning."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area
from agent.office.spreadsheets.formulas import for_file, for_people, spills
from agent.office.spreadsheets.markup import m, sub
from agent.office.spreadsheets.metadata import dynamic_mark
from agent.office.spreadsheets.sheet import Sheet, column_of
from agent.office.spreadsheets.spans import Together
from agent.office.spreadsheets.strings import Strings, read_strings
from agent.office.spreadsheets.values import (
    EMPTY,
    Content,
    formula_of,
    is_date_format,
    shown,
    text_in,
    wipe,
    write_value,
)
from agent.office.xml import Element
from agent.tools.folder import Folder


@dataclass
class Job:
    """One call.

    Attributes:
        new: it began empty, so that sheets are made when they are first named.
        plain: it is a CSV file, in which all values are texts.
        notes: what the model should know besides, each once.
        losses: what cannot be kept, for which its consent is needed.
    """

    book: Book
    folder: Folder
    accept_loss: bool = False
    new: bool = False
    plain: bool = False
    notes: list[str] = field(default_factory=list[str])
    losses: list[str] = field(default_factory=list[str])
    together: Together = field(default_factory=Together)
    _arrays: dict[str, list[tuple[Area, int, int]]] = field(default_factory=dict[str, list[tuple[Area, int, int]]])

    @cached_property
    def strings(self) -> Strings:
        """Shared texts."""
        found = self.book.related(self.book.part, "sharedStrings")
        return read_strings(self.book.package, found[0] if found else None)

    def note(self, text: str) -> None:
        """Tell the model once."""
        if text not in self.notes:
            self.notes.append(text)

    def lose(self, what: str) -> None:
        """Something goes that the model may want to keep. Raises ToolFault unless it has agreed."""
        if not self.accept_loss:
            raise ToolFault(f"{what} Nothing was changed. Say accept_loss: true to go on all the same.")
        self.note(what)

    def file(self, text: str) -> Path:
        """A file of the folder that is read. Raises ToolFault."""
        path = self.folder.resolve(text, there=True)
        if not path.is_file():
            raise ToolFault(f"{text} is no file. Nothing was changed.")
        self.folder.note(path)
        return path

    # Reading

    def value(self, cell: Element | None) -> Content:
        """What a cell shows: a formula's last result."""
        if cell is None:
            return EMPTY
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return Content("text", text_in(cell.find(m("is"))))
        raw = cell.find(m("v"))
        if raw is None or raw.text is None:
            return EMPTY
        return self._typed(kind, raw.text)

    def _typed(self, kind: str, raw: str) -> Content:
        if kind == "s":
            return Content("text", self.strings[int(raw)] if raw.strip().isdigit() else "")
        if kind == "b":
            return Content("boolean", raw.strip() == "1")
        if kind == "e":
            return Content("error", raw)
        if kind in ("str", "d"):
            return Content("text", raw)
        try:
            return Content("number", float(raw))
        except ValueError:
            return Content("text", raw)

    def content(self, cell: Element | None) -> Content:
        """What is in a cell: the formula where there is one."""
        if cell is not None and (formula := formula_of(cell)) is not None and formula.text:
            return Content("formula", for_people(formula.text))
        return self.value(cell)

    def text(self, cell: Element | None) -> str:
        """What a cell shows, as text; dates as ISO texts."""
        value = self.value(cell)
        if value.kind == "number" and cell is not None:
            code = self.book.styles.format_of(int(cell.get("s") or 0))
            if is_date_format(code):
                return shown(float(value.value or 0), code, from_1904=self.book.date_1904)
        return plain(value)

    # Writing

    def put(self, sheet: Sheet, row: int, column: int, content: Content) -> None:
        """Put something into a cell; its look stays, unless the content wants a number format. Raises ToolFault."""
        if content.kind == "empty" and sheet.cell(row, column) is None:
            return
        self._check_array(sheet, row, column)
        cell = sheet.make_cell(row, column)
        self.free(sheet, cell)
        wipe(cell)
        if content.kind == "formula":
            self._put_formula(cell, str(content.value))
        else:
            write_value(cell, content)
        self._dress(cell, content)

    def put_raw_formula(self, sheet: Sheet, row: int, column: int, text: str) -> None:
        """A formula as files hold it."""
        self._check_array(sheet, row, column)
        cell = sheet.make_cell(row, column)
        self.free(sheet, cell)
        wipe(cell)
        self.book.no_calc_chain()
        sub(cell, "f", text)
        if spills(text):
            dynamic_mark(self.book, cell)

    def put_copy(self, sheet: Sheet, row: int, column: int, cell: Element) -> None:
        """What another cell of the workbook holds or shows, letters that look each their own way among it."""
        value = self.value(cell)
        rich = formula_of(cell) is None and value.kind == "text"
        self.put(sheet, row, column, EMPTY if rich else Content(value.kind, value.value))
        if rich:
            made = sheet.make_cell(row, column)
            made.set("t", cell.get("t") or "n")
            for child in cell:
                made.append(deepcopy(child))

    def put_array(self, sheet: Sheet, area: Area, text: str) -> None:
        """One array formula for a range."""
        for row in area.rows():
            for column in area.columns():
                self.put(sheet, row, column, EMPTY)
        cell = sheet.make_cell(area.top, area.left)
        self.book.no_calc_chain()
        sub(cell, "f", text, t="array", ref=str(area))
        self._arrays.pop(sheet.part, None)

    def free(self, sheet: Sheet, cell: Element) -> None:
        """Before a cell's formula goes: others may share it."""
        formula = formula_of(cell)
        if formula is None:
            return
        self.book.no_calc_chain()
        if formula.get("t") == "shared":
            sheet.unshare()
        if formula.get("t") == "array":
            self._arrays.pop(sheet.part, None)

    def _put_formula(self, cell: Element, formula: str) -> None:
        self.book.no_calc_chain()
        text = for_file(formula)
        sub(cell, "f", text)
        if spills(text):
            dynamic_mark(self.book, cell)

    def _dress(self, cell: Element, content: Content) -> None:
        before = index = int(cell.get("s") or 0)
        styles = self.book.styles
        if content.quoted:
            index = styles.quoted(index)
        elif content.kind != "empty":
            index = styles.unquoted(index)
        if content.format and not _suits(styles.format_of(index), content.format):
            index = styles.with_format(index, content.format)
        if index != before:
            cell.set("s", str(index))

    def _check_array(self, sheet: Sheet, row: int, column: int) -> None:
        if sheet.part not in self._arrays:
            self._arrays[sheet.part] = [each for each in sheet.arrays() if each[0].height * each[0].width > 1]
        for area, top, left in self._arrays[sheet.part]:
            if area.has(row, column) and (row, column) != (top, left):
                raise ToolFault(
                    f"{area} is one array formula, of which a part cannot be changed. Nothing was changed. "
                    f"Change {area} as a whole: `clear` it first."
                )

    def forget_arrays(self) -> None:
        """Cells have moved."""
        self._arrays.clear()


def plain(value: Content) -> str:
    """A value as text."""
    if value.kind == "number":
        from agent.office.spreadsheets.values import plain_number

        return plain_number(float(value.value or 0))
    if value.kind == "boolean":
        return "TRUE" if value.value else "FALSE"
    return "" if value.value is None else str(value.value)


def _suits(now: str, wanted: str) -> bool:
    """Whether the number format that is there shows such a value well already."""
    if now == "General":
        return False
    if is_date_format(wanted):
        return is_date_format(now)
    if "%" in wanted:
        return "%" in now
    return now == wanted or (now != "@" and "[$" not in wanted and not is_date_format(now) and "%" not in now)


def row_cells(row: Element | None) -> dict[int, Element]:
    """The cells of a row by column."""
    return {} if row is None else {column_of(cell): cell for cell in row if column_of(cell)}
