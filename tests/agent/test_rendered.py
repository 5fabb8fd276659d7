"""What terminals show, as text: overwritten lines, screens of programs, and garbage."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tools.kept import Kept
from agent.tools.rendered import Page, cut, last_lines, told


def shown(*data: bytes) -> str:
    page = Page()
    for each in data:
        page.feed(each)
    page.feed(b"", last=True)
    return page.take()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\r\n", "a\nb"),
        (b"10%\r20%\r100%\r\ndone", "100%\ndone"),
        (b"\x1b[1;31mred\x1b[0m\x1b(B x\x1b]8;;http://a\x07y\x1b]8;;\x1b\\", "red xy"),
        (b"abc\b\b\x1b[KX", "aX"),
        (b"a\tb", "a       b"),
        (b"one\r\ntwo\r\n\x1b[2A\x1b[2Kuno\r\n", "uno\ntwo"),
        (b"a 1\r\nb 1\r\n\x1b[2Fa 2\r\nb 2\r\n", "a 2\nb 2"),
        (b"gone\x1b[H\x1b[2Jhere", "here"),
        (b"\x1b[3;5Hx\x1b[1;1Hy", "y\n\n    x"),
        (b"ab\x1b[2Dx\x1b7\x1b[5Cz\x1b8y", "xy    z"),
        (b"one\r\ntwo\x1b[1A\x1b[Lnew", "   new\none\ntwo"),
        (b"\xffab\xc3", "\ufffdab\ufffd"),
    ],
)
def test_what_is_written_over_is_gone(data: bytes, text: str) -> None:
    assert shown(data) == text
    assert shown(*(data[at : at + 1] for at in range(len(data)))) == text, "however it arrives"


def test_a_program_that_has_the_whole_screen_shows_it_and_gives_it_back() -> None:
    page = Page()
    page.feed(b"before\r\n\x1b[?1049h\x1b[Hfile\x1b[5;3Hx")
    assert page.take().split() == ["before", "file", "x"] and page.full_screen
    page.feed(b"\x1b[1;1HF")
    assert page.take() == "File\n\n\n\n  x", "all of it, not what has changed"
    page.feed(b"\x1b[?1049lafter")
    assert page.take() == "after" and not page.full_screen


@given(st.lists(st.binary() | st.sampled_from([b"\x1b[", b"\x1b]", b"\x1b[?1049h", b"9999", b"L", b"M", b"A", b"\r"])))
def test_nothing_that_is_written_breaks_it(data: list[bytes]) -> None:
    assert "\x1b" not in shown(*data)


@pytest.mark.parametrize("data", [b"\x1b[9999L", b"\x1b[99;999Hx", b"\x1b]x"])
def test_nothing_that_is_written_takes_long(data: bytes) -> None:
    began = time.monotonic()
    shown((data * 262_144)[:262_144])
    assert time.monotonic() - began < 10, "some 0.2 s"


def test_a_long_text_is_cut_in_the_middle() -> None:
    assert cut("short", 10) == "short"
    said = cut("a" * 100 + "b" * 100, 100)
    assert said == "a" * 31 + "\n[… 138 of 200 characters left out …]\n" + "b" * 31
    assert cut("abc" * 20, 50) == ("abc" * 20)[:50]
    assert all(len(cut("a" * 1000, most)) <= most for most in range(100))
    kept = Kept(1000)
    kept.add(b"word " * 10_000)
    taken = kept.take()
    assert all(len(told(Page(), taken, most)) <= most for most in (0, 10, 100, 500))
    assert last_lines(b"1\r\n2\r\n3\r\n", 2, 100) == "2\n3"


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_beginning_and_end_are_kept(data: list[bytes]) -> None:
    kept, whole = Kept(100), b"".join(data)
    for each in data:
        kept.add(each)
    assert len(kept) == len(whole)
    taken = kept.take()
    assert whole.startswith(taken.head) and whole.endswith(taken.tail) and len(taken.whole) <= 100
    assert len(taken.head) + taken.dropped + len(taken.tail) == len(whole)
    assert (taken.dropped == 0) == (len(whole) <= 100)
    assert kept.take().whole == b""


def test_what_is_no_text_is_said() -> None:
    kept = Kept(1000)
    kept.add(bytes(range(256)) * 2)
    assert told(Page(), kept.take(), 100).startswith("[512 bytes of binary output, not shown")
