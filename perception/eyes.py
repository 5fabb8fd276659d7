"""Eyes: what a place looks through. Capture, settle and encode behind one door."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock
from types import TracebackType
from typing import Self, TypeVar

from perception import frames
from perception.backends.xdamage import WatchLost
from perception.encode import MAX_SIZE, encode
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.screen import Screen, ScreenResized, open_screen
from perception.screenshot import Region, Screenshot, Space
from perception.settle import CAP, Restless, Settled, settle, wait_for_change
from perception.watch import PollingWatch, Wake, Watching, open_watch, polling, without_damage

_TRIES = 5  # for a screen that changes its size while it is looked at
_T = TypeVar("_T")


class Eyes:
    """Looks at one screen. Every call blocks; one at a time, from any thread; `interrupt` at any moment.

    All of them raise ScreenLost when the screen is gone. A change of its size is taken in stride.
    """

    def __init__(self, screen: Screen, watching: Watching = polling, *, max_size: tuple[int, int] = MAX_SIZE) -> None:
        self._screen, self._max_size = screen, max_size
        self._lock = RLock()
        self._wake = Wake()
        self._restless = Restless()
        self._watch, note = watching(screen, self._wake)
        self._notes = [note] if note else []
        self._marked = False  # an input was sent since the screen was last seen to be still
        self._at_rest = False  # it was still when the watch was last asked
        self._size = (0, 0)  # of frames, in pixels
        self._last: Frame | None = None  # what `look` showed last
        self._closed = False

    @property
    def region(self) -> Region:
        """What the eyes see, in the units in which the pointer moves."""
        return self._screen.region

    @property
    def notes(self) -> tuple[str, ...]:
        """What they have to do without on this screen, one line each."""
        return (*self._screen.notes, *self._notes)

    def mark(self) -> None:
        """Watch from now on: an input is about to be sent. Takes about 2 ms."""
        with self._lock:
            self._wake.clear()
            self._persist(self._watch_anew)
            self._marked = True

    def settle(self, cap: float = CAP) -> Settled:
        """Wait until the screen is still, for at most `cap` seconds. `moving` is in the units of `region`."""
        with self._lock:
            settled = self._persist(lambda: self._settle(cap))
            return Settled(settled.settled, self._on_screen(settled.moving), settled.seconds, settled.responding)

    def look(self, cap: float = CAP) -> Screenshot:
        """Wait until the screen is still, for at most `cap` seconds, and take a picture of it."""
        with self._lock:
            settled, frame, taken_at = self._persist(lambda: self._see(cap))
            encoded = encode(frame, max_size=self._max_size)
            changed = 1.0 if self._last is None else frames.share_changed(self._last, frame)
            self._last = frame
            sent = (encoded.width, encoded.height)
            moving = None if settled.moving is None else _scaled(settled.moving, frames.size(frame), sent)
            return Screenshot(
                image=encoded.image,
                media_type=encoded.media_type,
                space=Space(self.region, encoded.width, encoded.height),
                taken_at=taken_at,
                settled=settled.settled,
                moving=moving,
                changed=changed,
            )

    def wait_for_change(self, cap: float = 2.0) -> bool:
        """Wait until something new appears, carets and spinners left out; False if nothing did up to the cap."""
        with self._lock:
            return self._persist(lambda: self._wait_for_change(cap))

    def interrupt(self) -> None:
        """Make the call under way return at once, or else the next one (unless `mark` comes before it)."""
        self._wake.set()

    def close(self) -> None:
        """Let go of the screen. May be called twice."""
        self._wake.set()
        with self._lock:
            self._closed = True
            self._watch.close()
            self._screen.close()
            self._wake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _settle(self, cap: float) -> Settled:
        if not self._marked:
            if self._at_rest and not self._watch.stirred():
                return Settled(True, None, 0.0)
            self._watch_anew()  # whatever changed while nobody was looking is no reason to wait
        self._at_rest = False
        settled = settle(self._watch, self._restless, self._wake, area=self._area, cap=cap, after_input=self._marked)
        self._at_rest = settled.settled
        self._marked = self._marked and not settled.settled
        return settled

    def _see(self, cap: float) -> tuple[Settled, Frame, float]:
        settled = self._settle(cap)
        return settled, self._watch_anew(), time.time()

    def _wait_for_change(self, cap: float) -> bool:
        if not self._marked:
            self._watch_anew()
        self._at_rest = False
        changed = wait_for_change(self._watch, self._restless, self._wake, area=self._area, cap=cap)
        self._marked = self._marked or changed  # what has begun to change may go on, as after an input
        return changed

    def _watch_anew(self) -> Frame:
        frame = self._watch.start()
        self._size = frames.size(frame)
        return frame

    @property
    def _area(self) -> int:
        return self._size[0] * self._size[1]

    def _persist(self, work: Callable[[], _T]) -> _T:
        """Do it, on a screen that may change its size, and with an X server that may stop telling."""
        anew = False
        for _ in range(_TRIES):
            if self._closed:
                raise ScreenLost("these eyes are closed")
            try:
                if anew:
                    self._watch_anew()
                return work()
            except ScreenResized:
                self._screen.reopen()
                self._at_rest, anew = False, True
            except WatchLost as error:
                self._watch.close()
                self._watch = PollingWatch(self._screen, self._wake)
                self._notes.append(without_damage(error))
        raise ScreenLost("the screen keeps changing its size")

    def _on_screen(self, place: Region | None) -> Region | None:
        if place is None:
            return None
        region = self.region
        scaled = _scaled(place, self._size, (region.width, region.height))
        return Region(scaled.left + region.left, scaled.top + region.top, scaled.width, scaled.height)


def open_eyes(display: str | None = None, *, max_size: tuple[int, int] = MAX_SIZE) -> Eyes:
    """Open eyes on a display, like ":77" (None: the one of the environment, or the only one there is).

    Args:
        display: only X11 has names for them.
        max_size: width and height in pixels that pictures may have; larger screens are scaled down.

    Raises:
        ScreenLost: there is no such screen.
    """
    screen = open_screen(display)
    try:
        return Eyes(screen, lambda screen, wake: open_watch(screen, wake, display), max_size=max_size)
    except BaseException:
        screen.close()
        raise


def _scaled(place: Region, size: tuple[int, int], to: tuple[int, int]) -> Region:
    """The smallest rectangle that covers, in a picture of size `to`, what `place` covers at size `size`."""
    left, top = place.left * to[0] // size[0], place.top * to[1] // size[1]
    right, bottom = -(-place.right * to[0] // size[0]), -(-place.bottom * to[1] // size[1])
    return Region(left, top, right - left, bottom - top)
