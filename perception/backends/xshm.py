"""The screen of an X server in shared memory, through python-xlib: for places where mss is not installed.

The extension's requests are written out here, as python-xlib leaves MIT-SHM out. Without it (a server on another
machine) pictures come through the connection, which is slower.
"""

from __future__ import annotations

import ctypes
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from actuators.backends.x11_display import XDisplay
from actuators.errors import ActuatorError
from perception.cursor import Cursor
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import Monitor, resized
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXTENSION = "MIT-SHM"
_ALL_PLANES = 0xFFFFFFFF
_PIXEL = 4  # bytes


class XShmBackend:
    """See `perception.screen.Backend`. One connection, and one segment of shared memory for a whole frame."""

    def __init__(self, display: str | None, *, monitor: int = 0) -> None:
        self._name, self._monitor = display, monitor
        self._display: XDisplay | None = None
        self._segment: Segment | None = None
        self._notes: list[str] = []
        self._told_cursor: bool | None = None  # by this connection; None: not asked yet
        self._region = Region(0, 0, 0, 0)
        self.reopen()

    @property
    def region(self) -> Region:
        """The monitor, or all of them."""
        return self._region

    @property
    def notes(self) -> Sequence[str]:
        """Why there is no shared memory."""
        return self._notes

    def monitors(self) -> Sequence[Monitor]:
        """As RandR tells; the first one counts as the main one."""
        with self._one_error():
            found = self._open_display.monitors()
        return [Monitor(number, "", Region(*area), number == 1) for number, area in enumerate(found, 1)]

    def cursor(self) -> Cursor | None:
        """As XFIXES tells; None on servers without it."""
        import numpy as np
        from Xlib.ext import xfixes

        display = self._open_display
        with self._one_error(), display.asking():
            if not self._tells_cursor(display, xfixes.extname):
                return None
            shown: Any = display.x.xfixes_get_cursor_image(display.root)
        picture = np.array(shown.cursor_image, np.uint32).view(np.uint8).reshape(shown.height, shown.width, 4)
        return Cursor(picture, shown.x - shown.xhot, shown.y - shown.yhot)

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`. The array is this caller's own."""
        with self._one_error():
            pixels = self._shared(region) if self._segment is not None else self._sent(region)
        return pixels.reshape(region.height, region.width, _PIXEL)

    def measure(self) -> Region:
        """See `Backend.measure`: one round trip."""
        try:
            with self._open_display.mapped():
                return self._chosen()
        except ActuatorError as error:
            raise ScreenLost(str(error)) from error

    def reopen(self) -> None:
        """See `Backend.reopen`."""
        self.close()
        try:
            self._display = XDisplay(self._name)
        except ActuatorError as error:
            raise ScreenLost(str(error)) from error
        try:
            with self._display.mapped():
                self._region = self._chosen()
                self._check_depth(self._display)
                self._open_segment(self._display)
        except ActuatorError as error:
            self.close()
            raise ScreenLost(str(error)) from error
        except ScreenLost:
            self.close()
            raise

    def close(self) -> None:
        """See `Backend.close`."""
        segment, self._segment = self._segment, None
        display, self._display = self._display, None
        self._told_cursor = None
        if segment is not None:
            with suppress(Exception):  # the server may be gone, and its mapping with it
                segment.detach()
        if display is not None:
            display.close()

    @property
    def _open_display(self) -> XDisplay:
        if self._display is None:
            raise ScreenLost("the screen was closed")
        return self._display

    def _chosen(self) -> Region:
        display = self._open_display
        if not self._monitor:
            with display.asking():
                size = display.root.get_geometry()
            return Region(0, 0, size.width, size.height)
        found = display.monitors()
        if self._monitor > len(found):
            raise ScreenLost(f"there is no monitor {self._monitor}: the screen has {len(found)}")
        return Region(*found[self._monitor - 1])

    def _tells_cursor(self, display: XDisplay, extension: str) -> bool:
        if self._told_cursor is None:
            self._told_cursor = bool(display.x.has_extension(extension))
            if self._told_cursor:
                display.x.xfixes_query_version()
        return self._told_cursor

    def _check_depth(self, display: XDisplay) -> None:
        depth = display.x.screen().root_depth
        if depth not in (24, 32):
            raise ScreenLost(f"display {display.name} has {depth} bits for each pixel; 24 are needed")

    def _open_segment(self, display: XDisplay) -> None:
        try:
            self._segment, self._notes = Segment(display, self._region.width * self._region.height * _PIXEL), []
        except (OSError, NoSharedMemory) as error:
            self._notes = [f"screen capture is slower: {error}"]

    def _shared(self, region: Region) -> NDArray[np.uint8]:
        import numpy as np

        assert self._segment is not None
        size = region.width * region.height * _PIXEL
        return np.frombuffer(self._segment.fill(region)[:size], np.uint8).copy()

    def _sent(self, region: Region) -> NDArray[np.uint8]:
        import numpy as np
        from Xlib.X import ZPixmap

        display = self._open_display
        with display.asking():
            area = (region.left, region.top, region.width, region.height)
            image: Any = display.root.get_image(*area, ZPixmap, _ALL_PLANES)
        return np.frombuffer(image.data, np.uint8).copy()

    @contextmanager
    def _one_error(self) -> Generator[None, None, None]:
        """Whatever goes wrong, as the one thing that it means: gone, or of another size."""
        try:
            with self._open_display.mapped():
                yield
        except ActuatorError as error:
            now = self._region
            with suppress(ScreenLost):  # then the first error says it all
                now = self.measure()
            if now != self._region:
                raise resized(self._region, now) from error
            raise ScreenLost(str(error)) from error


class NoSharedMemory(Exception):
    """The server cannot share memory with us; the message says why."""


class Segment:
    """Memory that the X server writes pictures into."""

    def __init__(self, display: XDisplay, size: int) -> None:
        """Raises NoSharedMemory, OSError."""
        self._display = display
        with display.asking():
            found: Any = display.x.query_extension(EXTENSION)
        if found is None or not found.present:
            raise NoSharedMemory("the X server has no MIT-SHM extension")
        self._opcode = int(found.major_opcode)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self._libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
        self._libc.shmdt.argtypes = (ctypes.c_void_p,)
        self._id = int(display.x.display.allocate_resource_id())
        self._address = self._attach(size)
        self._buffer = memoryview((ctypes.c_ubyte * size).from_address(self._address))

    def fill(self, region: Region) -> memoryview:
        """What the region shows now, row after row."""
        from Xlib.X import ZPixmap

        with self._display.asking():
            _get_image_request()(
                display=self._display.x.display,
                opcode=self._opcode,
                drawable=self._display.root.id,
                x=region.left,
                y=region.top,
                width=region.width,
                height=region.height,
                plane_mask=_ALL_PLANES,
                format=ZPixmap,
                segment=self._id,
                offset=0,
            )
        return self._buffer

    def detach(self) -> None:
        """Let go of the memory: the server does when the connection ends."""
        self._buffer.release()
        self._libc.shmdt(self._address)

    def _attach(self, size: int) -> int:
        """Map new memory here and in the server; it vanishes with the last of the two."""
        private, owner_only, remove = 0, 0o600, 0
        number = self._libc.shmget(private, size, 0o1000 | owner_only)
        if number < 0:
            raise OSError(ctypes.get_errno(), "no shared memory is to be had")
        try:
            address = self._libc.shmat(number, None, 0)
            if address in (None, ctypes.c_void_p(-1).value):
                raise OSError(ctypes.get_errno(), "shared memory cannot be mapped")
            self._let_server_attach(number)
        finally:
            self._libc.shmctl(number, remove, None)
        return int(address)

    def _let_server_attach(self, number: int) -> None:
        from Xlib.error import CatchError

        refused = CatchError()
        _attach_request()(
            display=self._display.x.display,
            onerror=refused,
            opcode=self._opcode,
            segment=self._id,
            memory=number,
            read_only=0,
        )
        self._display.sync()
        if refused.get_error():
            raise NoSharedMemory("the X server may not map our memory; it runs for somebody else, or elsewhere")


@cache
def _attach_request() -> Any:
    from Xlib.protocol import rq

    class Attach(rq.Request):
        _request = rq.Struct(
            rq.Card8("opcode"),
            rq.Opcode(1),
            rq.RequestLength(),
            rq.Card32("segment"),
            rq.Card32("memory"),
            rq.Bool("read_only"),
            rq.Pad(3),
        )

    return Attach


@cache
def _get_image_request() -> Any:
    from Xlib.protocol import rq

    class GetImage(rq.ReplyRequest):
        _request = rq.Struct(
            rq.Card8("opcode"),
            rq.Opcode(4),
            rq.RequestLength(),
            rq.Card32("drawable"),
            rq.Int16("x"),
            rq.Int16("y"),
            rq.Card16("width"),
            rq.Card16("height"),
            rq.Card32("plane_mask"),
            rq.Card8("format"),
            rq.Pad(3),
            rq.Card32("segment"),
            rq.Card32("offset"),
        )
        _reply = rq.Struct(
            rq.ReplyCode(),
            rq.Card8("depth"),
            rq.Card16("sequence_number"),
            rq.ReplyLength(),
            rq.Card32("visual"),
            rq.Card32("size"),
            rq.Pad(16),
        )

    return GetImage
