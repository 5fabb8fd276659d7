"""A window with a button that reacts late, in one of several ways; and the click on it.

Run as a program: `python reactor.py WAY`, where the way is how it passes the time until a dialog opens.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actuators.xlibfix import open_display
from perception.screenshot import Region
from tests.support.xserver import end

DELAY = 0.7  # seconds from the click to the dialog
BUTTON = Region(40, 40, 160, 40)
FIELD = Region(40, 120, 300, 30)
DIALOG = Region(260, 200, 320, 240)
WAYS = ("sleep", "burn", "timer", "never", "unpainted", "toil")


class Reactor:
    """A running one, with hands on it."""

    def __init__(self, display: str, left: int, top: int) -> None:
        self._display: Any = open_display(display)
        self._left, self._top = left, top  # of what is inside its window

    def at(self, place: Region) -> tuple[int, int]:
        """The point of the screen in the middle of something inside the window."""
        return place.center.x + self._left, place.center.y + self._top

    def click(self, place: Region = BUTTON) -> None:
        """Click in the middle."""
        from Xlib import X

        x, y = self.at(place)
        self._display.xtest_fake_input(X.MotionNotify, x=x, y=y)
        self._display.xtest_fake_input(X.ButtonPress, 1)
        self._display.xtest_fake_input(X.ButtonRelease, 1)
        self._display.sync()

    def press(self, key: str) -> None:
        """Press a key; its name as X11 has it."""
        from Xlib import XK, X

        code = self._display.keysym_to_keycode(XK.string_to_keysym(key))
        self._display.xtest_fake_input(X.KeyPress, code)
        self._display.xtest_fake_input(X.KeyRelease, code)
        self._display.sync()

    def close(self) -> None:
        """Let go of the display."""
        self._display.close()


@contextmanager
def reactor(display: str, way: str) -> Generator[Reactor, None, None]:
    """The program on a display, ready to be clicked."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.perception.reactor", way]
    environment = {"DISPLAY": display, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=root)
    try:
        assert process.stdout is not None
        left, top = process.stdout.readline().split()
        hands = Reactor(display, int(left), int(top))
        try:
            yield hands
        finally:
            hands.close()
    finally:
        end(process)


def _run(way: str) -> None:
    import tkinter as tk

    root = tk.Tk(className="Reactor")
    root.title("Reactor")
    root.geometry("600x440+0+0")
    root.configure(background="white")

    def dialog() -> None:
        opened = tk.Toplevel(root, background="white")
        opened.geometry(f"{DIALOG.width}x{DIALOG.height}+{DIALOG.left}+{DIALOG.top}")
        painting = tk.Canvas(opened, background="white", highlightthickness=0)
        painting.pack(fill="both", expand=True)

        def paint() -> None:
            painting.create_rectangle(20, 20, DIALOG.width - 20, DIALOG.height - 20, fill="navy")

        if way == "unpainted":
            opened.after(int(DELAY * 1000), paint)
        else:
            paint()

    def react() -> None:
        if way == "sleep":
            time.sleep(DELAY)
        elif way == "burn":
            _burn(time.monotonic() + DELAY)
        elif way == "timer":
            root.after(int(DELAY * 1000), dialog)
        if way in ("sleep", "burn", "unpainted"):
            dialog()

    tk.Button(root, text="Open", command=react).place(
        x=BUTTON.left, y=BUTTON.top, width=BUTTON.width, height=BUTTON.height
    )
    field = tk.Entry(root, insertofftime=0)
    field.place(x=FIELD.left, y=FIELD.top, width=FIELD.width, height=FIELD.height)
    field.insert(0, "some text")
    field.focus_force()
    if way == "toil":
        threading.Thread(target=_burn, args=(time.monotonic() + 60,), daemon=True).start()
    root.after(300, lambda: print(root.winfo_rootx(), root.winfo_rooty(), flush=True))
    root.mainloop()


def _burn(until: float) -> None:
    while time.monotonic() < until:
        pass


if __name__ == "__main__":
    _run(sys.argv[1])
