"""HTTP/1.1 as far as the guest needs it: keep-alive, bodies of a known length, bounded sizes and times.

Written out rather than taken from `http.server`, whose parsing of one request takes as long as an action of the hands;
in a machine that is emulated everything takes thirty times as long.
"""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, unquote

IDLE_SECONDS = 300.0  # between two requests of a connection
HEAD_SECONDS = 30.0  # for a request's head to come
STALL_SECONDS = 60.0  # without a byte of a body that was promised
MAX_LINE = 64 * 1024  # bytes of one line of a head
MAX_HEADERS = 100
MAX_JSON = 32 * 1024 * 1024  # bytes of a body that is kept in memory
MAX_BODY = 8 * 1024**3  # bytes of one that goes to disk
DRAIN = 256 * 1024  # bytes of a body that nobody wanted, which are read so that the connection can go on
CHUNK = 256 * 1024
CONNECTIONS = 64

_REASONS = {
    100: "Continue", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 411: "Length Required",
    413: "Content Too Large", 422: "Unprocessable Content", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable", 504: "Gateway Timeout",
    507: "Insufficient Storage",
}  # fmt: skip
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Refused(Exception):
    """A request that is not answered as asked. `kind` is the word that programs go by, the message is one line."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.kind, self.more = status, kind, more


class Ended(Exception):
    """The other side has gone, or does not keep to the protocol so far that nothing more can be said to it."""


@dataclass(slots=True)
class Answer:
    """What is sent back: `body`, or the rest of `file`, which is closed afterwards."""

    body: bytes = b""
    status: int = 200
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    file: BinaryIO | None = None


def as_json(value: Any, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(json.dumps(value).encode(), status)


def as_text(text: str, status: int = 200) -> Answer:
    """A line for people."""
    return Answer(text.encode("utf-8", "replace"), status, "text/plain; charset=utf-8")


@dataclass(slots=True)
class Request:
    """One request. Names of headers are in lower case; a query that names something twice means the last one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object; {} where there is none.

        Raises:
            Refused: it is none, or is too large.
        """
        data = self.body.read(MAX_JSON)
        if not data.strip():
            return {}
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "invalid", f"the body is no JSON: {error}") from None
        if not isinstance(value, dict):
            raise Refused(400, "invalid", "the body must be a JSON object")
        return cast("dict[str, Any]", value)

    @property
    def media(self) -> str:
        """The type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Body:
    """The body of a request, read as it is wanted."""

    def __init__(self, stream: io.BufferedReader, length: int, go_on: Callable[[], None] | None = None) -> None:
        """`go_on`: tells a client to send it, which waits for that."""
        self._stream, self.length, self.left = stream, length, length
        self._go_on = go_on

    def read(self, most: int) -> bytes:
        """All of it.

        Raises:
            Refused: it is larger than `most` bytes.
        """
        if self.left > most:
            raise Refused(413, "invalid", f"a body of {self.length} bytes; at most {most} are taken here")
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        while self.left:
            yield self.some(CHUNK)

    def some(self, most: int) -> bytes:
        """At least one byte and at most `most`; b"" at the end."""
        if not self.left:
            return b""
        if self._go_on is not None:
            go_on, self._go_on = self._go_on, None
            go_on()
        try:
            data = self._stream.read1(min(most, self.left))
        except OSError as error:
            raise Ended(str(error)) from None
        if not data:
            raise Ended("the connection ended in the middle of a body")
        self.left -= len(data)
        return data

    def drain(self) -> bool:
        """Read what nobody wanted; False if that is too much."""
        if self.left > DRAIN or (self.left and self._go_on is not None):
            return False
        for _ in self.chunks():
            pass
        return True


Respond = Callable[[Request], Answer]


