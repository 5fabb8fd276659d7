"""Programs of tools on systems that have no sandbox for them: macOS and Windows.

What they lack: programs see and may change all that the user may, and reach the network; on Windows there are no
terminals, so programs meet a pipe, ask for no password, and what is typed is not shown. What is started is ended with
the session, but not where Deskhand itself is killed. `confined` says so, so that every command needs the user's yes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import anyio
from anyio import to_thread
from anyio.abc import ByteReceiveStream, Process

from agent.errors import ToolFault
from agent.tools.kept import Kept
from agent.tools.ports import OUTPUT_BYTES, Asks, Finished
from agent.tools.shell_script import bash_of

WHY = "there is none on this system"
PENDING_BYTES = 1 << 20  # read ahead of whoever takes it
END_SECONDS = 0.5
_KEPT = ("PATH", "USER", "LOGNAME", "TZ", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR", "USERNAME")
_HAS_TERMINALS = sys.platform != "win32"


class PlainTerminal:
    """A command in a process group of its own: at a terminal where the system has them, else at pipes."""

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        size: tuple[int, int],
        *,
        pipes: bool = not _HAS_TERMINALS,
    ) -> None:
        self._master = -1
        if pipes:
            self._process = _at_pipes(argv, cwd, environment)
            output = cast("IO[bytes]", self._process.stdout).fileno()
        else:
            self._process, self._master = _at_terminal(argv, cwd, environment, size)
            output = self._master
        self._output = output
        self._pending = bytearray()
        self._room = threading.Condition()
        self._over = self._closed = False
        self._bell, self._rung = os.pipe()
        self._rings = 0
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def fileno(self) -> int:
        """Readable when there is output, and at the end."""
        return self._bell

    def read(self) -> bytes:
        """What it has written since."""
        with self._room:
            if self._rings and not self._closed:
                os.read(self._bell, self._rings)
            self._rings = 0
            data = bytes(self._pending)
            self._pending.clear()
            self._room.notify_all()
            return data

    def write(self, data: bytes) -> int:
        """Type into it."""
        if self._closed or self._process.poll() is not None:
            raise OSError("it has ended")
        if self._master < 0:
            stream = cast("IO[bytes]", self._process.stdin)
            stream.write(data[:4096])
            stream.flush()
            return len(data[:4096])
        import select

        return os.write(self._master, data[:1024]) if select.select([], [self._master], [], 0)[1] else 0

    def signal(self, number: int) -> None:
        """To its process group."""
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)

    def status(self) -> int | None:
        """Exit status; None while it runs, or while something that it has printed is on its way."""
        status = self._process.poll()
        if status is not None and not self._over and not self.left_running():
            self._reader.join(END_SECONDS)
        return status

    def asks(self) -> Asks:
        """A password where the echo is off; a line cannot be told."""
        if self._master < 0 or self._closed or self._process.poll() is not None:
            return ""
        import termios

        with suppress(termios.error, OSError):
            flags = int(termios.tcgetattr(self._master)[3])
            if not flags & termios.ECHO:
                return "password" if flags & termios.ICANON else "keys"
        return ""

    def left_running(self) -> bool:
        """Whether its process group has a process."""
        if self._closed or sys.platform == "win32" or self._process.poll() is None:
            return not self._closed and self._process.poll() is None
        try:
            os.killpg(self._process.pid, 0)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End it and its process group."""
        if self._closed:
            return
        left, self._closed = self.left_running(), True
        if left:
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        _kill(self._process)
        with self._room:
            self._over = True
            self._room.notify_all()
        self._reader.join(END_SECONDS)
        for each in (self._bell, self._rung, *((self._master,) if self._master >= 0 else ())):
            os.close(each)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()

    def _read_on(self) -> None:
        """The thread that reads ahead, up to a limit."""
        while True:
            try:
                data = os.read(self._output, 65536)
            except OSError:
                data = b""
            with self._room:
                self._room.wait_for(lambda: self._over or len(self._pending) < PENDING_BYTES)
                if self._over:
                    return
                if data:
                    self._pending += data
                else:
                    self._over = True
                self._rings += 1
                os.write(self._rung, b".")
                if not data:
                    return


