"""Mouse and keyboard for programs inside the guest: what is pressed may stay pressed until they say otherwise.

`vm/guest/site/pyautogui.py` speaks to this, over a socket of the user's own: one JSON object in a line, one back.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from actuators.actions import Button, Type
from actuators.errors import ActuatorError, DisplayLost, InvalidAction
from actuators.keys import parse_chord
from perception.errors import PerceptionError
from vm.guest.acting import Acting
from vm.guest.desk import Desk, Desktop
from vm.guest.wire import Refused

LINE = 8 * 1024 * 1024  # bytes
TURN_SECONDS = 30.0  # for a batch from the host to end
BUTTONS: dict[str, Button] = {
    **dict.fromkeys(("left", "primary", "1"), "left"),
    **dict.fromkeys(("middle", "2"), "wheel"),
    **dict.fromkeys(("right", "secondary", "3"), "right"),
    "8": "back",
    "9": "forward",
}


class Fingers:
    """Does single things with mouse and keyboard, one at a time, and remembers what it holds."""

    def __init__(self, desk: Desk, acting: Acting) -> None:
        self._desk, self._acting = desk, acting
        self._keys: list[str] = []
        self._buttons: list[Button] = []

    def do(self, asked: Mapping[str, Any]) -> Any:
        """One thing, by its word under `do`.

        Raises:
            Refused, ActuatorError, PerceptionError: it was not done.
            KeyError, TypeError, ValueError: it was asked for badly.
        """
        call = self._verbs().get(str(asked.get("do")))
        if call is None:
            raise Refused(400, "invalid", f"there is nothing called {asked.get('do')!r} to do")
        desktop = self._desk.desktop
        turn = self._acting.turn()
        if not turn.acquire(timeout=TURN_SECONDS):
            raise Refused(409, "busy", "the host is using mouse and keyboard")
        try:
            return call(desktop, asked)
        except DisplayLost:
            self._desk.lost(desktop)
            raise
        finally:
            turn.release()
            self._acting.touched = True

    def release(self) -> None:
        """Let go of all that is held."""
        if not self._keys and not self._buttons:
            return
        desktop = self._desk.desktop
        with desktop.fingers.acting():
            while self._buttons:
                desktop.fingers.button(self._buttons.pop(), False)
            while self._keys:
                desktop.fingers.key(self._keys.pop(), False)

    def _verbs(self) -> dict[str, Callable[[Desktop, Mapping[str, Any]], Any]]:
        return {
            "position": self._position,
            "size": self._size,
            "move": self._move,
            "button": self._button,
            "wheel": self._wheel,
            "key": self._key,
            "type": self._type,
            "picture": self._picture,
        }

    def _position(self, desktop: Desktop, _: Mapping[str, Any]) -> list[int]:
        point = desktop.pointer.where()
        return [point.x, point.y]

    def _size(self, desktop: Desktop, _: Mapping[str, Any]) -> list[int]:
        return list(desktop.watcher.ask(lambda book: book.size))

    def _move(self, desktop: Desktop, asked: Mapping[str, Any]) -> None:
        """To each of some points, spread evenly over some seconds."""
        points = [(int(x), int(y)) for x, y in asked["points"]]
        rest = float(asked.get("seconds", 0)) / max(1, len(points))
        for number, (x, y) in enumerate(points):
            with desktop.fingers.acting():
                desktop.fingers.move(x, y)
            if rest and number < len(points) - 1:
                time.sleep(min(rest, 1.0))  # the way of the pointer is what was asked for

    def _button(self, desktop: Desktop, asked: Mapping[str, Any]) -> None:
        button = BUTTONS.get(str(asked["button"]).lower())
        if button is None:
            raise InvalidAction(f"there is no mouse button {asked['button']!r}")
        with desktop.fingers.acting():
            desktop.fingers.button(button, bool(asked["down"]))
        if asked["down"]:
            self._buttons.append(button)
        elif button in self._buttons:
            self._buttons.remove(button)

    def _wheel(self, desktop: Desktop, asked: Mapping[str, Any]) -> None:
        with desktop.fingers.acting():
            desktop.fingers.notch(_small(asked.get("dx", 0)), _small(asked.get("dy", 0)))

    def _key(self, desktop: Desktop, asked: Mapping[str, Any]) -> bool:
        """False for a key that there is not here: then nothing is done."""
        try:
            (name,) = parse_chord([str(asked["key"])])
        except (InvalidAction, ValueError):
            return False
        with desktop.fingers.acting():
            desktop.fingers.key(name, bool(asked["down"]))
        if asked["down"] and name not in self._keys:
            self._keys.append(name)
        elif not asked["down"] and name in self._keys:
            self._keys.remove(name)
        return True

    def _type(self, desktop: Desktop, asked: Mapping[str, Any]) -> None:
        desktop.hands.perform(Type(str(asked["text"])))

    def _picture(self, desktop: Desktop, asked: Mapping[str, Any]) -> str:
        """A PNG, in a file that the caller removes."""
        from vm.guest.pictures import png_of

        path = Path(str(asked["path"]))
        path.write_bytes(png_of(desktop))
        return str(path)


def _small(value: Any) -> int:
    return max(-1000, min(1000, int(value)))


class Local:
    """The socket that programs of this user speak to."""

    def __init__(self, path: Path, fingers: Fingers) -> None:
        """Raises OSError: it cannot be made."""
        self.path, self._fingers = path, fingers
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            path.unlink()
        self._listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(16)
        threading.Thread(target=self._serve, daemon=True, name="deskhand-local").start()

    def close(self) -> None:
        """Remove the socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with suppress(OSError):
            self.path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True, name="deskhand-fingers").start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            while line := lines.readline(LINE):
                connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": self._fingers.do(json.loads(line))}
        except (Refused, ActuatorError, PerceptionError) as error:
            return {"error": str(error)}
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
