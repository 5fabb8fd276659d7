"""Who may connect to our X server: this user, by cookie or by name, and nobody else.

The cookie goes to the programs of the desktop, in a file of theirs. Deskhand itself connects without it: its
environment belongs to the user's own desktop, so the server is told to admit our user id whatever cookie it shows
("localuser", which the kernel vouches for on the local socket).
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"
COOKIE_BYTES = 16
ANSWER_SECONDS = 10.0

_FAMILY_LOCAL = 256
_FAMILY_WILD = 65535
_SERVER_INTERPRETED = 5
_CHANGE_HOSTS = 109
_GET_INPUT_FOCUS = 43
_REPLY_BYTES = 32


class NotAdmitted(Exception):
    """The X server does not answer, or not as one."""


def write_cookie(path: Path, cookie: bytes, number: str = "", *machines: str) -> None:
    """Write an Xauthority file, mode 600, for display `number` of this machine (empty: for every display).

    Args:
        machines: other names that programs may know this machine by.
    """
    places = [struct.pack(">H", _FAMILY_WILD) + _counted(b"")]
    if number:  # some clients know the machine's name only, not the wildcard
        names = dict.fromkeys((socket.gethostname(), *machines))
        places = [struct.pack(">H", _FAMILY_LOCAL) + _counted(name.encode()) for name in names]
    rest = _counted(number.encode()) + _counted(COOKIE_NAME) + _counted(cookie)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(place + rest for place in places))


def admit_this_user(number: str, cookie: bytes) -> None:
    """Let processes of this user connect to display `number` without a cookie.

    Raises:
        NotAdmitted: the server refused, or is not there any more.
    """
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.settimeout(ANSWER_SECONDS)
            server.connect(f"/tmp/.X11-unix/X{number}")
            _greet(server, cookie)
            who = b"localuser\0#%d" % os.getuid()
            host = struct.pack("<BBH", _SERVER_INTERPRETED, 0, len(who)) + _padded(who)
            server.sendall(_request(_CHANGE_HOSTS, host) + _request(_GET_INPUT_FOCUS))
            if _read(server, _REPLY_BYTES)[0] != 1:
                raise NotAdmitted("it refuses to admit users by name")
    except OSError as error:
        raise NotAdmitted(str(error)) from None


def _greet(server: socket.socket, cookie: bytes) -> None:
    head = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(COOKIE_NAME), len(cookie))
    server.sendall(head + _padded(COOKIE_NAME) + _padded(cookie))
    status, length = struct.unpack("<B5xH", _read(server, 8))
    answer = _read(server, 4 * length)
    if status != 1:
        raise NotAdmitted(f"it refuses its own cookie ({answer.decode(errors='replace').strip(chr(0))})")


def _request(opcode: int, body: bytes = b"") -> bytes:
    return struct.pack("<BBH", opcode, 0, 1 + len(body) // 4) + body


def _read(server: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = server.recv(count - len(data))
        if not more:
            raise NotAdmitted("it closed the connection")
        data += more
    return data


def _counted(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
