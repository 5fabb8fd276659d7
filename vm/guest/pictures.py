"""Pictures of the desktop as PNG."""

from __future__ import annotations

from perception.screen import ScreenResized
from vm.guest.desk import Desktop

SECONDS = 30.0  # for a picture: in an emulated machine it takes one
_TRIES = 5  # for a screen that changes its size meanwhile


def png_of(desktop: Desktop, *, seconds: float = SECONDS) -> bytes:
    """The screen as it is now, with the mouse pointer drawn into it.

    Raises:
        ScreenLost: it is gone.
        Refused: it took too long.
    """
    return desktop.looking.do(lambda: _taken(desktop), seconds)


def _taken(desktop: Desktop) -> bytes:
    screen = desktop.screen
    for left in range(_TRIES, 0, -1):
        try:
            screen.check()
            return desktop.encoder.encode(screen.with_cursor(screen.grab())).image
        except ScreenResized:
            if left == 1:
                raise
            screen.reopen()
    raise AssertionError
