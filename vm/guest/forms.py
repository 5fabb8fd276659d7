"""Forms as HTTP clients send them: fields in the body of a request, files streamed to disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO
from urllib.parse import parse_qsl

from vm.guest.wire import Body, Refused, Request

MAX_FIELD = 1024 * 1024  # bytes of a field, and of a form without files
MAX_PARTS = 100
MAX_PART_HEAD = 16 * 1024
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
_NAME = re.compile(rb"""(?:^|[;\s])name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))""", re.IGNORECASE)
_FILE = re.compile(rb"""(?:^|[;\s])filename\*?=""", re.IGNORECASE)

Opener = Callable[[str, Mapping[str, str]], BinaryIO]
"""Where a file goes, by the name of its part and the fields before it."""


def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form, whichever of the three ways it was sent: URL-encoded, in parts, or as a JSON object.

    Raises:
        Refused: it cannot be read.
    """
    if request.media == "multipart/form-data":
        return read_parts(request, _no_file)
    if request.media == "application/json":
        return {name: str(value) for name, value in request.json().items()}
    try:
        text = request.body.read(MAX_FIELD).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARTS))
    except ValueError as error:
        raise Refused(400, "invalid", f"the form cannot be read: {error}") from None


def read_parts(request: Request, opener: Opener) -> dict[str, str]:
    """The fields of a form in parts; what is a file is written, piece by piece, to where `opener` says.

    Raises:
        Refused: it is no such form, or not a proper one.
        OSError: a file cannot be written.
    """
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if request.media != "multipart/form-data" or found is None:
        raise Refused(400, "invalid", "this needs a form in parts (multipart/form-data) with a boundary")
    return _Parts(request.body, (found[1] or found[2]).encode("latin-1"), opener).read()


def _no_file(name: str, _: Mapping[str, str]) -> BinaryIO:
    raise Refused(400, "invalid", f"the field {name!r} is a file; text is expected")


class _Parts:
    """A form while it is read. Never more than a chunk of it, and one field, is held in memory."""

    def __init__(self, body: Body, boundary: bytes, opener: Opener) -> None:
        self._body, self._opener = body, opener
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"  # so that the first mark is like all others
        self._fields: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        self._until(self._mark, lambda _: None)
        for _ in range(MAX_PARTS):
            after = self._take(2)
            if after == b"--":
                return self._fields
            if after != b"\r\n":
                raise Refused(400, "invalid", "a boundary of the form is followed by something else than a new line")
            self._part()
        raise Refused(400, "invalid", f"a form of more than {MAX_PARTS} parts")

    def _part(self) -> None:
        head = self._head()
        line = next((row for row in head.split(b"\r\n") if row.lower().startswith(b"content-disposition:")), b"")
        named = _NAME.search(line)
        if named is None:
            raise Refused(400, "invalid", "a part of the form has no name")
        name = (named[1] if named[1] is not None else named[2]).decode("utf-8", "replace").replace('\\"', '"')
        if _FILE.search(line):
            with self._opener(name, dict(self._fields)) as file:
                self._until(self._mark, file.write)
        else:
            self._fields[name] = self._field(name)

    def _head(self) -> bytes:
        """The lines before an empty one; the held bytes begin after the end of the line of the mark."""
        head = bytearray()

        def keep(data: bytes) -> None:
            head.extend(data)
            if len(head) > MAX_PART_HEAD:
                raise Refused(400, "invalid", "the head of a part of the form is too long")

        self._held = b"\r\n" + self._held  # a part may have no headers at all
        self._until(b"\r\n\r\n", keep)
        return bytes(head)

    def _field(self, name: str) -> str:
        data = bytearray()

        def keep(piece: bytes) -> None:
            data.extend(piece)
            if len(data) > MAX_FIELD:
                raise Refused(413, "invalid", f"the field {name!r} is longer than {MAX_FIELD} bytes")

        self._until(self._mark, keep)
        return data.decode("utf-8", "replace")

    def _until(self, mark: bytes, keep: Callable[[bytes], object]) -> None:
        """Give everything up to the mark away, and the mark up."""
        while (at := self._held.find(mark)) < 0:
            safe = max(0, len(self._held) - len(mark) + 1)
            if safe:
                keep(self._held[:safe])
                self._held = self._held[safe:]
            self._more()
        keep(self._held[:at])
        self._held = self._held[at + len(mark) :]

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            self._more()
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def _more(self) -> None:
        data = self._body.some(64 * 1024)
        if not data:
            raise Refused(400, "invalid", "the form ends in the middle of a part")
        self._held += data
