"""Old office files (OLE compound files): which one it is, and whether it is protected. Nothing else is read of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_SECTORS = 4096  # of the directory; the largest real ones have some dozens
_ENTRY = 128  # bytes of a directory entry
_NO_MORE = 0xFFFFFFFA  # sector numbers from here on mean an end
_FILE_PASS = 0x2F  # record of a protected workbook
_ENCRYPTED = 0x0100  # flag of a protected text


@dataclass(frozen=True, slots=True)
class Found:
    """What a compound file is."""

    kind: Literal["xls", "doc", "ppt", "unknown"]
    protected: bool
    macros: bool = False


def look(path: Path) -> Found:
    """Read the directory of a compound file.

    Raises:
        ValueError: it is damaged.
    """
    with path.open("rb") as file:
        container = _Container(file)
        streams = container.streams()
        if "EncryptedPackage" in streams or "EncryptedSummary" in streams:
            return Found("unknown", True)
        if (start := streams.get("Workbook", streams.get("Book"))) is not None:
            return Found("xls", _book_protected(container.sector(start)), "_VBA_PROJECT_CUR" in streams)
        if (start := streams.get("WordDocument")) is not None:
            return Found("doc", bool(struct.unpack_from("<H", container.sector(start), 0xA)[0] & _ENCRYPTED))
        return Found("ppt" if "PowerPoint Document" in streams else "unknown", False)


class _Container:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        header = file.read(512)
        if len(header) < 512:
            raise ValueError("it ends in the middle of its header")
        self._size = 1 << struct.unpack_from("<H", header, 0x1E)[0]
        if self._size not in (512, 4096):
            raise ValueError("its header makes no sense")
        self._directory: int = struct.unpack_from("<I", header, 0x30)[0]
        self._tables: tuple[int, ...] = struct.unpack_from("<109I", header, 0x4C)

    def sector(self, number: int) -> bytes:
        self._file.seek((number + 1) * self._size)
        data = self._file.read(self._size)
        if len(data) < 64:
            raise ValueError("it ends too early")
        return data.ljust(self._size, b"\0")

    def streams(self) -> dict[str, int]:
        """Names of the streams, and the sector at which each begins."""
        found: dict[str, int] = {}
        number = self._directory
        for _ in range(_MOST_SECTORS):
            if number >= _NO_MORE:
                return found
            data = self.sector(number)
            for at in range(0, self._size, _ENTRY):
                _note_entry(data[at : at + _ENTRY], found)
            number = self._next(number)
        raise ValueError("its directory has no end")

    def _next(self, number: int) -> int:
        per_sector = self._size // 4
        if number // per_sector >= len(self._tables):
            return _NO_MORE
        table = self.sector(self._tables[number // per_sector])
        return struct.unpack_from("<I", table, number % per_sector * 4)[0]


def _note_entry(entry: bytes, found: dict[str, int]) -> None:
    length: int = struct.unpack_from("<H", entry, 64)[0]
    if 2 <= length <= 64:
        name = entry[: length - 2].decode("utf-16-le", "replace")
        found[name] = struct.unpack_from("<I", entry, 116)[0]


def _book_protected(data: bytes) -> bool:
    """Whether a FILEPASS record is among the first ones; everything after it would be encrypted."""
    at = 0
    while at + 4 <= len(data):
        record, length = struct.unpack_from("<HH", data, at)
        if record == _FILE_PASS:
            return True
        at += 4 + length
    return False
