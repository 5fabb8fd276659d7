"""A virtual machine as a computer: its screen seen by the host, its hands inside it, told over the line."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from actuators.errors import ActuatorError
from actuators.guard import Deaf, Guard
from agent.errors import UserFault
from perception.errors import PerceptionError, ScreenLost
from vm.guest_client import Address, GuestClient
from vm.local import LocalComputer, Patience, made_in_thread
from vm.remote_computer import RemoteComputer
from vm.remote_files import DOCUMENTS, RemoteFiles
from vm.remote_hands import RemoteHands
from vm.senses import AS_USUAL, SenseOptions, Senses

if TYPE_CHECKING:
    from perception.screenshot import Screenshot
    from vm.remote_eyes import Screenful

OPEN_SECONDS = 120.0  # until a program has its window: the largest need half of that where they are emulated
OPEN_SETTLE_SECONDS = 90.0
CHECK_EVERY = 2.0  # seconds between questions whether all is well inside; takes 10 ms
SLOW = Patience(reaction=12.0, change=3.0, look=20.0, name=1.5)
_SENSES = ("perception.eyes", "perception.pixels", "vm.remote_eyes", "vm.remote_windows")
_NOTES = (
    "This is a virtual machine of its own: nobody else uses it, nothing in it is the user's, and it is slower than a "
    "usual computer. Screenshots wait for it.",
    f"{DOCUMENTS} is the task's folder: its files are there, and what you save there, in ~/Desktop or in ~/Downloads "
    "is kept. Everything else goes with the machine.",
    "The panel shows the open windows. Alt+Tab brings the next window to the front, Alt+F4 closes one, and a right "
    "click on the empty desktop has a menu. In a terminal, `sudo` works with the password `password`.",
)
_NO_NETWORK = "It has no network."


class VirtualMachine(RemoteComputer):
    """A running machine with our server inside."""

    kind = "vm"
    patience = SLOW
    called = "the virtual machine"
    settles = OPEN_SETTLE_SECONDS

    def __init__(
        self,
        machine: Screenful,
        senses: Senses,
        client: GuestClient,
        files: RemoteFiles,
        *,
        workspace: Path,
        notes: Sequence[str] = _NOTES,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(senses, client, files, workspace=workspace, notes=notes, say=say, end=machine.close)
        self._machine, self._client = machine, client
        self._checked = 0.0  # when the machine was last known to be well

    async def screenshot(self) -> Screenshot:
        """See `RemoteComputer.screenshot`."""
        if time.monotonic() - self._checked > CHECK_EVERY:
            await self._work(lambda _: self._machine.check())
            self._checked = time.monotonic()
        return await super().screenshot()

    def _start(self, target: str, cancelled: threading.Event) -> None:
        file = self._file(target)
        self._client.open(self._files.bring(file) if file else target, OPEN_SECONDS)

    def _better(self, error: ActuatorError | PerceptionError) -> ActuatorError | PerceptionError:
        """What has become of the machine, where it knows that better than who could not reach it."""
        try:
            self._machine.check()
        except ScreenLost as lost:
            return lost
        return error


async def open_vm(
    image: str | Path | None = None,
    *,
    workspace: Path,
    size: tuple[int, int] | None = None,
    state: str = "idle",
    network: bool = False,
    options: SenseOptions = AS_USUAL,
    say: Callable[[str], object] = lambda _: None,
) -> LocalComputer:
    """Fork a machine from the snapshot of an image, and bring the task's folder into it.

    Args:
        image: its name; None for the fullest that there is. A path names somebody else's disk, whose server speaks
            the plain interface.
        workspace: the folder that programs see as ~/Documents; made if it is not there.
        size: of its screen in pixels; None for 1920×1080.
        state: what is open when it starts.
        network: whether its programs reach other machines.
        say: told what takes long.

    Raises:
        UserFault: it cannot be had; says why, and what would help.
    """

    def told(line: str) -> None:
        say(line)

    return await made_in_thread(lambda cancelled: _open_vm(image, workspace, size, state, network, told, cancelled))


def check_vm(image: str | Path | None = None) -> None:
    """Raise `UserFault` where there can be no such machine, before a session is made for it."""
    from vm.image.store import find_image

    if shutil.which("qemu-system-x86_64") is None:
        raise UserFault("a virtual machine needs QEMU: `sudo apt-get install qemu-system-x86 qemu-utils`")
    if isinstance(image, Path):
        if not image.is_file():
            raise UserFault(f"there is no disk {image}; give the path of a .qcow2 file")
    else:
        find_image(image)


def _open_vm(
    image: str | Path | None,
    workspace: Path,
    size: tuple[int, int] | None,
    state: str,
    network: bool,
    say: Callable[[str], None],
    cancelled: threading.Event,
) -> LocalComputer:
    from vm.image.store import find_image
    from vm.machine import open_machine

    importing = threading.Thread(target=_import_senses)
    importing.start()
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        source = image if isinstance(image, Path) else find_image(image)
        foreign = isinstance(source, Path)
        machine = open_machine(
            source,
            state=state,
            network=network,
            plain=foreign,
            size=size,
            workspace=workspace,
            say=say,
            cancelled=cancelled,
        )
    except (OSError, PerceptionError) as error:
        raise UserFault(f"the virtual machine cannot start: {error}") from None
    finally:
        importing.join()
    try:
        if foreign:
            from vm.osworld_computer import machine_computer

            return machine_computer(machine, machine.guest, workspace=workspace.resolve(), say=say, cancelled=cancelled)
        notes = _NOTES if network else (*_NOTES, _NO_NETWORK)
        return computer_of(machine, machine.guest, workspace.resolve(), notes=notes, say=say, cancelled=cancelled)
    except (ActuatorError, PerceptionError) as error:
        machine.close()
        raise UserFault(f"the virtual machine cannot be used: {error}") from None
    except BaseException:
        machine.close()
        raise


def computer_of(
    machine: Screenful,
    guest: Address,
    workspace: Path,
    *,
    notes: Sequence[str] = _NOTES,
    say: Callable[[str], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> VirtualMachine:
    """A machine with our server inside, as a computer; the files of the workspace are in it when this returns.

    Raises:
        UserFault: a file of the workspace cannot be read.
        ActuatorError, PerceptionError: the machine does not answer, or is gone.
    """
    with ExitStack() as opened:
        client = GuestClient(guest)
        opened.callback(client.close)
        files = RemoteFiles(client, workspace)
        left_out = files.push(cancelled.is_set if cancelled else lambda: False)
        senses = _senses_of(machine, guest, client)
        opened.pop_all()
    return VirtualMachine(machine, senses, client, files, workspace=workspace, notes=(*notes, *left_out), say=say)


def _senses_of(machine: Screenful, guest: Address, client: GuestClient) -> Senses:
    from perception.eyes import Eyes
    from perception.naming import Naming
    from perception.screen import Screen
    from vm.remote_eyes import SLOW as TEMPO
    from vm.remote_eyes import MachineBackend, watching
    from vm.remote_windows import RemoteLayout, RemoteNaming

    screen = Screen(MachineBackend(machine))
    layout = RemoteLayout(client)
    eyes = Eyes(screen, partial(watching, client, layout), layout=layout, tempo=TEMPO)
    hands = RemoteHands(GuestClient(guest), machine.check)
    return Senses(eyes, hands, Guard(hands, Deaf("")), Naming(lambda: RemoteNaming(client)))


def _import_senses() -> None:
    for name in _SENSES:
        import_module(name)
