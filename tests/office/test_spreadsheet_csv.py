"""CSV files edited in place: what is not touched stays byte for byte, and texts stay texts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agent.tools.base import Room
from tests.office.workbooks import do, edit, key, look
from tests.support.room import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    async with opened(tmp_path / "folder") as made:
        yield made


async def edited(room: Room, data: bytes, *operations: object, name: str = "a.csv") -> bytes:
    """What is in the file after operations on it."""
    path = room.folder.path / name
    path.write_bytes(data)
    reply = await edit(room, name, *operations)
    assert not reply.failed, reply.text
    return path.read_bytes()


GERMAN = 'Name;Betrag;"Ort, x"\r\nÄnn;1.234,50;"a ""b"""\r\n=cmd|1;-5,00;\r\n\r\nZoe;7;n/a'.encode("cp1252")


async def test_one_value_changes_one_line_and_nothing_else(room: Room) -> None:
    after = await edited(room, GERMAN, do("set_cells", sheet="any", at="B3", rows=[[12.5]]))
    assert after == GERMAN.replace(b"-5,00", b"12,5")


async def test_rows_are_sorted_by_what_they_mean_and_stay_written_as_they_were(room: Room) -> None:
    data = GERMAN.replace(b"\r\n\r\n", b"\r\n")
    after = await edited(room, data, do("sort", sheet="x", cells="A1:C4", keys=[key("Betrag")], header=True))
    lines = data.split(b"\r\n")
    assert after.split(b"\r\n") == [lines[0], lines[2], lines[3], lines[1]]


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("\ufeffa\tb\n1\t2\n".encode("utf-16-le"), "\ufeffa\tnew\tb\n1\t\t2\n".encode("utf-16-le"), "a.tsv"),
        (b"\xef\xbb\xbfa,b\r1,2\r", b"\xef\xbb\xbfa,new,b\r1,,2\r", "a.csv"),
        (b'"a","b"\n"1","2"\n', b'"a","new","b"\n"1","","2"\n', "a.csv"),
    ],
)
async def test_encoding_delimiter_line_ends_and_quotes_are_kept(
    room: Room, before: bytes, after: bytes, name: str
) -> None:
    operations = do("insert", sheet="x", cells="B:B"), do("set_cells", sheet="x", at="B1", rows=[["new"]])
    assert await edited(room, before, *operations, name=name) == after


async def test_empty_columns_and_rows_at_the_end_stay(room: Room) -> None:
    data = b'a,b,\n"x\ny",2,\n3,4,\n,,\n'
    assert await edited(room, data, do("delete", sheet="x", cells="2:2")) == b"a,b,\n3,4,\n,,\n"
    added = await edited(
        room, data, do("set_cells", sheet="x", at="B5", rows=[["=1", True]], types=["text", "auto"]), name="b.csv"
    )
    assert added == data + b",=1,TRUE\n"


async def test_a_new_file_is_made(room: Room) -> None:
    assert not (await edit(room, "n.csv", do("set_cells", sheet="S", at="A1", rows=[["a", "b"], [1, "x,y"]]))).failed
    assert (room.folder.path / "n.csv").read_bytes() == b'a,b\n1,"x,y"\n'


@pytest.mark.parametrize(
    ("data", "operation", "told"),
    [
        (b"a,b\n", do("set_cells", sheet="x", at="A1", rows=[["=A2"]]), "holds no formulas"),
        (b"a,b\n", do("format", sheet="x", cells="A1", look=look(bold=True)), "holds values only"),
        ("ä;b\n".encode("cp1252"), do("set_cells", sheet="x", at="A1", rows=[["日"]]), "which has no '日'"),
        (b"a,b\n\x00\x00\xff", do("set_cells", sheet="x", at="A1", rows=[["x"]]), "damaged"),
        (b"a,b\n" + b"x" * 70_000 + b"\x00", do("set_cells", sheet="x", at="A1", rows=[["x"]]), "zero bytes"),
        (b"PK\x03\x04", do("set_cells", sheet="x", at="A1", rows=[["x"]]), "damaged"),
        (b",".join([b"x"] * 17_000), do("set_cells", sheet="x", at="A1", rows=[["x"]]), "a sheet has at most"),
    ],
)
async def test_what_cannot_be_kept_is_refused(room: Room, data: bytes, operation: object, told: str) -> None:
    path = room.folder.path / "a.csv"
    path.write_bytes(data)
    reply = await edit(room, "a.csv", operation)
    assert reply.failed and told in reply.text, reply.text
    assert path.read_bytes() == data


@pytest.mark.slow
async def test_a_regular_expression_that_never_ends_is_ended(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.office.spreadsheets.patterns.SECONDS", 1)
    path = room.folder.path / "a.csv"
    path.write_bytes(b"a" * 50 + b"!\n")
    reply = await edit(room, "a.csv", do("replace", find="(a+)+$", by="x", regex=True))
    assert reply.failed and "takes too long" in reply.text and path.read_bytes() == b"a" * 50 + b"!\n"
