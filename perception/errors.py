"""What can go wrong with the eyes.

PerceptionError
 + OffImage        a point that is not on the screenshot that it was given for
 + ScreenLost      the screen went away, changed size, or never was there
 + CannotRead      the picture, or the text in it, cannot be read here (broken file, OCR not installed)

`agent.errors` decides who gets to see each of them.
"""

from __future__ import annotations


class PerceptionError(Exception):
    """Base of everything that the eyes raise on purpose."""


class OffImage(PerceptionError):
    """The point is outside the image."""


class ScreenLost(PerceptionError):
    """The screen cannot be captured: gone, unplugged, or of another size than a moment ago."""


class CannotRead(PerceptionError):
    """A picture or its text cannot be read."""
