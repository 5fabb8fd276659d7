"""Where the overlay's window is: at a corner of the screen at first, then where its user has put it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

SIZE = (360, 520)  # width and height in pixels
BAR = (360, 38)  # the same when it is collapsed
MARGIN = 16  # pixels to the edges of the work area, at first
FILE = "overlay.json"

Area: TypeAlias = tuple[int, int, int, int]  # left, top, width, height


@dataclass(frozen=True, slots=True)
class Place:
    """The top left corner, in pixels of the screen, and whether only the bar is shown."""

    x: int
    y: int
    collapsed: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return BAR if self.collapsed else SIZE


def first_place(area: Area) -> Place:
    """The top right corner of a work area."""
    left, top, width, _ = area
    return Place(left + max(0, width - SIZE[0] - MARGIN), top + MARGIN)


def within(place: Place, area: Area) -> Place:
    """The nearest place that is wholly in a work area."""
    left, top, width, height = area
    x = max(left, min(place.x, left + width - place.size[0]))
    y = max(top, min(place.y, top + height - place.size[1]))
    return Place(x, y, place.collapsed)


def recall(home: Path, areas: list[Area]) -> Place:
    """Where it was last, moved into a work area if need be; the first time at the corner of the first one."""
    try:
        known: Any = json.loads((home / FILE).read_text())
        place = Place(int(known["x"]), int(known["y"]), bool(known.get("collapsed")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return first_place(areas[0])
    return within(place, area_of(place, areas))


def area_of(place: Place, areas: list[Area]) -> Area:
    """The work area that the bar is in; the first one, if in none."""
    x, y = place.x + BAR[0] // 2, place.y + BAR[1] // 2
    return next((a for a in areas if 0 <= x - a[0] < a[2] and 0 <= y - a[1] < a[3]), areas[0])


def remember(home: Path, place: Place) -> None:
    """Keep it for the next time; of two overlays, the later one's counts."""
    scratch = home / f".{FILE}.{os.getpid()}"
    try:
        scratch.write_text(json.dumps(asdict(place)))
        scratch.replace(home / FILE)
    except OSError:  # it is a convenience
        scratch.unlink(missing_ok=True)
