"""The test card on X11: a window that no window manager moves, above all others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from actuators.actions import Point
from actuators.backends.x11_display import XDisplay
from ui.doctor.card import GROUND, INK, Colour, Layout, Shower, Window

LETTERS = 18  # pixels; their size


def on_x11(display: str | None = None) -> Shower:
    """Shows cards on an X display."""

    @contextmanager
    def show(layout: Layout) -> Generator[Window]:
        card = _XCard(XDisplay(display), layout)
        try:
            yield card
        finally:
            card.close()

    return show


class _XCard:
    def __init__(self, display: XDisplay, layout: Layout) -> None:
        from Xlib import X

        self._display, region = display, layout.region
        with display.mapped(), display.asking():
            self._window: Any = display.root.create_window(
                region.left,
                region.top,
                region.width,
                region.height,
                0,
                X.CopyFromParent,
                background_pixel=_pixel(GROUND),
                override_redirect=True,
                event_mask=X.ButtonPressMask | X.ExposureMask,
            )
            self._window.set_wm_name("Deskhand test card")
            self._window.map()
            self._window.configure(stack_mode=X.Above)
            self._draw(layout)
            display.x.sync()

    def is_hit(self) -> bool:
        """See `Window`: the window under the pointer."""
        with self._display.mapped(), self._display.asking():
            child = self._display.root.query_pointer().child
        return bool(child) and child.id == self._window.id

    def clicks(self) -> Sequence[Point]:
        """See `Window`: where the X server says that the button went down."""
        from Xlib import X

        with self._display.mapped(), self._display.asking():
            events: list[Any] = [self._display.x.next_event() for _ in range(self._display.x.pending_events())]
        return [Point(event.root_x, event.root_y) for event in events if event.type == X.ButtonPress]

    def close(self) -> None:
        """Take the card away."""
        self._display.close()

    def _draw(self, layout: Layout) -> None:
        region = layout.region
        for mark in layout.marks:
            pen = self._window.create_gc(foreground=_pixel(mark.colour))
            for bar in layout.bars(mark):
                self._window.fill_rectangle(pen, bar.left - region.left, bar.top - region.top, bar.width, bar.height)
        picture = _words(layout)
        left, top = (region.width - picture.width) // 2, region.height // 4 - picture.height // 2
        self._window.put_pil_image(self._window.create_gc(), left, top, picture)


def _words(layout: Layout) -> Any:
    """The lines of a card as a picture, since X servers have no letters of a decent size."""
    from PIL import Image, ImageDraw, ImageFont

    text, font = "\n".join(layout.lines), ImageFont.load_default(LETTERS * layout.unit)
    _, _, width, height = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font)
    picture = Image.new("RGB", (int(width) + 1, int(height) + 1), GROUND)
    ImageDraw.Draw(picture).multiline_text((0, 0), text, INK, font, align="center")
    return picture


def _pixel(colour: Colour) -> int:
    red, green, blue = colour
    return red << 16 | green << 8 | blue
