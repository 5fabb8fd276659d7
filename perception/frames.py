"""Comparing frames: what changed between two pictures of the screen, with a blinking caret left out.

A frame is a uint8 array of H×W×4, BGRX. The fourth channel means nothing: X servers leave there what they like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from perception import pixels
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Frame: TypeAlias = "NDArray[np.uint8]"

CARET_WIDTH, CARET_HEIGHT = 3, 60  # pixels; the largest change that is taken for a text caret
JOIN = 4  # pixels; changes that are closer than twice this belong together
_BAND = 40  # rows that are compared together
_MANY = 4000  # pixels; where more have changed, a few carets among them make no difference
_SAMPLES = 128  # pixels of a row that are compared to find where it has gone
_LEAST_ROWS = 12  # that must have moved together, to call it scrolling
_RGB = 0x00FFFFFF


def changes(before: Frame, after: Frame) -> tuple[Region, ...]:
    """The rectangles in which two frames of one size differ, neighbours joined, in pixels of the frames."""
    mask = _difference(before, after)
    return () if mask is None else tuple(_groups(mask))


def alike(one: Frame, other: Frame) -> bool:
    """Whether two frames have the same size and the same colours."""
    return one is other or (one.shape == other.shape and not any(_differing(one, other)))


def share_changed(before: Frame, after: Frame) -> float:
    """Share of the pixels that differ, 0 to 1, caret-sized changes left out. 1 if the sizes differ."""
    if before.shape != after.shape:
        return 1.0
    mask = _difference(before, after)
    if mask is None:
        return 0.0
    changed = pixels.count_nonzero(mask)
    if changed < _MANY:
        changed -= sum(pixels.count_nonzero(cut(mask, group)) for group in _groups(mask) if is_caret(group))
    return changed / mask.size


def count_changed(before: Frame, after: Frame) -> int:
    """How many pixels differ between two frames of one size."""
    mask = _difference(before, after)
    return 0 if mask is None else pixels.count_nonzero(mask)


def is_plain(frame: Frame) -> bool:
    """Whether all of it has one colour."""
    colours = _pixels(frame) & _RGB
    return bool((colours == colours[0, 0]).all())


def has_scrolled(before: Frame, after: Frame) -> bool:
    """Whether most rows of `after` that tell are rows of `before`, all moved up or down by the same number of lines."""
    old, new = (_rows(frame) for frame in (before, after))
    times = Counter(old)
    where = {value: row for row, value in enumerate(old) if times[value] == 1}
    shifts = Counter(row - where[value] for row, value in enumerate(new) if value in where)
    (_, most), *_ = shifts.most_common(1) or [(0, 0)]
    return most >= _LEAST_ROWS and shifts[0] < most


def is_caret(change: Region) -> bool:
    """Whether a change is no larger than a text caret, which blinks for ever and tells nothing."""
    return change.width <= CARET_WIDTH and change.height <= CARET_HEIGHT


def size(frame: Frame) -> tuple[int, int]:
    """Width and height in pixels."""
    return int(frame.shape[1]), int(frame.shape[0])


def cut(frame: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """A view of a part of a frame or mask; the region is in its pixels."""
    return frame[region.top : region.bottom, region.left : region.right]


def bounding(regions: Sequence[Region]) -> Region | None:
    """The smallest rectangle around all of them; None for none."""
    if not regions:
        return None
    left, top = min(r.left for r in regions), min(r.top for r in regions)
    right, bottom = max(r.right for r in regions), max(r.bottom for r in regions)
    return Region(left, top, right - left, bottom - top)


def overlap(one: Region, other: Region) -> Region | None:
    """What two rectangles have in common; None if nothing."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    width, height = min(one.right, other.right) - left, min(one.bottom, other.bottom) - top
    return Region(left, top, width, height) if width > 0 and height > 0 else None


def moved(regions: Iterable[Region], dx: int, dy: int) -> tuple[Region, ...]:
    """The same rectangles, counted from another origin."""
    return tuple(Region(r.left + dx, r.top + dy, r.width, r.height) for r in regions)


def _difference(before: Frame, after: Frame) -> NDArray[np.uint8] | None:
    """A mask with 255 where the colours differ, 0 elsewhere; None if they nowhere do."""
    import numpy as np

    mask: NDArray[np.uint8] | None = None
    for top, differing in _differing(before, after):
        if mask is None:
            mask = np.zeros(before.shape[:2], np.uint8)
        mask[top : top + _BAND] = np.where(differing, np.uint8(255), np.uint8(0))
    return mask


def _differing(before: Frame, after: Frame) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Where the frames differ, band by band: its first row, and the differing bits of its pixels.

    Most of a screen is as it was, and bands that are equal cost next to nothing.
    """
    import numpy as np

    old, new = _pixels(before), _pixels(after)
    for top in range(0, len(old), _BAND):
        one, other = old[top : top + _BAND], new[top : top + _BAND]
        if np.array_equal(one, other):
            continue
        differing = (one ^ other) & np.uint32(_RGB)
        if differing.any():
            yield top, differing


def _rows(frame: Frame) -> list[bytes]:
    """Pixels of each row, a sample of them spread over its width."""
    colours = _pixels(frame)
    return [row.tobytes() for row in colours[:, :: max(1, colours.shape[1] // _SAMPLES)] & _RGB]


def _pixels(frame: Frame) -> NDArray[np.uint32]:
    import numpy as np

    return np.ascontiguousarray(frame).view(np.uint32)[:, :, 0]


def _groups(mask: NDArray[np.uint8]) -> Iterator[Region]:
    """Bounding boxes of the marked pixels, those of neighbours joined."""
    return (Region(*box) for box in pixels.groups(mask, JOIN))
