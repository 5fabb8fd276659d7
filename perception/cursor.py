"""The mouse pointer, drawn into a frame by choice: frames come without it."""

from __future__ import annotations

from dataclasses import dataclass

from perception import frames
from perception.frames import Frame
from perception.screenshot import Region


@dataclass(frozen=True, slots=True)
class Cursor:
    """The mouse pointer as the system draws it.

    Attributes:
        picture: h×w×4 BGRA, premultiplied with its alpha.
        left: of its upper left corner, in the units in which the pointer moves; may be off the screen.
        top: likewise.
    """

    picture: Frame
    left: int
    top: int


def drawn(frame: Frame, region: Region, cursor: Cursor) -> Frame:
    """A copy of a frame that shows `region`, with the pointer in it; the frame itself where it is elsewhere."""
    import numpy as np

    width, height = frames.size(cursor.picture)
    place = frames.overlap(Region(cursor.left, cursor.top, width, height), region)
    if place is None:
        return frame
    picture = frames.cut(
        cursor.picture, Region(place.left - cursor.left, place.top - cursor.top, place.width, place.height)
    )
    copy = frame.copy()
    under = frames.cut(copy, Region(place.left - region.left, place.top - region.top, place.width, place.height))
    through = 255 - picture[:, :, 3:].astype(np.uint16)
    under[:, :, :3] = np.minimum(255, picture[:, :, :3] + (under[:, :, :3] * through + 127) // 255)
    return copy
