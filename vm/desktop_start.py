"""How a private desktop starts: X server, sandbox, window manager, session bus, eyes and hands."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserFault
from perception.errors import ScreenLost
from vm import profiles
from vm.desktop_place import DEFAULT_PATH, Place, environment, make_folders, walled
from vm.libreoffice import seed_profile
from vm.processes import Processes, Spawner
from vm.programs import last_line
from vm.sandbox import HOST, HOST_NAME, NoSandbox, View, in_system, start_sandbox
from vm.senses import AS_USUAL, SenseOptions, Senses, open_senses
from vm.windows import Windows
from vm.xauth import COOKIE_BYTES, NotAdmitted, admit_this_user, write_cookie

START_SECONDS = 20.0  # for each part; they need a tenth of a second on an idle machine
POLL_SECONDS = 0.005
NEEDED = {"Xvfb": "xvfb", "openbox": "openbox", "dbus-daemon": "dbus"}
"""Programs without which there is no desktop, and the Debian packages that bring them."""

RESTARTS = 3  # of a window manager that ends by itself, within RESTARTS_SECONDS
RESTARTS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a desktop shall be like.

    Attributes:
        size: of its screen in pixels.
        options: of its eyes and hands.
        root: where its programs come from: this machine, or an image's tree.
        network: whether they reach other machines.
        shared: files and folders of the user, besides the workspace, that they see and may change.
        fixed: the same, that they may only read.
    """

    size: tuple[int, int]
    options: SenseOptions = AS_USUAL
    root: Path = HOST
    network: bool = True
    shared: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()


@dataclass(slots=True)
class Stage:
    """A desktop that runs.

    Attributes:
        display: its X display, like ":7".
        environment: what its programs need.
        view: what they see; None where there is no sandbox.
        doubt: why there is none, else "".
        prepared: whether LibreOffice's profile is a ready one.
    """

    processes: Processes
    programs: Spawner
    place: Place
    environment: dict[str, str]
    view: View | None
    doubt: str
    senses: Senses
    screen: int
    bus: int
    manager: int
    prepared: bool
    _restarts: tuple[float, ...] = ()

    @property
    def display(self) -> str:
        """Its X display, like ":7"."""
        return self.environment["DISPLAY"]

    def check(self) -> None:
        """Raise `ScreenLost` where a part has ended without which there is no work; a window manager is replaced."""
        for spawner, pid, name, program in (
            (self.processes, self.screen, "X server", "Xvfb"),
            (self.programs, self.bus, "session bus", "dbus-daemon"),
        ):
            status = spawner.status(pid)
            if status is not None:
                raise ScreenLost(f"the private desktop's {name} ({program}) ended, {how(status)}")
        status = self.programs.status(self.manager)
        if status is not None:
            self._manage_again(status)

    def leave_sandbox(self) -> None:
        """Start no more programs in it, if there is one: those that are there end."""
        if self.view is not None:
            self.programs.close()

    def _manage_again(self, status: int) -> None:
        now = time.monotonic()
        self._restarts = (*(at for at in self._restarts if at > now - RESTARTS_SECONDS), now)
        if len(self._restarts) <= RESTARTS:
            self.manager = start_manager(self.programs, self.place, self.environment)
            if _until(lambda: self.programs.status(self.manager) is not None or self._managed(), START_SECONDS / 4):
                if self._managed():
                    return
                status = self.programs.status(self.manager) or 0
        said = _said(self.place.log("openbox"))
        raise ScreenLost(f"the private desktop's window manager (openbox) ended again and again, {how(status)}: {said}")

    def _managed(self) -> bool:
        windows = Windows(self.display)
        try:
            return windows.managed()
        finally:
            windows.close()


def start_manager(programs: Spawner, place: Place, told: dict[str, str]) -> int:
    """Start the window manager; its process id."""
    words = [_program("openbox", told), "--sm-disable", "--config-file", str(place.openbox)]
    return programs.spawn(words, environment=told, cwd=place.home, log=place.log("openbox"))


def missing_programs() -> list[str]:
    """Those of `NEEDED` that are not installed."""
    return [name for name in NEEDED if shutil.which(name, path=_own_path()) is None]


