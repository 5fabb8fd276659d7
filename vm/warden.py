"""The warden: a small process that starts programs for another one, and leaves nothing of them behind.

It is run by its path (`python -I -S warden.py`, standard library only), so that it is up in some 30 ms. Its parent
speaks to it through a SEQPACKET socket, one JSON object a packet, each answered by one (see `vm.processes`):

    {"do": "spawn", "argv": […], "env": {…}, "cwd": "…", "log": "…"}    → {"pid": 1} or {"error": "…"}
        file descriptors sent along are inherited; `{fd0}` in `argv` stands for the number of the first of them
    {"do": "status", "pid": 1}                                          → {"status": null} while it runs
    {"do": "tend", "folder": "…"}                                       → {}
    {"do": "end"}                                                       → {} when all that was started has ended

In a sandbox it runs a second time (`warden.py --inside RUN FD`) and starts the programs in there, no more than that:
nothing survives a sandbox whose first process has ended.

When the parent's end closes, however that came about, everything descended from the warden is ended (it is a
subreaper, so daemons are its descendants too) and the run's directory is removed. Should the warden itself be killed,
the kernel kills its direct children, and the next `sweep` does the rest: a run is over when nobody holds the lock on
its directory, and what belongs to it bears its name in the environment variable DESKHAND_RUN.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

MARK = "DESKHAND_RUN"
GRACE_SECONDS = 0.5  # between asking a program to end and killing it
LAST_SECONDS = 3.0  # after that, what cannot be killed (a process stuck in the kernel) is left
POLL_SECONDS = 0.01
PACKET_BYTES = 1 << 20
MAX_FDS = 8
LOCK_DEPTH = 3  # how deep below a tended folder locks of documents are looked for

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


# What is left behind, and its removal ------------------------------------------------------------------------------


def base_dir() -> Path:
    """The directory of all runs of this user: short, since socket addresses of 108 bytes must fit below it.

    Raises:
        PermissionError: somebody else made it first.
    """
    temp = Path(tempfile.gettempdir())
    base = (temp if len(str(temp)) < 60 else Path("/tmp")) / f"deskhand-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    made = base.lstat()
    if made.st_uid != os.getuid() or made.st_mode & 0o077 or base.is_symlink():
        raise PermissionError(f"{base} is not a directory of your own with mode 700")
    return base


def sweep(base: Path) -> list[str]:
    """Remove what dead wardens could not remove themselves. Returns the names of their runs."""
    with _locked(base / ".lock"):
        return _sweep(base)


def _sweep(base: Path) -> list[str]:
    swept: list[str] = []
    for run in base.iterdir():
        if run.is_dir() and (lock := _try_lock(run)) is not None:
            _kill(lambda name=run.name: marked(name), grace=0)
            remove(run)
            os.close(lock)
            swept.append(run.name)
    return swept


def remove(run: Path) -> None:
    """Remove a run's directory, and what its programs left elsewhere."""
    tidy(run)
    shutil.rmtree(run, onerror=_make_way)
    if run.exists():  # a program was still writing while the first pass went through
        shutil.rmtree(run, ignore_errors=True)


def tidy(run: Path) -> None:
    """Remove what programs of a run that have ended left elsewhere: sockets and locks of X, locks of documents."""
    with contextlib.suppress(OSError):
        _remove_x_sockets(since=(run / "begun").stat().st_mtime)
        _remove_x_locks({int(line) for line in (run / "pids").read_text().split()})
    with contextlib.suppress(OSError):
        for folder in (run / "tended").read_text().splitlines():
            _remove_document_locks(Path(folder), run)


