"""A text document as compact text with addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import anyio.to_thread

from agent.errors import ToolFault
from agent.office.cutting import LONGEST, cut
from agent.office.documents import comments
from agent.office.documents.changes import changes_of
from agent.office.documents.draft import Draft, oddities, open_draft, pieces_of
from agent.office.documents.fields import draft_styles, fields_of
from agent.office.documents.filling import control_name, fields_in
from agent.office.documents.leaves import said, text_in
from agent.office.documents.notes import footnotes
from agent.office.documents.tracking import live_runs
from agent.office.materials import as_modern
from agent.office.package import Package
from agent.office.xml import Element, first, local, q
from agent.tools.base import Room

_TEXT = 500  # characters of a paragraph in the overview
_ROWS, _CELL = 60, 80
_EMU = 360_000
_PARTS = ("comments", "changes", "styles", "fields")


async def inspect(room: Room, path: Path, kind: str, part: str | None, detail: str | None) -> str:
    """What is in a document.

    Args:
        part: blocks "10-40", "comments", "changes", "styles", "fields", or None for all.
        detail: "runs" for the look of each run of text.
    """
    from agent.tools.office import office_of

    name = room.folder.name(path)
    modern = await as_modern(office_of(room), path, kind, "docx")
    return await anyio.to_thread.run_sync(_inspect, modern, name, kind, part, detail)


def _inspect(path: Path, name: str, kind: str, part: str | None, detail: str | None) -> str:
    try:
        return _told(path, name, kind, part, detail)
    except oddities() as error:
        raise ToolFault(f"{name} is damaged ({error}). Ask for another copy of it.") from error


def _told(path: Path, name: str, kind: str, part: str | None, detail: str | None) -> str:
    draft = open_draft(path, name)
    with Package.open(path, name) as package:
        macros = any(each.endswith("vbaProject.bin") for each in package.names)
    if part in _PARTS:
        lines = {"comments": _comments, "changes": _changes, "styles": _styles, "fields": _fields}[part](draft)
        return _cut([*lines] or [f"no {part}"])
    numbers = _numbers(part, len(draft.blocks))
    lines = _blocks(draft, numbers, runs=detail == "runs")
    if part is None:
        lines = chain(_head(draft, kind, macros=macros), lines, _besides(draft))
    return _cut(_enough(lines))


def _enough(lines: Iterable[str]) -> list[str]:
    """The lines that a reply has room for, and one more; the others need not be made."""
    found: list[str] = []
    length = 0
    for line in lines:
        found.append(line)
        if (length := length + len(line)) > LONGEST:
            break
    return found


def _cut(lines: list[str]) -> str:
    return cut(
        lines,
        r"^(\d+) ",
        lambda last: f'cut here, at block {last}; read on with part "{last}-{last + 100}", "comments" or "changes".',
    )


def _numbers(part: str | None, count: int) -> range:
    if part is None:
        return range(1, count + 1)
    found = re.fullmatch(r"(?:paragraphs?|blocks?)?\s*(\d{1,7})(?:\s*[-–]\s*(\d{1,7}))?", part.strip())
    if not found:
        raise ToolFault(f'part must be blocks like "10-40", or one of {", ".join(_PARTS)}, not {part!r}.')
    low, high = int(found[1]), int(found[2] or found[1])
    if not 1 <= low <= count:
        raise ToolFault(f"there is no block {low}; there are {count}.")
    return range(low, min(high, count) + 1)


def _head(draft: Draft, kind: str, *, macros: bool) -> Iterator[str]:
    yield f"{draft.name}: {kind}, {len(draft.blocks)} blocks, {len(draft.sections)} sections"
    for number, section in enumerate(draft.document.sections, 1):
        wide, high = ((value or 0) / _EMU for value in (section.page_width, section.page_height))
        margins = ", ".join(
            f"{(getattr(section, f'{side}_margin') or 0) / _EMU:.1f}" for side in ("top", "right", "bottom", "left")
        )
        yield f"section {number}: {wide:.1f}×{high:.1f} cm, margins {margins}"
        for which in (
            "header",
            "footer",
            "first_page_header",
            "first_page_footer",
            "even_page_header",
            "even_page_footer",
        ):
            held = getattr(section, which)
            if held._has_definition and (
                words := " / ".join(said(each) for each in held._element.iter(q("w:p"))).strip()
            ):
                yield f"  {which.replace('_', ' ')}: {words[:200]}"
    if macros:
        yield "holds macros; they are kept and never run"
    if names := fields_in([root for _, root in draft.stories()]):
        yield f"fields to fill: {', '.join(names.values())}"


def _besides(draft: Draft) -> Iterator[str]:
    yield from (f"{name}: {text}" for name, text in footnotes(draft))
    yield from comments.listed(draft)
    if listed := list(_changes(draft)):
        yield f"tracked changes: {len(listed)}"
        yield from listed


def _comments(draft: Draft) -> list[str]:
    return comments.listed(draft)


def _changes(draft: Draft) -> Iterator[str]:
    places = {
        paragraph: number
        for number, block in enumerate(draft.blocks, 1)
        for paragraph in (block, *block.iter(q("w:p"), q("w:tr")))
    }
    for number, change in enumerate(changes_of(draft), 1):
        where = f"block {places[change.place]}" if change.place in places else "elsewhere"
        words = change.text if len(change.text) <= 200 else f"{change.text[:200]}…"
        yield f"change {number} ({where}, {change.author}, {change.date[:10]}) {change.kind}: {words!r}"


def _styles(draft: Draft) -> Iterator[str]:
    used: dict[str, int] = {}
    for element in draft.body.iter(q("w:pStyle"), q("w:rStyle"), q("w:tblStyle")):
        used[element.get(q("w:val"))] = used.get(element.get(q("w:val")), 0) + 1
    for style in draft.document.styles.element.findall(q("w:style")):
        name, identity = first(style, "w:name"), style.get(q("w:styleId"))
        if name is not None and (identity in used or style.get(q("w:customStyle")) or style.get(q("w:default"))):
            times = f", used {used[identity]} times" if identity in used else ""
            yield f"{style.get(q('w:type'))} {name.get(q('w:val'))!r}{times}{_style_look(style)}"


def _style_look(style: Element) -> str:
    look = first(style, "w:rPr")
    return f": {words}" if look is not None and (words := _look(look)) else ""


def _fields(draft: Draft) -> Iterator[str]:
    for each in fields_of(draft.body):
        words = "".join(leaf.text or "" for run in each.result for leaf in run.iter(q("w:t")))
        yield f"{each.code} shows {words[:80]!r}"


def _blocks(draft: Draft, numbers: range, *, runs: bool) -> Iterator[str]:
    names = draft_styles(draft)
    pictures = _picture_numbers(draft)
    for number in numbers:
        block = draft.blocks[number - 1]
        if block.tag == q("w:tbl"):
            yield from _table(number, block)
        else:
            yield _paragraph(number, block, names, pictures)
            if runs:
                yield from (f"    run {said_run!r}: {look}" for said_run, look in _runs(block))


def _picture_numbers(draft: Draft) -> dict[Element, int]:
    from agent.office.documents.captions import pictures

    return {blip: number for number, blip in enumerate(pictures(draft), 1)}


def _paragraph(number: int, block: Element, names: dict[str, str], pictures: dict[Element, int]) -> str:
    style = first(block, "w:pPr", "w:pStyle")
    identity = style.get(q("w:val")) if style is not None else "Normal"
    name = names.get(identity) or identity
    listed = first(block, "w:pPr", "w:numPr")
    level = first(listed, "w:ilvl") if listed is not None else None
    marks = (
        [f"list level {int(level.get(q('w:val')) or 0) + 1 if level is not None else 1}"] if listed is not None else []
    )
    marks += [f"picture {pictures[blip]}{_picture(blip)}" for blip in block.iter(q("a:blip")) if blip in pictures]
    marks += [f"control {held!r}" for control in _controls(block) if (held := control_name(control))]
    marks += [f"text box {_short(text_in(box))!r}" for box in _text_boxes(block)]
    marks += [f"equation {''.join(each.itertext())[:80]!r}" for each in block.iter(q("m:oMath"))]
    names_here = [each.get(q("w:name")) for each in block.iter(q("w:bookmarkStart"))]
    marks += [f"bookmark {each}" for each in names_here if each and not each.startswith("_")]
    marks += ["section break"] * (first(block, "w:pPr", "w:sectPr") is not None)
    marks += ["page break"] * any(each.get(q("w:type")) == "page" for each in block.iter(q("w:br")))
    words = _with_changes(block)
    shown = words if len(words) <= _TEXT else f"{words[:_TEXT]}… ({len(words)} characters)"
    return f"{number} [{'; '.join([str(name), *marks])}] {shown}"


def _text_boxes(block: Element) -> list[Element]:
    """Those of a paragraph, each once; older programs have a copy of the same."""
    boxes = block.iter(q("w:txbxContent"))
    return [box for box in boxes if next(box.iterancestors(q("mc:Fallback")), None) is None]


def _short(text: str) -> str:
    plain = " / ".join(text.split("\n"))
    return plain if len(plain) <= _TEXT else f"{plain[:_TEXT]}…"


def _controls(block: Element) -> list[Element]:
    own = list(block.iter(q("w:sdt")))
    parent = block.getparent()
    return [*own, parent.getparent()] if local(parent) == "sdtContent" else own


def _picture(blip: Element) -> str:
    frame = next(blip.iterancestors(q("wp:inline"), q("wp:anchor")), None)
    if frame is None:
        return ""
    size, about = first(frame, "wp:extent"), first(frame, "wp:docPr")
    alt = f" alt {about.get('descr')!r}" if about is not None and about.get("descr") else ""
    linked = " linked, not fetched" if blip.get(q("r:link")) else ""
    return f" {int(size.get('cx')) / _EMU:.1f}×{int(size.get('cy')) / _EMU:.1f} cm{alt}{linked}"


def _with_changes(block: Element) -> str:
    """Text with insertions as {+…+}, deletions as {-…-} and footnotes as [^n]."""
    out: list[str] = []
    for run in block.iter(q("w:r")):
        if next(run.iterancestors(q("w:p")), None) is not block:
            continue
        words = "".join(_of_leaf(leaf) for leaf in run)
        change = next(run.iterancestors(q("w:ins"), q("w:del"), q("w:moveFrom"), q("w:moveTo")), None)
        sign = (
            {"ins": "+", "moveTo": "+", "del": "-", "moveFrom": "-"}.get(local(change), "")
            if change is not None
            else ""
        )
        out.append(f"{{{sign}{words}{sign}}}" if sign and words else words)
    return re.sub(r"([+-])\}\{\1", "", "".join(out)).replace("\n", " / ")


def _of_leaf(leaf: Element) -> str:
    name = local(leaf)
    if name in ("t", "delText"):
        return leaf.text or ""
    if name in ("footnoteReference", "endnoteReference"):
        return f"[^{leaf.get(q('w:id'))}]"
    return {"tab": "\t", "br": "\n", "cr": "\n"}.get(name, "") if leaf.get(q("w:type")) != "page" else ""


def _table(number: int, table: Element) -> Iterator[str]:
    rows = pieces_of(table, "w:tr")
    yield f"{number} [table of {len(rows)} rows]"
    for row, element in enumerate(rows[:_ROWS], 1):
        cells = [" / ".join(_with_changes(each) for each in cell.iter(q("w:p"))) for cell in pieces_of(element, "w:tc")]
        yield f"  r{row}: " + " | ".join(text if len(text) <= _CELL else f"{text[:_CELL]}…" for text in cells)
    if len(rows) > _ROWS:
        yield f"  … {len(rows) - _ROWS} more rows"


def _runs(block: Element) -> Iterator[tuple[str, str]]:
    for run in live_runs(block):
        look = first(run, "w:rPr")
        words = "".join(_of_leaf(leaf) for leaf in run)
        if words:
            yield words[:60], (_look(look) if look is not None else "") or "as the style"


def _look(look: Element) -> str:
    fonts, size, colour = first(look, "w:rFonts"), first(look, "w:sz"), first(look, "w:color")
    out = [fonts.get(q("w:ascii")) or "theme font"] if fonts is not None else []
    out += [f"{int(size.get(q('w:val')) or 0) / 2:g} pt"] if size is not None else []
    for tag, word in (("w:b", "bold"), ("w:i", "italic"), ("w:u", "underlined"), ("w:strike", "struck")):
        held = first(look, tag)
        if held is not None and held.get(q("w:val")) not in ("0", "false", "none"):
            out.append(word)
    out += [colour.get(q("w:val")) or ""] if colour is not None else []
    return ", ".join(out)
