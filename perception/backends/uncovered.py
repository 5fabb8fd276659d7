"""Frames of an X screen as if there were no overlay on it."""

from __future__ import annotations

from collections.abc import Sequence

from perception.backends.xpatch import XPatch
from perception.cursor import Cursor
from perception.frames import Frame
from perception.screen import Backend, Monitor
from perception.screenshot import Region


class Uncovered:
    """A backend behind which overlays are patched over. See `perception.screen.Backend`."""

    def __init__(self, backend: Backend, patch: XPatch) -> None:
        self._backend, self._patch = backend, patch

    @property
    def region(self) -> Region:
        """As the backend."""
        return self._backend.region

    @property
    def notes(self) -> Sequence[str]:
        """As the backend."""
        return self._backend.notes

    def monitors(self) -> Sequence[Monitor]:
        """As the backend."""
        return self._backend.monitors()

    def cursor(self) -> Cursor | None:
        """As the backend."""
        return self._backend.cursor()

    def grab(self, region: Region) -> Frame:
        """See `Backend.grab`."""
        self._patch.begin()
        return self._patch.mend(self._backend.grab(region), region)

    def measure(self) -> Region:
        """As the backend."""
        return self._backend.measure()

    def reopen(self) -> None:
        """As the backend."""
        self._backend.reopen()

    def close(self) -> None:
        """Close both."""
        self._patch.close()
        self._backend.close()