def _remove_x_locks(pids: set[int]) -> None:
    for lock in Path("/tmp").glob(".X*-lock"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(lock.read_text())
            if pid in pids and not Path(f"/proc/{pid}").exists():
                lock.unlink()


def _remove_x_sockets(since: float) -> None:
    """Those of this user that were made during the run and that nobody is behind any more.

    A server that chose its number by itself has no lock, and killed, it does not remove its socket.
    """
    bound = Path("/proc/net/unix").read_text()
    for place in Path("/tmp/.X11-unix").glob("X*"):
        with contextlib.suppress(OSError):
            made = place.lstat()
            ours = stat.S_ISSOCK(made.st_mode) and made.st_uid == os.getuid() and made.st_mtime >= since
            if ours and f" {place}\n" not in bound and _refuses(place):
                place.unlink()


def _refuses(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        return client.connect_ex(str(place)) == errno.ECONNREFUSED


def _remove_document_locks(folder: Path, run: Path) -> None:
    """LibreOffice that is ended leaves `.~lock.NAME#`, which names its profile; others' locks stay."""
    for depth in range(LOCK_DEPTH):
        for lock in folder.glob("*/" * depth + ".~lock.*#"):
            with contextlib.suppress(OSError):
                if f"{run}/" in lock.read_text(errors="replace"):
                    lock.unlink()


def _make_way(retry: Callable[[str], object], path: str, _: object) -> None:
    """Some programs protect their own folders against writing; we are leaving all the same."""
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        retry(path)


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None, None, None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_lock(folder: Path) -> int | None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


# Processes ---------------------------------------------------------------------------------------------------------


def marked(run: str) -> set[int]:
    """The living processes that bear a run's name in their environment, this one left out."""
    entry = f"{MARK}={run}".encode()
    found: set[int] = set()
    for pid, state, _ in _processes():
        with contextlib.suppress(OSError):
            if state not in "ZX" and entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found - {os.getpid()}


def descendants() -> set[int]:
    """The living processes below this one."""
    children: dict[int, list[tuple[int, str]]] = {}
    for pid, state, parent in _processes():
        children.setdefault(parent, []).append((pid, state))
    found: set[int] = set()
    below = [os.getpid()]
    while below:
        for pid, state in children.get(below.pop(), ()):
            below.append(pid)
            if state not in "ZX":
                found.add(pid)
    return found


def _processes() -> Iterable[tuple[int, str, int]]:
    """Process id, state and parent of everything that runs."""
    for name in os.listdir("/proc"):  # noqa: PTH208 (in a loop against the clock)
        if name.isdigit():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{name}/stat").read_bytes()
                state, parent = status[status.rindex(b")") + 2 :].split()[:2]
                yield int(name), state.decode(), int(parent)


def _kill(living: Callable[[], set[int]], *, grace: float) -> None:
    """Ask until `grace` seconds have passed, then force, until none is left."""
    started = time.monotonic()
    asked: set[int] = set()
    while left := living():
        patient = time.monotonic() - started < grace
        for pid in left - asked if patient else left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM if patient else signal.SIGKILL)
        asked |= left
        if time.monotonic() - started > grace + LAST_SECONDS:
            return
        time.sleep(POLL_SECONDS)
        _reap({})
    _reap({})


def _reap(ended: dict[int, int]) -> None:
    """Collect the dead, orphans of our descendants included, and note how they ended."""
    with contextlib.suppress(ChildProcessError):
        while (waited := os.waitpid(-1, os.WNOHANG))[0]:
            ended[waited[0]] = os.waitstatus_to_exitcode(waited[1])


# The process itself ------------------------------------------------------------------------------------------------


class Warden:
    """Serves one parent through one socket, for one run."""

    def __init__(self, parent: socket.socket, run: Path) -> None:
        self._parent, self._run = parent, run
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._ended: dict[int, int] = {}

    def serve(self, parent_pid: int) -> None:
        """Do what the parent says until it is gone or a signal ends this."""
        poll = select.poll()
        poll.register(self._parent, select.POLLIN)
        # Copies of the parent's socket may live on in its forks, so its death is watched for as well.
        watch = _watch(parent_pid)
        if watch is not None:
            poll.register(watch, select.POLLIN)
        bell, rung = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ring)
        poll.register(bell, select.POLLIN)
        while os.getppid() == parent_pid:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if bell in ready:
                os.read(bell, 4096)
                _reap(self._ended)
            if watch in ready or (self._parent.fileno() in ready and not self._answer()):
                return

    def _answer(self) -> bool:
        """Answer one packet; False when the parent has closed its end."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._parent, PACKET_BYTES, MAX_FDS)
        except ConnectionError:
            return False
        if not packet:
            return False
        try:
            reply = self._do(json.loads(packet), descriptors)
        except (OSError, ValueError) as error:
            reply = {"error": str(error)}
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(ConnectionError):
            self._parent.send(json.dumps(reply).encode())
        return True

    def _do(self, asked: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        match asked:
            case {"do": "spawn"}:
                return {"pid": self._spawn(asked, descriptors)}
            case {"do": "status", "pid": pid}:
                return {"status": self._ended.get(pid)}
            case {"do": "tend", "folder": folder}:
                self._note("tended", folder)
                return {}
            case {"do": "end"}:
                _kill(descendants, grace=0)
                tidy(self._run)
                return {}
            case _:
                return {"error": f"unknown request: {asked}"}

    def _spawn(self, asked: dict[str, Any], descriptors: list[int]) -> int:
        words: list[str] = asked["argv"]
        numbers = {f"{{fd{index}}}": str(descriptor) for index, descriptor in enumerate(descriptors)}
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            program = subprocess.Popen(
                [numbers.get(word, word) for word in words],
                env={**asked["env"], MARK: self._run.name},
                cwd=asked["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=descriptors,
                start_new_session=True,
                preexec_fn=self._die_with_us,  # safe: the warden has one thread
            )
        finally:
            os.close(log)
        program.returncode = 0  # the warden reaps by itself; keeps Popen from waiting as well
        self._note("pids", str(program.pid))
        return program.pid

    def _die_with_us(self) -> None:
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def _note(self, name: str, line: str) -> None:
        with (self._run / name).open("a") as notes:
            notes.write(line + "\n")


class Inside(Warden):
    """The one in a sandbox. It keeps no notes: the run's directory is not there, and is swept by the one outside."""

    def _note(self, name: str, line: str) -> None: ...


def _watch(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:  # an older kernel, or the parent is gone already, which its socket tells as well
        return None


def _ring(*_: object) -> None:
    """A handler of its own, so that the signal reaches the wakeup descriptor."""


def _leave(*_: object) -> None:
    raise SystemExit


def main(base: Path, name: str, parent_pid: int, descriptor: int) -> None:
    """Sweep, make the directory of this run, serve, and clean up."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    run = base / name
    with _locked(base / ".lock"):  # between making a directory and locking it, a sweep would take it for a dead one
        swept = _sweep(base)
        run.mkdir(mode=0o700)
        (run / "begun").touch()
        lock = _try_lock(run)
    with socket.socket(fileno=descriptor) as parent:
        try:
            parent.send(json.dumps({"run": str(run), "swept": swept}).encode())
            Warden(parent, run).serve(parent_pid)
        except (SystemExit, ConnectionError):
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            _kill(lambda: descendants() or marked(name), grace=GRACE_SECONDS)
            remove(run)
            if lock is not None:
                os.close(lock)


def serve_inside(run: Path, descriptor: int) -> None:
    """Start programs in a sandbox until the other end is closed; then end them, politely first."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    with socket.socket(fileno=descriptor) as parent:
        try:
            parent.send(b"{}")
            Inside(parent, run).serve(os.getppid())
        except (SystemExit, ConnectionError):
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            _kill(descendants, grace=GRACE_SECONDS)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        serve_inside(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