class Server:
    """Listens on an address and answers each connection in a thread of its own."""

    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        self._respond = respond
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._listener = socket.create_server(address, backlog=64)

    @property
    def port(self) -> int:
        """That it listens on."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Until `close`."""
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closing:
                    return
                time.sleep(0.05)  # out of descriptors: some will be given back
                continue
            self._begin(connection)

    def close(self) -> None:
        """End all connections, and `serve`. From any thread; may be called twice."""
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _begin(self, connection: socket.socket) -> None:
        with self._lock:
            full = len(self._open) >= CONNECTIONS
            if not full:
                self._open.add(connection)
        if full:
            with suppress(OSError):
                connection.sendall(
                    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            connection.close()
            return
        threading.Thread(target=self._talk, args=(connection,), daemon=True, name="deskhand-http").start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            Conversation(connection, self._respond).run()
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


class Conversation:
    """The requests of one connection, one after the other."""

    def __init__(self, connection: socket.socket, respond: Respond) -> None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._respond = connection, respond
        self._stream = cast("io.BufferedReader", connection.makefile("rb", CHUNK))
        self._keep = True

    def run(self) -> None:
        """Until either side has had enough."""
        try:
            while self._keep:
                self._one()
        except (Ended, OSError):
            pass
        finally:
            with suppress(OSError):
                self._stream.close()

    def _one(self) -> None:
        try:
            request = self._request()
        except Refused as refused:
            self._keep = False
            self._send(as_json({"error": {"type": refused.kind, "message": str(refused)}}, refused.status), True)
            return
        answer = self._respond(request)
        if not request.body.drain():
            self._keep = False
        self._send(answer, request.method != "HEAD")

    def _request(self) -> Request:
        self._socket.settimeout(IDLE_SECONDS)
        line = self._line(None)
        deadline = time.monotonic() + HEAD_SECONDS
        if not line:  # some clients end a body with a line more
            line = self._line(deadline)
        method, target, version = self._parts(line)
        headers = self._headers(deadline)
        wish = headers.get("connection", "").lower()
        self._keep = "close" not in wish and (version != "HTTP/1.0" or "keep-alive" in wish)
        self._socket.settimeout(STALL_SECONDS)
        path, query = _taken_apart(target)
        go_on = self._go_on if headers.get("expect", "").lower() == "100-continue" else None
        return Request(method, path, query, headers, Body(self._stream, _length(headers), go_on))

    def _parts(self, line: str) -> tuple[str, str, str]:
        parts = line.split(" ")
        if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not set(parts[0]) <= _TOKEN:
            raise Refused(400, "invalid", "this is no HTTP/1.1 request")
        return parts[0], parts[1], parts[2]

    def _headers(self, deadline: float) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._line(deadline):
            name, colon, value = line.partition(":")
            if not colon or not name or not set(name) <= _TOKEN:
                raise Refused(400, "invalid", "a header of this request cannot be read")
            name, value = name.lower(), value.strip()
            if headers.get(name, value) != value and name in ("content-length", "transfer-encoding", "host"):
                raise Refused(400, "invalid", f"two headers of this request say {name} differently")
            headers[name] = value
            if len(headers) > MAX_HEADERS:
                raise Refused(431, "invalid", f"more than {MAX_HEADERS} headers")
        return headers

    def _line(self, deadline: float | None) -> str:
        if deadline is not None:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
        data = self._stream.readline(MAX_LINE + 2)
        if not data.endswith(b"\n"):
            if len(data) >= MAX_LINE:
                raise Refused(431, "invalid", f"a line of more than {MAX_LINE} bytes in the head of this request")
            raise Ended("the connection ended")
        return data.rstrip(b"\r\n").decode("latin-1")

    def _go_on(self) -> None:
        self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, answer: Answer, with_body: bool) -> None:
        file = answer.file
        try:
            size = len(answer.body) if file is None else file.seek(0, io.SEEK_END)
            head = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
            head += [f"Content-Type: {answer.media}", f"Content-Length: {size}"]
            head += [f"{name}: {value}" for name, value in answer.headers.items()]
            head += ["Connection: keep-alive" if self._keep else "Connection: close", "", ""]
            data = "\r\n".join(head).encode("latin-1", "replace")
            self._socket.settimeout(STALL_SECONDS)
            self._socket.sendall(data + answer.body if with_body and file is None else data)
            if with_body and file is not None:
                file.seek(0)
                if self._socket.sendfile(file, count=size) != size if size else False:
                    self._keep = False  # it has become shorter meanwhile
        finally:
            if file is not None:
                file.close()


def _taken_apart(target: str) -> tuple[str, dict[str, str]]:
    """Path and query of a target; also of one that names the whole address."""
    if target.startswith(("http://", "https://")):
        target = "/" + target.split("//", 1)[1].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    if not path.startswith("/"):
        raise Refused(400, "invalid", "the path of a request begins with /")
    return unquote(path), dict(parse_qsl(query, keep_blank_values=True))


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise Refused(411, "invalid", "bodies need a Content-Length here; chunks are not taken")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refused(400, "invalid", "the Content-Length of this request is no number")
    if int(text) > MAX_BODY:
        raise Refused(413, "invalid", f"a body of {text} bytes; at most {MAX_BODY} are taken")
    return int(text)
