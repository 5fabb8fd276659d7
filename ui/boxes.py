"""Numbered boxes on a picture, so that a person sees what was found where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from perception.find import Picture
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np

Colour: TypeAlias = tuple[int, int, int]
"""Blue, green, red."""

SURE, UNSURE = (170, 60, 0), (0, 60, 220)
"""Of boxes whose place can be trusted, and of those whose cannot."""

WHITE = (255, 255, 255)
FEW = 20  # boxes up to which they are drawn with a broad line
ROOMY = 24  # pixels of height from which a box has room for its number along its edge
_SCALE, _PADDING = 0.38, 2


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture, with its number in the list."""

    number: int
    region: Region
    sure: bool = True


def drawn(picture: Picture, boxes: Sequence[Box]) -> Picture:
    """A copy of the picture with the boxes on it; the first ones lie on top, their numbers clear of one another."""
    import cv2

    page = picture.copy()
    for box in reversed(boxes):
        colour = SURE if box.sure else UNSURE
        corner = (box.region.right - 1, box.region.bottom - 1)
        cv2.rectangle(page, (box.region.left, box.region.top), corner, colour, 2 if len(boxes) <= FEW else 1)
    taken: list[Region] = []
    for box in boxes:
        place = _free(box.region, _size(box.number), taken, (page.shape[1], page.shape[0]))
        taken.append(place)
        _write(page, str(box.number), place, SURE if box.sure else UNSURE)
    return page


def save(picture: Picture, path: str) -> None:
    """Write a picture as PNG.

    Raises:
        OSError: it cannot be written there.
    """
    import cv2

    with open(path, "wb") as file:
        file.write(cv2.imencode(".png", picture)[1].tobytes())


def _size(number: int) -> tuple[int, int]:
    import cv2

    (width, height), below = cv2.getTextSize(str(number), cv2.FONT_HERSHEY_SIMPLEX, _SCALE, 1)
    return width + 2 * _PADDING, height + below + _PADDING


def _free(region: Region, size: tuple[int, int], taken: Sequence[Region], page: tuple[int, int]) -> Region:
    """Where a number can stand on the page without hiding much: on the edge of its box, beside a low one."""
    width, height = size
    tops = region.top - height // 2, region.bottom - height // 2
    on_edge = [(left, top) for top in tops for left in (region.left, region.right - width)]
    middle = region.top + (region.height - height) // 2
    beside = [(region.left - width, middle), (region.right, middle)]
    outside = [(region.left, region.top - height), (region.left, region.bottom)]
    corners = [*on_edge, *beside, *outside] if region.height >= ROOMY else [*beside, *outside, *on_edge]
    places = [Region(*corner, width, height) for corner in corners]
    on_page = [p for p in places if p.left >= 0 and p.top >= 0 and p.right <= page[0] and p.bottom <= page[1]]
    free = [place for place in on_page if not any(_overlap(place, other) for other in taken)]
    return (free or on_page or places)[0]


def _overlap(one: Region, other: Region) -> bool:
    across = min(one.right, other.right) > max(one.left, other.left)
    return across and min(one.bottom, other.bottom) > max(one.top, other.top)


def _write(page: np.ndarray, text: str, place: Region, colour: Colour) -> None:
    import cv2

    cv2.rectangle(page, (place.left, place.top), (place.right - 1, place.bottom - 1), colour, -1)
    foot = (place.left + _PADDING, place.bottom - 2 * _PADDING)
    cv2.putText(page, text, foot, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, WHITE, 1, cv2.LINE_AA)
