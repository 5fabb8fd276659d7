"""Forks of a snapshot: machines that share its memory and disk, and write to layers of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from agent.errors import UserFault
from perception.errors import ScreenLost
from vm.guest_client import GuestFault
from vm.processes import WardenLost
from vm.qemu import snapshot as snapshots
from vm.qemu.arguments import HOST, Files, command
from vm.qemu.emulator import Emulator, EmulatorLost
from vm.qemu.guest import GuestAddress, new_token, renew
from vm.qemu.making import Setting, ensure_snapshot, forward, restore, unforward
from vm.qemu.monitor import Refused
from vm.qemu.snapshot import DEVICES, DISK, FRESH, KERNEL, PAYLOAD, RAM, SETTINGS, TELLS, TOKEN, Snapshot, Unusable
from vm.qemu.source import GUEST_PORT

CLOSE_SECONDS = 60.0  # for a fork that is being made
RESERVE_MIB = 1024  # of memory; with less than this free, nothing is forked ahead
RETRY_SECONDS = 2.0


class Forks:
    """Makes forks of one snapshot, which it keeps from being removed. Safe from any thread.

    Args:
        network: whether the guest may reach other machines.
    """

    def __init__(self, setting: Setting, state: str, *, network: bool) -> None:
        self.setting, self.state = setting, state
        self._network = network
        self._lock = threading.Lock()
        self._descriptor = -1
        self._snapshot = self._ensure()

    @property
    def snapshot(self) -> Snapshot:
        """What they are forks of."""
        return self._snapshot

    def next(self) -> Emulator:
        """A fork, restored and paused.

        Raises:
            EmulatorLost: it could not be restored.
            UserFault: the snapshot is damaged, and cannot be made again.
        """
        with self._lock:
            try:
                self._check()
            except Unusable as why:
                self.setting.say(f"the snapshot {self._snapshot.name} is not used: {why}")
                self._snapshot = self._ensure()
        try:
            return self._fork(self._snapshot)
        except (EmulatorLost, OSError, WardenLost) as error:
            self._blame(error)
            return self._fork(self._snapshot)

    def begun(self) -> None:
        """The machine that came from `next` answers, or never will: to be called once for each."""

    def close(self) -> None:
        """Let go of the snapshot. May be called twice."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _ensure(self) -> Snapshot:
        found = ensure_snapshot(self.setting, self.state)
        descriptor = snapshots.use(found)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        return found

    def _check(self) -> None:
        snapshots.check(self._snapshot)
        # A layer over another disk than it was made for looks well, and is silent corruption.
        if self.setting.source.identity() != self._snapshot.manifest["needs"]["source"]:
            raise Unusable("its image was changed or replaced")

    def _blame(self, error: Exception) -> None:
        """A fork failed: if the snapshot's files are to blame, make it again; else the failure stands."""
        if not isinstance(error, EmulatorLost):
            raise EmulatorLost(str(error)) from None
        with self._lock:
            try:
                snapshots.check(self._snapshot, checksums=True)
            except Unusable as why:
                self.setting.say(f"the snapshot {self._snapshot.name} is damaged: {why}; it is made again")
                snapshots.discard(self._snapshot.folder)
                self._snapshot = self._ensure()

    def _fork(self, snapshot: Snapshot) -> Emulator:
        folder = Path(mkdtemp(prefix="vm-", dir=self.setting.processes.run))
        try:
            words = self._words(snapshot, folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise EmulatorLost(f"its disk cannot be made ({error})") from None
        emulator = Emulator(self.setting.processes, folder, words, tells=snapshot.optional(TELLS) is not None)
        try:
            if token := snapshot.optional(TOKEN):
                emulator.token = token.read_text()
            restore(emulator, snapshot.file(DEVICES))
        except BaseException:
            emulator.end()
            raise
        return emulator

    def _words(self, snapshot: Snapshot, folder: Path) -> Sequence[str]:
        source = self.setting.source
        for name, target in ((FRESH, DISK), (SETTINGS, SETTINGS)):
            if origin := snapshot.optional(name):
                snapshots.copy_sparse(origin, folder / target)
                (folder / target).chmod(0o600)
        files = Files(
            folder,
            snapshot.file(RAM),
            shared=False,
            disk=folder / DISK,
            below=(snapshot.file(DISK), source.disk),
            token=snapshot.optional(TOKEN),
            payload=snapshot.optional(PAYLOAD),
            settings=folder / SETTINGS,
            kernel=snapshot.optional(KERNEL),
        )
        return command(source, self.setting.hardware, files, network=self._network, incoming=True, live=True)


class ForksAhead(Forks):
    """The same, the next of them made before they are asked for: `ahead` of them wait, paused."""

    def __init__(self, setting: Setting, state: str, *, network: bool, ahead: int = 1) -> None:
        super().__init__(setting, state, network=network)
        self._ahead = ahead
        self._ready: list[Emulator] = []
        self._change = threading.Condition()
        self._closed = False
        self._beginning = 0
        self._thread = threading.Thread(target=self._work, name="deskhand-forks", daemon=True)
        self._thread.start()

    def next(self) -> Emulator:
        with self._change:
            self._beginning += 1
            while self._ready:
                emulator = self._ready.pop(0)
                if emulator.lost() is None:
                    return emulator
                emulator.end()
        try:
            return super().next()
        except BaseException:
            self.begun()
            raise

    def begun(self) -> None:
        with self._change:
            self._beginning -= 1
            self._change.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until as many as wanted are ready; False if they are not."""
        with self._change:
            return self._change.wait_for(lambda: self._closed or len(self._ready) >= self._ahead, seconds)

    def waiting(self) -> list[int]:
        """Process ids of those that are ready."""
        with self._change:
            return [emulator.pid for emulator in self._ready]

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(CLOSE_SECONDS)
        while self._ready:
            self._ready.pop().end()
        super().close()

    def _work(self) -> None:
        while self._wanted():
            made: Emulator | None = None
            if _room(RESERVE_MIB):
                with contextlib.suppress(EmulatorLost, UserFault):  # whoever asks for one is told
                    made = self._warmed(super().next())
            with self._change:
                if made is None:
                    self._change.wait_for(lambda: self._closed, RETRY_SECONDS)
                else:
                    self._ready.append(made)
                    self._change.notify_all()

    def _warmed(self, emulator: Emulator) -> Emulator:
        """Let it become a machine of its own, and pause it again.

        A fork's first steps are slow where it is emulated, as its code must be translated anew; so they are made here.
        """
        if not self.setting.source.ours:
            return emulator
        try:
            emulator.execute("cont")
            port = forward(emulator, GUEST_PORT)
            address = GuestAddress(HOST, port, emulator.token)
            emulator.token = renew(address, token=new_token(), plain=False).token
            unforward(emulator, port)
            emulator.execute("stop")
        except (ScreenLost, GuestFault, Refused) as error:
            emulator.end()
            raise EmulatorLost(f"it was restored, and its server does not answer ({error})") from None
        except BaseException:
            emulator.end()
            raise
        return emulator

    def _wanted(self) -> bool:
        with self._change:
            # A machine that has just been asked for is somebody's who waits; the next one is nobody's yet.
            self._change.wait_for(lambda: self._closed or (len(self._ready) < self._ahead and not self._beginning))
            return not self._closed


def _room(mebibytes: int) -> bool:
    """Whether the host has that much memory left."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        told = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(told.split()[1]) >> 10 >= mebibytes
    return True
