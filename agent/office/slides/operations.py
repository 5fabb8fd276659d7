"""What can be done to a presentation: the arguments of the tool `slides`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.ranges import CellRange
from agent.tools.strict import Part

SlideNumber: TypeAlias = Annotated[
    int | None,
    Field(description="Number from 1 as slides stand at this operation; null: the one added last in this call."),
]
ShapeName: TypeAlias = Annotated[
    str, Field(description='Id like "#4", name, or "title", "subtitle", "body" (second body: "body 2"), "picture".')
]
Colour: TypeAlias = Annotated[
    str,
    Field(description='"RRGGBB", or one of the theme: "accent1" to "accent6", "dark1", "dark2", "light1", "light2".'),
]
Centimetres: TypeAlias = float


class Box(Part):
    """Where a shape is, in centimetres from the top left corner of the slide; null keeps or works out a measure."""

    left: Centimetres | None
    top: Centimetres | None
    width: Centimetres | None
    height: Centimetres | None


class Look(Part):
    """How text looks; null leaves it as it is."""

    font: str | None
    size: float | None = Field(description="Points.")
    bold: bool | None
    italic: bool | None
    colour: Colour | None
    align: Literal["left", "centre", "right", "justify"] | None


class Series(Part):
    """Numbers of a chart."""

    name: str
    values: list[float | None]


class ChartData(Part):
    """Numbers of a chart, written out."""

    categories: list[str]
    series: list[Series]


class AddSlide(Part):
    """A new slide."""

    do: Literal["add_slide"]
    at: int | None = Field(description="Its number; null: last.")
    layout: str | None = Field(description="Name as inspect gives it; null: fits the content.")
    title: str | None
    body: str | None = Field(
        description="Paragraphs, one a line, a leading tab for each level. A second column: set_text."
    )
    notes: str | None


class AddOutline(Part):
    """Many slides from an outline: "# Title" begins a slide; "- point" with two spaces of indentation for each level;
    "> words" are notes; "[layout: Name]" takes a layout; other lines are paragraphs, on a title slide the
    subtitle."""

    do: Literal["add_outline"]
    at: int | None = Field(description="Number of the first; null: after the last.")
    outline: str


class DeleteSlides(Part):
    """Take slides out."""

    do: Literal["delete_slides"]
    slides: list[int]


class MoveSlide(Part):
    """Move a slide."""

    do: Literal["move_slide"]
    slide: SlideNumber
    to: int


class DuplicateSlide(Part):
    """Copy a slide with all that is on it."""

    do: Literal["duplicate_slide"]
    slide: SlideNumber
    to: int | None = Field(description="Number of the copy; null: right after it.")


class SetSlide(Part):
    """Layout and visibility of a slide; null leaves it."""

    do: Literal["set_slide"]
    slide: SlideNumber
    layout: str | None
    hidden: bool | None


class SetText(Part):
    """Text of a shape or placeholder in place of what it has; paragraphs and runs keep their look."""

    do: Literal["set_text"]
    slide: SlideNumber
    shape: ShapeName
    text: str = Field(description="Paragraphs, one a line, a leading tab for each level.")


class AddText(Part):
    """A text box."""

    do: Literal["add_text"]
    slide: SlideNumber
    text: str
    box: Box | None
    look: Look | None
    name: str | None


class AddPicture(Part):
    """A picture of a file."""

    do: Literal["add_picture"]
    slide: SlideNumber
    picture: str = Field(description="Path.")
    into: ShapeName | None = Field(description="Placeholder or picture that it takes the place of.")
    box: Box | None
    fit: Literal["fit", "fill"] = Field(description="Whole within the box, or cropped to fill it.")
    alt: str = Field(description="What it shows, for people who cannot see it.")


class AddTable(Part):
    """A table."""

    do: Literal["add_table"]
    slide: SlideNumber
    rows: list[list[str]] | None = Field(description="The first is the header.")
    cells: CellRange | None = Field(description="In place of rows.")
    box: Box | None
    name: str | None


class SetCells(Part):
    """Cells of a table, which keep their look; rows are added where they do not suffice."""

    do: Literal["set_cells"]
    slide: SlideNumber
    shape: ShapeName
    row: int = Field(description="Of the first cell, from 1.")
    column: int
    rows: list[list[str]]


class AddChart(Part):
    """A native chart that stays editable."""

    do: Literal["add_chart"]
    slide: SlideNumber
    kind: Literal["column", "stacked_column", "bar", "stacked_bar", "line", "area", "pie", "doughnut", "scatter"]
    data: ChartData | None
    cells: CellRange | None = Field(
        description="In place of data: header row with names, first column with categories."
    )
    title: str | None
    number_format: str | None = Field(description='Like "#,##0" or "0.0%".')
    labels: bool = Field(description="Write the values at the marks.")
    box: Box | None
    name: str | None


class SetChartData(Part):
    """Other numbers for a chart, which keeps its look."""

    do: Literal["set_chart_data"]
    slide: SlideNumber
    shape: ShapeName
    data: ChartData | None
    cells: CellRange | None


class AddShape(Part):
    """A drawn shape, with or without text."""

    do: Literal["add_shape"]
    slide: SlideNumber
    kind: Literal[
        "rectangle", "rounded_rectangle", "oval", "triangle", "diamond", "right_arrow", "left_arrow", "up_arrow",
        "down_arrow", "chevron", "pentagon", "hexagon", "star", "callout", "cloud", "line",
    ]  # fmt: skip
    box: Box
    text: str | None
    fill: Colour | None = Field(description="null: the first accent colour.")
    line: Colour | None = Field(description="null: none.")
    look: Look | None
    name: str | None


class SetShape(Part):
    """Place and look of a shape; null leaves it."""

    do: Literal["set_shape"]
    slide: SlideNumber
    shape: ShapeName
    box: Box | None
    fill: Colour | Literal["none"] | None
    line: Colour | Literal["none"] | None
    look: Look | None
    name: str | None
    alt: str | None
    order: Literal["front", "back"] | None


class DeleteShape(Part):
    """Take a shape away."""

    do: Literal["delete_shape"]
    slide: SlideNumber
    shape: ShapeName


class SetNotes(Part):
    """Notes for the speaker in place of what there is."""

    do: Literal["set_notes"]
    slide: SlideNumber
    text: str


class ReplaceText(Part):
    """Find and replace, over runs, keeping the look; in tables, charts' titles and notes too."""

    do: Literal["replace_text"]
    find: str
    replace: str
    match_case: bool
    whole_words: bool
    slides: list[int] | None = Field(description="null: all, layouts and masters included.")


