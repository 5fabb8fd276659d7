"""Pages of a PDF taken, added, turned and put in order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office.pdfs.fields import fields_of, mapping
from agent.office.pdfs.opening import MOST_PAGES, opened, page_numbers, ranges

_KEPT = ("/Lang", "/ViewerPreferences", "/PageLayout", "/PageMode", "/Metadata", "/OutputIntents")


def kept_pages(writer: Any, numbers: Sequence[int]) -> Any:
    """A new writer with these pages in this order; nothing of the others is left in it."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DictionaryObject, NameObject

    if len(set(numbers)) < len(numbers):
        raise ToolFault("keep_pages names a page twice. Nothing was done.")
    if not numbers:
        raise ToolFault("No page would be left. Nothing was done.")
    reader: Any = PdfReader(_copied(writer))
    made: Any = PdfWriter()
    made.append(reader, pages=[number - 1 for number in numbers])
    root = reader.root_object
    for key in _KEPT:
        if key in root:
            made.root_object[NameObject(key)] = root.raw_get(key).clone(made)
    if "/EmbeddedFiles" in (names := mapping(root.get("/Names"))):
        files = DictionaryObject({NameObject("/EmbeddedFiles"): names["/EmbeddedFiles"].clone(made)})
        made.root_object.setdefault(NameObject("/Names"), DictionaryObject()).update(files)
    if reader.metadata:
        made.metadata = dict(reader.metadata)
    return made


def add_pages(writer: Any, path: Path, name: str, pages: str | None, before: int | None) -> str:
    """Put pages of another PDF in; says what was done. Raises ToolFault."""
    count = len(writer.pages)
    if before is not None and not 1 <= before <= count:
        raise ToolFault(f"There is no page {before} to put pages before; there are {count}. Nothing was done.")
    with opened(path, name) as reader:
        numbers = page_numbers(pages, len(reader.pages), what=name)
        if count + len(numbers) > MOST_PAGES:
            raise ToolFault(f"That would be more than {MOST_PAGES} pages. Nothing was done.")
        renamed = _told_apart(writer, reader, path)
        at = count if before is None else before - 1
        writer.merge(at, reader, pages=[number - 1 for number in numbers])
    last = at + len(numbers)
    plural = "" if len(numbers) == 1 else "s"
    place = str(last) if len(numbers) == 1 else f"{at + 1}-{last}"
    told = f"page{plural} {ranges(numbers)} of {name}: now page{plural} {place}"
    return f"{told}; its form fields are now called {renamed}.…, since some had the same names" if renamed else told


def _told_apart(writer: Any, reader: Any, path: Path) -> str:
    """Give the fields of what comes another beginning of their names, where two would be called alike."""
    there = {field.name for field in fields_of(writer)}
    if not there or there.isdisjoint(field.name for field in fields_of(reader)):
        return ""
    stem = path.stem.replace(".", "_")[:40]
    tops = {name.split(".")[0] for name in there}
    name = next(each for each in (stem, *(f"{stem}_{number}" for number in range(2, 10_000))) if each not in tops)
    reader.add_form_topname(name)
    return name


def rotate(writer: Any, numbers: Sequence[int], degrees: int) -> None:
    """Turn pages clockwise."""
    for number in numbers:
        writer.pages[number - 1].rotate(degrees)


def _copied(writer: Any) -> io.BytesIO:
    data = io.BytesIO()
    writer.write(data)
    data.seek(0)
    return data
