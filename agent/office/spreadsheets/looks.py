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
        description="auto: text that begins with = is a formula, all other text stays text. Dates are ISO texts. "
        "percent: 0.25 or '25%'. currency: 9.5 or '€ 9.50'."
    ),
]  # fmt: skip


class Look(Part):
    """Look."""

    style: str | None = Field(description='Cell style like "Good"; applied first.')
    number_format: str | None = Field(description='Like "#,##0.00", "yyyy-mm-dd", "0.0%", "@".')
    font: str | None
    size: float | None
    bold: bool | None
    italic: bool | None
    underline: bool | None
    strike: bool | None
    colour: Colour | None
    fill: Colour | None
    borders: Line | None = Field(description="All four of each cell.")
    outline: Line | None = Field(description="Around the range.")
    top: Line | None
    bottom: Line | None
    border_colour: Colour | None
    horizontal: Literal["general", "left", "centre", "right", "fill", "justify", "centre_across"] | None
    vertical: Literal["top", "centre", "bottom", "justify"] | None
    wrap: bool | None
    indent: int | None
    rotation: int | None
    locked: bool | None


class Highlight(Part):
    """Highlight."""

    bold: bool | None
    colour: Colour | None
    fill: Colour | None


class Series(Part):
    """A series."""

    name: str | None = Field(description='A text, or "=Data!B1".')
    values: str = Field(description='"Data!B2:B13"')
    categories: str | None = Field(description="Or x values.")
    kind: Literal["column", "bar", "line", "area", "scatter"] | None = Field(description="Where it differs.")
    second_axis: bool | None
    colour: Colour | None


class Axis(Part):
    """An axis."""

    title: str | None
    minimum: float | None
    maximum: float | None
    number_format: str | None
    gridlines: bool | None


class Key(Part):
    """A key."""

    column: str = Field(description="Letter or header.")
    descending: bool | None


class Measure(Part):
    """A measure."""

    field: str = Field(description="Header.")
    function: Literal["sum", "count", "average", "max", "min"]
    name: str | None
    number_format: str | None


class CsvColumn(Part):
    """A column of a CSV."""

    column: str = Field(description="Header, or number from 1.")
    type: Type
    format: str | None = Field(description='Of dates "%d.%m.%Y", of numbers "1.234,56".')
