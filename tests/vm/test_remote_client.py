"""The line to the server inside a machine: whatever that does, no call hangs, and each failure has a name."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from actuators.actions import Click, Type
from actuators.errors import DisplayLost
from agent.errors import UserFault, for_the_model
from perception.errors import ScreenLost
from vm.guest_client import GuestClient, GuestFault
from vm.line import GuestGone


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    token: str = field(default="hush-hush", repr=False)


Serve = Callable[[socket.socket, bytes], None]


class Guest:
    """A server whose every answer is written by the test, byte by byte."""

    def __init__(self, serve: Serve) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._serve = serve
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = Address("127.0.0.1", self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._open:
            line.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(line)
            thread = threading.Thread(target=self._talk, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _talk(self, line: socket.socket) -> None:
        try:
            while request := _request(line):
                self.requests.append(request)
                self._serve(line, request)
        except OSError:
            pass
        finally:
            line.close()


def _request(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(row.split(b":")[1]) for row in head.lower().split(b"\r\n") if b"content-length" in row), 0)
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def guest(serve: Serve) -> Generator[Guest, None, None]:
    server = Guest(serve)
    try:
        yield server
    finally:
        server.close()


def answer(line: socket.socket, body: object, status: str = "200 OK", more: str = "") -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    line.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode() + data)


def test_one_connection_serves_many_calls_and_carries_the_token() -> None:
    with guest(lambda line, _: answer(line, {"ok": True})) as server, GuestClient(server.address) as client:
        for _ in range(5):
            assert client.health() == {"ok": True}
        assert server.connections == 1
        assert all(b"Authorization: Bearer hush-hush" in request for request in server.requests)


def test_the_token_is_never_shown() -> None:
    def refuse(line: socket.socket, request: bytes) -> None:
        answer(line, {"error": {"type": "denied", "message": "the token is wrong"}}, "401 Unauthorized")

    with guest(refuse) as server, GuestClient(server.address) as client:
        with pytest.raises(GuestFault) as fault:
            client.health()
        assert fault.value.type == "denied"
        assert "hush" not in f"{client!r} {fault.value!r} {server.address!r}"
    with pytest.raises(GuestGone) as gone:
        client.health()
    assert "hush" not in repr(gone.value)


def test_after_a_reset_of_the_machine_the_next_call_connects_anew() -> None:
    def once(line: socket.socket, _: bytes) -> None:
        answer(line, {"ok": True})
        line.shutdown(socket.SHUT_RDWR)

    with guest(once) as server, GuestClient(server.address) as client:
        for _ in range(3):
            assert client.health()["ok"]
        assert server.connections == 3


def test_a_command_is_never_sent_twice() -> None:
    def hang_up(line: socket.socket, request: bytes) -> None:
        if b"/v2/health" in request:
            answer(line, {"ok": True})
        else:
            line.shutdown(socket.SHUT_RDWR)

    with guest(hang_up) as server, GuestClient(server.address) as client:
        client.health()
        with pytest.raises(GuestGone, match="does not answer"):
            client.execute("rm -r x")
        assert sum(b"/v2/execute" in request for request in server.requests) == 1


@pytest.mark.parametrize(
    "how",
    ["nothing", "a byte now and then", "a head without an end", "a body without an end"],
)
def test_no_call_hangs(how: str) -> None:
    begun = {
        "nothing": b"",
        "a byte now and then": b"",
        "a head without an end": b"HTTP/1.1 200 OK\r\n",
        "a body without an end": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    }[how]

    def trickle(line: socket.socket, _: bytes) -> None:
        line.sendall(begun)
        while how != "nothing":
            line.sendall(b"x")
            time.sleep(0.05)

    with guest(trickle) as server, GuestClient(server.address) as client:
        began = time.monotonic()
        with pytest.raises(GuestGone, match="in time"):
            client.health(seconds=0.6)
        assert time.monotonic() - began < 3


def test_a_call_under_way_can_be_cut_short_and_is_not_sent_again() -> None:
    arrived = threading.Event()

    def never(line: socket.socket, request: bytes) -> None:
        if b"/v2/layout" in request:
            arrived.set()
        else:
            answer(line, {"ok": True})

    with guest(never) as server, GuestClient(server.address) as client:
        client.health()
        threading.Thread(target=lambda: (arrived.wait(10), client.abort())).start()
        began = time.monotonic()
        with pytest.raises(GuestGone, match="cut short"):
            client.layout()
        assert time.monotonic() - began < 5
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        ("409 Conflict", {"error": {"type": "busy", "message": "another batch\nis"}}, "busy", "another batch"),
        ("500 Oops", b"<html>oops</html>", "internal", "status 500: <html>oops"),
        ("500 Oops", b"[1]", "internal", "status 500"),
        ("404 Not Found", {"error": None}, "internal", "status 404"),
        ("200 OK", b"no json", "internal", "no JSON object"),
        ("200 OK", b"[]", "internal", "no JSON object"),
    ],
)
def test_what_the_server_says_is_told_in_one_line(status: str, body: object, kind: str, message: str) -> None:
    with guest(lambda line, _: answer(line, body, status)) as server, GuestClient(server.address) as client:
        with pytest.raises(GuestFault, match=message) as fault:
            client.front()
        assert fault.value.type == kind
        assert "\n" not in str(fault.value)


def test_actions_are_sent_as_they_are_written_down_and_their_fault_comes_back() -> None:
    fault = {"type": "cannot_type", "message": "could not type '\\x01'", "index": 1, "characters": "\x01"}

    def act(line: socket.socket, request: bytes) -> None:
        answer(line, {"done": 1, "error": fault, "seconds": 0.1})

    with guest(act) as server, GuestClient(server.address) as client:
        done = client.perform([Click(3, 4), Type("ü🙂")], "one", 5.0)
        assert (done.done, done.index) == (1, 1)
        assert done.fault and (done.fault.type, done.fault.characters) == ("cannot_type", "\x01")
        sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
        assert sent["actions"] == [{"type": "click", "x": 3, "y": 4, "button": "left"}, {"type": "type", "text": "ü🙂"}]
        assert sent["id"] == "one"


def test_a_machine_that_is_gone_is_the_users_to_mend() -> None:
    gone = GuestGone("the machine does not answer")
    assert isinstance(gone, ScreenLost) and isinstance(gone, DisplayLost)
    assert isinstance(for_the_model(gone), UserFault)
