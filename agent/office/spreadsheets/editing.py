"""The operations of a call carried out one after the other: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, cast

from agent.errors import ToolFault
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.operations import AddSheet, SpreadsheetOperation
from agent.office.spreadsheets.table_headers import follow_headers

ODD: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What comes of attributes that should be numbers, of parts that lack others, and the like."""
_WHERE: Final = {
    "edit_cells": ("set_cells", "set_formula", "import_csv", "clear", "merge", "format"),
    "copying": ("copy_cells",),
    "edit_sizes": ("size",),
    "edit_sheets": ("add_sheet", "copy_sheet", "change_sheet", "delete_sheet"),
    "edit_pages": ("view", "filter", "page_setup", "protect", "set_properties"),
    "structure": ("insert", "delete", "move_cells"),
    "edit_tables": ("add_table", "change_table", "validate", "conditional_format", "name"),
    "edit_objects": (
        "comment", "link", "add_chart", "change_chart", "add_picture", "delete_object",
    ),
    "edit_data": ("sort", "remove_duplicates", "replace", "split_column"),
    "cleaning": ("clean",),
    "pivots": ("pivot",),
}  # fmt: skip
_FUNCTIONS: Final = {"format": "format_cells", "filter": "set_filter"}
_MODULES: Final = {do: module for module, names in _WHERE.items() for do in names}


def edit(job: Job, operations: Sequence[SpreadsheetOperation]) -> list[str]:
    """Carry them out; what was done, one line each.

    Raises:
        ToolFault: one of them cannot be done; the workbook must then be thrown away.
    """
    done: list[str] = []
    for number, operation in enumerate(operations, 1):
        try:
            if job.new:
                _make_sheet(job, operation)
            done.append(_function(operation.do)(job, operation))
        except ToolFault as fault:
            raise _named(number, operation.do, fault) from None
        except ODD as error:
            raise _named(number, operation.do, unexpected(error)) from error
        for _, sheet in job.book.sheets():
            sheet.rows.settle()
    if not job.book.entries:
        raise ToolFault("The workbook would have no sheet. Nothing was made.")
    follow_headers(job)
    job.together.tell(job.note)
    _tidy(job)
    return done


def unexpected(error: Exception) -> ToolFault:
    """What to tell of an error that comes of what a text or the workbook holds."""
    if isinstance(error, UnicodeError) or "XML compatible" in str(error):
        return ToolFault("A text or name holds characters that a workbook cannot hold.")
    return ToolFault(
        f"The workbook holds something that is not as its format wants it ({type(error).__name__}: {str(error)[:200]}"
        "). Nothing was changed. Try it on a copy that a spreadsheet program has saved anew."
    )


def _make_sheet(job: Job, operation: SpreadsheetOperation) -> None:
    """A new workbook gets a sheet when it is first named."""
    name = getattr(operation, "sheet", None)
    taken = [each.casefold() for each in job.book.sheet_names]
    if isinstance(name, str) and operation.do not in ("copy_sheet", "name") and name.casefold() not in taken:
        from agent.office.spreadsheets.edit_sheets import add_sheet

        add_sheet(job, AddSheet(do="add_sheet", name=name, position=None))


def _function(do: str) -> Callable[[Job, Any], str]:
    module = import_module(f"agent.office.spreadsheets.{_MODULES[do]}")
    return cast("Callable[[Job, Any], str]", getattr(module, _FUNCTIONS.get(do, do)))


def _named(number: int, do: str, fault: ToolFault) -> ToolFault:
    text = str(fault)
    return ToolFault(f"Operation {number} ({do}): {text}{'' if 'Nothing was' in text else ' Nothing was changed.'}")


def _tidy(job: Job) -> None:
    """Holders that hold nothing any more go; sizes that sheets tell of themselves are true."""
    from agent.office.spreadsheets.markup import drop, m

    for name in ("definedNames",):
        found = job.book.root.find(m(name))
        if found is not None and not len(found):
            drop(found)
    for _, sheet in job.book.sheets():
        if sheet.rows.changed:
            sheet.tell_size()
        for name in ("pageSetup", "headerFooter", "sheetPr"):
            found = sheet.frame.find(m(name))
            if found is not None and not len(found) and not found.attrib and not (found.text or "").strip():
                drop(found)
