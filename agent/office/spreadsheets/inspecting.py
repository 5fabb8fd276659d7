"""Workbooks and CSV files as compact text with addresses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from agent.office.formats import Kind
from agent.office.package import Package
from agent.office.spreadsheets.book import is_strict
from agent.tools.base import Room
from agent.tools.office import office_of

if TYPE_CHECKING:
    from agent.office.spreadsheets.views import View


async def inspect(room: Room, path: Path, kind: Kind, part: str | None, detail: str | None) -> str:
    """What is in a workbook or a part of it.

    Args:
        part: a sheet, a range, a table or a name; None for the overview.
        detail: "values", "formulas" or "styles".

    Raises:
        ToolFault: it cannot be read, or there is no such part.
    """
    name = room.folder.name(path)
    if kind == "csv":
        from agent.office.spreadsheets.csv_view import view_csv

        return await anyio.to_thread.run_sync(view_csv, path, name, part, abandon_on_cancel=True)
    plain = kind in ("xlsx", "xlsm", "xltx", "xltm")
    if plain and not await anyio.to_thread.run_sync(is_strict, path, name):
        return await anyio.to_thread.run_sync(_read, path, name, part, detail, abandon_on_cancel=True)
    place = office_of(room).place()
    try:
        work = place / "converted.xlsx"
        await office_of(room).convert(path, work)
        told = await anyio.to_thread.run_sync(_read, work, name, part, detail)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return f"({'Strict Open XML' if plain else f'.{kind}'}, read by way of LibreOffice)\n{told}"


def _read(path: Path, name: str, part: str | None, detail: str | None) -> str:
    from agent.office.spreadsheets.book import Book
    from agent.office.spreadsheets.editing import ODD, unexpected
    from agent.office.spreadsheets.views import View

    with Package.open(path, name) as package:
        try:
            view: View = View(Book(package), name)
            return view.part(part, detail) if part else view.overview()
        except ODD as error:
            raise unexpected(error) from error