class Start:
    """The start of a desktop, step by step. Blocks; gives up when `cancelled` is set."""

    def __init__(self, processes: Processes, place: Place, wanted: Wanted, cancelled: threading.Event) -> None:
        self._processes, self._place, self._wanted, self._cancelled = processes, place, wanted, cancelled
        self._environment = environment(place, wanted.root)
        self._programs: Spawner = processes
        self._view: View | None = None
        self._doubt = ""

    def run(self) -> Stage:
        """Start everything, and wait until it can be used.

        Raises:
            UserFault: something does not start.
        """
        try:
            return self._run()
        except OSError as error:
            raise UserFault(f"the private desktop cannot start: {error}") from None

    def _run(self) -> Stage:
        numbers, screen = self._start_screen()
        with os.fdopen(numbers) as pipe:
            make_folders(self._place, self._wanted.root)
            prepared = self._make_profile()
            number = self._read_number(pipe.fileno(), screen)
        self._admit(number)
        self._environment["DISPLAY"] = f":{number}"
        with ThreadPoolExecutor(1) as beside:
            senses = beside.submit(self._open_senses)
            try:
                self._enter_sandbox()
                bus, manager = self._start_bus(), start_manager(self._programs, self._place, self._environment)
                self._wait("dbus-daemon", bus, self._place.bus.is_socket)
                self._wait_for_manager(manager)
                return self._stage(senses.result(), screen, bus, manager, prepared=prepared)
            except BaseException:
                _close(senses)
                if self._programs is not self._processes:
                    self._programs.close()
                raise

    def _stage(self, senses: Senses, screen: int, bus: int, manager: int, *, prepared: bool) -> Stage:
        told = (self._environment, self._view, self._doubt, senses, screen, bus, manager, prepared)
        return Stage(self._processes, self._programs, self._place, *told)

    def _make_profile(self) -> bool:
        key = profiles.key_of(self._wanted.root)
        where = (self._place.config, self._place.documents, self._place.pipe)
        if key and profiles.take(key, *where):
            return True
        seed_profile(*where)
        return False

    def _start_screen(self) -> tuple[int, int]:
        """Start the X server. Returns the pipe that it writes its number to, and its process id."""
        self._cookie = secrets.token_bytes(COOKIE_BYTES)
        write_cookie(self._place.cookie, self._cookie)
        numbers, told = os.pipe()
        width, height = self._wanted.size
        words = ["Xvfb", "-displayfd", "{fd0}", "-screen", "0", f"{width}x{height}x24", "-noreset", "-dpi", "96"]
        words += ["-nolisten", "tcp", "-auth", str(self._place.cookie)]
        environment = {**self._environment, "PATH": _own_path(), "TMPDIR": str(self._place.run)}
        log = self._place.run / "Xvfb.log"
        try:
            pid = self._processes.spawn(
                words, environment=environment, cwd=self._place.run, log=log, descriptors=[told]
            )
            return numbers, pid
        except BaseException:
            os.close(numbers)
            raise
        finally:
            os.close(told)

    def _read_number(self, pipe: int, screen: int) -> str:
        """The display number; read to the end of its line, since Xvfb dies of a pipe that closes earlier."""
        os.set_blocking(pipe, False)
        said = bytearray()

        def complete() -> bool:
            with suppress(BlockingIOError):
                said.extend(os.read(pipe, 64))
            return said.endswith(b"\n")

        self._wait("Xvfb", screen, complete)
        return said.decode().strip()

    def _admit(self, number: str) -> None:
        try:
            admit_this_user(number, self._cookie)
        except NotAdmitted as error:
            raise UserFault(f"the private desktop cannot start: its X server: {error}") from None
        write_cookie(self._place.cookie, self._cookie, number, HOST_NAME)

    def _open_senses(self) -> Senses:
        bus = self._environment["DBUS_SESSION_BUS_ADDRESS"]
        return open_senses(self._environment["DISPLAY"], self._wanted.options, bus=bus)

    def _enter_sandbox(self) -> None:
        """From here on programs start in a sandbox, where there can be one; what was asked for may need one."""
        wanted, display = self._wanted, self._environment["DISPLAY"]
        own = [path for name in ("openbox", "dbus-daemon") if not in_system(path := _own(name))]
        view = self._place.view(
            wanted.root, display, wanted.shared, network=wanted.network, fixed=(*own, *wanted.fixed)
        )
        inside = walled(self._environment)
        try:
            self._programs = start_sandbox(self._processes, view, inside, self._place.warden)
            self._view, self._environment = view, inside
        except NoSandbox as error:
            self._doubt = str(error)
            if wanted.root != HOST or not wanted.network:
                what = "without a network" if wanted.root == HOST else "with the programs of an image"
                raise UserFault(
                    f"a private desktop {what} needs a sandbox, and there is none ({error}); "
                    "`deskhand doctor` says what would help"
                ) from None

    def _start_bus(self) -> int:
        words = [_program("dbus-daemon", self._environment), "--session", "--nofork", "--nopidfile"]
        words += [f"--address={self._environment['DBUS_SESSION_BUS_ADDRESS']}"]
        log = self._place.log("dbus-daemon")
        return self._programs.spawn(words, environment=self._environment, cwd=self._place.home, log=log)

    def _wait_for_manager(self, pid: int) -> None:
        windows = Windows(self._environment["DISPLAY"])
        try:
            self._wait("openbox", pid, windows.managed)
        finally:
            windows.close()

    def _wait(self, program: str, pid: int, ready: Callable[[], bool]) -> None:
        starter = self._processes if program == "Xvfb" else self._programs
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._cancelled.wait(POLL_SECONDS):
                raise UserFault("the private desktop was not wanted any more")
            status = starter.status(pid)
            if status is None and time.monotonic() < deadline:
                continue
            ended = f"did not get ready within {START_SECONDS:.0f} s" if status is None else f"ended, {how(status)}"
            log = self._place.run / "Xvfb.log" if program == "Xvfb" else self._place.log(program)
            raise UserFault(f"the private desktop cannot start: {program} {ended}: {_said(log)}")


def how(status: int) -> str:
    """How a program ended."""
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"


def _close(senses: Future[Senses]) -> None:
    with suppress(Exception):  # the first failure is the one that is told
        eyes, hands, guard, naming = senses.result()
        for part in (naming, eyes, hands, guard):
            part.close()


def _own_path() -> str:
    return os.environ.get("PATH", DEFAULT_PATH)


def _own(name: str) -> Path:
    """Where a program of this machine is."""
    return Path(shutil.which(name, path=_own_path()) or name).absolute()


def _program(name: str, told: dict[str, str]) -> str:
    """A program that the desktop itself needs: as the environment of its programs finds it, else as ours does."""
    return name if shutil.which(name, path=told["PATH"]) == str(_own(name)) else str(_own(name))


def _said(log: Path) -> str:
    try:
        with log.open("rb") as output:
            return last_line(output)
    except OSError:
        return "it said nothing"


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (now := true()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return now
