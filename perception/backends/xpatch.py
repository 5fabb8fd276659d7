"""Pictures of an X screen without the overlays that are on it: there, what lies beneath is painted in.

With the Composite extension every top-level window keeps its own pixels, covered or not. Overlays stay on the screen
all the while, so nothing flickers; a place that an overlay has been at since the last picture is patched, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actuators.backends.xoverlays import PROBE, register
from perception import frames
from perception.backends.xstack import Top, XStack
from perception.frames import Frame
from perception.screenshot import Region

LINGER = 0.5  # seconds for which a compositor may go on showing a window that has gone, or has moved
_TRIES = 5  # windows come and go while they are read
_PARENT_RELATIVE = 1
_ROOT_PIXMAPS = ("_XROOTPMAP_ID", "ESETROOT_PMAP_ID")


class XPatch:
    """A connection of its own; without an overlay, a round trip for each picture. For one thread at a time.

    A server that goes away is told of by whoever takes the pictures.
    """

    def __init__(self, display: str | None) -> None:
        from Xlib import X

        from actuators.xlibfix import open_display

        self._x: Any = open_display(display)
        self._x.set_error_handler(_ignore)  # windows vanish while they are being read
        self._root = self._x.screen().root
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
        self._stack = XStack(self._x)
        self._been: dict[Region, float] = {}  # where overlays were, and until when they may be seen there
        self._compositor = self._x.intern_atom(f"_NET_WM_CM_S{self._x.get_default_screen()}")
        self._composited = bool(self._x.get_selection_owner(self._compositor))
        self._backdrop = Backdrop(self._x)
        self._redirected = False

    def begin(self) -> None:
        """A picture is about to be taken."""
        if self._stack.overlays or self._been:
            now = time.monotonic()
            self._been = {place: until for place, until in self._been.items() if until > now}
            self._take_in()

    def mend(self, frame: Frame, region: Region) -> Frame:
        """The picture that was taken since `begin`, of a region in pixels of the root window, without overlays."""
        try:
            self._x.sync()
            self._take_in()
            if not self._been:
                return frame
            self._composited = bool(self._x.get_selection_owner(self._compositor))
            return self._mended(frame, region)
        except Exception as error:
            if _is_lost(error):
                return frame
            raise

    def close(self) -> None:
        """Disconnect. May be called twice."""
        with suppress(Exception):
            self._x.close()

    def _take_in(self) -> None:
        self._note_places()
        for _ in range(self._x.pending_events()):
            if self._stack.note(self._x.next_event()):
                self._note_places()
        if self._been and not self._redirected:
            self._redirect()

    def _note_places(self) -> None:
        if places := self._stack.overlays:
            until = time.monotonic() + LINGER if self._composited else 0.0
            self._been |= dict.fromkeys(places, until)

    def _redirect(self) -> None:
        """Overlays do so before they are shown; from now on we do, too, should they go suddenly."""
        from Xlib.ext import composite

        self._redirected = True
        if self._x.has_extension(composite.extname):
            self._x.composite_query_version()
            self._root.composite_redirect_subwindows(composite.RedirectAutomatic)
            self._x.sync()

    def _mended(self, frame: Frame, region: Region) -> Frame:
        out = frame if frame.flags.writeable else frame.copy()
        size = self._root.get_geometry()
        shown = frames.overlap(region, Region(0, 0, size.width, size.height))
        for place in self._been:
            part = None if shown is None else frames.overlap(place, shown)
            if part is not None:
                frames.cut(out, frames.moved([part], -region.left, -region.top)[0])[:] = self._beneath(part)
        return out

    def _beneath(self, place: Region) -> NDArray[np.uint8]:
        from Xlib.error import XError

        for _ in range(_TRIES):
            try:
                return self._painted(place, self._stack.below(place))
            except XError:  # a window has gone
                self._x.sync()
                self._take_in()
        return np.zeros((place.height, place.width, 4), np.uint8)

    def _painted(self, place: Region, tops: Sequence[Top]) -> NDArray[np.uint8]:
        """The windows at a place one over the other."""
        layers = [self._layer(top, place) for top in reversed(tops[self._lowest(place, tops) :])]
        if not layers or not layers[-1].covers(place):
            layers.append(Layer(self._backdrop.at(place), place, (place,)))
        picture = np.zeros((place.height, place.width, 4), np.uint8)
        for layer in reversed(layers):
            layer.paint(picture, place)
        return picture

    def _lowest(self, place: Region, tops: Sequence[Top]) -> int:
        """From which of the windows on anything is to be seen."""
        for number in range(len(tops) - 1, -1, -1):
            if frames.overlap(tops[number].region, place) == place and self._is_plain(tops[number]):
                return number
        return 0

    def _is_plain(self, top: Top) -> bool:
        """Whether a window fills its rectangle."""
        window = self._window(top)
        return not window.shape_query_extents().bounding_shaped and window.get_geometry().depth != 32

    def _layer(self, top: Top, place: Region) -> Layer:
        from Xlib import X

        window = self._window(top)
        part = frames.overlap(top.region, place)
        assert part is not None
        x, y = part.left - top.region.left - top.border, part.top - top.region.top - top.border
        image = window.get_image(x, y, part.width, part.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = np.frombuffer(image.data, np.uint8).reshape(part.height, -1, 4)
        return Layer(pixels, part, self._shape(window, top, part), blended=image.depth == 32 and self._composited)

    def _shape(self, window: Any, top: Top, part: Region) -> tuple[Region, ...]:
        from Xlib.ext import shape

        if not window.shape_query_extents().bounding_shaped:
            return (part,)
        left, top_ = top.region.left + top.border, top.region.top + top.border
        found = window.shape_get_rectangles(shape.SK.Bounding).rectangles
        regions = [Region(each.x + left, each.y + top_, each.width, each.height) for each in found]
        return tuple(common for each in regions if (common := frames.overlap(each, part)) is not None)

    def _window(self, top: Top) -> Any:
        return self._x.create_resource_object("window", top.id)


class Layer:
    """What one window shows at a place: pixels of `region`, as far as they lie in the rectangles of `shape`."""

    def __init__(
        self, pixels: NDArray[np.uint8], region: Region, shape: tuple[Region, ...], *, blended: bool = False
    ) -> None:
        self._pixels, self._region, self._shape, self._blended = pixels, region, shape, blended

    def covers(self, place: Region) -> bool:
        """Whether nothing of what is beneath can be seen there."""
        return self._shape == (place,) and not self._blended

    def paint(self, picture: NDArray[np.uint8], place: Region) -> None:
        """Onto a picture of `place`."""
        for part in self._shape:
            target = frames.cut(picture, frames.moved([part], -place.left, -place.top)[0])
            source = frames.cut(self._pixels, frames.moved([part], -self._region.left, -self._region.top)[0])
            if self._blended:
                clear = 255 - source[:, :, 3:].astype(np.uint16)
                target[:] = np.minimum(255, source + (target * clear + 127) // 255).astype(np.uint8)
            else:
                target[:] = source


class Backdrop:
    """The root window's background, which windows hide: an unseen window of our own shows it."""

    def __init__(self, display: Any) -> None:
        self._x, self._root = display, display.screen().root
        self._probe: Any = None
        self._refused = False

    def at(self, place: Region) -> NDArray[np.uint8]:
        """Its pixels at a place; where they cannot be had, the grey that compositors paint then."""
        from Xlib import X
        from Xlib.error import XError

        with suppress(XError):
            source, x, y = self._source(place)
            if source is not None:
                image = source.get_image(x, y, place.width, place.height, X.ZPixmap, 0xFFFFFFFF)
                return np.frombuffer(image.data, np.uint8).reshape(place.height, -1, 4)
        return np.full((place.height, place.width, 4), 0x80, np.uint8)

    def _source(self, place: Region) -> tuple[Any, int, int]:
        """What to read it from, and where."""
        if self._probe is None and not self._refused:
            self._make_probe()
        if self._probe is None:
            return self._pixmap(), place.left, place.top
        self._probe.clear_area(place.left, place.top, place.width, place.height)
        return self._probe, place.left, place.top

    def _make_probe(self) -> None:
        """Redirected by us and painted by nobody, it is on no screen. Where a compositor redirects all, it would be."""
        from Xlib import X
        from Xlib.error import CatchError
        from Xlib.ext import composite, shape

        screen = self._x.screen()
        probe = self._root.create_window(
            *(0, 0, screen.width_in_pixels, screen.height_in_pixels, 0),
            *(X.CopyFromParent, X.InputOutput),
            background_pixmap=_PARENT_RELATIVE,
            override_redirect=True,
        )
        refused = CatchError()
        probe.composite_redirect_window(composite.RedirectManual, onerror=refused)
        probe.shape_rectangles(shape.SO.Set, shape.SK.Input, 0, 0, 0, [])
        self._x.sync()
        if refused.get_error():
            self._refused = True
            probe.destroy()
            return
        register(self._x, probe, PROBE)
        probe.configure(stack_mode=X.Below)
        probe.map()
        self._probe = probe

    def _pixmap(self) -> Any:
        """As whoever set it has noted."""
        for name in _ROOT_PIXMAPS:
            found = self._root.get_full_property(self._x.intern_atom(name), 0)
            if found is not None and len(found.value):
                return self._x.create_resource_object("pixmap", int(found.value[0]))
        return None


def _is_lost(error: Exception) -> bool:
    from Xlib.error import ConnectionClosedError

    return isinstance(error, ConnectionClosedError | OSError)


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""
