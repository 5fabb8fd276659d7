"""The terminals of a session: what runs in them, read to its end whatever happens, and told of when it ends."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
from anyio import from_thread, lowlevel, to_thread

from agent.errors import ToolFault
from agent.tools.base import Context, Room
from agent.tools.jobs import Job, how, short
from agent.tools.news import News
from agent.tools.ports import Programs
from agent.tools.rendered import COLUMNS, ROWS

MOST_RUNNING = 16
MOST_ENDED = 16  # whose output can still be read
IDLE_SECONDS = 1.0
ASKED_SECONDS = 2.0  # between looks whether one waits for input that nobody waits for
ROUND_SECONDS = 0.05

Waited: TypeAlias = Literal["ended", "asks", "word", "time"]


class Terminals:
    """All of a session. A thread reads them from when the first is there."""

    def __init__(self, programs: Programs, news: News, folder: Path) -> None:
        self._programs, self._news, self._folder = programs, news, folder
        self._named: dict[str, Job] = {}
        self._count = 0
        self._pump: _Pump | None = None

    @classmethod
    def of(cls, room: Room) -> Terminals:
        """Those of a session, which end with it."""
        made = cls(room.programs, room.news, room.folder.path)
        room.closing.push_async_callback(made.aclose)
        room.news.watch(made.going_on)
        return made

    async def start(self, command: str, shown: str) -> Job:
        """Run a command at a terminal of its own; `shown` is what people and the model know it by.

        Raises:
            ToolFault: it cannot be started, or too many run already.
        """
        running = [job.id for job in self._named.values() if not job.closed]
        if len(running) >= MOST_RUNNING:
            raise ToolFault(
                f"{len(running)} commands are still running, or what they started is ({', '.join(running)}); no more "
                "can be started before one of them has ended. `terminal` ends them."
            )
        self._pump = self._pump or _Pump(self._ended, self._asking)
        job = Job(shown, await self._programs.terminal(command, cwd=self._folder, columns=COLUMNS, rows=ROWS))
        self._pump.add(job)
        return job

    def name(self, job: Job) -> str:
        """Give a command that goes on, or has left something that does, a name by which it can be found."""
        if not job.id:
            self._count += 1
            job.id = f"t{self._count}"
            self._named[job.id] = job
            self._forget_some()
        return job.id

    def find(self, name: object) -> Job:
        """A command by its terminal's name.

        Raises:
            ToolFault: there is none.
        """
        if isinstance(name, str) and (job := self._named.get(name.strip())):
            return job
        there = ", ".join(self._named) or "none"
        raise ToolFault(f"There is no terminal {name!r}; there are: {there}. Terminals end with the session's process.")

    @property
    def all(self) -> list[Job]:
        """Those that have a name."""
        return list(self._named.values())

    def told(self, job: Job) -> None:
        """The model knows how a command has ended."""
        self._news.withdraw(job.news)

    async def end(self, job: Job) -> None:
        """End a command, and all that it has started."""
        job.watched = True
        await to_thread.run_sync(job.close)
        job.ended.set()

    def going_on(self) -> str:
        """What will bring news, in one line."""
        running = [f"{short(job.command)} (terminal {job.id})" for job in self._named.values() if job.runs]
        return f"commands are running: {', '.join(running)}" if running else ""

    async def aclose(self) -> None:
        """End everything."""
        with anyio.CancelScope(shield=True):
            if self._pump:
                await to_thread.run_sync(self._pump.stop)
                async with anyio.create_task_group() as tasks:
                    for job in self._pump.jobs:
                        tasks.start_soon(to_thread.run_sync, job.close)

    def _ended(self, job: Job) -> None:
        job.ended.set()
        if job.watched or not job.id:
            return
        said = job.last()
        job.news = f"«{short(job.command)}» in terminal {job.id} has ended after {job.seconds:.0f} s: {how(job)}." + (
            f" It last printed:\n{said}" if said else ""
        )
        self._news.tell(job.news)

    def _asking(self, job: Job) -> None:
        if job.runs and not (job.watched or job.noticed):
            job.noticed = True
            said = job.last(1, 200).strip()
            what = f"waits for somebody to type{f': «{said}»' if said else ''}"
            self._news.tell(f"«{short(job.command)}» in terminal {job.id} {what}. See to it with `terminal`.")

    def _forget_some(self) -> None:
        ended = [name for name, job in self._named.items() if not job.runs and job.closed]
        for name in ended[: max(0, len(ended) - MOST_ENDED)]:
            del self._named[name]


class _Pump(threading.Thread):
    """Reads all terminals until the session ends; one that nobody reads would stand still when it is full."""

    def __init__(self, ended: Callable[[Job], None], asking: Callable[[Job], None]) -> None:
        super().__init__(name="terminals", daemon=True)
        self._ended, self._asking, self._token = ended, asking, lowlevel.current_token()
        self._looked = 0.0
        self._wake, self._rung = os.pipe()
        os.set_blocking(self._wake, False)
        self._added: deque[Job] = deque()
        self._stopping = False
        self.jobs: list[Job] = []
        self.start()

    def add(self, job: Job) -> None:
        """Read this one too."""
        self._added.append(job)
        self._ring()

    def stop(self) -> None:
        """Read no more; returns when this has ended."""
        self._stopping = True
        self._ring()
        self.join()
        os.close(self._wake)
        os.close(self._rung)

    def run(self) -> None:
        """The thread."""
        while True:
            while self._added:
                self.jobs.append(self._added.popleft())
            if self._stopping:
                return
            for job in self._ready():
                if job.drain() and not self._tell(self._ended, job):
                    return
            self._let_go()
            if not all(self._tell(self._asking, job) for job in self._that_ask()):
                return

    def _ready(self) -> list[Job]:
        """Wait until something has happened. Once a second all have their turn, whatever they say."""
        if sys.platform == "win32":  # nothing to wait with for pipes
            time.sleep(ROUND_SECONDS)
            return list(self.jobs)
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        places: dict[int, Job] = {}
        for job in self.jobs:
            with suppress(OSError, ValueError):  # closed in between
                places[place := job.terminal.fileno()] = job
                poll.register(place, select.POLLIN)
        happened = {place for place, _ in poll.poll(IDLE_SECONDS * 1000)}
        if self._wake in happened:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)
        found = [job for place, job in places.items() if place in happened]
        return found or list(self.jobs)

    def _let_go(self) -> None:
        """Of those that have ended with all that they started."""
        for job in [job for job in self.jobs if job.closed or (not job.runs and not job.terminal.left_running())]:
            job.close()
            self.jobs.remove(job)

    def _that_ask(self) -> list[Job]:
        """Those that wait for input while nobody looks; once in a while."""
        if time.monotonic() - self._looked < ASKED_SECONDS:
            return []
        self._looked = time.monotonic()
        return [job for job in self.jobs if job.id and not (job.watched or job.noticed) and job.asks()]

    def _tell(self, tell: Callable[[Job], None], job: Job) -> bool:
        try:
            from_thread.run_sync(tell, job, token=self._token)
        except RuntimeError:  # the event loop is gone
            return False
        return True

    def _ring(self) -> None:
        with suppress(OSError):
            os.write(self._rung, b".")


async def wait(job: Job, seconds: float, context: Context) -> Waited:
    """Wait until a command has ended, waits for input, or the user has said something; at most so long."""
    found: Waited = "word"

    async def look() -> None:
        nonlocal found
        found = await _look(job, seconds)
        tasks.cancel_scope.cancel()

    async def listen() -> None:
        await context.user.word()
        tasks.cancel_scope.cancel()

    job.watched = True
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            tasks.start_soon(listen)
    finally:
        job.watched = False
    return found


async def _look(job: Job, seconds: float) -> Waited:
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        # Waiting for input must be noticed quickly at first, and need not be a minute later.
        with anyio.move_on_after(min(left, 0.1 if seconds - left < 5 else 0.5)):
            await job.ended.wait()
            return "ended"
        if await to_thread.run_sync(job.asks):
            return "asks"
    return "ended" if job.ended.is_set() else "time"
