"""A small D-Bus client: many calls under way at once, one deadline for all of them.

A tree is some two thousand small answers, for which general libraries need as long as the programs that give them. This
does only what reading needs: method calls and their answers, over a local socket, in the byte order of this machine.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from perception.backends import numbers
from perception.backends.dbus_values import reader, unpack

DAEMON = "org.freedesktop.DBus"
_DAEMON_PATH = "/org/freedesktop/DBus"
_CHUNK = 1 << 18
_ORDER = ord("l" if sys.byteorder == "little" else "B")
_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _, _SIGNATURE = range(1, 9)


class BusLost(Exception):
    """The bus cannot be reached, or has closed the connection; the message says which."""


class Malformed(Exception):
    """An answer is not what its type says."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method. `signature` knows s, o, u, i, as, and a{sv} with values like ("s", text) and ("y", byte)."""

    destination: str
    path: str
    interface: str
    member: str
    signature: str = ""
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: values, or the name of an error."""

    signature: str
    body: bytes
    error: str = ""

    def values(self, signature: str) -> tuple[Any, ...] | None:
        """What it holds; None for an error, or an answer of another type than `signature`.

        Raises:
            Malformed: the body is not of its own type.
        """
        if self.error or self.signature != signature:
            return None
        try:
            return unpack(signature, self.body)
        except (IndexError, ValueError, struct.error, KeyError) as error:
            raise Malformed(f"an answer of type {signature} cannot be read ({error})") from None


class Bus:
    """A connection. For one thread at a time."""

    def __init__(self, address: str, deadline: float) -> None:
        """Connect.

        Args:
            address: as D-Bus writes it, like "unix:path=/run/user/1000/bus"; the first that answers of several.
            deadline: of `time.monotonic()`.

        Raises:
            BusLost: nobody answers there.
        """
        self._socket = _connect(address, deadline)
        self._in, self._out = bytearray(), bytearray()
        self._serial = 0
        try:
            hello = self.ask(Call(DAEMON, _DAEMON_PATH, DAEMON, "Hello"), deadline)
            if hello is None or hello.error:
                raise BusLost(f"the bus at {address} does not answer")
        except BaseException:
            self.close()
            raise

    def ask(self, call: Call, deadline: float) -> Reply | None:
        """One call; None if there was no answer in time.

        Raises:
            BusLost: the connection has ended.
        """
        return self.gather([call], deadline)[0]

    def gather(self, calls: Sequence[Call], deadline: float) -> list[Reply | None]:
        """Make all the calls at once, and return their answers in the same order; None where none came in time.

        Raises:
            BusLost: the connection has ended.
        """
        waiting: dict[int, int] = {}
        for index, call in enumerate(calls):
            self._serial += 1
            waiting[self._serial] = index
            self._out += _message(call, self._serial)
        answers: list[Reply | None] = [None] * len(calls)
        poll = select.poll()
        while waiting and (left := deadline - time.monotonic()) > 0:
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._out else 0))
            for _, events in poll.poll(left * 1000):
                if events & select.POLLOUT:
                    self._send()
                if events & ~select.POLLOUT:
                    for serial, reply in self._receive():
                        if (index := waiting.pop(serial, None)) is not None:
                            answers[index] = reply
        return answers

    def process_of(self, names: Sequence[str], deadline: float) -> list[int | None]:
        """The process ids behind names of the bus; None for those that are gone or that the bus does not know."""
        ask = [Call(DAEMON, _DAEMON_PATH, DAEMON, "GetConnectionUnixProcessID", "s", (name,)) for name in names]
        found = [reply and reply.values("u") for reply in self.gather(ask, deadline)]
        pids = [values[0] if values else None for values in found]
        daemon = numbers.peer(self._socket)
        if daemon is None or not numbers.is_apart(daemon):
            return pids
        ours = numbers.here(daemon, (pid for pid in pids if pid))  # a bus in a sandbox counts as one does there
        return [pid and ours.get(pid) for pid in pids]

    def close(self) -> None:
        """Disconnect. May be called twice."""
        self._socket.close()

    def _send(self) -> None:
        try:
            del self._out[: self._socket.send(self._out)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise BusLost(f"the bus has closed the connection ({error.strerror})") from None

    def _receive(self) -> Iterator[tuple[int, Reply]]:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise BusLost(f"the bus has closed the connection ({error.strerror})") from None
        if not data:
            raise BusLost("the bus has closed the connection")
        self._in += data
        start = 0
        while (stop := _end_of_message(self._in, start)) is not None:
            if (answer := _answer(bytes(self._in[start:stop]))) is not None:
                yield answer
            start = stop
        del self._in[:start]


def _connect(address: str, deadline: float) -> socket.socket:
    """A socket on which the greetings are over."""
    said = "its address names no local socket"
    for place in _places(address):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            connection.connect(place)
            _greet(connection)
            connection.setblocking(False)
            return connection
        except OSError as error:
            said = str(error)
            connection.close()
    raise BusLost(f"the bus at {address} cannot be reached ({said})")


def _places(address: str) -> Iterator[str]:
    """Socket names in a D-Bus address, abstract ones with their leading NUL."""
    for one in address.split(";"):
        kind, _, rest = one.partition(":")
        options = dict(pair.split("=", 1) for pair in rest.split(",") if "=" in pair)
        if kind == "unix" and "path" in options:
            yield unquote(options["path"])
        elif kind == "unix" and "abstract" in options:
            yield "\0" + unquote(options["abstract"])


def _greet(connection: socket.socket) -> None:
    """Say who we are; the kernel vouches for it."""
    who = str(os.getuid()).encode().hex().encode()
    connection.sendall(b"\0AUTH EXTERNAL " + who + b"\r\n")
    said = b""
    while not said.endswith(b"\r\n"):
        more = connection.recv(512)
        if not more:
            raise ConnectionRefusedError("it closes the connection")
        said += more
    if not said.startswith(b"OK "):
        raise ConnectionRefusedError("it does not let this user in")
    connection.sendall(b"BEGIN\r\n")


# Messages ----------------------------------------------------------------------------------------------------------


def _message(call: Call, serial: int) -> bytes:
    body = _body(call.signature, call.arguments)
    fields = _fields(call.destination, call.interface, call.member, call.signature) + _field(_PATH, "o", call.path)
    head = struct.pack("=BBBBIII", _ORDER, _CALL, 0, 1, len(body), serial, len(fields))
    return head + fields + bytes(-len(fields) % 8) + body


@lru_cache(maxsize=1024)
def _fields(destination: str, interface: str, member: str, signature: str) -> bytes:
    """The part of a header that calls of one method share, padded for the field that follows."""
    fields = b""
    for code, kind, value in (
        (_DESTINATION, "s", destination),
        (_INTERFACE, "s", interface),
        (_MEMBER, "s", member),
        (_SIGNATURE, "g", signature),
    ):
        if value:
            fields += _field(code, kind, value)
            fields += bytes(-len(fields) % 8)
    return fields


def _field(code: int, kind: str, value: str) -> bytes:
    data = value.encode()
    length = struct.pack("=B" if kind == "g" else "=I", len(data))
    return bytes((code, 1, ord(kind), 0)) + length + data + b"\0"


def _body(signature: str, arguments: Sequence[Any]) -> bytes:
    out = bytearray()
    kinds = signature.replace("as", "A").replace("a{sv}", "D")
    for kind, value in zip(kinds, arguments, strict=True):
        out += bytes(-len(out) % 4)
        if kind == "A":
            items = bytearray()
            for text in value:
                items += bytes(-len(items) % 4) + _text(text)
            out += struct.pack("=I", len(items)) + items
        elif kind == "D":
            items = _dictionary(value)
            out += struct.pack("=I", len(items))
            out += bytes(-len(out) % 8) + items
        elif kind in "so":
            out += _text(value)
        else:
            out += struct.pack({"u": "=I", "i": "=i"}[kind], value)
    return bytes(out)


def _dictionary(pairs: Mapping[str, tuple[str, Any]]) -> bytes:
    items = bytearray()
    for name, (kind, value) in pairs.items():
        items += bytes(-len(items) % 8) + _text(name) + bytes((1, ord(kind), 0))
        items += bytes(-len(items) % 4) + _text(value) if kind == "s" else bytes((value,))
    return bytes(items)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "replace").replace(b"\0", b"?")
    return struct.pack("=I", len(data)) + data + b"\0"


def _end_of_message(data: bytearray, start: int) -> int | None:
    """Where the message that begins at `start` ends; None while it is not complete."""
    if len(data) - start < 16:
        return None
    if data[start] != _ORDER:
        raise BusLost("the bus speaks in another byte order than this machine")
    body, _, fields = struct.unpack_from("=III", data, start + 4)
    stop = start + 16 + fields + -fields % 8 + body
    return stop if stop <= len(data) else None


def _answer(message: bytes) -> tuple[int, Reply] | None:
    """Which call it answers, and what; None for what is no answer."""
    if message[1] not in (_RETURN, _ERROR):
        return None
    length = struct.unpack_from("=I", message, 12)[0]
    position, known = 16, dict[int, Any]()
    while position < 16 + length:
        position += -position % 8
        code, kind = message[position], chr(message[position + 2])
        known[code], position = reader(kind)(message, position + 4)
    body = message[16 + length + -length % 8 :]
    error = str(known.get(_ERROR_NAME, "unknown")) if message[1] == _ERROR else ""
    return known.get(_REPLY_SERIAL, 0), Reply(known.get(_SIGNATURE, ""), body, error)
