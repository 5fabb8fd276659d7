"""Pages of documents as pictures, and conversions by LibreOffice."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from openpyxl import Workbook
from PIL import Image

from agent.errors import ToolFault
from agent.tools.office import office_of
from agent.tools.render import render_tools
from tests.support.room import call, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_pages_are_drawn_once_and_kept_until_the_file_changes(tmp_path: Path) -> None:
    async with opened(tmp_path / "folder") as room:
        path = room.folder.path / "a.xlsx"
        book = Workbook()
        for row in range(1, 120):
            book.worksheets[0].cell(row, 1, row)
        book.save(path)
        (render,) = render_tools(room)
        first = await call(render, path="a.xlsx", pages=[2, 1], width=400)
        assert first.text == "a.xlsx: 3 pages; here: 2, 1." and len(first.pictures) == 2
        with Image.open(io.BytesIO(first.pictures[0].data)) as picture:
            assert picture.size == (400, first.pictures[0].height) and min(picture.convert("L").tobytes()) < 100
        began = time.monotonic()
        await office_of(room).pdf(path)
        assert time.monotonic() - began < 0.2
        wrong = await call(render, path="a.xlsx", pages=[4], width=None)
        assert wrong.failed and "has 3 pages" in wrong.text
        scratch = office_of(room).scratch
        broken = room.folder.path / "b.odt"
        broken.write_bytes(path.read_bytes())
        assert "wrong extension" in (await call(render, path="b.odt", pages=None, width=None)).text
        with pytest.raises(ToolFault, match="LibreOffice could not"):
            await office_of(room).convert(path, scratch / "x.docx")
    assert not scratch.exists()


async def test_a_picture_is_shown_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "folder") as room:
        Image.new("RGB", (3000, 1000), "navy").save(room.folder.path / "a.jpg")
        (render,) = render_tools(room)
        reply = await call(render, path="a.jpg", pages=None, width=600)
        assert (reply.pictures[0].width, reply.pictures[0].height) == (600, 200) and "shown at" in reply.text
