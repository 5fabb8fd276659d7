"""A virtual machine that is back at a prepared state within a fraction of a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from agent.errors import UserFault
from perception.errors import ScreenLost
from perception.frames import Frame, share_changed
from vm.guest_client import GuestFault
from vm.processes import WardenLost, start_processes
from vm.qemu.accelerator import accelerator
from vm.qemu.arguments import HOST, SIZE, Hardware, processors
from vm.qemu.emulator import Emulator, EmulatorLost
from vm.qemu.forks import Forks, ForksAhead
from vm.qemu.guest import ANSWER_SECONDS, GuestAddress, healthy, new_token, renew
from vm.qemu.live import LIVE, LiveMachine, live_machine
from vm.qemu.making import STATES, Setting, forward, made
from vm.qemu.monitor import Refused
from vm.qemu.pictures import Shown, to_frame
from vm.qemu.snapshot import SCREEN, Snapshot
from vm.qemu.source import GUEST_PORT, VNC_PORT, Source, source_of
from vm.qemu.watching import MachineLost

if TYPE_CHECKING:
    from vm.image.store import Image

__all__ = ["STATES", "GuestAddress", "LiveMachine", "Machine", "MachineLost", "Pool", "live_machine", "open_machine"]

HEARTBEAT_SECONDS = 15.0  # a guest that does not say within this that it is there, hangs
SCREEN_SECONDS = 10.0  # until a fork shows what its snapshot showed; it does at once
SAME = 0.002  # share of the pixels that may differ from the snapshot's picture
PORT_SECONDS = 10.0  # until a port is free that the machine before had
ATTEMPTS = 3
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Times:
    """How long the last reset took to each point, in seconds from its begin.

    Attributes:
        restored: the snapshot is in the new process, and runs.
        screen: the right desktop is on the screen, checked.
        answered: the guest has taken its new identity and answers.
    """

    restored: float
    screen: float
    answered: float


class Machine:
    """One running machine, forked from a snapshot. Safe from any thread; calls block.

    Attributes:
        state: the prepared state that it begins with and is reset to.
        ports: port of the guest → port of this host, on the loopback interface; the same after a reset, but for
            VNC's (8006), which only somebody else's machines have.
        times: of the last reset, or of the start.
    """

    def __init__(self, forks: Forks, *, plain: bool, ports: Mapping[int, int], owned: bool = True) -> None:
        """Fork it. `ports`: wanted ports of the host, 0 for any; where `owned`, `forks` are closed with it."""
        self._forks, self._plain, self._owned = forks, plain, owned
        self.source = forks.setting.source
        self.state = forks.state
        self.ports: Mapping[int, int] = dict.fromkeys(self.source.ports, 0) | dict(ports)
        self._lock, self._picturing = threading.RLock(), threading.Lock()
        self._shown = Shown()
        self._running: Emulator | None = None
        self._closed = self._had_ports = False
        self.reset()

    def __repr__(self) -> str:
        return f"Machine({self.source.name}/{self.state}, ports {dict(self.ports)})"

    @property
    def guest(self) -> GuestAddress:
        """Where the guest's server is, and what opens it: another token after each reset."""
        return self._guest

    @property
    def pid(self) -> int:
        """Of QEMU."""
        return self._emulator().pid

    @property
    def console(self) -> Path:
        """A Unix socket with a shell of the guest behind it; another one after each reset."""
        return self._emulator().folder / "console"

    @property
    def run(self) -> Path:
        """The directory of this run, mode 700, removed at the end."""
        return self._forks.setting.processes.run

    @property
    def accelerator(self) -> str:
        """What runs it: "kvm" or "tcg"."""
        return self._forks.setting.hardware.accelerator

    def screendump(self) -> Frame:
        """The screen, H×W×4 BGRX; the very same object again while it has not changed. Raises MachineLost."""
        with self._picturing:
            return self._shown.frame(self._raw())

    def picture(self) -> bytes:
        """The screen as PNG; the very same object again while it has not changed. Raises MachineLost."""
        with self._picturing:
            return self._shown.png(self._raw())

    def check(self) -> None:
        """Raise MachineLost if it hangs, broke down, lost its disk or is gone; some milliseconds if it is well."""
        emulator = self._emulator()
        try:
            emulator.check()
            healthy(self._guest, self.source.ours, HEARTBEAT_SECONDS)
        except EmulatorLost as lost:
            raise self._loss(str(lost)) from None
        except GuestFault as fault:
            raise self._loss(f"its server has broken down ({fault})") from None
        except ScreenLost:
            raise self._loss(emulator.lost() or f"nothing in it answers within {HEARTBEAT_SECONDS:.0f} s") from None

    def reset(self) -> None:
        """Back to the snapshot, whatever has become of it: a new process and identity, screen and guest checked.

        Raises:
            MachineLost: no fork of the snapshot comes to life.
            UserFault: the snapshot is damaged and cannot be made again, or a port is taken.
        """
        with self._lock:
            if self._closed:
                raise self._loss("it was closed")
            started = time.monotonic()
            if self._running is not None:
                self._running.kill()
            for attempt in range(ATTEMPTS):
                try:
                    self._begin(started)
                    return
                except EmulatorLost as lost:
                    if attempt == ATTEMPTS - 1:
                        raise self._loss(str(lost)) from None
                    if self._running is not None:  # what it took of the disk may be what is missing
                        self._running.wait()

    def close(self) -> None:
        """End it and remove what it wrote. May be called twice."""
        with self._lock:
            self._closed = True
            if self._running is not None:
                self._running.end()
                self._running = None
            if self._owned:
                self._forks.close()
                self._forks.setting.processes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _emulator(self) -> Emulator:
        emulator = self._running
        if emulator is None:
            raise self._loss("it was closed")
        return emulator

    def _raw(self) -> bytes:
        try:
            return self._emulator().raw()
        except EmulatorLost as lost:
            raise self._loss(str(lost)) from None

    def _loss(self, why: str) -> MachineLost:
        return MachineLost(f"the machine {self.source.name}: {why}")

    def _begin(self, started: float) -> None:
        before, self._running = self._running, self._forks.next()
        emulator = self._running
        try:
            if before is not None:
                before.wait()
            emulator.execute("cont")
            restored = time.monotonic()
            self.ports = MappingProxyType(
                {guest: self._forward(emulator, guest) for guest in self.ports if guest != VNC_PORT}
            )
            self._had_ports = True
            if not self.source.ours:
                self.ports = MappingProxyType({**self.ports, VNC_PORT: _vnc_port(emulator)})
            self._check_screen(emulator)
            screen = time.monotonic()
            self._guest = self._renew(emulator)
        except BaseException:
            emulator.kill()
            raise
        finally:
            self._forks.begun()
        self.times = Times(*(at - started for at in (restored, screen, time.monotonic())))
        _announce(emulator)

    def _forward(self, emulator: Emulator, guest: int) -> int:
        """The port of the machine before is free as soon as the kernel has taken that apart."""
        deadline = time.monotonic() + PORT_SECONDS
        while True:
            try:
                return forward(emulator, guest, self.ports[guest])
            except Refused:
                if not (self._had_ports and time.monotonic() < deadline):
                    raise UserFault(
                        f"port {self.ports[guest]} of this host is taken; name another one for the guest's port {guest}"
                    ) from None
            time.sleep(POLL_SECONDS)

    def _check_screen(self, emulator: Emulator) -> None:
        wanted = _picture_of(self._forks.snapshot)
        deadline = time.monotonic() + SCREEN_SECONDS
        while (raw := emulator.raw()) != wanted:
            if share_changed(to_frame(wanted), to_frame(raw)) < SAME:
                return
            if time.monotonic() > deadline:
                raise EmulatorLost("it was restored, and does not show what its snapshot showed")
            emulator.check()
            time.sleep(POLL_SECONDS)

    def _renew(self, emulator: Emulator) -> GuestAddress:
        port = self.ports[GUEST_PORT]
        try:
            if not self.source.ours:
                healthy(GuestAddress(HOST, port, ""), False, ANSWER_SECONDS)
                return GuestAddress(HOST, port, "")
            old = GuestAddress(HOST, port, emulator.token)
            return renew(old, token=new_token(), plain=self._plain)
        except (ScreenLost, GuestFault, OSError) as error:
            why = emulator.lost() or f"it was restored, and its server does not answer ({error})"
            raise EmulatorLost(why) from None


