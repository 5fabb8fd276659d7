"""A text field of a real toolkit, in a process of its own, whose content tests can set and read.

Tests use `text_field(display, "gtk")`; the process itself is `python textfield.py KIND`, or `qtfield.py` for Qt. The
bindings of GTK and Qt come with the system's Python, not with the project's.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["gtk", "gtk-entry", "password", "qt", "qt-line", "tk"]
SYSTEM_PYTHON = "/usr/bin/python3"


class TextField:
    """The test's end of the field."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self) -> str:
        """What is in the field, after everything that has been sent to it."""
        return str(self._ask({"do": "read"}))

    def write(self, text: str, *, select: bool = False) -> None:
        """Replace the content; `select` marks all of it."""
        self._ask({"do": "write", "text": text, "select": select})

    def clipboard(self, text: str) -> None:
        """Let this program own the clipboard with `text`."""
        self._ask({"do": "clipboard", "text": text})

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def text_field(display: str, kind: Kind = "gtk") -> Generator[TextField, None, None]:
    """A focused text field (`password`: a GTK entry that hides its text and refuses to paste)."""
    python = sys.executable if kind == "tk" else SYSTEM_PYTHON
    program = Path(__file__).with_name("qtfield.py" if kind.startswith("qt") else "textfield.py")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}  # OpenCV sets some
    process = subprocess.Popen(
        [python, str(program), kind],
        env={**ours, "DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1", "QT_QPA_PLATFORM": "xcb"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the {kind} text field did not start")
        yield TextField(process)
    finally:
        from tests.support.xserver import end

        end(process)


def _gtk(kind: str) -> None:
    gi: Any = importlib.import_module("gi")
    gi.require_version("Gtk", "3.0")
    gi.require_version("Gdk", "3.0")
    Gdk: Any = importlib.import_module("gi.repository.Gdk")
    GLib: Any = importlib.import_module("gi.repository.GLib")
    Gtk: Any = importlib.import_module("gi.repository.Gtk")

    def refuse(entry: Any) -> None:
        entry.stop_emission_by_name("paste-clipboard")

    window = Gtk.Window(title="text field")
    window.set_default_size(700, 500)
    entry = kind != "gtk"
    field = Gtk.Entry() if entry else Gtk.TextView()
    if kind == "password":
        field.set_visibility(False)
        field.connect("paste-clipboard", refuse)
    if entry:
        window.add(field)
    else:  # long lines would make the window itself too large for X
        field.set_wrap_mode(Gtk.WrapMode.CHAR)
        scrolled = Gtk.ScrolledWindow()
        scrolled.add(field)
        window.add(scrolled)
    content = field if entry else field.get_buffer()

    def answer(question: Any) -> Any:
        if question["do"] == "write":
            content.set_text(question["text"])
            if question["select"] and entry:
                content.select_region(0, -1)
            elif question["select"]:
                content.select_range(content.get_start_iter(), content.get_end_iter())
        elif question["do"] == "clipboard":
            Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_text(question["text"], -1)
        elif entry:
            return content.get_text()
        else:
            return content.get_text(content.get_start_iter(), content.get_end_iter(), True)
        return None

    def asked(*_: Any) -> bool:
        line = sys.stdin.readline()
        if not line:
            Gtk.main_quit()
            return False
        # Below the priority of input, so that everything sent before the question has arrived.
        GLib.idle_add(lambda: _say(answer(json.loads(line))), priority=GLib.PRIORITY_LOW)
        return True

    def mapped(*_: Any) -> None:
        GLib.timeout_add(30, _focused, window)

    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, asked)
    window.connect("map-event", mapped)
    window.show_all()
    Gtk.main()


def _focused(window: Any) -> bool:
    if window.is_active():
        print("ready", flush=True)
        return False
    return True


def _tk() -> None:
    import threading
    import tkinter

    root = tkinter.Tk()
    field = tkinter.Text(root)
    field.pack()

    def answer(question: Any) -> None:
        root.update()
        if question["do"] == "read":
            _say(field.get("1.0", "end-1c"))
            return
        if question["do"] == "write":
            field.delete("1.0", "end")
            field.insert("1.0", question["text"])
            if question["select"]:
                field.tag_add("sel", "1.0", "end-1c")
        else:
            root.clipboard_clear()
            root.clipboard_append(question["text"])
        _say(None)

    def listen() -> None:
        for line in sys.stdin:
            root.after(0, answer, json.loads(line))
        root.after(0, root.destroy)

    field.bind("<FocusIn>", lambda _: print("ready", flush=True), add="+")
    root.after(50, field.focus_force)
    threading.Thread(target=listen, daemon=True).start()
    root.mainloop()


def _say(answer: Any) -> bool:
    print(json.dumps(answer), flush=True)
    return False


if __name__ == "__main__":
    if sys.argv[1] == "tk":
        _tk()
    else:
        _gtk(sys.argv[1])
