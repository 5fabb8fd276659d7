"""A presentation as compact text with addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.cutting import cut
from agent.office.materials import as_modern
from agent.office.package import Package
from agent.office.slides.comments import listed
from agent.office.slides.deck import EMU, Deck, alt_text, frame_of, oddities, open_deck, placeholder, shapes_of
from agent.office.slides.diagrams import words_of
from agent.office.slides.measure import hints
from agent.office.slides.texts import lines_of
from agent.office.slides.themes import colours_of, fonts_of, theme_of
from agent.office.xml import Element, first, local, q
from agent.tools.base import Room

_TEXT = 600  # characters of a shape's text in the overview
_ROWS = 40


async def inspect(room: Room, path: Path, kind: str, part: str | None, detail: str | None) -> str:
    """What is in a presentation.

    Args:
        part: "3", "2-5", "masters", or None for all.
        detail: "runs" for the look of each run of text.
    """
    from agent.tools.office import office_of

    name = room.folder.name(path)
    modern = await as_modern(office_of(room), path, kind, "pptx")
    return await anyio.to_thread.run_sync(_inspect, modern, name, kind, part, detail)


def _inspect(path: Path, name: str, kind: str, part: str | None, detail: str | None) -> str:
    try:
        return _told(path, name, kind, part, detail)
    except oddities() as error:
        raise ToolFault(f"{name} is damaged ({error}). Ask for another copy of it.") from error


def _told(path: Path, name: str, kind: str, part: str | None, detail: str | None) -> str:
    deck = open_deck(path, name)
    with Package.open(path, name) as package:
        if part == "masters":
            return _cut(list(_masters(deck, long=True)))
        lines = list(_head(deck, kind, package))
        for number in _numbers(part, len(deck.ids)):
            try:
                lines += _slide(deck, number, deck.slide(number), runs=detail == "runs")
            except oddities() as error:
                lines.append(f"slide {number} cannot be read, since it is damaged ({error})")
    return _cut(lines)


def _cut(lines: list[str]) -> str:
    return cut(
        lines,
        r"^slide (\d+)",
        lambda last: f'cut here, within slide {last}; read on with part "{last}-{last + 10}".',
    )


def _numbers(part: str | None, count: int) -> range:
    if part is None:
        return range(1, count + 1)
    found = re.fullmatch(r"(?:slides?\s*)?(\d{1,5})(?:\s*[-–]\s*(\d{1,5}))?", part.strip())
    if not found:
        raise ToolFault(f'part must be "3", "2-5" or "masters", not {part!r}.')
    first_one, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first_one <= count:
        raise ToolFault(f"there is no slide {first_one}; there are {count}.")
    return range(first_one, min(last, count) + 1)


def _head(deck: Deck, kind: str, package: Package) -> Iterator[str]:
    yield f"{deck.name}: {kind}, {len(deck.ids)} slides of {deck.width:.1f}×{deck.height:.1f} cm"
    properties = deck.presentation.core_properties if "docProps/core.xml" in package.names else None
    if properties is not None and (properties.title or properties.author):
        yield f"title {properties.title!r}, author {properties.author!r}"
    if any(name.endswith("vbaProject.bin") for name in package.names):
        yield "holds macros; they are kept and never run"
    yield from _masters(deck, long=False)
    yield from _sections(deck)


def _sections(deck: Deck) -> Iterator[str]:
    numbers = {entry.get("id"): str(number) for number, entry in enumerate(deck.ids, 1)}
    for held in deck.part._element.iter(q("p14:section")):
        slides = [numbers[each.get("id")] for each in held.iter(q("p14:sldId")) if each.get("id") in numbers]
        yield f"section {held.get('name')!r}: slides {', '.join(slides) or 'none'}"


def _masters(deck: Deck, *, long: bool) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for number, master in enumerate(deck.masters, 1):
        told.setdefault(_looks_of(master), []).append(str(number))
        if long:
            for owner in (master, *master.slide_layouts):
                yield f"master {number}, {getattr(owner, 'name', '') or 'the master itself'}:"
                yield from (f"    {_line(shape)}" for shape in owner.shapes)
    for looks, numbers in told.items():
        yield f"master{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}: {looks}"


def _looks_of(master: Any) -> str:
    root = theme_of(master)
    heading, body = fonts_of(root)
    colours = " ".join(f"{name}={value}" for name, value in colours_of(root).items())
    layouts = ", ".join(repr(layout.name) for layout in master.slide_layouts)
    return f"fonts {heading} (headings), {body} (text); {colours}\n  layouts: {layouts}"


def _slide(deck: Deck, number: int, slide: Any, *, runs: bool) -> list[str]:
    hidden = ", hidden" if slide._element.get("show") == "0" else ""
    moving = [word for tag, word in (("transition", "transition"), ("timing", "animations")) if _has(slide, tag)]
    lines = [f"slide {number} [{slide.slide_layout.name}]{hidden}{''.join(f', {word}' for word in moving)}"]
    for shape in shapes_of(slide):
        try:
            lines += [f"  {line}" for line in _shape(shape, runs=runs)]
        except oddities() as error:
            lines.append(f"  #{shape.shape_id} cannot be read, since it is damaged ({error})")
    lines += [f"  {line}" for line in _newer(slide)]
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None and frame.text.strip():
        lines.append(f"  notes: {_short(frame.text)}")
    lines += [f"  {_short(line)}" for line in listed(deck, slide)]
    return lines + [f"  ! {hint}" for hint in hints(deck, slide)]


def _has(slide: Any, tag: str) -> bool:
    return any(local(each) == tag for each in slide._element.iter())


def _line(shape: Any) -> str:
    held = placeholder(shape)
    kind = f"{held[0]} placeholder" if held else _kind(shape)
    place = ""
    if (frame := frame_of(shape)) is not None:
        left, top, width, height = (value / EMU for value in frame)
        place = f" at {left:.1f},{top:.1f} {width:.1f}×{height:.1f}"
    return f"#{shape.shape_id} {shape.name!r} {kind}{place}"


def _kind(shape: Any) -> str:
    if getattr(shape, "has_chart", False):
        return "chart"
    if getattr(shape, "has_table", False):
        return "table"
    kind = local(shape._element)
    if kind == "sp":
        return "text" if shape._element.xpath("./p:nvSpPr/p:cNvSpPr[@txBox='1']") else "shape"
    if kind == "graphicFrame":
        uri = next(iter(shape._element.xpath("./a:graphic/a:graphicData/@uri")), "")
        return str(uri).rpartition("/")[2] or "frame"
    return {"pic": "picture", "cxnSp": "line", "grpSp": "group"}.get(kind, kind)


def _shape(shape: Any, *, runs: bool) -> Iterator[str]:
    line = _line(shape)
    if getattr(shape, "has_text_frame", False):
        texts = lines_of(shape.text_frame._txBody)
        words = _short("\n".join(texts))
        yield line + (f": {words}" if words.strip() else ": empty")
        if runs:
            yield from (f"  {look}" for look in _looks(shape))
    elif getattr(shape, "has_table", False):
        yield f"{line}, {len(shape.table.rows)} rows, {len(shape.table.columns)} columns"
        yield from _table(shape.table)
    elif getattr(shape, "has_chart", False):
        yield line
        yield from _chart(shape.chart)
    elif words := words_of(shape):
        yield f"{line}: {_short(chr(10).join(words))}"
    else:
        yield line + (f", alt {alt_text(shape)!r}" if alt_text(shape) else "") + _linked(shape)


def _newer(slide: Any) -> Iterator[str]:
    """Shapes that only newer programs know, equations for one: named, and kept as they are."""
    for choice in slide.shapes._spTree.iterfind(f"{q('mc:AlternateContent')}/{q('mc:Choice')}"):
        for held in choice.iter(q("p:cNvPr")):
            words = "".join(leaf.text or "" for leaf in choice.iter(q("a:t"), q("m:t")))
            yield f"{held.get('name')!r} of a kind that newer programs know; it stays as it is: {_short(words)}"
            break


def _linked(shape: Any) -> str:
    """Pictures that lie elsewhere are named, and never fetched."""
    found = shape._element.xpath(".//a:blip/@r:link")
    return f", linked from {shape.part._rels[found[0]].target_ref} (not fetched)" if found else ""


def _short(text: str) -> str:
    plain = text.replace("\v", " / ").replace("\n", " ¶ ").replace("\t", "→")
    return plain if len(plain) <= _TEXT else f"{plain[:_TEXT]}… ({len(plain)} characters)"


def _looks(shape: Any) -> Iterator[str]:
    for paragraph in shape.text_frame._txBody.findall(q("a:p")):
        for run in paragraph.findall(q("a:r")):
            held = first(run, "a:rPr")
            yield f"run {(run.findtext(q('a:t')) or '')[:60]!r}: {_look(held) or 'as the placeholder'}"


def _look(held: Element) -> str:
    if held is None:
        return ""
    said = [f"{int(held.get('sz')) / 100:g} pt"] if held.get("sz") else []
    said += [word for name, word in (("b", "bold"), ("i", "italic")) if held.get(name) in ("1", "true")]
    if (latin := first(held, "a:latin")) is not None:
        said.append(latin.get("typeface") or "")
    fill = first(held, "a:solidFill")
    if fill is not None and len(fill):
        said.append(fill[0].get("val") or "")
    return ", ".join(said)


def _table(table: Any) -> Iterator[str]:
    for number, row in enumerate(table.rows, 1):
        if number > _ROWS:
            yield f"  … {len(table.rows) - _ROWS} more rows"
            return
        yield f"  r{number}: " + " | ".join(_short(cell.text_frame.text)[:80] for cell in row.cells)


def _chart(chart: Any) -> Iterator[str]:
    title = chart.chart_title.text_frame.text if chart.has_title and chart.chart_title.has_text_frame else ""
    for plot in chart.plots:
        kind = local(plot._element).removesuffix("Chart")
        categories = [str(each) for each in plot.categories][:50]
        yield f"  {kind} chart{f' {title!r}' if title else ''}; categories: {' | '.join(categories)}"
        for series in plot.series:
            values = ["" if value is None else f"{value:g}" for value in list(series.values)[:50]]
            yield f"  series {series.name!r}: {' | '.join(values)}"
