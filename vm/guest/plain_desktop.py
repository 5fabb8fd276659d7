"""The plain interface: what is on the desktop, and its windows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from perception.errors import CannotRead
from vm.guest import files
from vm.guest.accessibility import terminal_text, tree_as_xml
from vm.guest.book import Book, Window, matching
from vm.guest.desk import Desktop
from vm.guest.forms import fields_of
from vm.guest.opening import command, open_and_wait
from vm.guest.pictures import png_of
from vm.guest.running import run
from vm.guest.state import Guest, flag, has, text
from vm.guest.wire import Answer, Refused, Request, as_json, as_text

OPEN_SECONDS = 1800.0  # as long as host code waits for a window
TREE_SECONDS = 60.0
ASK_SECONDS = 20.0  # for a setting
_BACKGROUND = "org.gnome.desktop.background"


def screenshot(guest: Guest, _: Request) -> Answer:
    """The screen with the mouse pointer."""
    return Answer(png_of(guest.desk.desktop), media="image/png")


def terminal(guest: Guest, _: Request) -> Answer:
    """What stands in the terminal."""
    desktop = guest.desk.desktop
    try:
        said = desktop.reading.do(lambda: terminal_text(desktop.tree, TREE_SECONDS), TREE_SECONDS)
    except CannotRead as error:
        raise Refused(500, "failed", str(error)) from None
    return as_json({"output": said, "status": "success"})


def accessibility(guest: Guest, _: Request) -> Answer:
    """What programs say is on their windows, as XML."""
    desktop = guest.desk.desktop
    try:
        xml = desktop.reading.do(lambda: tree_as_xml(desktop.tree, TREE_SECONDS), TREE_SECONDS + 5)
    except CannotRead as error:
        raise Refused(500, "failed", str(error)) from None
    return as_json({"AT": xml})


def screen_size(guest: Guest, _: Request) -> Answer:
    """Of the screen, in pixels."""
    width, height = guest.desk.desktop.watcher.ask(lambda book: book.size)
    return as_json({"width": width, "height": height})


def cursor_position(guest: Guest, _: Request) -> Answer:
    """Where the mouse pointer is."""
    return as_json(guest.fingers.do({"do": "position"}))


def platform(_: Guest, __: Request) -> Answer:
    """What kind of system this is."""
    return as_text("Linux")


def window_size(guest: Guest, request: Request) -> Answer:
    """Of the first window of a class."""
    name = fields_of(request).get("app_class_name", "")
    if not name:
        raise Refused(400, "invalid", "app_class_name is missing")
    watcher = guest.desk.desktop.watcher
    window = matching(watcher.ask(Book.windows), name, strict=False, by_class=True)
    size = None if window is None else watcher.ask(lambda book: book.size_of(window.id))
    if size is None:
        raise Refused(404, "missing", f"no window of the class {name!r} is open")
    return as_json({"width": size[0], "height": size[1]})


def open_file(guest: Guest, request: Request) -> Answer:
    """Open a file with its program, or start a program, and bring its window to the front."""
    path = request.json().get("path")
    if not isinstance(path, str) or not path:
        return as_text("Path not supplied!", 400)
    place = files.expanded(path)
    if not place.exists() and shutil.which(path) is None:
        return as_text(f"Application/file not found: {path}", 404)
    desktop = guest.desk.desktop
    try:
        window = _open_place(desktop, place) if place.exists() else open_and_wait(desktop, [path], OPEN_SECONDS)
    except Refused as refused:
        return as_text(f"Failed to open {path}. Error: {refused}", 500)
    desktop.watcher.ask(lambda book: book.activate(window.id))
    return as_text("File opened and window activated successfully")


def activate_window(guest: Guest, request: Request) -> Answer:
    """Bring a window to the front."""
    window = _wanted(guest, request)
    if isinstance(window, Answer):
        return window
    guest.desk.desktop.watcher.ask(lambda book: book.activate(window.id))
    return as_text("Window activated successfully")


def close_window(guest: Guest, request: Request) -> Answer:
    """Ask a window to close."""
    window = _wanted(guest, request)
    if isinstance(window, Answer):
        return window
    guest.desk.desktop.watcher.ask(lambda book: book.shut(window.id))
    return as_text("Window closed successfully")


def desktop_path(_: Guest, __: Request) -> Answer:
    """The folder of what lies on the desktop."""
    path = Path.home() / "Desktop"
    if not path.is_dir():
        return as_json({"error": f"there is no folder {path}"}, 404)
    return as_json({"desktop_path": str(path)})


def wallpaper(_: Guest, __: Request) -> Answer:
    """The picture behind everything."""
    path = _gnome_wallpaper() or _pcmanfm_wallpaper()
    if path is None:
        raise Refused(404, "missing", "this desktop has no picture behind it")
    return Answer(media="image/png", file=files.read(path))


def change_wallpaper(_: Guest, request: Request) -> Answer:
    """Put another picture behind everything."""
    path = request.json().get("path")
    if not isinstance(path, str) or not path:
        return as_text("Path not supplied!", 400)
    place = files.expanded(path)
    if not place.is_file():
        return as_text(f"File not found: {path}", 404)
    ways = [["gsettings", "set", _BACKGROUND, "picture-uri", f"file://{quote(str(place))}"]]
    ways.append(["pcmanfm", "--set-wallpaper", str(place)])
    done = [run(words, seconds=ASK_SECONDS) for words in ways if has(words[0])]
    if not any(outcome.status == 0 for outcome in done):
        said = " ".join(outcome.error.strip() for outcome in done) or "nothing here can do it"
        return as_text(f"Failed to change wallpaper. Error: {said}", 500)
    return as_text("Wallpaper changed successfully")


def start_recording(guest: Guest, _: Request) -> Answer:
    """Begin to film the screen."""
    guest.recorder.start(guest.desk.desktop.watcher.ask(lambda book: book.size))
    return as_json({"status": "success", "message": "Started recording."})


def end_recording(guest: Guest, _: Request) -> Answer:
    """End the film; what was filmed."""
    return Answer(media="video/mp4", file=guest.recorder.stop())


def _wanted(guest: Guest, request: Request) -> Window | Answer:
    """The window that a request names; where there is none, as ever, no error."""
    data = request.json()
    if not data.get("window_name"):
        return as_text("window_name required", 400)
    name, strict, by_class = text(data, "window_name"), flag(data, "strict"), flag(data, "by_class")
    windows = guest.desk.desktop.watcher.ask(Book.windows)
    found = matching(windows, name, strict=strict, by_class=by_class)
    return found or as_text(f"No window is called {name!r}; nothing was done")


def _open_place(desktop: Desktop, path: Path) -> Window:
    """Open a file or folder with what its user has chosen for such, else with what usually opens them."""
    title = (path.stem or path.name, path.name)
    if has("xdg-open"):
        try:
            return open_and_wait(desktop, ["xdg-open", str(path)], OPEN_SECONDS, title=title)
        except Refused as refused:
            if refused.kind != "failed":
                raise
    words = ["pcmanfm", str(path)] if path.is_dir() and has("pcmanfm") else command(str(path))
    return open_and_wait(desktop, words, OPEN_SECONDS, title=title)


def _gnome_wallpaper() -> Path | None:
    if not has("gsettings"):
        return None
    done = run(["gsettings", "get", _BACKGROUND, "picture-uri"], seconds=ASK_SECONDS)
    address = done.output.strip().strip("'\"")
    path = Path(unquote(urlsplit(address).path)) if address.startswith("file://") else None
    return path if path is not None and path.is_file() else None


def _pcmanfm_wallpaper() -> Path | None:
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pcmanfm"
    for known in sorted(config.glob("*/desktop-items-*.conf")):
        for line in known.read_text(errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "wallpaper" and Path(value.strip()).is_file():
                return Path(value.strip())
    return None
