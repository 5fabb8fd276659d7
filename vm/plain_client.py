"""Talking to OSWorld's server, or one that speaks its interface: no token, no deadlines of its own, and its defects.

What it is asked to run is always a program of ours, given as words, whose data are in base64: nothing is quoted by a
shell, and no character is lost on the way.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from urllib.parse import urlencode

from vm.guest_client import GuestFault, GuestFile, parsed
from vm.line import GuestGone, Line

SECONDS = 30.0  # for what takes a second
OPEN_SECONDS = 60.0  # the server itself would wait for half an hour
_JSON = "application/json"
_LIST = """
import json, os, sys
listed = []
for folder in sys.argv[1:]:
    root = os.path.expanduser(folder)
    found = []
    listed.append(found)
    for where, folders, names in os.walk(root):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and not os.path.islink(path) and len(found) < 5000:
                status = os.stat(path)
                inner = os.path.relpath(path, root).replace(os.sep, "/")
                found.append([inner, status.st_size, status.st_mtime])
print(json.dumps(listed))
"""
_MAKE_PLACE = """
import os, sys
path = os.path.expanduser(sys.argv[1])
os.makedirs(os.path.dirname(path), exist_ok=True)
print(path)
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program has said, and its exit status."""

    status: int
    output: str
    error: str


class PlainClient:
    """Calls the server. Blocking; from any thread.

    All calls raise GuestGone where nobody answers in time, and GuestFault where the server says no.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._line = Line(host, port)
        self._python = "python3"
        self._places: dict[str, str] = {}  # as they are called, and as they are: their folders are there

    def another(self) -> PlainClient:
        """A client of the same server, which can be aborted by itself."""
        return PlainClient(self._host, self._port)

    def platform(self, seconds: float = SECONDS) -> str:
        """The system's name, like "Linux"."""
        return self._call("GET", "/platform", None, _JSON, seconds).decode(errors="replace").strip()

    def screenshot(self, seconds: float = SECONDS) -> bytes:
        """The whole screen as PNG, with the mouse pointer in it."""
        return self._call("GET", "/screenshot", None, _JSON, seconds)

    def run(self, program: str, *arguments: str, seconds: float = SECONDS) -> Ran:
        """Run a Python program there, and wait for its end."""
        text = base64.b64encode(program.encode()).decode()
        words = ["-c", f"import base64;exec(compile(base64.b64decode('{text}'),'deskhand','exec'))", *arguments]
        try:
            answer = self._execute([self._python, *words], seconds)
        except GuestFault:
            if self._python == "python":
                raise
            answer = self._execute(["python", *words], seconds)
            self._python = "python"
        said = (str(answer.get("output") or ""), str(answer.get("error") or ""))
        return Ran(int(answer.get("returncode") or 0), *said)

    def answer_of(self, program: str, *arguments: str, seconds: float = SECONDS) -> Any:
        """What a Python program there prints as JSON in its last line.

        Raises:
            GuestFault: it failed; with the last line of what it said.
        """
        ran = self.run(program, *arguments, seconds=seconds)
        if ran.status:
            raise GuestFault("internal", f"a program in the machine failed: {_last_line(ran.error)}")
        try:
            return json.loads(_last_line(ran.output))
        except ValueError:
            raise GuestFault("internal", f"a program in the machine said {_last_line(ran.output)!r}") from None

    def touch(self, path: str, seconds: float = SECONDS) -> None:
        """Make an empty file, as quickly as can be."""
        self._execute(["touch", path], seconds)

    def remove(self, path: str, seconds: float = SECONDS) -> None:
        """Remove a file, or a folder with all that is in it."""
        self._execute(["rm", "-rf", path], seconds)

    def delete_file(self, path: str) -> None:
        """Remove a file; `~` is the user's home."""
        self.remove(path)

    def launch(self, words: Sequence[str]) -> None:
        """Start a program, and do not wait for it."""
        self._post("/setup/launch", {"command": list(words), "shell": False}, SECONDS)

    def open_file(self, path: str, seconds: float = OPEN_SECONDS) -> None:
        """Open a file with its program; returns without an error when its window takes longer than that."""
        try:
            self._post("/setup/open_file", {"path": self._place(path)}, seconds)
        except GuestGone:
            self.platform()

    def put_file(self, path: str, data: bytes, seconds: float = 60.0) -> None:
        """Write a file; `~` is the user's home, and folders are made."""
        boundary = secrets.token_hex(16)
        there = self._place(path)
        body = b"".join(
            [
                _part(boundary, 'name="file_path"', there.encode()),
                _part(boundary, 'name="file_data"; filename="file"', data),
                f"--{boundary}--\r\n".encode(),
            ]
        )
        self._call("POST", "/setup/upload", body, f"multipart/form-data; boundary={boundary}", seconds)

    def get_file(self, path: str, seconds: float = 60.0) -> bytes:
        """The content of a file."""
        body = urlencode({"file_path": self._place(path)}).encode()
        return self._call("POST", "/file", body, "application/x-www-form-urlencoded", seconds)

    def list_folders(self, paths: Iterable[str], seconds: float = SECONDS) -> dict[str, tuple[GuestFile, ...]]:
        """The files below each of these folders, at any depth; none where there is no such folder."""
        folders = tuple(paths)
        found: list[list[tuple[str, int, float]]] = self.answer_of(_LIST, *folders, seconds=seconds)
        return {
            folder: tuple(GuestFile(str(name), int(size), float(modified)) for name, size, modified in files)
            for folder, files in zip(folders, found, strict=True)
        }

    def abort(self) -> None:
        """Make calls that are under way end at once, with GuestGone. From any thread."""
        self._line.abort()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _place(self, path: str) -> str:
        """The full path of a file, whose folder is there afterwards: not every server makes it, or knows `~`."""
        folder, _, name = path.rpartition("/")
        if not folder:
            return path
        if folder not in self._places:
            made = self.run(_MAKE_PLACE, f"{folder}/x")
            if made.status:
                raise GuestFault("internal", f"cannot make {folder}: {_last_line(made.error)}")
            self._places[folder] = _last_line(made.output).removesuffix("x")
        return self._places[folder] + name

    def _execute(self, words: Sequence[str], seconds: float) -> dict[str, Any]:
        return parsed(self._post("/execute", {"command": list(words), "shell": False}, seconds))

    def _post(self, path: str, body: Mapping[str, Any], seconds: float) -> bytes:
        return self._call("POST", path, json.dumps(body).encode(), _JSON, seconds)

    def _call(self, method: str, path: str, body: bytes | None, media_type: str, seconds: float) -> bytes:
        headers = {"Content-Type": media_type}
        status, data = self._line.call(method, path, body, headers, seconds, once=method == "POST")
        if status >= 400:
            raise GuestFault("denied" if status in (401, 403) else "internal", _said(status, data))
        return data


def _part(boundary: str, disposition: str, data: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"


def _said(status: int, data: bytes) -> str:
    """The server's own words for what went wrong, which are in JSON, or not."""
    words = data.decode(errors="replace")
    try:
        answer: object = json.loads(data)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        known = cast("dict[str, Any]", answer)
        words = str(known.get("message") or known.get("error") or words)
    return f"the machine's server answered with status {status}: {_last_line(words)[:300]}"


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing")


@cache
def program(name: str) -> str:
    """The text of a module of this package that runs in other machines."""
    from pathlib import Path

    return Path(__file__).with_name(f"{name}.py").read_text()
