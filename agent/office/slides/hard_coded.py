"""Looks that slides set themselves, where the master should have its way: grounds, colours of text, other colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from agent.office.slides.deck import Deck
from agent.office.xml import Element, each, first, q, remove

_FOLLOW = ("title", "ctrTitle", "subTitle", "body", "obj", "")  # placeholders whose text the master has a look for
_FILLS = ("a:solidFill", "a:gradFill", "a:blipFill", "a:pattFill")
_LIGHT = 0.85  # of lightness, above which text cannot be read on a light ground


def clear_grounds(deck: Deck) -> None:
    """Backgrounds of slides and layouts that are one written-out colour go, for the master's to be seen.

    Text that was light for that ground goes with it. Pictures and the theme's colours stay.
    """
    for owner in (*deck.layouts, *deck.slides):
        held = first(owner._element, "p:cSld", "p:bg")
        if held is None or not list(each(held, "a:srgbClr")) or list(each(held, "a:blipFill")):
            continue
        remove(held)
        for shape in each(owner._element, "p:sp"):
            if not _stands_on_own_ground(shape):
                _drop(fill for fill in each(shape, "a:solidFill") if _is_text(fill) and _is_light(fill))


def follow_master(slide: Element) -> int:
    """Text in placeholders takes the master's colour, but for words that stand out in it: how many lost theirs."""
    if first(slide, "p:cSld", "p:bg") is not None:
        return 0
    return sum(_follow(shape) for shape in each(slide, "p:sp") if _follows(shape) and not _stands_on_own_ground(shape))


def nearest(values: Sequence[str], theme: Mapping[str, str]) -> dict[str, str]:
    """For each colour "RRGGBB" the name of the theme's that is most like it; none twice while others are left."""
    found: dict[str, str] = {}
    for value in values:
        free = {name: each for name, each in theme.items() if name not in found.values()} or theme
        if free:
            found[value] = min(free, key=lambda name: _distance(value, free[name]))
    return found


def _follow(shape: Element) -> int:
    body = first(shape, "p:txBody")
    weights: Counter[str] = Counter()
    for run in each(body, "a:r"):
        weights[_colour(first(run, "a:rPr"))] += len("".join(run.itertext()))
    usual = weights.most_common(1)[0][0] if weights else ""
    if not usual:
        return 0
    return _drop(
        fill
        for look in each(body, "a:rPr", "a:endParaRPr")
        if _colour(look) == usual and (fill := first(look, "a:solidFill")) is not None
    )


def _drop(fills: Iterator[Element]) -> int:
    found = list(fills)
    for fill in found:
        remove(fill)
    return len(found)


def _follows(shape: Element) -> bool:
    mark = first(shape, "p:nvSpPr", "p:nvPr", "p:ph")
    return mark is not None and (mark.get("type") or "") in _FOLLOW and first(shape, "p:txBody") is not None


def _stands_on_own_ground(shape: Element) -> bool:
    properties = first(shape, "p:spPr")
    filled = properties is not None and any(properties.find(q(tag)) is not None for tag in _FILLS)
    return filled or (first(shape, "p:style") is not None and first(shape, "p:spPr", "a:noFill") is None)


def _is_text(fill: Element) -> bool:
    return fill.getparent().tag in (q("a:rPr"), q("a:endParaRPr"), q("a:defRPr"))


def _is_light(fill: Element) -> bool:
    colour = first(fill, "a:srgbClr")
    return colour is not None and min(_parts(colour.get("val") or "")) > 0 and _lightness(colour.get("val")) > _LIGHT


def _colour(look: Element | None) -> str:
    """The colour that a run sets itself; "" where it sets none."""
    fill = None if look is None else first(look, "a:solidFill")
    return "" if fill is None or not len(fill) else (fill[0].get("val") or "").upper()


def _distance(one: str, other: str) -> float:
    """How different two colours look, with the weights that eyes give."""
    red, green, blue = (a - b for a, b in zip(_parts(one), _parts(other), strict=True))
    mean = (_parts(one)[0] + _parts(other)[0]) / 2
    return (2 + mean) * red**2 + 4 * green**2 + (3 - mean) * blue**2


def _lightness(value: str) -> float:
    return (max(_parts(value)) + min(_parts(value))) / 2


def _parts(value: str) -> tuple[float, float, float]:
    """Red, green and blue, 0 to 1; of what is no colour, black."""
    try:
        red, green, blue = (int(value[index : index + 2], 16) / 255 for index in (0, 2, 4))
    except ValueError:
        return 0.0, 0.0, 0.0
    return red, green, blue
