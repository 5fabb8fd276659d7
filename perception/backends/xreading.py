"""What is written at a point of an X display, by the pixels around it: for windows whose programs tell nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perception.backends.xpatch import XPatch
from perception.find import Picture
from perception.frames import overlap
from perception.screenshot import Region
from perception.text import Word, read_text

if TYPE_CHECKING:
    from Xlib.display import Display

REACH = (130, 15)  # pixels around the point that are read: a button with its label
SURE = 0.8  # the reader's confidence in every word; a wrong name is worse than none
GAP = 0.9  # of their height by which two words of one label may be apart
SLACK = 5  # pixels by which the point may miss the words
EDGE = 3  # pixels; what is written closer to the edge of the crop may go on beyond it
LONGEST = 6  # words of a label
FIRST_COST = 0.045  # seconds that reading is expected to take before it was measured
LEARNT = 0.3  # weight of the newest measurement


class XReading:
    """Reads labels. For one thread."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._patch = XPatch(display.get_display_name())
        self._cost = FIRST_COST
        self._warm = False

    def label(self, x: int, y: int, within: Region, deadline: float) -> str:
        """The label at a point; "" if there is none, if it is not clear, or if there is no time for it.

        Raises:
            CannotRead: OCR does not work here.
        """
        began = time.monotonic()
        if began + self._cost > deadline:
            return ""
        area = overlap(Region(x - REACH[0], y - REACH[1], 2 * REACH[0] + 1, 2 * REACH[1] + 1), within)
        screen = self._display.screen()
        area = area and overlap(area, Region(0, 0, screen.width_in_pixels, screen.height_in_pixels))
        if area is None or min(area.width, area.height) < 8:
            return ""
        words = read_text(self._pixels(area))
        if self._warm:
            self._cost += LEARNT * (time.monotonic() - began - self._cost)
        self._warm = True  # the first time, the reader had to be started
        return _label_at(words, x - area.left, y - area.top, area)

    def close(self) -> None:
        """Let go of the display. May be called twice."""
        self._patch.close()

    def _pixels(self, area: Region) -> Picture:
        import numpy as np
        from Xlib import X

        root = self._display.screen().root
        self._patch.begin()
        image: Any = root.get_image(area.left, area.top, area.width, area.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = np.frombuffer(image.data, np.uint8)
        return self._patch.mend(pixels.reshape(area.height, area.width, -1), area)[:, :, :3]


def _label_at(words: Sequence[Word], x: int, y: int, area: Region) -> str:
    """The words that stand together around a point."""
    lettered = (word for word in words if any(char.isalnum() for char in word.text))  # the edge of a button is a "|"
    line = sorted((w for w in lettered if _level(w.region, y)), key=lambda word: word.region.left)
    groups: list[list[Word]] = []
    for word in line:
        if groups and _follows(groups[-1][-1].region, word.region):
            groups[-1].append(word)
        else:
            groups.append([word])
    for group in groups:
        left, right = group[0].region.left, max(word.region.right for word in group)
        if left - SLACK <= x <= right + SLACK:
            whole = left > EDGE and right < area.width - EDGE
            sure = min(word.confidence for word in group) >= SURE
            return " ".join(word.text for word in group) if whole and sure and len(group) <= LONGEST else ""
    return ""


def _level(region: Region, y: int) -> bool:
    return region.top - SLACK <= y <= region.bottom + SLACK


def _follows(last: Region, region: Region) -> bool:
    same = abs(last.center.y - region.center.y) <= max(last.height, region.height) / 2
    return same and region.left - last.right <= max(GAP * max(last.height, region.height), 6)
