"""Eyes: what a place looks through. Capture, settle and encode behind one door."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from typing import Self, TypeVar

from perception import frames
from perception.account import Account, Input
from perception.backends.xdamage import WatchLost
from perception.encode import MAX_SIZE, Encoder
from perception.errors import ScreenLost
from perception.frames import Frame
from perception.pace import Deed
from perception.restless import Change, Restless
from perception.screen import Screen, ScreenResized, open_screen
from perception.screenshot import Region, Screenshot, Space
from perception.settle import CAP, GLANCE, SEQUEL, TEMPO, Settled, Settling, Tempo, wait_for_change
from perception.stale import Layout, Memory, open_layout
from perception.watch import PollingWatch, Wake, Watching, open_watch, polling, without_damage

ECHO = (200, 40)  # pixels to each side of the point of an action; what changes only there may be a mere echo
_PLACE = 16  # pixels; places of actions that are closer together may be the same button
_TRIES = 5  # for a screen that changes its size while it is looked at
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Late:
    """What has changed since the last picture, carets and restless places left out.

    Attributes:
        share: of the screen, 0 to 1, that looks different now.
        place: around that, in the units of `Eyes.region`.
        after: seconds from the picture to the first change; None if nothing told.
    """

    share: float
    place: Region
    after: float | None


class Eyes:
    """Looks at one screen. Every call blocks; one at a time, from any thread; `interrupt` at any moment.

    All of them raise ScreenLost when the screen is gone. A change of its size is taken in stride.
    """

    def __init__(
        self,
        screen: Screen,
        watching: Watching = polling,
        *,
        layout: Layout | None = None,
        max_size: tuple[int, int] = MAX_SIZE,
        cursor: bool = False,
        tempo: Tempo = TEMPO,
    ) -> None:
        self._screen, self._cursor, self._tempo = screen, cursor, tempo
        self._encoder = Encoder(max_size)
        self._memory = Memory(layout)
        self._lock = RLock()
        self._wake = Wake()
        self._restless = Restless()
        self._watch, note = watching(screen, self._wake)
        self._notes = [note] if note else []
        self._account = Account()
        self._marked = False  # an input was sent since the screen was last seen to be still
        self._cause: Input | None = None  # what that was, if it was no input
        self._at_rest = False  # it was still when the watch was last asked
        self._size = (0, 0)  # of frames, in pixels
        self._last: Frame | None = None  # what `look` showed last
        self._looked = 0.0  # when (`time.monotonic`)
        self._changed: Region | None = None  # around what has changed since, as far as it matters,
        self._changed_at: float | None = None  # and when it began
        self._closed = False

    @property
    def region(self) -> Region:
        """What the eyes see, in the units in which the pointer moves."""
        return self._screen.region

    @property
    def notes(self) -> tuple[str, ...]:
        """What they have to do without on this screen, one line each."""
        return (*self._screen.notes, *self._notes)

    @property
    def frame(self) -> Frame:
        """The whole screen as it is known: by the last `mark`, or by the end of the last wait. Not to be written to."""
        with self._lock:
            return self._watch.frame

    def mark(self, kind: str = "", at: tuple[int, int] | None = None) -> None:
        """Watch from now on: an input is about to be sent. Takes about 3 ms.

        Args:
            kind: of action, like "click", "type" or "keypress ctrl+s": the more of one kind, the better is known
                what usually comes of it.
            at: where on the screen, in the units of `region`; None for what has no place.
        """
        with self._lock:
            self._wake.clear()
            self._persist(lambda: self._mark(kind, at))

    def settle(self, cap: float = CAP) -> Settled:
        """Wait until the screen is still, for at most `cap` seconds. `moving` is in the units of `region`."""
        with self._lock:
            settled = self._persist(lambda: self._settle(cap))
            self._memory.remember(self._watch.frame)
            return Settled(settled.settled, self._on_screen(settled.moving), settled.seconds, settled.responding)

    def look(self, cap: float = CAP) -> Screenshot:
        """Wait until the screen is still, for at most `cap` seconds, and take a picture of it."""
        with self._lock:
            settled, frame, taken_at = self._persist(lambda: self._see(cap))
            encoded = self._encoder.encode(self._screen.with_cursor(frame) if self._cursor else frame)
            changed = 1.0 if self._last is None else frames.share_changed(self._last, frame)
            self._last, self._looked = frame, time.monotonic()
            self._memory.remember(frame)
            self._changed = self._changed_at = None
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
                responding=settled.responding,
            )

    def doubt(self, x: int, y: int) -> str:
        """After `mark`: why a point of the screen is not what it was when it was last known, or "".

        Known is what `look` showed, and what has come since of the looker's own inputs, as far as `settle` saw it.
        """
        with self._lock:
            return self._memory.doubt(self._watch.frame, *self._in_frame(x, y), at=(x, y))

    def doubt_focus(self) -> str:
        """Why the keyboard may reach something else than when the screen was last known, or ""."""
        with self._lock:
            return self._memory.doubt_focus()

    def late(self) -> Late | None:
        """What has changed since the last `look`; None for nothing. Costs next to nothing on a still screen."""
        with self._lock:
            return self._persist(self._late)

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
            self._memory.close()
            self._encoder.close()
            self._screen.close()
            self._wake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _mark(self, kind: str, at: tuple[int, int] | None) -> None:
        self._catch_up()
        self._account.close(self._area)
        self._size = frames.size(self._watch.start(anew=False))
        front = self._watch.front()
        spot = None if at is None else self._in_frame(*at)
        place = None if spot is None else (spot[0] // _PLACE, spot[1] // _PLACE)
        self._account.open(Deed(kind, front.program, front.window, place), None if spot is None else _around(*spot))
        self._marked, self._cause = True, None

    def _settle(self, cap: float) -> Settled:
        if self._marked:
            return self._wait_until_still(self._cause or self._account.sent(), cap)
        self._catch_up()
        if self._at_rest:
            return Settled(True, None, 0.0)
        self._watch_anew()  # whatever changed while nobody was looking is no reason to wait
        return self._wait_until_still(Input(time.monotonic(), expected=GLANCE, held=False), cap)

    def _wait_until_still(self, cause: Input, cap: float) -> Settled:
        self._at_rest = False
        settling = Settling(self._watch, self._restless, self._area, cause, self._tempo, self._prepare)
        self._restless.resume(time.monotonic())
        try:
            settled = settling.run(self._wake, cap)
        finally:
            self._stop_watching(settling.changes)
        self._at_rest = settled.settled
        self._marked = self._marked and not settled.settled
        return settled

    def _prepare(self) -> None:
        if not self._cursor:  # which would have to be drawn where it will be
            self._encoder.prepare(self._watch.frame)

    def _see(self, cap: float) -> tuple[Settled, Frame, float]:
        settled = self._settle(cap)
        frame, taken_at = self._watch_anew(), time.time()
        self._watch.linger()
        return settled, frame, taken_at

    def _wait_for_change(self, cap: float) -> bool:
        self._catch_up()
        if not self._marked:
            self._watch_anew()
        self._at_rest = False
        changes: Sequence[Change] = ()
        self._restless.resume(time.monotonic())
        try:
            changes = wait_for_change(self._watch, self._restless, self._wake, area=self._area, cap=cap)
        finally:
            self._stop_watching(changes)
        if changes and not self._marked:  # what has begun to change may go on, as after an input
            self._marked, self._cause = True, Input(time.monotonic(), expected=SEQUEL)
        return bool(changes)

    def _stop_watching(self, changes: Sequence[Change]) -> None:
        self._note(changes)
        self._restless.pause(time.monotonic())
        with suppress(ScreenLost, WatchLost):  # that is told by the next call, if not by this one
            self._watch.linger()

    def _catch_up(self) -> None:
        """Learn what has changed while nobody was watching."""
        changes = [change for change in self._watch.wait(0).changes if not self._restless.known(change)]
        self._note(changes)
        self._at_rest = self._at_rest and not changes

    def _note(self, changes: Sequence[Change]) -> None:
        self._account.note(changes)
        self._changed = frames.bounding(
            [*(change.region for change in changes), *([] if self._changed is None else [self._changed])]
        )
        times = [change.at for change in changes if change.at is not None]
        self._changed_at = min(times, default=None) if self._changed_at is None else self._changed_at

    def _late(self) -> Late | None:
        self._catch_up()
        around, now, last = self._changed, self._watch.frame, self._last
        if around is None or last is None:
            return None
        if last.shape != now.shape:
            return Late(1.0, self.region, None)
        share = frames.share_changed(frames.cut(last, around), frames.cut(now, around))
        place = self._on_screen(around)
        if not share or place is None:
            return None
        after = None if self._changed_at is None else max(0.0, self._changed_at - self._looked)
        return Late(share * around.width * around.height / self._area, place, after)

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

    def _in_frame(self, x: int, y: int) -> tuple[int, int]:
        region = self.region
        width, height = self._size
        return (x - region.left) * width // region.width, (y - region.top) * height // region.height

    def _on_screen(self, place: Region | None) -> Region | None:
        if place is None:
            return None
        region = self.region
        scaled = _scaled(place, self._size, (region.width, region.height))
        return Region(scaled.left + region.left, scaled.top + region.top, scaled.width, scaled.height)


def open_eyes(
    display: str | None = None,
    *,
    monitor: int = 0,
    cursor: bool = False,
    max_size: tuple[int, int] = MAX_SIZE,
) -> Eyes:
    """Open eyes on a display, like ":77" (None: the one of the environment, or the only one there is).

    Args:
        display: only X11 has names for them.
        monitor: number of the one to be seen; 0 for all together.
        cursor: whether the mouse pointer is drawn into pictures. It never counts as a change.
        max_size: width and height in pixels that pictures may have; larger screens are scaled down.

    Raises:
        ScreenLost: there is no such screen.
    """
    screen = open_screen(display, monitor=monitor)
    try:
        return Eyes(
            screen,
            lambda screen, wake: open_watch(screen, wake, display),
            layout=open_layout(display),
            max_size=max_size,
            cursor=cursor,
        )
    except BaseException:
        screen.close()
        raise


def _around(x: int, y: int) -> Region:
    return Region(x - ECHO[0], y - ECHO[1], 2 * ECHO[0] + 1, 2 * ECHO[1] + 1)


def _scaled(place: Region, size: tuple[int, int], to: tuple[int, int]) -> Region:
    """The smallest rectangle that covers, in a picture of size `to`, what `place` covers at size `size`."""
    left, top = place.left * to[0] // size[0], place.top * to[1] // size[1]
    right, bottom = -(-place.right * to[0] // size[0]), -(-place.bottom * to[1] // size[1])
    return Region(left, top, right - left, bottom - top)
