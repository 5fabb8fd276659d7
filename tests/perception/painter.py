"""Programs to look at: they paint rectangles, and answer pings as they are told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from Xlib import X, Xcursorfont
from Xlib.protocol import rq

from actuators.xlibfix import open_display
from perception.screenshot import Region

RED, GREEN, BLUE, BLACK = 0xFF0000, 0x00FF00, 0x0000FF, 0x000000


class _NameCursor(rq.Request):
    """XFixesSetCursorName, which python-xlib does not have."""

    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(23),
        rq.RequestLength(),
        rq.Card32("cursor"),
        rq.LengthOf("name", 2),
        rq.Pad(2),
        rq.Binary("name"),
    )


class Painter:
    """A window over a whole screen, black at first, with no window manager in between."""

    def __init__(self, display: str) -> None:
        self._at_work = threading.Lock()  # tests paint from timers, too, one of which may fire after the end
        self._closed = False
        self._display: Any = open_display(display)
        self._display.xfixes_query_version()
        self._ping = self._display.intern_atom("_NET_WM_PING")
        self._protocols = self._display.intern_atom("WM_PROTOCOLS")
        screen = self._display.screen()
        self._root = screen.root
        self._window = self._root.create_window(
            0, 0, screen.width_in_pixels, screen.height_in_pixels, 0, screen.root_depth, background_pixel=BLACK
        )
        self._gc = self._window.create_gc()
        self._window.map()
        self._display.sync()

    def paint(self, region: Region, colour: int = RED) -> None:
        """Fill a rectangle; it is on the screen when this returns."""
        with self._at_work:
            if self._closed:
                return
            self._gc.change(foreground=colour)
            self._window.fill_rectangle(self._gc, region.left, region.top, region.width, region.height)
            self._display.sync()

    def show_cursor(self, name: str) -> None:
        """Give the pointer another shape while it is over the window, and say its name, as libraries with themes do."""
        with self._at_work:
            if self._closed:
                return
            font = self._display.open_font("cursor")
            shape = getattr(Xcursorfont, "watch" if name == "watch" else "left_ptr")
            cursor = font.create_glyph_cursor(font, shape, shape + 1, (0, 0, 0), (65535, 65535, 65535))
            _NameCursor(
                display=self._display.display,
                opcode=self._display.display.get_extension_major("XFIXES"),
                cursor=cursor.id,
                name=name.encode(),
            )
            self._window.change_attributes(cursor=cursor.id)
            self._display.sync()

    def promise_answers(self) -> None:
        """Say, as most programs do, that pings will be answered; and take the focus."""
        self._window.change_property(self._protocols, self._display.intern_atom("ATOM"), 32, [self._ping])
        self._window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self._display.sync()

    def answer(self) -> None:
        """Answer the pings that have come in."""
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.ClientMessage and event.client_type == self._protocols:
                event.window = self._root
                self._root.send_event(event, event_mask=X.SubstructureNotifyMask | X.SubstructureRedirectMask)
        self._display.flush()

    def close(self) -> None:
        """The window goes, too."""
        with self._at_work:
            self._closed = True
            self._display.close()


@contextmanager
def painter(display: str) -> Generator[Painter, None, None]:
    """A painter of its own for one test."""
    painting = Painter(display)
    try:
        yield painting
    finally:
        painting.close()


@contextmanager
def meanwhile(step: Callable[[float], object], *, every: float) -> Generator[None, None, None]:
    """Call `step` with the seconds since the start, again and again, in a thread."""
    ended = threading.Event()
    started = time.monotonic()

    def run() -> None:
        while not ended.is_set():
            step(time.monotonic() - started)
            ended.wait(every)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
