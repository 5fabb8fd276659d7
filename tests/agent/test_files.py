"""Tools for files: what a model sees of a folder, of texts and of pictures."""

from __future__ import annotations

import io
import os
import time
import tracemalloc
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.file_desk import Desk, move
from tests.support.room import call


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "task")


def test_the_tools_are_strict_and_say_what_they_do(desk: Desk) -> None:
    for tool in desk.tools.values():
        offer = tool.offer
        assert offer["strict"] and offer["parameters"]["additionalProperties"] is False
        assert offer["parameters"]["required"] == list(offer["parameters"]["properties"])
        assert tool.reads_only == (tool.name != "change_files") and tool.touches_files
        assert tool.in_words({"path": 7}) == tool.name.replace("_", " ")
    words = desk.tools["change_files"].in_words
    assert words({"operations": [move("a", "b", replace=None)]}) == "move a to b"
    assert words({"operations": [move("a", "b", replace=None)] * 2 + [{"do": "delete", "path": "c"}]}) == (
        "move 2 files, delete 1 file"
    )


def test_a_folder_is_listed_as_a_tree(desk: Desk) -> None:
    for name in ("b/scan 10.txt", "b/scan 2.txt", "b/c/d/deep.txt", ".hidden", "a.csv"):
        (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / name).write_text("x" * 1234)
    (desk.folder / "away").symlink_to("/etc")
    lines = desk.ask("list_files").split("\n")
    assert [line.split("  20")[0] for line in lines] == [
        "a.csv  1.2 KB",
        "away -> outside the folder",
        "b/  3 inside",
        "  c/  1 inside",
        "  scan 2.txt  1.2 KB",
        "  scan 10.txt  1.2 KB",
    ]
    assert ".hidden" in desk.ask("list_files", hidden=True)
    assert desk.ask("list_files", pattern="*.TXT").count("\n") == 2
    assert desk.ask("list_files", pattern="b/*/deep*").startswith("b/c/d/deep.txt")
    assert desk.ask("list_files", pattern="*.pdf") == "Nothing fits *.pdf."
    assert "a.csv is a file" in desk.ask("list_files", path="a.csv")
    assert "outside the task's folder" in desk.ask("list_files", path="away")
    assert "b does" not in desk.ask("list_files", path="B") and "There is: b" in desk.ask("list_files", path="bb")


def test_names_and_texts_that_are_no_unicode(desk: Desk) -> None:
    (Path(os.fsdecode(os.fsencode(desk.folder) + b"/caf\xe9.txt"))).write_text("x")
    assert desk.ask("list_files").startswith("caf?.txt")
    assert "caf?.txt:1: x" in desk.ask("search_files", pattern="x")
    for operation in ({"do": "write", "path": "a", "text": "\ud800"}, move("\ud800", "b"), move("a", "\ud800")):
        reply = desk.change(operation)
        assert reply.failed and "Nothing was done" in reply.text
    assert desk.reply("read_file", path="\ud800").failed


def test_a_folder_of_thousands_is_cut_with_counts(desk: Desk) -> None:
    for number in range(1500):
        (desk.folder / f"scan {number}.png").touch()
    told = desk.ask("list_files")
    assert told.endswith("… and 1300 more here; a pattern tells them apart") and len(told) < 20_000
    assert "cut here" in desk.ask("list_files", pattern="scan*")


def test_a_text_is_read_in_ranges(desk: Desk) -> None:
    (desk.folder / "a.txt").write_bytes(b"".join(b"line %d\n" % number for number in range(1, 101)))
    told = desk.ask("read_file", path="a.txt", start=10, lines=2)
    assert told == "a.txt: 100 lines, 792 B, UTF-8\n10\tline 10\n11\tline 11\n… more follows: start 12"
    assert desk.ask("read_file", path="a.txt", start=-2).split("\n")[1:] == ["99\tline 99", "100\tline 100"]
    assert desk.ask("read_file", path="a.txt", start=100).split("\n")[1:] == ["100\tline 100"]
    assert desk.ask("read_file", path="a.txt", start=101) == "a.txt has 100 lines, so no line 101."
    assert desk.ask("read_file", path="a.txt", at_byte=9, lines=1).split("\n")[1:] == [
        "(from byte 14)",
        "line 3",
        "… more follows: at_byte 21",
    ]
    assert desk.ask("read_file", path="a.txt", at_byte=9999) == "a.txt has 792 bytes, so no byte 9999."
    (desk.folder / "empty").touch()
    assert "nothing there" in desk.ask("read_file", path="empty")


