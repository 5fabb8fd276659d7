"""Cells of a workbook or a CSV that another document takes over."""

from __future__ import annotations

from pydantic import Field

from agent.tools.strict import Part


class CellRange(Part):
    """Cells of a workbook or CSV file, as their values stand now."""

    workbook: str = Field(description="Path of the .xlsx, .xlsm, .xls, .ods or .csv file.")
    sheet: str | None = Field(description="null: the first one.")
    cells: str | None = Field(description='Like "A1:D9"; null: all that is used.')
