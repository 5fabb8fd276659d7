"""Rows of a sheet read bit by bit: a workbook of a million cells needs little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.office.package import Package, damaged
from agent.office.spreadsheets.cells import column_number
from agent.office.spreadsheets.formulas import for_people
from agent.office.spreadsheets.strings import Strings, broken, forget
from agent.office.spreadsheets.values import Kind, text_in
from agent.office.xml import Element, etree, local

_DIGITS: Final = "0123456789"


class Seen(NamedTuple):
    """A cell as a file has it.

    Attributes:
        kind: of the value; of a formula that of its last result.
        value: a number as it is written, text, "1" or "0", or an error's name; "" of nothing.
        formula: as people write it; "" of none, "=" of one that is shared with another cell.
        style: number of its look.
    """

    column: int
    kind: Kind
    value: str
    formula: str
    style: int


def rows_of_sheet(
    package: Package, part: str, strings: Strings, last: int = 1 << 30, first: int = 1
) -> Iterator[tuple[int, list[Seen]]]:
    """The rows of a sheet that hold something, `first` to `last`. Raises ToolFault while it is read."""
    number = 0
    try:
        with package.stream(part) as file:
            events = etree.iterparse(file, tag="{*}row", resolve_entities=False, no_network=True, huge_tree=True)
            for _, row in events:
                number = int(row.get("r") or number + 1)
                if number > last:
                    return
                if number >= first:
                    yield number, _cells(row, strings)
                forget(row)
    except etree.XMLSyntaxError as error:
        raise broken(package.name, error) from None
    except OSError as error:
        raise damaged(package.name, error) or error from None


def _cells(row: Element, strings: Strings) -> list[Seen]:
    found: list[Seen] = []
    last = 0
    for cell in row:
        address = cell.get("r")
        last = column_number(address.rstrip(_DIGITS)) if address else last + 1
        found.append(_cell(cell, last, strings))
    return found


def _cell(cell: Element, column: int, strings: Strings) -> Seen:
    value, formula, inline = "", "", None
    for child in cell:
        name = local(child)
        if name == "v":
            value = child.text or ""
        elif name == "f":
            formula = for_people(child.text) if child.text else "="
        elif name == "is":
            inline = child
    kind, value = _typed(cell.get("t") or "n", value, inline, strings)
    return Seen(column, kind, value, formula, int(cell.get("s") or 0))


def _typed(told: str, raw: str, inline: Element | None, strings: Strings) -> tuple[Kind, str]:
    if told == "inlineStr":
        return "text", text_in(inline)
    if not raw and told != "str":
        return "empty", ""
    if told == "s":
        return "text", strings[int(raw)] if raw.strip().isdigit() else ""
    if told == "b":
        return "boolean", raw.strip()
    if told == "e":
        return "error", raw
    return ("text", raw) if told in ("str", "d") else ("number", raw)
