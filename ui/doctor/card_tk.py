"""The test card through Tk, for Windows and macOS: a process of its own, as Tk wants a main thread.

It reads the layout from its first line of input, writes a line for each click, and ends with its input.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO, Any

from actuators.actions import Point
from ui.doctor.card import GROUND, INK, Colour, Layout, Shower, Window

START_SECONDS = 3.0  # until the window is there
LETTERS = 18  # pixels; their size


def with_tk() -> Shower:
    """Shows cards on this desktop."""

    @contextmanager
    def show(layout: Layout) -> Generator[Window]:
        with subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin and process.stdout
            card = _TkCard(process.stdin, process.stdout, layout)
            try:
                card.wait()
                yield card
            finally:
                process.stdin.close()
                try:
                    process.wait(START_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()

    return show


class _TkCard:
    def __init__(self, orders: IO[str], events: IO[str], layout: Layout) -> None:
        self._news: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        orders.write(json.dumps(_drawing(layout)) + "\n")
        orders.flush()
        threading.Thread(target=self._read, args=(events,), daemon=True, name="deskhand-card").start()

    def wait(self) -> None:
        """Until the window is there.

        Raises:
            RuntimeError: it does not come, as where Python was built without Tk.
        """
        try:
            self._news.get(timeout=START_SECONDS)
        except queue.Empty:
            raise RuntimeError("the test card does not come up (Python's tkinter shows it)") from None

    def is_hit(self) -> bool:
        """See `Window`: a window above all others, as far as Tk can tell."""
        return True

    def clicks(self) -> Sequence[Point]:
        """See `Window`."""
        points: list[Point] = []
        while not self._news.empty():
            x, y = self._news.get()
            points.append(Point(x, y))
        return points

    def _read(self, events: IO[str]) -> None:
        for line in events:
            self._news.put(json.loads(line))


def _drawing(layout: Layout) -> dict[str, Any]:
    bars = [(_name(mark.colour), asdict(bar)) for mark in layout.marks for bar in layout.bars(mark)]
    return {"region": asdict(layout.region), "bars": bars, "text": "\n".join(layout.lines), "unit": layout.unit}


def _name(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _main() -> None:
    """Show what the first line of input says, until there is no more input."""
    import tkinter

    from actuators.dpi import see_real_pixels

    see_real_pixels()
    drawing = json.loads(sys.stdin.readline())
    region = drawing["region"]
    root: Any = tkinter.Tk()
    root.overrideredirect(True)
    root.attributes("-topmost", True)
    root.geometry(f"{region['width']}x{region['height']}+{region['left']}+{region['top']}")
    canvas = tkinter.Canvas(root, background=_name(GROUND), highlightthickness=0, borderwidth=0)
    canvas.pack(fill="both", expand=True)
    for colour, bar in drawing["bars"]:
        left, top = bar["left"] - region["left"], bar["top"] - region["top"]
        canvas.create_rectangle(left, top, left + bar["width"], top + bar["height"], fill=colour, width=0)
    middle = (region["width"] // 2, region["height"] // 4)
    font = ("TkDefaultFont", -LETTERS * drawing["unit"])
    canvas.create_text(*middle, text=drawing["text"], fill=_name(INK), font=font, justify="center")
    ended = threading.Event()

    def say(x: int, y: int) -> None:
        print(json.dumps([x, y]), flush=True)

    def read() -> None:
        sys.stdin.read()
        ended.set()

    def look() -> None:
        root.destroy() if ended.is_set() else root.after(30, look)

    canvas.bind("<ButtonPress-1>", lambda event: say(event.x_root, event.y_root))
    threading.Thread(target=read, daemon=True).start()
    root.update()
    say(0, 0)  # the window is there
    look()
    root.mainloop()


if __name__ == "__main__":
    _main()
