"""Operations on a PDF carried out, one after the other, on a copy in memory that is written whole at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

from agent.errors import ToolFault
from agent.office.pdfs.drawing import flatten, write_text
from agent.office.pdfs.fields import fields_of, form_of
from agent.office.pdfs.filling import draw_what_is_not, fill
from agent.office.pdfs.opening import LARGEST_CHANGED, opened, page_numbers, ranges, signatures
from agent.office.pdfs.operations import (
    AddPages,
    DeletePages,
    Fill,
    Flatten,
    KeepPages,
    PdfOperation,
    RotatePages,
    SetMetadata,
    WriteText,
)
from agent.office.pdfs.paging import add_pages, kept_pages, rotate


def change(
    base: Path | None,
    name: str,
    target: Path,
    operations: Sequence[PdfOperation],
    added: Mapping[str, Path],
    *,
    accept_loss: bool,
) -> list[str]:
    """Write a changed PDF.

    Args:
        base: what it begins with; None for no page.
        name: of the result, as the model calls it.
        added: the PDFs of `AddPages`, by the path that the model gave.

    Returns:
        A line for each operation, and notes.

    Raises:
        ToolFault: something cannot be done, or would be lost; nothing is written.
    """
    from pypdf import PdfWriter

    notes: list[str] = []
    if base is None:
        writer: Any = PdfWriter()
        told = _carried_out(writer, operations, added, name)
    else:
        with opened(base, name, LARGEST_CHANGED) as reader:
            losses = _losses(reader, operations)
            if losses and not accept_loss:
                raise ToolFault(
                    f"This would lose {'; '.join(losses)}. Nothing was changed. "
                    "Give accept_loss: true if that is all right; a new path with a source keeps the original."
                )
            writer = PdfWriter(clone_from=reader)
            _unsigned(writer)
            told = _carried_out(writer, operations, added, name)
            notes = [f"lost, as accepted: {loss}" for loss in losses]
    writer = told.pop()
    _write(writer, target)
    return [*told, *notes, f"{name} has {len(writer.pages)} page{'' if len(writer.pages) == 1 else 's'} now."]


def _write(writer: Any, target: Path) -> None:
    if not len(writer.pages):
        raise ToolFault("The PDF would have no pages. Nothing was done. Begin with a source, or with add_pages.")
    with target.open("wb") as file:
        writer.write(file)


def _losses(reader: Any, operations: Sequence[PdfOperation]) -> list[str]:
    root = reader.root_object
    losses: list[str] = []
    if signed := signatures(reader):
        losses.append(
            f"the signature in {', '.join(signed[:5])}, since a changed document is no longer what was signed"
        )
    if "/Perms" in root and not signed:
        losses.append("the rights that Adobe's programs grant for this document")
    if reader.is_encrypted:
        losses.append("its protection against changes, printing or copying")
    if any(isinstance(each, KeepPages | DeletePages) for each in operations):
        if "/StructTreeRoot" in root:
            losses.append("the tags that screen readers use")
        if "/PageLabels" in root:
            losses.append("the pages' own numbering (like i, ii, 1)")
    return losses


def _unsigned(writer: Any) -> None:
    """Signatures that would be broken are taken out, rather than left to look wrong."""
    writer.root_object.pop("/Perms", None)
    for field in fields_of(writer):
        if field.kind == "signature" and field.value:
            field.node.pop("/V", None)
            field.node.pop("/Lock", None)
    if form := form_of(writer):
        form.pop("/SigFlags", None)


def _carried_out(writer: Any, operations: Sequence[PdfOperation], added: Mapping[str, Path], name: str) -> list[Any]:
    """A line for each operation, and the writer that they end with."""
    told: list[Any] = []
    for number, operation in enumerate(operations, start=1):
        try:
            words, writer = _one(writer, operation, added, name)
        except ToolFault as fault:
            raise ToolFault(f"Operation {number} ({operation.do}): {fault}") from None
        told.append(f"{number}. {words}")
    return [*told, writer]


def _one(writer: Any, operation: PdfOperation, added: Mapping[str, Path], name: str) -> tuple[str, Any]:
    count = len(writer.pages)
    match operation:
        case Fill(fields=fields):
            lines = fill(writer, [(each.name, each.value) for each in fields], name)
            return "filled\n" + "\n".join(f"   {line}" for line in lines), writer
        case Flatten():
            if form_of(writer) is None:
                raise ToolFault(f"{name} has no form. Nothing was done.")
            draw_what_is_not(writer)
            return f"flattened; {flatten(writer)} fields are now part of the pages", writer
        case AddPages(path=path, pages=pages, before=before):
            return add_pages(writer, added[path], path, pages, before), writer
        case KeepPages(pages=pages):
            numbers = page_numbers(pages, count)
            return f"kept pages {pages}", kept_pages(writer, numbers)
        case DeletePages(pages=pages):
            gone = set(page_numbers(pages, count))
            left = [number for number in range(1, count + 1) if number not in gone]
            return f"took out page{'s' if len(gone) > 1 else ''} {ranges(sorted(gone))}", kept_pages(writer, left)
        case RotatePages(pages=pages, degrees=degrees):
            numbers = page_numbers(pages, count)
            rotate(writer, numbers, degrees)
            return f"turned pages {ranges(numbers)} by {degrees} degrees", writer
        case WriteText():
            page_numbers(str(operation.page), count)
            write_text(writer, operation.page, operation.text, operation.left, operation.top, operation.size or 10.0)
            return f"wrote on page {operation.page}", writer
        case SetMetadata():
            return _set_metadata(writer, operation), writer
    assert_never(operation)


def _set_metadata(writer: Any, operation: SetMetadata) -> str:
    told = {
        key: value
        for key in ("title", "author", "subject", "keywords")
        if (value := getattr(operation, key)) is not None
    }
    before: Mapping[str, Any] = writer.metadata or {}
    kept = {key: str(value) for key, value in before.items()}
    for key, value in told.items():
        kept[f"/{key.title()}"] = value
    writer.metadata = {key: value for key, value in kept.items() if value}
    # The same is told a second time in XML, which would now say something else.
    writer.root_object.pop("/Metadata", None)
    return f"set {', '.join(told)}" if told else "set nothing"
