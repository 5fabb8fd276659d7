"""Operations on an open workbook. What they take are those of `agent/office/spreadsheets/operations.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from . import databases, mending, rules, sheets
from .cell_looks import cell_look, set_borders
from .formulas import runs, shifted, sort_of
from .link import Fault, Office, constant, each, enum, number_format, struct

Operation = dict[str, Any]
MOST_FORMULAS = 50_000  # of one operation
MOST_ERRORS = 50
DRAWN = frozenset({"add_picture", "delete_object"})
MOVING = frozenset({"insert", "delete", "move_cells", "copy_sheet", "change_sheet", "delete_sheet"})
MOST_LEVELS = 7  # of grouping
ALL = 1 | 2 | 4 | 16 | 8  # values, dates, texts, formulas, notes (sheet.CellFlags)
CLEARED = {
    "contents": 1 | 2 | 4 | 16,
    "formats": 32 | 64 | 256,
    "all": 1 | 2 | 4 | 8 | 16 | 32 | 64 | 256,
    "comments": 8,
}


class Calc:
    """One workbook, for one call."""

    LASTING: ClassVar[frozenset[str]] = frozenset({"view"})  # what Ctrl+Z does not take back

    def __init__(self, office: Office, document: Any) -> None:
        self.office, self.document = office, document
        self._touched: Any = None
        self._parser: Any = None

    def begin(self, asked: Operation) -> None:
        """Before the first operation."""
        for operation in asked["operations"]:
            self._check(operation)

    def in_order(self, operations: list[Operation]) -> list[tuple[int, Operation]]:
        """The operations with their numbers, as they are carried out: pictures last, since LibreOffice crashes when it
        takes a step back in which cells were changed after them."""
        numbered = list(enumerate(operations, 1))
        drawn = [one for one in numbered if one[1]["do"] in DRAWN]
        for number, operation in numbered:
            moves = operation["do"] in MOVING and drawn and number > drawn[0][0]
            if drawn and (moves or operation["do"] == "comment"):
                raise Fault(
                    f"{drawn[0][1]['do']} and {operation['do']} after it cannot be done in one open workbook at once; "
                    "make two calls. Nothing was changed"
                )
        return [one for one in numbered if one[1]["do"] not in DRAWN] + drawn

    def end(self) -> None:
        """After the last one, or the one that failed."""

    def carry_out(self, _: Any, operation: Operation) -> str:
        """One operation; what was done."""
        return self.KNOWN[operation["do"]](self, operation)

    def show(self) -> None:
        """Bring the view to what was changed, and leave the selection where it is if that is possible."""
        view = self.document.CurrentController
        if self._touched is None:
            return
        place = self._touched.getRangeAddress()
        sheet = self._touched.getSpreadsheet()
        if view.getActiveSheet().Name != sheet.Name:
            view.setActiveSheet(sheet)
        seen = view.getVisibleRange()
        if not (
            seen.StartRow <= place.StartRow <= seen.EndRow and seen.StartColumn <= place.StartColumn <= seen.EndColumn
        ):
            view.setFirstVisibleRow(max(0, place.StartRow - 3))
            view.setFirstVisibleColumn(max(0, place.StartColumn - 2))

    def errors(self) -> list[str]:
        """Cells with errors, on all sheets: "Data!B2 Err:502"."""
        found: list[str] = []
        for sheet in each(self.document.Sheets):
            wrong = sheet.queryFormulaCells(constant("sheet.FormulaResult.ERROR"))
            for place in each(wrong):
                where = place.getRangeAddress()
                for row in range(where.StartRow, where.EndRow + 1):
                    if len(found) >= MOST_ERRORS:
                        return found
                    cell = sheet.getCellByPosition(where.StartColumn, row)
                    found.append(f"{cell.AbsoluteName.replace('$', '').replace('.', '!', 1)} {cell.String}")
        return found

    # What operations name -------------------------------------------------------------------------------------------

    def sheet(self, name: str) -> Any:
        """A sheet by its name."""
        if not self.document.Sheets.hasByName(name):
            there = ", ".join(self.document.Sheets.ElementNames[:20])
            raise Fault(f"there is no sheet {name!r}; there are {there}")
        return self.document.Sheets.getByName(name)

    def area(self, sheet: Any, cells: str) -> Any:
        """A range of a sheet by its address."""
        try:
            return sheet.getCellRangeByName(cells.replace("$", ""))
        except Exception:
            raise Fault(f"{cells} is no range of the sheet {sheet.Name}") from None

    def changing(self, operation: Operation, cells: str = "cells") -> Any:
        """The range that an operation changes."""
        area = self.area(self.sheet(operation["sheet"]), operation[cells])
        self.writable(area.getSpreadsheet())
        self._touched = area
        return area

    def touch(self, area: Any) -> None:
        """It has been changed, so that the view goes there."""
        self._touched = area

    def writable(self, sheet: Any) -> None:
        """Whether a sheet may be changed. Raises Fault."""
        if sheet.isProtected():
            raise Fault(f"the sheet {sheet.Name} is protected; end that with the operation protect, or on the screen")

    def _check(self, operation: Operation) -> None:
        """What can be told before anything is done."""
        if operation["do"] not in self.KNOWN and operation["do"] != "set_properties":
            raise Fault(f"{operation['do']} cannot be done in an open workbook. Nothing was changed")

    def formula(self, cell: Any, text: str) -> Any:
        """A formula as Excel writes it, read for a cell: LibreOffice's tokens."""
        if self._parser is None:
            self._parser = self.document.createInstance("com.sun.star.sheet.FormulaParser")
            self._parser.CompileEnglish = True
            self._parser.FormulaConvention = constant("sheet.AddressConvention.XL_OOX")
        return self._parser.parseFormula(text.removeprefix("="), cell.getCellAddress())

    # Values ----------------------------------------------------------------------------------------------------------

    def set_cells(self, operation: Operation) -> str:
        """A block. A cell is null, a number, a text, or ["f", formula], ["n", number, format], ["b", true]."""
        rows: list[list[Any]] = operation["rows"]
        start = self.changing(operation, "at").getRangeAddress()
        sheet, wide, high = self.sheet(operation["sheet"]), max(map(len, rows)), len(rows)
        block = sheet.getCellRangeByPosition(
            start.StartColumn, start.StartRow, start.StartColumn + wide - 1, start.StartRow + high - 1
        )
        self.touch(block)
        self.write(block, rows)
        return f"{high} x {wide} cells written at {_name(block)}"

    def write(self, block: Any, rows: list[list[Any]]) -> None:
        """Values as `set_cells` takes them into a block of their size."""
        wide = max(map(len, rows))
        base = self.document.NullDate
        shift = 0 if (base.Year, base.Month) == (1899, 12) else 1462 if base.Year == 1904 else 0
        plain = tuple(tuple(_plain(row[at] if at < len(row) else None, shift) for at in range(wide)) for row in rows)
        _make_way(block)
        block.setDataArray(plain)
        for right in range(wide):
            self._special(block, right, [row[right] if right < len(row) else None for row in rows])

    def _special(self, block: Any, right: int, column: list[Any]) -> None:
        """Formulas, dates and truth values of one column, those that follow each other at once."""
        for top, bottom in runs([sort_of(value) for value in column]):
            kind, code = sort_of(column[top])
            part = block.getCellRangeByPosition(right, top, right, bottom)
            if kind == "f":
                texts = [value[1] for value in column[top : bottom + 1]]
                part.setFormulaArray(tuple((text,) for text in self._plain_formulas(part, texts)))
            elif kind == "b":
                part.NumberFormat = number_format(self.document, "BOOLEAN")
            elif kind == "n" and code:
                self._dated(part, code)

    def _plain_formulas(self, part: Any, texts: list[str]) -> list[str]:
        """One below the other; those that only follow the one above need not be read by LibreOffice."""
        out: list[str] = []
        first, text, plain = 0, "", ""
        for at, wanted in enumerate(texts):
            if not out or shifted(text, 0, at - first) != wanted:
                first, text, plain = at, wanted, self.plain_formula(part.getCellByPosition(0, at), wanted)
            out.append(shifted(plain, 0, at - first))
        return out

    def _dated(self, part: Any, code: str) -> None:
        """A number format where there is none of its own."""
        for cells in each(part.queryContentCells(1 | 2)):
            told = self.document.getNumberFormats().getByKey(cells.NumberFormat)
            if told.FormatString in ("General", "Standard", ""):
                cells.NumberFormat = number_format(self.document, code)

    def set_formula(self, operation: Operation) -> str:
        """A formula for a range."""
        area = self.changing(operation)
        place, first = area.getRangeAddress(), area.getCellByPosition(0, 0)
        if operation["array"]:
            area.setArrayTokens(self.formula(first, operation["formula"]))
            return f"array formula in {_name(area)}"
        wide, high = place.EndColumn - place.StartColumn + 1, place.EndRow - place.StartRow + 1
        if wide * high > MOST_FORMULAS:
            raise Fault(f"{wide * high} formulas are too many for an open workbook; at most {MOST_FORMULAS}")
        text = self.plain_formula(first, operation["formula"])
        _make_way(area)
        area.setFormulaArray(tuple(tuple(shifted(text, x, y) for x in range(wide)) for y in range(high)))
        return f"{wide * high} formulas in {_name(area)}; the first shows {first.String}"

    def plain_formula(self, cell: Any, text: str) -> str:
        """A formula as Excel writes it, as LibreOffice does: semicolons, "$Sheet.A1"."""
        tokens = self.formula(cell, text)
        self._parser.FormulaConvention = constant("sheet.AddressConvention.OOO")
        try:
            return f"={self._parser.printFormula(tokens, cell.getCellAddress())}"
        finally:
            self._parser.FormulaConvention = constant("sheet.AddressConvention.XL_OOX")

    def clear(self, operation: Operation) -> str:
        """Empty cells."""
        area = self.changing(operation)
        what = operation["what"]
        if what in CLEARED:
            area.clearContents(CLEARED[what])
        for rule in ("validation", "conditional_formats"):
            if what in (rule, "all"):
                rules.clear_rules(area, rule)
        return f"{operation['what']} of {_name(area)} cleared"

    def replace(self, operation: Operation) -> str:
        """Find and replace."""
        found = 0
        for sheet in [self.sheet(operation["sheet"])] if operation["sheet"] else list(each(self.document.Sheets)):
            self.writable(sheet)
            area = self.area(sheet, operation["cells"]) if operation["cells"] else sheet
            asked = area.createReplaceDescriptor()
            asked.SearchString, asked.ReplaceString = operation["find"], operation["by"]
            asked.SearchRegularExpression = bool(operation["regex"])
            asked.SearchWords = bool(operation["whole"])
            asked.SearchCaseSensitive = bool(operation["match_case"])
            asked.SearchType = 0
            found += self._replaced(area, asked, operation["formulas"])
        return f"{found} cells changed"

    def _replaced(self, area: Any, asked: Any, formulas: bool | None) -> int:
        hits = area.findAll(asked)
        if hits is None:
            return 0
        if not formulas:
            texts = hits.queryContentCells(4)  # texts alone
            if not texts.getCount():
                return 0
            self._touched = texts.getByIndex(0)
            return sum(int(part.replaceAll(asked)) for part in each(texts))
        self._touched = hits.getByIndex(0)
        return int(area.replaceAll(asked))

    # Looks -----------------------------------------------------------------------------------------------------------

    def look(self, operation: Operation) -> str:
        """How cells look."""
        area, look = self.changing(operation), operation["look"]
        if look["style"] is not None:
            self._style(area, look["style"])
        for name, value in cell_look(look):
            area.setPropertyValue(name, value)
        if look["number_format"] is not None:
            area.NumberFormat = number_format(self.document, look["number_format"])
        if look["locked"] is not None:
            area.CellProtection = struct("util.CellProtection", IsLocked=look["locked"])
        set_borders(area, look)
        return f"{_name(area)} formatted"

    def _style(self, area: Any, name: str) -> None:
        if not self.document.StyleFamilies.getByName("CellStyles").hasByName(name):
            raise Fault(f"there is no cell style {name!r}")
        area.CellStyle = name

    def merge(self, operation: Operation) -> str:
        """One cell of a range, or many again."""
        area = self.changing(operation)
        if operation["undo"]:
            area.merge(False)
            return f"{_name(area)} parted"
        lost = _without_first(area)
        area.merge(True)
        return f"{_name(area)} merged{f'; {lost} other cells that held something are empty now' if lost else ''}"

    def size(self, operation: Operation) -> str:
        """Width, height, visibility of whole rows or columns."""
        area = self.changing(operation)
        by_columns = bool(re.match(r"\$?[A-Za-z]", operation["cells"]))
        lines, what = (area.Columns, "Width") if by_columns else (area.Rows, "Height")
        if operation["size"] is not None:
            # A character of the standard font is about 7 pixels wide, at 96 to the inch, with 5 around it.
            hundredths = (operation["size"] * 7 + 5) * 2540 / 96 if by_columns else operation["size"] * 2540 / 72
            lines.setPropertyValue(what, round(hundredths))
        if operation["fit"]:
            lines.setPropertyValue("OptimalWidth" if by_columns else "OptimalHeight", True)
        if operation["group"] is not None:
            _group(area, operation["group"], by_columns=by_columns)
        if operation["hidden"] is not None:
            lines.IsVisible = not operation["hidden"]
        return f"{operation['cells']} sized"

    def view(self, operation: Operation) -> str:
        """What is frozen, and gridlines, on the screen."""
        sheet, view = self.sheet(operation["sheet"]), self.document.CurrentController
        view.setActiveSheet(sheet)
        if operation["freeze"] == "none":
            view.freezeAtPosition(0, 0)
        elif operation["freeze"]:
            cell = self.area(sheet, operation["freeze"]).getRangeAddress()
            view.freezeAtPosition(cell.StartColumn, cell.StartRow)
        if operation["zoom"] is not None:
            view.ZoomType, view.ZoomValue = 3, operation["zoom"]
        if operation["gridlines"] is not None:
            view.ShowGrid = operation["gridlines"]
        return f"view of {sheet.Name} set"

    def comment(self, operation: Operation) -> str:
        """A note on a cell, or none."""
        cell = self.changing(operation, "at").getCellByPosition(0, 0)
        notes, address = cell.getSpreadsheet().Annotations, cell.getCellAddress()
        for index in reversed(range(notes.getCount())):
            place = notes.getByIndex(index).Position
            if (place.Column, place.Row) == (address.Column, address.Row):
                notes.removeByIndex(index)
        if operation["text"] is not None:
            notes.insertNew(address, operation["text"])
        return f"note on {_name(cell)} {'set' if operation['text'] is not None else 'taken away'}"

    KNOWN: ClassVar[dict[str, Callable[[Any, Operation], str]]] = {
        "set_cells": set_cells, "set_formula": set_formula, "clear": clear, "replace": replace, "format": look,
        "merge": merge, "size": size, "view": view, "comment": comment, **sheets.KNOWN,
        **databases.KNOWN, **rules.KNOWN, **mending.KNOWN,
    }  # fmt: skip


