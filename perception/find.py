"""Where is this picture, or this colour? Answered with a region and a confidence, or None: never with a guess.

Pictures are uint8 arrays of height × width × 3, blue first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from perception.errors import CannotRead
from perception.frames import overlap
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"

SCALES = (1.0, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0)  # of what is looked for: other resolutions, themes and font sizes
SURE = 0.97  # at this confidence the other scales need not be tried
FLAT = 2.0  # grey levels; a picture with less contrast looks like any empty place


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was looked for.

    Attributes:
        region: where, in pixels of the whole picture.
        confidence: 0 to 1.
        text: what was read there; empty for pictures and colours.
        runner_up: confidence of the next best place, 0 if there is none. Close to `confidence`: ambiguous.
    """

    region: Region
    confidence: float
    text: str = ""
    runner_up: float = 0.0


def decode(image: bytes) -> Picture:
    """The pixels of an encoded picture.

    Raises:
        CannotRead: it is not a picture.
    """
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
    if pixels is None:
        raise CannotRead(f"these {len(image)} bytes are not a picture that can be read")
    return pixels.astype(np.uint8, copy=False)


def whole(picture: Picture) -> Region:
    """The region that is all of the picture."""
    return Region(0, 0, int(picture.shape[1]), int(picture.shape[0]))


def crop(picture: Picture, region: Region) -> Picture:
    """A view of the part of the picture."""
    return picture[region.top : region.bottom, region.left : region.right]


def find_picture(
    picture: Picture,
    wanted: Picture,
    *,
    region: Region | None = None,
    scales: Sequence[float] = SCALES,
    min_confidence: float = 0.85,
) -> Found | None:
    """Look for a small picture in a large one, at several sizes.

    Args:
        region: where to look; everywhere if None.
        scales: factors for the size of `wanted`, the likeliest first.
        min_confidence: correlation of the grey values, 0 to 1, that counts as found.

    Returns:
        The best place; None if there is none good enough, or if `wanted` is larger than where it is looked for.

    Raises:
        CannotRead: `wanted` has no pixels, or is one flat colour, which is everywhere and nowhere.
    """
    if wanted.size == 0:
        raise CannotRead("a picture without pixels cannot be looked for")
    area = overlap(region or whole(picture), whole(picture))
    if area is None:
        return None
    small = _grey(wanted)
    if float(small.std()) < FLAT:
        raise CannotRead("a picture of one flat colour cannot be looked for")
    large = _grey(crop(picture, area))
    best: Found | None = None
    for candidate in _matches(large, small, scales):
        if best is None or candidate.confidence > best.confidence:
            best = candidate
        if best.confidence >= SURE:
            break
    if best is None or best.confidence < min_confidence:
        return None
    return Found(_shifted(best.region, area), best.confidence, runner_up=best.runner_up)


def find_colour(
    picture: Picture,
    colour: tuple[int, int, int],
    *,
    region: Region | None = None,
    tolerance: int = 12,
    min_pixels: int = 100,
) -> Found | None:
    """Look for the largest connected patch of a colour.

    Args:
        colour: red, green, blue, each 0 to 255.
        tolerance: how far each of the three may be off.
        min_pixels: what the patch must measure at least.

    Returns:
        Its bounding box, with the share of the box that it fills as the confidence.
    """
    area = overlap(region or whole(picture), whole(picture))
    if area is None:
        return None
    import cv2
    import numpy as np

    wanted = np.array(colour[::-1], np.int16)
    low, high = np.clip(wanted - tolerance, 0, 255), np.clip(wanted + tolerance, 0, 255)
    mask = cv2.inRange(crop(picture, area), low.astype(np.uint8), high.astype(np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    patches = sorted(((row[4], row[:4]) for row in stats[1:].tolist()), reverse=True)
    if not patches or patches[0][0] < min_pixels:
        return None
    pixels, (left, top, width, height) = patches[0]
    next_best = patches[1][0] / pixels if len(patches) > 1 else 0.0
    fill = pixels / (width * height)
    return Found(_shifted(Region(left, top, width, height), area), fill, runner_up=fill * next_best)


def _matches(large: Picture, small: Picture, scales: Sequence[float]) -> Iterator[Found]:
    """The best place for each scale at which `small` fits."""
    import cv2

    for scale in scales:
        size = (round(small.shape[1] * scale), round(small.shape[0] * scale))
        if min(size) < 4 or size[0] > large.shape[1] or size[1] > large.shape[0]:
            continue
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        resized = small if scale == 1 else cv2.resize(small, size, interpolation=method)
        scores = cv2.matchTemplate(large, resized, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        scores[max(0, y - size[1] // 2) : y + size[1] // 2 + 1, max(0, x - size[0] // 2) : x + size[0] // 2 + 1] = -1
        runner_up = max(0.0, float(scores.max()))
        yield Found(Region(int(x), int(y), *size), min(1.0, float(best)), runner_up=min(1.0, runner_up))


def _grey(picture: Picture) -> Picture:
    import cv2
    import numpy as np

    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _shifted(region: Region, area: Region) -> Region:
    return Region(region.left + area.left, region.top + area.top, region.width, region.height)
