"""Listening on X11: raw events of XInput 2 name the device that they come from.

What an XTEST device sends is synthetic; all else is somebody's hand. Nothing is grabbed, delayed or taken away. Version
2.1 or newer has to be asked for: only then do raw events come while a program grabs the pointer, and tell their source.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from actuators.actions import Point
from actuators.backends.witness import Kind, Ledger
from actuators.backends.x11_display import XDisplay
from actuators.backends.xlisten import XListener
from actuators.errors import ActuatorError, NotSupported
from actuators.guard import Heard

VERSION = (2, 2)
JITTER_PIXELS = 5.0  # less than this in so many milliseconds is an optical mouse on glass, not a hand
JITTER_MS = 200
WHEEL = range(4, 8)  # button numbers
HIERARCHY_CHANGED, KEY_DOWN, KEY_UP, BUTTON_DOWN, MOTION, TOUCH = 11, 13, 14, 15, 17, 22
GENERIC_EVENT = 35
ALL_DEVICES, ALL_MASTERS = 0, 1
_HEAD = struct.Struct("=HIIHHI4x")  # device, time, detail, source, words of the mask, flags
_VALUE = struct.Struct("=iI")  # a fixed-point number


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw event.

    Attributes:
        type: one of the numbers above.
        at: the server's time in milliseconds.
        detail: button or keycode.
        source: the device that it comes from.
        values: axis number to value, as far as they are told; 0 and 1 are the pointer's.
    """

    type: int
    at: int
    detail: int
    source: int
    values: dict[int, float]


