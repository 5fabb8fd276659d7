"""Whether clicks land where they are meant to: the pointer is sent to places on every monitor, and asked where it is.

Nothing is shown and nothing is clicked; it takes some milliseconds. `deskhand doctor` does more (`ui.doctor.card`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from actuators.actions import Move, Point
from actuators.errors import ActuatorError, InvalidAction
from actuators.hands import Hands, open_hands
from actuators.pointer import Pointer, open_pointer
from agent.errors import UserFault
from perception import frames
from perception.screen import Monitor, Screen, named, open_screen
from perception.screenshot import Region

TOLERANCE = 1  # pixels that nobody misses a button by
MEND = "; to mend it: "
TRIES = 6  # for a place: the user may be moving the mouse
_ALL_DEVICES = 0  # of XInput
_ONE = 0x3F800000  # 1.0, as XInput's properties hold it
_IDENTITY = [_ONE, 0, 0, 0, _ONE, 0, 0, 0, _ONE]
PLACES = ((10, 10), (90, 15), (50, 50), (15, 90), (90, 90))
"""Percent of a monitor, across and down. Not its edges: there are docks and hot corners."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that the pointer was sent to, and where it arrived; None where the hands refused to go there."""

    sent: Point
    arrived: Point | None

    @property
    def error(self) -> int:
        """Pixels between the two, across or down, whichever is more."""
        if self.arrived is None:
            return sys.maxsize
        return max(abs(self.arrived.x - self.sent.x), abs(self.arrived.y - self.sent.y))


@dataclass(frozen=True, slots=True)
class Aim:
    """How well the places of one monitor were hit."""

    monitor: Monitor
    hits: tuple[Hit, ...]

    @property
    def worst(self) -> Hit:
        """The hit that was farthest off."""
        return max(self.hits, key=lambda hit: hit.error)


class Missed(UserFault):
    """The screen is hit wrongly. Says by how much, and what to change."""

    exit_status = 1


def check_aim(display: str | None = None, *, monitor: int = 0) -> list[Aim]:
    """Check every monitor of a display, or one of them. The pointer is back where it was when this returns.

    Raises:
        Missed: a place was missed, on a monitor that the pictures show.
        PerceptionError: the screen cannot be seen.
        ActuatorError: it has no hands.
    """
    with ExitStack() as stack:
        screen = stack.enter_context(open_screen(display, monitor=monitor))
        hands = stack.enter_context(open_hands(display))
        pointer = open_pointer(display)
        stack.callback(pointer.close)
        check_shape(screen)
        aims = aim(shown(screen), hands, pointer)
    missed = [one for one in aims if one.worst.error > TOLERANCE]
    if missed:
        worst = max(missed, key=lambda one: one.worst.error)
        mend = cure([hit for one in aims for hit in one.hits], display)
        raise Missed(f"clicks would go wrong here: {_said(worst)}{MEND}{mend}")
    return aims


def shown(screen: Screen) -> list[Monitor]:
    """The monitors that a screen's frames show."""
    return [monitor for monitor in screen.monitors() if frames.overlap(monitor.region, screen.region)]


def check_shape(screen: Screen) -> None:
    """Raise `Missed` where a picture has another shape than the screen that it shows."""
    region, (width, height) = screen.region, frames.size(screen.grab())
    if abs(width * region.height - height * region.width) > max(region.width, region.height):
        raise Missed(
            f"pictures of the screen have {width}×{height} pixels, but the mouse moves over {named(region)}"
            f"{MEND}set the same scale for all monitors"
        )


def aim(monitors: Sequence[Monitor], hands: Hands, pointer: Pointer) -> list[Aim]:
    """Send the pointer to the places of each monitor, and put it back."""
    before = pointer.where()
    last = before
    try:
        aims: list[Aim] = []
        for monitor in monitors:
            hits = tuple(_hit(place, hands, pointer) for place in places(monitor.region))
            last = hits[-1].arrived or last
            aims.append(Aim(monitor, hits))
        return aims
    finally:
        if pointer.where() == last:  # else the user has moved it since, and wants it where it is
            pointer.put(before)


def places(region: Region) -> Iterator[Point]:
    """The places of a monitor that are tried."""
    for across, down in PLACES:
        yield Point(region.left + region.width * across // 100, region.top + region.height * down // 100)


def _hit(place: Point, hands: Hands, pointer: Pointer) -> Hit:
    """The best of some tries: a hand on the mouse makes one miss, never all."""
    best = Hit(place, None)
    for _ in range(TRIES):
        try:
            hands.perform(Move(place.x, place.y))
        except InvalidAction:
            continue
        hit = Hit(place, pointer.where())
        if hit.error < best.error:
            best = hit
        if best.error == 0:
            break
    return best


def _said(missed: Aim) -> str:
    worst = missed.worst
    where = f"on {missed.monitor}"
    if worst.arrived is None:
        return f"the mouse does not get to ({worst.sent.x}, {worst.sent.y}) {where}"
    return (
        f"the pointer lands {worst.error} px off {where}: sent to ({worst.sent.x}, {worst.sent.y}), "
        f"it came to ({worst.arrived.x}, {worst.arrived.y})"
    )


def cure(hits: Sequence[Hit], display: str | None) -> str:
    """What to change on a screen that is hit like that."""
    if sys.platform == "win32":
        return "set the same scale for all monitors (Settings, System, Display), and sign in anew"
    if sys.platform == "darwin":
        return "allow your terminal to control this Mac (System Settings, Privacy & Security, Accessibility)"
    if device := _transformed(display):
        return f"xinput set-prop '{device}' 'Coordinate Transformation Matrix' 1 0 0 0 1 0 0 0 1"
    if _is_confined(hits):
        return "another program keeps the pointer to a part of the screen: close it, or let it leave its full screen"
    return "undo what scales or pans the screen (`xrandr --output NAME --scale 1x1 --panning 0x0`), or use `--monitor`"


def _is_confined(hits: Sequence[Hit]) -> bool:
    """Whether all came as near as one rectangle lets them."""
    arrived = [hit.arrived for hit in hits if hit.arrived is not None]
    if len(arrived) < len(hits):
        return False
    left, right = min(point.x for point in arrived), max(point.x for point in arrived)
    top, bottom = min(point.y for point in arrived), max(point.y for point in arrived)
    return all(
        hit.arrived == Point(min(max(hit.sent.x, left), right), min(max(hit.sent.y, top), bottom)) for hit in hits
    )


def _transformed(display: str | None) -> str:
    """The device of synthetic input whose coordinates the X server was told to transform; "" for none."""
    from actuators.backends.x11_display import XDisplay

    try:
        connection = XDisplay(display)
    except ActuatorError:
        return ""
    try:
        with connection.mapped(), connection.asking():
            if not connection.x.has_extension("XInputExtension"):
                return ""
            connection.x.xinput_query_version()
            devices = connection.x.xinput_query_device(_ALL_DEVICES).devices
            return next((device.name for device in devices if _is_transformed(connection.x, device)), "")
    except ActuatorError:
        return ""
    finally:
        connection.close()


def _is_transformed(x: Any, device: Any) -> bool:
    if not device.name.endswith("XTEST pointer"):
        return False
    name = x.intern_atom("Coordinate Transformation Matrix")
    bits, words = x.xinput_get_device_property(device.deviceid, name, 0, 0, len(_IDENTITY)).value or (0, ())
    return bits == 32 and len(words) == len(_IDENTITY) and list(words) != _IDENTITY
