"""What can be done to a presentation: the arguments of the tool `slides`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.ranges import CellRange
from agent.tools.strict import Part

SlideNumber: TypeAlias = Annotated[
    int | None,
    Field(description="Number at this operation; null: the one added last in this call."),
]
ShapeName: TypeAlias = Annotated[
    str, Field(description='"#4", a name, or "title", "subtitle", "body", "body 2", "picture".')
]
Colour: TypeAlias = Annotated[
    str,
    Field(description='"RRGGBB", or one of the theme: "accent1" to "accent6", "dark1", "dark2", "light1", "light2".'),
]
Centimetres: TypeAlias = float


class Box(Part):
    """From the top left corner."""

    left: Centimetres | None
    top: Centimetres | None
    width: Centimetres | None
    height: Centimetres | None


class Look(Part):
    """Look."""

    font: str | None
    size: float | None
    bold: bool | None
    italic: bool | None
    colour: Colour | None
    align: Literal["left", "centre", "right", "justify"] | None


class Series(Part):
    """A series."""

    name: str
    values: list[float | None]


class ChartData(Part):
    """Chart data."""

    categories: list[str]
    series: list[Series]


class AddSlide(Part):
    """Add a slide."""

    do: Literal["add_slide"]
    at: int | None
    layout: str | None
    title: str | None
    body: str | None = Field(description="A paragraph a line, a leading tab for each level.")
    notes: str | None


class AddOutline(Part):
    """Many slides: "# Title" begins one; "- point", two spaces of indentation for each level; "> words" are notes;
    "[layout: Name]"; other lines are paragraphs, on a title slide the subtitle."""

    do: Literal["add_outline"]
    at: int | None
    outline: str


class DeleteSlides(Part):
    """Delete slides."""

    do: Literal["delete_slides"]
    slides: list[int]


class MoveSlide(Part):
    """Move a slide."""

    do: Literal["move_slide"]
    slide: SlideNumber
    to: int


class DuplicateSlide(Part):
    """Duplicate a slide."""

    do: Literal["duplicate_slide"]
    slide: SlideNumber
    to: int | None


class SetSlide(Part):
    """Set a slide."""

    do: Literal["set_slide"]
    slide: SlideNumber
    layout: str | None
    hidden: bool | None


class SetText(Part):
    """Paragraphs and runs keep their look."""

    do: Literal["set_text"]
    slide: SlideNumber
    shape: ShapeName
    text: str


class AddText(Part):
    """A text box."""

    do: Literal["add_text"]
    slide: SlideNumber
    text: str
    box: Box | None
    look: Look | None
    name: str | None


class AddPicture(Part):
    """Add a picture."""

    do: Literal["add_picture"]
    slide: SlideNumber
    picture: str
    into: ShapeName | None = Field(description="What it takes the place of.")
    box: Box | None
    fit: Literal["fit", "fill"] = Field(description="Whole, or cropped.")
    alt: str


class AddTable(Part):
    """Add a table."""

    do: Literal["add_table"]
    slide: SlideNumber
    rows: list[list[str]] | None = Field(description="The first is the header.")
    cells: CellRange | None = Field(description="Instead.")
    box: Box | None
    name: str | None


class SetCells(Part):
    """Cells of a table keep their look; rows are added."""

    do: Literal["set_cells"]
    slide: SlideNumber
    shape: ShapeName
    row: int = Field(description="Of the first cell.")
    column: int
    rows: list[list[str]]


class AddChart(Part):
    """Stays editable."""

    do: Literal["add_chart"]
    slide: SlideNumber
    kind: Literal["column", "stacked_column", "bar", "stacked_bar", "line", "area", "pie", "doughnut", "scatter"]
    data: ChartData | None
    cells: CellRange | None = Field(description="Instead: a header row, categories in the first column.")
    title: str | None
    number_format: str | None = Field(description='"#,##0"')
    labels: bool = Field(description="Values at the marks.")
    box: Box | None
    name: str | None


class SetChartData(Part):
    """The chart keeps its look."""

    do: Literal["set_chart_data"]
    slide: SlideNumber
    shape: ShapeName
    data: ChartData | None
    cells: CellRange | None


class AddShape(Part):
    """Add a shape."""

    do: Literal["add_shape"]
    slide: SlideNumber
    kind: Literal[
        "rectangle", "rounded_rectangle", "oval", "triangle", "diamond", "right_arrow", "left_arrow", "up_arrow",
        "down_arrow", "chevron", "pentagon", "hexagon", "star", "callout", "cloud", "line",
    ]  # fmt: skip
    box: Box
    text: str | None
    fill: Colour | None
    line: Colour | None
    look: Look | None
    name: str | None


class SetShape(Part):
    """Set a shape."""

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
    """Delete a shape."""

    do: Literal["delete_shape"]
    slide: SlideNumber
    shape: ShapeName


class SetNotes(Part):
    """Set the notes."""

    do: Literal["set_notes"]
    slide: SlideNumber
    text: str


class AddComment(Part):
    """Add a comment."""

    do: Literal["add_comment"]
    slide: SlideNumber
    author: str
    text: str


class ReplaceText(Part):
    """Everywhere, over runs, keeping the look; slides null: layouts and masters too."""

    do: Literal["replace_text"]
    find: str
    replace: str
    match_case: bool
    whole_words: bool
    slides: list[int] | None


class ThemeColours(Part):
    """Theme colours."""

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
    """To a brand: theme, masters and layouts."""

    do: Literal["restyle"]
    colours: ThemeColours | None
    heading_font: str | None
    body_font: str | None
    background: Colour | None
    title_colour: Colour | None
    text_colour: Colour | None
    title_size: float | None
    body_size: float | None
    logo: str | None
    logo_corner: Literal["top_left", "top_right", "bottom_left", "bottom_right"] | None
    hard_coded: bool = Field(description="Also fonts and colours that runs and shapes set themselves.")


class SetFooters(Part):
    """ "" takes one away."""

    do: Literal["set_footers"]
    footer: str | None
    numbers: bool | None
    date: str | None
    on_title_slides: bool


class ApplyTemplate(Part):
    """Masters, layouts and theme of another deck for all slides."""

    do: Literal["apply_template"]
    template: str


class ImportSlides(Part):
    """Import slides."""

    do: Literal["import_slides"]
    source: str
    slides: list[int] | None
    at: int | None
    keep_look: bool = Field(description="With their own master.")


class SetProperties(Part):
    """Set properties."""

    do: Literal["set_properties"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


SlidesOperation: TypeAlias = (
    AddSlide | AddOutline | DeleteSlides | MoveSlide | DuplicateSlide | SetSlide | SetText | AddText | AddPicture
    | AddTable | SetCells | AddChart | SetChartData | AddShape | SetShape | DeleteShape | SetNotes | AddComment
    | ReplaceText | Restyle | SetFooters | ApplyTemplate | ImportSlides | SetProperties
)  # fmt: skip


class EditSlides(Part):
    """Arguments of `slides`."""

    path: str
    source: str | None = Field(description="For a new file: what it begins as (.potx: emptied).")
    operations: list[Annotated[SlidesOperation, Field(discriminator="do")]]
    accept_loss: bool | None = Field(description="true only after you were told what is lost.")
