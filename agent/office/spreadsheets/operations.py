"""What can be done to a workbook: the arguments of the tool `spreadsheet`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.spreadsheets.data_operations import Clean, Pivot, RemoveDuplicates, Replace, Sort, SplitColumn
from agent.office.spreadsheets.looks import Address, Axis, Cells, CsvColumn, Highlight, Look, Series, Type
from agent.tools.strict import Part

Value: TypeAlias = str | float | bool | None


class AddSheet(Part):
    """A new, empty sheet."""

    do: Literal["add_sheet"]
    name: str
    position: int | None = Field(description="From 1; null: last.")


class CopySheet(Part):
    """A copy of a sheet, with its charts and pictures."""

    do: Literal["copy_sheet"]
    sheet: str
    name: str
    position: int | None = Field(description="From 1; null: right after the original.")


class ChangeSheet(Part):
    """Name, place and look of a sheet; null leaves it. References follow a new name."""

    do: Literal["change_sheet"]
    sheet: str
    name: str | None
    position: int | None = Field(description="From 1.")
    visible: bool | None
    colour: str | None = Field(description='Of the tab: "RRGGBB", "none".')
    active: bool | None = Field(description="True: the sheet that is seen first.")


class DeleteSheet(Part):
    """Remove a sheet and what is on it."""

    do: Literal["delete_sheet"]
    sheet: str


class SetCells(Part):
    """Write a block of cells, one list a row. null empties a cell."""

    do: Literal["set_cells"]
    sheet: str
    at: Address
    rows: list[list[Value]]
    types: list[Type] | None = Field(description="One a column, or one for all; null: auto.")


class SetFormula(Part):
    """A formula for a range, written for its first cell; relative references follow in the others, as filling does."""

    do: Literal["set_formula"]
    sheet: str
    cells: Cells
    formula: str = Field(description='English names, commas: "=SUM(B2:B9)".')
    array: bool | None = Field(description="True: one array formula for the whole range.")


class ImportCsv(Part):
    """Put a CSV or TSV file of the folder into a sheet. Its texts stay texts, formulas in it too."""

    do: Literal["import_csv"]
    sheet: str
    at: Address
    file: str
    columns: list[CsvColumn] | None = Field(description="Types; columns that are not named here stay text.")
    find_types: bool | None = Field(description="True: columns that are not named here get the type all values have.")
    delimiter: str | None = Field(description="null: found out.")
    encoding: str | None = Field(description="null: found out.")


class CopyCells(Part):
    """Copy cells with their looks; formulas follow. A target larger than the source is filled with copies of it."""

    do: Literal["copy_cells"]
    sheet: str
    cells: Cells
    to_sheet: str | None = Field(description="null: the same.")
    to: Cells
    what: Literal["all", "values", "formulas", "formats"]


class MoveCells(Part):
    """Move cells as cut and paste does: references to them follow. For whole rows or columns `to` is where they go in
    ("9" or "D"), and the others make room."""

    do: Literal["move_cells"]
    sheet: str
    cells: Cells
    to: str


class Clear(Part):
    """Empty cells, or take something away from them."""

    do: Literal["clear"]
    sheet: str
    cells: Cells
    what: Literal["contents", "formats", "all", "comments", "links", "validation", "conditional_formats"]


class Insert(Part):
    """Whole rows ("3:5") or columns ("B:C") before those that are there, or cells that push the others away."""

    do: Literal["insert"]
    sheet: str
    cells: Cells
    push: Literal["down", "right"] | None = Field(description="For cells only.")


class Delete(Part):
    """Whole rows ("3:5") or columns ("B:C"), or cells whose place others take."""

    do: Literal["delete"]
    sheet: str
    cells: Cells
    pull: Literal["up", "left"] | None = Field(description="For cells only.")


class Merge(Part):
    """Make one cell of a range; only the first value stays."""

    do: Literal["merge"]
    sheet: str
    cells: Cells
    undo: bool | None = Field(description="True: make many of it again.")


class Format(Part):
    """How cells look."""

    do: Literal["format"]
    sheet: str
    cells: Cells
    look: Look


class Size(Part):
    """Width, height, visibility and grouping of whole columns ("A:C") or rows ("2:9")."""

    do: Literal["size"]
    sheet: str
    cells: Cells
    size: float | None = Field(description="Columns: characters; rows: points.")
    fit: bool | None = Field(description="True: as wide as what is in it.")
    hidden: bool | None
    group: int | None = Field(description="Level of grouping, 0 to 7.")


class View(Part):
    """How a sheet is shown; null leaves it."""

    do: Literal["view"]
    sheet: str
    freeze: str | None = Field(description='The first cell that scrolls: "A2" keeps row 1; "none".')
    zoom: int | None
    gridlines: bool | None


class Filter(Part):
    """Buttons to filter by, on a range with headers."""

    do: Literal["filter"]
    sheet: str
    cells: Cells | None = Field(description="null: take them away.")


class PageSetup(Part):
    """How a sheet is printed; null leaves it."""

    do: Literal["page_setup"]
    sheet: str
    landscape: bool | None
    paper: Literal["A3", "A4", "A5", "letter", "legal"] | None
    fit_wide: int | None = Field(description="Pages across; 0: any number.")
    fit_high: int | None = Field(description="Pages down; 0: any number.")
    print_area: Cells | None
    repeat_rows: str | None = Field(description='On each page: "1:2".')
    repeat_columns: str | None
    header: str | None = Field(
        description='In the middle. "&P" is the page, "&N" how many, "&A" the sheet, "&D" the date.'
    )
    footer: str | None
    margins: float | None = Field(description="All four, in centimetres.")


class AddTable(Part):
    """Make a range with headers a table."""

    do: Literal["add_table"]
    sheet: str
    cells: Cells
    name: str
    style: str | None = Field(description='null: "TableStyleMedium2".')
    totals: list[Literal["none", "label", "sum", "average", "count", "max", "min"]] | None = Field(
        description="A row of totals below the range, one a column; null: none."
    )


class ChangeTable(Part):
    """Another name, range or style of a table; null leaves it."""

    do: Literal["change_table"]
    table: str
    name: str | None
    cells: Cells | None
    style: str | None
    remove: bool | None = Field(description="True: plain cells again.")


class Validate(Part):
    """What may be entered into cells."""

    do: Literal["validate"]
    sheet: str
    cells: Cells
    kind: Literal["list", "whole", "decimal", "date", "time", "text_length", "formula"]
    operator: Literal[
        "between", "not_between", "equal", "not_equal", "greater", "less", "greater_or_equal", "less_or_equal"
    ] | None  # fmt: skip
    first: str = Field(description='list: "Yes,No" or "=Lists!A2:A9"; dates as ISO texts; or a formula "=…".')
    second: str | None
    prompt: str | None
    error: str | None
    strict: bool | None = Field(description="False: only a warning.")


class Highlighting(Part):
    """A conditional format."""

    do: Literal["conditional_format"]
    sheet: str
    cells: Cells
    kind: Literal[
        "equal", "not_equal", "greater", "less", "greater_or_equal", "less_or_equal", "between", "contains",
        "duplicates", "top", "bottom", "above_average", "below_average", "formula", "colour_scale", "data_bar", "icons",
    ]  # fmt: skip
    first: str | None = Field(
        description="A number, a text, or a formula for the first cell; of top and bottom how many."
    )
    second: str | None
    colours: list[str] | None = Field(description='Of a colour scale two or three, of a data bar one: "RRGGBB".')
    highlight: Highlight | None


class Name(Part):
    """A name for cells or a formula."""

    do: Literal["name"]
    name: str
    refers_to: str | None = Field(description='"=Data!$A$2:$A$9"; null: delete the name.')
    sheet: str | None = Field(description="Where alone it counts; null: everywhere.")


class Comment(Part):
    """A note on a cell."""

    do: Literal["comment"]
    sheet: str
    at: Address
    text: str | None = Field(description="null: take it away.")
    author: str | None


class Link(Part):
    """A link of a cell. The cell's value stays."""

    do: Literal["link"]
    sheet: str
    at: Address
    target: str = Field(description='Web or mail address, or a place in the workbook: "#Data!A1".')


