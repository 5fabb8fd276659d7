"""The live picture of a session's private desktop: JPEG frames, only when something has changed.

Each screen is read by a thread of its own, once for all who look at it, and no longer than somebody does. A viewer that
is slow gets the newest frame and never a backlog.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import UserFault
from perception.errors import PerceptionError, ScreenLost
from perception.frames import Frame, alike, size

if TYPE_CHECKING:
    from perception.screen import Backend, Screen

WIDTHS = (64, 3840)  # pixels across, least and most
FASTEST = 5.0  # frames a second
QUALITY = 80  # of JPEG, in percent
STEP = 64  # widths are rounded up to multiples, so that viewers of about the same size share frames
QUIET = 10.0  # seconds after which a viewer is sent the same frame again, which shows whether it is still there
BOUNDARY = b"frame"
MACHINE = "vm:"  # before the workspace of a session, in place of a display, for the machine that it works in


@dataclass(frozen=True, slots=True)
class Sight:
    """A screen at one moment; `pictures` are made when the first viewer of a width asks."""

    number: int
    frame: Frame
    pictures: dict[int, bytes] = field(default_factory=dict[int, bytes])


class LiveScreens:
    """All screens that somebody looks at now."""

    def __init__(self, open_screen: Callable[[str], Screen] | None = None) -> None:
        self._open_screen = open_screen or _open
        self._lock = threading.Lock()
        self._screens: dict[str, _Shared] = {}

    async def frames(self, display: str, width: int, fps: float) -> AsyncGenerator[bytes]:
        """JPEG frames of a display until it is gone; each one that is sent differs from the one before.

        Args:
            width: pixels across at most; never more than the screen has.
            fps: at most so many a second.
        """
        width = -(-min(max(width, WIDTHS[0]), WIDTHS[1]) // STEP) * STEP
        viewer = _Viewer(min(max(fps, 0.2), FASTEST))
        shared = self._join(display, viewer)
        seen, sent_at = 0, 0.0
        try:
            while (sight := await viewer.next(seen)) is not None:
                if sight.number != seen or time.monotonic() - sent_at > QUIET:
                    seen, sent_at = sight.number, time.monotonic()
                    yield await asyncio.to_thread(shared.picture, sight, width)
                await asyncio.sleep(1 / viewer.fps)
        finally:
            self._leave(display, shared, viewer)

    def close(self) -> None:
        """Nobody looks any more."""
        with self._lock:
            screens = list(self._screens.values())
        for shared in screens:
            shared.end()

    def _join(self, display: str, viewer: _Viewer) -> _Shared:
        with self._lock:
            shared = self._screens.get(display)
            if shared is None or shared.ended:
                shared = self._screens[display] = _Shared(lambda: self._open_screen(display))
            shared.join(viewer)
            return shared

    def _leave(self, display: str, shared: _Shared, viewer: _Viewer) -> None:
        with self._lock:
            if shared.leave(viewer) and self._screens.get(display) is shared:
                del self._screens[display]


class _Viewer:
    """One who looks, in the thread of an event loop."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._sight: Sight | None = None
        self._ended = False

    def show(self, sight: Sight | None) -> None:
        """There is a new sight; None when there will be no more. From any thread."""
        self._sight, self._ended = sight or self._sight, self._ended or sight is None
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def next(self, seen: int) -> Sight | None:
        """The newest sight, once it is another one than `seen`, or after a while; None at the end."""
        waited = False
        while not self._ended and (self._sight is None or (self._sight.number == seen and not waited)):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), QUIET)
            except TimeoutError:
                waited = True
        return None if self._ended else self._sight


class _Shared:
    """One screen, read by a thread for all its viewers."""

    def __init__(self, open_screen: Callable[[], Screen]) -> None:
        self.ended = False
        self._open_screen = open_screen
        self._viewers: set[_Viewer] = set()
        self._lock = threading.Lock()
        self._encoding = threading.Lock()
        self._wake = threading.Event()
        self._sight: Sight | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-live")

    def join(self, viewer: _Viewer) -> None:
        """One more looks."""
        with self._lock:
            self._viewers.add(viewer)
            if self._sight:
                viewer.show(self._sight)
            if self._thread.ident is None:
                self._thread.start()
        self._wake.set()

    def leave(self, viewer: _Viewer) -> bool:
        """One looks no more; says whether it was the last."""
        with self._lock:
            self._viewers.discard(viewer)
            if not self._viewers:
                self.ended = True
                self._wake.set()
            return self.ended

    def end(self) -> None:
        """There will be no more frames."""
        self.ended = True
        self._wake.set()
        with self._lock:
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.show(None)

    def picture(self, sight: Sight, width: int) -> bytes:
        """A sight as JPEG of this width, made once for all."""
        with self._encoding:
            if width not in sight.pictures:
                sight.pictures[width] = to_jpeg(sight.frame, width)
            return sight.pictures[width]

    def _run(self) -> None:
        try:
            with self._open_screen() as screen:
                while not self.ended:
                    began = time.monotonic()
                    self._look(screen)
                    self._wake.wait(max(0.0, 1 / self._fps() - (time.monotonic() - began)))
                    self._wake.clear()
        except (PerceptionError, OSError):  # the screen is gone, or was never there
            pass
        finally:
            self.end()

    def _fps(self) -> float:
        with self._lock:
            return max((viewer.fps for viewer in self._viewers), default=FASTEST)

    def _look(self, screen: Screen) -> None:
        frame = screen.with_cursor(screen.grab())
        before = self._sight
        if before is not None and alike(before.frame, frame):
            return
        with self._lock:
            self._sight = sight = Sight(before.number + 1 if before else 1, frame)
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.show(sight)


def _open(display: str) -> Screen:
    """A private desktop's screen, without a window of ours that would have to be left out; or a machine's."""
    from perception.backends.mss import MssBackend
    from perception.screen import Screen

    if display.startswith(MACHINE):
        return Screen(_machine(Path(display.removeprefix(MACHINE))))
    return Screen(MssBackend(display, monitor=0))


def _machine(workspace: Path) -> Backend:
    """The screen of the virtual machine that another process holds."""
    from vm.machine import live_machine
    from vm.remote_eyes import MachineBackend

    machine = live_machine(workspace)
    if machine is None:
        raise ScreenLost(f"no virtual machine works in {workspace}")
    try:
        backend = MachineBackend(machine)
    except BaseException:
        machine.close()
        raise
    backend.close = machine.close  # it is nobody else's to end here
    return backend


def to_jpeg(frame: Frame, width: int) -> bytes:
    """A BGRX frame as JPEG, scaled down to this width if it is wider."""
    import cv2

    picture = cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)
    across, down = size(frame)
    if width < across:
        picture = cv2.resize(picture, (width, max(1, round(down * width / across))), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise UserFault("the picture could not be encoded; reload the page")
    return data.tobytes()


def part(jpeg: bytes) -> bytes:
    """A frame as a part of a multipart stream."""
    head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(jpeg))
    return head + jpeg + b"\r\n"
