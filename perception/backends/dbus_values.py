"""Values of D-Bus messages, taken apart by their signatures, in the byte order of this machine."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeAlias

Read: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
"""Takes a value of some type out of a body: the value, and where the next one begins."""


def unpack(signature: str, body: bytes) -> tuple[Any, ...]:
    """The values of a body: integers, floats, texts, lists for arrays (of texts: tuples), tuples for structs, dicts.

    A variant is its value alone.
    """
    position, values = 0, list[Any]()
    for kind in _parts(signature):
        value, position = reader(kind)(body, position)
        values.append(value)
    return tuple(values)


@cache
def reader(kind: str) -> Read:
    """What reads one complete type."""
    if kind in _READERS:
        return _READERS[kind]
    if kind.startswith("a{"):
        return _dict(_struct(kind[2:-1]))
    if kind == "as":
        return _read_texts
    if kind.startswith("a"):
        return _array(reader(kind[1:]), 8 if kind[1] in "(xtd" else 1 if kind[1] in "ygv" else 4)
    return _struct(kind[1:-1])


def _parts(signature: str) -> list[str]:
    """The complete types in a row."""
    parts, start, depth = list[str](), 0, 0
    for index, char in enumerate(signature):
        depth += (char in "({") - (char in ")}")
        if depth == 0 and char != "a":
            parts.append(signature[start : index + 1])
            start = index + 1
    return parts


def _plain(code: str) -> Read:
    form = struct.Struct("=" + code)
    size, take = form.size, form.unpack_from

    def read(body: bytes, position: int) -> tuple[Any, int]:
        position += -position % size
        return take(body, position)[0], position + size

    return read


_length = struct.Struct("=I").unpack_from


def _read_text(body: bytes, position: int) -> tuple[str, int]:
    start = position + -position % 4 + 4
    stop = start + _length(body, start - 4)[0]
    return body[start:stop].decode("utf-8", "replace"), stop + 1


def _read_signature(body: bytes, position: int) -> tuple[str, int]:
    stop = position + 1 + body[position]
    return body[position + 1 : stop].decode(), stop + 1


def _read_variant(body: bytes, position: int) -> tuple[Any, int]:
    kind, position = _read_signature(body, position)
    return reader(kind)(body, position)


def _array(item: Read, alignment: int) -> Read:
    count = _plain("I")

    def read(body: bytes, position: int) -> tuple[list[Any], int]:
        size, position = count(body, position)
        position += -position % alignment
        stop, values = position + size, list[Any]()
        while position < stop:
            value, position = item(body, position)
            values.append(value)
        return values, position

    return read


def _read_texts(body: bytes, position: int) -> tuple[tuple[str, ...], int]:
    """Texts in a row, as a tuple: the same few lists come thousands of times."""
    start = position + -position % 4 + 4
    stop = start + _length(body, start - 4)[0]
    return _texts(body[start:stop]), stop


@lru_cache(maxsize=1024)
def _texts(data: bytes) -> tuple[str, ...]:
    texts, position = list[str](), 0
    while position < len(data):
        text, position = _read_text(data, position)
        texts.append(text)
    return tuple(texts)


def _dict(entry: Read) -> Read:
    entries = _array(entry, 8)

    def read(body: bytes, position: int) -> tuple[dict[Any, Any], int]:
        pairs, position = entries(body, position)
        return dict(pairs), position

    return read


def _struct(kinds: str) -> Read:
    fields = [reader(kind) for kind in _parts(kinds)]

    def read(body: bytes, position: int) -> tuple[tuple[Any, ...], int]:
        position += -position % 8
        values = list[Any]()
        for field in fields:
            value, position = field(body, position)
            values.append(value)
        return tuple(values), position

    return read


_READERS: dict[str, Read] = {
    **{kind: _plain(code) for kind, code in zip("ybnqiuxtd", "BIhHiIqQd", strict=True)},
    "s": _read_text,
    "o": _read_text,
    "g": _read_signature,
    "v": _read_variant,
}
