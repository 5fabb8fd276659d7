"""A GTK text field that fills the screen and writes its content to a file at every change; a program for `--open`.

/usr/bin/python3 notepad.py FILE     run by the system's Python, which has GTK's binding
"""

# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Show the field until killed."""
    sys.path.pop(0)
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk  # type: ignore[import-not-found]

    file = Path(sys.argv[1])
    window: Any = Gtk.Window(title="notepad")
    field: Any = Gtk.TextView()
    window.add(field)
    window.maximize()

    def save(buffer: Any) -> None:
        start, end = buffer.get_bounds()
        scratch = file.with_suffix(".part")
        scratch.write_text(buffer.get_text(start, end, True), encoding="utf-8", newline="")
        scratch.replace(file)

    field.get_buffer().connect("changed", save)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    field.grab_focus()
    Gtk.main()


if __name__ == "__main__":
    main()
