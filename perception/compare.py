"""Whether a screenshot still shows what an earlier one showed: what was approved on one must be done on its like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perception import frames
from perception.frames import Frame
from perception.screenshot import Region, Screenshot

NEAR = (120, 60)  # pixels to each side of a point within which nothing may have changed
AROUND = (360, 240)  # and within which hardly anything may, where the rest is somebody else's business
SOME = 5e-4  # share of the rest of the picture: more than a clock that goes on, less than a line of text


def still_the_same(
    before: Screenshot, after: Screenshot, points: Sequence[tuple[int, int]], *, shared: bool = False
) -> bool:
    """Whether two screenshots of one screen agree: at `points` (pixels of both) wholly, elsewhere as good as.

    Carets are left out everywhere, and places that were moving when either was taken, except at the points.

    Args:
        shared: the user works on this screen, too, for instance in the terminal in which they answer: far from the
            points it may change.
    """
    if before.space != after.space:
        return False
    if before.image == after.image:
        return True
    one, other = _decoded(before.image), _decoded(after.image)
    if any(_changed(one, other, at) for at in _around(before, points, NEAR)):
        return False
    for moving in filter(None, (before.moving, after.moving)):
        frames.cut(one, moving)[:] = frames.cut(other, moving)
    if shared:
        return all(_changed(one, other, at) <= SOME for at in _around(before, points, AROUND))
    return frames.share_changed(one, other) <= SOME


def _changed(one: Frame, other: Frame, at: Region) -> float:
    return frames.share_changed(frames.cut(one, at), frames.cut(other, at))


def _around(shot: Screenshot, points: Iterable[tuple[int, int]], reach: tuple[int, int]) -> Iterable[Region]:
    whole = Region(0, 0, shot.space.width, shot.space.height)
    for x, y in points:
        near = Region(x - reach[0], y - reach[1], 2 * reach[0], 2 * reach[1])
        if place := frames.overlap(whole, near):
            yield place


def _decoded(image: bytes) -> Frame:
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("this is no picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA).astype(np.uint8, copy=False)
