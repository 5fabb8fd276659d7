"""A film of the desktop, by ffmpeg where it is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

from vm.guest.running import end, start
from vm.guest.wire import Refused

START_SECONDS = 20.0  # for the first bytes of the film
STOP_SECONDS = 15.0  # for the last ones
PACE = 30  # pictures a second
_POLL = 0.05


class Recorder:
    """One film at a time. Safe to use from any thread."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._film = Path(tempfile.gettempdir()) / f"deskhand-{os.getpid()}.mp4"

    def start(self, size: tuple[int, int]) -> None:
        """Begin; returns once it is under way.

        Raises:
            Refused: it cannot be begun, or another one is under way.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                raise Refused(400, "busy", "Recording is already in progress.")
            if shutil.which("ffmpeg") is None:
                raise Refused(
                    500,
                    "missing",
                    "ffmpeg is not installed in this machine, so nothing can be recorded; image `full` has it",
                )
            self._film.unlink(missing_ok=True)
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the recording)
            self._process = start(self._words(size), output=self._said)
            self._await_start(self._process)

    def stop(self) -> BinaryIO:
        """End, and the film, open.

        Raises:
            Refused: there is none.
        """
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                raise Refused(400, "missing", "No recording in progress to stop.")
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                end(process)
            try:
                return self._film.open("rb")
            except OSError:
                raise Refused(500, "failed", f"the recording left no film: {self._last_words()}") from None

    def close(self) -> None:
        """End what is under way, and forget it."""
        with self._lock, suppress(OSError):
            if self._process is not None:
                end(self._process)
                self._process = None
                self._film.unlink(missing_ok=True)

    def _words(self, size: tuple[int, int]) -> list[str]:
        words = ["ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "x11grab", "-draw_mouse", "1"]
        words += ["-framerate", str(PACE), "-video_size", f"{size[0]}x{size[1]}", "-i", self._display]
        words += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
        return [*words, "-movflags", "+frag_keyframe+empty_moov", str(self._film)]

    def _await_start(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                self._process = None
                raise Refused(500, "failed", f"ffmpeg ended at once: {self._last_words()}")
            if self._film.exists():
                return
            time.sleep(_POLL)
        end(process)
        self._process = None
        raise Refused(504, "timeout", f"ffmpeg did not begin within {START_SECONDS:g} s")

    def _last_words(self) -> str:
        from vm.programs import last_line

        return last_line(self._said) if self._said else "it said nothing"
