"""Documents open in LibreOffice on the private desktop: edited there, with what is not saved, on the screen."""

from __future__ import annotations

import io
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import docx
import numpy as np
import openpyxl
import pptx
import pytest
from PIL import Image

from actuators.actions import Keypress, Type
from agent.errors import ToolFault
from agent.office.documents import operations as words
from agent.office.live import edit_live, inspect_live, pdf_live
from agent.office.slides import operations as slides
from agent.office.spreadsheets import looks
from agent.office.spreadsheets import operations as cells
from agent.tools.base import Room
from tests.support.asked import make
from tests.support.desk import desk
from tests.support.room import opened
from tests.support.waiting import eventually
from vm import warden
from vm.desktop import PrivateDesktop
from vm.libreoffice import python_with_uno

pytestmark = [
    pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed"),
    pytest.mark.skipif(not any(Path("/usr/lib").glob("python3*/dist-packages/uno.py")), reason="no python3-uno"),
]
MAGENTA = (255, 0, 255)
FILL = make(looks.Look, fill="FF00FF")


class Desk:
    """A desktop with a document open, and the tools' way to it."""

    def __init__(self, desktop: PrivateDesktop, room: Room, path: Path) -> None:
        self.desktop, self.room, self.path = desktop, room, path

    async def edit(self, *operations: Any, **more: Any) -> str | None:
        """Edit the document where it is open."""
        return await edit_live(self.room, self.path, operations, **more)

    async def press(self, *actions: Type | Keypress) -> None:
        """With the keyboard, as the model does it."""
        shot = await self.desktop.screenshot()
        for action in actions:
            await self.desktop.perform(action, shot.space)

    async def state(self) -> Path:
        """The document as it stands, unsaved."""
        found = await inspect_live(self.room, self.path)
        assert found is not None
        return found

    async def becomes(self, read: Callable[[Path], object], wanted: object) -> None:
        """Keys take their time: until the document is like that."""
        with anyio.move_on_after(15):
            while read(await self.state()) != wanted:
                await anyio.sleep(0.1)
        assert read(await self.state()) == wanted

    async def magenta(self) -> int:
        """How many pixels of the screen have the colour that tests paint with."""
        shot = await self.desktop.screenshot()
        with Image.open(io.BytesIO(shot.image)) as image:
            return int((np.asarray(image.convert("RGB")) == MAGENTA).all(axis=2).sum())

    async def saved_by_key(self) -> None:
        """Ctrl+S, and the file has changed."""
        before = self.path.stat().st_mtime_ns
        await self.press(Keypress(("CTRL", "S")))
        await eventually(lambda: self.path.stat().st_mtime_ns != before)

    def programs(self) -> list[int]:
        """The processes of LibreOffice."""
        run = Path(self.desktop.environment["HOME"]).parent.name
        return [pid for pid in warden.marked(run) if comm(pid) == "soffice.bin"]


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def on_desk(path: Path, body: Callable[[Desk], Awaitable[None]]) -> None:
    with desk(path.parent, path.name) as desktop:

        async def main() -> None:
            async with opened(path.parent, live=desktop.live_office) as room:
                await body(Desk(desktop, room, path))

        anyio.run(main)


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data"
    sheet["A1"] = 1
    book.save(path)
    return path


def row(path: Path, *names: str) -> list[Any]:
    book: Any = openpyxl.load_workbook(path)
    return [book["Data"][name].value for name in names]


def put(at: str, *rows: Sequence[Any], sheet: str = "Data") -> Any:
    return make(cells.SetCells, do="set_cells", sheet=sheet, at=at, rows=[list(each) for each in rows])


