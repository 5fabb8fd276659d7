"""A desktop of one page, on which things happen while somebody looks away; in the test's own process.

The page logs what it was hit on. An intruder is a dialog over it, as white as the page, or the page itself moving.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from Xlib import X

from actuators.xlibfix import open_display

Where: TypeAlias = Literal["page", "dialog"]
WHITE, GREY, BLUE = 0xFFFFFF, 0xD8D8D8, 0x3060C0
TILE = 40  # pixels; the page is a grid of numbered boxes, so that it looks alike nowhere near a target


class Stage:
    """The page and its dialogs. Not safe for use by two threads at a time."""

    def __init__(self, display: str) -> None:
        self._display: Any = open_display(display)
        screen = self._display.screen()
        self._root = screen.root
        self.size: tuple[int, int] = (screen.width_in_pixels, screen.height_in_pixels)
        self._page = self._window(0, 0, *self.size)
        self._ink = self._page.create_gc(foreground=BLUE)
        self._paper = self._page.create_gc(foreground=WHITE)
        self._grey = self._page.create_gc(foreground=GREY)
        self._greys = itertools.cycle((GREY, GREY - 0x404040))
        self._shift = 0
        self._dialog: Any = None
        self.draw()

    def draw(self, shift: int = 0) -> None:
        """Draw the page, moved down by so many pixels."""
        self._shift = shift
        self._page.fill_rectangle(self._paper, 0, 0, *self.size)
        for row in range(-1, self.size[1] // TILE + 1):
            for column in range(self.size[0] // TILE):
                side = 8 + (7 * row + 3 * column) % 24
                self._page.fill_rectangle(self._ink, column * TILE + 4, row * TILE + 4 + shift, side, 28)
        self._display.sync()

    def spot(self, x: int, y: int, width: int, height: int, *, again: bool = False) -> None:
        """Paint a part of the page grey; `again`: white."""
        self._grey.change(foreground=WHITE if again else next(self._greys))
        self._page.fill_rectangle(self._grey, x, y, width, height)
        self._display.sync()

    def lower(self) -> None:
        """Below all other windows."""
        self._page.configure(stack_mode=X.Below)
        self._display.sync()

    def pop_up(self, x: int, y: int, width: int = 240, height: int = 160, *, low: bool = False) -> None:
        """A plain white dialog with its middle at a point; it is on the screen when this returns.

        Args:
            low: right above the page, and below all other windows.
        """
        place = x - width // 2, y - height // 2
        self._dialog = self._window(*place, width, height, above=self._page if low else None)
        self._display.sync()

    def close_dialog(self) -> None:
        """Away with it."""
        if self._dialog is not None:
            self._dialog.destroy()
            self._dialog = None
            self._display.sync()

    def hits(self) -> list[tuple[Where, int]]:
        """Each press since the last call: what it hit, and by how much the page was moved then."""
        self._display.sync()
        found: list[tuple[Where, int]] = []
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.ButtonPress:
                found.append(("page" if event.window == self._page else "dialog", self._shift))
        return found

    def close(self) -> None:
        """The windows go, too."""
        self._display.close()

    def _window(self, x: int, y: int, width: int, height: int, above: Any = None) -> Any:
        window = self._root.create_window(
            x,
            y,
            width,
            height,
            0,
            X.CopyFromParent,
            background_pixel=WHITE,
            override_redirect=True,
            event_mask=X.ButtonPressMask,
        )
        if above is not None:
            window.configure(sibling=above, stack_mode=X.Above)
        window.map()
        return window


@contextmanager
def stage(display: str) -> Generator[Stage]:
    """A stage of its own for one test."""
    made = Stage(display)
    try:
        yield made
    finally:
        made.close()