def _without_first(area: Any) -> int:
    """Empty all cells of a range but the first; how many held something."""
    held = [
        (right, down)
        for down, row in enumerate(area.getFormulaArray())
        for right, text in enumerate(row)
        if text != "" and (right, down) != (0, 0)
    ]
    for right, down in held:
        area.getCellByPosition(right, down).setString("")
    return len(held)


def _group(area: Any, level: int, *, by_columns: bool) -> None:
    """Group whole rows or columns at a level, 0 for none."""
    sheet, place = area.getSpreadsheet(), area.getRangeAddress()
    way = enum("table.TableOrientation", "COLUMNS" if by_columns else "ROWS")
    for _ in range(MOST_LEVELS):
        sheet.ungroup(place, way)
    for _ in range(min(level, MOST_LEVELS)):
        sheet.group(place, way)


def _make_way(block: Any) -> None:
    """Without this LibreOffice's undo of a block leaves what it should take back, where nothing was before."""
    if block.queryEmptyCells().getCount():
        block.setArrayFormula("=0")
        block.setArrayFormula("")


def _plain(value: Any, shift: int) -> Any:
    """A value as a block takes it; formulas come after."""
    match value:
        case bool():
            return float(value)
        case int() | float():
            return float(value)
        case str():
            return value
        case ["n", number, _]:
            return float(number) - shift
        case ["b", truth]:
            return float(bool(truth))
        case _:  # no value at all would be #N/A
            return ""


def _name(area: Any) -> str:
    return str(area.AbsoluteName).replace("$", "")
