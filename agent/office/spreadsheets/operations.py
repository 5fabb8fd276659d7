"""What can be done to a workbook: the arguments of the tool `spreadsheet`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.spreadsheets.data_operations import Clean, Pivot, RemoveDuplicates, Replace, Sort, SplitColumn
from agent.office.spreadsheets.looks import Address, Axis, Cells, CsvColumn, Highlight, Look, Series, Type
from agent.tools.strict import Part

Value: TypeAlias = str | float | bool | None


class AddSheet(Part):
    """Add a sheet."""

    do: Literal["add_sheet"]
    name: str
    position: int | None


class CopySheet(Part):
    """A copy, with its charts and pictures."""

    do: Literal["copy_sheet"]
    sheet: str
    name: str
    position: int | None


class ChangeSheet(Part):
    """References follow a new name."""

    do: Literal["change_sheet"]
    sheet: str
    name: str | None
    position: int | None
    visible: bool | None
    colour: str | None = Field(description='Of the tab; "none".')
    active: bool | None = Field(description="Seen first.")


class DeleteSheet(Part):
    """Delete a sheet."""

    do: Literal["delete_sheet"]
    sheet: str


class SetCells(Part):
    """A block of cells, one list a row. null empties a cell."""

    do: Literal["set_cells"]
    sheet: str
    at: Address
    rows: list[list[Value]]
    types: list[Type] | None = Field(description="One a column, or one for all; null: auto.")


class SetFormula(Part):
    """Written for the first cell and filled into the others."""

    do: Literal["set_formula"]
    sheet: str
    cells: Cells
    formula: str = Field(description='English names, commas: "=SUM(B2:B9)".')
    array: bool | None = Field(description="One array formula for all.")


class ImportCsv(Part):
    """A CSV or TSV file. Its texts stay texts, formulas too."""

    do: Literal["import_csv"]
    sheet: str
    at: Address
    file: str
    columns: list[CsvColumn] | None = Field(description="Others stay text.")
    find_types: bool | None = Field(description="Others get the type that all their values have.")
    delimiter: str | None
    encoding: str | None


class CopyCells(Part):
    """Formulas follow. A larger target is filled with copies."""

    do: Literal["copy_cells"]
    sheet: str
    cells: Cells
    to_sheet: str | None
    to: Cells
    what: Literal["all", "values", "formulas", "formats"]


class MoveCells(Part):
    """As cut and paste does: references to them follow. Whole rows or columns go in before `to` ("9", "D")."""

    do: Literal["move_cells"]
    sheet: str
    cells: Cells
    to: str


class Clear(Part):
    """Clear."""

    do: Literal["clear"]
    sheet: str
    cells: Cells
    what: Literal["contents", "formats", "all", "comments", "links", "validation", "conditional_formats"]


class Insert(Part):
    """Empty rows, columns, or cells, before those that are there."""

    do: Literal["insert"]
    sheet: str
    cells: Cells
    push: Literal["down", "right"] | None = Field(description="For cells.")


class Delete(Part):
    """Rows, columns, or cells whose place others take."""

    do: Literal["delete"]
    sheet: str
    cells: Cells
    pull: Literal["up", "left"] | None = Field(description="For cells.")


class Merge(Part):
    """One cell of a range; only the first value stays."""

    do: Literal["merge"]
    sheet: str
    cells: Cells
    undo: bool | None


class Format(Part):
    """Format."""

    do: Literal["format"]
    sheet: str
    cells: Cells
    look: Look


class Size(Part):
    """Of whole columns or rows."""

    do: Literal["size"]
    sheet: str
    cells: Cells
    size: float | None = Field(description="Columns: characters; rows: points.")
    fit: bool | None = Field(description="To the contents.")
    hidden: bool | None
    group: int | None = Field(description="Level, 0 to 7.")


class View(Part):
    """View."""

    do: Literal["view"]
    sheet: str
    freeze: str | None = Field(description='First cell that scrolls: "A2" keeps row 1; "none".')
    zoom: int | None
    gridlines: bool | None


class Filter(Part):
    """Filter buttons on a range with headers."""

    do: Literal["filter"]
    sheet: str
    cells: Cells | None = Field(description="null: take them away.")


class PageSetup(Part):
    """Page setup."""

    do: Literal["page_setup"]
    sheet: str
    landscape: bool | None
    paper: Literal["A3", "A4", "A5", "letter", "legal"] | None
    fit_wide: int | None = Field(description="Pages; 0: any number.")
    fit_high: int | None
    print_area: Cells | None
    repeat_rows: str | None = Field(description='"1:2"')
    repeat_columns: str | None
    header: str | None = Field(description="&P page, &N pages, &A sheet, &D date.")
    footer: str | None
    margins: float | None = Field(description="Centimetres.")


class AddTable(Part):
    """Make a range with headers a table."""

    do: Literal["add_table"]
    sheet: str
    cells: Cells
    name: str
    style: str | None = Field(description='"TableStyleMedium2"')
    totals: list[Literal["none", "label", "sum", "average", "count", "max", "min"]] | None = Field(
        description="A row below, one a column."
    )


class ChangeTable(Part):
    """Change a table."""

    do: Literal["change_table"]
    table: str
    name: str | None
    cells: Cells | None
    style: str | None
    remove: bool | None = Field(description="Plain cells again.")


class Validate(Part):
    """What may be entered."""

    do: Literal["validate"]
    sheet: str
    cells: Cells
    kind: Literal["list", "whole", "decimal", "date", "time", "text_length", "formula"]
    operator: Literal[
        "between", "not_between", "equal", "not_equal", "greater", "less", "greater_or_equal", "less_or_equal"
    ] | None  # fmt: skip
    first: str = Field(description='list: "Yes,No" or "=Lists!A2:A9"; else a value, or a formula "=…".')
    second: str | None
    prompt: str | None
    error: str | None
    strict: bool | None = Field(description="false: only warn.")


class Highlighting(Part):
    """A conditional format."""

    do: Literal["conditional_format"]
    sheet: str
    cells: Cells
    kind: Literal[
        "equal", "not_equal", "greater", "less", "greater_or_equal", "less_or_equal", "between", "contains",
        "duplicates", "top", "bottom", "above_average", "below_average", "formula", "colour_scale", "data_bar", "icons",
    ]  # fmt: skip
    first: str | None = Field(description="A value, or a formula for the first cell; of top, bottom how many.")
    second: str | None
    colours: list[str] | None = Field(description="Of a scale 2 or 3, of a data bar 1.")
    highlight: Highlight | None


class Name(Part):
    """A name for cells or a formula."""

    do: Literal["name"]
    name: str
    refers_to: str | None = Field(description='"=Data!$A$2:$A$9"; null deletes it.')
    sheet: str | None = Field(description="Where alone it counts.")


class Comment(Part):
    """A note on a cell."""

    do: Literal["comment"]
    sheet: str
    at: Address
    text: str | None = Field(description="null removes it.")
    author: str | None


class Link(Part):
    """The cell's value stays."""

    do: Literal["link"]
    sheet: str
    at: Address
    target: str = Field(description='Address, or a place: "#Data!A1".')


