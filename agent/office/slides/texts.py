"""Text of shapes: put in keeping its look, and given a look."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from agent.errors import ToolFault
from agent.office.slides.operations import Look
from agent.office.spans import retext
from agent.office.xml import Element, add, first, make, q, remove

LONGEST = 50_000  # characters of one text
_ALIGN = {"left": "l", "centre": "ctr", "right": "r", "justify": "just"}
_THEME = {
    "dark1": "tx1", "light1": "bg1", "dark2": "tx2", "light2": "bg2", "link": "hlink",
}  # fmt: skip
_RUNS = ("a:r", "a:br", "a:fld")
_AFTER_FONT = ("a:ea", "a:cs", "a:sym", "a:hlinkClick", "a:hlinkMouseOver", "a:rtl", "a:extLst")


def set_lines(body: Element, text: str) -> None:
    """Paragraphs of a text body, one a line, a leading tab for each level. What stays the same keeps its look.

    Args:
        body: a `p:txBody` or `a:txBody`.
    """
    if len(text) > LONGEST:
        raise ToolFault(
            f"a text of {len(text)} characters is too long for a shape; {LONGEST} fit. Nothing was changed."
        )
    lines = clean(text).split("\n")
    paragraphs = body.findall(q("a:p"))
    levelled = any(line.startswith("\t") for line in lines) or any(_level(each) for each in paragraphs)
    for line in lines[len(paragraphs) :]:
        paragraphs.append(_another(body, paragraphs, line))
    for gone in paragraphs[len(lines) :]:
        remove(gone)
    for paragraph, line in zip(paragraphs, lines, strict=False):
        _set_line(paragraph, line.lstrip("\t"), min(len(line) - len(line.lstrip("\t")), 8) if levelled else None)


def clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\t\n" or (ord(char) >= 32 and not 0xD800 <= ord(char) < 0xE000))


def _level(paragraph: Element) -> int:
    held = first(paragraph, "a:pPr")
    return int(held.get("lvl") or 0) if held is not None else 0


def _another(body: Element, before: list[Element], line: str) -> Element:
    """A new paragraph after the last; it looks like the nearest one of its level."""
    if not before:
        return add(body, "a:p")
    level = len(line) - len(line.lstrip("\t"))
    like = next((each for each in reversed(before) if _level(each) == level), before[-1])
    new = deepcopy(like)
    before[-1].addnext(new)
    return new


def _set_line(paragraph: Element, line: str, level: int | None) -> None:
    if level is not None and level != _level(paragraph):
        held = first(paragraph, "a:pPr")
        if held is None:
            paragraph.insert(0, held := make(paragraph, "a:pPr"))
        held.attrib.pop("lvl", None)
        if level:
            held.set("lvl", str(level))
    if said(paragraph) == line:
        return
    runs = paragraph.findall(q("a:r"))
    plain = not any(paragraph.findall(q(tag)) for tag in _RUNS[1:])
    if runs and plain:
        retext([run.find(q("a:t")) for run in runs], line)
        for run in runs[1:]:
            if not run.find(q("a:t")).text:
                remove(run)
        return
    _one_run(paragraph, line)


def _one_run(paragraph: Element, line: str) -> None:
    old = [each for each in paragraph if each.tag in {q(tag) for tag in _RUNS}]
    look = next((found for each in old if (found := first(each, "a:rPr")) is not None), None)
    end = first(paragraph, "a:endParaRPr")
    for each in old:
        remove(each)
    if not line:
        return
    run = make(paragraph, "a:r")
    if look is not None:
        run.append(look)
    elif end is not None and len(end.attrib) + len(end):
        run.append(_as_run_look(end))
    add(run, "a:t", text=line)
    if end is not None:
        end.addprevious(run)
    else:
        paragraph.append(run)


def _as_run_look(end: Element) -> Element:
    look = make(end, "a:rPr", dict(end.attrib))
    look.extend(deepcopy(list(end)))
    return look


def said(paragraph: Element) -> str:
    """What a paragraph says; a break within it is a vertical tab."""
    out: list[str] = []
    for piece in paragraph:
        if piece.tag == q("a:br"):
            out.append("\v")
        elif piece.tag in (q("a:r"), q("a:fld")):
            out.append(piece.findtext(q("a:t")) or "")
    return "".join(out)


def lines_of(body: Element) -> list[str]:
    """The paragraphs of a text body, with a leading tab for each level."""
    return ["\t" * _level(each) + said(each) for each in body.findall(q("a:p"))]


def colour_element(parent: Element, colour: str) -> Element:
    """A `a:solidFill` of that colour.

    Raises:
        ToolFault: it is none.
    """
    fill = make(parent, "a:solidFill")
    name = colour.strip().lstrip("#")
    if name in _THEME or name in {f"accent{number}" for number in range(1, 7)}:
        add(fill, "a:schemeClr", {"val": _THEME.get(name, name)})
    else:
        add(fill, "a:srgbClr", {"val": rgb(name)})
    return fill


def rgb(colour: str) -> str:
    """ "RRGGBB" in capitals. Raises ToolFault."""
    plain = colour.strip().lstrip("#").upper()
    if len(plain) != 6 or any(char not in "0123456789ABCDEF" for char in plain):
        raise ToolFault(f'{colour!r} is no colour; write "RRGGBB", or "accent1" and the like. Nothing was changed.')
    return plain


def apply_look(paragraphs: Sequence[Element], look: Look | None) -> None:
    """Give paragraphs a look; what it leaves open stays."""
    if look is None:
        return
    for paragraph in paragraphs:
        if look.align:
            _paragraph_look(paragraph).set("algn", _ALIGN[look.align])
        for piece in paragraph:
            if piece.tag in (q("a:r"), q("a:br"), q("a:fld")):
                _run_look(_look_of(piece), look)
        if (end := first(paragraph, "a:endParaRPr")) is not None:
            _run_look(end, look)


def _paragraph_look(paragraph: Element) -> Element:
    held = first(paragraph, "a:pPr")
    if held is None:
        paragraph.insert(0, held := make(paragraph, "a:pPr"))
    return held


def _look_of(run: Element) -> Element:
    held = first(run, "a:rPr")
    if held is None:
        run.insert(0, held := make(run, "a:rPr"))
    return held


def _run_look(held: Element, look: Look) -> None:
    if look.size is not None:
        held.set("sz", str(round(min(max(look.size, 1), 400) * 100)))
    for name, value in (("b", look.bold), ("i", look.italic)):
        if value is not None:
            held.set(name, "1" if value else "0")
    if look.colour is not None:
        set_run_colour(held, look.colour)
    if look.font is not None:
        set_run_font(held, look.font)


def set_run_colour(held: Element, colour: str) -> None:
    """Colour of an `a:rPr` and the like, in the place where the schema wants it."""
    fill = colour_element(held, colour)
    for tag in ("a:solidFill", "a:gradFill", "a:noFill", "a:pattFill", "a:blipFill", "a:grpFill"):
        for old in held.findall(q(tag)):
            held.remove(old)
    line = first(held, "a:ln")
    held.insert(0 if line is None else 1, fill)


def set_run_font(held: Element, font: str) -> None:
    """Font of an `a:rPr` and the like, in the place where the schema wants it."""
    old = first(held, "a:latin")
    if old is None:
        after = {q(tag) for tag in _AFTER_FONT}
        old = make(held, "a:latin")
        follows = next((each for each in held if each.tag in after), None)
        held.append(old) if follows is None else follows.addprevious(old)
    for name in list(old.attrib):
        del old.attrib[name]
    old.set("typeface", font)


def body_of(shape: Any) -> Element:
    """The text body of a shape.

    Raises:
        ToolFault: it holds no text.
    """
    if not getattr(shape, "has_text_frame", False):
        raise ToolFault(f"shape #{shape.shape_id} {shape.name!r} holds no text. Nothing was changed.")
    return shape.text_frame._txBody
