"""The reference: a process that watches every frame, and knows afterwards when the screen really became still.

It looks at the pixels themselves, a hundred times a second, and shares no code with what it judges but the comparison
of two frames. Carets are left out, and what blinks with no input at all.
"""

from __future__ import annotations

import bisect
import itertools
import multiprocessing
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, cast

from perception import frames
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np
    from mss import MSS
    from numpy.typing import NDArray

    from perception.frames import Frame

EVERY = 0.01  # seconds between frames
HORIZON = 2.5  # seconds after an input in which a change counts as its effect
SHORT_LEAST, SHORT_SILENCE = 0.6, 0.45  # seconds after the input, and without a change, that end a short watch
SURE = 0.05  # seconds by which an action must have kept within both to be watched briefly
REST = 1.5  # seconds of stillness before the first input,
REST_CAP = 20.0  # waited for at most so many seconds,
IDLE = 2.0  # and then so many in which it is found out what blinks by itself:
BLINKS, BLINK_SHARE = 3, 0.01  # what changes so often, and is no larger than this share of the screen
START_SECONDS = 30.0
CARETS_MATTER = 0.02  # share of the screen; where more differs, a caret is not worth a search


@dataclass(frozen=True, slots=True)
class Recording:
    """What the screen did after one input. All times are in seconds since it was sent.

    Attributes:
        left: (time, share) pairs in order: from that time on, this share of the screen's pixels differed from how
            they were in the end.
        watched: when the watch ended.
    """

    left: tuple[tuple[float, float], ...]
    watched: float

    def left_at(self, seconds: float) -> float:
        """The share of the screen that was still to change at some time."""
        number = bisect.bisect_right(self.left, (seconds, 2.0))
        return self.left[max(0, number - 1)][1]

    @property
    def brief(self) -> bool:
        """Whether a short watch would have seen it all, with something to spare."""
        end = SHORT_LEAST - SURE
        for (_, before), (when, left) in itertools.pairwise(self.left):
            if left == before:
                continue
            if when > end:
                return False
            end = max(end, when + SHORT_SILENCE - SURE)
        return True

    def still_from(self, share: float = 0.0) -> float:
        """When no more than this share was to change any more, and remained so."""
        moving = [index for index, (_, left) in enumerate(self.left) if left > share]
        return max(0.0, self.left[moving[-1] + 1][0]) if moving else 0.0


class Reference:
    """The watcher's other end: `begin`, then the input, then `end`."""

    def __init__(self, pipe: Connection, blinking: Sequence[Region]) -> None:
        self.blinking = blinking
        self._pipe = pipe

    def begin(self) -> None:
        """Watch from now on."""
        self._pipe.send(None)
        self._pipe.recv()

    def end(self, sent: float, *, full: bool) -> Recording:
        """Watch on until the horizon, or if not `full` until nothing more is to be expected.

        Args:
            sent: `time.monotonic()` at the input.
        """
        self._pipe.send((sent, full))
        return self._pipe.recv()

    def differing(self, photograph: Frame, now: Frame) -> float:
        """Share of the pixels, 0 to 1, in which a photograph differs from the screen as it is now."""
        return frames.share_changed(_blanked(photograph, self.blinking), _blanked(now, self.blinking))


