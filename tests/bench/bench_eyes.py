"""How long the eyes take on a busy office screen: `python tests/bench/bench_eyes.py [ROUNDS]` prints a table.

LibreOffice Calc on an Xvfb of 1920×1080. After each settled action the screen is watched until two seconds after
the input, to see what settling has missed.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actuators.xlibfix import open_display
from perception import frames
from perception.encode import encode
from perception.eyes import Eyes, open_eyes
from perception.screen import open_screen
from tests.support.xserver import xvfb

WIDTH, HEIGHT = 1920, 1080
HORIZON = 2.0  # seconds after an input in which a late change counts as missed
STARTING = 60.0  # seconds that the office may take to open

_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Setup/Office/Factories/ooSetupFactory:Name=com.sun.star.sheet.SpreadsheetDocument"
><prop oor:name="ooSetupFactoryWindowAttributes" oor:op="fuse"><value>0,0,1920,1040;1;0,0,0,0;</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"
><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"
><prop oor:name="ShowTipOfTheDay" oor:op="fuse"><value>false</value></prop></item>
</oor:items>
"""


class Hands:
    """Just enough of hands to press keys and buttons through XTEST."""

    def __init__(self, display: str) -> None:
        self._display: Any = open_display(display)

    def chord(self, *names: str) -> None:
        """Press keys in order and release them in the opposite one; names as X11 has them."""
        from Xlib import XK, X

        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            self._display.xtest_fake_input(X.KeyPress, code)
        for code in reversed(codes):
            self._display.xtest_fake_input(X.KeyRelease, code)
        self._display.sync()

    def type(self, text: str) -> None:
        """Type lower case letters, digits and what has a name in `_NAMES`."""
        for character in text:
            self.chord(*_NAMES.get(character, (character,)))

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Move there and click."""
        from Xlib import X

        self._display.xtest_fake_input(X.MotionNotify, x=x, y=y)
        self._display.xtest_fake_input(X.ButtonPress, button)
        self._display.xtest_fake_input(X.ButtonRelease, button)
        self._display.sync()

    def close(self) -> None:
        """Disconnect."""
        self._display.close()


_NAMES = {
    "\n": ("Return",),
    "=": ("equal",),
    "(": ("Shift_L", "9"),
    ")": ("Shift_L", "0"),
    ":": ("Shift_L", "semicolon"),
    " ": ("space",),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One action: seconds until settled, and the share of the screen that changed after that."""

    name: str
    seconds: float
    settled: bool
    missed: float


def actions(hands: Hands) -> Sequence[tuple[str, Callable[[], None]]]:
    """What is done to the spreadsheet, in this order; it ends as it began."""
    return (
        ("click a cell", lambda: hands.click(400, 500)),
        ("click another cell", lambda: hands.click(700, 420)),
        ("type a number", lambda: hands.type("1234\n")),
        ("type a word", lambda: hands.type("department\n")),
        ("type a formula", lambda: hands.type("=sum(a1:b9)\n")),
        ("start editing", lambda: hands.chord("F2")),
        ("cancel editing", lambda: hands.chord("Escape")),
        ("open a menu", lambda: hands.chord("Alt_L", "i")),
        ("close the menu", lambda: hands.chord("Escape")),
        ("leave the menu bar", lambda: hands.chord("Escape")),
        ("format dialog", lambda: hands.chord("Control_L", "1")),
        ("close the dialog", lambda: hands.chord("Escape")),
        ("find dialog", lambda: hands.chord("Control_L", "h")),
        ("close the dialog", lambda: hands.chord("Escape")),
        ("select all", lambda: hands.chord("Control_L", "a")),
        ("bold", lambda: hands.chord("Control_L", "b")),
        ("undo", lambda: hands.chord("Control_L", "z")),
        ("page down", lambda: hands.chord("Next")),
        ("page up", lambda: hands.chord("Prior")),
        ("context menu", lambda: hands.click(700, 420, 3)),
        ("close the menu", lambda: hands.chord("Escape")),
        ("function wizard", lambda: hands.chord("Control_L", "F2")),
        ("close the wizard", lambda: hands.chord("Escape")),
        ("wheel", lambda: hands.click(700, 500, 5)),
        ("wheel back", lambda: hands.click(700, 500, 4)),
    )


