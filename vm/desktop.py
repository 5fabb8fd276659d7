"""The private desktop: an X server, a window manager, a session bus and a home of its own.

It needs no screen, shows nothing to the user and touches nothing of theirs: the workspace folder, which appears in it
as ~/Documents, is all that outlives it. Every process is started through a warden, which ends them all.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from agent.errors import UserFault
from vm.libreoffice import seed_profile
from vm.local import LocalComputer, in_thread
from vm.processes import Processes, WardenLost, start_processes
from vm.programs import command_for, last_line
from vm.senses import AS_USUAL, SenseOptions, Senses, open_senses
from vm.windows import Windows, wait_for_window
from vm.xauth import COOKIE_BYTES, NotAdmitted, admit_this_user, write_cookie

SIZE = (1440, 900)
START_SECONDS = 20.0  # for each part; they need a tenth of a second on an idle machine
OPEN_SETTLE_SECONDS = 10.0  # LibreOffice shows its window two seconds before it can be used
POLL_SECONDS = 0.01
NEEDED = {"Xvfb": "xvfb", "openbox": "openbox", "dbus-daemon": "dbus"}
"""Programs without which there is no desktop, and the Debian packages that bring them."""

KEPT = ("PATH", "TZ", "TZDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""All that programs of the desktop inherit from our environment; keys and tokens are not among it."""

_SENSES = (
    "perception.eyes",
    "perception.backends.mss",
    "perception.backends.xdamage",
    "actuators.backends.x11",
    "actuators.backends.xinput",
)
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games"
_OPENBOX = Path(__file__).with_name("data") / "openbox.xml"
_XDG_FOLDERS = {"DOCUMENTS": "Documents", "DOWNLOAD": "Downloads", "DESKTOP": "Desktop"}
_NOTES = (
    "This is a private desktop; nobody else uses it. There is no task bar: Alt+Tab "
    "brings the next window to the front, Alt+F4 or its button closes a window.",
    "~/Documents (also ~/Downloads and ~/Desktop) is the task's folder: only what is saved there is kept.",
)


@dataclass(frozen=True)
class _Place:
    """Where a desktop keeps what, all of it below the run's directory but the workspace."""

    run: Path
    workspace: Path

    @property
    def home(self) -> Path:
        return self.run / "home"

    @property
    def config(self) -> Path:
        return self.home / ".config"

    @property
    def runtime(self) -> Path:
        return self.run / "runtime"

    @property
    def temp(self) -> Path:
        return self.run / "tmp"

    @property
    def cookie(self) -> Path:
        return self.run / "Xauthority"

    def log(self, program: str) -> Path:
        return self.run / f"{Path(program).name[:100]}.log"


class PrivateDesktop(LocalComputer):
    """A running private desktop.

    Attributes:
        display: its X display, like ":7". Only processes of this user can connect.
        environment: what programs need to run on it.
        workspace: the folder that is kept.
    """

    kind = "desktop"

    def __init__(
        self,
        senses: Senses,
        processes: Processes,
        environment: Mapping[str, str],
        workspace: Path,
    ) -> None:
        super().__init__(senses, notes=_NOTES)
        self.display = environment["DISPLAY"]
        self.environment = dict(environment)
        self.workspace = workspace
        self._processes = processes

    def _open(self, target: str, cancelled: threading.Event) -> None:
        words = command_for(target, folder=self.workspace, path=self.environment["PATH"])
        windows = Windows(self.display)
        try:
            self._eyes.mark()
            before = windows.shown()
            log = self._processes.run / f"{Path(words[0]).name[:80]}-{secrets.token_hex(4)}.log"
            pid = self._start(words, log)
            wait_for_window(lambda: windows.shown() - before, lambda: self._ended(pid, words[0], log), cancelled)
        finally:
            windows.close()
        if not cancelled.is_set():
            self._eyes.settle(OPEN_SETTLE_SECONDS)

    def _start(self, words: Sequence[str], log: Path) -> int:
        try:
            return self._processes.spawn(words, environment=self.environment, cwd=self.workspace, log=log)
        except OSError as error:
            raise UserFault(f"cannot start {words[0]}: {error}") from None

    def _ended(self, pid: int, program: str, log: Path) -> bool:
        status = self._processes.status(pid)
        if status:
            raise UserFault(f"{program} ended, {_status(status)}: {_said(log)}")
        return status is not None

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._processes.close()


async def open_desktop(
    size: tuple[int, int] = SIZE, *, workspace: Path, options: SenseOptions = AS_USUAL
) -> PrivateDesktop:
    """Start a private desktop and wait until it can be used.

    Args:
        size: width and height of its screen in pixels.
        workspace: the folder that programs see as ~/Documents; made if it is not there.
        options: of its eyes and hands. A person may touch it too, over VNC for instance.

    Raises:
        UserFault: something that it needs is not installed, or does not start; says which and what would help.
    """
    made: list[PrivateDesktop] = []
    try:
        await in_thread(lambda cancelled: made.append(_open_desktop(size, workspace.resolve(), options, cancelled)))
    except BaseException:  # cancelled when it had just been made
        for desktop in made:
            await desktop.aclose()
        raise
    return made[0]


def _open_desktop(
    size: tuple[int, int], workspace: Path, options: SenseOptions, cancelled: threading.Event
) -> PrivateDesktop:
    _check_programs()
    importing = threading.Thread(target=_import_senses)
    importing.start()  # OpenCV takes as long as everything else together
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        processes = start_processes()
    except (OSError, WardenLost) as error:
        raise UserFault(f"the private desktop cannot start: {error}") from None
    try:
        return _Start(processes, _Place(processes.run, workspace), options, cancelled).run(size)
    except BaseException:
        processes.close()
        raise
    finally:
        importing.join()