class XInputListener(XListener):
    """The user's own hands on one X display.

    Attributes:
        ledger: which synthetic events are ours.
    """

    def __init__(self, display: str | None, panic: Sequence[str], *, foreign: bool = True) -> None:
        """Connect.

        Args:
            display: its name; None means this desktop's.
            panic: the keys of the panic chord, by canonical name.
            foreign: whether synthetic events that are not ours count as the user's.

        Raises:
            DisplayLost: no such display.
            NotSupported: the server's XInput is older than 2.1.
        """
        super().__init__(display, panic)
        self._foreign = foreign
        self.ledger = Ledger()
        self._devices: dict[int, Device] = {}
        try:
            with self._display.mapped():
                self._opcode = _select(self._display)
                self._learn()
                self._rest = self._where()  # where the pointer was left
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Hear first what came before the action."""
        self._try(sync=True)
        self.ledger.begin()

    def expect(self, kind: Kind, count: int = 1) -> None:
        """Owed from now on."""
        self.ledger.expect(kind, count)

    def end(self) -> None:
        """One round trip: then everything that the hands sent has come, but for what a program holds back."""
        self._try(sync=True)
        self.ledger.end()
        with suppress(ActuatorError), self._lock:
            if not self._over:
                self._rest = self._where()

    def _listen(self) -> None:
        from Xlib import X

        while count := self._x.pending_events():
            for _ in range(count):
                event = self._x.next_event()
                self._overlays.note(event)
                if event.type == X.MappingNotify:
                    self._panic.forget_mapping()
                elif event.type == GENERIC_EVENT and event.extension == self._opcode:
                    self._on_input(event)

    def _on_input(self, event: Any) -> None:
        if event.evtype == HIERARCHY_CHANGED:
            self._devices.clear()
            return
        raw = read_raw(event.evtype, bytes(event.data))
        device = self._device(raw.source)
        if not device.synthetic:
            self._on_hand(raw, device)
        elif raw.type == KEY_UP:
            self.ledger.key_up(raw.detail)
            self._panic.up(raw.detail)
        elif not self.ledger.tick_off(_kind(raw), raw.detail) and self._foreign:
            self._report(raw)

    def _on_hand(self, raw: Raw, device: Device) -> None:
        if raw.type == KEY_UP:
            self._panic.up(raw.detail)
        elif raw.type != MOTION or device.motion.noticeable(raw, self._where, self._rest):
            self._report(raw)

    def _report(self, raw: Raw) -> None:
        kind = _kind(raw)
        point = self._where() if kind == "button" else None
        panic = kind == "key" and self._panic.down(raw.detail)
        self._hear(Heard(kind, point, panic, self._is_for_overlay(kind)))

    def _device(self, source: int) -> Device:
        if source not in self._devices:
            self._learn()
        return self._devices.setdefault(source, Device(synthetic=False, motion=Motion()))

    def _learn(self) -> None:
        with self._display.asking():
            found = self._x.xinput_query_device(ALL_DEVICES).devices
        size = self._x.screen().width_in_pixels, self._x.screen().height_in_pixels
        wayland = any(info.name.startswith("xwayland-") for info in found)
        self.note = "this is a Wayland session: the user is heard in X11 windows only" if wayland else ""
        self._devices = {
            info.deviceid: Device("XTEST" in info.name, Motion(_scale(info.classes, size))) for info in found
        }


@dataclass(frozen=True, slots=True)
class Device:
    """Where events come from."""

    synthetic: bool
    motion: Motion


class Motion:
    """How far one device has moved of late, so that a hand can be told from jitter.

    Virtual devices (Xephyr, VNC servers) say that their axes are relative and send positions all the same. One whose
    values are where the pointer is, twice in different places, is known to be such a device.
    """

    def __init__(self, scale: tuple[float, float] | None = None) -> None:
        """`scale`: pixels for each unit of the axes if they give positions, None if they give steps."""
        self._scale = scale
        self._last: tuple[float, float] | None = None
        self._guessed = False  # whether `_last` was not told by the device
        self._steps: deque[tuple[int, float, float]] = deque()

    def noticeable(self, raw: Raw, where: Callable[[], Point], rest: Point | None = None) -> bool:
        """Whether the pointer has moved farther than by jitter; wheels and pressure are no movement.

        Args:
            where: tells where the pointer is.
            rest: where it was before, for the first that is heard of a device.
        """
        if not raw.values.keys() & {0, 1}:
            return False
        if self._last is None and rest is not None:
            scale_x, scale_y = self._scale or (1.0, 1.0)
            self._last, self._guessed = (rest.x / scale_x, rest.y / scale_y), True
        self._steps.append((raw.at, *self._step(raw.values, where)))
        self._guessed = False
        while not 0 <= raw.at - self._steps[0][0] <= JITTER_MS:
            self._steps.popleft()
        return math.hypot(sum(x for _, x, _ in self._steps), sum(y for _, _, y in self._steps)) >= JITTER_PIXELS

    def _step(self, values: dict[int, float], where: Callable[[], Point]) -> tuple[float, float]:
        if self._scale is None and not self._is_position(values, where):
            self._last = None
            return values.get(0, 0.0), values.get(1, 0.0)
        last_x, last_y = self._last or (math.nan, math.nan)
        x, y = values.get(0, last_x), values.get(1, last_y)
        self._last = x, y
        scale_x, scale_y = self._scale or (1.0, 1.0)
        dx, dy = (x - last_x) * scale_x, (y - last_y) * scale_y
        return (0.0 if math.isnan(dx) else dx), (0.0 if math.isnan(dy) else dy)

    def _is_position(self, values: dict[int, float], where: Callable[[], Point]) -> bool:
        here = values.get(0, 0.0), values.get(1, 0.0)
        if math.hypot(*here) < JITTER_PIXELS:
            return False
        pointer = where()
        if abs(pointer.x - here[0]) > 1 or abs(pointer.y - here[1]) > 1:
            return False
        if self._last not in (None, here) and not self._guessed:
            self._scale = (1.0, 1.0)
        return True


def read_raw(type_: int, data: bytes) -> Raw:
    """A raw event from what follows the head of a generic event."""
    _, at, detail, source, words, _ = _HEAD.unpack_from(data)
    mask = int.from_bytes(data[_HEAD.size : _HEAD.size + 4 * words], "little")
    axes = [axis for axis in range(32 * words) if mask >> axis & 1]
    return Raw(type_, at, detail, source, dict(zip(axes, _numbers(data, _HEAD.size + 4 * words), strict=False)))


def _numbers(data: bytes, start: int) -> Iterator[float]:
    for offset in range(start, len(data) - _VALUE.size + 1, _VALUE.size):
        whole, fraction = _VALUE.unpack_from(data, offset)
        yield whole + fraction / (1 << 32)


def _kind(raw: Raw) -> Kind:
    if raw.type == MOTION:
        return "pointer"
    if raw.type == KEY_DOWN:
        return "key"
    return "wheel" if raw.type == BUTTON_DOWN and raw.detail in WHEEL else "button"


def _scale(classes: Any, size: tuple[int, int]) -> tuple[float, float] | None:
    """Pixels for each unit of the first two axes, None where they do not give positions."""
    from Xlib.ext import xinput

    axes = {each.number: each for each in classes if each.type == xinput.ValuatorClass}
    if any(axis not in axes or axes[axis].mode != xinput.ModeAbsolute for axis in (0, 1)):
        return None
    ranges = [axes[axis].max - axes[axis].min for axis in (0, 1)]
    if min(ranges) <= 0:
        return 1.0, 1.0
    return size[0] / ranges[0], size[1] / ranges[1]


def _select(display: XDisplay) -> int:
    """Ask for raw events of every device; the extension's opcode."""
    from Xlib.ext import xinput

    x = display.x
    if not (x.has_extension("XInputExtension") and x.has_extension("Generic Event Extension")):
        raise NotSupported(f"display {display.name} lacks XInput 2")
    opcode = x.display.get_extension_major("XInputExtension")
    with display.asking():
        version = _query_version(x, opcode)
    if version < (2, 1):
        raise NotSupported(f"the XInput of display {display.name} is {version[0]}.{version[1]}, older than 2.1")
    raw = [KEY_DOWN, KEY_UP, BUTTON_DOWN, MOTION, *([TOUCH] if version >= (2, 2) else [])]
    masks = [(ALL_MASTERS, sum(1 << type_ for type_ in raw)), (ALL_DEVICES, xinput.HierarchyChangedMask)]
    display.root.xinput_select_events(masks)
    display.sync()
    if display.refused:
        raise NotSupported(f"display {display.name} does not report its input: {display.refused[-1]}")
    return opcode


def _query_version(x: Any, opcode: int) -> tuple[int, int]:
    """Like python-xlib's own request, which insists on 2.0."""
    from Xlib.ext import xinput

    major, minor = VERSION
    reply: Any = xinput.XIQueryVersion(display=x.display, opcode=opcode, major_version=major, minor_version=minor)
    return reply.major_version, reply.minor_version
