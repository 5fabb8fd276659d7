"""What can be done to a text document: the arguments of the tool `document`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.ranges import CellRange
from agent.tools.strict import Part

Block: TypeAlias = Annotated[int, Field(description="Number as inspect gave it before this call.")]
Colour: TypeAlias = Annotated[str, Field(description='"RRGGBB".')]
Align: TypeAlias = Literal["left", "centre", "right", "justify"]


class Place(Part):
    """Before or after a block."""

    side: Literal["before", "after"]
    block: Block | None
    text: str | None = Field(description="Instead: words in it.")


At: TypeAlias = Annotated[Place | None, Field(description="null: after what this call inserted last, else at the end.")]


class Paragraph(Part):
    """A paragraph."""

    text: str
    style: str | None


class InsertParagraphs(Part):
    """Insert paragraphs."""

    do: Literal["insert_paragraphs"]
    at: At
    paragraphs: list[Paragraph]
    markup: bool = Field(description="**bold**, *italic*, [words](https://address)")


class InsertHeading(Part):
    """Insert a heading."""

    do: Literal["insert_heading"]
    at: At
    text: str
    level: int = Field(ge=0, le=9, description="0: the document's title.")


class InsertList(Part):
    """Insert a list."""

    do: Literal["insert_list"]
    at: At
    kind: Literal["bullets", "numbers"]
    items: list[str] = Field(description="A leading tab for each level.")
    markup: bool


class InsertTable(Part):
    """Insert a table."""

    do: Literal["insert_table"]
    at: At
    rows: list[list[str]] | None = Field(description="The first is the header.")
    cells: CellRange | None = Field(description="Instead.")
    style: str | None
    widths: list[float] | None
    caption: str | None = Field(description='Without "Table 1: ".')


class InsertPicture(Part):
    """Insert a picture."""

    do: Literal["insert_picture"]
    at: At
    picture: str
    width: float | None
    alt: str
    caption: str | None = Field(description='Without "Figure 1: ".')


class InsertContents(Part):
    """With entries and page numbers."""

    do: Literal["insert_contents"]
    at: At
    of: Literal["headings", "figures", "tables"]
    levels: int | None
    title: str | None


class InsertFootnote(Part):
    """Insert a footnote."""

    do: Literal["insert_footnote"]
    block: Block | None
    after: str = Field(description="Words that it follows.")
    text: str


class InsertBreak(Part):
    """A new page or section."""

    do: Literal["insert_break"]
    at: At
    kind: Literal["page", "portrait_section", "landscape_section"]


class InsertBookmark(Part):
    """For cross references and links."""

    do: Literal["insert_bookmark"]
    block: Block | None
    words: str | None = Field(description="null: all of it.")
    name: str


class InsertReference(Part):
    """A cross reference."""

    do: Literal["insert_reference"]
    block: Block | None
    after: str = Field(description="Words that it follows.")
    to: str = Field(description="Bookmark, or text of a heading or caption.")
    show: Literal["text", "page", "number"] = Field(description='number: "Figure 2", "2.1".')


class ReplaceParagraph(Part):
    """Keeps the style and the look of the first words."""

    do: Literal["replace_paragraph"]
    block: Block
    text: str
    style: str | None


class DeleteBlocks(Part):
    """Delete blocks."""

    do: Literal["delete_blocks"]
    first: Block
    last: Block


class MoveBlocks(Part):
    """Move blocks."""

    do: Literal["move_blocks"]
    first: Block
    last: Block
    at: Place


class ReplaceText(Part):
    """Everywhere, over runs, keeping the look."""

    do: Literal["replace_text"]
    find: str
    replace: str
    match_case: bool
    whole_words: bool
    block: Block | None
    occurrence: int | None = Field(description="null: all.")


class FormatParagraphs(Part):
    """Format paragraphs."""

    do: Literal["format_paragraphs"]
    first: Block
    last: Block
    words: str | None = Field(description="They alone get font, size, bold, italic, underline, colour.")
    style: str | None
    align: Align | None
    before: float | None
    after: float | None
    line_spacing: float | None = Field(description="Lines.")
    indent: float | None = Field(description="Left.")
    font: str | None
    size: float | None
    bold: bool | None
    italic: bool | None
    underline: bool | None
    colour: Colour | None


class SetCells(Part):
    """Cells of a table keep their look; rows are added."""

    do: Literal["set_cells"]
    block: Block
    row: int = Field(description="Of the first cell.")
    column: int
    rows: list[list[str]]


class DeleteRows(Part):
    """Of a table."""

    do: Literal["delete_rows"]
    block: Block
    first: int
    last: int


class ReplacePicture(Part):
    """Keeps the width."""

    do: Literal["replace_picture"]
    number: int
    picture: str
    alt: str | None


class SetHeaderFooter(Part):
    """{page}, {pages}, {title}, {date}, {section} become fields; a tab parts left, centre, right."""

    do: Literal["set_header_footer"]
    which: Literal["header", "footer"]
    pages: Literal["all", "first", "even"]
    section: int | None = Field(description="null: all.")
    text: str
    picture: str | None = Field(description="Logo before the text.")
    align: Align | None


class DefineStyle(Part):
    """Make or change one."""

    do: Literal["define_style"]
    name: str
    kind: Literal["paragraph", "character"]
    based_on: str | None
    next: str | None
    font: str | None
    size: float | None
    bold: bool | None
    italic: bool | None
    colour: Colour | None
    align: Align | None
    before: float | None
    after: float | None
    line_spacing: float | None
    keep_with_next: bool | None


class Restyle(Part):
    """To a brand: theme and styles."""

    do: Literal["restyle"]
    heading_font: str | None
    body_font: str | None
    body_size: float | None
    heading_colour: Colour | None
    text_colour: Colour | None
    accent: Colour | None = Field(description="Of tables and links.")
    hard_coded: bool = Field(description="Also fonts and colours that runs set themselves.")


class Comment(Part):
    """A comment on words."""

    do: Literal["comment"]
    block: Block | None
    words: str | None = Field(description="null: all of it.")
    author: str
    text: str


class ReplyComment(Part):
    """Reply to a comment."""

    do: Literal["reply_comment"]
    comment: int
    author: str
    text: str


class ResolveComment(Part):
    """Resolve a comment."""

    do: Literal["resolve_comment"]
    comment: int
    resolved: bool


class DeleteComment(Part):
    """And its answers."""

    do: Literal["delete_comment"]
    comment: int


class DecideChanges(Part):
    """Tracked changes."""

    do: Literal["decide_changes"]
    accept: bool
    changes: list[int] | None = Field(description="null: all.")
    author: str | None = Field(description="Only theirs.")


class PageSetup(Part):
    """Page setup."""

    do: Literal["page_setup"]
    section: int | None = Field(description="null: all.")
    paper: Literal["A4", "A3", "A5", "Letter", "Legal"] | None
    orientation: Literal["portrait", "landscape"] | None
    top: float | None
    bottom: float | None
    left: float | None
    right: float | None


class SetProperties(Part):
    """Set properties."""

    do: Literal["set_properties"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


class FieldValue(Part):
    """Value of a field."""

    name: str
    value: str


class FillTemplate(Part):
    """{{fields}}, content controls, MERGEFIELDs."""

    do: Literal["fill_template"]
    values: list[FieldValue]


class MailMerge(Part):
    """A document for each row, this one being the template. Must be the only operation."""

    do: Literal["mail_merge"]
    rows: CellRange = Field(description="The header row names the fields.")
    output: str = Field(description='Like "letters/{{Name}}.pdf" or .docx; {{row}} is its number.')


class UpdateFields(Part):
    """Contents, numbers, references."""

    do: Literal["update_fields"]


DocumentOperation: TypeAlias = (
    InsertParagraphs | InsertHeading | InsertList | InsertTable | InsertPicture | InsertContents | InsertFootnote
    | InsertBreak | InsertBookmark | InsertReference | ReplaceParagraph | DeleteBlocks | MoveBlocks | ReplaceText
    | FormatParagraphs | SetCells | DeleteRows | ReplacePicture | SetHeaderFooter | DefineStyle | Restyle | Comment
    | ReplyComment | ResolveComment | DeleteComment | DecideChanges | PageSetup | SetProperties | FillTemplate
    | MailMerge | UpdateFields
)  # fmt: skip


class Track(Part):
    """Write every edit as a tracked change."""

    author: str


class EditDocument(Part):
    """Arguments of `document`."""

    path: str
    source: str | None = Field(description="For a new file: what it begins as.")
    operations: list[Annotated[DocumentOperation, Field(discriminator="do")]]
    track: Track | None
    accept_loss: bool | None = Field(description="true only after you were told what is lost.")