def _check_programs() -> None:
    path = os.environ.get("PATH", _DEFAULT_PATH)
    if missing := [name for name in NEEDED if shutil.which(name, path=path) is None]:
        packages = " ".join(NEEDED[name] for name in missing)
        raise UserFault(f"the private desktop needs {' and '.join(missing)}: `sudo apt-get install {packages}`")


def _import_senses() -> None:
    for name in _SENSES:
        import_module(name)


class _Start:
    """The start of a desktop, step by step. Blocks; gives up when `cancelled` is set."""

    def __init__(self, processes: Processes, place: _Place, options: SenseOptions, cancelled: threading.Event) -> None:
        self._processes, self._place, self._cancelled = processes, place, cancelled
        self._options = options
        self._environment = _environment(place)

    def run(self, size: tuple[int, int]) -> PrivateDesktop:
        self._processes.tend(self._place.workspace)
        numbers, screen = self._start_screen(size)
        with os.fdopen(numbers) as pipe:
            _make_home(self._place)
            bus = self._spawn(["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self._bus}"])
            number = self._read_number(pipe.fileno(), screen)
        self._admit(number)
        self._environment["DISPLAY"] = f":{number}"
        manager = self._spawn(["openbox", "--sm-disable", "--config-file", str(_OPENBOX)])
        self._wait("dbus-daemon", bus, (self._place.runtime / "bus").is_socket)
        self._wait_for_manager(manager)
        return self._open()

    @property
    def _bus(self) -> str:
        return self._environment["DBUS_SESSION_BUS_ADDRESS"]

    def _start_screen(self, size: tuple[int, int]) -> tuple[int, int]:
        """Start the X server. Returns the pipe that it writes its number to, and its process id."""
        cookie = secrets.token_bytes(COOKIE_BYTES)
        write_cookie(self._place.cookie, cookie)
        self._cookie = cookie
        numbers, told = os.pipe()
        words = ["Xvfb", "-displayfd", "{fd0}", "-screen", "0", f"{size[0]}x{size[1]}x24", "-noreset", "-dpi", "96"]
        words += ["-nolisten", "tcp", "-auth", str(self._place.cookie)]
        try:
            return numbers, self._spawn(words, [told])
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
        write_cookie(self._place.cookie, self._cookie, number)

    def _wait_for_manager(self, pid: int) -> None:
        windows = Windows(self._environment["DISPLAY"])
        try:
            self._wait("openbox", pid, windows.managed)
        finally:
            windows.close()

    def _open(self) -> PrivateDesktop:
        senses = open_senses(self._environment["DISPLAY"], self._options, bus=self._bus)
        return PrivateDesktop(senses, self._processes, self._environment, self._place.workspace)

    def _spawn(self, words: Sequence[str], descriptors: Sequence[int] = ()) -> int:
        return self._processes.spawn(
            words,
            environment=self._environment,
            cwd=self._place.run,
            log=self._place.log(words[0]),
            descriptors=descriptors,
        )

    def _wait(self, program: str, pid: int, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._cancelled.wait(POLL_SECONDS):
                raise UserFault("the private desktop was not wanted any more")
            status = self._processes.status(pid)
            if status is None and time.monotonic() < deadline:
                continue
            how = f"did not get ready within {START_SECONDS:.0f} s" if status is None else f"ended, {_status(status)}"
            said = _said(self._place.log(program))
            raise UserFault(f"the private desktop cannot start: {program} {how}: {said}")


def _make_home(place: _Place) -> None:
    for folder in (place.runtime, place.temp, place.home, place.config):
        folder.mkdir(mode=0o700)
    for name in _XDG_FOLDERS.values():
        (place.home / name).symlink_to(place.workspace, target_is_directory=True)
    lines = [f'XDG_{name}_DIR="$HOME/{folder}"\n' for name, folder in _XDG_FOLDERS.items()]
    (place.config / "user-dirs.dirs").write_text("".join(lines))
    (place.config / "user-dirs.conf").write_text("enabled=False\n")  # else they are renamed at the first login
    seed_profile(place.config, place.home / _XDG_FOLDERS["DOCUMENTS"])


def _environment(place: _Place) -> dict[str, str]:
    """What programs of the desktop get to see, built from nothing."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {
        "PATH": _DEFAULT_PATH,
        **kept,
        "LANG": "C.UTF-8",
        "HOME": str(place.home),
        "XAUTHORITY": str(place.cookie),
        "XDG_RUNTIME_DIR": str(place.runtime),
        "XDG_CONFIG_HOME": str(place.config),
        "XDG_DATA_HOME": str(place.home / ".local/share"),
        "XDG_STATE_HOME": str(place.home / ".local/state"),
        "XDG_CACHE_HOME": str(place.home / ".cache"),
        "XDG_SESSION_TYPE": "x11",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={place.runtime}/bus",
        "TMPDIR": str(place.temp),
        "GDK_BACKEND": "x11",
        "QT_QPA_PLATFORM": "xcb",
        "SAL_USE_VCLPLUGIN": "gtk3",
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",  # else Qt and Chromium tell only screen readers what is there
        "ACCESSIBILITY_ENABLED": "1",
        "GIO_USE_VFS": "local",  # no helper processes for network folders
        "GSETTINGS_BACKEND": "memory",
    }


def _said(log: Path) -> str:
    with log.open("rb") as output:
        return last_line(output)


def _status(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"


def check_desktop() -> None:
    """Raise `UserFault` where no private desktop can be started, before anything is made for it."""
    _check_programs()
