"""How cells, charts and pages look: arguments of operations on workbooks."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.tools.strict import Part

Cells: TypeAlias = Annotated[str, Field(description='"B2", "A1:D20", whole columns "A:C", whole rows "2:5".')]
Address: TypeAlias = Annotated[str, Field(description='One cell: "B2".')]
Colour: TypeAlias = Annotated[
    str, Field(description='"RRGGBB", or of the theme: "accent1" to "accent6", "dark1", "dark2", "light1", "light2".')
]
Line: TypeAlias = Literal["none", "thin", "medium", "thick", "hair", "dotted", "dashed", "double"]
Type: TypeAlias = Annotated[
    Literal[
        "auto", "text", "number", "date", "datetime", "time", "percent", "currency", "boolean", "formula", "error"
    ],
    Field(
        description="auto: numbers and booleans as they are, text that begins with = a formula, all other text text, "
        "whatever it looks like. Dates are ISO texts. percent: 0.25 or '25%'. currency: 9.5 or '€ 9.50'."
    ),
]  # fmt: skip


class Look(Part):
    """How cells look; null leaves each as it is."""

    style: str | None = Field(description='A cell style of the workbook, like "Heading 1", "Good"; applied first.')
    number_format: str | None = Field(description='As Excel writes it: "#,##0.00", "yyyy-mm-dd", "0.0%", "@".')
    font: str | None
    size: float | None = Field(description="Points.")
    bold: bool | None
    italic: bool | None
    underline: bool | None
    strike: bool | None
    colour: Colour | None = Field(description="Of the text.")
    fill: Colour | None = Field(description='Of the background; "none" takes it away.')
    borders: Line | None = Field(description="On all four sides of each cell.")
    outline: Line | None = Field(description="Around the range only.")
    top: Line | None
    bottom: Line | None
    border_colour: Colour | None
    horizontal: Literal["general", "left", "centre", "right", "fill", "justify", "centre_across"] | None
    vertical: Literal["top", "centre", "bottom", "justify"] | None
    wrap: bool | None
    indent: int | None
    rotation: int | None = Field(description="Degrees, -90 to 90.")
    locked: bool | None = Field(description="Matters once the sheet is protected.")


class Highlight(Part):
    """What a conditional format does to a cell."""

    bold: bool | None
    colour: Colour | None = Field(description="Of the text.")
    fill: Colour | None


class Series(Part):
    """One series of a chart."""

    name: str | None = Field(description='A text, or a cell: "=Data!B1".')
    values: str = Field(description='"Data!B2:B13"')
    categories: str | None = Field(description='"Data!A2:A13"; x values of scatter and bubble charts.')
    kind: Literal["column", "bar", "line", "area", "scatter"] | None = Field(
        description="Only for combined charts: another kind than the chart's own."
    )
    second_axis: bool | None
    colour: Colour | None


class Axis(Part):
    """An axis of a chart; null leaves it to the program."""

    title: str | None
    minimum: float | None
    maximum: float | None
    number_format: str | None
    gridlines: bool | None


class Key(Part):
    """What to sort by."""

    column: str = Field(description='Letter ("C"), or the header\'s text.')
    descending: bool | None


class Measure(Part):
    """Values of a pivot table."""

    field: str = Field(description="Header of the column.")
    function: Literal["sum", "count", "average", "max", "min"]
    name: str | None
    number_format: str | None


class CsvColumn(Part):
    """How a column of a CSV file is read."""

    column: str = Field(description="Header, or number from 1.")
    type: Type
    format: str | None = Field(
        description='Of dates: "%d.%m.%Y"; of numbers: "1.234,56" or "1,234.56"; null: found out.'
    )
