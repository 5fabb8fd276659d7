"""PDFs: reading them, filling forms that every viewer shows, and work on pages."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import NameObject

from agent.office.pdfs import apart, worker
from agent.office.pdfs.inspecting import inspect
from agent.tools.base import Reply, Room
from agent.tools.pdf import pdf_tools
from tests.support.pdfs import Form, application, names, pages_pdf, text, written
from tests.support.room import call, room

pytestmark = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler-utils is not installed")


class Desk:
    """A folder with the tool `pdf`; the worker runs in this process, unless a test wants it apart."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: Room = room(folder)
        self.folder = folder
        (self.tool,) = pdf_tools(self.room)
        self._patch = monkeypatch
        self.here()

    def here(self) -> None:
        async def ask(_: Room, request: dict[str, Any], **__: object) -> list[Any]:
            return worker.answer(request)

        self._patch.setattr("agent.office.pdfs.apart.ask", ask)
        self._patch.setattr("agent.office.pdfs.inspecting.ask", ask)

    def edit(self, path: str, *operations: Mapping[str, object], **more: object) -> Reply:
        full = {"path": path, "source": None, "accept_loss": None, "operations": list(operations), **more}
        return anyio.run(lambda: call(self.tool, None, **full))

    def look(self, path: str, part: str | None = None) -> str:
        reply = anyio.run(lambda: inspect(self.room, self.folder / path, "pdf", part, None))
        assert isinstance(reply, str)
        return reply

    def texts(self, path: str) -> list[str]:
        """What each page shows, as poppler reads it."""
        told = subprocess.run(["pdftotext", self.folder / path, "-"], capture_output=True, text=True, check=True).stdout
        return [page.strip() for page in told.split("\f")[:-1]]

    def seen(self, path: str, page: int = 1) -> np.ndarray[Any, Any]:
        """A page as poppler draws it, at 72 dots an inch."""
        argv = ["pdftoppm", "-r", "72", "-png", "-f", str(page), "-l", str(page), self.folder / path]
        return np.asarray(
            Image.open(io.BytesIO(subprocess.run(argv, capture_output=True, check=True).stdout)).convert("L")
        )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Desk]:
    made = Desk(tmp_path / "task", monkeypatch)
    yield made
    anyio.run(made.room.closing.aclose)


def fill(**fields: object) -> dict[str, object]:
    return {
        "do": "fill",
        "fields": [{"name": name.replace("__", "."), "value": value} for name, value in fields.items()],
    }


def values(path: Path) -> dict[str, object]:
    return {name: field.get("/V") for name, field in (PdfReader(path).get_fields() or {}).items()}


def ink(picture: np.ndarray[Any, Any], node: Any) -> int:
    """Dark points inside a field as it is drawn."""
    left, low, right, high = (round(float(each)) for each in node["/Rect"])
    return int((picture[842 - high + 2 : 842 - low - 2, left + 2 : right - 2] < 100).sum())


FILLED = fill(
    name="Zoë Müller",
    code="AB12",
    remarks="first line\nsecond line",
    address__town="Köln",
    agree=True,
    bare=True,
    size="Medium",
    country="Poland",
    colour="violet",
    languages=["German", "fr"],
)


