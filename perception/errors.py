"""What can go wrong with the eyes.

PerceptionError
 + OffImage        a point that is not on the screenshot that it was given for
 + StaleSpace      the screen has another size now than on that screenshot; look again
 + StaleTarget     something else is there now than on that screenshot; look again
 + ScreenLost      the screen went away, or never was there
   + ScreenResized   a capture met a screen of another size (`perception.screen`; `Eyes` reopens by itself)
 + CannotRead      the picture, or the text in it, cannot be read here (broken file, OCR not installed)

`agent.errors` decides who gets to see each of them.
"""

from __future__ import annotations


class PerceptionError(Exception):
    """Base of everything that the eyes raise on purpose."""


class OffImage(PerceptionError):
    """The point is outside the image."""


class StaleSpace(PerceptionError):
    """The screen has changed its size since the screenshot that a point was given for."""


class StaleTarget(PerceptionError):
    """What an action was meant for is not what would get it now; nothing was done."""


class ScreenLost(PerceptionError):
    """The screen cannot be captured: gone, unplugged, or never there. `cure` is what the user can do about it."""

    cure = "bring it back, then `deskhand resume`"


class CannotRead(PerceptionError):
    """A picture or its text cannot be read."""
