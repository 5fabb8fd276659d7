"""Whether text fits its shape: an estimate from the widths of common letters, some per cent on the safe side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agent.office.slides.deck import EMU, Deck, placeholder
from agent.office.slides.texts import said
from agent.office.xml import Element, first, make, q

_POINT = 2.54 / 72  # centimetres
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] "), frozenset("mwMW@%—…")
_LINE = 1.2  # height of a line, of the font's size
_INSETS = (0.254, 0.127, 0.254, 0.127)  # left, top, right, bottom
_USUAL = 18.0
_COMPARED = 120  # shapes of a slide that are compared with each other
_SMALLEST: Final = 55  # per cent that text is shrunk to at most
_STYLES = {"title": "p:titleStyle", "ctrTitle": "p:titleStyle", "subtitle": "p:bodyStyle", "body": "p:bodyStyle"}


@dataclass(frozen=True)
class Fit:
    """Height that a text needs and that its shape has, in centimetres, and the width of its widest word and its own."""

    needs: float
    has: float
    word: float
    width: float

    @property
    def over(self) -> bool:
        """Whether it does not fit."""
        return self.needs > self.has * 1.03 + 0.1 or self.word > self.width * 1.02


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Centimetres of a line of text in a font like Arial."""
    total = 0.0
    for char in text:
        if ord(char) >= 0x1100:
            total += 1.0
        elif char in _NARROW:
            total += 0.3
        elif char in _WIDE:
            total += 0.87
        else:
            total += 0.68 if char.isupper() else 0.545
    return total * size * _POINT * (1.06 if bold else 1.0)


def fit_of(deck: Deck, shape: Any) -> Fit | None:
    """How the text of a shape fits; None where there is none, or the shape grows with it."""
    if not getattr(shape, "has_text_frame", False) or not shape.text_frame.text.strip():
        return None
    body = shape.text_frame._txBody
    settings = [held for each in _chain(shape) if (held := first(_body_of(each), "a:bodyPr")) is not None]
    if any(first(each, "a:spAutoFit") is not None for each in settings[:1]) or not shape.width or not shape.height:
        return None
    left, top, right, bottom = (
        _inset(settings, name, usual) for name, usual in zip(("lIns", "tIns", "rIns", "bIns"), _INSETS, strict=True)
    )
    wide, high = shape.width / EMU - left - right, shape.height / EMU - top - bottom
    if any(each.get("vert", "horz") != "horz" for each in settings) or wide <= 0:
        return None
    scale = _scale(settings)
    return _measured(deck, shape, body, wide, high, scale)


def _measured(deck: Deck, shape: Any, body: Element, wide: float, high: float, scale: float) -> Fit:
    needs = word = 0.0
    for paragraph in body.findall(q("a:p")):
        held = first(paragraph, "a:pPr")
        level = int(held.get("lvl") or 0) if held is not None else 0
        size = _size(deck, shape, paragraph, level) * scale
        indent = min(_indent(deck, shape, level), wide / 2)
        text = said(paragraph)
        needs += _lines(text, size, wide - indent) * size * _LINE * _POINT + size * 0.2 * _POINT
        word = max([word, *(width_of(each, size) + indent for each in text.split())])
    return Fit(needs, high, word, wide)


def _lines(text: str, size: float, wide: float) -> int:
    count = 0
    for piece in text.split("\v"):
        count, used = count + 1, 0.0
        for word in piece.split(" "):
            need = width_of(word + " ", size)
            if used and used + need - size * 0.3 * _POINT > wide:
                count, used = count + 1, 0.0
            used += need
    return count


def shrink(deck: Deck, shape: Any) -> int | None:
    """Let a placeholder's text shrink as PowerPoint does where it is too much: per cent of its size, None for all.

    Raises nothing; what is too much even for the smallest size stays too much.
    """
    fit = fit_of(deck, shape)
    if fit is None or not fit.over:
        return None
    settings = first(_body_of(shape._element), "a:bodyPr")
    for percent in range(95, _SMALLEST - 1, -5):
        _autofit(settings, percent)
        if (fit := fit_of(deck, shape)) is None or not fit.over:
            break
    return percent  # pyright: ignore[reportPossiblyUnboundVariable]


def _autofit(settings: Element, percent: int) -> None:
    for tag in ("a:normAutofit", "a:noAutofit", "a:spAutoFit"):
        for old in settings.findall(q(tag)):
            settings.remove(old)
    settings.insert(
        0 if first(settings, "a:prstTxWarp") is None else 1,
        make(settings, "a:normAutofit", {"fontScale": str(percent * 1000), "lnSpcReduction": "10000"}),
    )