def test_a_form_is_told_field_by_field(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    lines = desk.look("form.pdf", "form").split("\n")
    assert "name | text | 1 |  | “Full name”; required; at most 40 characters" in lines
    assert "remarks | text | 1 |  | several lines" in lines
    assert "total | text | 1 |  | calculated by a script" in lines
    assert "number | text | 1 | A-17 | read-only" in lines
    assert "address.town | text | 1 |  | required" in lines
    assert "agree | check | 1 | false" in lines
    assert "size | radio | 1 |  | choices: S (Small), M (Medium), L (Large)" in lines
    assert "country | choice | 1 |  | choices: DE (Germany), PL (Poland), FR (France)" in lines
    assert "colour | choice | 1 |  | or any other text; choices: red, green" in lines
    assert "languages | list | 1 |  | several; choices: de (German), pl (Polish), fr (French)" in lines
    assert "sign | signature | 1" in lines


def test_a_form_is_filled_and_every_viewer_shows_it(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    empty = desk.seen("form.pdf")
    reply = desk.edit("form.pdf", FILLED)
    assert not reply.failed, reply.text
    told = values(desk.folder / "form.pdf")
    assert told == {
        "name": "Zoë Müller",
        "code": "AB12",
        "remarks": "first line\nsecond line",
        "total": "",
        "number": "A-17",
        "address": None,
        "address.street": None,
        "address.town": "Köln",
        "agree": "/Yes",
        "bare": "/Yes",
        "size": "/M",
        "country": "PL",
        "colour": "violet",
        "languages": ["de", "fr"],
        "sign": None,
    }
    shown = desk.texts("form.pdf")[0]
    for part in ("Zoë Müller", "second line", "Köln", "Poland", "violet", "German"):
        assert part in shown
    assert "PL" not in shown.split()
    picture = desk.seen("form.pdf")
    page: Any = PdfReader(desk.folder / "form.pdf").pages[0]
    nodes: list[Any] = [reference.get_object() for reference in page["/Annots"]]
    changed = [str(node.get("/T") or node["/AS"]) for node in nodes if ink(picture, node) > ink(empty, node) + 5]
    assert changed == ["name", "code", "remarks", "town", "agree", "bare", "/M", "country", "colour", "languages"]
    for note in (
        "country: Poland",
        "agree: checked",
        "not calculated, since",
        "total",
        "required and still empty: address.street",
    ):
        assert note in reply.text


def test_what_was_filled_can_be_changed_and_emptied(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    desk.edit("form.pdf", FILLED)
    desk.edit("form.pdf", fill(agree=False, size="L", languages=["Polish"], name="", country=""))
    told = values(desk.folder / "form.pdf")
    assert (told["agree"], told["size"], told["languages"], told["name"], told["country"]) == (
        "/Off",
        "/L",
        "pl",
        "",
        "",
    )
    assert "Müller" not in desk.texts("form.pdf")[0]


def test_a_field_can_be_named_by_its_label_and_a_choice_in_any_case(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    reply = desk.edit(
        "form.pdf",
        {"do": "fill", "fields": [{"name": "Full name", "value": "Ada"}, {"name": "country", "value": "GERMANY"}]},
    )
    assert "name: Ada" in reply.text and values(desk.folder / "form.pdf")["country"] == "DE"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"nome": "x"}, "There is no field 'nome'. Nothing was done. There is: name"),
        ({"name": "Ada", "number": "x"}, "'number' is read-only"),
        ({"name": "x" * 41}, "takes at most 40 characters, and these are 41"),
        ({"name": "a\nb"}, "has one line only"),
        ({"name": True}, "takes text"),
        ({"agree": "perhaps"}, "is a check box: true or false"),
        ({"size": "XL"}, "does not offer 'XL'; it offers 'Small', 'Medium', 'Large'"),
        ({"country": "Spain"}, "does not offer 'Spain'"),
        ({"country": ["DE", "PL"]}, "does not offer"),
        ({"sign": "Ada"}, "is a signature, which cannot be filled in"),
    ],
)
def test_what_does_not_fit_a_field_changes_nothing(desk: Desk, fields: dict[str, object], told: str) -> None:
    before = application(desk.folder / "form.pdf").read_bytes()
    reply = desk.edit("form.pdf", fill(**fields))
    assert reply.failed and told in reply.text and "Nothing was done" in reply.text
    assert (desk.folder / "form.pdf").read_bytes() == before
    assert [each.name for each in desk.folder.iterdir()] == ["form.pdf"]


def test_fields_that_share_a_part_of_their_names_are_told_apart(desk: Desk) -> None:
    form = Form()
    form.text("town")
    form.below("home", "town")
    form.below("work", "town")
    form.write(desk.folder / "form.pdf")
    desk.edit("form.pdf", fill(town="Rome", work__town="Oslo"))
    told = values(desk.folder / "form.pdf")
    assert (told["town"], told.get("home.town"), told["work.town"]) == ("Rome", None, "Oslo")
    assert desk.texts("form.pdf")[0].split() == ["Form", "Rome", "Oslo"]


