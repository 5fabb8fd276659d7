"""How the processors of Qwen's and related models fit a picture, from their published description.

Both sides become the nearest multiple of a factor; where the picture then has too many or too few pixels it is scaled
by the square root of the ratio, down or up to multiples.
"""

from __future__ import annotations

import math


def smart_resize(width: int, height: int, *, factor: int, least: int, most: int) -> tuple[int, int]:
    """The size in which such a model sees a picture."""
    wide, high = (max(factor, round(side / factor) * factor) for side in (width, height))
    if wide * high > most:
        by = math.sqrt(width * height / most)
        wide, high = (max(factor, math.floor(side / by / factor) * factor) for side in (width, height))
    elif wide * high < least:
        by = math.sqrt(least / (width * height))
        wide, high = (math.ceil(side * by / factor) * factor for side in (width, height))
    return wide, high
