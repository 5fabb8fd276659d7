"""Events to lines and back: the journal's format on disk.

A line is `{"v":1,"seq":n,"at":"…Z","type":…,…,"crc":"…"}`; `crc` is the CRC-32 of the line without it, so that a
flipped bit is seen and not believed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from agent.events import Entry, Event

if TYPE_CHECKING:
    from pydantic import TypeAdapter

VERSION = 1
_CRC_LENGTH = len(',"crc":"00000000"}')


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that cannot be believed. `line` counts from 1; `torn` means an unfinished last line."""

    line: int
    reason: str
    offset: int
    torn: bool


def encode(entry: Entry) -> bytes:
    """One line, newline included."""
    data = {"v": VERSION, "seq": entry.seq, "at": entry.at} | _type_first(asdict(entry.event))
    body = json.dumps(data, separators=(",", ":")).encode()
    return body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Entry:
    """Read one line, with or without its newline.

    Raises:
        ValueError: it is not a whole, sound line of this version.
    """
    line = line.removesuffix(b"\n")
    body, crc = line[:-_CRC_LENGTH] + b"}", line[-_CRC_LENGTH:]
    if crc != b',"crc":"%08x"}' % zlib.crc32(body):
        raise ValueError("its checksum does not fit")
    data: dict[str, Any] = json.loads(body)
    if data.pop("v") != VERSION:
        raise ValueError("it was written by another version of deskhand")
    seq, at = data.pop("seq"), data.pop("at")
    return Entry(seq, at, event=_adapter().validate_python(data))


def decode_all(data: bytes) -> Iterator[Entry | Damage]:
    """Every sound entry of a journal in order, and a `Damage` wherever a line cannot be believed or is missing."""
    offset, expected = 0, 1
    for number, line in enumerate(data.split(b"\n"), start=1):
        whole = offset + len(line) < len(data)
        if not whole and not line:
            return  # the end, after the last newline
        try:
            if not whole:
                raise ValueError("it is cut short")
            entry = decode(line)
        except ValueError as error:
            yield Damage(number, str(error).splitlines()[0], offset, torn=not whole)
            expected += 1
        else:
            if entry.seq != expected:
                yield Damage(number, f"it is number {entry.seq} where {expected} was due", offset, torn=False)
            expected = entry.seq + 1
            yield entry
        offset += len(line) + 1


def _type_first(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": data.pop("type")} | data


@cache
def _adapter() -> TypeAdapter[Event]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event, Field(discriminator="type")])
