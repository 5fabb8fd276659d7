"""Tracked changes: written for every edit, listed, accepted and rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docx
import pytest

from agent.office.documents.changes import changes_of
from agent.office.documents.draft import open_draft
from agent.tools.base import Room
from tests.support.operations import edit_document
from tests.support.papers import changed, parts, report
from tests.support.room import opened

pytestmark = pytest.mark.anyio

EDITS: tuple[dict[str, Any], ...] = (
    {"do": "replace_text", "find": "30 days", "replace": "45 days"},
    {"do": "replace_paragraph", "block": 6, "text": "Nothing more is agreed at all."},
    {"do": "insert_paragraphs", "at": {"side": "after", "block": 2}, "paragraphs": [{"text": "Interest is 5 %."}]},
    {"do": "move_blocks", "first": 6, "last": 6, "at": {"side": "before", "block": 1}},
    {"do": "delete_blocks", "first": 5, "last": 5},
    {"do": "set_cells", "block": 3, "row": 1, "column": 1, "rows": [["Title"], [""], ["more"]]},
    {"do": "format_paragraphs", "first": 2, "last": 2, "words": "euros", "italic": True},
)


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        report(made.folder.path / "report.docx")
        yield made


def content(room: Room) -> list[Any]:
    """What the document says and how, as anybody reads it."""
    made: Any = docx.Document(str(room.folder.path / "report.docx"))
    paragraphs = [
        (each.style.name, [(run.text, run.bold, run.italic) for run in each.runs if run.text])
        for each in made.paragraphs
    ]
    return [paragraphs, [[cell.text for cell in row.cells] for row in made.tables[0].rows]]


def joined(found: list[Any]) -> list[Any]:
    """The same with runs of one look put together."""
    paragraphs: list[Any] = []
    for style, runs in found[0]:
        pieces: list[list[Any]] = []
        for text, *look in runs:
            if pieces and pieces[-1][1:] == look:
                pieces[-1][0] += text
            else:
                pieces.append([text, *look])
        paragraphs.append((style, pieces))
    return [paragraphs, found[1]]


async def test_every_edit_is_a_change_that_can_be_rejected(room: Room) -> None:
    before = joined(content(room))
    reply = await edit_document(room, "report.docx", *EDITS, author="Ana")
    assert not reply.failed, reply.text
    found = changes_of(open_draft(room.folder.path / "report.docx", "report.docx"))
    assert {change.author for change in found} == {"Ana"}
    kinds = {change.kind for change in found}
    assert kinds == {"inserted", "deleted", "moved away", "moved here", "look"}
    reply = await edit_document(room, "report.docx", {"do": "decide_changes", "accept": False})
    assert not reply.failed, reply.text
    assert joined(content(room)) == before


async def test_accepting_is_the_same_as_editing_without_tracking(room: Room) -> None:
    path = room.folder.path / "report.docx"
    original = path.read_bytes()
    await edit_document(room, "report.docx", *EDITS)
    plain = joined(content(room))
    path.write_bytes(original)
    room.folder.note(path)
    await edit_document(room, "report.docx", *EDITS, author="Ana")
    assert joined(content(room)) != plain
    await edit_document(room, "report.docx", {"do": "decide_changes", "accept": True})
    assert joined(content(room)) == plain
    body = parts(path)["word/document.xml"]
    assert not any(mark in body for mark in (b"<w:ins ", b"<w:del ", b"w:move", b"delText", b"PrChange"))


async def test_only_the_words_that_differ_are_marked(room: Room) -> None:
    path = room.folder.path / "report.docx"
    before = parts(path)
    await edit_document(room, "report.docx", EDITS[0], author="Ana")
    assert changed(before, path) == {"word/document.xml"}
    found = changes_of(open_draft(path, "report.docx"))
    assert [(change.kind, change.text) for change in found] == [("deleted", "30"), ("inserted", "45")]


async def test_a_replacement_within_a_bold_run_stays_bold(room: Room) -> None:
    operation = {"do": "replace_text", "find": "hundred", "replace": "thousand"}
    await edit_document(room, "report.docx", operation, author="Ana")
    await edit_document(room, "report.docx", {"do": "decide_changes", "accept": True})
    assert ["one thousand", True, None] in joined(content(room))[0][1][1]


async def test_changes_are_decided_by_number_and_author(room: Room) -> None:
    await edit_document(room, "report.docx", EDITS[0], author="Ana")
    await edit_document(
        room, "report.docx", {"do": "replace_text", "find": "Nothing", "replace": "Something"}, author="Ben"
    )
    reply = await edit_document(room, "report.docx", {"do": "decide_changes", "accept": False, "author": "Ben"})
    assert "2 changes rejected, 2 left" in reply.text
    reply = await edit_document(room, "report.docx", {"do": "decide_changes", "accept": True, "changes": [1]})
    assert "1 changes accepted, 1 left" in reply.text
    reply = await edit_document(room, "report.docx", {"do": "decide_changes", "accept": True, "changes": [9]})
    assert reply.failed and "there is no change 9; there are 1" in reply.text


async def test_what_one_inserted_oneself_is_simply_gone(room: Room) -> None:
    await edit_document(room, "report.docx", EDITS[0], author="Ana")
    await edit_document(
        room, "report.docx", {"do": "replace_text", "find": "45 days", "replace": "60 days"}, author="Ana"
    )
    found = changes_of(open_draft(room.folder.path / "report.docx", "report.docx"))
    assert [(change.kind, change.text) for change in found] == [("deleted", "30"), ("inserted", "60")]


async def test_others_insertions_are_marked_as_deleted(room: Room) -> None:
    await edit_document(room, "report.docx", EDITS[0], author="Ana")
    await edit_document(
        room, "report.docx", {"do": "replace_text", "find": "45 days", "replace": "60 days"}, author="Ben"
    )
    await edit_document(room, "report.docx", {"do": "decide_changes", "accept": False, "author": "Ben"})
    found = changes_of(open_draft(room.folder.path / "report.docx", "report.docx"))
    assert [(change.author, change.kind, change.text) for change in found] == [
        ("Ana", "deleted", "30"), ("Ana", "inserted", "45"),
    ]  # fmt: skip