class ThemeColours(Part):
    """The theme's colours; null leaves one."""

    dark1: Colour | None
    light1: Colour | None
    dark2: Colour | None
    light2: Colour | None
    accent1: Colour | None
    accent2: Colour | None
    accent3: Colour | None
    accent4: Colour | None
    accent5: Colour | None
    accent6: Colour | None
    link: Colour | None


class Restyle(Part):
    """Bring the deck to a brand: theme, masters and layouts, and what hard-codes other fonts and colours."""

    do: Literal["restyle"]
    colours: ThemeColours | None
    heading_font: str | None
    body_font: str | None
    background: Colour | None = Field(description="Of the masters.")
    title_colour: Colour | None
    text_colour: Colour | None
    title_size: float | None = Field(description="Points, on the masters.")
    body_size: float | None = Field(description="Points of the first level; the others follow.")
    logo: str | None = Field(description="Path of a picture for the masters.")
    logo_corner: Literal["top_left", "top_right", "bottom_left", "bottom_right"] | None
    hard_coded: bool = Field(
        description="Also put fonts and colours that runs and shapes set themselves under the theme."
    )


class SetFooters(Part):
    """Footer, number and date at the bottom of slides; null leaves one, "" takes it away."""

    do: Literal["set_footers"]
    footer: str | None
    numbers: bool | None
    date: str | None
    on_title_slides: bool


class ApplyTemplate(Part):
    """Masters, layouts and theme of another deck for all slides, their layouts matched by name and kind."""

    do: Literal["apply_template"]
    template: str = Field(description="Path of a .pptx or .potx.")


class ImportSlides(Part):
    """Slides of another deck."""

    do: Literal["import_slides"]
    source: str = Field(description="Path of a .pptx.")
    slides: list[int] | None = Field(description="null: all.")
    at: int | None = Field(description="Number of the first; null: after the last.")
    keep_look: bool = Field(description="With their own master; else they take the look of this deck.")


class SetProperties(Part):
    """The file's own data; null leaves it."""

    do: Literal["set_properties"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


SlidesOperation: TypeAlias = (
    AddSlide | AddOutline | DeleteSlides | MoveSlide | DuplicateSlide | SetSlide | SetText | AddText | AddPicture
    | AddTable | SetCells | AddChart | SetChartData | AddShape | SetShape | DeleteShape | SetNotes | ReplaceText
    | Restyle | SetFooters | ApplyTemplate | ImportSlides | SetProperties
)  # fmt: skip


class EditSlides(Part):
    """Arguments of `slides`."""

    path: str = Field(description="The presentation: edited in place, made where it does not exist.")
    source: str | None = Field(description="For a new one: the template (.potx: emptied) or presentation it begins as.")
    operations: list[Annotated[SlidesOperation, Field(discriminator="do")]]
    accept_loss: bool | None = Field(description="true after you were told what would be lost.")
