"""Who may start: so many at once on private computers, one on each screen of the user's, first come, first served.

<home>/slots/<machine>/agents/000000000012-SESSION    a ticket of the private desktops and virtual machines
                       here-7/000000000001-SESSION    a ticket of the user's own screen :7
                       …/.door                        locked for an instant by whoever comes

A ticket is locked by its process from when it comes until it is through, and the operating system takes the lock away
from a process that dies, however it dies. So a ticket that is not locked counts for nothing, and there is nothing else
to keep: whoever has fewer living tickets before its own than may work at once, works. Numbers only grow, so a ticket
never gets more before it, and there are never more at work than may be.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import anyio

from agent.errors import UserFault

POLL = 0.12  # seconds between looks of one that waits
DOOR_POLL = 0.004  # seconds between tries of the door, which is held for less
BYTES_PER_AGENT = 10**9  # of memory: a desktop with a browser or an office program on it, and the agent
FEWEST = 2  # agents on the smallest machine
_TICKET = re.compile(r"(\d{12})-(.+)")
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many there may be, and how many there are.

    Attributes:
        agents: how many may work at once on private desktops and virtual machines.
        running: how many do.
        queued: how many wait for their turn, those for the user's own screens among them.
    """

    agents: int
    running: int
    queued: int


class Slot:
    """The right to work on a computer of a kind, until it is released or the process is gone."""

    def __init__(self, ticket: _Ticket) -> None:
        self._ticket = ticket

    def release(self) -> None:
        """Let the next one in. May be called twice."""
        self._ticket.give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Slots:
    """The queues of one machine. Needs no service: all processes meet in the files."""

    def __init__(self, home: Path, agents: int | None = None) -> None:
        """Look at nothing yet.

        Args:
            home: where all state lives.
            agents: how many may work at once on private computers; None for what the memory is enough for.
        """
        self._folder = home / "slots" / (_safe(platform.node()) or "machine")
        self._agents = agents or agents_by_memory()

    async def wait(self, computer: str, session: str, told: Callable[[str, int], object]) -> Slot:
        """Return when it is this session's turn; cancelled at any time, it leaves the queue.

        Args:
            computer: `here`, `desktop` or `vm`.
            session: its id.
            told: called only if it has to wait, and again when something about that has changed, with what it waits
                for in words and how many others wait before it.

        Raises:
            UserFault: the files of the queue cannot be written.
        """
        queue = self._queue(computer)
        ticket = await queue.enter(session)
        try:
            news, said = queue.news(ticket) if ticket.before >= queue.size else None, None
            while news:
                if news != said:
                    told(*news)
                    said = news
                await anyio.sleep(POLL)
                news = queue.news(ticket)
        except BaseException:
            ticket.give_back()
            raise
        return Slot(ticket)

    def is_free(self, computer: str) -> bool:
        """Whether a session for a computer of this kind could start right now."""
        queue = self._queue(computer)
        return queue.living() < queue.size

    def limits(self) -> Limits:
        """How it stands now. Takes well under a millisecond."""
        living = [(queue.size, queue.living()) for queue in self._queues()]
        private = self._queue("desktop").living()
        queued = sum(max(0, there - size) for size, there in living)
        return Limits(self._agents, min(private, self._agents), queued)

    def _queue(self, computer: str) -> _Queue:
        if computer == "here":
            return _Queue(self._folder / _screen(), 1)
        return _Queue(self._folder / "agents", self._agents)

    def _queues(self) -> Iterator[_Queue]:
        for name in _names(self._folder):
            yield _Queue(self._folder / name, self._agents if name == "agents" else 1)