def test_a_form_that_is_flattened_looks_the_same_and_is_none_any_more(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    desk.edit("form.pdf", FILLED)
    before = desk.seen("form.pdf")
    reply = desk.edit("flat.pdf", {"do": "flatten"}, source="form.pdf")
    assert "fields are now part of the pages" in reply.text
    assert np.abs(desk.seen("flat.pdf").astype(int) - before).mean() < 1.0  # but the shade of empty fields
    assert "A-17" in desk.texts("flat.pdf")[0]  # which had no appearance of its own
    assert values(desk.folder / "flat.pdf") == {} and "Zoë Müller" in desk.texts("flat.pdf")[0]
    assert "has no form" in desk.edit("flat.pdf", {"do": "flatten"}).text
    assert "`write_text` can write" in desk.edit("flat.pdf", fill(name="x")).text


def test_pages_are_merged_taken_turned_and_put_in_order(desk: Desk) -> None:
    pages_pdf(desk.folder / "a.pdf", ["Alpha", "Beta", "Gamma"], title="Greek", outline=True)
    pages_pdf(desk.folder / "b.pdf", ["One", "Two"])
    reply = desk.edit(
        "out.pdf",
        {"do": "add_pages", "path": "a.pdf", "pages": None, "before": None},
        {"do": "add_pages", "path": "b.pdf", "pages": "2", "before": 1},
        {"do": "delete_pages", "pages": "3"},
        {"do": "keep_pages", "pages": "3,1-2"},
        {"do": "rotate_pages", "pages": "2-", "degrees": 90},
    )
    assert not reply.failed, reply.text
    assert desk.texts("out.pdf") == ["Gamma", "Two", "Alpha"]
    made = PdfReader(desk.folder / "out.pdf")
    assert [page.rotation for page in made.pages] == [0, 90, 90]
    outline: list[Any] = list(made.outline)
    assert sorted(item.title for item in outline) == ["Alpha", "Gamma"]
    assert "page 2 of b.pdf: now page 1" in reply.text and "out.pdf has 3 pages now" in reply.text


def test_nothing_of_a_page_that_was_taken_out_is_left_in_the_file(desk: Desk) -> None:
    pages_pdf(desk.folder / "a.pdf", ["Public", "Secret"], title="Mixed", outline=True)
    desk.edit("a.pdf", {"do": "delete_pages", "pages": "2"})
    assert b"Secret" in pages_pdf(desk.folder / "b.pdf", ["Public", "Secret"]).read_bytes()
    assert b"Secret" not in (desk.folder / "a.pdf").read_bytes()
    assert PdfReader(desk.folder / "a.pdf").metadata.title == "Mixed"  # pyright: ignore[reportOptionalMemberAccess]


def test_forms_that_are_merged_keep_their_own_values(desk: Desk) -> None:
    application(desk.folder / "form.pdf")
    desk.edit("one.pdf", fill(name="Ada"), source="form.pdf")
    desk.edit("two.pdf", fill(name="Bob"), source="form.pdf")
    reply = desk.edit(
        "both.pdf", {"do": "add_pages", "path": "two.pdf", "pages": None, "before": None}, source="one.pdf"
    )
    assert "now called two.…" in reply.text
    told = values(desk.folder / "both.pdf")
    assert (told["name"], told["two.name"]) == ("Ada", "Bob")
    assert ["Ada" in page for page in desk.texts("both.pdf")] == [True, False]


def test_metadata_is_set_and_removed(desk: Desk) -> None:
    pages_pdf(desk.folder / "a.pdf", ["Alpha"], title="Old")
    desk.edit("a.pdf", {"do": "set_metadata", "title": "", "author": "Ada Müller", "subject": None, "keywords": None})
    told = PdfReader(desk.folder / "a.pdf").metadata
    assert told is not None and (told.title, told.author) == (None, "Ada Müller")


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_text_is_written_where_it_is_seen(desk: Desk, turn: int) -> None:
    pages_pdf(desk.folder / "a.pdf", ["x"])
    if turn:
        desk.edit("a.pdf", {"do": "rotate_pages", "pages": None, "degrees": turn})
    before = desk.seen("a.pdf").astype(int)
    reply = desk.edit(
        "a.pdf", {"do": "write_text", "page": 1, "left": 100, "top": 60, "text": "Größe:\n12 €", "size": 20}
    )
    assert not reply.failed, reply.text
    rows, columns = np.nonzero(np.abs(desk.seen("a.pdf").astype(int) - before) > 50)
    assert abs(columns.min() - 100 * 72 / 25.4) < 4 and abs(rows.min() - (60 * 72 / 25.4 - 15)) < 5
    assert columns.max() - columns.min() > rows.max() - rows.min()  # upright, as the page is seen
    assert (
        "is not on it"
        in desk.edit("a.pdf", {"do": "write_text", "page": 1, "left": 400, "top": 6, "text": "x", "size": None}).text
    )


def signed(path: Path) -> Path:
    form = Form()
    form.text("name")
    form.signature("approval", signed=True)
    return form.write(path)


def test_a_signature_is_not_broken_unasked(desk: Desk) -> None:
    before = signed(desk.folder / "s.pdf").read_bytes()
    assert "signed: approval; a change breaks that" in desk.look("s.pdf")
    reply = desk.edit("s.pdf", fill(name="x"))
    assert reply.failed and "This would lose the signature in approval" in reply.text and "accept_loss" in reply.text
    assert (desk.folder / "s.pdf").read_bytes() == before
    reply = desk.edit("s.pdf", fill(name="x"), accept_loss=True)
    assert "lost, as accepted: the signature" in reply.text and "signed" not in desk.look("s.pdf")


def test_tags_and_numbering_are_not_lost_unasked(desk: Desk) -> None:
    writer = PdfWriter(clone_from=pages_pdf(desk.folder / "t.pdf", ["A", "B"]))
    writer.root_object[NameObject("/StructTreeRoot")] = names(Type="StructTreeRoot")
    writer.set_page_label(0, 1, PageLabelStyle.LOWERCASE_ROMAN)
    written(writer, desk.folder / "t.pdf")
    reply = desk.edit("t.pdf", {"do": "delete_pages", "pages": "1"})
    assert "the tags that screen readers use; the pages' own numbering" in reply.text
    assert not desk.edit("t.pdf", {"do": "rotate_pages", "pages": None, "degrees": 180}).failed
    assert "/StructTreeRoot" in PdfReader(desk.folder / "t.pdf").root_object


def encrypted(path: Path, user: str) -> Path:
    writer = PdfWriter(clone_from=pages_pdf(path, ["Secret"]))
    writer.encrypt(user, "owner", algorithm="AES-256")
    return written(writer, path)


def test_a_long_pdf_is_read_in_parts(desk: Desk) -> None:
    pages_pdf(desk.folder / "a.pdf", [f"Page {number} {'word ' * 200}" for number in range(1, 61)])
    told = desk.look("a.pdf", "all")
    assert "--- page 1 ---" in told and len(told) < 21_000
    assert told.split("\n")[-1].startswith("… cut here; go on with pages ")


def test_protected_files(desk: Desk) -> None:
    encrypted(desk.folder / "p.pdf", "password")
    reply = desk.edit("p.pdf", {"do": "rotate_pages", "pages": None, "degrees": 90})
    assert reply.failed and "protected with a password" in reply.text
    encrypted(desk.folder / "o.pdf", "")
    assert "its owner has restricted" in desk.look("o.pdf")
    reply = desk.edit("o.pdf", {"do": "rotate_pages", "pages": None, "degrees": 90})
    assert "This would lose its protection" in reply.text


def cut_short(path: Path) -> None:
    path.write_bytes(pages_pdf(path, ["A"] * 30).read_bytes()[:400])


def of_nothing(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n" + b"garbage " * 100)


def test_files_that_are_too_large_are_told(desk: Desk) -> None:
    pages_pdf(desk.folder / "a.pdf", ["A"])
    with (desk.folder / "a.pdf").open("r+b") as file:
        file.truncate(400 << 20)
    reply = desk.edit("a.pdf", {"do": "rotate_pages", "pages": None, "degrees": 90})
    assert reply.failed and "a.pdf has 400 MB; PDFs of at most 300 MB are taken here" in reply.text


def test_forms_that_only_adobe_knows_are_told(desk: Desk) -> None:
    form = Form()
    form.form[NameObject("/XFA")] = text("<xdp/>")
    form.write(desk.folder / "x.pdf")
    assert "form: XFA" in desk.look("x.pdf")
    assert "only Adobe's own programs can fill" in desk.edit("x.pdf", fill(name="x")).text


@pytest.mark.parametrize("make", [cut_short, of_nothing])
def test_damaged_files_are_told(desk: Desk, make: Callable[[Path], None]) -> None:
    make(desk.folder / "d.pdf")
    before = (desk.folder / "d.pdf").read_bytes()
    reply = desk.edit("d.pdf", {"do": "rotate_pages", "pages": None, "degrees": 90})
    assert reply.failed and "d.pdf" in reply.text and "damaged" in reply.text
    assert (desk.folder / "d.pdf").read_bytes() == before


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"do": "delete_pages", "pages": "1-3"}, "No page would be left"),
        ({"do": "delete_pages", "pages": "4"}, "it has 3 pages; '4' is not there"),
        ({"do": "keep_pages", "pages": "1,1"}, "names a page twice"),
        ({"do": "keep_pages", "pages": "first"}, "pages must be like"),
        ({"do": "rotate_pages", "pages": None, "degrees": 45}, "degrees"),
        ({"do": "add_pages", "path": "a.pdf", "pages": None, "before": 9}, "There is no page 9"),
        ({"do": "add_pages", "path": "../a.pdf", "pages": None, "before": None}, "outside the task's folder"),
        ({"do": "add_pages", "path": "none.pdf", "pages": None, "before": None}, "none.pdf does not exist"),
        (
            {"do": "write_text", "page": 1, "left": 1, "top": 1, "text": "שלום", "size": None},
            "cannot be written on a page",
        ),
    ],
)
def test_what_cannot_be_done_changes_nothing(desk: Desk, operation: dict[str, object], told: str) -> None:
    before = pages_pdf(desk.folder / "a.pdf", ["A", "B", "C"]).read_bytes()
    reply = desk.edit("a.pdf", {"do": "rotate_pages", "pages": None, "degrees": 90}, operation)
    assert reply.failed and told in reply.text
    assert (desk.folder / "a.pdf").read_bytes() == before


