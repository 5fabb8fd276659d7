"""QEMU's monitor (QMP) for code that blocks: one event loop in a thread of its own serves all machines."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from qemu.qmp import QMPClient

SECONDS = 10.0  # QEMU answers in a millisecond; on a machine that swaps, later
T = TypeVar("T")
Event = Mapping[str, Any]


class MonitorLost(Exception):
    """QEMU does not answer any more, or not in time."""


class Refused(Exception):
    """QEMU will not do what it was told; the message is its own."""


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    # What the library says of lines that break is said by us, once.
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL + 1)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="deskhand-qmp", daemon=True).start()
    return loop


def watch_file(descriptor: int, call: Callable[[], None]) -> None:
    """Call something, from the loop's thread, whenever there is something to be read."""
    _loop().call_soon_threadsafe(_loop().add_reader, descriptor, call)


def leave_file(descriptor: int) -> None:
    """Returns when it is not watched any more."""

    async def leave() -> None:
        asyncio.get_running_loop().remove_reader(descriptor)

    _run(leave(), SECONDS)


def _run(work: Coroutine[Any, Any, T], seconds: float) -> T:
    future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), _loop())
    try:
        return future.result(seconds + SECONDS)
    except (TimeoutError, concurrent.futures.CancelledError):
        future.cancel()
        raise MonitorLost(f"QEMU does not answer within {seconds:.0f} s") from None


class Monitor:
    """The line to one QEMU. Safe from any thread; calls block, never longer than their seconds.

    Args:
        path: of a socket; where `listen`, QEMU is to connect to it, else QEMU listens there.
        heard: called with each event, from the thread of the loop; must not block.
    """

    def __init__(self, path: Path, heard: Callable[[Event], None] | None = None, *, listen: bool = True) -> None:
        self._heard = heard
        self._path = str(path)
        self._listening: asyncio.Task[None] | None = None
        self._qmp: QMPClient = _run(self._open(listen), SECONDS)

    async def _open(self, listen: bool) -> QMPClient:
        from qemu.qmp import ConnectError, EventListener, QMPClient

        qmp = QMPClient("deskhand")
        listener = EventListener()
        qmp.register_listener(listener)
        try:
            await (qmp.start_server(self._path) if listen else qmp.connect(self._path))
        except (ConnectError, OSError) as error:
            raise MonitorLost(f"QEMU cannot be reached ({error})") from None
        if self._heard is not None:
            self._listening = asyncio.create_task(self._listen(listener))
        return qmp

    def accept(self, seconds: float, ended: Callable[[], bool]) -> None:
        """Wait until QEMU has connected, or `ended` is true."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(self._accept(), seconds), _loop())
        while True:
            try:
                return future.result(0.05)
            except (TimeoutError, concurrent.futures.TimeoutError):
                if future.done() or ended():
                    future.cancel()
                    raise MonitorLost("QEMU did not start") from None

    async def _accept(self) -> None:
        from qemu.qmp import ConnectError

        try:
            await self._qmp.accept()
        except ConnectError as error:
            raise MonitorLost(f"QEMU did not start ({error})") from None

    def execute(self, name: str, *, seconds: float = SECONDS, **arguments: object) -> Any:
        """Do a command: what QEMU returns.

        Raises:
            MonitorLost: it is gone or hangs.
            Refused: it says no.
        """
        return _run(self._execute(name, arguments), seconds)

    async def _execute(self, name: str, arguments: Mapping[str, object]) -> Any:
        from qemu.qmp import ExecInterruptedError, ExecuteError, StateError

        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            return await self._qmp.execute(name, words)
        except ExecuteError as error:
            raise Refused(str(error)) from None
        except (ExecInterruptedError, StateError, OSError):
            raise MonitorLost("QEMU is gone") from None

    def send_file(self, name: str, descriptor: int) -> None:
        """Hand QEMU an open file, which commands call by `name`."""
        _run(self._send(descriptor, "getfd", {"fdname": name}), SECONDS)

    def add_file(self, descriptor: int) -> int:
        """Hand QEMU an open file, which it then knows as /dev/fdset/N: the number."""
        return int(_run(self._send(descriptor, "add-fd", {}), SECONDS)["fdset-id"])

    def add_file_to(self, number: int, descriptor: int) -> None:
        """The same for one more that was opened in another way."""
        _run(self._send(descriptor, "add-fd", {"fdset-id": number}), SECONDS)

    async def _send(self, descriptor: int, name: str, arguments: Mapping[str, object]) -> Any:
        try:
            self._qmp.send_fd_scm(descriptor)
        except Exception as error:  # the library's own errors of a line that is gone, among others
            raise MonitorLost(f"QEMU is gone ({error})") from None
        return await self._execute(name, arguments)

    def say(self, line: str) -> str:
        """A command of the monitor for people, for what QMP does not have: what it prints."""
        return str(self.execute("human-monitor-command", command_line=line)).strip()

    async def _listen(self, listener: Any) -> None:
        async for event in listener:
            if self._heard is not None:
                self._heard(event)

    def close(self) -> None:
        """Hang up. May be called twice."""
        with suppress(MonitorLost):
            _run(self._close(), SECONDS)

    async def _close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        with suppress(Exception):  # a line that broke says so once more here
            await self._qmp.disconnect()
