"""A computer that is another machine: the task's folder is in both, and brought home from it."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actuators.errors import ActuatorError
from agent.errors import UserFault, for_the_model
from perception.errors import PerceptionError
from vm.guest_client import GuestFault
from vm.local import LocalComputer
from vm.remote_files import DOCUMENTS, RemoteFiles, Synced
from vm.senses import Senses

if TYPE_CHECKING:
    from perception.screenshot import Screenshot


class Line(Protocol):
    """What a machine is told by."""

    def abort(self) -> None:
        """Make a call that is under way return soon."""
        ...

    def close(self) -> None:
        """Let go of the line."""
        ...


class RemoteComputer(LocalComputer):
    """A subclass says how a program is started, and how patient one must be with it.

    Attributes:
        workspace: the task's folder on this machine, which the other one sees as ~/Documents.
        called: what the other machine is called, for people.
        settles: seconds that what was opened may take to come to rest.
    """

    called = "the machine"
    settles = 45.0

    def __init__(
        self,
        senses: Senses,
        line: Line,
        files: RemoteFiles,
        *,
        workspace: Path,
        notes: Sequence[str],
        say: Callable[[str], None],
        end: Callable[[], None],
    ) -> None:
        super().__init__(senses, notes=notes)
        self.workspace = workspace
        self._line, self._files, self._say, self._end = line, files, say, end
        self._synced = Synced(files)
        self._closed = False

    async def screenshot(self) -> Screenshot:
        """See `agent.ports.Computer`. Files that have changed come home soon after.

        Raises:
            ScreenLost: the machine hangs or is gone.
            UserFault: a file that has come home could not be written.
        """
        shot = await super().screenshot()
        self._files.poke()
        return shot

    @abstractmethod
    def _start(self, target: str, cancelled: threading.Event) -> None:
        """Have a target opened there, blocking, until there is something to be seen of it."""

    def _better(self, error: ActuatorError | PerceptionError) -> ActuatorError | PerceptionError:
        """The error, or what is known better than who could not reach the machine."""
        return error

    def _open(self, target: str, cancelled: threading.Event) -> None:
        try:
            self._eyes.mark()
            self._start(target, cancelled)
            if not cancelled.is_set():
                self._eyes.settle(self.settles)
        except GuestFault as fault:
            raise UserFault(f"cannot open {target} in {self.called}: {fault}") from None
        except (ActuatorError, PerceptionError) as error:
            if not cancelled.is_set():
                raise for_the_model(self._better(error)) from error

    def _file(self, target: str) -> Path | None:
        """A file of this machine that a target names."""
        inside = target.removeprefix(f"{DOCUMENTS}/")
        with suppress(OSError, RuntimeError, ValueError):  # too long for a name, no such user's home, a NUL
            for file in (self.workspace / inside, Path(target).expanduser().absolute()):
                # A program's own path is a command.
                if file.is_file() and not (os.access(file, os.X_OK) and not file.suffix):
                    return file
        return None

    def _cut_short(self) -> None:
        super()._cut_short()
        self._line.abort()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with ExitStack() as closing:
            closing.callback(self._end)
            closing.callback(self._line.close)
            closing.callback(super()._close)
            closing.callback(self._come_home)

    def _come_home(self) -> None:
        try:
            if missed := self._files.close():
                self._say(f"not brought home from {self.called}: {', '.join(missed[:10])}")
        except UserFault as fault:
            self._say(str(fault))
