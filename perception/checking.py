"""Is an element really where its program says? Held against the pixels, since toolkits are wrong at times.

A wrong place shows: words that are not written there, or an icon that is cut through by the edge of its button.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perception.errors import CannotRead
from perception.find import Picture, crop, whole
from perception.frames import overlap
from perception.screenshot import Region, Space
from perception.tree import DOUBTFUL, Element, on_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READ = 0.98  # confidence of an element whose words were read where it says that it is
STANDS = 0.95  # … whose frame or icon lies exactly there
INK = 28  # grey levels by which a pixel differs from the ground of its button
EDGE = 12  # grey levels of a line around something
COVERED = 0.6  # share of its side that such a line must run along
OFF_CENTRE = 0.15  # of its height by which an icon may be off the middle
MARGIN = 6  # pixels around an element in which its words may stand

_LETTERED = frozenset(
    {"menu", "menu item", "check menu item", "radio menu item", "page tab", "label", "check box", "radio button"}
    | {"link", "list item", "heading", "table cell", "column header", "row header", "static", "push button"}
)
_CONTAINERS = frozenset(
    {"frame", "window", "dialog", "panel", "filler", "scroll pane", "viewport", "root pane", "split pane", "tool bar"}
    | {"menu bar", "page tab list", "status bar", "table", "document spreadsheet", "document text", "document frame"}
    | {"document web", "document presentation", "layered pane", "list", "tree", "tree table", "section", "form"}
)


def checked(element: Element, picture: Picture, space: Space) -> Element:
    """The element with the confidence that the picture gives to its region.

    Args:
        picture: the pixels of a screenshot, height × width × 3, blue first, taken about when the tree was read.
        space: of that screenshot.

    Returns:
        The same element: nearly sure where its words, its frame or its icon are found there; `DOUBTFUL` at the most
        where they are not; as it was for windows and other containers, of which a picture cannot tell.
    """
    region = None if element.region is None else on_image(element.region, space)
    if region is None:
        return replace(element, confidence=0.0)
    if element.role in _CONTAINERS:
        return element
    if element.role in _LETTERED and _reads(picture, region, element.name or element.text):
        return replace(element, confidence=READ)
    if stands(picture, region):
        return replace(element, confidence=STANDS)
    return replace(element, confidence=min(element.confidence, DOUBTFUL))


def stands(picture: Picture, region: Region) -> bool:
    """Whether something begins and ends where the region does: a frame around it, or an icon in its middle."""
    around = overlap(Region(region.left - 2, region.top - 2, region.width + 4, region.height + 4), whole(picture))
    inside = overlap(region, whole(picture))
    if around is None or inside is None or inside != region or min(region.width, region.height) < 6:
        return False
    import cv2

    return _framed(cv2.cvtColor(crop(picture, around), cv2.COLOR_BGR2GRAY)) or _centred(
        cv2.cvtColor(crop(picture, inside), cv2.COLOR_BGR2GRAY)
    )


def _reads(picture: Picture, region: Region, words: str) -> bool:
    """Whether the words, or the first of them, are written in the region."""
    from perception.text import find_text

    wanted = " ".join(words.split()[:6])
    if not any(char.isalnum() for char in wanted):
        return False
    around = Region(region.left - MARGIN, region.top - MARGIN, region.width + 2 * MARGIN, region.height + 2 * MARGIN)
    try:
        found = find_text(picture, wanted, region=around)
    except CannotRead:  # then the other signs must do
        return False
    if found is None:
        return False
    middle = found.region.center
    return region.contains(middle.x, middle.y) and abs(middle.y - region.center.y) <= max(4, region.height // 3)


def _framed(grey: NDArray[Any]) -> bool:
    """Whether lines run along two opposite sides; `grey` has two pixels more on each side than the element."""
    import numpy as np

    levels = grey.astype(np.int16)
    down, across = np.abs(np.diff(levels, axis=0)) > EDGE, np.abs(np.diff(levels, axis=1)) > EDGE
    rows, columns = down.mean(axis=1), across.mean(axis=0)

    def both(shares: NDArray[np.floating[Any]]) -> bool:
        edged = shares[:4].max() >= COVERED and shares[-4:].max() >= COVERED
        return bool(edged and np.median(shares) <= COVERED / 2)  # else it is a photograph, full of lines

    return both(rows) and both(columns)


def _centred(grey: NDArray[Any]) -> bool:
    """Whether what is drawn inside keeps clear of the edges, and stands in the middle of the height."""
    import numpy as np

    ground = float(np.median(grey))
    ink = np.abs(grey.astype(np.float32) - ground) > INK
    if not 0.01 <= ink.mean() <= 0.6:
        return False
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    height, width = ink.shape
    above, below = int(rows[0]), height - 1 - int(rows[-1])
    left, right = int(columns[0]), width - 1 - int(columns[-1])
    clear = min(above, below) >= 2 and min(left, right) >= 1
    return clear and abs(above - below) <= 2 * max(2, OFF_CENTRE * height)
