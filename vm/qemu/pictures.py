"""The screen of a machine, taken by QEMU itself: it costs the guest nothing."""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from contextlib import suppress
from pathlib import Path

from perception.frames import Frame
from vm.qemu.monitor import Monitor, MonitorLost, leave_file, watch_file

SECONDS = 10.0  # a picture takes 6 ms
_ROOM = 1 << 20  # bytes of lines that are kept until somebody reads them
_HEADER = 64  # bytes; more than "P6\n65535 65535\n255\n" has


class Pictures:
    """Pictures of one machine. They go through memory that has no name, so that nothing can be left behind."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._lock = threading.Lock()
        self._memory = os.memfd_create("deskhand-screen", os.MFD_CLOEXEC)
        self._set = monitor.add_file(self._memory)
        # QEMU takes the one that is opened as it wants to open it; versions differ.
        self._writing = os.open(f"/proc/self/fd/{self._memory}", os.O_WRONLY | os.O_CLOEXEC)
        monitor.add_file_to(self._set, self._writing)

    def raw(self) -> bytes:
        """The screen as a PPM. Raises MonitorLost."""
        with self._lock:
            if self._memory < 0:
                raise MonitorLost("the machine is closed")
            both = (self._memory, self._writing)
            for descriptor in both:
                os.lseek(descriptor, 0, os.SEEK_SET)
            self._monitor.execute("screendump", filename=f"/dev/fdset/{self._set}", seconds=SECONDS)
            length = max(os.lseek(descriptor, 0, os.SEEK_CUR) for descriptor in both)
            if not length:
                raise MonitorLost("QEMU gave no picture")
            with mmap.mmap(self._memory, length, prot=mmap.PROT_READ) as mapped:
                return mapped[:]

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            if self._memory >= 0:
                os.close(self._memory)
                os.close(self._writing)
                self._memory = self._writing = -1


class Painted:
    """Whether a machine has shown anything new: QEMU writes a line for each time. Safe from any thread."""

    def __init__(self, path: Path, *, sure: bool) -> None:
        """To be made before QEMU is started, which writes to `path`. `sure`: this QEMU is known to write."""
        os.mkfifo(path, 0o600)
        self.sure = sure
        self._came = True
        self._lock = threading.Lock()
        # For writing as well, so that it never ends while nobody writes yet.
        self._line = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):  # the system's limit is lower
            fcntl.fcntl(self._line, fcntl.F_SETPIPE_SZ, _ROOM)
        watch_file(self._line, self._drain)  # QEMU waits where there is no more room

    def anything(self) -> bool:
        """Whether it has since the last call, or may have."""
        self._drain()
        with self._lock:
            came, self._came = self._came, False
            return came or not self.sure

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            line, self._line = self._line, -1
        if line >= 0:
            leave_file(line)
            os.close(line)

    def _drain(self) -> None:
        with self._lock, suppress(BlockingIOError):
            while self._line >= 0 and os.read(self._line, _ROOM):
                self._came = self.sure = True


def to_frame(raw: bytes) -> Frame:
    """A PPM as H×W×4 BGRX."""
    import cv2
    import numpy as np

    width, height, start = _header(raw)
    rgb = np.frombuffer(raw, np.uint8, width * height * 3, start).reshape(height, width, 3)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)  # pyright: ignore[reportReturnType]


def size_of(raw: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    return _header(raw)[:2]


def _header(raw: bytes) -> tuple[int, int, int]:
    """Width, height, and where the pixels begin."""
    words = raw[:_HEADER].split(maxsplit=4)
    if len(words) < 4 or words[0] != b"P6" or words[3] != b"255":
        raise MonitorLost("QEMU gave a picture that is none")
    start = raw.index(b"255", len(words[0]) + len(words[1]) + len(words[2]) + 3) + 4
    return int(words[1]), int(words[2]), start


class Shown:
    """The last picture, turned into what is wanted once for each content. For one thread at a time."""

    def __init__(self) -> None:
        self._raw = self._png = b""
        self._seen: tuple[bytes, Frame] | None = None

    def frame(self, raw: bytes) -> Frame:
        """The same object as the time before, if the picture is the same: nobody may write to it."""
        if self._seen is None or self._seen[0] != raw:
            self._seen = raw, to_frame(raw)
        return self._seen[1]

    def png(self, raw: bytes) -> bytes:
        """The same object as the time before, if the picture is the same."""
        from perception.encode import encode

        if raw != self._raw:
            self._png = encode(to_frame(raw), max_size=size_of(raw)).image
            self._raw = raw
        return self._png