@lru_cache(maxsize=2)
def _read(path: Path, made: int) -> bytes:
    return path.read_bytes()


def _picture_of(snapshot: Snapshot) -> bytes:
    """What a snapshot's screen showed, as PPM."""
    path = snapshot.file(SCREEN)
    return _read(path, path.stat().st_mtime_ns)


def _vnc_port(emulator: Emulator) -> int:
    """Where QEMU offers the screen to browsers."""
    places = emulator.execute("query-vnc-servers")[0]["server"]
    return next(int(place["service"]) for place in places if place["websocket"])


def _announce(emulator: Emulator) -> None:
    """Let other processes of this user find the monitor for live pictures, by a name that stays the same."""
    run = emulator.folder.parent
    fresh = run / f".{emulator.folder.name}"
    with suppress(OSError):
        fresh.symlink_to(emulator.folder / LIVE)
        fresh.replace(run / LIVE)


# Opening -----------------------------------------------------------------------------------------------------------


def open_machine(
    image: Image | Path | Source,
    *,
    state: str = "idle",
    network: bool = False,
    plain: bool = False,
    ports: Mapping[int, int] = MappingProxyType({}),
    size: tuple[int, int] | None = None,
    workspace: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> Machine:
    """Start a machine; the first time, and after anything has changed that matters, its snapshot is made before.

    Args:
        image: one of `deskhand vm build`, or somebody else's qcow2 (UEFI, a server at port 5000, no `/v2`).
        state: prepared state to begin with, one of `STATES`.
        network: whether the guest may reach other machines.
        plain: whether the interface without token is open.
        ports: port of the guest → port of the host that it is wanted at, 0 for any.
        size: of the screen in pixels; 1920×1080 for None.
        workspace: folder by which `live_machine` finds it.
        say: hears of what takes long, one line at a time.
        cancelled: ends the making of a snapshot.

    Raises:
        UserFault: it cannot be started; says why.
        MachineLost: it was started, and does not come to life.
    """
    setting = _setting(image, size, say, cancelled or threading.Event())
    try:
        if workspace is not None:
            setting.processes.tend(workspace.resolve())
        setting = made(setting, state)
        return Machine(Forks(setting, state, network=network), plain=plain, ports=ports)
    except BaseException:
        setting.processes.close()
        raise


def _setting(
    image: Image | Path | Source,
    size: tuple[int, int] | None,
    say: Callable[[str], None],
    cancelled: threading.Event,
) -> Setting:
    found = accelerator()
    source = source_of(image)
    hardware = Hardware(found.name, source.memory, processors(source), size or SIZE)
    try:
        return Setting(source, hardware, start_processes(), say, cancelled)
    except (OSError, WardenLost) as error:
        raise UserFault(f"the machine {source.name} cannot start: {error}") from None


class Pool:
    """Machines of one kind, the next of which is forked before it is asked for; a reset takes it, too.

    Machines that were taken are closed by who took them, or with the pool.
    """

    def __init__(
        self,
        image: Image | Path | Source,
        *,
        state: str = "idle",
        ahead: int = 1,
        network: bool = False,
        plain: bool = False,
        size: tuple[int, int] | None = None,
        say: Callable[[str], None] = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> None:
        """See `open_machine`. `ahead`: how many machines wait, paused; each takes some 60 MB."""
        setting = _setting(image, size, say, cancelled or threading.Event())
        self._processes, self._plain = setting.processes, plain
        self._taken: list[Machine] = []
        try:
            self._forks = ForksAhead(made(setting, state), state, network=network, ahead=ahead)
        except BaseException:
            setting.processes.close()
            raise

    def take(self, ports: Mapping[int, int] = MappingProxyType({})) -> Machine:
        """The next machine, running and checked. Raises MachineLost, UserFault."""
        machine = Machine(self._forks, plain=self._plain, ports=ports, owned=False)
        self._taken.append(machine)
        return machine

    def wait(self, seconds: float) -> bool:
        """Wait until the next machines are there; False if they are not."""
        return self._forks.wait(seconds)

    def spares(self) -> list[int]:
        """Process ids of the machines that wait."""
        return self._forks.waiting()

    def close(self) -> None:
        """End all machines. May be called twice."""
        for machine in self._taken:
            machine.close()
        self._forks.close()
        self._processes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
