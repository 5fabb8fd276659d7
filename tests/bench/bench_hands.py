"""Hands: 500 mixed characters into real programs on four layouts, against what others use, and how long input takes.

What arrived is read from the programs. `pyautogui` and `pynput` bind themselves to one display, so each way of the
others runs in a process of its own, which is not counted in its time.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path

from actuators import hands as hands_module
from actuators.actions import Click, Keypress, Move, Type
from actuators.hands import Hands, open_hands
from tests.bench.figure import Figure, show
from tests.support.office import Document, office
from tests.support.textfield import TextField, text_field
from tests.support.window import event_window
from tests.support.xserver import end, xvfb

LAYOUTS = ("us", "de", "fr", "ru")
LENGTH = 500
LIMIT_MS = 100.0
CLICK_LIMIT_MS = 1.0
ROUNDS = 3  # texts for each program and layout
PIECES = [
    *"àéîöüßñçøåÆŁżőİıÐþαβγΩЖяבשע“”«»–…€£漢字カナ한국",
    *r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""",
    "😀", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "o\u0308", "привет", "Grüße", "words ",
]  # fmt: skip
_OTHERS = {
    "pyautogui.write": "import pyautogui as g; g.PAUSE = 0; g.FAILSAFE = False; write = g.write",
    "pynput type": "from pynput.keyboard import Controller; write = Controller().type",
    "xdotool type": "import subprocess as s; write = lambda t: s.run(['xdotool', 'type', '--delay', '1', '--', t])",
}

Read = Callable[[], str]


def figures() -> list[Figure]:
    """Everything, in less than a minute."""
    return [*typing(), *others(), *latencies()]


def mixed(seed: int) -> str:
    """500 characters, beginning with a letter: to Calc, `=` would be a formula."""
    dice = random.Random(seed)
    text = "x"
    while len(text) < LENGTH:
        text += dice.choice(PIECES)
    return text[:LENGTH] if text[LENGTH - 1] != "\u200d" else text[: LENGTH - 1] + "."


def typing() -> list[Figure]:
    """Ours: milliseconds until the text is in, and whether it is the same, for each program and layout."""
    found: list[Figure] = []
    with xvfb(window_manager=True) as display:
        for name in ("gtk", "qt"):
            with text_field(display, name) as field, open_hands(display) as hands:
                found += _program(display, name, hands, _reader(field))
        with terminal(display) as read, open_hands(display) as hands:
            found += _program(display, "xterm", hands, read)
        for program in ("writer", "calc"):
            with office(display, program) as document, open_hands(display) as hands:
                found += _office(display, program, hands, document)
    return found


def _reader(field: TextField) -> Read:
    def read() -> str:
        text = field.read()
        field.write("")
        return text

    return read


def _program(display: str, name: str, hands: Hands, read: Read) -> list[Figure]:
    hands.perform(Type("wärm"))
    read()
    found: list[Figure] = []
    for layout in LAYOUTS:
        switch(display, layout)
        taken, exact = list[float](), 0
        for seed in range(ROUNDS):
            text = mixed(seed)
            began = time.perf_counter()
            hands.perform(Type(text))
            got = read()
            taken.append(time.perf_counter() - began)
            exact += got == text
        found.append(_figure(name, layout, taken, exact))
    return found


def _office(display: str, program: str, hands: Hands, document: Document) -> list[Figure]:
    """What is in the document is read once, at the end: it has to be saved for that."""
    hands.perform(Type("wärm\n"))
    found, texts = dict[str, list[float]](), list[str]()
    for number, layout in enumerate(LAYOUTS):
        switch(display, layout)
        for round_ in range(ROUNDS):
            texts.append(f"x{number}{round_}" + mixed(round_)[3:])
            began = time.perf_counter()
            hands.perform(Type(texts[-1]))
            found.setdefault(layout, []).append(time.perf_counter() - began)
            hands.perform(Type("\n"))
            time.sleep(0.25)  # as the eyes do, until it has drawn what came before
    lines = set(document.lines(hands))
    exact = [sum(text in lines for text in texts[n * ROUNDS : (n + 1) * ROUNDS]) for n in range(len(LAYOUTS))]
    return [_figure(program, layout, found[layout], exact[n]) for n, layout in enumerate(LAYOUTS)]


