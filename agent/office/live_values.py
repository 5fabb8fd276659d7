"""Values of cells as `vm/uno_worker` takes them."""

from __future__ import annotations

from typing import Any

from agent.errors import ToolFault
from agent.office.spreadsheets.values import Content


def typed_rows(rows: list[list[Any]], types: list[str] | None) -> list[list[Any]]:
    """Cells of `set_cells` as the worker writes them.

    Raises:
        ToolFault: there are none, or a value is none of its type.
    """
    from agent.office.spreadsheets.typed import typed

    if not any(rows):
        raise ToolFault("rows has no cells. Nothing was changed.")
    kinds = types or ["auto"]
    if len(kinds) > 1 and len(kinds) < max(map(len, rows)):
        raise ToolFault(f"types has {len(kinds)} entries for {max(map(len, rows))} columns. Nothing was changed.")
    return [[cell(typed(value, kinds[at if len(kinds) > 1 else 0])) for at, value in enumerate(row)] for row in rows]


def cell(content: Content) -> Any:
    """One value: null, a number, a text, or ["f", formula], ["n", number, format], ["b", true]."""
    if content.kind == "empty":
        return None
    if content.kind == "formula":
        return ["f", content.value]
    if content.kind == "error":
        return ["f", f"={content.value}"]
    if content.kind == "boolean":
        return ["b", content.value]
    return ["n", content.value, content.format] if content.kind == "number" and content.format else content.value