def test_names_that_are_no_pdfs(desk: Desk) -> None:
    (desk.folder / "t.txt").write_text("hello")
    (desk.folder / "fake.pdf").write_text("hello")
    pages_pdf(desk.folder / "a.pdf", ["A"])
    turn = {"do": "rotate_pages", "pages": None, "degrees": 90}
    assert "must end with .pdf" in desk.edit("t.txt", turn).text
    assert "wrong extension" in desk.edit("fake.pdf", turn).text
    assert "exists already" in desk.edit("a.pdf", turn, source="a.pdf").text
    assert "would have no pages" in desk.edit("new.pdf").text


def test_the_overview_says_what_there_is(desk: Desk) -> None:
    writer = PdfWriter(clone_from=pages_pdf(desk.folder / "a.pdf", ["Alpha", "Beta"], title="Greek", outline=True))
    writer.add_attachment("data.csv", b"a,b")
    written(writer, desk.folder / "a.pdf")
    told = desk.look("a.pdf")
    for line in (
        "a.pdf: PDF, 2 pages, A4 210 x 297 mm",
        "title: Greek",
        "attached: data.csv",
        "outline:",
        "  Beta  2",
        "text of page 1:",
    ):
        assert line in told.split("\n")
    assert desk.look("a.pdf", "2").split() == ["---", "page", "2", "---", "Beta"]
    assert desk.look("a.pdf", "2,1").split("---") == ["", " page 2 ", "\nBeta\n", " page 1 ", "\nAlpha"]
    assert "has 2 pages; '3' is not there" in anyio.run(lambda: _fault(desk, "3"))


async def _fault(desk: Desk, part: str) -> str:
    from agent.errors import ToolFault

    with pytest.raises(ToolFault) as raised:
        await inspect(desk.room, desk.folder / "a.pdf", "pdf", part, None)
    return str(raised.value)


def test_the_worker_apart_does_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    application(desk.folder / "form.pdf")
    assert "name: Ada" in desk.edit("form.pdf", fill(name="Ada")).text
    of_nothing(desk.folder / "d.pdf")
    reply = desk.edit("d.pdf", fill(name="Ada"))
    assert reply.failed and "d.pdf is damaged" in reply.text
    monkeypatch.setattr(apart, "SECONDS", 0.01)
    assert "took more than" in desk.edit("form.pdf", fill(name="Bob")).text
    assert values(desk.folder / "form.pdf")["name"] == "Ada"
