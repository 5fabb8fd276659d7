"""A mail that is being written, with a button that sends it; a program for `--open`, run by the system's Python.

/usr/bin/python3 mail.py LOG    one line a sending: whom to. Lines of LOG.to change the recipient meanwhile.
"""

# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PLACE = (60, 60)  # of the window; the button is the only thing in its lower half
SIZE = (500, 300)
BUTTON = (PLACE[0] + SIZE[0] // 2, PLACE[1] + SIZE[1] - 60)


def main() -> None:
    """Show the mail until killed."""
    sys.path.pop(0)
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gtk", "3.0")
    from gi.repository import GLib, Gtk  # type: ignore[import-not-found]

    log = Path(sys.argv[1])
    window: Any = Gtk.Window(title="Write: offer", decorated=False)
    window.set_default_size(*SIZE)
    window.move(*PLACE)
    column: Any = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
    window.add(column)
    to: Any = Gtk.Entry(text="ann@example.org")
    column.pack_start(to, False, False, 0)
    button: Any = Gtk.Button(label="Send")
    button.set_size_request(-1, 120)
    column.pack_end(button, False, False, 0)

    def send(_button: Any) -> None:
        with log.open("a") as file:
            file.write(to.get_text() + "\n")

    def look() -> bool:
        change = log.with_suffix(".to")
        if change.exists():
            to.set_text(change.read_text().strip())
            change.unlink()
        return True

    button.connect("clicked", send)
    GLib.timeout_add(30, look)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
