"""Footnotes."""

from __future__ import annotations

from typing import Any, Final

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import paragraph
from agent.office.documents.draft import Draft
from agent.office.documents.fields import insert_runs_after
from agent.office.documents.leaves import said
from agent.office.documents.tracking import owner
from agent.office.xml import NAMESPACES, Element, add, first, make, q

_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_EMPTY: Final = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:footnotes xmlns:w="{NAMESPACES["w"]}">'
    '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    '<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p></w:footnote>'
    "</w:footnotes>"
).encode()


def insert_footnote(draft: Draft, operation: do.InsertFootnote) -> str:
    """A footnote."""
    if not operation.text.strip():
        raise ToolFault("a footnote needs a text.")
    root = draft.root(_part(draft))
    number = max((int(each.get(q("w:id"))) for each in root), default=0) + 1
    mark = _reference_style(draft)
    run = make(draft.body, "w:r")
    add(add(run, "w:rPr"), "w:rStyle", {"w:val": mark})
    add(run, "w:footnoteReference", {"w:id": str(number)})
    insert_runs_after(draft, operation.block, operation.after, [run])
    note = add(root, "w:footnote", {"w:id": str(number)})
    note.append(_text(draft, operation.text, mark))
    return f"footnote {number} inserted"


def _text(draft: Draft, text: str, mark: str) -> Element:
    element = paragraph(draft, f" {text.strip()}", styles.identity(draft, "footnote text"))
    run = make(element, "w:r")
    add(add(run, "w:rPr"), "w:rStyle", {"w:val": mark})
    add(run, "w:footnoteRef")
    first(element, "w:pPr").addnext(run)
    return element


def _part(draft: Draft) -> Any:
    """The part of the footnotes, made where there is none."""
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    for relation in draft.part.rels.values():
        if relation.reltype == _RELATION:
            return relation.target_part
    part = Part(PackURI("/word/footnotes.xml"), _TYPE, _EMPTY, draft.part.package)
    draft.part.relate_to(part, _RELATION)
    return part


def _reference_style(draft: Draft) -> str:
    known = styles.find(draft, "footnote reference", "character")
    if known is None:
        known = styles.new_style(draft, "footnote reference", "character", None)
        add(styles.part_of(known, "w:rPr"), "w:vertAlign", {"w:val": "superscript"})
    return known.get(q("w:styleId"))


def footnotes(draft: Draft) -> list[tuple[str, str]]:
    """Numbers and texts of footnotes and endnotes."""
    found: list[tuple[str, str]] = []
    for name, root in draft.stories():
        if name in ("footnotes", "endnotes"):
            found += [
                (f"{name[:-1]} {note.get(q('w:id'))}", " ".join(said(each) for each in note.iter(q("w:p"))).strip())
                for note in root
                if note.get(q("w:type")) is None and owner(note) is None
            ]
    return found
