"""Is what an action was meant for still there? Asked right before it is sent.

A model looks at a screenshot for seconds before it answers. If a dialog pops up meanwhile, or a page moves, its click
lands on something that it has never seen, and what it types goes where it never meant it to.
"""

from __future__ import annotations

import sys
from typing import Protocol

from perception import frames, pixels
from perception.frames import Frame
from perception.screenshot import Region

REACH = 20  # pixels around the target to each side: about a button
CORE = 6  # the same, for what is hit
OTHER = 8  # levels of a colour channel, 0 to 255; what differs by less is another shade of the same thing
REACH_SHARE = 0.12  # of the surroundings that must have changed: a caret, a border that lights up are less
CORE_SHARE = 0.5
PATIENCE = 2  # refusals in a row for pixels alone, after which they are taken to change for ever


class Layout(Protocol):
    """Tells which windows have come since `note`."""

    def note(self) -> None:
        """The windows are known as they are now."""
        ...

    def covers(self, x: int, y: int) -> bool:
        """Whether the window at a point of the screen has come there since `note`."""
        ...

    def refocused(self) -> bool:
        """Whether another window has become the active one since `note`."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def open_layout(display: str | None) -> Layout | None:
    """The windows of an X display; None where they cannot be known."""
    if sys.platform != "linux":
        return None
    from actuators.errors import ActuatorError
    from perception.backends.xlayout import XLayout

    try:
        return XLayout(display)
    except ActuatorError:
        return None


class Memory:
    """What the screen looked like when its looker last knew it: at the last look, and after each action of theirs."""

    def __init__(self, layout: Layout | None) -> None:
        self._layout = layout
        self._frame: Frame | None = None
        self._refusals = 0

    def remember(self, frame: Frame) -> None:
        """This is known now; the frame is not written to afterwards."""
        self._frame = frame
        if self._layout:
            self._layout.note()

    def doubt(self, now: Frame, x: int, y: int, *, at: tuple[int, int]) -> str:
        """Why pixel (x, y) of the frame, at a point of the screen, is not what it was; "" if it is."""
        if self._layout and self._layout.covers(*at):
            return "a window has come there since that screenshot"
        changed = self._frame is not None and has_changed(self._frame, now, x, y)
        self._refusals = self._refusals + 1 if changed else 0
        if changed and self._refusals <= PATIENCE:
            return "the screen has changed there since that screenshot"
        return ""

    def doubt_focus(self) -> str:
        """Why the keyboard may reach something else than it would have, or ""."""
        if self._layout and self._layout.refocused():
            return "another window has come to the front since that screenshot"
        return ""

    def close(self) -> None:
        """Let go of the layout."""
        if self._layout:
            self._layout.close()


def has_changed(before: Frame, now: Frame, x: int, y: int) -> bool:
    """Whether the surroundings of pixel (x, y) differ between two frames so much that something else is there."""
    if before.shape != now.shape:
        return True
    return (
        _share(before, now, surroundings(x, y, REACH)) > REACH_SHARE
        or _share(before, now, surroundings(x, y, CORE)) > CORE_SHARE
    )


def surroundings(x: int, y: int, reach: int) -> Region:
    """The square around a pixel."""
    return Region(x - reach, y - reach, 2 * reach + 1, 2 * reach + 1)


def _share(before: Frame, now: Frame, around: Region) -> float:
    """Share of the pixels there, 0 to 1, that have clearly another colour."""
    width, height = frames.size(now)
    part = frames.overlap(around, Region(0, 0, width, height))
    if part is None:
        return 0.0
    apart = pixels.most_apart(frames.cut(before, part)[:, :, :3], frames.cut(now, part)[:, :, :3])
    return float((apart > OTHER).mean())
