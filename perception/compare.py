"""Whether a screenshot still shows what an earlier one showed: what was approved on one must be done on its like."""

from __future__ import annotations

from collections.abc import Iterable

from perception import frames
from perception.frames import Frame
from perception.screenshot import Region, Screenshot

NEAR = (120, 60)  # pixels to each side of a point within which nothing may have changed
SOME = 5e-4  # share of the rest of the picture: more than a clock that goes on, less than a line of text


def still_the_same(before: Screenshot, after: Screenshot, points: Iterable[tuple[int, int]]) -> bool:
    """Whether two screenshots of one screen agree: at `points` (pixels of both) wholly, elsewhere as good as.

    Carets are left out everywhere, and places that were moving when either was taken, except at the points.
    """
    if before.space != after.space:
        return False
    if before.image == after.image:
        return True
    one, other = _decoded(before.image), _decoded(after.image)
    if any(frames.share_changed(frames.cut(one, at), frames.cut(other, at)) for at in _around(before, points)):
        return False
    for moving in filter(None, (before.moving, after.moving)):
        frames.cut(one, moving)[:] = frames.cut(other, moving)
    return frames.share_changed(one, other) <= SOME


def _around(shot: Screenshot, points: Iterable[tuple[int, int]]) -> Iterable[Region]:
    whole = Region(0, 0, shot.space.width, shot.space.height)
    for x, y in points:
        near = Region(x - NEAR[0], y - NEAR[1], 2 * NEAR[0], 2 * NEAR[1])
        if place := frames.overlap(whole, near):
            yield place


def _decoded(image: bytes) -> Frame:
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("this is no picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA).astype(np.uint8, copy=False)
