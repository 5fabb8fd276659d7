"""Zip packages of office files: read within limits; some parts replaced, all others kept byte for byte and in order."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, BinaryIO, Final

from agent.errors import ToolFault

MOST_ENTRIES: Final = 20_000
MOST_BYTES: Final = 1 << 30  # of all parts, unpacked
MOST_IN_MEMORY: Final = 256 << 20  # of one part that is read as a whole
MOST_RATIO: Final = 250  # unpacked to packed, of packages that are large at all; honest sheets reach 50
_LARGE = 64 << 20
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, OSError)
_NEVER = (1980, 1, 1, 0, 0, 0)  # the time of parts that are new


class Package:
    """An open package. Close it, or use it as a context manager."""

    def __init__(self, file: zipfile.ZipFile, path: Path, name: str) -> None:
        self._zip = file
        self._entries = {info.filename: info for info in file.infolist()}
        self.path = path
        self.name = name

    @classmethod
    def open(cls, path: Path, name: str) -> Package:
        """Open one.

        Args:
            name: what the model calls it.

        Raises:
            ToolFault: it is damaged, larger than can be handled, or a zip bomb.
        """
        try:
            file = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise _damaged(name, error) from None
        try:
            _check(file, path, name)
        except ToolFault:
            file.close()
            raise
        return cls(file, path, name)

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._zip.close()

    @property
    def names(self) -> Collection[str]:
        """Of all parts, in their order."""
        return self._entries.keys()

    def size(self, part: str) -> int:
        """Bytes of a part, unpacked."""
        return self._entries[part].file_size

    def read(self, part: str) -> bytes:
        """A whole part.

        Raises:
            ToolFault: it is not there, damaged, or too large for memory.
        """
        if part not in self._entries:
            raise ToolFault(f"{self.name} is damaged: its part {part} is missing. Nothing was changed.")
        if self.size(part) > MOST_IN_MEMORY:
            raise ToolFault(f"{self.name}: its part {part} has {self.size(part) >> 20} MB, which is too large.")
        try:
            return self._zip.read(self._entries[part])
        except _BROKEN as error:
            raise _damaged(self.name, error) from None

    def stream(self, part: str) -> IO[bytes]:
        """A part to be read bit by bit; reading may raise what `damaged` lists."""
        try:
            return self._zip.open(self._entries[part])
        except _BROKEN as error:
            raise _damaged(self.name, error) from None

    def save(self, target: Path, replaced: Mapping[str, bytes], dropped: Collection[str] = ()) -> None:
        """Write the package anew. What is neither replaced nor dropped is copied as it is, packed bytes included.

        Args:
            target: another file than this one.
            replaced: parts and what is in them now; new ones come last.

        Raises:
            OSError: it cannot be written.
            ToolFault: this package is damaged.
        """
        with self.path.open("rb") as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for part, info in self._entries.items():
                if part in replaced:
                    out.writestr(_anew(info), replaced[part])
                elif part not in dropped:
                    self._copy(info, source, out)
            for part, data in replaced.items():
                if part not in self._entries:
                    out.writestr(_anew(zipfile.ZipInfo(part, _NEVER)), data)
            out.comment = self._zip.comment  # also tells zipfile that the directory is to be written

    def _copy(self, info: zipfile.ZipInfo, source: BinaryIO, out: zipfile.ZipFile) -> None:
        """Copy an entry without unpacking it, so that it stays the same byte for byte and costs no time."""
        source.seek(info.header_offset)
        header = source.read(30)
        if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
            raise _damaged(self.name, "an entry is not where the directory says")
        source.seek(sum(struct.unpack_from("<HH", header, 26)), 1)
        entry = _twin(info)
        file = _file_of(out)
        file.seek(out.start_dir)
        entry.header_offset = file.tell()
        file.write(entry.FileHeader())
        _copy_bytes(source, file, entry.compress_size)
        out.filelist.append(entry)
        out.NameToInfo[entry.filename] = entry
        out.start_dir = file.tell()


def new_package(target: Path, parts: Mapping[str, bytes]) -> None:
    """Write a package of these parts, in their order. Raises OSError."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for part, data in parts.items():
            out.writestr(_anew(zipfile.ZipInfo(part, _NEVER)), data)


def damaged(name: str, error: BaseException) -> ToolFault | None:
    """What to tell of an error that came while a part was streamed; None where it is another kind of error."""
    return _damaged(name, error) if isinstance(error, _BROKEN) else None


def _check(file: zipfile.ZipFile, path: Path, name: str) -> None:
    entries = file.infolist()
    total = sum(info.file_size for info in entries)
    packed = sum(info.compress_size for info in entries)
    if len(entries) > MOST_ENTRIES or total > MOST_BYTES or (total > _LARGE and total > MOST_RATIO * max(packed, 1)):
        raise ToolFault(
            f"{name} would unpack to {len(entries)} parts of {total >> 20} MB from {packed >> 10} KB, "
            "as a zip bomb does. It was not opened. Ask the user where it comes from."
        )
    if packed > path.stat().st_size or len({info.filename for info in entries}) < len(entries):
        raise ToolFault(f"{name} is damaged: parts of it overlap, or have the same name. It was not opened.")
    if any(info.flag_bits & 1 for info in entries):
        raise ToolFault(f"{name} is protected with a password. Ask the user for a copy without one.")
    if any(info.filename.startswith("/") or ".." in info.filename.split("/") for info in entries):
        raise ToolFault(f"{name} is damaged: it names parts outside of itself. It was not opened.")


def _damaged(name: str, error: object) -> ToolFault:
    return ToolFault(f"{name} is damaged ({error}). Nothing was changed. Ask for another copy of it.")


def _anew(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    fresh = zipfile.ZipInfo(info.filename, info.date_time)
    fresh.compress_type = zipfile.ZIP_STORED if info.filename == "mimetype" else zipfile.ZIP_DEFLATED
    fresh.external_attr = info.external_attr
    return fresh


def _twin(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    twin = zipfile.ZipInfo(info.filename, info.date_time)
    twin.compress_type, twin.comment, twin.create_system = info.compress_type, info.comment, info.create_system
    twin.external_attr, twin.internal_attr = info.external_attr, info.internal_attr
    twin.CRC, twin.compress_size, twin.file_size = info.CRC, info.compress_size, info.file_size
    twin.flag_bits = info.flag_bits & ~0x08  # sizes stand in the header, not behind the data
    return twin


def _file_of(out: zipfile.ZipFile) -> IO[bytes]:
    if out.fp is None:
        raise ValueError("the package is closed")
    return out.fp


def _copy_bytes(source: BinaryIO, target: IO[bytes], count: int) -> None:
    while count > 0:
        if not (chunk := source.read(min(count, _CHUNK))):
            raise OSError("the file ends too early")
        target.write(chunk)
        count -= len(chunk)
