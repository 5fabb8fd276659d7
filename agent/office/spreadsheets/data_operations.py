"""What can be done to tables of data in a workbook: arguments of the tool `spreadsheet`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent.office.spreadsheets.looks import Address, Cells, Key, Measure
from agent.tools.strict import Part


class Sort(Part):
    """Looks and formulas go with the rows."""

    do: Literal["sort"]
    sheet: str
    cells: Cells
    keys: list[Key]
    header: bool


class RemoveDuplicates(Part):
    """Rows that are the same as an earlier one go; those below move up."""

    do: Literal["remove_duplicates"]
    sheet: str
    cells: Cells
    columns: list[str] | None = Field(description="Letters or headers that count.")
    header: bool
    loose: bool | None = Field(description="Capitals and outer spaces do not count.")


class Replace(Part):
    """In one range, sheet, or all."""

    do: Literal["replace"]
    sheet: str | None
    cells: Cells | None
    find: str
    by: str
    regex: bool | None
    whole: bool | None = Field(description="Whole cells only.")
    match_case: bool | None
    formulas: bool | None = Field(description="In formulas too.")


class SplitColumn(Part):
    """Into the columns to the right, which must be empty."""

    do: Literal["split_column"]
    sheet: str
    cells: Cells
    delimiter: str | None
    pattern: str | None = Field(description="Instead: a regex whose groups are the parts.")
    header: bool
    names: list[str] | None


class Clean(Part):
    """Mend texts, and make values of them. What cannot be read stays and is told."""

    do: Literal["clean"]
    sheet: str
    cells: Cells
    header: bool
    trim: bool | None = Field(description="Needless and invisible spaces.")
    case: Literal["upper", "lower", "title"] | None
    parse: Literal["date", "number", "currency", "percent", "boolean", "text"] | None
    order: Literal["dmy", "mdy", "ymd"] | None = Field(description="Of dates like 03/04/2025.")
    decimal: Literal[".", ","] | None
    number_format: str | None
    currency_to: str | None = Field(description='Letter of a column for codes like "EUR".')
    missing: list[str] | None = Field(description='Texts to empty: "n/a", "-".')


class Pivot(Part):
    """Rows, columns, filters: headers."""

    do: Literal["pivot"]
    sheet: str
    at: Address
    source: str = Field(description='"Data!A1:F500" with headers, or a table.')
    rows: list[str]
    columns: list[str] | None
    values: list[Measure]
    filters: list[str] | None
    name: str | None
