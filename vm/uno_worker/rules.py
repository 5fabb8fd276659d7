"""What may be entered into cells of an open workbook, and how they look by what is in them; `book` is a `calc.Calc`."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from .link import Fault, colour, constant, enum, values

Operation = dict[str, Any]
KINDS = {
    "list": "LIST", "whole": "WHOLE", "decimal": "DECIMAL", "date": "DATE", "time": "TIME",
    "text_length": "TEXT_LEN", "formula": "CUSTOM",
}  # fmt: skip
COMPARED = {
    "between": "BETWEEN", "not_between": "NOT_BETWEEN", "equal": "EQUAL", "not_equal": "NOT_EQUAL",
    "greater": "GREATER", "less": "LESS", "greater_or_equal": "GREATER_EQUAL", "less_or_equal": "LESS_EQUAL",
}  # fmt: skip
JUDGED = {
    "duplicates": "DUPLICATE", "top": "TOP_N_ELEMENTS", "bottom": "BOTTOM_N_ELEMENTS",
    "above_average": "ABOVE_AVERAGE", "below_average": "BELOW_AVERAGE", "contains": "CONTAINS", "formula": "EXPRESSION",
}  # fmt: skip
LONGEST = 255


def validate(book: Any, operation: Operation) -> str:
    """What may be entered."""
    area, kind = book.changing(operation), operation["kind"]
    first = area.getCellByPosition(0, 0)
    rule = area.Validation
    rule.Type = enum("sheet.ValidationType", KINDS[kind])
    compared = operation["operator"] or "between" if kind not in ("list", "formula") else "equal"
    if compared in ("between", "not_between") and operation["second"] is None:
        raise Fault("between needs `first` and `second`")
    rule.setOperator(enum("sheet.ConditionOperator", COMPARED[compared]))
    rule.setSourcePosition(first.getCellAddress())
    rule.setFormula1(_limit(book, first, operation["first"], kind))
    if operation["second"] is not None:
        rule.setFormula2(_limit(book, first, operation["second"], kind))
    rule.IgnoreBlankCells, rule.ShowList = True, 1
    style = "WARNING" if operation["strict"] is False else "STOP"
    rule.ErrorAlertStyle = enum("sheet.ValidationAlertStyle", style)
    rule.ShowErrorMessage, rule.ErrorMessage = True, (operation["error"] or "")[:LONGEST]
    rule.ShowInputMessage, rule.InputMessage = True, (operation["prompt"] or "")[:LONGEST]
    area.Validation = rule
    more = f" to {operation['second']}" if operation["second"] else ""
    return f"{operation['sheet']}!{operation['cells']}: only {kind} {operation['first']}{more}"


def _limit(book: Any, cell: Any, text: str, kind: str) -> str:
    if text.startswith("=") or kind == "formula":
        return str(book.plain_formula(cell, text)).removeprefix("=")
    if kind == "list":
        return ";".join('"' + one.strip().replace('"', '""') + '"' for one in text.split(","))
    if kind == "date":
        try:
            day = datetime.date.fromisoformat(text.strip())
        except ValueError:
            raise Fault(f"{text!r} is no date; write it as 2025-12-31") from None
        base = book.document.NullDate
        return str((day - datetime.date(base.Year, base.Month, base.Day)).days)
    return text.strip() if kind == "time" else _number(text)


def _number(text: str) -> str:
    try:
        return f"{float(text):.15g}"
    except ValueError:
        raise Fault(f"{text!r} is no number") from None


def conditional_format(book: Any, operation: Operation) -> str:
    """A conditional format on cells that have none."""
    area, kind = book.changing(operation), operation["kind"]
    if operation["highlight"] is None:
        raise Fault("a conditional format of this kind needs `highlight`")
    if any(_meets(one, area) for one in _formats(area)):
        raise Fault(
            "there is a conditional format on some of these cells; take it away first (clear conditional_formats), or "
            "add this one on the screen"
        )
    first, style = area.getCellByPosition(0, 0), _style(book, operation["highlight"])
    held = area.ConditionalFormat  # the old way to make one, which alone can be taken back
    always = enum("sheet.ConditionOperator", "FORMULA")
    held.addNew(values(Operator=always, Formula1="FALSE()", StyleName=style))
    area.ConditionalFormat = held
    entry = next(one for one in _formats(area) if _meets(one, area)).getByIndex(0)
    entry.Operator = constant(f"sheet.ConditionFormatOperator.{COMPARED.get(kind) or JUDGED[kind]}")
    entry.Formula1 = _operand(book, first, operation, "first")
    if kind in ("between", "not_between"):
        entry.Formula2 = _operand(book, first, operation, "second")
    entry.StyleName = style
    return f"{operation['sheet']}!{operation['cells']}: {kind} {operation['first'] or ''}".rstrip()


def _operand(book: Any, cell: Any, operation: Operation, field: str) -> str:
    text, kind = operation[field], operation["kind"]
    if kind in ("duplicates", "above_average", "below_average"):
        return ""
    if kind in ("top", "bottom"):
        return _number(text or "10")
    if text is None:
        raise Fault("a conditional format of this kind needs `first`, and between `second` too")
    if text.startswith("=") or kind == "formula":
        return str(book.plain_formula(cell, text)).removeprefix("=")
    try:
        return _number(text) if kind != "contains" else _quoted(text)
    except Fault:
        return _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _style(book: Any, look: Operation) -> str:
    """The cell style of a highlight, made where there is none."""
    styles = book.document.StyleFamilies.getByName("CellStyles")
    parts = [f"{name} {value}" for name, value in look.items() if value is not None]
    name = f"Highlight {', '.join(parts)}"
    if not styles.hasByName(name):
        made = book.document.createInstance("com.sun.star.style.CellStyle")
        styles.insertByName(name, made)
        made.setParentStyle("Default")
        if look["bold"] is not None:
            made.CharWeight = 150.0 if look["bold"] else 100.0
        if look["colour"] is not None:
            made.CharColor = colour(look["colour"])
        if look["fill"] is not None:
            made.CellBackColor = colour(look["fill"])
    return name


def _formats(area: Any) -> Any:
    return area.getSpreadsheet().ConditionalFormats.getConditionalFormats()


def _meets(held: Any, area: Any) -> bool:
    return bool(held.Range.queryIntersection(area.getRangeAddress()).getCount())


def clear_rules(area: Any, what: str) -> None:
    """Take validation or conditional formats away from cells."""
    if what == "validation":
        area.setPropertyToDefault("Validation")
    else:
        held = area.ConditionalFormat
        held.clear()
        area.ConditionalFormat = held


KNOWN: dict[str, Callable[[Any, Operation], str]] = {"validate": validate, "conditional_format": conditional_format}
