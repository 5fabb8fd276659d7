"""A screenshot: pixels plus the space that they live in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from actuators.actions import Point
from perception.errors import OffImage


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle: left and top inclusive, in the pixels of whatever space its holder names."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of the region."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below the region."""
        return self.top + self.height

    @property
    def center(self) -> Point:
        """The pixel in the middle (the upper left one of four, where sizes are even)."""
        return Point(self.left + (self.width - 1) // 2, self.top + (self.height - 1) // 2)

    def contains(self, x: int, y: int) -> bool:
        """Whether the pixel lies inside."""
        return self.left <= x < self.right and self.top <= y < self.bottom


@dataclass(frozen=True, slots=True)
class Space:
    """Which part of the screen an image shows, and how large the image is.

    `region` is in the units in which the pointer moves (pixels on X11 and Windows, points on macOS);
    `width` and `height` are pixels of the image. Points of the image convert here and nowhere else.
    """

    region: Region
    width: int
    height: int

    def to_screen(self, x: int, y: int) -> Point:
        """The screen point under the middle of image pixel (x, y).

        Raises:
            OffImage: the pixel is not on the image. Never clamped: a wrong click is worse than none.
        """
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise OffImage(f"({x}, {y}) is outside the screenshot, which is {self.width}×{self.height} pixels")
        return Point(
            self.region.left + (2 * x + 1) * self.region.width // (2 * self.width),
            self.region.top + (2 * y + 1) * self.region.height // (2 * self.height),
        )

    def to_image(self, point: Point) -> Point:
        """The image pixel that shows a screen point. Inverse of `to_screen` within one image pixel."""
        x, y = point.x - self.region.left, point.y - self.region.top
        if not (0 <= x < self.region.width and 0 <= y < self.region.height):
            raise OffImage(f"screen point ({point.x}, {point.y}) is not on this screenshot")
        return Point(
            (2 * x + 1) * self.width // (2 * self.region.width),
            (2 * y + 1) * self.height // (2 * self.region.height),
        )


@dataclass(frozen=True)
class Screenshot:
    """What the model is shown, encoded once.

    Attributes:
        image: the encoded picture, lossless unless a setting says otherwise.
        media_type: "image/png", "image/webp" or "image/jpeg".
        space: the screen region behind it.
        taken_at: seconds since the epoch.
        settled: whether the screen had become still.
        moving: the part of the image that was still changing when it had not, in image pixels.
        responding: False if the program in front had not dealt with its input yet when the picture was taken.
        changed: share of the picture, 0 to 1, that differs from the computer's screenshot before this one, a
            blinking caret left out; 1 for the first.
    """

    image: bytes
    media_type: str
    space: Space
    taken_at: float
    settled: bool = True
    moving: Region | None = None
    changed: float = 1.0
    responding: bool = True

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the encoded image; its name on disk."""
        return hashlib.sha256(self.image).hexdigest()
