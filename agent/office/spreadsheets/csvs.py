"""CSV and TSV files: encoding, delimiter and quotes found out, and read row by row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import ToolFault

DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_FIELD: Final = 1 << 20
_SAMPLE = 1 << 18
_LINES = 200


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written.

    Attributes:
        certain: whether the encoding follows from the file; else it is the likeliest.
    """

    encoding: str
    delimiter: str
    certain: bool = True

    def __str__(self) -> str:
        mark = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}.get(self.delimiter, self.delimiter)
        return f"{self.encoding}{'' if self.certain else ' (likely)'}, {mark}"


def form_of(path: Path, name: str, delimiter: str | None = None, encoding: str | None = None) -> Form:
    """Find out how a file is written. Raises ToolFault."""
    try:
        with path.open("rb") as file:
            sample = file.read(_SAMPLE)
            whole = len(sample) < _SAMPLE
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror or error}.") from None
    found, certain = (_known(encoding), True) if encoding else _encoding(sample, whole)
    text = codecs.getincrementaldecoder(found)("replace").decode(sample)
    mark = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter) or _delimiter(text, path.suffix.lower())
    if len(mark) != 1:
        raise ToolFault(f"A delimiter must be one character, not {mark!r}.")
    return Form(found, mark, certain)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ToolFault(f"{encoding!r} is no encoding; try utf-8, windows-1252 or utf-16.") from None


def _encoding(sample: bytes, whole: bool) -> tuple[str, bool]:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", True
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, whole)
    except UnicodeDecodeError:
        return "cp1252", False
    return "utf-8", True


def _delimiter(text: str, suffix: str) -> str:
    """The one that gives the same number of fields, more than one, most often."""
    if suffix in (".tsv", ".tab"):
        return "\t"
    lines = text.splitlines()[:_LINES]
    if len(lines) > 1 and len(text) >= _SAMPLE // 2:
        lines = lines[:-1]
    return max(DELIMITERS, key=lambda mark: _fitness(lines, mark))


def _fitness(lines: list[str], mark: str) -> tuple[float, int]:
    counts = [len(row) for row in _reader(iter(lines), mark) if row]
    if not counts:
        return 0.0, 0
    most = max(set(counts), key=counts.count)
    return (counts.count(most) / len(counts) if most > 1 else 0.0), most


def _reader(lines: Iterator[str], mark: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=mark)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield []


@contextmanager
def rows_of(path: Path, name: str, form: Form) -> Generator[Iterator[list[str]]]:
    """The rows of a file, one after the other, in bounded memory.

    Raises:
        ToolFault: it cannot be read; also while the rows are read.
    """
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open("rb") as raw, io.TextIOWrapper(raw, form.encoding, "replace", newline="") as file:
            yield _told(csv.reader(_without_nul(file), delimiter=form.delimiter), name)
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror or error}.") from None


def _without_nul(file: io.TextIOWrapper) -> Iterator[str]:
    while line := file.readline(LONGEST_FIELD):
        yield line.replace("\0", "")


def _told(reader: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise ToolFault(f"{name} cannot be read as CSV: {error}. Name another delimiter.") from None
