"""Text into the programs that people use, on the layouts that they use; and the clipboard that they keep meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from actuators.actions import Drag, Keypress, Point, Type
from actuators.errors import ActuatorError, CannotType
from actuators.hands import open_hands
from actuators.xlibfix import open_display
from tests.support.office import office
from tests.support.textfield import Kind, text_field
from tests.support.window import event_window
from tests.support.xserver import end, xvfb

LAYOUTS = ("us", "de", "fr", "ru", "us,ru")
PIECES = [
    *"àéîöüßñçøåÆŁżőİıÐþαΩЖяשע“”«»…–€£漢字カナ한국",
    *"""!"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~""",
    "😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "  ", "teh (c) -- HYphen", "привет", "Grüße",
]  # fmt: skip


def mixed(seed: int, length: int = 500) -> str:
    """One line of what is hard to type, beginning with a letter: to Calc, `=` would be a formula."""
    dice = random.Random(seed)
    text = "x"
    while len(text) < length:
        text += dice.choice(PIECES)
    return text


def switch(display: str, layout: str) -> None:
    subprocess.run(["setxkbmap", "-display", display, layout], check=True)


@pytest.mark.parametrize("kind", ["gtk", "gtk-entry", "qt", "qt-line"])
def test_every_layout_switched_while_the_hands_are_open(kind: Kind) -> None:
    with xvfb() as display, text_field(display, kind) as field, open_hands(display) as hands:
        for seed, layout in enumerate(LAYOUTS):
            switch(display, layout)
            field.write("old text", select=True)
            hands.perform(Type(mixed(seed)))
            assert field.read() == mixed(seed), layout


@pytest.mark.slow
def test_writer_changes_nothing() -> None:
    texts = [*(mixed(seed) for seed in range(len(LAYOUTS))), "i"]
    with xvfb(window_manager=True) as display, office(display, "writer") as document, open_hands(display) as hands:
        for text, layout in zip(texts, (*LAYOUTS, "us"), strict=True):
            switch(display, layout)
            hands.perform(Type(text))
        assert document.lines(hands) == ["".join(texts)]


def test_calc_changes_nothing() -> None:
    texts = [*(mixed(seed) for seed in range(len(LAYOUTS))), "i"]  # of an "i" that is typed Calc makes "I"
    with xvfb(window_manager=True) as display, office(display, "calc") as document, open_hands(display) as hands:
        for text, layout in zip(texts, (*LAYOUTS, "us"), strict=True):
            switch(display, layout)
            hands.perform(Type(text + "\n"))
        assert document.lines(hands)[-len(texts) :] == texts


@pytest.mark.parametrize("layout", ["ru", "us,ru"])
def test_chords_reach_programs_whose_layout_has_no_such_letter(layout: str) -> None:
    with xvfb() as display, text_field(display, "qt") as field, open_hands(display) as hands:
        connection: Any = open_display(display)
        switch(display, layout)
        before = connection.get_keyboard_mapping(8, 248)
        field.write("old")
        hands.perform(Keypress(("ctrl", "a")))
        hands.perform(Keypress(("ctrl", "x")))
        assert field.read() == ""
        hands.close()
        assert connection.get_keyboard_mapping(8, 248) == before
        connection.close()


