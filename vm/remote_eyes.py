"""Eyes on a virtual machine: pictures taken by the host, and a watch that asks inside who is at work."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from actuators.errors import ActuatorError
from perception import frames
from perception.backends.xfront import Front
from perception.errors import PerceptionError
from perception.frames import Frame
from perception.screen import Monitor, Screen, resized
from perception.screenshot import Region
from perception.settle import Tempo
from perception.watch import News, Wake, Watch, changes_of, is_unpainted, shows_nothing_new
from vm.guest_client import InFront, Pong

if TYPE_CHECKING:
    from perception.cursor import Cursor
    from perception.restless import Change
    from vm.guest_client import GuestClient
    from vm.remote_windows import RemoteLayout

SLOW = Tempo(prompt=0.2, answer=15.0, again=0.06)
"""Of an emulated machine, in which a round trip alone takes what a program of this machine needs for its answer."""

POLL = (0.02, 0.06)  # seconds between pictures: while things change, and after a while without a change
FRESH = 0.04  # seconds since a picture was begun, in which it is not taken again for the same look
CALM = 0.5  # seconds without a change, after which pictures are taken less often
PING = 3.0  # seconds for one question; it is asked again until it is answered
PATIENCE = 2.5  # seconds without a change, for a program that calculates or has to paint a new window
PATIENCE_ASKED = 5.0  # the same, for one that asks for it by the mouse pointer
PATIENCE_UNPAINTED = 6.0  # the same, for a new window that shows still what was there before it came
DEAF = 30.0  # seconds for which a program that did not answer is not asked again: it may only have been starting
_NOT_ASKED = Pong(asked=False, answered=False, moved_on=False)


class Pictured(Protocol):
    """Something that has a screen. Calls come from any thread, one at a time."""

    def screendump(self) -> Frame:
        """The whole screen now. Nobody writes to it afterwards.

        Raises:
            ScreenLost: the machine is gone.
        """
        ...


class Screenful(Pictured, Protocol):
    """A machine, as far as a computer needs it; `vm.machine.Machine` is one."""

    def check(self) -> None:
        """Raise ScreenLost, saying what has happened, where the machine hangs or is gone."""
        ...

    def close(self) -> None:
        """End it. Safe to call twice."""
        ...


class MachineBackend:
    """Its screen as a backend of `perception.screen.Screen`. Pictures have no mouse pointer: the machine hides it."""

    def __init__(self, machine: Pictured) -> None:
        self._machine = machine
        self.region = self.measure()
        self.notes: tuple[str, ...] = ()

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`."""
        frame = self._machine.screendump()
        if frames.size(frame) != (self.region.width, self.region.height):
            raise resized(self.region, Region(0, 0, *frames.size(frame)))
        return frame if region == self.region else frames.cut(frame, region)

    def monitors(self) -> Sequence[Monitor]:
        """A machine has one."""
        return (Monitor(1, "", self.measure(), primary=True),)

    def cursor(self) -> Cursor | None:
        """See `Backend.cursor`: where it is, only the machine knows."""
        return None

    def measure(self) -> Region:
        """See `Backend.measure`."""
        return Region(0, 0, *frames.size(self._machine.screendump()))

    def reopen(self) -> None:
        """See `Backend.reopen`."""
        self.region = self.measure()

    def close(self) -> None:
        """The machine is somebody else's to end."""


