"""The D-Bus client: what it sends and takes apart, and servers that hang, hang up or talk nonsense."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception.backends.dbus import Bus, BusLost, Call, Malformed, Reply
from perception.backends.dbus_values import unpack
from tests.support.desk import desk

DAEMON = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def test_a_real_bus_answers_many_calls_in_order(tmp_path: Path) -> None:
    with desk(tmp_path) as desktop:
        bus = Bus(desktop.environment["DBUS_SESSION_BUS_ADDRESS"], time.monotonic() + 5)
        names = ["org.freedesktop.DBus", "no.such.name", "Grüße.東京"]
        calls = [Call(*DAEMON, "NameHasOwner", "s", (name,)) for name in names * 200]
        answers = bus.gather([*calls, Call(*DAEMON, "NoSuchThing")], time.monotonic() + 5)
        known = [reply.values("b") for reply in answers[:-1] if reply]
        assert [values[0] if values else None for values in known] == [1, 0, 0] * 200
        assert answers[-1] and "UnknownMethod" in answers[-1].error
        assert bus.process_of(["no.such.name"], time.monotonic() + 5) == [None]
        listed = bus.ask(Call(*DAEMON, "ListNames"), time.monotonic() + 5)
        assert listed and (values := listed.values("as")) and DAEMON[0] in values[0]
        assert listed.values("s") is None, "of another type than asked for"
        bus.close()


@contextmanager
def server(folder: Path, behave: Callable[[socket.socket], None]) -> Generator[str]:
    """Somebody else behind a bus's address."""
    place = folder / "bus"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"unix:path={folder}/nobody;unix:path={place},guid=0"
        thread.join(5)


def agree(connection: socket.socket) -> None:
    connection.recv(512)
    connection.sendall(b"OK 0123\r\n")
    connection.recv(512)


def silent(connection: socket.socket) -> None:
    connection.recv(512)
    connection.recv(512)


def deaf(connection: socket.socket) -> None:
    agree(connection)
    connection.recv(4096)


def refuse(connection: socket.socket) -> None:
    connection.recv(512)
    connection.sendall(b"REJECTED EXTERNAL\r\n")


def other_order(connection: socket.socket) -> None:
    agree(connection)
    connection.sendall(b"B" + bytes(31))
    connection.recv(4096)


@pytest.mark.parametrize("behave", [silent, deaf, refuse, other_order])
def test_what_is_no_bus_is_left_in_time(tmp_path: Path, behave: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with pytest.raises(BusLost), server(tmp_path, behave) as address:
        Bus(address, began + 0.4)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("address", ["", "tcp:host=localhost,port=1", "unix:path=/nowhere/at/all", "nonsense"])
def test_addresses_that_lead_nowhere(address: str) -> None:
    with pytest.raises(BusLost):
        Bus(address, time.monotonic() + 1)


def test_a_bus_that_hangs_up_is_lost(tmp_path: Path) -> None:
    def hang_up(connection: socket.socket) -> None:
        agree(connection)
        connection.recv(4096)
        fields = struct.pack("=BBBBI", 5, 1, ord("u"), 0, 1)
        connection.sendall(struct.pack("=BBBBIII", ord("l"), 2, 0, 1, 0, 1, len(fields)) + fields)

    with server(tmp_path, hang_up) as address:
        bus = Bus(address, time.monotonic() + 5)
        with pytest.raises(BusLost, match="closed the connection"):
            bus.ask(Call(*DAEMON, "ListNames"), time.monotonic() + 5)
        bus.close()


def text(value: str, at: int = 0) -> bytes:
    data = value.encode()
    return bytes(-at % 4) + struct.pack("=I", len(data)) + data + b"\0"


@given(st.text(max_size=20), st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False), st.booleans())
def test_values_are_taken_apart(word: str, number: int, real: float, yes: bool) -> None:
    body = text(word)
    body += bytes(-len(body) % 4) + struct.pack("=i", number)
    body += bytes(-len(body) % 8) + struct.pack("=d", real)
    body += struct.pack("=I", yes)
    body += b"\x01s\0"
    body += text(word, len(body))
    assert unpack("sidbv", body) == (word, number, real, yes, word)


def test_nested_values() -> None:
    pair = text("a") + bytes(2) + text("bc")
    body = struct.pack("=I", len(pair)) + bytes(4) + pair
    assert unpack("a(ss)", body) == ([("a", "bc")],)
    assert unpack("a{ss}", body) == ({"a": "bc"},)
    assert unpack("as", struct.pack("=I", len(pair)) + pair) == (("a", "bc"),)
    assert unpack("(iu)y", struct.pack("=iIB", -1, 2, 3)) == ((-1, 2), 3)


@given(st.binary(max_size=60), st.sampled_from(["s", "a(so)", "as", "v", "(iiii)", "a((so)(so)(so)iiassusau)", "d"]))
def test_nonsense_is_malformed_and_nothing_worse(body: bytes, signature: str) -> None:
    try:
        Reply(signature, body).values(signature)
    except Malformed as error:
        assert "\n" not in str(error)


def test_only_this_user_is_announced() -> None:
    said: list[bytes] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"OK 1\r\n")
        from perception.backends import dbus

        dbus._greet(ours)  # pyright: ignore[reportPrivateUsage]
        said.append(theirs.recv(512))
    assert said[0].startswith(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