def test_a_workbook_is_edited_live_without_losing_what_was_typed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx")

    async def body(at: Desk) -> None:
        # Nothing was unsaved: what is edited is on the screen, and on disk.
        assert await at.magenta() == 0
        told = await at.edit(put("C3", ["sum", "=A1+1"]), _painted("C3:E6"))
        assert told is not None and "It was saved." in told
        assert await at.magenta() > 2_000
        assert row(path, "C3", "D3") == ["sum", "=A1+1"]
        assert await inspect_live(at.room, path) is None

        # Typed and entered, and typed without Enter: neither is lost, and nothing is written underneath.
        await at.press(Keypress(("CTRL", "HOME")), Type("5\nhalf typed"))
        told = await at.edit(put("B8", ["ours"]))
        assert told is not None and "unsaved changes before" in told
        assert row(await at.state(), "A1", "A2", "B8", "D3") == [5, "half typed", "ours", "=A1+1"]
        assert row(path, "A1", "A2", "B8") == [1, None, None]

        # All of it or nothing, and Ctrl+Z takes one edit back, no more.
        with pytest.raises(ToolFault, match=r"operation 2: there is no sheet 'Nowhere'.*Nothing was changed"):
            await at.edit(put("A1", [99]), put("A1", [99], sheet="Nowhere"))
        assert row(await at.state(), "A1", "B8") == [5, "ours"]
        await at.press(Keypress(("CTRL", "Z")))
        await at.becomes(lambda found: row(found, "A1", "A2", "B8", "C3"), [5, "half typed", None, "sum"])

        # What is saved there has both.
        await at.edit(put("B9", ["again"]))
        await at.saved_by_key()
        assert row(path, "A1", "A2", "B9") == [5, "half typed", "again"]
        pdf = await pdf_live(at.room, path)
        assert pdf is None, "there is nothing that the file does not have"

        # What the sheet forbids is told, and what stands in the way.
        await at.edit(make(cells.Protect, do="protect", sheet="Data", on=True))
        with pytest.raises(ToolFault, match="sheet Data is protected"):
            await at.edit(put("A1", [1]))
        await at.edit(make(cells.Protect, do="protect", sheet="Data", on=False))
        await at.press(Keypress(("CTRL", "1")))
        await eventually(lambda: at.desktop.live_office.in_the_way())
        with pytest.raises(ToolFault, match=r"dialog “Format Cells”; answer it on the screen first. Nothing was"):
            await at.edit(put("A1", [1]))
        await at.press(Keypress(("ESC",)))

    on_desk(path, body)


def _painted(where: str) -> Any:
    return make(cells.Format, do="format", sheet="Data", cells=where, look=FILL)


@pytest.mark.slow
def test_one_that_hangs_or_dies_is_told_in_time_and_the_next_one_can_be_asked(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx")

    async def body(at: Desk) -> None:
        await at.edit(put("A2", ["before"]))
        office, programs = at.desktop.live_office, at.programs()
        assert programs
        for pid in programs:
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(ToolFault, match=r"has not answered for 1 s; it hangs, or is busy.*look at the screen"):
            await office.ask({"do": "list"}, 1.0)
        assert time.monotonic() - started < 10
        for pid in programs:
            os.kill(pid, signal.SIGCONT)
        assert (await office.ask({"do": "list"}, 30.0))["documents"][0]["path"] == str(path)

        for pid in programs:
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not at.programs())
        with pytest.raises((ToolFault, LookupError)):
            await office.ask({"do": "list"}, 10.0)
        assert path.with_name(f".~lock.{path.name}#").exists()
        assert await at.edit(put("A3", ["x"])) is None, "it is not open any more, and its lock is nobody's"
        await at.desktop.open(path.name)
        told = await at.edit(put("A3", ["after"]))
        assert told is not None
        assert row(path, "A2", "A3") == ["before", "after"]

    on_desk(path, body)


@pytest.mark.slow
def test_a_text_is_edited_live_and_changes_are_tracked(tmp_path: Path) -> None:
    path = tmp_path / "text.docx"
    made: Any = docx.Document()
    made.add_heading("Contract", 0)
    made.add_paragraph("The fee is due.")
    made.add_paragraph("Signed.")
    made.save(path)

    async def body(at: Desk) -> None:
        await at.press(Keypress(("CTRL", "END")), Type(" By hand"))
        told = await at.edit(
            make(
                words.InsertParagraphs, do="insert_paragraphs", markup=False,
                at=words.Place(side="after", block=2, text=None),
                paragraphs=[words.Paragraph(text="Within a month.", style=None)],
            ),
            _replaced("fee", "price"),
        )  # fmt: skip
        assert told is not None and "unsaved changes before" in told
        wanted = ["Contract", "The price is due.", "Within a month.", "Signed. By hand"]
        assert paragraphs(await at.state()) == wanted
        assert paragraphs(path) == ["Contract", "The fee is due.", "Signed."]

        await at.edit(_replaced("price", "sum"), author="Ann Example")
        xml = body_of(await at.state())
        assert 'w:author="Ann Example"' in xml and "<w:del " in xml and "<w:ins " in xml
        await at.press(Keypress(("CTRL", "Z")))
        await at.becomes(paragraphs, wanted)
        assert "<w:del " not in body_of(await at.state())
        with pytest.raises(ToolFault, match=r"operation 2: there is no block 40.*Nothing was changed"):
            await at.edit(
                _replaced("price", "sum"), make(words.ReplaceParagraph, do="replace_paragraph", block=40, text="")
            )
        assert paragraphs(await at.state()) == wanted
        await at.saved_by_key()
        assert paragraphs(path) == wanted

    on_desk(path, body)


