"""Making snapshots: a first boot that is watched until the desktop is still, and programs opened on a fork of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from agent.errors import UserFault
from perception.errors import ScreenLost
from perception.frames import Frame
from vm.guest_client import GuestFault
from vm.processes import Processes
from vm.qemu import snapshot as snapshots
from vm.qemu.accelerator import COST, Accelerator, remember
from vm.qemu.arguments import HOST, IMAGE_PROGRAM, Files, Hardware, command, stand_in
from vm.qemu.emulator import Emulator, EmulatorLost
from vm.qemu.guest import GuestAddress, new_token, open_program, ready
from vm.qemu.monitor import Refused
from vm.qemu.pictures import to_frame
from vm.qemu.snapshot import (
    DEVICES,
    DISK,
    FRESH,
    KERNEL,
    PAYLOAD,
    RAM,
    SCREEN,
    SETTINGS,
    TELLS,
    TOKEN,
    Snapshot,
    Unusable,
)
from vm.qemu.source import GUEST_PORT, Source, firmware

STATES: Mapping[str, str | None] = {
    "idle": None,
    "calc": "libreoffice --calc",
    "writer": "libreoffice --writer",
    "impress": "libreoffice --impress",
}
"""Prepared states, and the command that brings an idle desktop there."""

FIRST_OUTPUT_SECONDS = 20.0  # a kernel that KVM can run says something after half a second
BOOT_SECONDS = {True: 600.0, False: 1800.0}  # of ours, of somebody else's; an emulated boot of ours takes 25 to 60 s
OPEN_SECONDS = 240.0  # LibreOffice needs 15 s, emulated on an idle host
STILL_SECONDS = 4.0  # without any change but a caret's
STILL_PATIENCE = 300.0
SAVE_SECONDS = 120.0  # it takes 0.1 s
RESTORE_SECONDS = 30.0  # the same
ASK_SECONDS = 5.0
POLL_SECONDS = 0.2
RESTORE_POLL_SECONDS = 0.002
SPARE_MIB = 1024  # of disk, beside the memory of the machine
LOCK_POLL_SECONDS = 0.2


CANNOT = "KVM is there, but cannot run the machine's kernel"


class CannotRun(Exception):
    """The accelerator does not run this machine's kernel."""


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a snapshot is made with. `say` gets one line for people; `cancelled` ends the making."""

    source: Source
    hardware: Hardware
    processes: Processes
    say: Callable[[str], None]
    cancelled: threading.Event

    def fault(self, why: str) -> UserFault:
        """What to tell people when it does not work."""
        return UserFault(f"the machine {self.source.name} does not start: {why}")


def ensure_snapshot(setting: Setting, state: str) -> Snapshot:
    """The snapshot of a prepared state; made if there is none that can be used, or waited for if another process does.

    Raises:
        UserFault: it cannot be made; says why.
        CannotRun: with another accelerator it may work.
    """
    if state not in STATES:
        raise UserFault(f"there is no prepared state {state}; there are {', '.join(STATES)}")
    if state != "idle" and not setting.source.ours:
        raise UserFault(f"{setting.source.name} is no image of ours: the only prepared state that it can have is idle")
    needs = snapshots.needs_of(setting.source, setting.hardware, state, STATES[state])
    key = snapshots.key_of(needs)
    folder = snapshots.snapshots_home() / key
    with suppress(FileNotFoundError, Unusable):
        return snapshots.load(folder, needs)
    with _alone(setting, key):
        try:
            return snapshots.load(folder, needs)
        except FileNotFoundError:
            pass
        except Unusable as why:
            setting.say(f"the snapshot of {setting.source.name}/{state} is not used: {why}; it is made again")
            snapshots.discard(folder)
        base = None if state == "idle" else ensure_snapshot(setting, "idle")
        _make(setting, state, needs, folder, base)
    snapshots.prune(setting.source.name, state, but=key)
    return snapshots.load(folder, needs)


def made(setting: Setting, state: str) -> Setting:
    """Have the snapshot made, with the accelerator that works: the first boot is the last test of KVM. Which it was."""
    try:
        ensure_snapshot(setting, state)
    except CannotRun as why:
        remember(Accelerator("tcg", f"emulation, since {why}; {COST}"))
        setting.say(f"{why}; going on without it: {COST}")
        setting = replace(setting, hardware=replace(setting.hardware, accelerator="tcg"))
        ensure_snapshot(setting, state)
    return setting


@contextmanager
def _alone(setting: Setting, key: str) -> Generator[None, None, None]:
    """One process makes a snapshot, the others wait for it."""
    from filelock import FileLock, Timeout

    home = snapshots.snapshots_home()
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / f".{key}.lock", mode=0o600)
    said = False
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL_SECONDS)
            break
        except Timeout:
            if not said:
                setting.say(f"another process is making the snapshot of {setting.source.name}; waiting for it")
            said = True
            if setting.cancelled.is_set():
                raise setting.fault("it was not wanted any more") from None
    try:
        for left in home.glob(f".making-{key}-*"):  # of one that was interrupted
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()


def _make(setting: Setting, state: str, needs: Mapping[str, object], folder: Path, base: Snapshot | None) -> None:
    _check_room(setting, folder.parent)
    started = time.monotonic()
    work = Path(mkdtemp(prefix=f".making-{folder.name}-", dir=folder.parent))
    try:
        if base is None:
            _boot_watched(setting, work)
        else:
            _prepare(setting, work, base, STATES[state] or "")
        seconds = time.monotonic() - started
        snapshots.finish(work, source=setting.source, state=state, needs=needs, seconds=seconds)
        work.rename(folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise setting.fault(f"its snapshot cannot be written ({error})") from None
    except EmulatorLost as lost:
        raise setting.fault(str(lost)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    setting.say(f"the snapshot {setting.source.name}/{state} is made ({seconds:.0f} s)")


def _check_room(setting: Setting, home: Path) -> None:
    """Memory in a file for which there is no room ends in a crash, so it is asked about before."""
    wanted, free = setting.hardware.memory + SPARE_MIB, shutil.disk_usage(home).free >> 20
    if free < wanted:
        raise setting.fault(f"its snapshot may need {wanted} MB and {home} has {free} MB free; make room there")


# A first boot ------------------------------------------------------------------------------------------------------


def _boot_watched(setting: Setting, work: Path) -> None:
    """A KVM that cannot run a kernel shows it in many ways; QEMU that breaks down is one of them."""
    try:
        _boot(setting, work)
    except EmulatorLost as lost:
        if setting.hardware.accelerator != "kvm":
            raise
        raise CannotRun(f"{CANNOT} ({lost})") from None


def _boot(setting: Setting, work: Path) -> None:
    source = setting.source
    source.check()  # what is wrong with a disk shows late, and as something else
    how = "KVM" if setting.hardware.accelerator == "kvm" else "emulated, which takes a minute"
    setting.say(f"starting {source.name} for the first time ({how}); later starts take a second")
    _make_files(source, work)
    files = _files(source, work, Path(mkdtemp(prefix="boot-", dir=setting.processes.run)), shared=True)
    words = command(source, setting.hardware, files, network=False, incoming=False)
    emulator = Emulator(setting.processes, files.folder, words)
    try:
        address = GuestAddress(HOST, forward(emulator, GUEST_PORT), _token(work))
        _wait_for_desktop(setting, emulator, address)
        _wait_until_still(setting, emulator)
        _save(emulator, work)
    finally:
        emulator.end()


def _make_files(source: Source, work: Path) -> None:
    (work / RAM).touch(mode=0o600)
    _make_layer(work, os.path.relpath(source.disk, work), DISK)
    _make_layer(work, DISK, FRESH)
    if source.ours:
        (work / TOKEN).touch(mode=0o600)
        (work / TOKEN).write_text(new_token())
        (work / PAYLOAD).write_bytes(source.payload)
        (work / KERNEL).write_bytes(stand_in())
    else:
        shutil.copyfile(firmware()[1], work / SETTINGS)


def _make_layer(work: Path, below: str, name: str) -> None:
    words = [IMAGE_PROGRAM, "create", "-q", "-f", "qcow2", "-b", below, "-F", "qcow2", name]
    done = subprocess.run(words, cwd=work, capture_output=True, text=True, timeout=SAVE_SECONDS)
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "qemu-img failed")


def _files(source: Source, work: Path, folder: Path, *, shared: bool) -> Files:
    token, payload = (work / TOKEN, work / PAYLOAD) if source.ours else (None, None)
    settings = None if source.ours else work / SETTINGS
    return Files(folder, work / RAM, shared, work / DISK, (source.disk,), token, payload, settings, source.kernel)


def _token(work: Path) -> str:
    return (work / TOKEN).read_text() if (work / TOKEN).exists() else ""


def _wait_for_desktop(setting: Setting, emulator: Emulator, address: GuestAddress) -> None:
    ours, started = setting.source.ours, time.monotonic()
    output = emulator.folder / "serial"
    while not ready(address, ours, ASK_SECONDS if ours else 30.0):
        passed = time.monotonic() - started
        silent = ours and not (output.exists() and output.stat().st_size)
        if setting.hardware.accelerator == "kvm" and ((silent and passed > FIRST_OUTPUT_SECONDS) or _stuck(emulator)):
            raise CannotRun(CANNOT)
        _go_on(setting, emulator)
        if passed > BOOT_SECONDS[ours]:
            raise setting.fault(f"its desktop was not there after {passed:.0f} s; its last words: {_said(output)}")


def _stuck(emulator: Emulator) -> bool:
    with suppress(EmulatorLost):
        return emulator.status() == "internal-error"
    return False


def _go_on(setting: Setting, emulator: Emulator) -> None:
    emulator.check()
    if setting.cancelled.wait(POLL_SECONDS):
        raise setting.fault("it was not wanted any more")


def _said(output: Path) -> str:
    lines = output.read_text(errors="replace").strip().splitlines() if output.exists() else []
    return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else "none"


def _wait_until_still(setting: Setting, emulator: Emulator) -> None:
    """Wait until nothing has changed for a while, on a screen that shows something."""
    from perception.frames import is_plain, share_changed

    started = since = time.monotonic()
    before: Frame = to_frame(emulator.raw())
    while True:
        _go_on(setting, emulator)
        now, after = time.monotonic(), to_frame(emulator.raw())
        if share_changed(before, after) or is_plain(after):
            since = now
        elif now - since > STILL_SECONDS:
            return
        before = after
        if now - started > STILL_PATIENCE:
            what = "shows a single colour" if is_plain(after) else "does not come to rest"
            raise setting.fault(f"its screen {what} after {now - started:.0f} s")


# A prepared state --------------------------------------------------------------------------------------------------


def _prepare(setting: Setting, work: Path, base: Snapshot, opened: str) -> None:
    """Copies, since a finished snapshot is never written to: what the machine does now goes into the copies."""
    setting.say(f"opening {opened} in {setting.source.name}, once; later starts take a second")
    for name in base.manifest["files"]:
        if name not in (DEVICES, SCREEN):
            snapshots.copy_sparse(base.file(name), work / name)
            (work / name).chmod(0o600)
    files = _files(setting.source, work, Path(mkdtemp(prefix="make-", dir=setting.processes.run)), shared=True)
    words = command(setting.source, setting.hardware, files, network=False, incoming=True)
    emulator = Emulator(setting.processes, files.folder, words)
    try:
        restore(emulator, base.file(DEVICES))
        emulator.execute("cont")
        address = GuestAddress(HOST, forward(emulator, GUEST_PORT), _token(work))
        _open(setting, address, opened)
        _wait_until_still(setting, emulator)
        _save(emulator, work)
    finally:
        emulator.end()


def _open(setting: Setting, address: GuestAddress, opened: str) -> None:
    try:
        open_program(address, opened, OPEN_SECONDS)
    except (ScreenLost, GuestFault) as error:
        raise setting.fault(f"{opened} cannot be opened in it: {error}") from None


# With QEMU ---------------------------------------------------------------------------------------------------------


def forward(emulator: Emulator, guest: int, host: int = 0) -> int:
    """Make a port of the guest reachable from this host alone, at the port `host`, or at a free one for 0: which.

    Raises:
        Refused: the port is taken.
    """
    said = emulator.guarded(lambda: emulator.monitor.say(f"hostfwd_add net0 tcp:{HOST}:{host}-:{guest}"))
    if said:
        raise Refused(said)
    if host:
        return host
    for line in emulator.guarded(lambda: emulator.monitor.say("info usernet")).splitlines():
        words = line.split()
        if words[0] == "TCP[HOST_FORWARD]" and words[5] == str(guest):
            return int(words[3])
    raise Refused(f"no port for {guest} could be had")


def unforward(emulator: Emulator, host: int) -> None:
    """Give a port of this host back."""
    emulator.guarded(lambda: emulator.monitor.say(f"hostfwd_remove net0 tcp:{HOST}:{host}"))


def _save(emulator: Emulator, work: Path) -> None:
    emulator.execute("stop")
    (work / SCREEN).write_bytes(emulator.raw())
    if emulator.tells:
        (work / TELLS).touch(mode=0o600)
    _ignore_shared(emulator)
    descriptor = os.open(work / DEVICES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        emulator.guarded(lambda: emulator.monitor.send_file("devices", descriptor))
    finally:
        os.close(descriptor)
    emulator.execute("migrate", uri="fd:devices")
    _wait_until_saved(emulator)
    emulator.execute("quit")
    emulator.wait()


def _wait_until_saved(emulator: Emulator) -> None:
    deadline = time.monotonic() + SAVE_SECONDS
    while (told := emulator.execute("query-migrate")).get("status") != "completed":
        if told.get("status") in ("failed", "cancelled") or time.monotonic() > deadline:
            raise EmulatorLost(f"its state cannot be saved ({told.get('error-desc', told.get('status'))})")
        time.sleep(RESTORE_POLL_SECONDS)


def restore(emulator: Emulator, devices: Path) -> None:
    """Give a machine that waits for it the state of a snapshot. It is paused afterwards. Raises EmulatorLost."""
    _ignore_shared(emulator)
    with devices.open("rb") as file:
        emulator.guarded(lambda: emulator.monitor.send_file("devices", file.fileno()))
    emulator.execute("migrate-incoming", uri="fd:devices")
    deadline = time.monotonic() + RESTORE_SECONDS
    while (status := emulator.status()) == "inmigrate":
        if time.monotonic() > deadline:
            raise EmulatorLost(f"the snapshot was not restored within {RESTORE_SECONDS:.0f} s")
        time.sleep(RESTORE_POLL_SECONDS)
    if status not in ("paused", "postmigrate"):
        raise EmulatorLost(f"the snapshot was not restored ({status})")


def _ignore_shared(emulator: Emulator) -> None:
    """The memory is in its file already: only the devices' state is written, or read."""
    wanted = {"capability": "x-ignore-shared", "state": True}
    emulator.execute("migrate-set-capabilities", capabilities=[wanted])