@contextmanager
def calc(display: str) -> Generator[None, None, None]:
    """LibreOffice Calc with a profile and a home of its own, its window open and usable."""
    with tempfile.TemporaryDirectory(prefix="bench-eyes-") as home:
        profile = Path(home, "profile", "user")
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_PROFILE)
        command = ["soffice", f"-env:UserInstallation={profile.parent.as_uri()}", "--norestore", "--nologo"]
        office = subprocess.Popen(
            [*command, "--nofirststartwizard", "--calc"],
            env={**os.environ, "DISPLAY": display, "HOME": home},
            start_new_session=True,  # `soffice` is a shell wrapper: it ends with its group
            stderr=subprocess.DEVNULL,
        )
        try:
            with open_eyes(display) as eyes:
                _until_open(eyes)
            yield
        finally:
            os.killpg(office.pid, signal.SIGKILL)
            office.wait()


def _until_open(eyes: Eyes) -> None:
    """The window fills most of the screen, and nothing has changed for a second."""
    eyes.look()
    deadline = time.monotonic() + STARTING
    changed = 0.0
    while changed < 0.5 or eyes.wait_for_change(1.0):
        if time.monotonic() > deadline:
            raise SystemExit("LibreOffice did not open")
        eyes.wait_for_change(1.0)
        changed += eyes.look().changed


def measure(eyes: Eyes, display: str, name: str, act: Callable[[], None]) -> Sample:
    """Do it, settle, and see what still changes afterwards."""
    with open_screen(display) as screen:
        eyes.mark()
        sent = time.monotonic()
        act()
        settled = eyes.settle()
        seen = screen.grab()
        seconds = time.monotonic() - sent
        time.sleep(max(0.0, sent + HORIZON - time.monotonic()))
        return Sample(name, seconds, settled.settled, frames.share_changed(seen, screen.grab()))


def times(repeat: int, work: Callable[[], object]) -> list[float]:
    """Milliseconds that each of some repetitions took."""
    taken: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def _row(name: str, milliseconds: Sequence[float], note: str = "") -> None:
    ordered = sorted(milliseconds)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    print(f"{name:24}{statistics.median(ordered):9.1f}{statistics.mean(ordered):9.1f}{p90:9.1f}  {note}")


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if shutil.which("soffice") is None:
        raise SystemExit("LibreOffice is not installed: apt-get install libreoffice-calc libreoffice-gtk3")
    with xvfb(WIDTH, HEIGHT, window_manager=True) as display, calc(display), open_eyes(display) as eyes:
        print(f"{'ms':24}{'median':>9}{'mean':>9}{'p90':>9}")
        with open_screen(display) as screen:
            frame = screen.grab()
            _row("capture", times(50, screen.grab))
        _row("encode", times(30, lambda: encode(frame)), f"{len(encode(frame).image) // 1024} KB")
        _row("encode 1280×720", times(30, lambda: encode(frame, max_size=(1280, 720))))
        _row("mark", times(30, eyes.mark))
        eyes.look()
        _row("look, still screen", times(30, eyes.look))
        hands = Hands(display)
        samples = [measure(eyes, display, name, act) for _ in range(rounds) for name, act in actions(hands)]
        hands.close()
    for name in dict.fromkeys(sample.name for sample in samples):
        of_name = [sample for sample in samples if sample.name == name]
        late = max(sample.missed for sample in of_name)
        _row(f"  {name}", [s.seconds * 1000 for s in of_name], f"late {late:.2%}" if late > 0 else "")
    _row("settle, all actions", [sample.seconds * 1000 for sample in samples])
    for share in (0.01, 0.001):
        count = sum(sample.missed >= share for sample in samples)
        print(f"changed by {share:.1%} or more after it had settled: {count} of {len(samples)}")
    print(f"not settled: {sum(not sample.settled for sample in samples)} of {len(samples)}")


if __name__ == "__main__":
    main()
