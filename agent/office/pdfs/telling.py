"""What is in a PDF, as compact text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from agent.office.pdfs.fields import Field, fields_of, form_of, mapping
from agent.office.pdfs.opening import MILLIMETRE, opened, page_numbers, plain, ranges, signatures

_MOST_SHOWN = 400  # fields
_MOST_OUTLINE = 300
_SIZES = {(210, 297): "A4", (216, 279): "Letter", (297, 420): "A3", (148, 210): "A5", (216, 356): "Legal"}
_METADATA = {
    "/Title": "title",
    "/Author": "author",
    "/Subject": "subject",
    "/Keywords": "keywords",
    "/Producer": "producer",
}


def overview(path: Path, name: str) -> list[str]:
    """Pages, metadata, outline, form, attachments, protection. Raises ToolFault."""
    with opened(path, name) as reader:
        lines = [f"{name}: PDF, {_count(len(reader.pages), 'page')}, {_sizes(reader)}"]
        lines += [
            f"{label}: {plain(value, 200)}" for key, label in _METADATA.items() if (value := _meta(reader).get(key))
        ]
        lines += _protection(reader)
        if fields := fields_of(reader):
            empty = sum(1 for field in fields if not field.value)
            lines.append(f'form: {_count(len(fields), "field")}, {empty} empty (part "form")')
        elif (form := form_of(reader)) is not None and "/XFA" in form:
            lines.append("form: XFA, which only Adobe's own programs show and fill")
        lines += _attachments(reader)
        if outline := list(islice(_outline(reader), _MOST_OUTLINE + 1)):
            lines += ["outline:", *outline[:_MOST_OUTLINE]]
            lines += ["  … and more"] if len(outline) > _MOST_OUTLINE else []
        return lines


def form(path: Path, name: str) -> list[str]:
    """Every field: name, kind, page, value, choices. Raises ToolFault."""
    with opened(path, name) as reader:
        if not (fields := fields_of(reader)):
            return [f"{name} has no form fields."]
        lines = [f"{name}: {_count(len(fields), 'field')}. Name | kind | page | value | more"]
        lines += [_field(field) for field in fields[:_MOST_SHOWN]]
        if len(fields) > _MOST_SHOWN:
            lines.append(
                f"… and {len(fields) - _MOST_SHOWN} more: {', '.join(f.name for f in fields[_MOST_SHOWN:][:200])}"
            )
        return lines


def numbers(path: Path, name: str, pages: str | None) -> list[int]:
    """The pages that a text like "3-5" means. Raises ToolFault."""
    with opened(path, name) as reader:
        return page_numbers(pages, len(reader.pages), what=name)


def _field(field: Field) -> str:
    pages = ranges(sorted({widget.page for widget in field.widgets} - {0})) or "none"
    value = ", ".join(field.value) if isinstance(field.value, tuple) else field.value
    if field.kind == "check":
        value = "true" if value else "false"
    shown = "(hidden)" if field.password and value else plain(value, 120)
    return " | ".join((field.name, field.kind, pages, shown, "; ".join(_more(field)))).rstrip(" |")


def _more(field: Field) -> Iterator[str]:
    if field.label and field.label != field.name:
        yield f"“{plain(field.label, 100)}”"
    told = (
        (field.required, "required"),
        (field.read_only, "read-only"),
        (field.multiline, "several lines"),
        (field.editable, "or any other text"),
        (field.multiple, "several"),
        (field.calculated, "calculated by a script"),
    )
    yield from (words for is_so, words in told if is_so)
    if field.most:
        yield f"at most {field.most} characters"
    if field.choices and field.kind != "check":
        choices = [kept if kept == label else f"{kept} ({plain(label, 40)})" for kept, label in field.choices[:40]]
        more = f", … {len(field.choices) - 40} more" if len(field.choices) > 40 else ""
        yield f"choices: {', '.join(choices)}{more}"


def _sizes(reader: Any) -> str:
    found: dict[str, list[int]] = {}
    for number, page in enumerate(reader.pages[:2_000], start=1):
        found.setdefault(_size(page), []).append(number)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{size}: {ranges(pages)}" for size, pages in list(found.items())[:8])


def _size(page: Any) -> str:
    box = page.cropbox
    width, height = (round(abs(float(each)) / MILLIMETRE) for each in (box.width, box.height))
    turn = int(page.get("/Rotate", 0) or 0) % 180
    width, height = (height, width) if turn else (width, height)
    named = _SIZES.get((min(width, height), max(width, height)), "")
    return f"{named} {'across ' if named and width > height else ''}{width} x {height} mm".strip()


def _meta(reader: Any) -> Any:
    return reader.metadata or {}


def _protection(reader: Any) -> Iterator[str]:
    if signed := signatures(reader):
        yield f"signed: {', '.join(signed)}; a change breaks that"
    if reader.is_encrypted:
        yield "protected: can be read, but its owner has restricted what may be done with it"
    if mapping(mapping(reader.root_object.get("/Names")).get("/JavaScript")):
        yield "has scripts, which are never run"


def _attachments(reader: Any) -> Iterator[str]:
    names: Sequence[str] = [str(each.name) for each in reader.attachment_list][:50]
    if names:
        yield f"attached: {', '.join(plain(each, 80) for each in names)}"


def _outline(reader: Any) -> Iterator[str]:
    def walk(items: Sequence[Any], depth: int) -> Iterator[str]:
        for item in items:
            if isinstance(item, list):
                yield from walk(item, depth + 1)  # pyright: ignore[reportUnknownArgumentType]
            else:
                page = reader.get_destination_page_number(item)
                where = f"  {page + 1}" if isinstance(page, int) and page >= 0 else ""
                yield f"{'  ' * depth}{plain(item.title, 120)}{where}"

    yield from walk(reader.outline, 1)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
