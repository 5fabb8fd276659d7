"""A small GTK window with the usual things on it; a program for `--open`, run by the system's Python.

/usr/bin/python3 form.py [TITLE]
"""

# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys
from typing import Any


def main() -> None:
    """Show the form until killed."""
    sys.path.pop(0)
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk  # type: ignore[import-not-found]

    window: Any = Gtk.Window(title=sys.argv[1] if len(sys.argv) > 1 else "Form")
    window.set_default_size(420, 320)
    column: Any = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
    window.add(column)
    for name in ("Open", "Save", "Save As…"):
        column.add(Gtk.Button(label=name))
    entry: Any = Gtk.Entry()
    entry.set_text("Grüße, 東京")
    entry.set_tooltip_text("Greeting")
    secret: Any = Gtk.Entry()
    secret.set_visibility(False)
    secret.set_text("hunter2")
    check: Any = Gtk.CheckButton(label="Remember me")
    locked: Any = Gtk.Button(label="Locked")
    locked.set_sensitive(False)
    number: Any = Gtk.SpinButton.new_with_range(0, 100, 1)
    number.set_value(42)
    for thing in (entry, secret, check, locked, number):
        column.add(thing)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
