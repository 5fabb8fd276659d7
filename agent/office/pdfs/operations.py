"""What can be done to a PDF: the arguments of the tool `pdf`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.tools.strict import Part

PAGES = 'Like "1-3,7"; "5-" to the end; null for all.'


class Value(Part):
    """A field of a form, and what goes into it."""

    name: str = Field(description='As `inspect` with part "form" names it.')
    value: str | bool | list[str] = Field(
        description="Text; true or false for a check box; the choice of radio buttons or a list; a list of choices "
        'where several may be chosen; "" to empty it.'
    )


class Fill(Part):
    """Fill fields of the form."""

    do: Literal["fill"]
    fields: list[Value]


class Flatten(Part):
    """Make the form part of the pages, so that it can no longer be changed."""

    do: Literal["flatten"]


class AddPages(Part):
    """Put in pages of another PDF, or of a document, which is turned into a PDF for it."""

    do: Literal["add_pages"]
    path: str
    pages: str | None = Field(description=PAGES)
    before: int | None = Field(description="The page that they come before; null for the end.")


class KeepPages(Part):
    """Keep these pages, in this order; all others go."""

    do: Literal["keep_pages"]
    pages: str = Field(description='Like "3,1,2" or "5-8".')


class DeletePages(Part):
    """Take pages out."""

    do: Literal["delete_pages"]
    pages: str = Field(description='Like "2,5-7".')


class RotatePages(Part):
    """Turn pages clockwise."""

    do: Literal["rotate_pages"]
    pages: str | None = Field(description=PAGES)
    degrees: Literal[90, 180, 270]


class WriteText(Part):
    """Write on a page, where there is no field for it."""

    do: Literal["write_text"]
    page: int
    left: float = Field(description="Millimetres from the left edge of the page as it is seen.")
    top: float = Field(description="Millimetres from its upper edge to the first line's foot.")
    text: str
    size: float | None = Field(description="Points; null for 10.")


class SetMetadata(Part):
    """Title and so on; null leaves one as it is, "" removes it."""

    do: Literal["set_metadata"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


PdfOperation: TypeAlias = Fill | Flatten | AddPages | KeepPages | DeletePages | RotatePages | WriteText | SetMetadata


class EditPdf(Part):
    """Arguments of `pdf`."""

    path: str = Field(description="The PDF; made if it is not there.")
    source: str | None = Field(
        description="For a new PDF: what to begin with, a PDF or a document, spreadsheet or slides to turn into one. "
        "Null to edit, or to begin with no page."
    )
    operations: list[Annotated[PdfOperation, Field(discriminator="do")]] = Field(
        description="Carried out one after the other; page numbers are those after the operations before."
    )
    accept_loss: bool | None = Field(description="True to go on although something cannot be kept; ask first.")
