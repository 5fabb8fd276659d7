"""What the model writes into cells, by the type it names."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from math import isfinite

from agent.errors import ToolFault
from agent.office.spreadsheets.operations import Value
from agent.office.spreadsheets.parsing import money_format, read_boolean, read_money, read_number, read_percent
from agent.office.spreadsheets.values import (
    DATE,
    DATETIME,
    EMPTY,
    ERRORS,
    TIME,
    Content,
    serial_of,
    text_content,
)  # fmt: skip


def typed(value: Value, kind: str, *, from_1904: bool = False) -> Content:
    """A value of a type.

    Raises:
        ToolFault: it is none of that type.
    """
    if value is None or value == "":
        return EMPTY
    if isinstance(value, float) and not isfinite(value):
        raise ToolFault(f"{value} is no number that a cell can hold. Nothing was changed.")
    if kind == "auto":
        return _auto(value)
    if kind == "text":
        return text_content(_as_text(value))
    found = _of_kind(value, kind, from_1904)
    if found is None:
        raise ToolFault(
            f"{value!r} is no {kind}. Nothing was changed. Write it otherwise, or give its column another type."
        )
    return found


def _auto(value: Value) -> Content:
    if isinstance(value, bool):
        return Content("boolean", value)
    if isinstance(value, int | float):
        return Content("number", value)
    text = str(value)
    return Content("formula", text) if text.startswith("=") and len(text) > 1 else text_content(text)


def _as_text(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _of_kind(value: Value, kind: str, from_1904: bool) -> Content | None:
    if kind in ("date", "datetime", "time"):
        return _moment(value, kind, from_1904)
    if kind == "boolean":
        found = value if isinstance(value, bool) else read_boolean(str(value))
        return None if found is None else Content("boolean", found)
    if kind == "formula":
        return Content("formula", str(value)) if str(value).strip("= ") else None
    if kind == "error":
        return Content("error", value) if value in ERRORS else None
    return _amount(value, kind)


def _amount(value: Value, kind: str) -> Content | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Content("number", value, {"percent": "0.00%", "currency": "#,##0.00"}.get(kind, ""))
    text = str(value)
    if kind == "currency":
        money = read_money(text, None)
        return None if money is None else Content("number", money.amount, money_format(money.currency))
    if kind == "percent":
        found = read_percent(text)
        places = len(text.strip("% ").partition(".")[2])
        return None if found is None else Content("number", found, f"0.{'0' * places}%" if places else "0%")
    found = read_number(text)
    return None if found is None else Content("number", found)


def _moment(value: Value, kind: str, from_1904: bool) -> Content | None:
    form = {"date": DATE, "datetime": DATETIME, "time": TIME}[kind]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Content("number", value, form)
    text = str(value).strip()
    try:
        if kind == "time":
            whole = text if re.match(r"\d{2}:", text) else f"0{text}"
            return Content("number", serial_of(time.fromisoformat(whole)), form)
        moment = datetime.fromisoformat(text) if kind == "datetime" else date.fromisoformat(text[:10])
        if kind == "date" and len(text) > 10 and not re.fullmatch(r"[T ]00:00(:00)?", text[10:]):
            return None
    except ValueError:
        return None
    return Content("number", serial_of(moment, from_1904=from_1904), form)
