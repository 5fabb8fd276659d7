"""Machines that go on when the command that started them has ended: each is held by a keeper, a process of its own.

    machines/NAME.json   who it is: ports, token, process; of this user alone
    machines/NAME.lock   held by the keeper as long as it lives

When a keeper (`vm.keeping`) is killed, its warden ends the machine; what it wrote down is removed by the next that
looks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.errors import UserFault
from agent.session import data_home
from vm.qemu.guest import GuestAddress

ANSWER_SECONDS = 60.0  # the longest that a keeper may be at a reset when it is asked for something
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A machine that runs in the background.

    Attributes:
        name: as `deskhand vm list` shows it.
        image, state: what it was started from.
        pid: of its keeper.
        ports: port of the guest → port of this host, loopback only.
        guest: where its server is, and what opens `/v2` there.
        started: seconds since the epoch.
        socket: where the keeper listens.
        console: Unix socket with a shell of the guest.
        replaced: how often it was lost and started anew, and why the last time.
    """

    name: str
    image: str
    state: str
    pid: int
    ports: Mapping[int, int]
    guest: GuestAddress
    started: float
    socket: Path
    console: Path
    replaced: tuple[int, str] = (0, "")


def machines_home() -> Path:
    """The folder where machines in the background are written down."""
    return data_home() / "machines"


def start_keeper(
    image: str | None = None,
    *,
    name: str | None = None,
    state: str = "idle",
    network: bool = False,
    ports: Mapping[int, int] = MappingProxyType({}),
    size: tuple[int, int] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Kept:
    """Start a machine that goes on in the background, its plain interface open, at loopback ports.

    Args:
        image: name of an image, or path of somebody else's .qcow2; None for the fullest image.
        name: of the machine; made from the image's for None.
        ports, state, network, size: see `vm.machine.open_machine`.

    Raises:
        UserFault: it cannot be started, or the name is taken.
    """
    wish = {"image": image, "name": _free_name(image, name), "state": state, "network": network}
    wish |= {"ports": {str(guest): host for guest, host in ports.items()}, "size": size}
    machines_home().mkdir(mode=0o700, parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "vm.keeping"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it outlives the terminal
        text=True,
    )
    try:
        return _listen(process, wish, say)
    finally:  # before its machine is there, a keeper that nobody listens to any more gives up
        for end in (process.stdin, process.stdout):
            if end is not None:
                with suppress(BrokenPipeError):
                    end.close()
        process.wait(STOP_SECONDS)  # the keeper itself is a child of nobody


def machines() -> list[Kept]:
    """Those that run, by name. What killed keepers have left is removed."""
    home = machines_home()
    found: list[Kept] = []
    for place in sorted(home.glob("*.json")) if home.is_dir() else ():
        if (kept := _read(place)) and _held(place.with_suffix(".lock")):
            found.append(kept)
        else:
            _forget(place)
    return found


def find_machine(name: str) -> Kept:
    """The one of that name. Raises UserFault."""
    running = machines()
    for kept in running:
        if kept.name == name:
            return kept
    there = ", ".join(kept.name for kept in running) or "none"
    raise UserFault(f"no machine {name} is running (running: {there}); start one with `deskhand vm start`")


def stop_machine(name: str) -> None:
    """End it; returns when nothing of it is left. Raises UserFault."""
    kept = find_machine(name)
    with suppress(UserFault):
        _ask(kept, "stop")
    lock = machines_home() / f"{name}.lock"
    deadline = time.monotonic() + STOP_SECONDS
    while _held(lock):
        if time.monotonic() > deadline:
            raise UserFault(f"the keeper of {name} does not end; `kill -9 {kept.pid}` does, and leaves nothing")
        time.sleep(POLL_SECONDS)
    _forget(machines_home() / f"{name}.json")


def shot(name: str) -> bytes:
    """Its screen as PNG. Raises UserFault."""
    return _ask(find_machine(name), "shot")


def console(name: str) -> Path:
    """A Unix socket with a shell of the guest behind it. Raises UserFault."""
    return find_machine(name).console


# How it is done ---------------------------------------------------------------------------------------------------


def _free_name(image: str | None, name: str | None) -> str:
    taken = {kept.name for kept in machines()}
    if name is not None:
        if not _NAME.fullmatch(name):
            raise UserFault(f"{name!r} is no name for a machine: letters, digits, dots and dashes")
        if name in taken:
            raise UserFault(f"a machine {name} is running already; `deskhand vm stop {name}`, or name another")
        return name
    stem = re.sub(r"[^A-Za-z0-9-]", "-", Path(image).stem)[:50].strip("-") if image else ""
    stem = stem or "machine"
    return next(tried for number in range(1, 10000) if (tried := f"{stem}-{number}") not in taken)


def _listen(process: subprocess.Popen[str], wish: Mapping[str, Any], say: Callable[[str], None]) -> Kept:
    assert process.stdin is not None and process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(wish) + "\n")
        process.stdin.flush()
    for line in process.stdout:
        match json.loads(line):
            case {"say": str(text)}:
                say(text)
            case {"fault": str(text)}:
                raise UserFault(text)
            case _:
                return find_machine(str(wish["name"]))
    raise UserFault(f"the keeper of {wish['name']} ended before its machine was there; try again")


def _ask(kept: Kept, word: str) -> bytes:
    try:
        with Client(str(kept.socket), "AF_UNIX") as line:
            line.send_bytes(word.encode())
            if not line.poll(ANSWER_SECONDS):
                raise UserFault(f"the keeper of {kept.name} does not answer; `deskhand vm stop {kept.name}`")
            head, _, body = line.recv_bytes().partition(b"\n")
    except (OSError, EOFError):
        raise UserFault(f"the keeper of {kept.name} is gone; `deskhand vm list` shows what is running") from None
    if head != b"ok":
        raise UserFault(body.decode())
    return body


def _held(lock: Path) -> bool:
    """Whether the keeper lives."""
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    trial = FileLock(lock, mode=0o600)
    try:
        trial.acquire(timeout=0)
    except Timeout:
        return True
    trial.release()
    return False


def _forget(place: Path) -> None:
    """Remove what a keeper has left, unless another one has just taken the name."""
    from filelock import FileLock, Timeout

    lock = FileLock(place.with_suffix(".lock"), mode=0o600)
    with suppress(Timeout), lock.acquire(timeout=0):
        place.unlink(missing_ok=True)
        place.with_suffix(".lock").unlink(missing_ok=True)


def _read(place: Path) -> Kept | None:
    try:
        told = json.loads(place.read_text("utf-8"))
        ports = {int(guest): int(host) for guest, host in told["ports"].items()}
        return Kept(
            place.stem,
            str(told["image"]),
            str(told["state"]),
            int(told["pid"]),
            MappingProxyType(ports),
            GuestAddress(str(told["host"]), int(told["port"]), str(told["token"])),
            float(told["started"]),
            Path(told["socket"]),
            Path(told["console"]),
            (int(told["replaced"][0]), str(told["replaced"][1])),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
