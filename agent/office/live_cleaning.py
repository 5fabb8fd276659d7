"""Texts of an open workbook that are to be mended: read as `spreadsheets/cleaning.py` reads those of a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.live_values import cell
from agent.office.spreadsheets.cleaning import Reading
from agent.office.spreadsheets.operations import Clean
from agent.office.spreadsheets.values import DATE, DATETIME, text_content

_MOST_TOLD: Final = 12
Texts = Callable[[dict[str, Any]], Awaitable[list[list[str]]]]


async def cleaned(operation: Clean, texts: Texts) -> list[dict[str, Any]]:
    """What the worker puts in the place of each text, column by column: see `vm/uno_worker/mending.py`.

    Args:
        texts: asks for the texts of cells, column by column.

    Raises:
        ToolFault: it is asked for what only one column at a time can have.
    """
    asked = {"sheet": operation.sheet, "cells": operation.cells, "header": operation.header}
    columns = await texts(asked)
    if operation.currency_to and len(columns) > 1:
        raise ToolFault("currency_to is for one column at a time. Nothing was changed.")
    return [_column(operation, column) for column in columns]


def _column(operation: Clean, texts: Sequence[str]) -> dict[str, Any]:
    reading = Reading(operation, list(texts))
    values: dict[str, Any] = {}
    currencies: dict[str, str] = {}
    left: list[str] = []
    for text in dict.fromkeys(texts):
        new = reading.content(text)
        if new is None:
            left.append(text)
            new = text_content(reading.mended(text))
        values[text] = cell(new)
        if reading.currency:
            currencies[text] = reading.currency
    return {
        "values": values,
        "currencies": currencies,
        "how": reading.how + _rest(left),
        "format": _format(operation, values),
    }


def _rest(left: list[str]) -> str:
    if not left:
        return ""
    some = ", ".join(repr(text[:40]) for text in left[:_MOST_TOLD])
    return f"; {len(left)} kinds of text left as they are: {some}{' …' if len(left) > _MOST_TOLD else ''}"


def _format(operation: Clean, values: dict[str, Any]) -> str:
    """Of the numbers of a column; "" to leave it."""
    if operation.parse in (None, "text", "boolean"):
        return ""
    if operation.number_format is not None:
        return operation.number_format
    if operation.parse == "date":
        timed = any(isinstance(value, list) and DATETIME in value for value in values.values())
        return DATETIME if timed else DATE
    return "0.00%" if operation.parse == "percent" else "#,##0.00"