def _figure(program: str, layout: str, taken: list[float], exact: int) -> Figure:
    median = 1000 * statistics.median(taken)
    reached = median <= LIMIT_MS and exact == len(taken)
    value = f"{median:.0f} ms, {exact} of {len(taken)} exact"
    note = f"slowest {1000 * max(taken):.0f} ms"
    return Figure(f"500 mixed characters into {program}, {layout}", value, "≤ 100 ms, exact", reached, note)


def others() -> list[Figure]:
    """The others' ways: how many of the 500 characters arrived, in order, in a GTK field and in xterm."""
    found: list[Figure] = []
    for name in _OTHERS:
        arrived: list[str] = []
        for layout in ("us", "ru"):  # a display for each: they leave the keyboard map changed
            with xvfb(window_manager=True) as display, text_field(display) as field:
                switch(display, layout)
                arrived.append(f"{layout} {_by(name, display, _reader(field))}")
        with xvfb(window_manager=True) as display, terminal(display) as read:
            arrived.append(f"xterm {_by(name, display, read)}")
        found.append(Figure(f"{name}: of 500 mixed characters", ", ".join(arrived), note="GTK on us, ru; xterm on us"))
    return found


def _by(name: str, display: str, read: Read) -> str:
    text = mixed(0)
    script = (
        f"import sys, time; {_OTHERS[name]}\nbegan = time.time()\n"
        "try: write(sys.argv[1])\nfinally: print(time.time() - began)"
    )
    try:
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, text],
            env={**os.environ, "DISPLAY": display},
            capture_output=True,
            text=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return "hung"
    time.sleep(0.7)  # they do not tell when the program has it
    got = read()
    right = sum(block.size for block in SequenceMatcher(None, text, got, autojunk=False).get_matching_blocks())
    seconds = float((ran.stdout.split() or ["nan"])[-1])
    return f"{right} in {seconds:.1f} s" + (" and an exception" if ran.returncode else "")


@contextmanager
def terminal(display: str) -> Generator[Read, None, None]:
    """An xterm that writes down every byte that it is sent."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "bytes")
        script = f"stty raw -echo; printf ready >{folder}/state; exec cat >{output}"
        xterm = subprocess.Popen(
            ["xterm", "-u8", "-e", "sh", "-c", script],
            env={**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"},
            stderr=subprocess.DEVNULL,
        )
        try:
            while not Path(folder, "state").exists():
                time.sleep(0.02)
            yield lambda: _new_bytes(output)
        finally:
            end(xterm)


def _new_bytes(output: Path) -> str:
    """What has come, once nothing has been added for 5 ms."""
    size = -1
    while size != (size := output.stat().st_size) or not size:
        time.sleep(0.005)
        if size == 0 and time.time() - output.stat().st_mtime > 1:
            break
    data = output.read_bytes()
    os.truncate(output, 0)
    return data.replace(b"\0", b"").decode(errors="replace")


def switch(display: str, layout: str) -> None:
    """Set the keyboard layout."""
    subprocess.run(["setxkbmap", "-display", display, layout], check=True)


def latencies() -> list[Figure]:
    """A click, a key and a move: what is ours of it, and how long the call takes with the time that they stay down."""
    hold = hands_module.PRESS_SECONDS
    with xvfb() as display, event_window(display), open_hands(display) as hands:
        whole = _median_ms(lambda n: hands.perform(_click(n)))
        try:
            hands_module.PRESS_SECONDS = 0.0
            click = _median_ms(lambda n: hands.perform(_click(n)))
            key = _median_ms(lambda _: hands.perform(Keypress(("a",))))
        finally:
            hands_module.PRESS_SECONDS = hold
        move = _median_ms(lambda n: hands.perform(Move(40 * n % 1000, 37 * n % 700)))
    note = f"besides the {1000 * hold:.0f} ms that it stays down, without which programs lose 1 to 6 of 100 clicks"
    return [
        Figure("click, ours, median", f"{click:.2f} ms", "≤ 1 ms", click <= CLICK_LIMIT_MS, note),
        Figure("click, whole call, median", f"{whole:.2f} ms"),
        Figure("key, ours, median", f"{key:.2f} ms", note="besides the same"),
        Figure("move, median", f"{move:.2f} ms"),
    ]


def _click(number: int) -> Click:
    return Click(40 * number % 1000, 37 * number % 700)


def _median_ms(act: Callable[[int], None], count: int = 200) -> float:
    taken: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        act(number)
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


if __name__ == "__main__":
    show(figures())
