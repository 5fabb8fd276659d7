"""HTTP as the guest speaks it: kept connections, bounded sizes, and nothing that is taken for something else."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vm.guest import wire
from vm.guest.forms import fields_of, read_parts
from vm.guest.wire import Answer, Body, Refused, Request, Server, as_json


def echo(request: Request) -> Answer:
    if request.path == "/unread":
        return as_json({})
    body = request.body.read(1 << 20)
    return as_json({"method": request.method, "path": request.path, "query": request.query, "body": body.decode()})


@contextmanager
def serving() -> Generator[int]:
    server = Server(("127.0.0.1", 0), echo)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.close()
        thread.join(5)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    with serving() as number:
        yield number


def talk(port: int, data: bytes) -> bytes:
    """All that comes back until the other side has ended, or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(1 << 16), b""))


def test_many_requests_on_one_connection(port: int) -> None:
    one = b"POST /a%20b?x=1&y=%C3%A9 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
    said = talk(port, one + one + b"GET /z HTTP/1.1\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 3
    assert said.count(b"keep-alive") == 3
    assert b'{"method": "POST", "path": "/a b", "query": {"x": "1", "y": "\\u00e9"}, "body": "hi"}' in said


def test_an_old_client_is_hung_up_on(port: int) -> None:
    said = talk(port, b"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
    assert said.count(b"200 OK") == 1 and b"Connection: close" in said


def test_goes_on_where_a_client_waits_for_it(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"ok")
        assert b"200 OK" in line.recv(1000)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nname : spaced\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + bytes(2_000_000), 500),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(150)) + b"\r\n", 431),
    ],
)
def test_refused(port: int, request_: bytes, status: int) -> None:
    if status == 500:  # a handler that limits a body: what it raises is its router's business
        with pytest.raises(Refused) as caught:
            Body(io.BufferedReader(io.BytesIO(bytes(9))), 9).read(8)  # pyright: ignore
        assert caught.value.status == 413
        return
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(request_)
        assert line.recv(1000).startswith(b"HTTP/1.1 %d " % status)


def test_a_body_that_nobody_reads_ends_the_connection_if_it_is_large(port: int) -> None:
    small = b"POST /unread HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    assert talk(port, small + small).count(b"200 OK") == 2
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(b"POST /unread HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n")
        assert b"Connection: close" in line.recv(1000)


def test_no_more_connections_than_it_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECTIONS", 1)
    with serving() as port, socket.create_connection(("127.0.0.1", port), 5) as first:
        first.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"200 OK" in first.recv(1000)
        with socket.create_connection(("127.0.0.1", port), 5) as second:
            assert second.recv(1000).startswith(b"HTTP/1.1 503 ")


# Forms ------------------------------------------------------------------------------------------------------------


class Kept(io.BytesIO):
    """What was written stays readable after closing."""

    data = b""

    def close(self) -> None:
        self.data = self.getvalue()
        super().close()


def form(data: bytes, boundary: str, slices: int = 7) -> Request:
    class Slow(io.RawIOBase):
        """Gives a few bytes at a time."""

        def __init__(self) -> None:
            self.at = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            piece = data[self.at : self.at + min(slices, len(buffer))]
            buffer[: len(piece)] = piece
            self.at += len(piece)
            return len(piece)

    body = Body(io.BufferedReader(Slow(), 16), len(data))
    return Request("POST", "/", {}, {"content-type": f'multipart/form-data; boundary="{boundary}"'}, body)


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abcdefg", min_size=1), st.text(st.characters(codec="utf-8")), max_size=3),
    st.binary(max_size=300),
    st.booleans(),
    st.integers(1, 40),
)
def test_forms_in_parts(fields: dict[str, str], content: bytes, first: bool, slices: int) -> None:
    boundary = "--edge--"
    if f"\r\n--{boundary}".encode() in content:
        return
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file_data"; filename="a.bin"\r\n'
    file = head.encode() + b"Content-Type: x/y\r\n\r\n" + content + b"\r\n"
    data = b"".join([file, *parts] if first else [*parts, file]) + f"--{boundary}--\r\n".encode()
    kept = Kept()

    def opener(name: str, before: Mapping[str, str]) -> BinaryIO:
        assert name == "file_data" and before == ({} if first else fields)
        return kept

    assert read_parts(form(data, boundary, slices), opener) == fields
    assert kept.data == content


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"--x",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv',
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n--xy',
        b"--x\r\n" + b"h" * 20_000,
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nv\r\n--x--',
    ],
)
def test_bad_forms(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        fields_of(form(data, "x", 1000))
    assert caught.value.status in (400, 413)
