"""Events to lines and back: the journal's format on disk.

A line is `{"v":1,"seq":n,"at":"…Z","type":…,…,"crc":"…"}`; `crc` is the CRC-32 of the line without it, so that a
flipped bit is seen and not believed.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from agent.events import Entry, Event, ModelSaid

if TYPE_CHECKING:
    from pydantic import TypeAdapter

VERSION = 1
_HEAD = re.compile(rb'\{"v":(?P<v>\d+),"seq":(?P<seq>\d+),"at":"(?P<at>[^"]*)","type":"(?P<type>[^"]*)"')
LEFT_OUT = ModelSaid(0, "")
"""Stands for an event that nobody wanted to look at."""

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
    return _decode(line.removesuffix(b"\n"), frozenset())


def decode_all(
    data: bytes, *, leave_out: frozenset[str] = frozenset(), line: int = 1, due: int | None = 1
) -> Iterator[Entry | Damage]:
    """Every sound entry of a journal in order, and a `Damage` where one cannot be believed or is missing.

    Args:
        leave_out: types of events that nobody will look at: checked like all, given back as `LEFT_OUT`.
        line: number of the first line, where `data` begins in the middle of a journal.
        due: `seq` of the first entry; None where nobody knows.
    """
    offset, expected = 0, due
    for number, text in enumerate(data.split(b"\n"), start=line):
        whole = offset + len(text) < len(data)
        if not whole and not text:
            return  # the end, after the last newline
        try:
            if not whole:
                raise ValueError("it is cut short")
            entry = _decode(text, leave_out)
        except ValueError as error:
            yield Damage(number, str(error).splitlines()[0], offset, torn=not whole)
            expected = None if expected is None else expected + 1
        else:
            if expected not in (None, entry.seq):
                yield Damage(number, f"it is number {entry.seq} where {expected} was due", offset, torn=False)
            expected = entry.seq + 1
            yield entry
        offset += len(text) + 1


def _decode(line: bytes, leave_out: frozenset[str]) -> Entry:
    body, crc = line[:-_CRC_LENGTH] + b"}", line[-_CRC_LENGTH:]
    if crc != b',"crc":"%08x"}' % zlib.crc32(body):
        raise ValueError("its checksum does not fit")
    head = _HEAD.match(body)
    if head is None:
        raise ValueError("it does not begin as a line of a journal does")
    version, seq, at, kind = head.groups()
    if int(version) != VERSION:
        raise ValueError("it was written by another version of deskhand")
    return Entry(int(seq), at.decode(), event=LEFT_OUT if kind.decode() in leave_out else _event(body))


def _event(body: bytes) -> Event:
    adapter = _adapter()
    try:
        return adapter.validate_json(body)
    except ValueError:  # half a surrogate pair, which models do write, is JSON for Python's own parser only
        return adapter.validate_python(json.loads(body))


def _type_first(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": data.pop("type")} | data


@cache
def _adapter() -> TypeAdapter[Event]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event, Field(discriminator="type")])