def test_long_lines_and_long_files_are_cut(desk: Desk) -> None:
    (desk.folder / "long").write_text("é" * 300_000 + "\nend")
    told = desk.ask("read_file", path="long")
    assert len(told) < 1_200 and "(600000 bytes in this line)" in told and told.endswith("2\tend")
    (desk.folder / "many").write_text("x" * 99 + "\n")
    (desk.folder / "many").write_text(("x" * 99 + "\n") * 10_000)
    told = desk.ask("read_file", path="many")
    assert len(told) < 20_500 and "… more follows: start " in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("\ufeffé\r\nb\r\n".encode(), "UTF-8 with a byte order mark, lines end in CRLF\n1\té\n2\tb"),
        ("é\nb".encode("utf-16"), "2 lines, 8 B, UTF-16-LE\n1\té\n2\tb"),
        ("é\nb\n".encode("utf-16-le"), "UTF-16-LE, as far as can be told\n1\té\n2\tb"),
        (b"\x93hi\x94\n\xe9\n", "Windows-1252, as far as can be told\n1\t“hi”\n2\té"),
        (b"a\rb\r", "lines end in CR\n1\ta\n2\tb"),
        ("é\n".encode() * 40_000 + b"\xff\n", "40001 lines, 120.0 KB, UTF-8"),
    ],
)
def test_encodings_are_told_apart(desk: Desk, data: bytes, told: str) -> None:
    (desk.folder / "f").write_bytes(data)
    assert told in desk.ask("read_file", path="f")


def test_an_encoding_can_be_given(desk: Desk) -> None:
    (desk.folder / "f").write_bytes("łódź\n".encode("cp1250"))
    assert desk.ask("read_file", path="f", encoding="cp1250").endswith("1\tłódź")
    assert "some bytes are no characters" in desk.ask("read_file", path="f", encoding="utf-8")
    for wrong in ("klingon", "base64", "rot13", "\0"):
        assert "There is no encoding" in desk.ask("read_file", path="f", encoding=wrong)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.docx", b"PK\x03\x04\x00\x01", "`inspect` tells"),
        ("a.pdf", b"%PDF-1.7\nhello", "`inspect` tells"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00", "`view_image` shows it"),
        ("a.bin", bytes(range(256)), "no text (256 bytes)"),
    ],
)
def test_what_is_no_text_is_told_apart(desk: Desk, name: str, data: bytes, told: str) -> None:
    (desk.folder / name).write_bytes(data)
    reply = desk.reply("read_file", path=name)
    assert reply.failed and told in reply.text


