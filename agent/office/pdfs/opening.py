"""PDFs opened for reading and for change, with what stands in the way of either."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import ToolFault

LARGEST = 1 << 30  # bytes of a PDF that is read
LARGEST_CHANGED = 300 << 20  # bytes of one that is changed, which is held in memory
MOST_PAGES = 20_000
MILLIMETRE = 72 / 25.4  # points


@contextmanager
def opened(path: Path, name: str, most: int = LARGEST) -> Generator[Any]:
    """A `pypdf.PdfReader` of a file that can be read.

    Raises:
        ToolFault: it is damaged, needs a password, or is too large.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if (size := path.stat().st_size) > most:
        raise ToolFault(f"{name} has {size >> 20} MB; PDFs of at most {most >> 20} MB are taken here.")
    with path.open("rb") as file:
        try:
            reader: Any = PdfReader(file)
            _unlock(reader, name)
            _check_pages(reader, name)
            yield reader
        except (PyPdfError, RecursionError) as error:
            raise damaged(name, error) from None


def damaged(name: str, error: BaseException) -> ToolFault:
    """What is told of a PDF that cannot be understood."""
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return ToolFault(
        f"{name} is damaged: {why.rstrip('.')}. Nothing was changed. "
        "Ask for another copy; `qpdf` or `mutool clean` may mend it."
    )


def _unlock(reader: Any, name: str) -> None:
    from pypdf import PasswordType

    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise ToolFault(
            f"{name} is protected with a password and cannot be read here. "
            "Ask the user for a copy without a password; do not ask for the password itself."
        )


def _check_pages(reader: Any, name: str) -> None:
    count = len(reader.pages)
    if count > MOST_PAGES:
        raise ToolFault(f"{name} has {count} pages; at most {MOST_PAGES} are taken here.")
    if not count:
        raise ToolFault(f"{name} has no pages; it is damaged or cut short.")


def page_numbers(text: str | None, count: int, *, what: str = "it") -> list[int]:
    """Pages as a model names them, from 1: "1-3,7", "5-"; None or "all" for all.

    Raises:
        ToolFault: they are none, or are not there.
    """
    if text is None or text.strip().lower() in ("", "all"):
        return list(range(1, count + 1))
    numbers: list[int] = []
    for part in text.replace(" ", "").split(","):
        found = re.fullmatch(r"(\d{1,6})(?:(-)(\d{1,6})?)?", part)
        if not found:
            raise ToolFault(f'pages must be like "1-3,7", not {text!r:.60}. Nothing was done.')
        first = int(found[1])
        last = int(found[3]) if found[3] else count if found[2] else first
        if not 1 <= first <= last <= count:
            raise ToolFault(
                f"{what} has {count} page{'' if count == 1 else 's'}; {part!r} is not there. Nothing was done."
            )
        numbers += range(first, last + 1)
    return numbers


def signatures(document: Any) -> list[str]:
    """Names of the fields that hold a signature."""
    from agent.office.pdfs.fields import fields_of

    return [field.name for field in fields_of(document) if field.kind == "signature" and field.value]


def plain(value: Any, most: int = 500) -> str:
    """Any text of a PDF on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[:most]}…"


def ranges(numbers: Sequence[int]) -> str:
    """Pages in short: "1-3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
