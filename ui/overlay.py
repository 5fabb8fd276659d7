"""The overlay: the page of one session in a small window that stays on top, in a process of its own.

`open_overlay` starts it for a session; `python -m ui.overlay` is the process. It reads the session's journal like any
other face, so nothing that happens to it touches the session, and it goes on when the session's process has ended: it
says so then, until its user closes it. At logout it ends with the screen.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import IO, Any, Protocol

from agent.errors import UserFault
from agent.session import Session, data_home, find_session

SESSION = "DESKHAND_OVERLAY_SESSION"  # the environment variable that names the session
LOCK = "overlay.lock"  # in the session's folder: held by its one overlay
START_SECONDS = 10.0  # until it must be on the screen
CLOSE_SECONDS = 3.0
IDLE_SECONDS = 600.0  # after the end of a session, until its overlay closes by itself
LOOK_SECONDS = 2.0  # between looks whether it has ended
CLOSE = "close\n"  # what the process may be told through its standard input
LOST = "the session goes on without its overlay"


class Served(Protocol):
    """The page's server."""

    @property
    def url(self) -> str:
        """Like "http://127.0.0.1:4711/"."""
        ...

    @property
    def token(self) -> str:
        """What the page needs to be answered."""
        ...

    def close(self) -> None:
        """End it."""
        ...


# In the session's process -------------------------------------------------------------------------------------------


class OverlayProcess:
    """The overlay of a session, as whoever started it sees it."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self._process, self._errors = process, errors

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def close(self) -> None:
        """Close the window and end the process. May be called twice."""
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(CLOSE)
            self._process.stdin.flush()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.leave()

    def leave(self) -> None:
        """Let it stay on the screen: it ends when its user closes it."""
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()
        if self._process.poll() is None:
            self._process.returncode = 0  # nobody waits for it any more, and Popen need not complain


def open_overlay(session_id: str, *, home: Path | None = None, program: tuple[str, ...] = ()) -> OverlayProcess:
    """Show the overlay of a session. Returns once it is on the screen.

    Args:
        session_id: its whole id.
        home: where all state lives; None for `agent.session.data_home()`.
        program: what to run in place of `python -m ui.overlay`.

    Raises:
        UserFault: it cannot be shown; one line says why and what would help. The session can go on.
    """
    environment = {**os.environ, "DESKHAND_HOME": str(home or data_home()), SESSION: session_id}
    errors = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
    process = subprocess.Popen(
        program or (sys.executable, "-m", "ui.overlay"),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,  # Ctrl-C is meant for the session
    )
    overlay = OverlayProcess(process, errors)
    fault = _first_word(process, errors)
    if fault:
        overlay.close()
        raise UserFault(f"{fault}; {LOST}")
    return overlay


def _first_word(process: subprocess.Popen[str], errors: IO[bytes]) -> str:
    """What it says when it is on the screen, "", or why it is not."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(START_SECONDS):
            return f"the overlay was not on the screen within {START_SECONDS:g} s"
    try:
        said: dict[str, Any] = json.loads(process.stdout.readline())
    except ValueError:
        return f"the overlay ended at once ({_last_line(errors) or f'exit status {process.wait(CLOSE_SECONDS)}'})"
    return str(said.get("error", ""))


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


# In the overlay's own process ---------------------------------------------------------------------------------------


def main() -> int:
    """Be the overlay of the session that the environment names; 1 if there can be none."""
    said = threading.Event()

    def say(word: dict[str, str]) -> None:
        if not said.is_set():
            said.set()
            with contextlib.suppress(OSError, ValueError):  # nobody listens
                print(json.dumps(word), flush=True)

    try:
        run(find_session(data_home(), os.environ.get(SESSION, "last")), lambda: say({"ready": ""}))
    except UserFault as fault:
        say({"error": str(fault)})
        print(f"deskhand: {fault}", file=sys.stderr)
        return 1
    return 0


def run(session: Session, on_shown: Callable[[], None], serve: Callable[[Session], Served] | None = None) -> None:
    """Show the overlay of a session until it is closed. For the main thread.

    Args:
        on_shown: called once it is on the screen.
        serve: starts the page's server; None for the real one.

    Raises:
        UserFault: it cannot be shown; says why and what would help.
    """
    from ui.window.native import open_native
    from ui.window.shell import Shell

    served: list[Served] = []

    def address() -> str:
        server = (serve or _serve)(session)
        served.append(server)
        return f"{server.url.rstrip('/')}/overlay?session={session.id}#token={server.token}"

    with _only_one(session):
        shell = Shell(address, session.folder.parent.parent, open_native(), on_shown)
        for work in (_heed_parent, end_some_day):
            threading.Thread(target=work, args=(shell.close, session), daemon=True).start()
        if hasattr(signal, "SIGTERM"):
            signal.signal(signal.SIGTERM, _closing(shell.close))
        try:
            shell.run()
        finally:
            for server in served:
                server.close()


def _closing(close: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    """A signal handler that closes the window."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        close()

    return handler


def _serve(session: Session) -> Served:
    from ui.server import start_in_thread

    return start_in_thread(session.folder.parent.parent, only=session.id)


@contextlib.contextmanager
def _only_one(session: Session) -> Generator[None]:
    """Be the only overlay of the session.

    Raises:
        UserFault: there is one.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(session.folder / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserFault(f"session {session.id} has its overlay on the screen already") from None
    try:
        yield
    finally:
        lock.release()


def _heed_parent(close: Callable[[], None], _session: Session) -> None:
    """Close when told so. That nobody can tell any more means nothing: the overlay says that the session has ended."""
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            if line == CLOSE:
                close()


def end_some_day(close: Callable[[], None], session: Session) -> None:
    """Close long after the session has ended well or badly; one that was cut off waits for its user."""
    from ui.standing import Standing

    standing = Standing(session)
    ended: float | None = None
    while True:
        time.sleep(LOOK_SECONDS)
        with contextlib.suppress(UserFault, OSError):
            standing.look()
        ended = None if standing.end is None else ended or time.monotonic()
        if ended is not None and time.monotonic() - ended > IDLE_SECONDS:
            close()
            return


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Qt's own leave-taking takes half a second, and sometimes fails
