"""The page's server in this process, and a plain client of it: real sockets, nothing between."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command import wait_until
from ui.server import RunningServer, start_in_thread

PATIENCE = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks one server. `token` goes along unless a call's own headers say otherwise."""

    port: int
    token: str

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] = {}) -> Answer:
        """One request on a connection of its own; a header that is None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        given: dict[str, str | None] = {"Authorization": f"Bearer {self.token}", "Host": f"127.0.0.1:{self.port}"}
        given |= headers
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if content is not None:
            given.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, content, {k: v for k, v in given.items() if v is not None})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET, with more headers."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any) -> Answer:
        """POST as JSON."""
        return self.ask("POST", path, body)

    @contextmanager
    def listen(self, path: str = "/api/stream") -> Generator[Listening]:
        """The stream, read in a thread until the end of the block."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        listening = Listening(answer)
        thread = threading.Thread(target=listening.read)
        thread.start()
        try:
            yield listening
        finally:
            listening.stopped = True
            if connection.sock:
                connection.sock.shutdown(2)
            thread.join(PATIENCE)
            answer.close()
            connection.close()
            assert not thread.is_alive()


class Listening:
    """What a stream has told so far."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.events: list[tuple[str, Any]] = []
        self.ended = False
        self.stopped = False

    def read(self) -> None:
        """Until the end."""
        try:
            event = ""
            while line := self._answer.readline():
                if line.startswith(b"event: "):
                    event = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    self.events.append((event, json.loads(line[6:])))
        except (OSError, ValueError, http.client.HTTPException):
            pass
        self.ended = True

    def of(self, kind: str) -> list[Any]:
        """All events of a kind."""
        return [data for name, data in list(self.events) if name == kind]

    def wait_for(self, kind: str, count: int = 1) -> Any:
        """The nth event of a kind, once it is there."""
        wait_until(lambda: len(self.of(kind)) >= count or self.ended, f"{count} × {kind}", PATIENCE)
        found = self.of(kind)
        assert len(found) >= count, [name for name, _ in self.events]
        return found[count - 1]


@contextmanager
def serving(home: Path, *, only: str | None = None) -> Generator[tuple[RunningServer, Client]]:
    """A server of its own, ended with the block."""
    server = start_in_thread(home, only=only)
    try:
        yield server, Client(server.port, server.token)
    finally:
        server.close()
    assert not server.alive
