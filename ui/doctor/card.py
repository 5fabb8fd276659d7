"""The test card: marks at known places, found again in the picture that a model would be sent, and clicked.

All of the way is tried, and none of it believes another part: the marks are found in the encoded picture by their
colours, the hands click where the picture says, and the window of the card says where the click has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol, TypeAlias

from actuators.actions import Click, Move, Point
from actuators.errors import InvalidAction
from perception import frames
from perception.encode import MAX_SIZE, Encoded, encode, fitted
from perception.screenshot import Region, Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from actuators.hands import Hands
    from actuators.pointer import Pointer
    from perception.screen import Monitor, Screen

Colour: TypeAlias = tuple[int, int, int]

GROUND: Colour = (128, 128, 128)  # as far from all colours as can be
INK: Colour = (255, 255, 255)
COLOURS: Mapping[str, Colour] = {
    "top left": (255, 0, 0),
    "top": (255, 255, 0),
    "top right": (0, 255, 0),
    "left": (255, 0, 255),
    "middle": (0, 255, 255),
    "right": (255, 128, 0),
    "bottom left": (0, 0, 255),
    "bottom": (128, 0, 255),
    "bottom right": (0, 0, 128),
}
LIKE = 60  # how far each of red, green and blue may be off: screens and their profiles shift them
INSET, ARM, WAIST = 12, 7, 1  # pixels of the picture: from the edge to a mark's middle; of a mark, from its middle
SEEN_SECONDS = 2.0  # until the card is in the picture; compositors fade windows in
CLICK_SECONDS = 0.5  # until the click is told
POLL = 0.01
TRIES = 3  # the user may be moving the mouse
MAX_LOST = 2  # clicks, which something else gets then; it need not get all of them
ENOUGH = 5  # marks that must be hit; panels and docks may lie over those at the edges


@dataclass(frozen=True, slots=True)
class Mark:
    """A cross of one colour. `point` is its middle, in screen units."""

    name: str
    colour: Colour
    point: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """What the card of one monitor shows; `unit` is how many units of the screen a pixel of the picture shows."""

    region: Region
    lines: tuple[str, ...]
    unit: int
    marks: tuple[Mark, ...]

    def bars(self, mark: Mark) -> tuple[Region, Region]:
        """The two bars of a cross, in screen units."""
        arm, waist = ARM * self.unit, WAIST * self.unit
        x, y = mark.point.x, mark.point.y
        return (
            Region(x - arm, y - waist, 2 * arm + 1, 2 * waist + 1),
            Region(x - waist, y - arm, 2 * waist + 1, 2 * arm + 1),
        )


class Window(Protocol):
    """A card that is being shown."""

    def is_hit(self) -> bool:
        """Whether the pointer is over the card now, so that a click would reach nothing else."""
        ...

    def clicks(self) -> Sequence[Point]:
        """Where it was clicked since the last call, in screen units. Does not wait."""
        ...


Shower: TypeAlias = Callable[[Layout], AbstractContextManager[Window]]
"""Shows a card until the context is left."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of one mark.

    Attributes:
        seen: where the picture shows it, as a place on the screen; None where something lies over it.
        pointed: where the pointer was after it was sent there.
        clicked: where the click came; None where it was not sent, since something else would have got it, or was lost.
        lost: whether it was sent, and something else got it.
    """

    mark: Mark
    seen: Point | None = None
    pointed: Point | None = None
    clicked: Point | None = None
    lost: bool = False

    @property
    def error(self) -> int | None:
        """Pixels from the mark's middle to pointer and click, across or down; None where it was not tried."""
        offs = [_off(self.mark.point, point) for point in (self.pointed, self.clicked) if point is not None]
        return max(offs, default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the card of one monitor. `scale` is units of the screen for each pixel of the picture."""

    monitor: Monitor
    scale: float
    struck: tuple[Struck, ...]

    @property
    def error(self) -> int | None:
        """Pixels that pointer or click were off at the worst mark; None where none was seen."""
        return max((one.error for one in self.struck if one.error is not None), default=None)

    @property
    def clicked(self) -> int:
        """How many marks were clicked."""
        return sum(one.clicked is not None for one in self.struck)

    @property
    def tolerance(self) -> int:
        """Pixels that a click may be off, as a picture that was scaled down shows no more."""
        return 0 if self.scale <= 1 else ceil(self.scale)

    @property
    def good(self) -> bool:
        """Whether enough marks were clicked, and none was missed."""
        return self.clicked >= ENOUGH and self.error is not None and self.error <= self.tolerance


def lay_out(monitor: Monitor, scale: float) -> Layout:
    """The card of a monitor, for pictures that show `scale` units of the screen with each pixel."""
    region, unit = monitor.region, max(1, ceil(scale))
    inset = min(INSET * unit, region.width // 4, region.height // 4)
    across = (region.left + inset, region.left + region.width // 2, region.right - 1 - inset)
    down = (region.top + inset, region.top + region.height // 2, region.bottom - 1 - inset)
    points = [Point(x, y) for y in down for x in across]
    marks = tuple(Mark(name, colour, at) for (name, colour), at in zip(COLOURS.items(), points, strict=True))
    name = f"monitor {monitor.number} {monitor.name}".strip()
    size = f"{region.width} x {region.height} at ({region.left}, {region.top})"
    return Layout(region, ("Deskhand test card", name, size, "It goes away by itself."), unit, marks)


def examine(monitor: Monitor, screen: Screen, hands: Hands, pointer: Pointer, show: Shower) -> Outcome:
    """Show the card on one monitor, photograph it and click its marks. The pointer is put back afterwards."""
    width, _ = fitted(screen.size, MAX_SIZE)
    scale = screen.region.width / width
    layout = lay_out(monitor, scale)
    before = last = pointer.where()
    struck: list[Struck] = []
    try:
        with show(layout) as window:
            seen = _wait_for(layout, screen)
            for mark in layout.marks:
                struck.append(_strike(mark, seen.get(mark.name), hands, pointer, window))
                last = struck[-1].pointed or last
                if sum(one.lost for one in struck) >= MAX_LOST:
                    break
    finally:
        if pointer.where() == last:  # else it is in the user's hand
            pointer.put(before)
    untried = [Struck(mark) for mark in layout.marks[len(struck) :]]
    return Outcome(monitor, scale, (*struck, *untried))


def locate(encoded: Encoded, within: Region, marks: Sequence[Mark]) -> dict[str, Point]:
    """The middles of the marks in a part of an encoded picture, in its pixels, by their colours alone.

    Marks that are not there are left out.
    """
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(encoded.image, np.uint8), cv2.IMREAD_COLOR)
    found: dict[str, Point] = {}
    if picture is None:
        return found
    part = frames.cut(picture.astype(np.uint8, copy=False), within)
    for mark in marks:
        blue_green_red = np.array(mark.colour[::-1])
        mask = cv2.inRange(part, blue_green_red - LIKE, blue_green_red + LIKE).astype(np.uint8, copy=False)
        if middle := _largest(mask):
            found[mark.name] = Point(within.left + middle.x, within.top + middle.y)
    return found


def _largest(mask: NDArray[np.uint8]) -> Point | None:
    """The middle of the largest patch of a mask; None where there is none."""
    import cv2
    import numpy as np

    _, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
    if len(boxes) < 2:  # the first one is what is not marked
        return None
    left, top, width, height, area = boxes[1 + int(np.argmax(boxes[1:, 4]))].tolist()
    return Point(left + (width - 1) // 2, top + (height - 1) // 2) if area > 1 else None


def _wait_for(layout: Layout, screen: Screen) -> dict[str, Point]:
    """Where the marks are seen on the screen: as soon as all of them stay where they are, or those that are at last."""
    deadline = time.monotonic() + SEEN_SECONDS
    before: dict[str, Point] = {}
    while True:
        seen = _see(layout, screen)
        if (seen == before and len(seen) == len(layout.marks)) or time.monotonic() > deadline:
            return seen
        before = seen
        time.sleep(POLL)


def _see(layout: Layout, screen: Screen) -> dict[str, Point]:
    encoded = encode(screen.grab(), max_size=MAX_SIZE)
    space = Space(screen.region, encoded.width, encoded.height)
    region = layout.region
    first = space.to_image(Point(region.left, region.top))
    last = space.to_image(Point(region.right - 1, region.bottom - 1))
    within = Region(first.x, first.y, last.x - first.x + 1, last.y - first.y + 1)
    return {name: space.to_screen(at.x, at.y) for name, at in locate(encoded, within, layout.marks).items()}


def _strike(mark: Mark, seen: Point | None, hands: Hands, pointer: Pointer, window: Window) -> Struck:
    """Click a mark where it is seen; the best of some tries."""
    if seen is None:
        return Struck(mark)
    tries: list[Struck] = []
    for _ in range(TRIES):
        tries.append(_click(mark, seen, hands, pointer, window))
        if tries[-1].lost or tries[-1].pointed == tries[-1].clicked:  # right or wrong, no other hand was on the mouse
            break
    return min(tries, key=lambda struck: (struck.clicked is None, struck.error or 0))


def _click(mark: Mark, at: Point, hands: Hands, pointer: Pointer, window: Window) -> Struck:
    """Click, unless something else than the card would get it."""
    window.clicks()
    try:
        hands.perform(Move(at.x, at.y))
        pointed = pointer.where()
        if not window.is_hit():
            return Struck(mark, at, pointed)
        hands.perform(Click(at.x, at.y))
    except InvalidAction:  # outside of every monitor, as the hands see it
        return Struck(mark, at)
    deadline = time.monotonic() + CLICK_SECONDS
    while not (clicks := window.clicks()) and time.monotonic() < deadline:
        time.sleep(POLL)
    return Struck(mark, at, pointed, clicks[-1]) if clicks else Struck(mark, at, pointed, lost=True)


def _off(one: Point, other: Point) -> int:
    return max(abs(one.x - other.x), abs(one.y - other.y))
