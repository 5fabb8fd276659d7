"""Operations of the document tools as requests for an open document: what `vm/uno_worker` is told to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.live_cleaning import Texts, cleaned
from agent.office.live_values import typed_rows
from agent.office.ranges import CellRange
from agent.office.spreadsheets.data_operations import Clean
from agent.tools.base import Room
from agent.tools.strict import Part

SPREADSHEET: Final = frozenset({
    "add_sheet", "copy_sheet", "change_sheet", "delete_sheet", "set_cells", "set_formula", "copy_cells", "move_cells",
    "clear", "insert", "delete", "merge", "format", "size", "view", "filter", "name", "comment", "add_chart",
    "add_picture", "delete_object", "sort", "remove_duplicates", "replace", "protect", "set_properties", "validate",
    "conditional_format", "add_table", "change_table", "clean", "split_column",
})  # fmt: skip
DOCUMENT: Final = frozenset({
    "insert_paragraphs", "insert_heading", "insert_list", "insert_table", "insert_picture", "insert_break",
    "replace_paragraph", "delete_blocks", "replace_text", "format_paragraphs", "set_cells", "delete_rows", "comment",
    "set_properties", "update_fields", "insert_contents", "insert_footnote", "insert_bookmark",
})  # fmt: skip
SLIDES: Final = frozenset({
    "add_slide", "delete_slides", "move_slide", "duplicate_slide", "set_slide", "set_text", "add_text", "add_picture",
    "add_table", "set_cells", "add_shape", "set_shape", "delete_shape", "set_notes", "replace_text", "set_properties",
})  # fmt: skip
KNOWN: Final = {"spreadsheet": SPREADSHEET, "document": DOCUMENT, "slides": SLIDES}
UNTOLD: Final = {  # arguments that an open document has no counterpart for
    ("spreadsheet", "comment"): ("author",),
    ("spreadsheet", "add_chart"): ("second_axis",),
    ("spreadsheet", "add_table"): ("style",),
    ("spreadsheet", "change_table"): ("style",),
    ("document", "insert_table"): ("style", "widths", "caption"),
    ("document", "insert_picture"): ("caption",),
}
SCALES: Final = ("colour_scale", "data_bar", "icons")
_MARKUP = re.compile(r"\*\*?[^*\s][^*]*\*\*?|\[[^\]]+\]\([^)]+\)")


def family_of(operation: Part) -> str:
    """ "spreadsheet", "document" or "slides": whose operation it is."""
    module = type(operation).__module__
    return "spreadsheet" if ".spreadsheets." in module else "slides" if ".slides." in module else "document"


def check(operations: Sequence[Part], family: str, name: str) -> None:
    """Before anything is done.

    Raises:
        ToolFault: one of the operations cannot be done while the document is open; the cure.
    """
    for number, operation in enumerate(operations, 1):
        told: dict[str, Any] = operation.model_dump()
        if family_of(operation) != family:
            raise ToolFault(f"{name} is open in LibreOffice as a {family}, which this tool does not edit.")
        if why := _why_not(family, told):
            raise ToolFault(
                f"{name} is open in LibreOffice, where operation {number} ({why}) cannot be done. Nothing was changed. "
                "Save and close it there first (Ctrl+S, Ctrl+W), do it here, and open it again; or do it on the screen."
            )


def _why_not(family: str, told: dict[str, Any]) -> str:
    do = str(told["do"])
    if do not in KNOWN[family]:
        return do
    for field in UNTOLD.get((family, do), ()):
        if told[field] is not None:
            return f"{do} with {field}"
    if do == "clear" and told["what"] == "links":
        return "clear links"
    if do == "conditional_format" and told["kind"] in SCALES:
        return f"{do} of kind {told['kind']}"
    if told.get("markup") and any(_MARKUP.search(text) for text in _texts(told)):
        return f"{do} with markup"
    return ""


def _texts(told: dict[str, Any]) -> list[str]:
    return [*told.get("items", ()), *(one["text"] for one in told.get("paragraphs", ()))]


async def requests(room: Room, operations: Sequence[Part], texts: Texts) -> list[dict[str, Any]]:
    """The operations as the worker takes them: files by their places, cells by their values.

    Args:
        texts: asks for the texts of cells of an open workbook, column by column.

    Raises:
        ToolFault: a file that they name is not there, or a value is none of its type.
    """
    return [await _request(room, operation, texts) for operation in operations]


async def _request(room: Room, operation: Part, texts: Texts) -> dict[str, Any]:
    told: dict[str, Any] = operation.model_dump()
    for field in ("picture", "file"):
        if isinstance(told.get(field), str):
            told[field] = str(room.folder.resolve(told[field], there=True))
    if isinstance(cells := getattr(operation, "cells", None), CellRange):
        told["rows"] = await _rows(room, cells)
    if told["do"] in ("insert_table", "add_table") and "rows" in told and not any(told["rows"] or ()):
        raise ToolFault(f"{told['do']} needs rows or cells. Nothing was changed.")
    if family_of(operation) == "spreadsheet" and told["do"] == "set_cells":
        told["rows"] = typed_rows(told["rows"], told["types"])
    if isinstance(operation, Clean):
        told["columns"] = await cleaned(operation, texts)
    return told


async def _rows(room: Room, cells: CellRange) -> list[list[str]]:
    from agent.office.grids import read_grid
    from agent.tools.office import office_of

    path = room.folder.resolve(cells.workbook, there=True)
    grid = await read_grid(office_of(room), path, room.folder.name(path), cells)
    return [list(row) for row in grid.texts]


async def same_blocks(snapshot: Path, blocks: Sequence[dict[str, Any]], name: str) -> None:
    """Whether numbers of blocks mean the same in the open document as in what `inspect` showed of it.

    Raises:
        ToolFault: they do not.
    """
    found = await anyio.to_thread.run_sync(_blocks_of, snapshot)
    if [one["table"] for one in blocks] != found:
        raise ToolFault(
            f"The blocks of {name} cannot be told apart while it is open (it has {len(blocks)} there, {len(found)} in "
            "the file). Nothing was changed. Name places by their words, or save and close it there first."
        )


def _blocks_of(snapshot: Path) -> list[bool]:
    """Of a .docx: whether each block, as `inspect` numbers them, is a table."""
    import docx

    from agent.office.documents.draft import blocks_of

    document: Any = docx.Document(str(snapshot))
    body: Any = document.element.body
    return [str(block.tag).endswith("}tbl") for block in blocks_of(body)]


def by_number(operations: Sequence[Part]) -> bool:
    """Whether operations on a text document name blocks by their numbers."""
    return any(_numbered(operation.model_dump()) for operation in operations)


def _numbered(told: dict[str, Any]) -> bool:
    at: Any = told.get("at")
    return told.get("block") is not None or "first" in told or (at is not None and at["block"] is not None)
