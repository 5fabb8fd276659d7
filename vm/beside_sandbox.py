"""Programs of tools on Linux, in a sandbox of their own where there can be one.

They see the system's programs, the task's folder at its own place (and as ~/Documents), and a home and a /tmp of their
own that last as long as the session; no screen, no session bus, no key and no token. All commands at terminals share
one sandbox, so that one reaches what another serves; a program that is run to its end has one to itself. Everything is
started through a warden (`vm/processes.py`), and each program has a leader (`vm/leader.py`), so nothing outlives them.
Nothing at all is started before the first program is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from agent.errors import ToolFault
from agent.tools.kept import Kept
from agent.tools.ports import OUTPUT_BYTES, Finished
from agent.tools.shell_script import bash_of
from vm.beside_site import Seen, Site, open_site
from vm.led import CHUNK_BYTES, Led, LedTerminal, NotStarted
from vm.processes import WardenLost
from vm.sandbox import NoSandbox, why_not

_T = TypeVar("_T")
_LOST_SANDBOX = (
    "The sandbox of the commands was killed, and everything that ran in it with it, what was left running included. "
    "Files are as they were left. Nothing was run now; the next call starts another sandbox."
)
_LOST = (
    "What runs programs was killed, and with it all that ran; their own home and /tmp are gone. The task's folder is "
    "as it was left. The next call starts it again."
)


class SandboxedPrograms:
    """`agent.tools.ports.Programs` on Linux."""

    def __init__(self, workspace: Path, *, network: bool, say: Callable[[str], object]) -> None:
        self.workspace = workspace.resolve()
        self.network = network
        self._say = say
        self._doubt = why_not()
        self._asked = bool(self._doubt)  # that each command needs a yes is known to whoever asks for one
        self._lock = anyio.Lock()
        self._site: Site | None = None
        self._terminals: list[LedTerminal] = []
        self._closed = False

    @property
    def confined(self) -> str:
        """Why programs are in no sandbox, as far as that is known before the first one; "" where they are."""
        return self._doubt

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
        """Run one program to its end, in a sandbox of its own without a network. See `Programs`."""
        site = await self._open()
        site.check(argv, (*writable, *readable))
        stage = site.alone(Seen(tuple(writable), tuple(readable), workspace))
        place = cwd or (self.workspace if workspace else site.home)
        pipes = _Pipes()

        def start() -> Led:
            return Led(stage, argv, place, streams=pipes.theirs, environment=environment)

        try:
            led = await _surely(lambda: self._start(start))
            pipes.close(*pipes.theirs)
            try:
                return await _to_the_end(led, pipes, input, seconds)
            finally:
                await _surely(led.close)
        finally:
            pipes.close()

    async def terminal(self, command: str, *, cwd: Path, columns: int = 160, rows: int = 48) -> LedTerminal:
        """Start a shell command at a terminal of its own. See `Programs`."""
        site = await self._open()
        if site.doubt and not self._asked:
            self._asked = True
            raise ToolFault(
                f"There can be no sandbox here ({site.doubt}), so that every command needs the user's yes. Nothing was "
                "run; ask for it again."
            )
        site.check(("bash",), ())
        argv, environment = bash_of(command)

        def start() -> LedTerminal:
            return LedTerminal(Led(site.together(), argv, cwd, size=(columns, rows), environment=environment))

        made = await _surely(lambda: self._start(start))
        self._terminals = [*(each for each in self._terminals if not each.closed), made]
        return made

    async def aclose(self) -> None:
        """End every program, and remove what was theirs. May be called twice."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self._leave()

    async def _open(self) -> Site:
        """Where programs are started; made when the first one is wanted.

        Raises:
            ToolFault: there is none.
        """
        async with self._lock:
            if self._closed:
                raise ToolFault("The session is over; no program is started any more.")
            if self._site and self._site.lost:
                await self._leave()
            if self._site is None:
                self._site = await _surely(self._made)
                if self._site.doubt:
                    self._doubt = self._site.doubt
                    self._say(f"commands see all your files, since there can be no sandbox here: {self._doubt}")
            return self._site

    async def _leave(self) -> None:
        site, self._site = self._site, None
        if site:
            await _surely(site.close)
        terminals, self._terminals = self._terminals, []
        for each in terminals:
            await _surely(each.close)  # its programs have ended already

    def _made(self) -> Site:
        try:
            return open_site(self.workspace, network=self.network, doubt=self._doubt)
        except (OSError, WardenLost) as error:
            raise ToolFault(f"No program can be started: {error}. Nothing was run.") from None

    def _start(self, start: Callable[[], _T]) -> _T:
        try:
            return start()
        except NotStarted as error:
            raise ToolFault(f"It cannot be started: {error}. Nothing was run.") from None
        except (WardenLost, NoSandbox) as error:
            site = self._site
            if site and site.stands():
                lost = site.leave()
                raise ToolFault(_LOST_SANDBOX if lost else f"No sandbox: {error}. Nothing was run.") from None
            if site:
                site.lost = True
            raise ToolFault(_LOST) from None


class _Pipes:
    """The three streams of a program. Our ends, `input`, `output` and `error`, do not block."""

    def __init__(self) -> None:
        (theirs_in, self.input), (self.output, theirs_out), (self.error, theirs_error) = (os.pipe() for _ in range(3))
        ours = (self.input, self.output, self.error)
        self.theirs = (theirs_in, theirs_out, theirs_error)
        self._open = {*ours, *self.theirs}
        for each in ours:
            os.set_blocking(each, False)

    def close(self, *some: int) -> None:
        """Some of them, or all; each is closed once."""
        for each in some or tuple(self._open):
            if each in self._open:
                self._open.remove(each)
                os.close(each)


async def _surely(call: Callable[[], _T]) -> _T:
    """Blocking work of milliseconds whose result must not be lost when this is cancelled."""
    made: list[_T] = []
    with anyio.CancelScope(shield=True):
        made.append(await to_thread.run_sync(call))
    return made[0]


async def _to_the_end(led: Led, pipes: _Pipes, data: bytes, seconds: float) -> Finished:
    output, error = Kept(OUTPUT_BYTES), Kept(OUTPUT_BYTES)
    ended: list[int] = []
    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, pipes, data)
            tasks.start_soon(_drain, pipes.output, output)
            tasks.start_soon(_drain, pipes.error, error)
            while (status := led.status()) is None:
                await anyio.wait_readable(led)
            await to_thread.run_sync(led.end)  # what it has left behind holds its streams
            ended.append(status)
    return Finished(ended[0] if ended else None, output.take().whole, error.take().whole)


async def _feed(pipes: _Pipes, data: bytes) -> None:
    rest = memoryview(data)
    with suppress(BrokenPipeError):
        while rest:
            await anyio.wait_writable(pipes.input)
            with suppress(BlockingIOError):
                rest = rest[os.write(pipes.input, rest[:CHUNK_BYTES]) :]
    pipes.close(pipes.input)


async def _drain(descriptor: int, kept: Kept) -> None:
    while True:
        await anyio.wait_readable(descriptor)
        with suppress(BlockingIOError):
            if not (data := os.read(descriptor, CHUNK_BYTES)):
                return
            kept.add(data)
