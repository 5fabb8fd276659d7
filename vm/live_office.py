"""LibreOffice on the private desktop, asked for its open documents by a worker beside it (`vm/uno_worker`).

The profile makes LibreOffice listen at a pipe in the sandbox's own /tmp, whatever starts it. The worker is started in
the sandbox when it is first needed, and ends with the desktop. Nothing outside of the desktop can reach the pipe.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from agent.errors import ToolFault
from vm.libreoffice import python_with_uno
from vm.processes import WardenLost
from vm.windows import Windows

if TYPE_CHECKING:
    from vm.desktop_start import Stage

LATER_SECONDS = 3.0  # for the worker's own word that a request took too long, and for its start
CLASSES = ("soffice", "libreoffice")
LONGEST = 300_000_000  # bytes of an answer
_TOUCHING = ("edit", "save", "snapshot", "blocks")


class DesktopOffice:
    """See `agent.tools.ports.LiveOffice`. One request at a time.

    Args:
        stage: the desktop as it runs now.
        root: where its programs come from.
    """

    def __init__(self, stage: Callable[[], Stage], root: Path) -> None:
        self._stage, self._root = stage, root
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    async def ask(self, request: Mapping[str, Any], seconds: float = 30.0) -> dict[str, Any]:
        """Send a request and give its answer: see `vm/uno_worker/__main__.py`.

        Raises:
            ToolFault: a dialog is in the way, it does not answer in time, it has ended, or it says why not.
            LookupError: no LibreOffice runs that can be asked, or the document is not open in it.
        """
        try:
            told = await anyio.to_thread.run_sync(self._ask, dict(request), seconds, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            self.close()
            raise
        if "nothing" in told:
            raise LookupError(str(told["nothing"]))
        if "fault" in told:
            raise ToolFault(str(told["fault"]))
        return told

    def in_the_way(self) -> str:
        """A dialog of LibreOffice that must be answered on the screen first, in words; "" for none."""
        return _in_the_way(self._stage())

    def close(self) -> None:
        """End the worker. It starts again when it is needed."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        with self._lock:
            stage = self._stage()
            if not _pipe(stage).exists():
                return {"nothing": "no LibreOffice runs here"}
            if request["do"] in _TOUCHING and (fault := _in_the_way(stage)):
                return {"fault": f"{fault} Nothing was changed."}
            try:
                worker = self._worker = self._worker or _Worker(stage, self._root)
                told = worker.ask(request, seconds)
            except LookupError as error:
                return {"nothing": str(error)}
            except (OSError, ValueError, WardenLost) as error:
                self.close()
                return {"fault": f"LibreOffice cannot be asked: {error}. {_LOOK}"}
            if told.get("late"):
                self.close()
                return {"fault": self._late(stage, seconds)}
            return told

    def _late(self, stage: Stage, seconds: float) -> str:
        if fault := _in_the_way(stage):
            return f"{fault} What was asked for may have been done in part."
        return f"LibreOffice has not answered for {seconds:.0f} s; it hangs, or is busy. {_LOOK}"


def _in_the_way(stage: Stage) -> str:
    windows = Windows(stage.display)
    try:
        titles = windows.dialogs(CLASSES)
    finally:
        windows.close()
    return f"LibreOffice shows the dialog “{titles[0]}”; answer it on the screen first." if titles else ""


_LOOK = "It is not known whether that was done: look at the screen before you try again."


def _pipe(stage: Stage) -> Path:
    """The socket of the pipe, as it is seen from outside."""
    temp = Path("/tmp") if stage.view is None else stage.place.temp
    return temp / f"OSL_PIPE_{os.getuid()}_{stage.place.pipe}"


class _Worker:
    """The process, and the socket to it."""

    def __init__(self, stage: Stage, root: Path) -> None:
        if not (python := python_with_uno(root)):
            raise LookupError("LibreOffice's Python bridge is not installed (package python3-uno)")
        self._number, self._read = 0, bytearray()
        self._socket, theirs = socket.socketpair()
        with theirs:
            words = [python, "-B", "-m", "uno_worker", stage.place.pipe, "{fd0}"]
            log, environment = stage.place.log("uno_worker"), stage.environment
            try:
                stage.programs.spawn(
                    words, environment=environment, cwd=stage.place.ours, log=log, descriptors=[theirs.fileno()]
                )
            except BaseException:
                self._socket.close()
                raise

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """One request and its answer; {"late": true} where there is none in time.

        Raises:
            OSError: the worker has ended.
        """
        self._number += 1
        deadline = time.monotonic() + seconds + LATER_SECONDS
        try:
            self._socket.settimeout(seconds + LATER_SECONDS)
            self._socket.sendall(json.dumps({"id": self._number, "seconds": seconds, **request}).encode() + b"\n")
            while (end := self._read.find(b"\n")) < 0:
                self._more(deadline)
        except TimeoutError:
            return {"late": True}
        told = json.loads(self._read[:end])
        del self._read[: end + 1]
        return told

    def _more(self, deadline: float) -> None:
        self._socket.settimeout(max(0.01, deadline - time.monotonic()))
        part = self._socket.recv(1 << 20)
        if not part or len(self._read) > LONGEST:
            raise OSError("what asks it has ended" if not part else "the answer is too long")
        self._read += part

    def close(self) -> None:
        """It ends when this end is closed."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
