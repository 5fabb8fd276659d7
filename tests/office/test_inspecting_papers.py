"""What `inspect` tells of decks and text documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.tools.base import Room
from agent.tools.inspect import inspect_tools
from tests.support.operations import edit_document, edit_slides
from tests.support.papers import deck, parts, report, write
from tests.support.room import call, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    async with opened(tmp_path / "work") as made:
        yield made


async def told(room: Room, path: str, **more: Any) -> str:
    return (await call(inspect_tools(room)[0], path=path, **more)).text


async def test_a_deck(room: Room) -> None:
    deck(room.folder.path / "deck.pptx")
    text = await told(room, "deck.pptx")
    assert "pptx, 2 slides of 25.4×19.1 cm" in text and "holds macros" in text
    assert "layouts: 'Title Slide', 'Title and Content'" in text
    assert "slide 1 [Title and Content]" in text and "notes: Say hello" in text
    assert "body placeholder" in text and "Revenue rose by 12 %" in text
    assert "bar chart; categories: a | b" in text and "series 'one': 1 | 2" in text
    assert "table at" in text and "r1: Head | " in text
    assert "accent1=4F81BD" in text
    runs = await told(room, "deck.pptx", part="1", detail="runs")
    assert "run 'rose': bold" in runs and "slide 2" not in runs
    assert "there is no slide 7" in await told(room, "deck.pptx", part="7")


async def test_what_does_not_fit_on_a_slide(room: Room) -> None:
    box = {"left": 30, "top": 2, "width": 6, "height": 1}
    text = "Far too many words for so small a place on the slide " * 3
    shape = {"do": "add_shape", "kind": "rectangle", "box": box, "text": text}
    await edit_slides(room, "deck.pptx", {"do": "add_slide", "layout": "Blank"}, shape, {**shape, "kind": "oval"})
    found = await told(room, "deck.pptx")
    assert "needs about" in found and "reaches beyond the slide" in found


async def test_a_document(room: Room) -> None:
    report(room.folder.path / "report.docx")
    await edit_document(room, "report.docx", {"do": "replace_text", "find": "30", "replace": "45"}, author="Ana")
    text = await told(room, "report.docx")
    assert "docx, 6 blocks, 1 sections" in text and "header: Agreement" in text and "holds macros" in text
    assert "1 [heading 1] First part" in text.replace("[H", "[h")
    assert "2 [Normal] The fee is one hundred euros, due within {-30-}{+45+} days." in text
    assert "3 [table of 2 rows]" in text and "picture 1 2.8×1.8 cm" in text
    assert "comment 0 by Ben, on 'one hundred': Sure?" in text
    assert "change 1 (block 2, Ana, " in text and "deleted: '30'" in text
    assert (await told(room, "report.docx", part="5-6")).splitlines()[0].casefold() == "5 [heading 1] second part"
    assert "run 'one hundred': bold" in await told(room, "report.docx", part="2", detail="runs")
    assert "paragraph 'heading 1', used 2 times" in (await told(room, "report.docx", part="styles")).casefold()


async def test_a_long_document_is_cut_with_the_way_on(room: Room) -> None:
    paragraphs = [{"text": f"Paragraph {number} " + "word " * 60} for number in range(200)]
    await edit_document(room, "long.docx", {"do": "insert_paragraphs", "paragraphs": paragraphs})
    text = await told(room, "long.docx")
    assert len(text) < 20_300 and "cut here, at block" in text


async def test_pictures_that_lie_elsewhere_are_named_and_not_fetched(room: Room) -> None:
    path = deck(room.folder.path / "deck.pptx")
    content = parts(path)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    link = f'Id="rIdX" Type="{kind}" TargetMode="External"'
    rels = content["ppt/slides/_rels/slide2.xml.rels"].decode()
    rels = rels.replace("</Relationships>", f'<Relationship {link} Target="http://192.0.2.1/spy.png"/></Relationships>')
    slide = content["ppt/slides/slide2.xml"].decode()
    start = slide.index("<a:blip r:embed=")
    slide = slide[:start] + '<a:blip r:link="rIdX"/>' + slide[slide.index("/>", start) + 2 :]
    write(path, {**content, "ppt/slides/_rels/slide2.xml.rels": rels.encode(), "ppt/slides/slide2.xml": slide.encode()})
    assert "linked from http://192.0.2.1/spy.png (not fetched)" in await told(room, "deck.pptx")
    before = parts(path)
    await edit_slides(room, "deck.pptx", {"do": "set_text", "slide": 2, "shape": "title", "text": "New"})
    assert parts(path)["ppt/slides/_rels/slide2.xml.rels"] == before["ppt/slides/_rels/slide2.xml.rels"]
