"""The few things that are computed of whole pictures: with OpenCV where it is installed, else with numpy and Pillow.

A virtual machine's own eyes do without OpenCV, which is larger than all the rest of them. Both ways find the same
regions; the property test in tests/perception/test_pixels.py holds one against the other.
"""

from __future__ import annotations

import importlib.util
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.uint8]

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width, height."""

LEVEL = 1  # of zlib


@cache
def has_opencv() -> bool:
    """Whether OpenCV is installed. Does not load it."""
    return importlib.util.find_spec("cv2") is not None


def count_nonzero(mask: Mask) -> int:
    """How many items of a mask are not zero."""
    if has_opencv():
        import cv2

        return cv2.countNonZero(mask)
    import numpy as np

    return int(np.count_nonzero(mask))


def groups(mask: Mask, join: int) -> Sequence[Box]:
    """Boxes around the marked items of a mask, which has some; those no further apart than 2·join + 1 share one.

    Distance is the larger of the two along the axes. The order of the boxes means nothing.
    """
    return _groups_by_opencv(mask, join) if has_opencv() else groups_by_numpy(mask, join)


def most_apart(one: Mask, other: Mask) -> NDArray[np.uint8]:
    """Of each pixel of two pictures (H×W×C), by how much that channel differs that differs most: H×W."""
    if has_opencv():
        import cv2

        return cv2.absdiff(one, other).max(axis=2)
    import numpy as np

    return (np.maximum(one, other) - np.minimum(one, other)).max(axis=2)


def png(frame: Mask, size: tuple[int, int]) -> bytes:
    """A BGRX frame as PNG, scaled down to (width, height) if that is smaller. The same pixels give the same bytes."""
    return _png_by_opencv(frame, size) if has_opencv() else png_by_pillow(frame, size)


# With OpenCV -------------------------------------------------------------------------------------------------------


def _groups_by_opencv(mask: Mask, join: int) -> Sequence[Box]:
    import cv2
    import numpy as np

    left, top, width, height = cv2.boundingRect(mask)
    part = mask[top : top + height, left : left + width]
    # The margin keeps grown boxes off the border, so that shrinking them again is exact.
    framed = cv2.copyMakeBorder(part, join, join, join, join, cv2.BORDER_CONSTANT, value=0)
    grown = cv2.dilate(framed, np.ones((2 * join + 1, 2 * join + 1), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(grown)
    return [(left + x, top + y, w - 2 * join, h - 2 * join) for x, y, w, h, _ in boxes[1:].tolist()]


def _png_by_opencv(frame: Mask, size: tuple[int, int]) -> bytes:
    import cv2

    picture = cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)
    if size != (frame.shape[1], frame.shape[0]):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".png", picture, _png_settings())
    if not done:
        raise RuntimeError(f"OpenCV could not encode a picture of {size[0]}×{size[1]} pixels")
    return data.tobytes()


@cache
def _png_settings() -> list[int]:
    """Four times as fast as usual, at about the same size: desktops are flat, so row filters do not pay."""
    import cv2

    settings = [cv2.IMWRITE_PNG_COMPRESSION, LEVEL]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.11 and later
        settings += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    return settings


# Without it --------------------------------------------------------------------------------------------------------


def groups_by_numpy(mask: Mask, join: int) -> Sequence[Box]:
    """See `groups`. Rows are cut into runs of marked items; runs that touch belong together."""
    import numpy as np

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1] != 0
    grown = _grown(part, join)
    begins, ends, lines = _runs(grown)
    labels = _labels(begins, ends, lines, grown.shape[1] + 2)
    order = np.argsort(labels, kind="stable")
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    lefts, tops = (np.minimum.reduceat(values[order], first) for values in (begins, lines))
    rights, bottoms = (np.maximum.reduceat(values[order], first) for values in (ends, lines))
    return [
        (left + x, top + y, right - x - 2 * join, bottom + 1 - y - 2 * join)
        for x, y, right, bottom in zip(lefts.tolist(), tops.tolist(), rights.tolist(), bottoms.tolist(), strict=True)
    ]


def _grown(marked: NDArray[np.bool_], join: int) -> NDArray[np.bool_]:
    """The marks, each grown by `join` to every side; larger than before by as much."""
    import numpy as np

    height, width = marked.shape
    tall = np.zeros((height + 2 * join, width), np.bool_)
    for shift in range(2 * join + 1):
        tall[shift : shift + height] |= marked
    grown = np.zeros((height + 2 * join, width + 2 * join), np.bool_)
    for shift in range(2 * join + 1):
        grown[:, shift : shift + width] |= tall
    return grown


def _runs(marked: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Where marks in a row begin and end (exclusive), and in which row; in reading order."""
    import numpy as np

    height, width = marked.shape
    framed = np.zeros((height, width + 2), np.int8)
    framed[:, 1:-1] = marked
    steps = np.diff(framed, axis=1)
    lines, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return begins, ends, lines


def _labels(begins: NDArray[Any], ends: NDArray[Any], lines: NDArray[Any], stride: int) -> NDArray[Any]:
    """A number for each run, the same for all that are connected, corners included."""
    import numpy as np

    starts, stops = lines * stride + begins, lines * stride + ends  # sorted, as runs of a row are apart
    below = (lines + 1) * stride
    low = np.searchsorted(stops, below + begins, "left")
    high = np.searchsorted(starts, below + ends, "right")
    counts = np.maximum(high - low, 0)
    one = np.repeat(np.arange(len(begins)), counts)
    other = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    labels = np.arange(len(begins))
    while True:
        least = np.minimum(labels[one], labels[other])
        before = labels.copy()
        np.minimum.at(labels, labels[one], least)
        np.minimum.at(labels, labels[other], least)
        labels = labels[labels]
        if np.array_equal(before, labels):
            return labels


def png_by_pillow(frame: Mask, size: tuple[int, int]) -> bytes:
    """See `png`. Pillow turns the colours round; the file is written here, as trying out filters takes long."""
    import numpy as np
    from PIL import Image

    height, width = int(frame.shape[0]), int(frame.shape[1])
    picture = Image.frombuffer("RGB", (width, height), np.ascontiguousarray(frame), "raw", "BGRX", 0, 1)
    if size != (width, height):
        picture = picture.resize(size, Image.Resampling.BOX)
        width, height = size
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with the number of its filter: none
    lines[:, 1:] = np.frombuffer(picture.tobytes(), np.uint8).reshape(height, 3 * width)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(lines.data, LEVEL)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