def _body_of(element: Element) -> Element:
    return first(element, "p:txBody")


def _scale(settings: list[Element]) -> float:
    held = first(settings[0], "a:normAutofit") if settings else None
    if held is None:
        return 1.0
    told = (held.get("fontScale") or "100000").rstrip("%")
    value = float(told)
    return value / (100_000 if value > 1000 else 100)


def _inset(settings: list[Element], name: str, usual: float) -> float:
    return next((int(each.get(name)) / EMU for each in settings if (each.get(name) or "").isdigit()), usual)


def _chain(shape: Any) -> Iterator[Element]:
    """The shape, and what it inherits from: the placeholders of its layout and master."""
    yield shape._element
    held = shape
    while getattr(held, "is_placeholder", False) and (held := getattr(held, "_base_placeholder", None)) is not None:
        yield held._element


def _styles(deck: Deck, shape: Any, level: int) -> Iterator[Element]:
    """What says how a paragraph of this level looks, the nearest first."""
    tag = f"a:lvl{level + 1}pPr"
    for element in _chain(shape):
        if (found := first(element, "p:txBody", "a:lstStyle", tag)) is not None:
            yield found
    kind = (placeholder(shape) or ("other", 0))[0]
    master = _master(shape)
    if master is not None and kind in _STYLES:
        if (found := first(master._element, "p:txStyles", _STYLES[kind], tag)) is not None:
            yield found
    elif (found := first(deck.part._element, "p:defaultTextStyle", tag)) is not None:
        yield found


def _master(shape: Any) -> Any:
    part = shape.part
    slide = getattr(part, "slide", None)
    layout = slide.slide_layout if slide is not None else getattr(part, "slide_layout", None)
    return layout.slide_master if layout is not None else getattr(part, "slide_master", None)


def _size(deck: Deck, shape: Any, paragraph: Element, level: int) -> float:
    own = [int(run.get("sz")) / 100 for run in paragraph.iter(q("a:rPr")) if run.get("sz")]
    if own:
        return max(own)
    for style in _styles(deck, shape, level):
        held = first(style, "a:defRPr")
        if held is not None and held.get("sz"):
            return int(held.get("sz")) / 100
    return _USUAL


def _indent(deck: Deck, shape: Any, level: int) -> float:
    return next((int(each.get("marL")) / EMU for each in _styles(deck, shape, level) if each.get("marL")), 0.0)


def hints(deck: Deck, slide: Any) -> list[str]:
    """What does not look right on a slide: text that does not fit, shapes off the slide, shapes over each other."""
    out: list[str] = []
    shapes = list(slide.shapes)
    for shape in shapes:
        fit = fit_of(deck, shape)
        if fit is not None and fit.over:
            out.append(f"text of #{shape.shape_id} needs about {fit.needs:.1f} cm of height and has {fit.has:.1f}")
        if _off(deck, shape):
            out.append(f"#{shape.shape_id} reaches beyond the slide")
    full = [shape for shape in shapes[:_COMPARED] if _filled(shape)]
    for number, one in enumerate(full):
        out += [
            f"#{one.shape_id} and #{other.shape_id} lie over each other"
            for other in full[number + 1 :]
            if _meet(one, other)
        ]
    return out[:12]


def _placed(shape: Any) -> bool:
    return None not in (shape.left, shape.top, shape.width, shape.height)


def _off(deck: Deck, shape: Any) -> bool:
    if not _placed(shape):
        return False
    slack = 0.05 * EMU
    right, bottom = shape.left + shape.width, shape.top + shape.height
    return min(shape.left, shape.top) < -slack or right > deck.width * EMU + slack or bottom > deck.height * EMU + slack


def _filled(shape: Any) -> bool:
    """Whether it holds something that must not be covered."""
    if not _placed(shape):
        return False
    if getattr(shape, "has_text_frame", False):
        return bool(shape.text_frame.text.strip())
    return not shape.is_placeholder or getattr(shape, "has_chart", False) or getattr(shape, "has_table", False)


def _meet(one: Any, other: Any) -> bool:
    """More than a tenth of the smaller one; text on a picture or within a shape is meant so."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    smaller = min(one.width * one.height, other.width * other.height) or 1
    share = across * down / smaller if across > 0 and down > 0 else 0
    return 0.1 < share < 0.98
