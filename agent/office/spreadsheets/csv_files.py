"""A CSV file as a whole: its records with the very characters they are written in, and written back the same way."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from agent.errors import ToolFault
from agent.office.spreadsheets.csvs import LONGEST_FIELD, Form, form_of

MOST_BYTES: Final = 64 << 20
MOST_CELLS: Final = 2_000_000
_LOOKED_AT = 1_000  # records that tell how fields are quoted
_ENDS: Final = {"\r\n": "CR LF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True)
class CsvFile:
    """What a file holds.

    Attributes:
        records: the fields of each record, and how it is written, line end included.
        end: of most lines.
        closed: whether the last line has an end too.
        quotes: whether all fields stand in quotation marks.
    """

    form: Form
    records: list[tuple[list[str], str]]
    end: str = "\n"
    closed: bool = True
    quotes: bool = False
    mark: bytes = b""  # of the byte order

    def __str__(self) -> str:
        return f"{self.form}, lines end with {_ENDS[self.end]}"

    @cached_property
    def width(self) -> int:
        """Fields of the longest record."""
        return max((len(fields) for fields, _ in self.records), default=0)

    def column(self, index: int) -> Iterator[str]:
        """The texts of a column, counted from 0, without the first one."""
        return (fields[index] for fields, _ in self.records[1:] if index < len(fields))

    def written(self, rows: Iterable[list[str]], *, anew: bool) -> bytes:
        """Rows as this file writes them; one that says what a record says is written as that one.

        Args:
            anew: the number of columns is another one, so that no record can stay.

        Raises:
            ToolFault: a text cannot be written in this encoding.
        """
        known = {} if anew else {tuple(fields): raw for fields, raw in reversed(self.records)}
        out = io.StringIO(newline="")
        quoting: Literal[0, 1] = csv.QUOTE_ALL if self.quotes else csv.QUOTE_MINIMAL
        writer = csv.writer(out, delimiter=self.form.delimiter, lineterminator=self.end, quoting=quoting)
        for row in rows:
            raw = known.get(tuple(row))
            if raw is None:
                writer.writerow(row)
            else:
                out.write(raw if raw.endswith(("\n", "\r")) else raw + self.end)
        text = out.getvalue()
        if not self.closed:
            text = text.removesuffix("\n").removesuffix("\r") if self.end == "\r\n" else text.removesuffix(self.end)
        try:
            return self.mark + text.encode(self.form.encoding)
        except UnicodeEncodeError as error:
            letter = text[error.start]
            raise ToolFault(
                f"The file is written in {self.form.encoding}, which has no {letter!r}. Nothing was changed. Write it "
                "otherwise, or make a new file with `source`."
            ) from None


def empty_file(path: Path) -> CsvFile:
    """How a new file is written."""
    return CsvFile(Form("utf-8", "," if path.suffix.lower() == ".csv" else "\t"), [])


def read_file(path: Path, name: str) -> CsvFile:
    """Read one. Raises ToolFault."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ToolFault(
            f"{name} has {size >> 20} MB; at most {MOST_BYTES >> 20} are edited in place. Nothing was changed. Use a "
            "program in the shell for it."
        )
    form = form_of(path, name)
    text, form, mark = _decoded(path.read_bytes(), form, name)
    records = list(_records(text, form, name))
    ends = Counter(end for _, raw in records if (end := _end_of(raw)))
    return CsvFile(
        form, records, end=ends.most_common(1)[0][0] if ends else "\n", closed=text.endswith(("\n", "\r")),
        quotes=_all_quoted(records[:_LOOKED_AT], form.delimiter), mark=mark,
    )  # fmt: skip


def _decoded(data: bytes, form: Form, name: str) -> tuple[str, Form, bytes]:
    """The text, with an encoding that gives back the same bytes."""
    mark = b""
    encoding = form.encoding
    if encoding == "utf-8-sig":
        mark, encoding = codecs.BOM_UTF8, "utf-8"
    elif encoding == "utf-16":
        mark = data[:2]
        encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    for each in (encoding, "latin-1") if encoding == "cp1252" else (encoding,):
        try:
            text = data[len(mark) :].decode(each)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, Form(each, form.delimiter, form.certain), mark
    raise ToolFault(f"{name} is no {form.encoding} all through, or holds zero bytes. Nothing was changed.")


def _records(text: str, form: Form, name: str) -> Iterator[tuple[list[str], str]]:
    csv.field_size_limit(LONGEST_FIELD)
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    cells = 0
    reader = csv.reader(lines(), delimiter=form.delimiter)
    try:
        for fields in reader:
            yield fields, "".join(taken)
            taken.clear()
            cells += len(fields)
            if cells > MOST_CELLS:
                raise ToolFault(f"{name} has more than {MOST_CELLS} fields, too many for here. Nothing was changed.")
    except csv.Error as error:
        raise ToolFault(f"{name} cannot be read as CSV: {error}. Nothing was changed.") from None


def _end_of(raw: str) -> str:
    return next((end for end in _ENDS if raw.endswith(end)), "")


def _all_quoted(records: list[tuple[list[str], str]], delimiter: str) -> bool:
    """Whether each field of each record stands in quotation marks."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="").writerows(
        fields for fields, _ in records if fields
    )
    return bool(records) and out.getvalue() == "".join(raw.rstrip("\r\n") for fields, raw in records if fields)
