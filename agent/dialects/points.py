"""Pictures as a model's server takes them, and points as a model writes them.

A picture is sent in a size that the server's own resizing leaves as it is, so that what the model sees is what was
sent. A point is a pixel of the screenshot only after `Frame.pixel`, the one place where the units of models convert.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from agent.dialects.errors import Unreadable

Units: TypeAlias = Literal["pixels", "0-1", "0-999", "0-1000"]
TOP: Mapping[str, float] = {"0-1": 1.0, "0-999": 999.0, "0-1000": 1000.0}
"""The largest coordinate of relative units: the last pixel, right or below."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Fit:
    """Which sizes of pictures a family's servers take as they are.

    Attributes:
        factor: both sides are multiples of it: a patch, times how many are merged.
        least, most: pixels of a picture.
    """

    factor: int = 28
    least: int = 3136
    most: int = 2_097_152

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size to send a picture in: at most its own, unless it is smaller than a picture may be."""
        shrink = min(1.0, math.sqrt(self.most / (width * height)))
        fitted = self._down(width * shrink), self._down(height * shrink)
        if fitted[0] * fitted[1] < self.least:
            grow = math.sqrt(self.least / (width * height))
            return self._up(width * grow), self._up(height * grow)
        return fitted

    def _down(self, side: float) -> int:
        return max(1, int(side / self.factor)) * self.factor

    def _up(self, side: float) -> int:
        return max(1, math.ceil(side / self.factor)) * self.factor


@dataclass(frozen=True, slots=True)
class Frame:
    """The newest screenshot: as Deskhand knows it, and as the model was sent it; (width, height) in pixels."""

    screen: tuple[int, int]
    sent: tuple[int, int]
    units: Units

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of the screenshot that the model means.

        Raises:
            Unreadable: there is no such point on it. Never clamped: a wrong click is worse than none.
        """
        tops = self._tops
        if not (0 <= x <= tops[0] and 0 <= y <= tops[1]):
            raise Unreadable(f"the point ({x:g}, {y:g}) is not on the screenshot; {self.told}")
        across, down = (
            round(value * (side - 1) / top) for value, side, top in zip((x, y), self.screen, tops, strict=True)
        )
        return across, down

    @property
    def told(self) -> str:
        """Which coordinates there are, for the model."""
        if self.units == "pixels":
            return f"x runs from 0 to {self.sent[0] - 1} and y from 0 to {self.sent[1] - 1}"
        return f"x and y run from 0 to {TOP[self.units]:g}"

    @property
    def _tops(self) -> tuple[float, float]:
        if self.units == "pixels":
            return max(self.sent[0] - 1, 1), max(self.sent[1] - 1, 1)
        return TOP[self.units], TOP[self.units]


def numbers(value: object) -> list[float]:
    """The numbers in a point or box, however it is written: `[10, 20]`, `"(10,20)"`, `<point>10 20</point>`, …

    Raises:
        Unreadable: there is something else in it.
    """
    match value:
        case bool():
            pass
        case int() | float() if math.isfinite(value):
            return [float(value)]
        case list() | tuple():
            return [number for each in cast("Sequence[Any]", value) for number in numbers(each)]
        case dict() if {"x", "y"} <= cast("dict[str, object]", value).keys():
            told = cast("dict[str, object]", value)
            return [*numbers(told["x"]), *numbers(told["y"])]
        case str():
            return [float(found) for found in _NUMBER.findall(re.sub(r"<[^>]*>|\b[xy]\d?\s*=", " ", value))]
        case _:
            pass
    raise Unreadable(f"{_short(value)} is no point")


def point(value: object) -> tuple[float, float]:
    """One point; of a box (four numbers) the middle.

    Raises:
        Unreadable: it is neither.
    """
    match numbers(value):
        case [x, y]:
            return x, y
        case [left, top, right, bottom]:
            return (left + right) / 2, (top + bottom) / 2
        case _:
            raise Unreadable(f"{_short(value)} is no point: it must be two numbers")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
