"""Frames to the exact bytes that a model is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perception import frames, pixels
from perception.errors import ScreenLost
from perception.frames import Frame

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MAX_SIZE = (1920, 1080)  # pixels; what the sent image may measure unless a setting says otherwise


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded picture, and its size in pixels."""

    image: bytes
    media_type: str
    width: int
    height: int


def encode(frame: Frame, *, max_size: tuple[int, int] = MAX_SIZE) -> Encoded:
    """Encode a BGRX frame as PNG, scaled down once if it exceeds `max_size` (w, h); never up, never distorted.

    The same pixels always give the same bytes: the journal keeps each picture once, by content.

    Raises:
        ScreenLost: there is no pixel in it.
    """
    if not frame.size:
        raise ScreenLost("the screen gave a picture without pixels; is a monitor switched on?")
    width, height = fitted(frames.size(frame), max_size)
    return Encoded(pixels.png(frame, (width, height)), "image/png", width, height)


class Encoder:
    """Encodes the frames of one screen, each content once: a frame that looks like the one before gets its bytes.

    Comparing takes a tenth of the time of encoding. For one thread at a time.
    """

    def __init__(self, max_size: tuple[int, int] = MAX_SIZE) -> None:
        self._max_size = max_size
        self._frame: Frame | None = None
        self._encoded: Encoded | None = None
        self._ahead: tuple[Frame, Future[Encoded]] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def prepare(self, frame: Frame) -> None:
        """Begin to encode a frame that may be wanted soon, in another thread. It must not be written to afterwards."""
        if self._frame is not None and frames.alike(self._frame, frame):
            return
        if self._ahead and not self._ahead[1].done():
            return
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, "deskhand-encode")
        self._ahead = frame, self._thread.submit(encode, frame, max_size=self._max_size)

    def encode(self, frame: Frame) -> Encoded:
        """See `encode`. The frame is kept, and must not be written to afterwards."""
        if self._frame is None or self._encoded is None or not frames.alike(self._frame, frame):
            self._encoded = self._prepared(frame) or encode(frame, max_size=self._max_size)
        self._frame = frame
        return self._encoded

    def close(self) -> None:
        """End the thread. May be called twice."""
        if self._thread:
            self._thread.shutdown()

    def _prepared(self, frame: Frame) -> Encoded | None:
        ahead, self._ahead = self._ahead, None
        return ahead[1].result() if ahead and frames.alike(ahead[0], frame) else None


def fitted(size: tuple[int, int], limit: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the same shape that fits the limit, and is no larger than it was."""
    width, height = size
    scale = min(limit[0] / width, limit[1] / height, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale))
