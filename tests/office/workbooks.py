"""Requests for `spreadsheet` written short: what may be null is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, get_args

from openpyxl import Workbook, load_workbook

from agent.office.spreadsheets.looks import Axis, CsvColumn, Highlight, Key, Look, Measure, Series
from agent.office.spreadsheets.operations import SpreadsheetOperation
from agent.tools.base import Reply, Room
from agent.tools.spreadsheet import spreadsheet_tools
from agent.tools.strict import Part
from tests.support.room import call

_BY_NAME = {get_args(each.model_fields["do"].annotation)[0]: each for each in get_args(SpreadsheetOperation)}


def loaded(path: Path, *, data_only: bool = False) -> Workbook:
    """A workbook as openpyxl reads it, which warns of what it would lose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_workbook(path, data_only=data_only)


async def edit(room: Room, path: str, *operations: object, **more: Any) -> Reply:
    """What the tool answers to operations on a file."""
    (tool,) = spreadsheet_tools(room)
    told: dict[str, Any] = {"path": path, "source": None, "accept_loss": None, "operations": list(operations)}
    return await call(tool, **(told | more))


def do(name: str, /, **fields: Any) -> dict[str, Any]:
    """An operation."""
    return _filled(_BY_NAME[name], {"do": name, **fields})


def look(**fields: Any) -> dict[str, Any]:
    """How cells look."""
    return _filled(Look, fields)


def highlight(**fields: Any) -> dict[str, Any]:
    """What a conditional format does."""
    return _filled(Highlight, fields)


def series(**fields: Any) -> dict[str, Any]:
    """Of a chart."""
    return _filled(Series, fields)


def axis(**fields: Any) -> dict[str, Any]:
    """Of a chart."""
    return _filled(Axis, fields)


def key(column: str, *, descending: bool = False) -> dict[str, Any]:
    """To sort by."""
    return _filled(Key, {"column": column, "descending": descending})


def measure(field: str, function: str = "sum", **fields: Any) -> dict[str, Any]:
    """Of a pivot table."""
    return _filled(Measure, {"field": field, "function": function, **fields})


def csv_column(column: str, type: str, format: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Of a CSV file."""
    return _filled(CsvColumn, {"column": column, "type": type, "format": format})


def _filled(model: type[Part], fields: dict[str, Any]) -> dict[str, Any]:
    assert not (wrong := fields.keys() - model.model_fields.keys()), wrong
    return dict.fromkeys(model.model_fields) | fields
