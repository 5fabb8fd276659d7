"""A machine that speaks the interface of OSWorld's guest server, as a computer: by that interface alone."""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from actuators.errors import ActuatorError
from actuators.guard import Deaf, Guard
from agent.errors import UserFault, for_the_model
from perception.errors import PerceptionError
from vm.guest_client import GuestFault
from vm.local import LocalComputer, Patience, in_thread
from vm.plain_client import PlainClient
from vm.plain_hands import PlainActor
from vm.remote_files import DOCUMENTS, RemoteFiles, Synced
from vm.remote_hands import RemoteHands
from vm.senses import AS_USUAL, SenseOptions, Senses

if TYPE_CHECKING:
    from perception.screen import Backend
    from perception.screenshot import Screenshot
    from perception.watch import Watching
    from vm.guest_client import Address
    from vm.remote_eyes import Screenful

CHECK_SECONDS = 8.0
APPEAR_SECONDS = 30.0  # for anything at all to change after a program was started
SETTLE_SECONDS = 45.0
RELEASE_SECONDS = 10.0  # for letting go, which takes a program there
SLOW = Patience(reaction=6.0, change=3.0, look=15.0)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|about:|mailto:", re.IGNORECASE)
_NOTES = (
    "This is a machine of its own, which is asked for every picture and every action; it is slower than a usual "
    "computer. Screenshots wait for it.",
    f"{DOCUMENTS} is the task's folder: its files are there, and what you save there, in ~/Desktop or in ~/Downloads "
    "is brought to the user.",
)


class OsworldComputer(LocalComputer):
    """A machine that runs already, and goes on when this is closed.

    Attributes:
        workspace: the task's folder on this machine, which the other one sees as ~/Documents.
    """

    kind = "osworld"
    patience = SLOW

    def __init__(
        self,
        senses: Senses,
        client: PlainClient,
        files: RemoteFiles,
        *,
        workspace: Path,
        notes: Sequence[str] = _NOTES,
        say: Callable[[str], None] = lambda _: None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(senses, notes=notes)
        self.workspace = workspace
        self._client, self._files, self._say, self._end = client, files, say, end
        self._synced = Synced(files)
        self._closed = False

    async def screenshot(self) -> Screenshot:
        """See `agent.ports.Computer`. Files that have changed come home soon after.

        Raises:
            ScreenLost: the machine does not answer.
            UserFault: a file that has come home could not be written.
        """
        shot = await super().screenshot()
        self._files.poke()
        return shot

    def _open(self, target: str, cancelled: threading.Event) -> None:
        try:
            self._eyes.mark()
            if (file := self._file(target)) is not None:
                self._client.open_file(self._files.bring(file))
            else:
                self._client.launch(_words(target))
                if not cancelled.is_set():
                    self._eyes.wait_for_change(APPEAR_SECONDS)
            if not cancelled.is_set():
                self._eyes.settle(SETTLE_SECONDS)
        except GuestFault as fault:
            raise UserFault(f"cannot open {target} in the machine: {fault}") from None
        except (ActuatorError, PerceptionError) as error:
            if not cancelled.is_set():
                raise for_the_model(error) from error

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
        self._client.abort()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with ExitStack() as closing:
            closing.callback(self._end)
            closing.callback(self._client.close)
            closing.callback(super()._close)
            closing.callback(self._come_home)

    def _come_home(self) -> None:
        try:
            if missed := self._files.close():
                self._say(f"not brought home from the machine: {', '.join(missed[:10])}")
        except UserFault as fault:
            self._say(str(fault))


async def open_osworld(
    host: str,
    port: int,
    *,
    workspace: Path,
    options: SenseOptions = AS_USUAL,
    say: Callable[[str], object] = lambda _: None,
) -> OsworldComputer:
    """Eyes and hands in a machine that runs already, with the files of the task's folder brought into it.

    Args:
        workspace: the folder that is ~/Documents there; made if it is not here.
        say: told at the end what could not be brought home.

    Raises:
        UserFault: nobody answers there, or not as OSWorld's server does.
    """
    made: list[OsworldComputer] = []

    def told(line: str) -> None:
        say(line)

    def work(cancelled: threading.Event) -> None:
        workspace.mkdir(parents=True, exist_ok=True)
        check_osworld(host, port)
        made.append(_computer(PlainClient(host, port), workspace.resolve(), told, cancelled))

    try:
        await in_thread(work)
    except BaseException:  # cancelled when it had just been made
        for computer in made:
            await computer.aclose()
        raise
    return made[0]


def check_osworld(host: str, port: int) -> None:
    """Raise `UserFault` where no such server answers."""
    client = PlainClient(host, port)
    where = f"{host}:{port}"
    try:
        client.platform(CHECK_SECONDS)
    except GuestFault as fault:
        raise UserFault(_no_such_server(where, fault)) from None
    except PerceptionError as error:
        raise UserFault(f"nothing answers at {where} ({error}); start the machine, or correct the address") from None
    finally:
        client.close()


def machine_computer(
    machine: Screenful,
    guest: Address,
    *,
    workspace: Path,
    say: Callable[[str], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> OsworldComputer:
    """A machine of ours from somebody else's disk: pictures by the host, and everything else by its server.

    Raises:
        UserFault: its server does not answer as it should.
    """
    from perception.watch import polling
    from vm.remote_eyes import MachineBackend

    client = PlainClient(guest.host, guest.port)
    seen = MachineBackend(machine), polling
    return _computer(client, workspace, say, cancelled or threading.Event(), seen, machine.close)


def _computer(
    client: PlainClient,
    workspace: Path,
    say: Callable[[str], None],
    cancelled: threading.Event,
    seen: tuple[Backend, Watching] | None = None,
    end: Callable[[], None] = lambda: None,
) -> OsworldComputer:
    from perception.eyes import Eyes
    from perception.naming import Naming
    from perception.screen import Screen
    from vm.plain_eyes import UNSEEN, NoNames, PlainBackend, sparing

    with ExitStack() as opened:
        opened.callback(client.close)
        files = RemoteFiles(client, workspace)
        try:
            left_out = files.push(cancelled.is_set)
            backend, watching = seen or (PlainBackend(client), sparing)
            eyes = Eyes(Screen(backend), watching, tempo=UNSEEN)
        except (ActuatorError, PerceptionError) as error:
            raise UserFault(f"the machine cannot be worked on: {error}") from None
        hands = RemoteHands(PlainActor(client.another()), patience=RELEASE_SECONDS)
        opened.pop_all()
    senses = Senses(eyes, hands, Guard(hands, Deaf("")), Naming(NoNames))
    return OsworldComputer(senses, client, files, workspace=workspace, notes=(*_NOTES, *left_out), say=say, end=end)


def _words(target: str) -> list[str]:
    """The command that opens what is no file of this machine."""
    if _ADDRESS.match(target):
        return ["xdg-open", target]
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise UserFault(f"cannot read the command {target!r}: {error}") from None
    if not words:
        raise UserFault("nothing to open: give a file, an address or a command")
    return words


def _no_such_server(where: str, fault: GuestFault) -> str:
    if fault.type == "denied":
        return f"the server at {where} wants a token; start the machine with `deskhand vm start`, which leaves it open"
    return f"what answers at {where} is not OSWorld's server ({fault}); correct the address"
