"""Whether a text fits the field that it is put into, and where its lines break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agent.office.pdfs.fields import Field, form_of, listed, mapping


def fitted(writer: Any, field: Field, text: str) -> tuple[str, str]:
    """A text with the line breaks that a field of several lines needs, and what is to be told if not all is seen.

    Fields whose text is as large as fits are left to pypdf.
    """
    if not (seen := [widget.node for widget in field.widgets if widget.page]):
        return text, ""
    node = min(seen, key=_width)
    size, leading, measure = _measures(writer, node, text)
    border = max(float(mapping(field.node.get("/BS")).get("/W", 1)), 1.0)
    wide = _width(node) - 4 * border
    if not text or not size or field.comb or wide <= 0:
        return text, ""
    if not field.multiline:
        return text, "the text is longer than the field shows" if measure(text) > wide else ""
    lines = [piece for line in text.splitlines() for piece in _broken(line, wide, measure)]
    _, low, _, high = (float(each) for each in listed(node["/Rect"]))
    fit = max(int((abs(high - low) - 2 * border) / (size * leading)), 1)
    more = f"the field shows {fit} of {len(lines)} lines of the text" if len(lines) > fit else ""
    return "\n".join(lines), more


def _width(node: Any) -> float:
    left, _, right, _ = (float(each) for each in listed(node["/Rect"]))
    return abs(right - left)


def _measures(writer: Any, node: Any, text: str) -> tuple[float, float, Callable[[str], float]]:
    """Size of a field's text in points (0: as large as fits), height of a line of size 1, and what measures texts."""
    from pypdf.generic import TextStringObject
    from pypdf.generic._appearance_stream import TextStreamAppearance

    drawn: Any = TextStreamAppearance
    form = form_of(writer)
    looks = node.get_inherited("/DA", form.get("/DA")) or "/Helv 0 Tf 0 g"
    name, size, _ = drawn._parse_default_appearance(TextStringObject(str(looks)))
    _, font = drawn._find_annotation_font_resource(name or "/Helv", node, form, text)
    codes, _ = font._get_typographic_maps()
    box = font.font_descriptor.bbox
    return (
        size,
        (box[3] - box[1]) / 1000,
        lambda words: font.get_text_width("".join(codes.get(char, char) for char in words)) * size / 1000,
    )


def _broken(line: str, wide: float, measure: Callable[[str], float]) -> Iterator[str]:
    """A line in pieces that are not wider; words that are, are parted."""
    piece = ""
    for word in line.split(" "):
        longer = f"{piece} {word}" if piece else word
        if measure(longer) <= wide:
            piece = longer
            continue
        if piece:
            yield piece
        *parts, piece = _parted(word, wide, measure)
        yield from parts
    yield piece


def _parted(word: str, wide: float, measure: Callable[[str], float]) -> list[str]:
    parts, used = [""], 0.0
    for char in word:
        need = measure(char)
        if parts[-1] and used + need > wide:
            parts.append("")
            used = 0.0
        parts[-1] += char
        used += need
    return parts
