"""What the programs of a virtual machine say: which windows there are, and what things in them are called."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from actuators.errors import ActuatorError
from perception.errors import PerceptionError

if TYPE_CHECKING:
    from perception.naming import Tell
    from perception.screenshot import Region
    from vm.guest_client import GuestClient, GuestWindow

_LEAST = 0.05  # seconds; for less, nobody is asked


class RemoteLayout:
    """A `perception.stale.Layout` of another machine. What cannot be asked is taken to be as it was."""

    def __init__(self, client: GuestClient) -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(1, "deskhand-layout")
        self._noted: Future[Sequence[GuestWindow]] | None = None

    def note(self) -> None:
        """See `Layout`. Asked in another thread, since whoever looks shall not wait for it."""
        with suppress(RuntimeError):  # closed
            self._noted = self._thread.submit(self._windows)

    def covers(self, x: int, y: int) -> bool:
        """See `Layout`: whether what is in front there has come, moved or been raised."""
        before, now = self._before(), self._windows()
        front, last = _at(now, x, y), _at(before, x, y)
        if front is None or not before:
            return False
        if last is None or front.id == last.id:
            return last is None or front.region != last.region
        known = next((window for window in before if window.id == front.id), None)
        closed = all(window.id != last.id or window.region != last.region for window in now)
        return known is None or known.region != front.region or not closed

    def refocused(self) -> bool:
        """See `Layout`."""
        before, now = self._before(), self._windows()
        return bool(before and now) and _active(before) != _active(now)

    def came(self) -> tuple[Region, ...]:
        """Where windows are that have come since `note`, in pixels of the screen."""
        before = {window.id for window in self._before()}
        return tuple(window.region for window in self._windows() if window.id not in before) if before else ()

    def close(self) -> None:
        """See `Layout`."""
        self._thread.shutdown(cancel_futures=True)

    def _before(self) -> Sequence[GuestWindow]:
        return () if self._noted is None else self._noted.result()

    def _windows(self) -> Sequence[GuestWindow]:
        try:
            return self._client.layout()
        except (ActuatorError, PerceptionError):  # eyes and hands tell what is wrong
            return ()


def _at(windows: Sequence[GuestWindow], x: int, y: int) -> GuestWindow | None:
    return next((window for window in windows if window.region.contains(x, y)), None)


def _active(windows: Sequence[GuestWindow]) -> int | None:
    return next((window.id for window in windows if window.active), None)


class RemoteNaming:
    """A `perception.naming.NamingBackend` of another machine."""

    def __init__(self, client: GuestClient) -> None:
        self._client = client

    def prepare(self) -> None:
        """See `NamingBackend`: the machine connects to what it needs."""
        self._ask(None, time.monotonic() + 1.0, lambda _: None)

    def at(self, x: int, y: int, deadline: float, tell: Tell) -> None:
        """See `NamingBackend`."""
        self._ask((x, y), deadline, tell)

    def in_front(self, deadline: float, tell: Tell) -> None:
        """See `NamingBackend`."""
        self._ask(None, deadline, tell)

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, point: tuple[int, int] | None, deadline: float, tell: Tell) -> None:
        if (left := deadline - time.monotonic()) >= _LEAST:
            tell(self._client.target(point, left))
