"""Opening files, addresses and programs, and waiting until their windows are there."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from vm.guest.book import Book, Window
from vm.guest.desk import Desktop
from vm.guest.running import reap, start
from vm.guest.wire import Refused

POLL_SECONDS = 0.1  # for the end of a program; windows are told of at once
SETTLED_SECONDS = 5.0  # for a window to get the title that is waited for


def command(target: str) -> list[str]:
    """What to start for a file, an address or a command line.

    Raises:
        Refused: there is no such thing, or nothing to open it with.
    """
    from agent.errors import UserFault
    from vm.programs import command_for

    documents = Path.home() / "Documents"
    folder = documents if documents.is_dir() else Path.home()
    try:
        return command_for(target, folder=folder, path=os.environ.get("PATH", os.defpath))
    except UserFault as fault:
        raise Refused(422, "missing", str(fault)) from None


def open_and_wait(desktop: Desktop, argv: Sequence[str], seconds: float, *, title: Sequence[str] = ()) -> Window:
    """Start a program and wait for its window, which is returned.

    Args:
        argv: the program and its arguments.
        seconds: to wait.
        title: words of which one is in the title that is waited for; a new window without them will do after a while.

    Raises:
        Refused: it ended without a window, or none came in time.
    """
    with tempfile.TemporaryFile() as said:
        before = {window.id: window.title for window in desktop.watcher.ask(Book.windows)}
        active = desktop.watcher.ask(Book.active)
        process = start(argv, output=said)
        reap(process)
        return _Opening(desktop, process, said, before, active, title).wait(seconds, argv[0])


class _Opening:
    """A program that was started, until its window is there."""

    def __init__(
        self,
        desktop: Desktop,
        process: subprocess.Popen[bytes],
        said: IO[bytes],
        before: dict[int, str],
        active: Window | None,
        title: Sequence[str],
    ) -> None:
        self._desktop, self._process, self._said = desktop, process, said
        self._before, self._active, self._title = before, active, title
        self._seen: float | None = None  # when the first new window was

    def wait(self, seconds: float, name: str) -> Window:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self._desktop.watcher.wait_for(self._found, min(deadline, time.monotonic() + POLL_SECONDS))
            if found is not None:
                return found
            if self._process.returncode:
                raise Refused(422, "failed", f"{name} ended ({self._how()}) without a window: {self._last_words()}")
        if self._process.returncode is not None:
            raise Refused(422, "failed", f"{name} ended without a window: {self._last_words()}")
        still = f"it goes on as process {self._process.pid}"
        raise Refused(504, "timeout", f"{name} has shown no window within {seconds:g} s; {still}")

    def _last_words(self) -> str:
        from vm.programs import last_line

        return last_line(self._said)

    def _how(self) -> str:
        status = self._process.returncode
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def _found(self, book: Book) -> Window | None:
        windows = book.windows()
        new = [window for window in windows if window.id not in self._before and not book.is_splash(window.id)]
        if named := next((window for window in new if self._is_named(window)), None):
            return named
        if not new:
            return self._taken_over(windows, book.active()) if self._process.returncode == 0 else None
        self._seen = self._seen or time.monotonic()
        return new[-1] if time.monotonic() > self._seen + SETTLED_SECONDS else None

    def _is_named(self, window: Window) -> bool:
        return not self._title or any(word in window.title for word in self._title)

    def _taken_over(self, windows: Sequence[Window], active: Window | None) -> Window | None:
        """A program that runs already may take it into a window that it has: that gets another title, or the focus."""
        for window in windows:
            renamed = self._before.get(window.id, window.title) != window.title
            if (renamed or (bool(self._title) and window == active)) and self._is_named(window):
                return window
        moved = active is not None and (self._active is None or active.id != self._active.id)
        return active if moved and not self._title else None
