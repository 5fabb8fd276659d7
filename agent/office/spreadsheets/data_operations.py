"""What can be done to tables of data in a workbook: arguments of the tool `spreadsheet`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent.office.spreadsheets.looks import Address, Cells, Key, Measure
from agent.tools.strict import Part


class Sort(Part):
    """Sort rows. Looks and formulas go with them."""

    do: Literal["sort"]
    sheet: str
    cells: Cells
    keys: list[Key]
    header: bool = Field(description="Whether the first row is one.")


class RemoveDuplicates(Part):
    """Remove rows that are the same as an earlier one; the rows below move up within the range."""

    do: Literal["remove_duplicates"]
    sheet: str
    cells: Cells
    columns: list[str] | None = Field(description="Letters or headers that count; null: all.")
    header: bool
    loose: bool | None = Field(description="True: capitals and spaces at the ends do not count.")


class Replace(Part):
    """Find and replace in texts and formulas."""

    do: Literal["replace"]
    sheet: str | None = Field(description="null: all sheets.")
    cells: Cells | None
    find: str
    by: str
    regex: bool | None
    whole: bool | None = Field(description="True: only cells that are nothing else.")
    match_case: bool | None
    formulas: bool | None = Field(description="True: in formulas too.")


class SplitColumn(Part):
    """Put the parts of texts into the columns to the right, which must be empty."""

    do: Literal["split_column"]
    sheet: str
    cells: Cells = Field(description="Of one column.")
    delimiter: str | None
    pattern: str | None = Field(description="A regular expression whose groups are the parts, instead.")
    header: bool
    names: list[str] | None = Field(description="Headers of the parts.")


class Clean(Part):
    """Mend texts, and make dates, numbers and sums of money of them. What cannot be read stays as it is and is told."""

    do: Literal["clean"]
    sheet: str
    cells: Cells
    header: bool = Field(description="Whether to leave out the first row.")
    trim: bool | None = Field(description="Spaces at the ends, several in between, invisible characters.")
    case: Literal["upper", "lower", "title"] | None
    parse: Literal["date", "number", "currency", "percent", "boolean", "text"] | None
    order: Literal["dmy", "mdy", "ymd"] | None = Field(
        description="Of dates like 03/04/2025; null: told by the others."
    )
    decimal: Literal[".", ","] | None = Field(description="null: told by the values.")
    number_format: str | None = Field(description='Of the result; null: "yyyy-mm-dd", "#,##0.00" and so on.')
    currency_to: str | None = Field(description='Of currency: letter of a column that gets its code, like "EUR".')
    missing: list[str] | None = Field(description='Texts that mean nothing, and are emptied: "n/a", "-".')


class Pivot(Part):
    """A pivot table, with its values worked out."""

    do: Literal["pivot"]
    sheet: str
    at: Address
    source: str = Field(description='Range with headers ("Data!A1:F500"), or a table.')
    rows: list[str] = Field(description="Headers.")
    columns: list[str] | None
    values: list[Measure]
    filters: list[str] | None
    name: str | None
