"""A small window, in a process of its own, that logs every input event it gets.

Tests use `event_window(display)`; the process itself is `python window.py`, which speaks JSON lines.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run as a program: this folder's names must not hide the library's
    sys.path.pop(0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One event. `type`: key_down, key_up, button_down, button_up, motion; x, y: pixels of the screen."""

    type: str
    x: int
    y: int
    state: int
    time: int
    key: str = ""
    button: int = 0


class EventWindow:
    """The test's end of the window."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._seen: list[Seen] = []

    def events(self) -> list[Seen]:
        """Everything seen since the last call; what the server had processed before the call is in it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("sync\n")
        self._process.stdin.flush()
        seen: list[Seen] = []
        for line in self._process.stdout:
            data = json.loads(line)
            if data["type"] == "sync":
                return seen
            seen.append(Seen(**data))
        raise RuntimeError("the test window is gone")

    def clicks(self) -> list[Seen]:
        """The button presses since the last call to anything."""
        return [event for event in self.events() if event.type == "button_down"]


@contextmanager
def event_window(
    display: str,
    *,
    x: int = 0,
    y: int = 0,
    width: int = 0,
    height: int = 0,
    environment: Mapping[str, str] = {},
) -> Generator[EventWindow, None, None]:
    """A focused window on `display`; width or height 0 means as large as the screen."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), *map(str, (x, y, width, height))],
        env={**os.environ, **environment, "DISPLAY": display},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the test window did not start")
        yield EventWindow(process)
    finally:
        from tests.support.xserver import end

        end(process)


def _main() -> None:
    from Xlib import X, display

    connection = display.Display()
    screen = connection.screen()
    x, y, width, height = (int(argument) for argument in sys.argv[1:5])
    window = screen.root.create_window(
        x,
        y,
        width or screen.width_in_pixels - x,
        height or screen.height_in_pixels - y,
        0,
        screen.root_depth,
        background_pixel=screen.white_pixel,
        override_redirect=True,
        event_mask=X.KeyPressMask
        | X.KeyReleaseMask
        | X.ButtonPressMask
        | X.ButtonReleaseMask
        | X.PointerMotionMask
        | X.ExposureMask,
    )
    window.set_wm_class("event-window", "EventWindow")
    window.map()
    while connection.next_event().type != X.Expose:
        pass
    window.set_input_focus(X.RevertToParent, X.CurrentTime)
    connection.sync()
    _say("ready")
    _serve(connection)


def _serve(connection: Any) -> None:
    """Report events as they come; answer each line of standard input with a sync, until it ends."""
    while True:
        ready, _, _ = select.select([sys.stdin, connection.fileno()], [], [])
        asked = sys.stdin in ready and sys.stdin.readline()
        if sys.stdin in ready and not asked:
            return
        if asked:
            connection.sync()
        while connection.pending_events():
            _report(connection, connection.next_event())
        if asked:
            _say(json.dumps({"type": "sync"}))


def _report(connection: Any, event: Any) -> None:
    from Xlib import X

    names = {
        X.KeyPress: "key_down",
        X.KeyRelease: "key_up",
        X.ButtonPress: "button_down",
        X.ButtonRelease: "button_up",
        X.MotionNotify: "motion",
    }
    if event.type == X.MappingNotify:
        connection.refresh_keyboard_mapping(event)
    if event.type not in names:
        return
    kind = names[event.type]
    data: dict[str, object] = {"type": kind, "x": event.root_x, "y": event.root_y}
    data |= {"state": event.state, "time": event.time}
    if kind.startswith("key"):
        data["key"] = _key_name(connection.keycode_to_keysym(event.detail, 0))
    elif kind.startswith("button"):
        data["button"] = event.detail
    _say(json.dumps(data))


def _key_name(keysym: int) -> str:
    from Xlib import XK

    names = [name[3:] for name in dir(XK) if name.startswith("XK_") and getattr(XK, name) == keysym]
    return names[0] if names else hex(keysym)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    _main()
