"""What needs LibreOffice: page numbers of contents, and letters as PDFs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import docx
import pytest
from pypdf import PdfReader

from agent.office.documents.leaves import paragraphs_of, said
from agent.tools.base import Room
from tests.support.operations import edit_document
from tests.support.papers import picture
from tests.support.room import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


async def test_contents_have_entries_and_true_page_numbers(room: Room) -> None:
    picture(room.folder.path / "map.png")
    operations: list[dict[str, Any]] = [
        {"do": "insert_contents", "of": "headings", "title": "Contents"},
        {"do": "insert_contents", "of": "figures"},
    ]
    for number in (1, 2, 3):
        operations += [
            {"do": "insert_break", "kind": "page"},
            {"do": "insert_heading", "text": f"Part {number}", "level": 1},
            {"do": "insert_heading", "text": "Detail", "level": 2},
        ]
    picture_of = {"do": "insert_picture", "picture": "map.png", "alt": "a map", "caption": "The map"}
    reply = await edit_document(room, "report.docx", *operations, picture_of)
    assert not reply.failed, reply.text
    assert "could not be found out" not in reply.text
    made: Any = docx.Document(str(room.folder.path / "report.docx"))
    lines = [said(each) for each in paragraphs_of(made.element.body)]
    assert [line for line in lines if "\t" in line] == [
        "Part 1\t2", "Detail\t2", "Part 2\t3", "Detail\t3", "Part 3\t4", "Detail\t4", "Figure 1: The map\t4",
    ]  # fmt: skip


def letter(room: Room) -> None:
    made: Any = docx.Document()
    made.add_paragraph("Dear {{Name}},")
    made.add_paragraph("you owe us {{Amount}}.")
    made.sections[0].header.paragraphs[0].text = "For {{Name}}"
    made.save(str(room.folder.path / "letter.docx"))


def people(room: Room, names: list[str]) -> None:
    with (room.folder.path / "people.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["Name", "Amount"], *([name, f"{number}.50 €"] for number, name in enumerate(names, 1))]
        )


async def merge(room: Room, output: str, **more: Any) -> Any:
    operation = {"do": "mail_merge", "rows": {"workbook": "people.csv"}, "output": output}
    return await edit_document(room, "letter.docx", operation, **more)


async def test_letters_as_pdf(room: Room) -> None:
    letter(room)
    people(room, ["Ana Díaz", "Ben/Bo", "Zoë"])
    before = (room.folder.path / "letter.docx").read_bytes()
    reply = await merge(room, "letters/{{row}} {{Name}}.pdf")
    assert not reply.failed, reply.text
    made = sorted(path.name for path in (room.folder.path / "letters").iterdir())
    assert made == ["1 Ana Díaz.pdf", "2 Ben_Bo.pdf", "3 Zoë.pdf"]
    text = PdfReader(room.folder.path / "letters" / made[2]).pages[0].extract_text()
    assert "Dear Zoë," in text and "3.50 €" in text and "For Zoë" in text
    assert (room.folder.path / "letter.docx").read_bytes() == before
    assert room.news.going_on == []


async def test_letters_as_documents(room: Room) -> None:
    letter(room)
    people(room, [f"Person {number}" for number in range(80)])
    reply = await merge(room, "out/{{Name}}.docx")
    assert "80 documents made" in reply.text
    made: Any = docx.Document(str(room.folder.path / "out" / "Person 79.docx"))
    assert [each.text for each in made.paragraphs] == ["Dear Person 79,", "you owe us 80.50 €."]
    reply = await merge(room, "out/{{Name}}.docx")
    assert reply.failed and "80 of these files exist already" in reply.text


@pytest.mark.parametrize(
    ("output", "names", "told"),
    [
        ("{{Name}}.pdf", ["Ana", "Ana"], "two rows would both make Ana.pdf"),
        ("../{{Name}}.pdf", ["Ana"], "outside the task's folder"),
        ("{{Nam}}.pdf", ["Ana"], "columns are Name, Amount"),
        ("{{Name}}.txt", ["Ana"], "must end with .pdf or .docx"),
    ],
)
async def test_letters_that_cannot_be_made(room: Room, output: str, names: list[str], told: str) -> None:
    letter(room)
    people(room, names)
    reply = await merge(room, output)
    assert reply.failed and told in reply.text
    assert sorted(path.name for path in room.folder.path.iterdir()) == ["letter.docx", "people.csv"]


async def test_a_field_without_a_column_is_told_before_anything_is_made(room: Room) -> None:
    letter(room)
    (room.folder.path / "people.csv").write_text("Name,Town\nAna,Bonn\n")
    reply = await merge(room, "{{Name}}.docx")
    assert reply.failed and "no column for Amount" in reply.text
    assert not (room.folder.path / "Ana.docx").exists()
