"""The interface under /v2: everything bounded in time, and errors that say what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import quote

from perception.backends.xdamage import WatchLost
from perception.errors import CannotRead
from perception.tree import Element
from vm.guest import files
from vm.guest.acting import mark
from vm.guest.book import Book
from vm.guest.opening import command, open_and_wait
from vm.guest.running import reap, run, start
from vm.guest.state import VERSION, Guest, flag, number, text
from vm.guest.wire import Answer, Refused, Request, as_json

LONGEST = 600.0  # seconds that anything may take
PICTURE_SECONDS = 30.0  # for taking a picture, besides waiting for a still screen


def health(guest: Guest, _: Request) -> Answer:
    """Whether the desktop can be used. Answers at once, also where there is no desktop."""
    size, desktop = (0, 0), False
    with suppress(Refused, WatchLost):
        watcher = guest.desk.desktop.watcher
        size = watcher.ask(lambda book: book.size)
        desktop = watcher.ask(lambda book: book.managed() and (not guest.panel or book.has_panel()))
    uptime = round(time.monotonic() - guest.began, 3)
    return as_json({"ok": True, "version": VERSION, "size": list(size), "desktop": desktop, "uptime": uptime})


def renew(guest: Guest, request: Request) -> Answer:
    """Make a fork of a snapshot a machine of its own."""
    from vm.guest.renewal import Renewal, ask_root

    data = request.json()
    wanted = Renewal.of(data)
    plain = flag(data, "plain")
    ask_root(guest.root, wanted)
    guest.access.renew(wanted.token, plain=plain)
    guest.acting.forget()
    return as_json({"ok": True})


def actions(guest: Guest, request: Request) -> Answer:
    """Carry out a batch of actions."""
    data = request.json()
    batch = data.get("actions")
    if not isinstance(batch, list):
        raise Refused(400, "invalid", "actions must be a list")
    name = text(data, "id", "")
    if len(name) > 200:
        raise Refused(400, "invalid", "an id has at most 200 characters")
    seconds = number(data, "seconds", 60, least=0.01, most=LONGEST)
    settle = number(data, "settle", 0, most=60)
    return as_json(guest.acting.perform(cast("list[Any]", batch), name=name, seconds=seconds, settle=settle))


def release(guest: Guest, _: Request) -> Answer:
    """Let go of everything that is pressed, and end the batch under way."""
    guest.acting.release()
    guest.fingers.release()
    return as_json({"ok": True})


def screenshot(guest: Guest, request: Request) -> Answer:
    """The screen once it has settled, without the mouse pointer."""
    settle = number(request.query, "settle", 0, most=60)
    desktop = guest.desk.desktop
    if settle and guest.acting.touched:
        guest.acting.touched = False
        mark(desktop)
    shot = desktop.looking.do(lambda: desktop.eyes.look(settle), settle + PICTURE_SECONDS)
    headers = {"X-Settled": str(shot.settled).lower(), "X-Taken-At": f"{shot.taken_at:.3f}"}
    return Answer(shot.image, media=shot.media_type, headers=headers)


def front(guest: Guest, _: Request) -> Answer:
    """What is in front, and whether it is at work."""
    return as_json(guest.desk.desktop.watcher.front())


def ping(guest: Guest, request: Request) -> Answer:
    """Ask the program in front whether it keeps up, and wait for its answer."""
    return as_json(guest.desk.desktop.watcher.ping(number(request.json(), "seconds", 2, most=60)))


def target(guest: Guest, request: Request) -> Answer:
    """What is at a point of the screen, or what gets the keys."""
    data = request.json()
    seconds = number(data, "seconds", 2, least=0.01, most=30)
    naming = guest.desk.desktop.naming
    if flag(data, "front"):
        found = naming.in_front(seconds=seconds)
    else:
        x, y = (int(number(data, axis, float("nan"), least=-65536, most=65536)) for axis in ("x", "y"))
        found = naming.at(x, y, seconds=seconds)
    names = {"role": found.role, "name": found.name, "window": found.window, "application": found.application}
    return as_json(names)


def tree(guest: Guest, request: Request) -> Answer:
    """What programs say is on their windows."""
    which = text(request.query, "window", "front")
    if which not in ("front", "all"):
        raise Refused(400, "invalid", "window must be front or all")
    seconds = number(request.query, "seconds", 20, least=0.01, most=120)
    desktop = guest.desk.desktop
    try:
        reading = desktop.reading.do(lambda: desktop.tree.read(seconds), seconds + 5)
    except CannotRead as error:
        raise Refused(503, "failed", str(error)) from None
    elements = reading.elements
    if which == "front":
        active = desktop.watcher.ask(Book.active)
        elements = [element for element in elements if active is not None and element.window == active.title]
    return as_json({"elements": [_told(element) for element in elements], "notes": list(reading.notes)})


def events(guest: Guest, request: Request) -> Answer:
    """What has happened after a number, waiting for the first if there is none."""
    after = int(number(request.query, "after", 0, most=1e15))
    last, found = guest.desk.events.after(after, number(request.query, "seconds", 0, most=60))
    return as_json({"last": last, "events": list(found)})


def execute(_: Guest, request: Request) -> Answer:
    """Run a program, or a line of the shell."""
    data = request.json()
    cwd = text(data, "cwd", "") if data.get("cwd") is not None else ""
    env = _variables(data.get("env"))
    if flag(data, "background"):
        process = start(_words(data), cwd=cwd or None, env=env)
        reap(process)
        return as_json({"status": None, "output": "", "error": "", "timed_out": False, "pid": process.pid})
    seconds = number(data, "seconds", 30, least=0.01, most=3600)
    given = text(data, "input", "") if data.get("input") is not None else ""
    done = run(_words(data), seconds=seconds, cwd=cwd or None, env=env, text=given)
    said = {"status": done.status, "output": done.output, "error": done.error, "timed_out": done.timed_out}
    return as_json(said)


def open_(guest: Guest, request: Request) -> Answer:
    """Open a file, an address or a command, and wait until its window is there."""
    data = request.json()
    seconds = number(data, "seconds", 30, least=0.01, most=LONGEST)
    words = command(text(data, "target"))
    window = open_and_wait(guest.desk.desktop, words, seconds)
    return as_json({"window": window.title, "pid": window.pid})


def put_file(_: Guest, request: Request) -> Answer:
    """Write a file; folders on the way are made, and it is there whole or not at all."""
    path = files.place(text(request.query, "path"))
    return as_json({"ok": True, "bytes": files.write(path, request.body.chunks())})


def get_file(_: Guest, request: Request) -> Answer:
    """The content of a file."""
    path = files.place(text(request.query, "path"))
    return Answer(media="application/octet-stream", file=files.read(path), headers={"X-Path": quote(str(path))})


def delete_file(_: Guest, request: Request) -> Answer:
    """Remove a file, or a folder with all that is in it."""
    files.remove(files.place(text(request.query, "path")))
    return as_json({"ok": True})


def list_files(_: Guest, request: Request) -> Answer:
    """What is in a folder."""
    path = files.place(text(request.query, "path"))
    return as_json({"files": files.listed(path, deep=flag(request.query, "deep"))})


def layout(guest: Guest, _: Request) -> Answer:
    """Where the top-level windows are, the foremost first."""

    def asked(book: Book) -> dict[str, Any]:
        rows = [
            [number, place.left, place.top, place.width, place.height, active]
            for number, place, active in book.layout()
        ]
        return {"windows": rows, "size": list(book.size)}

    return as_json(guest.desk.desktop.watcher.ask(asked))


def _words(data: Mapping[str, Any]) -> list[str]:
    argv, line = data.get("argv"), data.get("command")
    if (argv is None) == (line is None):
        raise Refused(400, "invalid", "give either argv, a list of words, or command, a line of the shell")
    if line is not None:
        return ["/bin/sh", "-c", text(data, "command")]
    words = cast("list[Any]", argv) if isinstance(argv, list) else []
    if not words or not all(isinstance(word, str) for word in words):
        raise Refused(400, "invalid", "argv must be a list of texts")
    return words


def _variables(env: Any) -> Mapping[str, str]:
    wrong = Refused(400, "invalid", "env must be an object of texts")
    if env is None:
        return {}
    if not isinstance(env, dict):
        raise wrong
    pairs = cast("dict[str, Any]", env)
    for name, value in pairs.items():
        if not isinstance(value, str) or not name or "=" in name or "\0" in name + value:
            raise wrong
    return pairs


def _told(element: Element) -> dict[str, Any]:
    place = element.region
    return {
        "role": element.role,
        "name": element.name,
        "text": element.text,
        "description": element.description,
        "region": None if place is None else [place.left, place.top, place.width, place.height],
        "states": sorted(element.states),
        "value": element.value,
        "confidence": element.confidence,
        "application": element.application,
        "window": element.window,
        "depth": element.depth,
        "acts": element.acts,
    }
