"""Text into real programs, read back from the programs themselves: identical or an honest error."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actuators.actions import Keypress, Type
from actuators.backends.x11_display import Client, Focus
from actuators.backends.x11_text import keeps_paragraphs, runs, way_into
from actuators.hands import Interrupted, open_hands
from tests.support.textfield import Kind, text_field
from tests.support.waiting import until
from tests.support.window import event_window
from tests.support.xserver import end, xvfb

SIGNS = "".join(chr(code) for code in range(33, 127))
WORDS = [
    *"àéîöüßñçøåÆŁżőİıÐþαΩЖяשע“”‘’«»…–—€£漢字カナ한국東京",
    "😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "e\u0301", "\t", "\n", "\n\n", "  ", "teh (c) -- HYphen",
]  # fmt: skip


def mixed(seed: int, length: int = 500) -> str:
    """Text of everything that is hard to type; the same for the same seed."""
    dice = random.Random(seed)
    text = ""
    while len(text) < length:
        text += dice.choice(WORDS) if dice.random() < 0.5 else dice.choice(SIGNS)
    return text


@pytest.mark.parametrize(("kind", "times"), [("gtk", 10), ("qt", 5), ("tk", 1)])
def test_500_mixed_characters(kind: Kind, times: int) -> None:
    with xvfb(window_manager=True) as display, text_field(display, kind) as field, open_hands(display) as hands:
        for seed in range(times):
            text = mixed(seed)
            field.write("")
            hands.perform(Type(text))
            assert field.read() == text, f"seed {seed}"


@contextmanager
def _terminal(display: str, output: Path) -> Generator[None, None, None]:
    """An xterm that writes down every byte that it is sent."""
    script = f"stty raw -echo; printf ready >{output}.state; exec cat >{output}"
    xterm = subprocess.Popen(
        ["xterm", "-u8", "-e", "sh", "-c", script],
        env={**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert until(lambda: Path(f"{output}.state").exists())
        yield
    finally:
        end(xterm)


def test_a_terminal_gets_it_too(tmp_path: Path) -> None:
    output = tmp_path / "bytes"
    with xvfb(window_manager=True) as display, _terminal(display, output), open_hands(display) as hands:
        text = mixed(1, 200)
        hands.perform(Type(text))
        expected = text.replace("\n", "\r").encode()
        assert until(lambda: len(output.read_bytes()) >= len(expected))
        assert output.read_bytes() == expected


@pytest.mark.parametrize("text", ["new", "n", "né"])
def test_selected_text_is_replaced(text: str) -> None:
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        field.write("old text", select=True)
        hands.perform(Type(text))
        assert field.read() == text


def test_the_clipboard_is_given_back() -> None:
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        for number in range(3):
            field.clipboard(f"the user's own {number} é")
            field.write("")
            hands.perform(Type("some words"))
            hands.perform(Type(", more"))
            hands.perform(Keypress(("ctrl", "v")))
            assert field.read() == f"some words, morethe user's own {number} é"


def test_a_large_clipboard_is_given_back() -> None:
    large = "0123456789 é\n" * 30_000
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        field.clipboard(large)
        hands.perform(Type("some words"))
        hands.perform(Keypress(("ctrl", "v")))
        assert field.read() == "some words" + large


def test_more_than_fits_into_one_request() -> None:
    text = "漢字かな emoji 😀, " * 8_000  # 300 KB; a request of the X protocol holds 256 KB
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        hands.perform(Type(text))
        assert field.read() == text


def test_a_field_that_refuses_to_paste_gets_keys() -> None:
    with xvfb() as display, text_field(display, "password") as field, open_hands(display) as hands:
        hands.perform(Type("pa$$Wörd 漢"))
        assert field.read() == "pa$$Wörd 漢"


@pytest.mark.parametrize("layout", ["us", "de", "fr", "us -variant intl", "ru", "us,ru"])
def test_keyboard_layouts(layout: str) -> None:
    text = "Aa Zz yq @#~^`'\"{}[]\\|<> äöüß éà ñ €"
    with xvfb() as display, text_field(display, "password") as field:
        subprocess.run(["setxkbmap", "-display", display, *layout.split()], check=True)
        with open_hands(display) as hands:
            hands.perform(Type(text))
            assert field.read() == text


def test_caps_lock_does_not_matter_and_stays_on() -> None:
    with xvfb() as display, text_field(display, "password") as field, open_hands(display) as hands:
        hands.perform(Keypress(("CapsLock",)))
        hands.perform(Type("abC ä"))
        hands.perform(Keypress(("a",)))
        assert field.read() == "abC äA"


def test_borrowed_keys_are_given_back() -> None:
    from actuators.xlibfix import open_display

    with xvfb() as display, event_window(display), open_hands(display) as hands:
        connection: Any = open_display(display)
        before = connection.get_keyboard_mapping(8, 248)
        hands.perform(Type("漢字 and ж"))
        assert connection.get_keyboard_mapping(8, 248) == before
        connection.close()


def test_clipboard_histories_do_not_count_as_the_program() -> None:
    """A greedy clipboard manager fetches every text at once; the window with the focus never does."""
    with xvfb() as display, event_window(display) as window, _greedy_manager(display), open_hands(display) as hands:
        hands.perform(Type("äb\n"))
        typed = [event.key for event in window.events() if event.type == "key_down"]
        assert typed[-3:] == ["adiaeresis", "b", "Return"]


@contextmanager
def _greedy_manager(display: str) -> Generator[None, None, None]:
    script = (
        "import gi; gi.require_version('Gtk', '3.0')\n"
        "from gi.repository import Gtk, Gdk\n"
        "clip = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)\n"
        "clip.connect('owner-change', lambda *_: clip.request_text(lambda *_: None))\n"
        "print('ready', flush=True); Gtk.main()\n"
    )
    manager = subprocess.Popen(
        ["/usr/bin/python3", "-c", script],
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert manager.stdout is not None and manager.stdout.readline()
        yield
    finally:
        end(manager)


def test_typing_is_cut_short_at_once() -> None:
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        caught: list[BaseException] = []

        def type_much() -> None:
            try:
                hands.perform(Type("line\n" * 5000))
            except Interrupted as error:
                caught.append(error)

        typing = threading.Thread(target=type_much)
        typing.start()
        time.sleep(0.4)
        started = time.monotonic()
        hands.release()
        assert time.monotonic() - started < 0.5
        typing.join(5)
        assert len(caught) == 1
        assert set(field.read().split("\n")[:-1]) == {"line"}


def test_runs() -> None:
    assert list(runs("a b\tc\n\nd")) == ["a b", "\t", "c", "\n", "\n", "d"]
    assert list(runs("a\n\nb\tc\n", paragraphs=True)) == ["a\n\nb", "\t", "c", "\n"]
    assert list(runs("\na\n\tb", paragraphs=True)) == ["\n", "a", "\n", "\t", "b"]
    assert list(runs("")) == []


def _focus(*names: str, dialog: bool = False, window: int = 1, toplevel: int = 1) -> Focus:
    return Focus(window, toplevel, Client(0, None), frozenset(names), dialog)


@pytest.mark.parametrize(
    ("focus", "way"),
    [
        (_focus("gnome-terminal-server"), "mixed"),
        (_focus("xterm", toplevel=0), "mixed"),
        (_focus("emacs"), "mixed"),
        (_focus("notepad.exe"), "keys"),
        (_focus("remote-viewer"), "keys"),
        (_focus(window=0), "keys"),
        (_focus("libreoffice-writer", "libreoffice"), "paste"),
        (_focus("firefox"), "paste"),
        (_focus(), "paste"),
        (_focus("tk", toplevel=0), "mixed"),
    ],
)
def test_the_way_into_a_program(focus: Focus, way: str) -> None:
    assert way_into(focus) == way


def test_only_documents_keep_paragraphs() -> None:
    assert keeps_paragraphs(_focus("libreoffice-writer"))
    assert not keeps_paragraphs(_focus("libreoffice-writer", dialog=True))
    assert not keeps_paragraphs(_focus("libreoffice-calc"))