class AddChart(Part):
    """A chart of ranges of cells."""

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
    width: float | None = Field(description="Centimetres; null: 16.")
    height: float | None = Field(description="Centimetres; null: 9.")


class ChangeChart(Part):
    """A chart that is there; null leaves it."""

    do: Literal["change_chart"]
    sheet: str
    chart: str = Field(description='As `inspect` names it: "Chart 1", or its title.')
    title: str | None
    series: list[Series] | None = Field(description="All of them anew: as many as there are.")
    at: Address | None


class AddPicture(Part):
    """A picture of the folder on a sheet."""

    do: Literal["add_picture"]
    sheet: str
    at: Address
    file: str
    width: float | None = Field(description="Centimetres; null: its own, or in proportion.")
    height: float | None
    description: str | None = Field(description="For those who cannot see it.")


class DeleteObject(Part):
    """Remove a chart, picture or shape."""

    do: Literal["delete_object"]
    sheet: str
    name: str = Field(description="As `inspect` names it.")


class Protect(Part):
    """Protect a sheet against changes, without a password, or end that."""

    do: Literal["protect"]
    sheet: str
    on: bool
    unlocked: list[str] | None = Field(description="Ranges that stay open.")


class SetProperties(Part):
    """Properties of the file; null leaves them."""

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
    source: str | None = Field(description="For a new file: a template or another workbook to begin with.")
    operations: list[Annotated[SpreadsheetOperation, Field(discriminator="do")]]
    accept_loss: bool | None = Field(description="True: go on although something is lost, after you were told what.")