def _replaced(find: str, replace: str) -> Any:
    return make(words.ReplaceText, do="replace_text", find=find, replace=replace, match_case=True, whole_words=True)


def paragraphs(path: Path) -> list[str]:
    found: Any = docx.Document(str(path))
    return [paragraph.text for paragraph in found.paragraphs]


def body_of(path: Path) -> str:
    found: Any = docx.Document(str(path))
    return str(found.element.xml)


@pytest.mark.slow
def test_slides_are_edited_live(tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    made: Any = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Plan", "One"
    made.save(path)

    async def body(at: Desk) -> None:
        box = slides.Box(left=2, top=12, width=8, height=4)
        right = slides.Box(left=13, top=12, width=10, height=3)
        told = await at.edit(
            make(slides.SetText, do="set_text", slide=1, shape="title", text="New plan"),
            make(slides.AddSlide, do="add_slide", title="Second", body="a\n\tb", notes="Say it"),
            make(slides.AddShape, do="add_shape", kind="rectangle", box=box, fill="FF00FF"),
            make(slides.AddTable, do="add_table", rows=[["Region", "Q1"], ["Nordland", "1,284"]], box=right),
        )
        assert told is not None and "It was saved." in told
        table = next(one.table for one in deck(path).slides[1].shapes if one.has_table)
        wide, narrow = (column.width / 360_000 for column in table.columns)
        assert wide > narrow > 2 and wide + narrow == pytest.approx(10, abs=0.2)
        assert titles(path) == ["New plan", "Second"]
        assert await at.magenta() > 2_000, "the slide that was changed is in front"

        shape = next(one for one in deck(await at.state()).slides[1].shapes if one.shape_type == 1)
        named = deck(await at.state()).slides[0].shapes.title.name
        twice = [make(slides.SetText, do="set_text", slide=1, shape=named, text=text) for text in ("Other", "New plan")]
        await at.edit(*twice)
        await at.edit(make(slides.DeleteShape, do="delete_shape", slide=2, shape=f"#{shape.shape_id}"))
        with anyio.fail_after(60):
            while await at.magenta():  # the small picture beside follows later
                await anyio.sleep(0.1)
        with pytest.raises(ToolFault, match=r"operation 2: there is no shape 'nothing'.*Nothing was changed"):
            await at.edit(
                make(slides.SetText, do="set_text", slide=1, shape="title", text="Wrong"),
                make(slides.DeleteShape, do="delete_shape", slide=1, shape="nothing"),
            )
        assert titles(await at.state()) == ["New plan", "Second"]
        for _ in range(3):
            await at.press(Keypress(("CTRL", "Z")))
        await at.becomes(titles, ["Plan"])

    on_desk(path, body)


@pytest.mark.parametrize(
    ("files", "python"),
    [
        (["usr/bin/python3", "usr/lib/python3/dist-packages/uno.py"], "/usr/bin/python3"),
        (["usr/bin/python3", "opt/libreoffice24.8/program/python"], "/opt/libreoffice24.8/program/python"),
        (["usr/bin/python3"], ""),
    ],
)
def test_the_python_that_can_ask_is_found(tmp_path: Path, files: list[str], python: str) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert python_with_uno(tmp_path) == python


def deck(path: Path) -> Any:
    return pptx.Presentation(str(path))


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in deck(path).slides]
