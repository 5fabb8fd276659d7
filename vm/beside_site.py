"""Where programs of tools run: the folders that are theirs, what they see, and what starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.errors import ToolFault
from vm.desktop_place import DEFAULT_PATH, KEPT, inherited, walled
from vm.led import Stage
from vm.processes import Processes, Spawner, WardenLost, start_processes
from vm.sandbox import HOST, View, accounts, bubblewrap, hosts, interpreter, start_sandbox

PROBE_SECONDS = 20.0  # it takes 20 ms
_HERE = Path(__file__).parent
_SCRIPTS = ("warden.py", "leader.py")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_TOLD = {
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "NO_COLOR": "1",
    "PAGER": "cat",  # a pager would wait for keys
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONUNBUFFERED": "1",
}
_PACKAGES = {
    "soffice": "libreoffice",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdfinfo": "poppler-utils",
    "bash": "bash",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one program sees besides the system and its own folders.

    Attributes:
        writable, readable: files and folders.
        workspace: the task's folder too.
    """

    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    workspace: bool = True


@dataclass(slots=True)
class Site:
    """Open from the first program to the last.

    Attributes:
        doubt: why there is no sandbox; "" where there is.
        lost: nothing can be started here any more.
    """

    processes: Processes
    workspace: Path
    network: bool
    doubt: str
    lost: bool = False
    _inside: Spawner | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def home(self) -> Path:
        """What programs have as their home."""
        return self.processes.run / "home"

    def alone(self, seen: Seen) -> Stage:
        """A sandbox without a network for one program, or none."""
        if self.doubt:
            return self._open()
        python, more = interpreter(HOST)
        words = tuple(bubblewrap(self._view(seen, network=False), more))
        return Stage(self.processes, words, python, self._ours / "leader.py", self._walled(), self._log)

    def together(self) -> Stage:
        """The sandbox of all commands, started if need be.

        Raises:
            NoSandbox: it does not start.
            WardenLost: nothing can be started any more.
        """
        if self.doubt:
            return self._open()
        with self._lock:
            if self._inside is None:
                view = self._view(Seen(), network=self.network)
                self._inside = start_sandbox(self.processes, view, self._walled(), self._ours / "warden.py")
            python, _ = interpreter(HOST)
            return Stage(self._inside, (), python, self._ours / "leader.py", self._walled(), self._log)

    def leave(self) -> bool:
        """Start no more in the sandbox of all commands, if there is one; the next command starts another."""
        with self._lock:
            inside, self._inside = self._inside, None
        if inside:
            inside.close()
        return inside is not None

    def stands(self) -> bool:
        """Whether programs can be started at all."""
        try:
            self.processes.status(0)
        except WardenLost:
            return False
        return True

    def check(self, argv: Sequence[str], paths: Sequence[Path]) -> None:
        """Raise `ToolFault` where a program cannot be started for a reason that can be told."""
        program = Path(argv[0]).name
        if not self.workspace.is_dir():
            raise ToolFault(f"{program} was not started: the task's folder {self.workspace} is gone.")
        if not shutil.which(argv[0], path=self._path()):
            package = _PACKAGES.get(program, program)
            raise ToolFault(f"{program} is not installed. The user can install it: `sudo apt-get install {package}`.")
        if gone := [path for path in paths if not path.exists()]:
            raise ToolFault(f"{program} was not started: {gone[0]} does not exist.")

    def make(self) -> None:
        """Make the folders, and find out whether there can be a sandbox."""
        for folder in (self.home, self._temp, self._logs, self._ours):
            folder.mkdir(mode=0o700)
        (self.home / "Documents").symlink_to(self.workspace, target_is_directory=True)
        for name in _SCRIPTS:
            shutil.copyfile(_HERE / name, self._ours / name)
        (self._ours / "passwd").write_text(accounts(HOST, self.home))
        (self._ours / "hosts").write_text(hosts(HOST))
        self.processes.tend(self.workspace)
        self.doubt = self.doubt or self._probe()

    def close(self) -> None:
        """End everything."""
        self.leave()
        self.processes.close()

    @property
    def _temp(self) -> Path:
        return self.processes.run / "tmp"

    @property
    def _logs(self) -> Path:
        return self.processes.run / "log"

    @property
    def _log(self) -> Path:
        return self._logs / "leaders.log"

    @property
    def _ours(self) -> Path:
        return self.processes.run / "etc"

    def _view(self, seen: Seen, *, network: bool) -> View:
        return View(
            root=HOST,
            temp=self._temp,
            private=(self.home, self._logs),
            fixed=(self._ours, *seen.readable),
            shared=(*((self.workspace,) if seen.workspace else ()), *seen.writable),
            replaced={name: self._ours / name for name in ("passwd", "hosts")},
            network=network,
        )

    def _probe(self) -> str:
        """Why there can be no sandbox."""
        words = [*bubblewrap(self._view(Seen(), network=self.network)), "true"]
        try:
            tried = subprocess.run(words, capture_output=True, timeout=PROBE_SECONDS, check=False, stdin=-3)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if tried.returncode == 0:
            return ""
        said = tried.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        return said[-1].removeprefix("bwrap: ")[:300]

    def _open(self) -> Stage:
        script = _HERE / "leader.py"
        return Stage(self.processes, (), sys.executable, script, self._environment(), self._log)

    def _walled(self) -> dict[str, str]:
        return walled(self._environment())

    def _environment(self) -> dict[str, str]:
        """What programs are told, built from nothing."""
        kept = inherited(KEPT)
        if self.network:
            kept |= {name: value for name, value in os.environ.items() if _is_proxy(name, value)}
        return {
            "PATH": DEFAULT_PATH,
            **kept,
            **_TOLD,
            "HOME": str(self.home),
            "TMPDIR": str(self._temp),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
        }

    def _path(self) -> str:
        return (self._environment() if self.doubt else self._walled())["PATH"]


def open_site(workspace: Path, *, network: bool, doubt: str) -> Site:
    """Start a warden, and make everything ready for programs. Blocks for some 60 ms.

    Raises:
        OSError, WardenLost: it does not start.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    processes = start_processes()
    try:
        site = Site(processes, workspace, network, doubt)
        site.make()
        return site
    except BaseException:
        processes.close()
        raise


def _is_proxy(name: str, value: str) -> bool:
    """Where the way out is; not with a password in it."""
    return name.lower() in _PROXIES and "@" not in value