class Asker:
    """Asks the program in front for signs of life, in a thread of its own: only the last question counts."""

    def __init__(self, client: GuestClient) -> None:
        self._client = client
        self._questions: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._last = 0
        self._pong: Pong | None = None
        self._told = Wake()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Ask anew. Returns at once."""
        with self._lock:
            self._last += 1
            self._pong = None
            self._questions.put(self._last)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="deskhand-ping", daemon=True)
            self._thread.start()

    def drop(self) -> None:
        """Nobody wants the answer any more."""
        with self._lock:
            self._last += 1
            self._pong = None

    def fileno(self) -> int:
        """Readable once there is an answer."""
        return self._told.fileno()

    def take(self) -> Pong | None:
        """The answer to the last question, once."""
        self._told.clear()
        with self._lock:
            pong, self._pong = self._pong, None
        return pong

    def close(self) -> None:
        """Ask no more."""
        self.drop()
        self._questions.put(None)
        if self._thread is not None:
            self._thread.join(PING)
        self._told.close()

    def _work(self) -> None:
        while (number := self._questions.get()) is not None:
            pong = self._asked(number)
            with self._lock:
                if pong is None or number != self._last:
                    continue
                self._pong = pong
                self._told.set()

    def _asked(self, number: int) -> Pong | None:
        """The answer, however long it takes; None where it is not wanted any more."""
        while number == self._last:
            try:
                pong = self._client.ping(PING)
            except (ActuatorError, PerceptionError):  # eyes and hands tell what is wrong
                return _NOT_ASKED
            if not pong.asked or pong.answered or pong.moved_on:
                return pong
        return None


class RemoteWatch:
    """Compares pictures that the host takes, and asks the machine about its programs; see `perception.watch.Watch`."""

    def __init__(self, screen: Screen, wake: Wake, client: GuestClient, layout: RemoteLayout) -> None:
        self._screen, self._wake, self._client, self._layout = screen, wake, client, layout
        self._grabbed = 0.0  # when the last picture was begun
        self._known = self._first = self._grab()
        self._asker = Asker(client)
        self._lingers = False
        self._changed = time.monotonic()  # when anything did last
        self._moved_on = False
        self._front = InFront("", "", busy=False, cursor_busy=False, fresh=())
        self._proven: set[str] = set()  # programs that have answered
        self._deaf: dict[str, float] = {}  # programs that never have, although they could be asked, and since when

    @property
    def frame(self) -> Frame:
        """See `Watch`."""
        return self._known

    def start(self, *, anew: bool = True) -> Frame:
        """See `Watch`."""
        fresh = time.monotonic() - self._grabbed < FRESH and frames.size(self._known) == self._screen.size
        if anew and not fresh:
            self._known = self._grab()
        self._lingers = False
        self._changed = time.monotonic()
        self._first = self._known
        return self._known

    def linger(self) -> None:
        """See `Watch`: but what changes then is seen without its time."""
        self._lingers = True
        self._asker.drop()

    def wait(self, seconds: float) -> News:
        """See `Watch`."""
        if seconds > 0:
            calm = time.monotonic() - self._changed > CALM
            self._wake.wait(min(seconds, POLL[calm]), self._asker.fileno())
        pong = self._asker.take()
        answered = pong is not None and (pong.answered or not pong.asked)
        if pong is not None and pong.answered:
            self._proven.add(self._front.program)
        self._moved_on = pong is not None and pong.moved_on
        return News(self._compare(), answered, self._moved_on and not answered)

    def ping(self) -> bool:
        """See `Watch`."""
        if time.monotonic() - self._deaf.get(self._front.program, -DEAF) < DEAF:
            return False
        self._asker.ask()
        return True

    def moved_on(self) -> bool:
        """See `Watch`."""
        return self._moved_on

    def give_up(self) -> bool:
        """See `Watch`."""
        if self._front.program in self._proven:
            return False
        self._deaf[self._front.program] = time.monotonic()
        self._asker.drop()
        return True

    def front(self) -> Front:
        """See `Watch`."""
        self._look_who()
        return Front(self._front.program, self._front.window)

    def busy(self) -> float:
        """See `Watch`."""
        if not self._look_who():
            return 0.0
        came = self._layout.came()
        if any(shows_nothing_new(window, self._first, self._known) for window in came):
            return PATIENCE_UNPAINTED
        if self._front.cursor_busy:
            return PATIENCE_ASKED
        unpainted = any(is_unpainted(window, self._first, self._known) for window in came)
        return PATIENCE if self._front.busy or unpainted else 0.0

    def close(self) -> None:
        """See `Watch`."""
        self._asker.close()

    def _look_who(self) -> bool:
        try:
            self._front = self._client.front()
        except (ActuatorError, PerceptionError):  # nobody knows; the hands tell when nobody answers at all
            return False
        return True

    def _grab(self) -> Frame:
        began, frame = time.monotonic(), self._screen.grab()
        self._grabbed = began
        return frame

    def _compare(self) -> Sequence[Change]:
        now, fresh = time.monotonic(), self._grab()
        changes = () if fresh is self._known else changes_of(self._known, fresh, None if self._lingers else now)
        self._known, self._lingers = fresh, False
        if changes:
            self._changed = now
        return changes


def watching(client: GuestClient, layout: RemoteLayout, screen: Screen, wake: Wake) -> tuple[Watch, str]:
    """A watch on a machine with our server inside, and no note."""
    return RemoteWatch(screen, wake, client, layout), ""