def agents_by_memory() -> int:
    """How many agents the memory of this machine, or of this container, is enough for; at least two."""
    return max(FEWEST, _memory() // BYTES_PER_AGENT)


@dataclass(frozen=True, slots=True)
class _Queue:
    """The tickets of one kind of computer, of which the first `size` living ones may work."""

    folder: Path
    size: int

    async def enter(self, session: str) -> _Ticket:
        """Get in line."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            while (ticket := self._try_to_enter(session)) is None:
                await anyio.sleep(DOOR_POLL)
            return ticket
        except OSError as error:
            raise UserFault(
                f"cannot write to {self.folder} ({error.strerror}); make it writable, or free some space"
            ) from None

    def news(self, ticket: _Ticket) -> tuple[str, int] | None:
        """Why a ticket has to wait, and how many wait before it; None when it is its turn."""
        before = [name for name in self._tickets() if name < ticket.path.name and _is_held(self.folder / name)]
        if len(before) < self.size:
            return None
        return self._reason(before[0]), len(before) - self.size

    def living(self) -> int:
        """How many work or wait."""
        return sum(_is_held(self.folder / name) for name in self._tickets())

    def _reason(self, first: str) -> str:
        if self.folder.name != "agents":
            return f"session {first.partition('-')[2]} works on your screen, and only one can at a time"
        at_work = "another session is" if self.size == 1 else f"{self.size} other sessions are"
        return f"{at_work} at work, and no more may be at once (max_agents)"

    def _try_to_enter(self, session: str) -> _Ticket | None:
        """Draw the next number, unless somebody else is just doing so. Sweeps away tickets of the dead."""
        door = os.open(self.folder / ".door", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(door):
                return None
            names = [name for name in self._tickets() if not self._swept(name)]
            number = int(names[-1].partition("-")[0]) + 1 if names else 1
            return _draw(self.folder / f"{number:012}-{session}", len(names))
        finally:
            os.close(door)

    def _swept(self, name: str) -> bool:
        path = self.folder / name
        if _is_held(path):
            return False
        with suppress(PermissionError):  # Windows: somebody looks at it just now
            path.unlink(missing_ok=True)
        return True

    def _tickets(self) -> list[str]:
        """Names in the order of arrival."""
        return sorted(name for name in _names(self.folder) if _TICKET.fullmatch(name))


class _Ticket:
    """A place in a queue: a locked file. There were `before` living ones when it was drawn; there can only be fewer."""

    def __init__(self, path: Path, fd: int, before: int) -> None:
        self.path, self.before = path, before
        self._fd: int | None = fd

    def give_back(self) -> None:
        """Leave. May be called twice."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        if sys.platform == "win32":  # where what is open cannot be removed; who comes next sweeps, should this fail
            os.close(fd)
            with suppress(OSError):
                self.path.unlink()
        else:
            with suppress(OSError):
                self.path.unlink()
            os.close(fd)


def _draw(path: Path, before: int) -> _Ticket:
    """A new ticket, locked. Nobody else looks at it before: it is the last one, and the door is closed."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while not _lock(fd):  # `limits` looks at any time, for microseconds
            pass
    except BaseException:
        os.close(fd)
        raise
    return _Ticket(path, fd, before)


def _is_held(path: Path) -> bool:
    """Whether a living process has it. Of two that ask at the same instant, one may wrongly hear yes."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(fd)
    finally:
        os.close(fd)


def _lock(fd: int) -> bool:
    """Take the lock of a file if it is free. It is gone when the file is closed."""
    from filelock import lock_descriptor

    return lock_descriptor(fd, blocking=False)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (10 × quicker)
    except FileNotFoundError:
        return []


def _screen() -> str:
    """The name of the queue for the user's own screen: two X displays are two screens."""
    if not sys.platform.startswith("linux"):
        return "here"
    from perception.backends.atspi_bus import plain

    return _safe(f"here-{plain(os.environ.get('DISPLAY', '')).removeprefix(':')}")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", name).lstrip(".")


def _memory() -> int:
    """Bytes of memory that this machine has, or that its container may use."""
    if sys.platform == "win32":
        import ctypes

        kilobytes = ctypes.c_ulonglong(0)
        ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
        return kilobytes.value * 1024
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no Linux, no such group, or "max"
        return min(total, int(_CGROUP.read_text()))
    return total
