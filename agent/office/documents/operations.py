"""What can be done to a text document: the arguments of the tool `document`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.office.ranges import CellRange
from agent.tools.strict import Part

Block: TypeAlias = Annotated[
    int, Field(description="Number as inspect gave it before this call, whatever this call adds.")
]
Colour: TypeAlias = Annotated[str, Field(description='"RRGGBB".')]
Align: TypeAlias = Literal["left", "centre", "right", "justify"]


class Place(Part):
    """Before or after a block, found by its number or by a text in it."""

    side: Literal["before", "after"]
    block: Block | None
    text: str | None = Field(description="In place of block: words that stand in it.")


At: TypeAlias = Annotated[
    Place | None, Field(description="null: after what this call has inserted last, else at the end of the document.")
]


class Paragraph(Part):
    """A paragraph."""

    text: str
    style: str | None = Field(description="Name of a paragraph style; null: that of body text.")


class InsertParagraphs(Part):
    """New paragraphs."""

    do: Literal["insert_paragraphs"]
    at: At
    paragraphs: list[Paragraph]
    markup: bool = Field(description="true: **bold**, *italic* and [words](https://address) in the texts are meant so.")


class InsertHeading(Part):
    """A heading."""

    do: Literal["insert_heading"]
    at: At
    text: str
    level: int = Field(ge=0, le=9, description="0: the document's title.")


class InsertList(Part):
    """A list."""

    do: Literal["insert_list"]
    at: At
    kind: Literal["bullets", "numbers"]
    items: list[str] = Field(description="A leading tab for each level.")
    markup: bool


class InsertTable(Part):
    """A table."""

    do: Literal["insert_table"]
    at: At
    rows: list[list[str]] | None = Field(description="The first is the header.")
    cells: CellRange | None = Field(description="In place of rows.")
    style: str | None = Field(description="Name of a table style; null: a plain one with a marked header.")
    widths: list[float] | None = Field(description="Of the columns, in centimetres.")
    caption: str | None = Field(description='Numbered by itself, above: "Table 1: …".')


class InsertPicture(Part):
    """A picture of a file, in a paragraph of its own."""

    do: Literal["insert_picture"]
    at: At
    picture: str = Field(description="Path.")
    width: float | None = Field(description="Centimetres; null: as it is, within the margins.")
    alt: str = Field(description="What it shows, for people who cannot see it.")
    caption: str | None = Field(description='Numbered by itself, below: "Figure 1: …".')


class InsertContents(Part):
    """A table of contents, or of figures or tables, with its entries and page numbers."""

    do: Literal["insert_contents"]
    at: At
    of: Literal["headings", "figures", "tables"]
    levels: int | None = Field(description="Of headings; null: 3.")
    title: str | None


class InsertFootnote(Part):
    """A footnote."""

    do: Literal["insert_footnote"]
    block: Block | None = Field(description="null: found by after alone.")
    after: str = Field(description="Words that the mark follows.")
    text: str


class InsertBreak(Part):
    """A new page, or a new section that begins on one."""

    do: Literal["insert_break"]
    at: At
    kind: Literal["page", "portrait_section", "landscape_section"]


class InsertBookmark(Part):
    """A name for a place that cross references and links can use."""

    do: Literal["insert_bookmark"]
    block: Block | None
    words: str | None = Field(description="null: the whole block.")
    name: str


class InsertReference(Part):
    """A cross reference, kept up to date by the word processor."""

    do: Literal["insert_reference"]
    block: Block | None
    after: str = Field(description="Words that it follows.")
    to: str = Field(description="A bookmark's name, or the text of a heading or a caption.")
    show: Literal["text", "page", "number"] = Field(description='number: "Figure 2" of a caption, "2.1" of a heading.')


class ReplaceParagraph(Part):
    """Another text for a paragraph, which keeps its style and the look of its first words."""

    do: Literal["replace_paragraph"]
    block: Block
    text: str
    style: str | None = Field(description="null: as it is.")


class DeleteBlocks(Part):
    """Take blocks out."""

    do: Literal["delete_blocks"]
    first: Block
    last: Block


class MoveBlocks(Part):
    """Move blocks elsewhere."""

    do: Literal["move_blocks"]
    first: Block
    last: Block
    at: Place


class ReplaceText(Part):
    """Find and replace, over runs, keeping the look; in tables, headers, footers and notes too."""

    do: Literal["replace_text"]
    find: str
    replace: str
    match_case: bool
    whole_words: bool
    block: Block | None = Field(description="null: the whole document.")
    occurrence: int | None = Field(description="Only this one, from 1; null: all.")


class FormatParagraphs(Part):
    """Style and look of blocks; null leaves it."""

    do: Literal["format_paragraphs"]
    first: Block
    last: Block
    words: str | None = Field(description="Only these words get font, size, bold, italic, underline, colour.")
    style: str | None
    align: Align | None
    before: float | None = Field(description="Points of space.")
    after: float | None
    line_spacing: float | None = Field(description="Lines.")
    indent: float | None = Field(description="Centimetres on the left.")
    font: str | None
    size: float | None = Field(description="Points.")
    bold: bool | None
    italic: bool | None
    underline: bool | None
    colour: Colour | None


class SetCells(Part):
    """Cells of a table, which keep their look; rows are added where they do not suffice."""

    do: Literal["set_cells"]
    block: Block
    row: int = Field(description="Of the first cell, from 1.")
    column: int
    rows: list[list[str]]


class DeleteRows(Part):
    """Take rows out of a table."""

    do: Literal["delete_rows"]
    block: Block
    first: int
    last: int


class ReplacePicture(Part):
    """Another picture in the place of one, with its width."""

    do: Literal["replace_picture"]
    number: int = Field(description="Of the picture, as inspect counts them.")
    picture: str
    alt: str | None


class SetHeaderFooter(Part):
    """Header or footer. {page}, {pages}, {title}, {date}, {section} become fields; a tab parts left, centre, right."""

    do: Literal["set_header_footer"]
    which: Literal["header", "footer"]
    pages: Literal["all", "first", "even"]
    section: int | None = Field(description="From 1; null: all.")
    text: str
    picture: str | None = Field(description="Path of a logo before the text.")
    align: Align | None


class DefineStyle(Part):
    """Make a style, or change one; null leaves it."""

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
    """Bring the document to a brand: theme, styles of headings, body text, captions and tables; null leaves it."""

    do: Literal["restyle"]
    heading_font: str | None
    body_font: str | None
    body_size: float | None
    heading_colour: Colour | None
    text_colour: Colour | None
    accent: Colour | None = Field(description="Of tables and links.")
    hard_coded: bool = Field(description="Also take fonts and colours away that runs set themselves.")


class Comment(Part):
    """A comment on words."""

    do: Literal["comment"]
    block: Block | None
    words: str | None = Field(description="null: the whole block.")
    author: str
    text: str


class ReplyComment(Part):
    """An answer to a comment."""

    do: Literal["reply_comment"]
    comment: int = Field(description="Id as inspect gives it.")
    author: str
    text: str


class ResolveComment(Part):
    """Mark a comment as done, or open again."""

    do: Literal["resolve_comment"]
    comment: int
    resolved: bool


class DeleteComment(Part):
    """Take a comment and its answers away."""

    do: Literal["delete_comment"]
    comment: int


class DecideChanges(Part):
    """Accept or reject tracked changes."""

    do: Literal["decide_changes"]
    accept: bool
    changes: list[int] | None = Field(description="Numbers as inspect gives them; null: all.")
    author: str | None = Field(description="Only this author's.")


class PageSetup(Part):
    """Paper and margins; null leaves it."""

    do: Literal["page_setup"]
    section: int | None = Field(description="From 1; null: all.")
    paper: Literal["A4", "A3", "A5", "Letter", "Legal"] | None
    orientation: Literal["portrait", "landscape"] | None
    top: float | None = Field(description="Margins in centimetres.")
    bottom: float | None
    left: float | None
    right: float | None


class SetProperties(Part):
    """The file's own data; null leaves it."""

    do: Literal["set_properties"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


class FieldValue(Part):
    """What stands in a field of a template."""

    name: str
    value: str


class FillTemplate(Part):
    """Fill {{fields}}, content controls and MERGEFIELDs."""

    do: Literal["fill_template"]
    values: list[FieldValue]


class MailMerge(Part):
    """One document for each row of a table, with this document as template, which stays as it is. Must be the only
    operation."""

    do: Literal["mail_merge"]
    rows: CellRange = Field(description="The header row names the fields.")
    output: str = Field(
        description='Path with fields, like "letters/{{Name}}.pdf"; {{row}} is the row\'s number. .pdf or .docx.'
    )


class UpdateFields(Part):
    """Bring tables of contents, captions' numbers, cross references and page numbers up to date."""

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

    path: str = Field(description="The document: edited in place, made where it does not exist.")
    source: str | None = Field(description="For a new one: the template or document it begins as.")
    operations: list[Annotated[DocumentOperation, Field(discriminator="do")]]
    track: Track | None
    accept_loss: bool | None = Field(description="true after you were told what would be lost.")
