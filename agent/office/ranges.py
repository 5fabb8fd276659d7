"""Cells of a workbook or a CSV that another document takes over."""

from __future__ import annotations

from pydantic import Field

from agent.tools.strict import Part


class CellRange(Part):
    """Values of a workbook or CSV file."""

    workbook: str
    sheet: str | None
    cells: str | None = Field(description='"A1:D9"; null: all')
