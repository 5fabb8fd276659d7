"""The desktop that this server works on: eyes and hands of its display, opened when it is there, and again when it was
gone."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from actuators.errors import ActuatorError
from perception.backends.xdamage import WatchLost
from perception.errors import PerceptionError
from vm.guest.events import Events
from vm.guest.watcher import Watcher
from vm.guest.wire import Refused
from vm.guest.worker import Worker

if TYPE_CHECKING:
    from actuators.backends.x11 import X11Backend
    from actuators.hands import Hands
    from actuators.pointer import Pointer
    from perception.backends.atspi import AtspiTree
    from perception.encode import Encoder
    from perception.eyes import Eyes
    from perception.naming import Naming
    from perception.screen import Screen

TRY_SECONDS = 0.1  # between two attempts to find the display
READY_SECONDS = 20.0  # that a request waits for a part of the desktop that is being opened
LARGEST = (16384, 16384)  # pixels; pictures are never scaled down

_T = TypeVar("_T")


class Desktop:
    """All that is open of one display, until that is gone. Each part is made when it is first wanted, or warmed up."""

    def __init__(self, display: str, events: Events, lost: Callable[[], None]) -> None:
        """Raises ActuatorError, WatchLost: the display is not there."""
        from actuators.backends.x11 import X11Backend
        from actuators.hands import Hands

        self.display = display
        self.hands: Hands = Hands(X11Backend(display))
        self._lock = threading.RLock()
        self._closing = contextlib.ExitStack()
        self._closing.callback(self.hands.close)
        try:
            self.watcher = Watcher(display, events, lost)
        except BaseException:
            self._closing.close()
            raise
        self._closing.callback(self.watcher.close)
        self.looking, self.reading = Worker("eyes"), Worker("accessibility tree")
        self._parts: dict[str, Any] = {}
        for worker in (self.looking, self.reading):
            self._closing.callback(worker.close)

    @property
    def fingers(self) -> X11Backend:
        """Hands that may go on holding what they press, for programs that say when to let go."""
        from actuators.backends.x11 import X11Backend

        return self._part("fingers", lambda: X11Backend(self.display))

    @property
    def pointer(self) -> Pointer:
        """Where the mouse is."""
        from actuators.pointer import XPointer

        return self._part("pointer", lambda: XPointer(self.display))

    @property
    def encoder(self) -> Encoder:
        """Makes pictures of whole frames, each content once."""
        from perception.encode import Encoder

        return self._part("encoder", lambda: Encoder(LARGEST))

    @property
    def screen(self) -> Screen:
        """Its pixels."""
        from perception.screen import open_screen

        return self._part("screen", lambda: open_screen(self.display))

    @property
    def eyes(self) -> Eyes:
        """What sees when it has settled."""
        from perception.eyes import Eyes
        from perception.stale import open_layout
        from perception.watch import open_watch

        def opened() -> Eyes:
            return Eyes(
                self.screen,
                lambda screen, wake: open_watch(screen, wake, self.display),
                layout=open_layout(self.display),
                max_size=LARGEST,
            )

        return self._part("eyes", opened)

    @property
    def naming(self) -> Naming:
        """What is at a point."""
        from perception.naming import open_naming

        return self._part("naming", lambda: open_naming(self.display, bus=_bus()))

    @property
    def tree(self) -> AtspiTree:
        """What programs say is on their windows."""
        from perception.backends.atspi import AtspiTree

        return self._part("tree", lambda: AtspiTree(self.display, bus=_bus()))

    def warm(self) -> None:
        """Open what the first request would else wait for, and import what that takes."""
        self.looking.do(lambda: self.eyes.frame, READY_SECONDS * 10)
        self.naming.prepare()

    def close(self) -> None:
        """Let go of everything. A part that hangs is left to itself."""
        closer = threading.Thread(target=self._closing.close, daemon=True, name="deskhand-closing")
        closer.start()
        closer.join(2.0)

    def _part(self, name: str, opener: Callable[[], _T]) -> _T:
        with self._lock:
            if name not in self._parts:
                self._parts[name] = part = opener()
                self._closing.callback(part.close)  # pyright: ignore  # every part has one
            return self._parts[name]


class Desk:
    """Keeps a desktop open as long as this server lives, whatever becomes of its X server. For any thread."""

    def __init__(self, display: str) -> None:
        self.display = display
        self.events = Events()
        self._changed = threading.Condition()
        self._desktop: Desktop | None = None
        self._why = f"display {display} is not there yet"
        self._closed = False

    def start(self) -> None:
        """Begin to look for the display, in a thread."""
        threading.Thread(target=self._keep, daemon=True, name="deskhand-desk").start()

    @property
    def desktop(self) -> Desktop:
        """The one that is open.

        Raises:
            Refused: there is none now.
        """
        found = self._desktop
        if found is None:
            raise Refused(503, "lost", f"there is no desktop: {self._why}")
        return found

    def lost(self, desktop: Desktop | None = None) -> None:
        """Its display has gone, as somebody has noticed."""
        with self._changed:
            if desktop is None or desktop is self._desktop:
                self._drop(f"display {self.display} has gone")

    def close(self) -> None:
        """Let go of the display for good."""
        with self._changed:
            self._closed = True
            self._drop("this server is ending")

    def _drop(self, why: str) -> None:
        desktop, self._desktop, self._why = self._desktop, None, why
        self._changed.notify_all()
        if desktop is not None:
            self.events.add("desktop.lost")
            threading.Thread(target=desktop.close, daemon=True, name="deskhand-drop").start()

    def _keep(self) -> None:
        while not self._closed:
            if self._desktop is None and _may_be_there(self.display):
                self._open()
            with self._changed:
                if not self._closed:
                    self._changed.wait(TRY_SECONDS if self._desktop is None else None)

    def _open(self) -> None:
        made: list[Desktop] = []

        def gone() -> None:
            self.lost(made[0] if made else None)

        try:
            made.append(Desktop(self.display, self.events, gone))
        except (ActuatorError, WatchLost, PerceptionError, OSError) as error:
            self._why = str(error)
            return
        with self._changed:
            self._desktop = made[0]
            if self._closed:
                self._drop("this server is ending")
        self.events.add("desktop.ready")
        try:
            made[0].warm()
        except Exception as error:  # whoever needs it is told why it does not work
            print(f"deskhand: warming up: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201


def _may_be_there(display: str) -> bool:
    """Whether it is worth a try: a display of this machine has a socket."""
    host, _, number = display.rpartition(":")
    return bool(host) or Path(f"/tmp/.X11-unix/X{number.partition('.')[0]}").exists()


def _bus() -> str | None:
    return os.environ.get("DBUS_SESSION_BUS_ADDRESS")