class AddChart(Part):
    """Add a chart."""

    do: Literal["add_chart"]
    sheet: str
    at: Address
    kind: Literal[
        "column", "stacked_column", "percent_column", "bar", "stacked_bar", "line", "area", "stacked_area", "pie",
        "doughnut", "scatter", "scatter_line", "bubble", "radar",
    ]  # fmt: skip
    title: str | None
    series: list[Series]
    x_axis: Axis | None
    y_axis: Axis | None
    second_axis: Axis | None
    legend: Literal["right", "bottom", "top", "left", "none"] | None
    labels: Literal["none", "value", "percent", "category"] | None
    width: float | None
    height: float | None


class ChangeChart(Part):
    """Change a chart."""

    do: Literal["change_chart"]
    sheet: str
    chart: str = Field(description='"Chart 1", or its title.')
    title: str | None
    series: list[Series] | None = Field(description="As many as there are.")
    at: Address | None


class AddPicture(Part):
    """Add a picture."""

    do: Literal["add_picture"]
    sheet: str
    at: Address
    file: str
    width: float | None
    height: float | None
    description: str | None


class DeleteObject(Part):
    """A chart, picture or shape."""

    do: Literal["delete_object"]
    sheet: str
    name: str


class Protect(Part):
    """Without a password."""

    do: Literal["protect"]
    sheet: str
    on: bool
    unlocked: list[str] | None = Field(description="Ranges.")


class SetProperties(Part):
    """Set properties."""

    do: Literal["set_properties"]
    title: str | None
    author: str | None
    subject: str | None


SpreadsheetOperation: TypeAlias = (
    AddSheet | CopySheet | ChangeSheet | DeleteSheet | SetCells | SetFormula | ImportCsv | CopyCells | MoveCells
    | Clear | Insert | Delete | Merge | Format | Size | View | Filter | PageSetup | AddTable | ChangeTable | Validate
    | Highlighting | Name | Comment | Link | AddChart | ChangeChart | AddPicture | DeleteObject | Sort
    | RemoveDuplicates | Replace | SplitColumn | Clean | Pivot | Protect | SetProperties
)  # fmt: skip


class SpreadsheetRequest(Part):
    """Arguments of `spreadsheet`."""

    path: str
    source: str | None = Field(description="For a new file: what it begins as.")
    operations: list[Annotated[SpreadsheetOperation, Field(discriminator="do")]]
    accept_loss: bool | None = Field(description="true only after you were told what is lost.")
