"""Operations carried out on a text document."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office import opc
from agent.office.documents import (
    branding,
    captions,
    changes,
    comments,
    contents,
    fields,
    filling,
    notes,
    paragraphs,
    sections,
    styles,
    tables,
)
from agent.office.documents.draft import Draft, oddities, open_draft
from agent.office.documents.tracking import Tracker
from agent.office.editing import Edited
from agent.office.materials import Materials
from agent.office.package import Package
from agent.tools.strict import Part

_DONE_BY: Mapping[str, Callable[[Draft, Any], str]] = {
    "insert_paragraphs": paragraphs.insert_paragraphs,
    "insert_heading": paragraphs.insert_heading,
    "insert_list": paragraphs.insert_list,
    "insert_table": tables.insert_table,
    "insert_picture": captions.insert_picture,
    "insert_contents": contents.insert_contents,
    "insert_footnote": notes.insert_footnote,
    "insert_break": sections.insert_break,
    "insert_bookmark": fields.insert_bookmark,
    "insert_reference": fields.insert_reference,
    "replace_paragraph": paragraphs.replace_paragraph,
    "delete_blocks": paragraphs.delete_blocks,
    "move_blocks": paragraphs.move_blocks,
    "replace_text": paragraphs.replace_text,
    "format_paragraphs": paragraphs.format_paragraphs,
    "set_cells": tables.set_cells,
    "delete_rows": tables.delete_rows,
    "replace_picture": captions.replace_picture,
    "set_header_footer": sections.set_header_footer,
    "define_style": styles.define,
    "restyle": branding.restyle,
    "comment": comments.comment,
    "reply_comment": comments.reply,
    "resolve_comment": comments.resolve,
    "delete_comment": comments.delete,
    "decide_changes": changes.decide,
    "page_setup": sections.page_setup,
    "set_properties": paragraphs.set_properties,
    "fill_template": filling.fill_template,
    "update_fields": contents.update_fields,
}
_NOT_TRACKED = ("set_header_footer", "define_style", "restyle", "page_setup", "set_properties", "replace_picture",
                "insert_break")  # fmt: skip
_NUMBERING = ("insert_table", "insert_picture", "delete_blocks", "move_blocks", "update_fields", "insert_contents")
_OUTLINE = (*_NUMBERING, "insert_heading", "insert_paragraphs", "replace_paragraph", "decide_changes")
_KINDS = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "docm": "application/vnd.ms-word.document.macroEnabled.main+xml",
}


def edit(
    package: Package, path: Path, operations: Sequence[Part], materials: Materials, *, begin: str, author: str | None
) -> Edited:
    """Carry operations out on the package at `path`; nothing is written.

    Args:
        begin: "" for a file that is changed, "document" or "template" for one that something new begins as.
        author: of tracked changes; None where edits are not tracked.

    Raises:
        ToolFault: one of them cannot be carried out; says which.
    """
    draft = open_draft(path, package.name, materials)
    before = opc.known(draft.part.package)
    if begin:
        _as_document(draft)
    if author is not None:
        draft.tracker = Tracker.of(author, [root for _, root in draft.stories()])
    wrong, shown = fields.leading_nowhere(draft), fields.results(draft)
    done = [_carry_out(draft, number, operation) for number, operation in enumerate(operations, 1)]
    if gone := sorted(fields.leading_nowhere(draft) - wrong):
        draft.notes.append(f"references and links lead to bookmarks that are gone now: {', '.join(gone[:10])}")
    draft.notes += [
        f"words in the field {{ {code[:60]} }} were changed; it shows its own again when it is brought up to date"
        for code in fields.written_over(draft, shown)[:10]
    ]
    with _understood(draft):
        _settle(draft, [str(getattr(operation, "do", "")) for operation in operations])
    if not draft.wants_pages:
        return Edited(done, draft.notes, opc.difference(package, draft.part.package, before), draft.lost)
    return _with_pages(draft, package, before, done)


@contextmanager
def _understood(draft: Draft) -> Generator[None]:
    """What is done to the whole of a document that is not as it should be. Raises ToolFault."""
    try:
        yield
    except oddities() as error:
        raise ToolFault(
            f"{draft.name} is damaged ({error}), so its fields cannot be brought up to date. Nothing was changed."
        ) from error


def _settle(draft: Draft, names: list[str]) -> None:
    if draft.tracker:
        draft.notes += [f"{name} is no tracked change" for name in dict.fromkeys(names) if name in _NOT_TRACKED]
    if draft.wants_pages:
        contents.refresh(draft)
    elif any(name in _NUMBERING for name in names):
        fields.renumber(draft)
    if not draft.wants_pages and any(name in _OUTLINE for name in names) and contents.has_contents(draft):
        draft.notes.append("the table of contents is as it was; update_fields brings it up to date")
    draft.settle()


def _with_pages(draft: Draft, package: Package, before: opc.Known, done: Sequence[str]) -> Edited:
    """Laid out once by LibreOffice before it is finished."""

    def probe(target: Path) -> None:
        with _understood(draft), contents.outlined(draft):
            made = opc.difference(package, draft.part.package, before)
            package.save(target, made.replaced, made.dropped)

    def finish(pdf: Path) -> Edited:
        with _understood(draft):
            contents.set_pages(draft, pdf)
        draft.settle()
        return Edited(done, draft.notes, opc.difference(package, draft.part.package, before))

    return Edited(done, draft.notes, opc.Difference({}, frozenset()), draft.lost, probe, finish)


def _as_document(draft: Draft) -> None:
    """A template that something begins as is one no longer."""
    kind = draft.part.content_type
    if ".template" in kind or "macroEnabledTemplate" in kind:
        draft.part._content_type = _KINDS["docm" if "macroEnabled" in kind else "docx"]


def _carry_out(draft: Draft, number: int, operation: Any) -> str:
    try:
        return f"{number}. {_DONE_BY[operation.do](draft, operation)}"
    except ToolFault as fault:
        told = str(fault).removesuffix(" Nothing was changed.")
        raise ToolFault(f"operation {number} ({operation.do}): {told} Nothing was changed.") from None
    except oddities() as error:
        raise ToolFault(
            f"operation {number} ({operation.do}) cannot be carried out on what {draft.name} holds there "
            f"({type(error).__name__}: {error}). Nothing was changed."
        ) from error
