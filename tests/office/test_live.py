"""What of an open document can be asked for, and when a file must not be written underneath it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from agent.errors import ToolFault
from agent.office.documents import operations as words
from agent.office.live import edit_live, inspect_live, refuse_if_open
from agent.office.live_requests import KNOWN
from agent.office.slides import operations as slides
from agent.office.spreadsheets import operations as cells
from agent.tools.folder import Folder
from tests.support.asked import make
from tests.support.room import opened

SET = make(cells.SetCells, do="set_cells", sheet="A", at="B2", rows=[[1.0, "=A1"], [None, True]])


class Office:
    """A LibreOffice that has one document open and says what it was asked."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        self.document, self.asked = document, list[dict[str, Any]]()

    async def ask(self, request: Mapping[str, Any], seconds: float = 30.0) -> dict[str, Any]:
        """As `agent.tools.ports.LiveOffice`."""
        if self.document is None:
            raise LookupError("none runs")
        self.asked.append(dict(request))
        if request["do"] == "list":
            return {"documents": [self.document]}
        if request["do"] == "texts":
            return {"columns": [["03.04.2025", "13.04.2025", "soon"]]}
        told = {"done": ["it is done"], "saved": False, "modified_before": True, "errors": ["A!B1 #DIV/0!"]}
        return told | {"undoable": True, "lasting": ["view"]}


def document(path: Path, kind: str = "spreadsheet", **more: object) -> dict[str, Any]:
    return {"path": str(path), "kind": kind, "modified": False, "readonly": False, "front": True, **more}


def edit(path: Path, office: Office | None, *operations: Any) -> str | None:
    async def main() -> str | None:
        async with opened(path.parent, live=office) as room:
            return await edit_live(room, path, operations)

    return anyio.run(main)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "book.xlsx").write_bytes(b"as it was")
    return tmp_path / "book.xlsx"


def lock(path: Path, *, host: str = "", profile: str = "file:///home/ann/.config/libreoffice/4") -> None:
    text = f",ann,{host or socket.gethostname()},21.11.2026 09:30,{profile};"
    path.with_name(f".~lock.{path.name}#").write_text(text)


def test_values_are_sent_as_what_they_are(path: Path) -> None:
    office = Office(document(path))
    told = edit(path, office, SET)
    assert office.asked[-1]["operations"][0]["rows"] == [[1.0, ["f", "=A1"]], [None, ["b", True]]]
    assert told is not None and "it is done" in told and "A!B1 #DIV/0!" in told
    assert "Ctrl+Z takes all of it back in one step, but not view." in told
    assert "unsaved changes before" in told and path.read_bytes() == b"as it was"


def test_texts_of_an_open_workbook_are_mended_as_those_of_a_file(path: Path) -> None:
    office = Office(document(path))
    edit(path, office, make(cells.Clean, do="clean", sheet="A", cells="B1:B4", header=True, parse="date"))
    assert office.asked[1] == {"do": "texts", "path": str(path), "sheet": "A", "cells": "B1:B4", "header": True}
    (column,) = office.asked[-1]["operations"][0]["columns"]
    assert column["values"] == {
        "03.04.2025": ["n", 45750, "yyyy-mm-dd"], "13.04.2025": ["n", 45760, "yyyy-mm-dd"], "soon": "soon",
    }  # fmt: skip
    assert column["how"] == " (order dmy); 1 kinds of text left as they are: 'soon'"
    assert column["format"] == "yyyy-mm-dd"


def test_a_file_that_is_not_open_is_left_to_be_edited_itself(path: Path) -> None:
    assert edit(path, None, SET) is None
    assert edit(path, Office(None), SET) is None
    assert edit(path, Office(document(path.with_name("other.xlsx"))), SET) is None


