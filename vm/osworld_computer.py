"""A machine that speaks the interface of OSWorld's guest server, as a computer: by that interface alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from actuators.errors import ActuatorError
from actuators.guard import Deaf, Guard
from agent.errors import UserFault
from perception.errors import PerceptionError
from vm.guest_client import GuestFault
from vm.local import Patience, made_in_thread
from vm.plain_client import PlainClient
from vm.plain_hands import PlainActor
from vm.programs import words_of
from vm.remote_computer import RemoteComputer
from vm.remote_files import DOCUMENTS, RemoteFiles
from vm.remote_hands import RemoteHands
from vm.senses import AS_USUAL, SenseOptions, Senses

if TYPE_CHECKING:
    from perception.screen import Backend
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


class OsworldComputer(RemoteComputer):
    """A machine that runs already, and goes on when this is closed."""

    kind = "osworld"
    patience = SLOW
    settles = SETTLE_SECONDS

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
        super().__init__(senses, client, files, workspace=workspace, notes=notes, say=say, end=end)
        self._client = client

    def _start(self, target: str, cancelled: threading.Event) -> None:
        if (file := self._file(target)) is not None:
            self._client.open_file(self._files.bring(file))
            return
        self._client.launch(_words(target))
        if not cancelled.is_set():
            self._eyes.wait_for_change(APPEAR_SECONDS)


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

    def told(line: str) -> None:
        say(line)

    def make(cancelled: threading.Event) -> OsworldComputer:
        workspace.mkdir(parents=True, exist_ok=True)
        check_osworld(host, port)
        return _computer(PlainClient(host, port), workspace.resolve(), told, cancelled)

    return await made_in_thread(make)


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
    return ["xdg-open", target] if _ADDRESS.match(target) else words_of(target)


def _no_such_server(where: str, fault: GuestFault) -> str:
    if fault.type == "denied":
        return f"the server at {where} wants a token; start the machine with `deskhand vm start`, which leaves it open"
    return f"what answers at {where} is not OSWorld's server ({fault}); correct the address"
