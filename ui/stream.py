"""Lines to a pipe or a terminal that may not be read: whoever writes them never waits, and never fails."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TextIO

PATIENCE = 5.0  # seconds without a reader's progress after which the rest is given up at the end


class Stream:
    """Writes lines in order, in a thread of its own.

    A pipe that nobody reads is full after 64 KB; the session must not stand still then, with its hands on the screen. A
    reader that has gone away is no reason to end the session either: it goes on in silence.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._progress = threading.Event()
        self._broken = False
        self._thread = threading.Thread(target=self._write_all, daemon=True, name="deskhand-stream")
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Put a line, with its newline, at the end of what is to be written."""
        self._lines.put(line)

    def close(self) -> None:
        """Return when all is written, or when nobody reads it. What is written after that is lost."""
        self._lines.put(None)
        while self._thread.is_alive():
            self._progress.clear()
            self._thread.join(PATIENCE)
            if not self._progress.is_set():
                return

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            if not self._broken:
                self._write(line)
            self._progress.set()

    def _write(self, line: bytes) -> None:
        try:
            self._file.buffer.write(line)
            self._file.buffer.flush()
        except (OSError, ValueError):  # the reader has gone, or the file was closed
            self._broken = True
            self._mute()

    def _mute(self) -> None:
        """What is left in the buffer goes nowhere, so that Python's own flush at exit does not complain."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass
