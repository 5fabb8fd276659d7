"""A GTK window that tells in a file what it got; needs nothing but what every guest has.

/usr/bin/python3 guest_window.py TITLE NAME REPORT [text | terminal]

WM_CLASS is NAME, with a capital letter for the class. REPORT is JSON and always whole:
{"text", "presses": of the button, "events": [[what, button, x, y, clicks]] of the text, "active", "size": [w, h]}.
"""

# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Atk", "1.0")
gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Atk, Gdk, GLib, Gtk  # type: ignore[import-not-found]  # noqa: E402

SHOWN = "Grüße, 東京 <&>"
KINDS = {
    Gdk.EventType.BUTTON_PRESS: "down",
    Gdk.EventType.BUTTON_RELEASE: "up",
    Gdk.EventType.SCROLL: "scroll",
}
WAYS = {
    Gdk.ScrollDirection.UP: 4,
    Gdk.ScrollDirection.DOWN: 5,
    Gdk.ScrollDirection.LEFT: 6,
    Gdk.ScrollDirection.RIGHT: 7,
}


class Report:
    """What the window got so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, Any] = {"text": "", "presses": 0, "events": [], "active": False, "size": [0, 0]}

    def tell(self, **facts: Any) -> None:
        """Add to what is known."""
        self._told.update(facts)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._told))
        new.replace(self._path)

    def pressed(self, *_: Any) -> None:
        """The button."""
        self.tell(presses=self._told["presses"] + 1)

    def event(self, _widget: Any, event: Any) -> bool:
        """Mouse and wheel over the text."""
        if event.type in KINDS:
            wheel = event.type == Gdk.EventType.SCROLL
            button = _wheel(event) if wheel else event.button.button
            place = event.scroll if wheel else event.button
            fact = [KINDS[event.type], button, int(place.x_root), int(place.y_root)]
            self.tell(events=[*self._told["events"], fact])
        return event.type in KINDS and KINDS[event.type] == "down" and event.button.button == 3  # no menu


def _wheel(event: Any) -> int:
    if event.scroll.direction in WAYS:
        return WAYS[event.scroll.direction]
    _, right, down = event.get_scroll_deltas()
    return (7 if right > 0 else 6) if abs(right) > abs(down) else (5 if down > 0 else 4)


def _window(title: str, report: Report, kind: str) -> Any:
    window = Gtk.Window(title=title)
    window.set_default_size(500, 360)
    column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    window.add(column)
    view = Gtk.TextView()
    view.add_events(Gdk.EventMask.SCROLL_MASK)
    text = view.get_buffer()
    text.connect("changed", lambda _: report.tell(text=text.get_text(*text.get_bounds(), True)))
    view.connect("event", report.event)
    if kind == "terminal":
        view.get_accessible().set_role(Atk.Role.TERMINAL)
        text.set_text("user@guest:~$ echo terminal text\nterminal text\n")
    column.pack_start(view, True, True, 0)
    button = Gtk.Button(label="Press me")
    button.connect("clicked", report.pressed)
    entry = Gtk.Entry(text=SHOWN)
    number = Gtk.SpinButton.new_with_range(0, 100, 1)
    number.set_value(42)
    for thing in (button, entry, number):
        column.pack_start(thing, False, False, 0)
    view.grab_focus()
    return window


def main() -> None:
    """Show the window until it is closed."""
    title, name, path = sys.argv[1:4]
    GLib.set_prgname(name)
    Gdk.set_program_class(name.capitalize())
    report = Report(Path(path))
    window = _window(title, report, sys.argv[4] if len(sys.argv) > 4 else "text")
    window.connect("notify::is-active", lambda *_: report.tell(active=window.is_active()))
    window.connect("configure-event", lambda _, event: report.tell(size=[event.width, event.height]) and False)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
