"""What can be done to a PDF: the arguments of the tool `pdf`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.tools.strict import Part

PAGES = '"1-3,7", "5-"; null: all.'


class Value(Part):
    """Value."""

    name: str
    value: str | bool | list[str] = Field(
        description='Of a check box true or false; where several may be chosen a list; "" empties it.'
    )


class Fill(Part):
    """Fill."""

    do: Literal["fill"]
    fields: list[Value]


class Flatten(Part):
    """Make the form part of the pages, for good."""

    do: Literal["flatten"]


class AddPages(Part):
    """Of another PDF or document."""

    do: Literal["add_pages"]
    path: str
    pages: str | None = Field(description=PAGES)
    before: int | None


class KeepPages(Part):
    """In this order; all others go."""

    do: Literal["keep_pages"]
    pages: str


class DeletePages(Part):
    """Delete pages."""

    do: Literal["delete_pages"]
    pages: str


class RotatePages(Part):
    """Clockwise."""

    do: Literal["rotate_pages"]
    pages: str | None = Field(description=PAGES)
    degrees: Literal[90, 180, 270]


class WriteText(Part):
    """Where there is no field for it; millimetres."""

    do: Literal["write_text"]
    page: int
    left: float
    top: float = Field(description="Of the first line's foot.")
    text: str
    size: float | None = Field(description="Points.")


class SetMetadata(Part):
    """ "" removes one."""

    do: Literal["set_metadata"]
    title: str | None
    author: str | None
    subject: str | None
    keywords: str | None


PdfOperation: TypeAlias = Fill | Flatten | AddPages | KeepPages | DeletePages | RotatePages | WriteText | SetMetadata


class EditPdf(Part):
    """Arguments of `pdf`."""

    path: str
    source: str | None = Field(description="For a new PDF: what it begins as, a PDF or another document.")
    operations: list[Annotated[PdfOperation, Field(discriminator="do")]] = Field(
        description="Page numbers are those after the operations before."
    )
    accept_loss: bool | None = Field(description="true only after you were told what is lost.")