@pytest.mark.parametrize(
    "operation",
    [
        make(cells.AddTable, do="add_table", sheet="A", cells="A1:B2", name="T", style="TableStyleLight1"),
        make(cells.Highlighting, do="conditional_format", sheet="A", cells="A1:A9", kind="icons"),
        make(cells.Clear, do="clear", sheet="A", cells="A1", what="links"),
        make(cells.PageSetup, do="page_setup", sheet="A", landscape=True),
        make(words.UpdateFields, do="update_fields"),
        make(slides.SetNotes, do="set_notes", slide=1, text="x"),
    ],
    ids=lambda operation: operation.do,
)
def test_what_cannot_be_done_live_is_said_before_anything_is_done(path: Path, operation: Any) -> None:
    office = Office(document(path))
    with pytest.raises(ToolFault, match=r"open in LibreOffice"):
        edit(path, office, SET, operation)
    assert [asked["do"] for asked in office.asked] == ["list"]


def test_a_document_for_reading_only_is_refused(path: Path) -> None:
    with pytest.raises(ToolFault, match="reading only"):
        edit(path, Office(document(path, readonly=True)), SET)


def test_markup_is_refused_only_where_there_is_some(tmp_path: Path) -> None:
    path = tmp_path / "text.docx"
    office = Office(document(path, "document"))
    plain = make(words.InsertList, do="insert_list", kind="bullets", items=["2 * 3 * 4"], markup=True)
    edit(path, office, plain)
    with pytest.raises(ToolFault, match="markup"):
        edit(path, office, make(words.InsertList, do="insert_list", kind="bullets", items=["**x**"], markup=True))


def test_a_workbook_without_unsaved_changes_is_read_from_its_file(path: Path) -> None:
    async def main() -> Path | None:
        async with opened(path.parent, live=Office(document(path))) as room:
            return await inspect_live(room, path)

    assert anyio.run(main) is None


def test_every_operation_that_is_known_is_one_of_the_tools_and_of_the_worker() -> None:
    import ast

    models = {"spreadsheet": cells.SpreadsheetOperation, "document": words.DocumentOperation}
    models["slides"] = slides.SlidesOperation
    scripts = {
        "spreadsheet": ("calc", "sheets", "databases", "rules", "mending"),
        "document": ("writer", "apparatus"),
        "slides": ("impress",),
    }
    for family, union in models.items():
        offered = {each.model_fields["do"].annotation.__args__[0] for each in union.__args__}
        assert KNOWN[family] <= offered
        done: set[object] = {"set_properties"}
        for name in scripts[family]:
            tree = ast.parse((Path(__file__).parents[2] / f"vm/uno_worker/{name}.py").read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "KNOWN":
                    assert isinstance(node.value, ast.Dict)
                    done |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}  # pyright: ignore[reportUnhashable]
        assert done == KNOWN[family]


def test_a_file_that_somebody_else_has_open_is_not_written(path: Path) -> None:
    lock(path, host="another-machine")
    with pytest.raises(ToolFault, match=r"by ann on another-machine since 21.11.2026 09:30.*Ctrl\+S"):
        edit(path, None, SET)


def test_a_lock_that_nobody_holds_any_more_is_no_matter(path: Path, tmp_path: Path) -> None:
    lock(path, profile=(tmp_path / "no-such-profile").as_uri())
    refuse_if_open(Folder(path.parent), path)


def test_a_lock_of_a_living_program_counts(path: Path, tmp_path: Path, impostor: Callable[[Path], object]) -> None:
    impostor(tmp_path / "profile")
    lock(path, profile=(tmp_path / "profile").as_uri())
    with pytest.raises(ToolFault, match="cannot be asked"):
        refuse_if_open(Folder(path.parent), path)


def test_a_damaged_lock_counts_as_one(path: Path) -> None:
    path.with_name(f".~lock.{path.name}#").write_bytes(b"\xff\0nonsense")
    with pytest.raises(ToolFault, match="is open in LibreOffice"):
        refuse_if_open(Folder(path.parent), path)


@pytest.fixture
def impostor() -> Any:
    """Starts a program that passes for LibreOffice with a profile."""
    started: list[subprocess.Popen[bytes]] = []

    def start(profile: Path) -> None:
        script = (
            "import ctypes, time; ctypes.CDLL(None).prctl(15, b'soffice.bin'); print(1, flush=True); time.sleep(60)"
        )
        words = ["python3", "-c", script, f"-env:UserInstallation={profile.as_uri()}"]
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE))
        assert started[-1].stdout is not None and started[-1].stdout.readline()

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