@contextmanager
def clipboard(display: str, name: str, target: str, data: bytes) -> Generator[subprocess.Popen[bytes], None, None]:
    """A program that owns a selection; large data it hands over in pieces."""
    owner = subprocess.Popen(
        ["xclip", "-display", display, "-quiet", "-selection", name, "-t", target, "-i"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert owner.stdin is not None
    owner.stdin.write(data)
    owner.stdin.close()
    connection: Any = open_display(display)
    try:
        while not connection.get_selection_owner(connection.intern_atom(name)):
            time.sleep(0.01)
        yield owner
    finally:
        connection.close()
        end(owner)


def pasted(display: str, name: str, target: str) -> bytes:
    command = ["xclip", "-display", display, "-selection", name, "-t", target, "-o"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=20).stdout


@pytest.mark.parametrize("size", [1_000, 20_000_000])
def test_a_picture_in_the_clipboard_and_a_marked_text_are_given_back(size: int) -> None:
    picture = random.Random(size).randbytes(size)
    with (
        xvfb() as display,
        text_field(display) as field,
        clipboard(display, "CLIPBOARD", "image/png", picture),
        clipboard(display, "PRIMARY", "UTF8_STRING", "märked".encode()),
        open_hands(display) as hands,
    ):
        hands.perform(Type("wörds"))
        assert field.read() == "wörds"
        assert pasted(display, "CLIPBOARD", "image/png") == picture
        assert pasted(display, "PRIMARY", "UTF8_STRING") == "märked".encode()


def test_a_clipboard_owner_that_is_frozen_or_gone_does_not_hold_up_typing() -> None:
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        with clipboard(display, "CLIPBOARD", "UTF8_STRING", b"x") as owner:
            os.kill(owner.pid, signal.SIGSTOP)
            started = time.monotonic()
            hands.perform(Type("first, é"))
            assert time.monotonic() - started < 3
            os.kill(owner.pid, signal.SIGKILL)
        hands.perform(Type(", second é"))
        assert field.read() == "first, é, second é"


@pytest.mark.slow
def test_a_million_characters() -> None:
    text = "".join(chr(0x4E00 + number % 5000) if number % 80 else " " for number in range(1_000_000))
    with xvfb() as display, text_field(display) as field, open_hands(display) as hands:
        started = time.monotonic()
        hands.perform(Type(text))
        assert time.monotonic() - started < 20
        assert field.read() == text


def test_a_window_that_closes_in_the_middle_of_text_is_no_hang() -> None:
    with xvfb() as display, open_hands(display) as hands:
        failures: list[ActuatorError] = []

        def type_much() -> None:
            try:
                hands.perform(Type("é line\n" * 300))
            except ActuatorError as error:
                failures.append(error)

        with text_field(display):
            typing = threading.Thread(target=type_much)
            typing.start()
            time.sleep(0.3)
        time.sleep(1)
        hands.release()
        typing.join(10)
        assert not typing.is_alive()
        assert len(failures) <= 1
        assert nothing_is_pressed(display)


def nothing_is_pressed(display: str) -> bool:
    connection: Any = open_display(display)
    try:
        return not any(connection.query_keymap()) and connection.screen().root.query_pointer().mask & 0x1FFD == 0
    finally:
        connection.close()


def test_a_layout_that_is_switched_in_the_middle_leaves_nothing_pressed() -> None:
    with xvfb() as display, event_window(display), open_hands(display) as hands:
        dragging = threading.Thread(
            target=hands.perform, args=(Drag((Point(0, 0), Point(1200, 700)), ("ctrl", "shift", "a")),)
        )
        dragging.start()
        time.sleep(0.2)
        assert not nothing_is_pressed(display)
        subprocess.run(["setxkbmap", "-display", display, "fr", "-option", "ctrl:swapcaps"], check=True)
        dragging.join(5)
        assert nothing_is_pressed(display)


def test_a_window_that_closes_under_a_drag_leaves_nothing_pressed() -> None:
    with xvfb() as display, open_hands(display) as hands:
        with event_window(display):
            drag = Drag((Point(0, 0), Point(1200, 700)), ("shift",))
            dragging = threading.Thread(target=hands.perform, args=(drag,))
            dragging.start()
            time.sleep(0.2)
        dragging.join(5)
        assert not dragging.is_alive()
        assert nothing_is_pressed(display)


def test_sigterm_in_the_middle_of_a_drag_leaves_nothing_pressed() -> None:
    script = (
        "import signal, sys\n"
        "from actuators.actions import Drag, Point\n"
        "from actuators.hands import open_hands\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "with open_hands(sys.argv[1]) as hands:\n"
        "    print('ready', flush=True)\n"
        "    while True: hands.perform(Drag((Point(0, 0), Point(1200, 700)), ('ctrl',)))\n"
    )
    with xvfb() as display:
        program = subprocess.Popen([sys.executable, "-c", script, display], stdout=subprocess.PIPE)
        assert program.stdout is not None and program.stdout.readline()
        time.sleep(0.25)
        program.send_signal(signal.SIGTERM)
        assert program.wait(5) == 7
        program.stdout.close()
        assert nothing_is_pressed(display)


def test_a_layout_that_changes_under_the_keys_is_said() -> None:
    """Switched for ever, from another program, while a terminal's kind of window gets keys."""
    with xvfb() as display, event_window(display), open_hands(display) as hands:
        stop = threading.Event()

        def keep_switching() -> None:
            while not stop.is_set():
                switch(display, "de")
                switch(display, "us")

        switching = threading.Thread(target=keep_switching)
        switching.start()
        try:
            with pytest.raises(CannotType, match="layout was changed"):
                for _ in range(200):
                    hands.perform(Type("zy[]" * 200))
        finally:
            stop.set()
            switching.join()
