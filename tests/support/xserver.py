"""Real X servers for tests, each on a display number that the server itself chose."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager


class XServer(subprocess.Popen[bytes]):
    """A running Xvfb; `display` is its name, like ":3"."""

    display: str = ""


@contextmanager
def xserver(width: int = 1280, height: int = 800, *extra: str) -> Generator[XServer, None, None]:
    """An Xvfb whose process the test may signal, for what happens when a display dies."""
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24"]
    command += ["-noreset", "-nolisten", "tcp", "-dpi", "96", *extra]
    server = XServer(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        with os.fdopen(read_end) as numbers:
            line = numbers.readline()  # the whole line: a server whose pipe closes early dies of SIGPIPE
        if not line.endswith("\n"):
            raise RuntimeError(f"Xvfb did not start (exit status {server.wait(5)})")
        server.display = f":{line.strip()}"
        yield server
    finally:
        end(server)


@contextmanager
def xvfb(width: int = 1280, height: int = 800, *, window_manager: bool = False) -> Generator[str, None, None]:
    """A display of its own for one test. Yields its name, like ":3"."""
    with xserver(width, height) as server:
        if not window_manager:
            yield server.display
            return
        with openbox(server.display):
            yield server.display


@contextmanager
def openbox(display: str) -> Generator[None, None, None]:
    """A window manager on a display."""
    manager = subprocess.Popen(
        ["openbox", "--sm-disable", "--startup", "echo ready"],
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert manager.stdout is not None
        if not manager.stdout.readline():
            raise RuntimeError("openbox did not start")
        yield
    finally:
        end(manager)


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a child process and collect it."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
