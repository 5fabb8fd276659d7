"""The keeper: the process that holds one machine in the background, answers, and replaces the machine when it is lost.

It listens on a Unix socket in the run's directory of its warden; `vm.keeper` speaks to it. A machine that took the
place of another has the same ports, and another token.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from agent.errors import UserFault
from perception.errors import ScreenLost
from vm.keeper import machines_home

if TYPE_CHECKING:
    from vm.machine import Machine

CHECK_SECONDS = 2.0  # between looks at the machine
AGAIN_SECONDS = 0.3
FAILURES = 3  # in a row: a host so busy that a guest does not answer in time must not cost what was done in it
LOCK_SECONDS = 1.0
_SOCKET = "keeper"


class _Keeper:
    """Holds one machine, answers, and replaces it when it is lost."""

    def __init__(self, name: str, machine: Machine) -> None:
        self._name, self._machine = name, machine
        self._over = threading.Event()
        self._started = time.time()
        self._replaced = (0, "")
        self._lock = threading.Lock()
        self._socket = machine.run / _SOCKET
        self._listener = Listener(str(self._socket), "AF_UNIX")
        self._write()

    def run(self) -> None:
        """Until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        threading.Thread(target=self._serve, daemon=True).start()
        failures = 0
        while not self._over.wait(AGAIN_SECONDS if failures else CHECK_SECONDS):
            try:
                self._machine.check()
                failures = 0
            except ScreenLost as lost:
                failures += 1
                if failures >= FAILURES:
                    self._replace(str(lost))
                    failures = 0

    def _stop(self, *_: object) -> None:
        self._over.set()

    def _replace(self, why: str) -> None:
        self._replaced = (self._replaced[0] + 1, why)
        with suppress(ScreenLost, UserFault), self._lock:  # the next look tries again
            self._machine.reset()
            self._write()

    def _serve(self) -> None:
        while not self._over.is_set():
            with suppress(OSError, EOFError), self._listener.accept() as line:
                self._answer(line)

    def _answer(self, line: Any) -> None:
        word: bytes = line.recv_bytes(64)
        try:
            body = self._do(word)
        except (ScreenLost, UserFault) as error:
            line.send_bytes(b"no\n" + str(error).encode())
            return
        line.send_bytes(b"ok\n" + body)

    def _do(self, word: bytes) -> bytes:
        match word:
            case b"shot":
                return self._machine.picture()
            case b"stop":
                self._over.set()
            case _:
                raise UserFault(f"a keeper does not know the word {word!r}")
        return b""

    def _write(self) -> None:
        machine = self._machine
        told = {
            "image": machine.source.name,
            "state": machine.state,
            "pid": os.getpid(),
            "ports": dict(machine.ports),
            "host": machine.guest.host,
            "port": machine.guest.port,
            "token": machine.guest.token,
            "started": self._started,
            "replaced": self._replaced,
            "socket": str(self._socket),
            "console": str(machine.console),
        }
        place = machines_home() / f"{self._name}.json"
        fresh = place.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(told, file)
        fresh.replace(place)


@contextmanager
def _named(name: str) -> Generator[None, None, None]:
    from filelock import FileLock, Timeout

    lock = FileLock(machines_home() / f"{name}.lock", mode=0o600)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise UserFault(f"a machine {name} is running already; name another") from None
    try:
        yield
    finally:
        for path in (machines_home() / f"{name}.json", machines_home() / f"{name}.lock"):
            path.unlink(missing_ok=True)
        lock.release()


def _image(name: str | None) -> Any:
    from vm.image.store import find_image

    if name is not None and name.endswith(".qcow2"):
        return Path(name)
    return find_image(name)


def _keep(wish: Mapping[str, Any], tell: Callable[[Mapping[str, str]], None], cancelled: threading.Event) -> None:
    from vm.machine import open_machine

    with _named(str(wish["name"])):
        machine = open_machine(
            _image(wish["image"]),
            state=str(wish["state"]),
            network=bool(wish["network"]),
            plain=True,
            ports={int(guest): int(host) for guest, host in wish["ports"].items()},
            size=tuple(wish["size"]) if wish["size"] else None,
            say=lambda text: tell({"say": text}),
            cancelled=cancelled,
        )
        with machine:
            if not cancelled.is_set():
                keeper = _Keeper(str(wish["name"]), machine)
                tell({"ready": ""})
                keeper.run()


def _tell(line: Mapping[str, str]) -> None:
    with suppress(OSError, ValueError):  # whoever wanted to hear it is gone
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _give_up_alone(cancelled: threading.Event) -> None:
    """Until the machine is there, whoever wants it holds our standard input open."""
    with suppress(OSError, ValueError):
        sys.stdin.read()
    cancelled.set()


def main() -> NoReturn:
    """Be the keeper of the machine that standard input describes, as a child of nobody."""
    if os.fork():
        os._exit(0)
    status = 0
    try:
        wish, cancelled = json.loads(sys.stdin.readline()), threading.Event()
        threading.Thread(target=_give_up_alone, args=(cancelled,), daemon=True).start()
        _keep(wish, _tell, cancelled)
    except (UserFault, ScreenLost) as error:
        _tell({"fault": str(error)})
        status = 2
    os._exit(status)  # not held up by a pipe that nobody reads any more


if __name__ == "__main__":
    main()