def test_what_cannot_be_read_is_told(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")
    (desk.folder / "sub").mkdir()
    (desk.folder / "loop").symlink_to("loop")
    assert "is no file" in desk.ask("read_file", path="pipe")
    assert "is a folder" in desk.ask("read_file", path="sub")
    assert desk.reply("read_file", path="loop").failed
    assert desk.reply("view_image", path="pipe", width=None).failed
    assert "0 lines" in desk.ask("search_files", pattern="x")  # a pipe is not waited for
    assert "no file that could be searched" in desk.ask("search_files", pattern="x", path="pipe")
    assert "pipe is no folder" in desk.ask("list_files", path="pipe")


def test_blanks_around_a_name_count_where_there_is_such_a_file(desk: Desk) -> None:
    (desk.folder / " a .txt").write_text("here\n")
    (desk.folder / "b.txt").write_text("there\n")
    assert "1\there" in desk.ask("read_file", path=" a .txt")
    assert "1\tthere" in desk.ask("read_file", path=" b.txt ")


def test_a_range_of_a_huge_file_is_quick(desk: Desk) -> None:
    huge = desk.folder / "huge.log"
    with huge.open("wb") as file:
        file.write(b"first\n" * 20_000)
        file.truncate(10_000_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast line\n")
    tracemalloc.start()
    start = time.monotonic()
    assert "1000\tfirst" in desk.ask("read_file", path="huge.log", start=1000, lines=1)
    assert desk.ask("read_file", path="huge.log", start=-1).endswith("last line")
    assert "last line" in desk.ask("read_file", path="huge.log", at_byte=9_999_999_990)
    assert desk.reply("read_file", path="huge.log", at_byte=5_000_000_000, lines=1).text
    assert time.monotonic() - start < 5
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


def test_what_is_read_piece_by_piece_is_not_gone_through_again(desk: Desk) -> None:
    (desk.folder / "log").write_bytes(b"some words of a log\n" * 4_000_000)
    assert "\n3000000\tsome" in desk.ask("read_file", path="log", start=3_000_000, lines=10)
    start = time.monotonic()
    assert "\n3000010\tsome" in desk.ask("read_file", path="log", start=3_000_010, lines=10)
    assert time.monotonic() - start < 0.5


def test_a_read_that_is_cancelled_ends(desk: Desk) -> None:
    with (desk.folder / "huge").open("wb") as file:
        file.write(b"a\n")
        file.truncate(200_000_000_000)
    tool = desk.tools["read_file"]

    async def cancelled() -> float:
        with anyio.move_on_after(0.2):
            await call(tool, path="huge", start=5)
        return time.monotonic()

    start = time.monotonic()
    assert anyio.run(cancelled) - start < 5


def test_words_and_patterns_are_searched_for(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("one\nTwo (2)\nthree\n")
    (desk.folder / "b.csv").write_text("two;2\n")
    (desk.folder / ".git").mkdir()
    (desk.folder / ".git" / "c").write_text("two")
    (desk.folder / "d.docx").write_bytes(b"PK\x00\x03two")
    (desk.folder / "out").symlink_to("/etc/passwd")
    told = desk.ask("search_files", pattern="two")
    assert told.split("\n") == [
        "2 lines in 2 of 2 text files; not searched, no text: d.docx",
        "a.txt:2: Two (2)",
        "b.csv:1: two;2",
    ]
    assert "a.txt:2:" in desk.ask("search_files", pattern="two (2)", literal=True)
    assert "0 lines" in desk.ask("search_files", pattern="two (2)", literal=True, match_case=True)
    assert "1 line in 1" in desk.ask("search_files", pattern=r"^\w+ \(\d\)$", names="*.txt")
    assert desk.ask("search_files", pattern="two", path="a.txt", around=1).split("\n")[1:] == [
        "a.txt-1- one",
        "a.txt:2: Two (2)",
        "a.txt-3- three",
    ]
    assert "2 lines in 2 of 3" not in desk.ask("search_files", pattern="root:")
    assert ".git/c:1: two" in desk.ask("search_files", pattern="two", hidden=True)
    assert "no look-around" in desk.ask("search_files", pattern="(?=a)")
    assert "1 to 5000 characters" in desk.ask("search_files", pattern="")


def test_a_match_in_a_long_line_is_shown(desk: Desk) -> None:
    (desk.folder / "a.json").write_text("x" * 5_000_000 + "needle" + "y" * 2_000_000)
    told = desk.ask("search_files", pattern="ne+dle")
    assert "needle" in told and len(told) < 600


def test_no_pattern_takes_long(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("a" * 50_000 + "!\n")
    start = time.monotonic()
    desk.ask("search_files", pattern="(a+)+$")
    desk.ask("search_files", pattern="(a|aa)*b")
    assert "cannot be used" in desk.ask("search_files", pattern="((a{500}){500}){500}")
    assert time.monotonic() - start < 10


def test_search_is_cut_when_there_is_too_much(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("match\n" * 5_000)
    told = desk.ask("search_files", pattern="match")
    assert "200 lines in 1 of 1 text files (and perhaps more" in told and len(told) < 20_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    st.lists(st.text("ab\u00e9 .", max_size=4), max_size=12),
    st.sampled_from(["a", "b.", "^a", "a$", r"\bab", "é", r"\Aa", "^$"]),
)
def test_a_search_finds_the_lines_that_match(desk: Desk, lines: list[str], pattern: str) -> None:
    import re

    (desk.folder / "f").write_text("".join(f"{line}\n" for line in lines))
    told = desk.ask("search_files", pattern=pattern, match_case=True).split("\n")[1:]
    expected = [at for at, line in enumerate(lines, start=1) if re.search(pattern, line)]
    assert [int(line.split(":")[1]) for line in told] == expected


def picture(size: tuple[int, int], kind: str = "PNG", mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    made = (
        Image.fromarray(noise[:, :, 0].astype(np.uint16) * 200)
        if mode == "I;16"
        else Image.fromarray(noise).convert(mode)
    )
    made.save(out, kind, **more)  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def test_a_picture_is_seen_as_it_is_meant(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (desk.folder / "photo.jpg").write_bytes(picture((3000, 2000), "JPEG", exif=exif))
    reply = desk.reply("view_image", path="photo.jpg", width=400)
    assert reply.text == "photo.jpg: JPEG, 2000 x 3000 pixels; shown at 400 x 600"
    (seen,) = reply.pictures
    assert Image.open(io.BytesIO(seen.data)).size == (seen.width, seen.height) == (400, 600)
    part = desk.reply("view_image", path="photo.jpg", region=[0, 0, 100, 50]).pictures[0]
    assert (part.width, part.height) == (100, 50)
    assert "must lie within" in desk.ask("view_image", path="photo.jpg", region=[0, 0, 3000, 50])
    assert "four numbers" in desk.ask("view_image", path="photo.jpg", region=[1])


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("WEBP", "RGB"),
        ("TIFF", "1"),
        ("TIFF", "CMYK"),
    ],
)
def test_pictures_of_all_kinds_are_shown(desk: Desk, kind: str, mode: str) -> None:
    (desk.folder / "f").write_bytes(picture((60, 40), kind, mode))
    reply = desk.reply("view_image", path="f")
    assert not reply.failed and Image.open(io.BytesIO(reply.pictures[0].data)).size == (60, 40), reply.text


@pytest.mark.parametrize(
    ("size", "shown"), [((1, 1), (32, 32)), ((8, 16), (32, 64)), ((4000, 1), (1440, 32)), ((600, 20), (1200, 40))]
)
def test_the_smallest_pictures_are_enlarged(desk: Desk, size: tuple[int, int], shown: tuple[int, int]) -> None:
    (desk.folder / "f.png").write_bytes(picture(size))
    reply = desk.reply("view_image", path="f.png")
    assert f"{size[0]} x {size[1]} pixels; shown at {shown[0]} x {shown[1]}" in reply.text
    assert Image.open(io.BytesIO(reply.pictures[0].data)).size == shown


def test_pages_of_a_picture(desk: Desk) -> None:
    pages = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime")]
    pages[0].save(desk.folder / "f.tif", save_all=True, append_images=pages[1:])
    reply = desk.reply("view_image", path="f.tif", page=2)
    assert "page 2 of 2" in reply.text
    assert Image.open(io.BytesIO(reply.pictures[0].data)).getpixel((5, 5)) == (0, 255, 0)
    assert "has 2 pages" in desk.ask("view_image", path="f.tif", page=3)


def test_bombs_and_broken_pictures_are_refused(desk: Desk) -> None:
    whole = picture((300, 300))
    (desk.folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (desk.folder / "text.png").write_text("hello")
    bomb = bytearray(picture((8, 8), "BMP"))
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2
    (desk.folder / "bomb.bmp").write_bytes(bomb)
    large = bytearray(bomb)
    large[18:26] = (10_000).to_bytes(4, "little") * 2
    (desk.folder / "large.bmp").write_bytes(large)
    assert "damaged" in desk.ask("view_image", path="cut.png")
    assert "no picture" in desk.ask("view_image", path="text.png")
    for name in ("bomb.bmp", "large.bmp"):
        assert "more than can be decoded safely" in desk.ask("view_image", path=name)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_no_argument_is_a_bug(desk: Desk, value: object) -> None:
    for tool in desk.tools.values():
        desk.reply(tool.name, **dict.fromkeys(tool.parameters, value))
        assert tool.in_words(dict.fromkeys(tool.parameters, value))
