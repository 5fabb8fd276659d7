"""What a selection holds: every format of it as bytes, read from its owner and written for whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from actuators.backends.x11_display import XDisplay

SILENT_SECONDS = 0.6  # an owner that tells nothing for so long is frozen, and must not hold up the hands
MOST_READ_SECONDS = 3.0  # for everything that an owner has to tell
MAX_BYTES = 64 * 1024 * 1024  # of one selection that is kept
CHUNK = 128 * 1024  # bytes in one request; the protocol allows 256 KB without an extension
NO_HISTORY = b"secret"  # under the target x-kde-passwordManagerHint: keep this out of clipboard histories
# Targets that are questions or have side effects, no content.
_NO_CONTENT = ("TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE", "INSERT_SELECTION", "INSERT_PROPERTY")


class Value(NamedTuple):
    """A property: its type as an atom, bits per item (8, 16 or 32), and its items."""

    type: int
    format: int
    data: bytes | list[int]

    def write(self, window: Any, property_: int) -> None:
        """Store it on somebody's window; large data in pieces, which the server joins."""
        from Xlib.X import PropModeAppend, PropModeReplace

        window.change_property(property_, self.type, self.format, self.data[:CHUNK], PropModeReplace)
        for start in range(CHUNK, len(self.data), CHUNK):
            piece = self.data[start : start + CHUNK]
            window.change_property(property_, self.type, self.format, piece, PropModeAppend)


Content: TypeAlias = dict[int, Value]  # target atom: value


def joined(pieces: Sequence[Value]) -> Value | None:
    """One value of its pieces; None of none."""
    if not pieces:
        return None
    if all(isinstance(piece.data, bytes) for piece in pieces):
        return pieces[0]._replace(data=b"".join(cast("bytes", piece.data) for piece in pieces))
    return pieces[0]._replace(data=[item for piece in pieces for item in piece.data])


def text_content(x: Any, text: str) -> Content:
    """Text in the formats that programs ask for, and a wish to clipboard histories to leave it out."""
    utf8 = text.encode()
    string = x.intern_atom("UTF8_STRING")
    names = {name: Value(x.intern_atom(name), 8, utf8) for name in ("UTF8_STRING", "text/plain;charset=utf-8")}
    names["TEXT"] = Value(string, 8, utf8)
    names["x-kde-passwordManagerHint"] = Value(string, 8, NO_HISTORY)
    if all(ord(character) < 256 for character in text):
        names["STRING"] = Value(x.intern_atom("STRING"), 8, text.encode("latin-1"))
    return {x.intern_atom(name): value for name, value in names.items()}


class Keeper:
    """Reads selections of others, on the thread and the connection that it is given."""

    def __init__(self, display: XDisplay, window: Any, pump: Callable[[float | None], None]) -> None:
        self._x = display.x
        self._window = window
        self._pump = pump
        self._seen: list[Any] = []
        self._silent = False  # whether the owner that was asked last let us wait in vain

    def see(self, event: Any) -> None:
        """Take an event that may be an answer."""
        from Xlib import X

        if event.type in (X.SelectionNotify, X.PropertyNotify):
            self._seen.append(event)

    def read(self, selection: int) -> Content:
        """Everything that a selection holds, as far as its owner tells in time, in the owner's order.

        Text is asked for first and pictures last, so that text is what an owner without end still gets to tell.
        """
        if not self._x.get_selection_owner(selection):
            return {}
        latest = time.monotonic() + MOST_READ_SECONDS
        targets = self._convert(selection, self._x.intern_atom("TARGETS"), latest)
        if targets is None or not isinstance(targets.data, list):
            return {}
        content: Content = {}
        for target in self._wanted(targets.data):
            value = self._convert(selection, target, latest)
            size = sum(len(kept.data) for kept in content.values())
            if value is not None and size + len(value.data) <= MAX_BYTES:
                content[target] = value
            if self._silent:
                break
        return {target: content[target] for target in targets.data if target in content}

    def save(self, selection: int, deadline: float) -> None:
        """Ask a clipboard manager, if there is one, to take the selection over from us."""
        manager = self._x.intern_atom("CLIPBOARD_MANAGER")
        if selection and self._x.get_selection_owner(manager):
            self._convert(manager, self._x.intern_atom("SAVE_TARGETS"), deadline)

    def _wanted(self, targets: list[int]) -> list[int]:
        names = {target: self._x.get_atom_name(target) for target in dict.fromkeys(targets) if target}
        wanted = [target for target, name in names.items() if name not in _NO_CONTENT]
        return sorted(wanted, key=lambda target: _cost(names[target]))

    def _convert(self, selection: int, target: int, latest: float) -> Value | None:
        """One format of a selection; None when the owner has none, or not in time."""
        from Xlib import X

        self._silent = False
        property_ = self._x.intern_atom("DESKHAND_SELECTION")
        self._seen.clear()
        self._window.delete_property(property_)
        self._window.convert_selection(selection, target, property_, X.CurrentTime)

        def answers(event: Any) -> bool:
            return event.type == X.SelectionNotify and event.selection == selection and event.target == target

        notify = self._await(answers, latest)
        if notify is None or not notify.property:
            self._silent = notify is None
            return None
        value = self._take(property_)
        if value is not None and value.type == self._x.intern_atom("INCR"):
            return self._take_pieces(property_, latest)
        return value

    def _take_pieces(self, property_: int, latest: float) -> Value | None:
        """The INCR protocol: piece after piece, each asked for by deleting the one before; an empty one ends it."""
        from Xlib import X

        def arrives(event: Any) -> bool:
            new = event.type == X.PropertyNotify and event.state == X.PropertyNewValue
            return new and event.atom == property_

        pieces: list[Value] = []
        size = 0
        while size <= MAX_BYTES and self._await(arrives, latest) is not None:
            piece = self._take(property_)
            if piece is None or not piece.data:
                return joined(pieces)
            pieces.append(piece)
            size += len(piece.data)
        self._silent = size <= MAX_BYTES
        return None

    def _take(self, property_: int) -> Value | None:
        """Read a property of our window and delete it, which tells its writer that we have it."""
        found = self._window.get_full_property(property_, 0, sizehint=CHUNK // 4)
        self._window.delete_property(property_)
        if found is None:
            return None
        data = found.value
        plain = bytes(data) if found.format == 8 else [int(item) for item in data]
        return Value(found.property_type, found.format, plain)

    def _await(self, wanted: Callable[[Any], bool], latest: float) -> Any | None:
        deadline = min(latest, time.monotonic() + SILENT_SECONDS)
        while True:
            for index, event in enumerate(self._seen):
                if wanted(event):
                    del self._seen[: index + 1]
                    return event
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._pump(left)


def _cost(name: str) -> int:
    if name in ("UTF8_STRING", "text/plain;charset=utf-8", "STRING", "TEXT", "text/plain"):
        return 0
    return 2 if name.startswith("image/") or name in ("PIXMAP", "BITMAP") else 1