@contextmanager
def reference(display: str, *, patience: float = REST_CAP) -> Generator[Reference]:
    """Start the watcher, on a display where nothing is being done just now.

    Args:
        patience: seconds that the screen has for coming to rest first.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_watcher, args=(display, there, patience), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(START_SECONDS):
            raise TimeoutError("the reference did not start")
        yield Reference(cast("Connection", here), here.recv())
    finally:
        here.close()
        process.join(5)
        process.terminate()


def _watcher(display: str, pipe: Connection, patience: float) -> None:
    import mss

    with closing(mss.MSS(display=display)) as screen:
        _rest(screen, patience)
        blinking = _blinking(screen)
        pipe.send(blinking)
        try:
            while True:
                pipe.recv()
                pipe.send(_record(screen, pipe, blinking))
        except EOFError:
            return


def _blinking(screen: MSS) -> list[Region]:
    """Places that change again and again without any input."""
    first = _grab(screen)
    width, height = frames.size(first)
    seen = [change for changes in _idle(screen, first) for change in changes if not frames.is_caret(change)]
    small = [place for place in seen if place.width * place.height <= BLINK_SHARE * width * height]
    return [place for place in small if sum(frames.overlap(place, other) is not None for other in small) >= BLINKS]


def _rest(screen: MSS, patience: float) -> None:
    """An office draws its tools for a while after it has shown its window."""
    began = still = time.monotonic()
    known = _grab(screen)
    while (now := time.monotonic()) < min(still + REST, began + patience):
        time.sleep(0.05)
        fresh = _grab(screen)
        if frames.share_changed(known, fresh):
            still = now
        known = fresh


def _idle(screen: MSS, known: Frame) -> Iterator[Sequence[Region]]:
    end = time.monotonic() + IDLE
    while time.monotonic() < end:
        time.sleep(EVERY)
        fresh = _grab(screen)
        yield frames.changes(known, fresh)
        known = fresh


class _Tape:
    """The first frame, and what changed when."""

    def __init__(self, first: Frame, blinking: Sequence[Region]) -> None:
        self._first, self._known, self._blinking = first, first, blinking
        self._changes: list[tuple[float, Region, Frame]] = []
        self._last = 0.0

    def add(self, when: float, fresh: Frame) -> None:
        """A frame, grabbed not before `when`."""
        changes = frames.changes(self._known, fresh)
        place = frames.bounding(changes)
        if place is None:
            return
        self._changes.append((when, place, frames.cut(fresh, place).copy()))
        if not all(frames.is_caret(change) for change in changes):
            self._last = when
        self._known = fresh

    def over(self, now: float, sent: float) -> bool:
        """Whether a short watch may end."""
        return now - max(self._last, sent + SHORT_LEAST - SHORT_SILENCE) >= SHORT_SILENCE

    def recording(self, sent: float, ended: float) -> Recording:
        """Play it again, and hold each frame against the last one."""
        final, frame = (_blanked(one, self._blinking) for one in (self._known, self._first))
        differing = _Differing(frame, final)
        left = [(0.0, differing.share())]
        for when, place, pixels in self._changes:
            frames.cut(frame, place)[:] = pixels
            _blank(frame, self._blinking)
            differing.update(place)
            left.append((when - sent, differing.share()))
        return Recording(tuple(left), ended - sent)


class _Differing:
    """Where two frames differ, one of which changes: comparing them anew each time would take long."""

    def __init__(self, frame: Frame, final: Frame) -> None:
        self._frame, self._final = frame, final
        self._mask = _mask(frame, final)

    def update(self, place: Region) -> None:
        """The frame has changed there."""
        frames.cut(self._mask, place)[:] = _mask(frames.cut(self._frame, place), frames.cut(self._final, place))

    def share(self) -> float:
        """Share of the pixels that differ; carets are left out where they could matter."""
        import cv2

        count = cv2.countNonZero(self._mask)
        if count > CARETS_MATTER * self._mask.size:
            return count / self._mask.size
        left, top, width, height = cv2.boundingRect(self._mask)
        place = Region(left, top, width, height)
        if not count:
            return 0.0
        share = frames.share_changed(frames.cut(self._frame, place), frames.cut(self._final, place))
        return share * width * height / self._mask.size


def _mask(one: Frame, other: Frame) -> NDArray[np.uint8]:
    """255 where the colours differ."""
    import cv2

    apart = cv2.cvtColor(cv2.absdiff(one, other), cv2.COLOR_BGRA2BGR)
    return cv2.bitwise_not(cv2.inRange(apart, (0, 0, 0), (0, 0, 0))).astype("uint8", copy=False)


def _record(screen: MSS, pipe: Connection, blinking: Sequence[Region]) -> Recording:
    tape = _Tape(_grab(screen), blinking)
    pipe.send(None)
    told: tuple[float, bool] | None = None
    while True:
        now = time.monotonic()
        tape.add(now, _grab(screen))
        if told is None and pipe.poll():
            told = pipe.recv()
        if told is not None:
            sent, full = told
            if now >= sent + HORIZON or (not full and tape.over(now, sent)):
                return tape.recording(sent, now)
        time.sleep(max(0.0, now + EVERY - time.monotonic()))


def _grab(screen: MSS) -> Frame:
    import numpy as np

    shot = screen.grab(screen.monitors[0])
    return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)


def _blanked(frame: Frame, places: Sequence[Region]) -> Frame:
    blank = frame.copy()
    _blank(blank, places)
    return blank


def _blank(frame: Frame, places: Sequence[Region]) -> None:
    for place in places:
        frames.cut(frame, place)[:] = 0
