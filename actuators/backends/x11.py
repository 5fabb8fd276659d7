"""Hands on X11, directly: XTEST for pointer and keys, our own selection for text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from actuators.actions import Button
from actuators.backends import Monitor, Pause
from actuators.backends.x11_display import XDisplay
from actuators.backends.x11_keyboard import Keyboard
from actuators.backends.x11_text import Writer
from actuators.errors import DisplayLost, NotSupported

BUTTONS: dict[Button, int] = {"left": 1, "wheel": 2, "right": 3, "back": 8, "forward": 9}
WHEEL = {(0, -1): 4, (0, 1): 5, (-1, 0): 6, (1, 0): 7}


class X11Backend:
    """One connection for input; a second one, opened with the first text, for the clipboard."""

    name = "x11"

    def __init__(self, display: str | None = None) -> None:
        """Connect.

        Raises:
            DisplayLost: no such display.
            NotSupported: the display has no XTEST, or Xlib is the wrong one.
        """
        self._display = XDisplay(display)
        if not self._display.x.has_extension("XTEST"):
            self._display.close()
            raise NotSupported(
                f"display {self._display.name} takes no synthetic input: its X server runs without XTEST; "
                "start the server with `+extension XTEST`, or let the work be done on a private desktop"
            )
        self._keyboard = Keyboard(self._display)
        self._writer = Writer(self._display, self._keyboard)

    def acting(self) -> AbstractContextManager[None]:
        """Maps python-xlib's exceptions."""
        return self._display.mapped()

    def monitors(self) -> Sequence[Monitor]:
        """As RandR tells; the whole screen where there is no RandR."""
        return self._display.monitors()

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a pixel of the screen."""
        from Xlib import X

        self._fake(X.MotionNotify, 0, x, y)

    def button(self, button: Button, down: bool) -> None:
        """Press or release a button."""
        from Xlib import X

        self._fake(X.ButtonPress if down else X.ButtonRelease, BUTTONS[button])

    def notch(self, dx: int, dy: int) -> None:
        """Turn the wheel, which X11 takes for buttons 4 to 7."""
        from Xlib import X

        for step, count in (((0, 1 if dy > 0 else -1), dy), ((1 if dx > 0 else -1, 0), dx)):
            for _ in range(abs(count)):
                self._fake(X.ButtonPress, WHEEL[step])
                self._fake(X.ButtonRelease, WHEEL[step])

    def key(self, name: str, down: bool) -> None:
        """Press or release a key."""
        self._keyboard.key(name, down)

    def type_text(self, text: str, pause: Pause) -> None:
        """Paste or type, whichever brings the text in exactly."""
        self._writer.type_text(text, pause)

    def close(self) -> None:
        """Give clipboard and borrowed keys back, and disconnect."""
        try:
            with self._display.mapped():
                self._writer.close()
                self._keyboard.close()
        except DisplayLost:  # nothing to give back to
            pass
        finally:
            self._display.close()

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        from Xlib.ext.xtest import fake_input

        fake_input(self._display.x, kind, detail, x=x, y=y)
        self._display.sync()
