"""A client of the guest server's plain interface that behaves as OSWorld's host side does.

The same forms of request, header by header: one connection for each call, JSON where theirs is JSON, forms where theirs
are forms, multipart as urllib3 writes it, in both of its ages. Left out are the repetitions after a failure: a test
wants to see the first answer.
"""

from __future__ import annotations

import http.client
import json
import mimetypes
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

Age: TypeAlias = Literal["old", "new"]
"""How a file name that is not ASCII is written: as RFC 2231 has it (urllib3 before 2.0), or as it is, in UTF-8."""

PREFIX = "import pyautogui; import time; pyautogui.FAILSAFE = False; "
LIKE_REQUESTS = {
    "User-Agent": "python-requests/2.32.3",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
_BOUNDARY = "5a0d8a1c39b84b7e9f0c62d1e77f43aa"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `type`: the media type without its parameters."""

    status: int
    type: str
    body: bytes

    @property
    def json(self) -> Any:
        """Its JSON; an assertion fails if it says that it is something else."""
        assert self.type == "application/json", f"{self.status} {self.type}: {self.body[:300]!r}"
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Its text, UTF-8."""
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Osworld:
    """One guest. `seconds`: how long a call may take."""

    host: str
    port: int
    seconds: float = 30.0

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        """One request on a connection of its own. Raises OSError or http.client.HTTPException without an answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.seconds)
        try:
            connection.request(method, path, body, {**LIKE_REQUESTS, **headers})
            answer = connection.getresponse()
            assert answer.getheader("Content-Encoding") is None
            kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
            return Answer(answer.status, kind, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """GET."""
        return self.ask("GET", path)

    def post(self, path: str) -> Answer:
        """POST with nothing in it."""
        return self.ask("POST", path, None, {"Content-Length": "0"})

    def post_json(self, path: str, payload: Any) -> Answer:
        """POST of JSON."""
        return self.ask("POST", path, json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def post_form(self, path: str, **fields: str) -> Answer:
        """POST of a form, as of a page."""
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, urlencode(fields).encode(), {"Content-Type": kind})

    def post_parts(
        self, path: str, fields: Mapping[str, str], file: tuple[str, str, bytes], age: Age = "new"
    ) -> Answer:
        """POST of multipart/form-data. file: name of the field, name of the file, content."""
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        return self.ask("POST", path, _parts(fields, file, age), {"Content-Type": kind})

    def raw(self, request: bytes, seconds: float = 10.0) -> bytes:
        """Send bytes as they are, say that there will be no more, and read to the end of the connection."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as line:
            answer = b""
            try:
                line.sendall(request)
                line.shutdown(socket.SHUT_WR)
                while more := line.recv(65536):
                    answer += more
            except TimeoutError:
                raise
            except OSError:
                pass  # it has hung up, which is an answer, too
            return answer

    # What the controllers do

    def screenshot(self) -> Answer:
        """A PNG."""
        return self.get("/screenshot")

    def accessibility(self) -> str:
        """The tree's XML."""
        return str(self.get("/accessibility").json["AT"])

    def terminal(self) -> Answer:
        """Text of the terminal in front."""
        return self.get("/terminal")

    def file(self, path: str) -> Answer:
        """A file's bytes."""
        return self.post_form("/file", file_path=path)

    def upload(self, path: str, content: bytes, *, name: str = "", age: Age = "new") -> Answer:
        """Put a file there. `name`: what the part calls it; else the last part of the path."""
        file = ("file_data", name or path.rpartition("/")[2], content)
        return self.post_parts("/setup/upload", {"file_path": path}, file, age)

    def execute(self, command: list[str] | str, *, shell: bool = False, route: str = "/execute") -> Answer:
        """Run a command."""
        return self.post_json(route, {"command": command, "shell": shell})

    def output(self, command: list[str] | str, *, shell: bool = False) -> str:
        """What a command that works printed."""
        told = self.execute(command, shell=shell).json
        assert told["returncode"] == 0, told
        return str(told["output"])

    def python(self, code: str) -> Answer:
        """An action, in OSWorld's way: a line of pyautogui in a Python of its own."""
        return self.execute(["python", "-c", PREFIX + code])

    def act(self, code: str) -> None:
        """The same; it must work."""
        answer = self.python(code)
        assert answer.status == 200, answer
        assert answer.json["returncode"] == 0, answer.json

    def launch(self, command: list[str] | str, *, shell: bool = False) -> Answer:
        """Start a program."""
        return self.post_json("/setup/launch", {"command": command, "shell": shell})

    def window(
        self, do: Literal["activate", "close"], name: str, *, strict: bool = False, by_class: bool = False
    ) -> Answer:
        """Bring a window to the front, or close it."""
        return self.post_json(f"/setup/{do}_window", {"window_name": name, "strict": strict, "by_class": by_class})

    def cursor(self) -> tuple[int, int]:
        """Where the pointer is."""
        x, y = self.get("/cursor_position").json
        return x, y


def _parts(fields: Mapping[str, str], file: tuple[str, str, bytes], age: Age) -> bytes:
    field, name, content = file
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    parts = [(f'form-data; name="{key}"', "", value.encode()) for key, value in fields.items()]
    parts.append((f'form-data; name="{field}"; {_filename(name, age)}', f"Content-Type: {kind}\r\n", content))
    body = b""
    for disposition, more, value in parts:
        body += f"--{_BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode() + value + b"\r\n"
    return body + f"--{_BOUNDARY}--\r\n".encode()


def _filename(name: str, age: Age) -> str:
    if age == "old" and not name.isascii():
        return f"filename*=utf-8''{quote(name)}"
    return 'filename="{}"'.format(name.replace("\\", "\\\\").replace('"', "%22"))