class PlainPrograms:
    """`agent.tools.ports.Programs` without a sandbox.

    Args:
        confined: what to say of that.
        pipes: for tests: no terminals, as on Windows.
    """

    def __init__(
        self, workspace: Path, *, confined: str = WHY, network: bool = True, pipes: bool = not _HAS_TERMINALS
    ) -> None:
        self.workspace, self.confined, self.network = workspace, confined, network
        self._pipes = pipes
        self._terminals: list[PlainTerminal] = []
        self._home: tempfile.TemporaryDirectory[str] | None = None

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        input: bytes = b"",  # noqa: A002 (its name everywhere)
        seconds: float = 120.0,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        workspace: bool = True,
    ) -> Finished:
        """Run one program to its end. What it is to see is no matter: it sees everything."""
        told = self._environment() | dict(environment or {})
        if not (found := shutil.which(argv[0], path=told["PATH"])):
            raise ToolFault(f"{Path(argv[0]).name} is not installed. Nothing was run.")
        try:
            process = await anyio.open_process(
                [found, *argv[1:]], cwd=cwd or self.workspace, env=told, stdin=subprocess.PIPE, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise ToolFault(f"{Path(argv[0]).name} cannot be started: {error}. Nothing was run.") from None
        output, errors = Kept(OUTPUT_BYTES), Kept(OUTPUT_BYTES)
        ended: list[int] = []
        try:
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_feed, process, input)
                    tasks.start_soon(_drain, process.stdout, output)
                    tasks.start_soon(_drain, process.stderr, errors)
                    ended.append(await process.wait())
                    _kill(process)  # what it has left behind holds its streams
        finally:
            _kill(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        return Finished(ended[0] if ended else None, output.take().whole, errors.take().whole)

    async def terminal(self, command: str, *, cwd: Path, columns: int = 160, rows: int = 48) -> PlainTerminal:
        """Start a shell command."""
        told = self._environment()
        if not shutil.which("bash", path=told["PATH"]):
            raise ToolFault("Commands need bash, which is not installed; on Windows, Git for Windows brings it.")
        argv, more = bash_of(command)
        try:
            made = PlainTerminal(argv, cwd, told | more, (columns, rows), pipes=self._pipes)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ToolFault(f"The command cannot be started: {error}. Nothing was run.") from None
        self._terminals = [*(each for each in self._terminals if each.left_running()), made]
        return made

    async def aclose(self) -> None:
        """End what was started."""
        terminals, self._terminals = self._terminals, []
        with anyio.CancelScope(shield=True):
            for terminal in terminals:
                await to_thread.run_sync(terminal.close)
            if self._home:
                await to_thread.run_sync(self._home.cleanup)
                self._home = None

    def _environment(self) -> dict[str, str]:
        self._home = self._home or tempfile.TemporaryDirectory(prefix="deskhand-", ignore_cleanup_errors=True)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {"HOME": self._home.name, "LANG": "C.UTF-8", "TERM": "xterm-256color", "NO_COLOR": "1", "PAGER": "cat"}
        return {"PATH": os.defpath, **kept, **own, "TMPDIR": self._home.name, "TMP": self._home.name}


def _at_terminal(
    argv: Sequence[str], cwd: Path, environment: Mapping[str, str], size: tuple[int, int]
) -> tuple[subprocess.Popen[bytes], int]:
    import fcntl
    import struct
    import termios

    def come_forward() -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):  # ignored where we were started with `&`, and ^C with them
            signal.signal(number, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    master, slave = os.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            preexec_fn=come_forward,
        )
        return process, master
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)


def _at_pipes(argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment,
        start_new_session=True,
    )


def _kill(process: Process | subprocess.Popen[bytes]) -> None:
    """All of a process's group."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    if isinstance(process, subprocess.Popen):
        process.wait()


async def _feed(process: Process, data: bytes) -> None:
    if process.stdin:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            await process.stdin.send(data)
        with suppress(anyio.BrokenResourceError, ConnectionError):
            await process.stdin.aclose()


async def _drain(stream: ByteReceiveStream | None, kept: Kept) -> None:
    if stream:
        async for data in stream:
            kept.add(data)
