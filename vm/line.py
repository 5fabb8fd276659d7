"""A line to a server inside a machine: HTTP with connections that are kept, and a deadline on every call."""

from __future__ import annotations

import http.client
import math
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from actuators.errors import DisplayLost
from perception.errors import ScreenLost

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 600_000_000  # of one answer
_CHUNK = 1 << 18  # bytes
_IDLE = 8  # connections that are kept


class GuestGone(ScreenLost, DisplayLost):
    """The server inside the machine does not answer: the machine hangs, is gone, or never was there."""


class Line:
    """Exchanges requests for answers. From any thread; an idle connection is used again."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()

    def __repr__(self) -> str:
        return f"Line({self._host}:{self._port})"

    def call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float, *, once: bool
    ) -> tuple[int, bytes]:
        """Status and content of an answer, within so many seconds in all.

        Args:
            once: never sent again; else it is where a kept connection broke before an answer.

        Raises:
            GuestGone: there was none.
        """
        deadline = time.monotonic() + seconds
        connection = None if once else self._kept()
        if connection is not None:
            with suppress(_Stale):  # the machine was reset, or has hung up since: only a new line tells
                return self._exchange(connection, method, path, body, headers, deadline)
        fresh = _Connection(self._host, self._port)
        with self._lock:
            self._busy.add(fresh)
        try:
            return self._exchange(fresh, method, path, body, headers, deadline)
        except _Stale as error:
            raise GuestGone(f"the machine does not answer: {error}") from None

    def abort(self) -> None:
        """Make calls that are under way end at once, with GuestGone. From any thread."""
        with self._lock:
            for connection in self._busy:
                connection.cut()

    def close(self) -> None:
        """Hang up. Calls under way end; later ones would connect anew."""
        self.abort()
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _kept(self) -> _Connection | None:
        with self._lock:
            if not self._idle:
                return None
            connection = self._idle.pop()
            self._busy.add(connection)
            return connection

    def _exchange(
        self,
        connection: _Connection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> tuple[int, bytes]:
        keep = False
        try:
            status, data, keep = connection.exchange(method, path, body, headers, deadline)
        finally:
            with self._lock:
                self._busy.discard(connection)
                keep = keep and len(self._idle) < _IDLE
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()
        return status, data


class _Stale(Exception):
    """The line broke before an answer came."""


class _Connection(http.client.HTTPConnection):
    """A line to the server on which every exchange has a deadline, however slowly its bytes come."""

    _was_cut = False

    def exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], deadline: float
    ) -> tuple[int, bytes, bool]:
        """Status, content, and whether the line can be used again."""
        try:
            self.timeout = _left(deadline)
            if self.sock is None:
                self.connect()
            sock = cast("_TimedSocket", self.sock)
            sock.deadline = deadline
            sock.settimeout(_left(deadline))
            self.request(method, path, body, dict(headers))
            answer = self.getresponse()
            return answer.status, _content(answer), not answer.will_close
        except TimeoutError:
            raise GuestGone("the machine does not answer in time; it may hang") from None
        except http.client.IncompleteRead:
            raise GuestGone("the machine stopped in the middle of an answer") from None
        except (OSError, http.client.HTTPException) as error:
            if self._was_cut:
                raise GuestGone("the call was cut short") from None
            raise _Stale(_reason(error)) from None

    def connect(self) -> None:
        super().connect()
        plain = cast("socket.socket", self.sock)
        timed = _TimedSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        timed.settimeout(self.timeout)
        timed.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = timed

    def cut(self) -> None:
        """End what is under way. From another thread."""
        self._was_cut = True
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _TimedSocket(socket.socket):
    deadline = math.inf

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        if self.deadline != math.inf:
            self.settimeout(_left(self.deadline))
        return super().recv_into(buffer, nbytes, flags)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _content(answer: http.client.HTTPResponse) -> bytes:
    parts: list[bytes] = []
    total = 0
    while part := answer.read(_CHUNK):
        parts.append(part)
        total += len(part)
        if total > MAX_BYTES:
            raise GuestGone(f"the machine gave an answer of more than {MAX_BYTES // 10**6} MB")
    return b"".join(parts)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error) or type(error).__name__).splitlines()[0]
