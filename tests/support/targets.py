"""A full-screen window with one small red target at a time, which logs where it was hit; a program for `--open`.

    python targets.py LOG SEED     one JSON line a press: {"hit": [x, y], "target": [x, y]}; the target then moves

With SEED "none" there is no target, and every press and key is logged.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

SIDE = 9  # pixels; odd, so that the target has a middle pixel
MARGIN = 12
RED = 0xE00000
PAPER = (0xF4F4EE, 0xF4F4EF)  # it changes with every press, so that there is something to see


def main() -> None:
    """Show the target until killed."""
    sys.path.pop(0)  # this folder's names must not hide the library's
    from Xlib import X, display

    log, seed = Path(sys.argv[1]), sys.argv[2]
    x = display.Display()
    screen = x.screen()
    size = (screen.width_in_pixels, screen.height_in_pixels)
    events = X.ButtonPressMask | X.ExposureMask | X.KeyPressMask
    window = screen.root.create_window(
        0, 0, *size, 0, screen.root_depth, background_pixel=PAPER[0], override_redirect=True, event_mask=events
    )
    window.map()
    red = window.create_gc(foreground=RED)
    places = random.Random(seed)
    shades = itertools.cycle(PAPER)
    target = (0, 0)

    def move_on() -> tuple[int, int]:
        place = tuple(places.randrange(MARGIN, length - MARGIN) for length in size)
        window.change_attributes(background_pixel=next(shades))
        window.clear_area()
        if seed != "none":
            window.fill_rectangle(red, place[0] - SIDE // 2, place[1] - SIDE // 2, SIDE, SIDE)
        x.flush()
        return place[0], place[1]

    while True:
        event: Any = x.next_event()
        if event.type == X.Expose and event.count == 0 and target == (0, 0):
            window.set_input_focus(X.RevertToParent, X.CurrentTime)
            target = move_on()
        elif event.type in (X.ButtonPress, X.KeyPress):
            at = time.monotonic()  # one clock for all processes of the machine
            line = {"at": at, "hit": [event.root_x, event.root_y], "target": target, "detail": event.detail}
            with log.open("a") as file:
                file.write(json.dumps(line | {"key": event.type == X.KeyPress}) + "\n")
            if event.type == X.ButtonPress:
                target = move_on()


if __name__ == "__main__":
    main()
