"""Where a private desktop keeps what, and what its programs are told about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vm.sandbox import HOST, View, accounts, hosts, in_system

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games"
KEPT = ("PATH", "TZ", "TZDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""All that programs of the desktop inherit from our environment; keys and tokens are not among it."""
KEPT_IN_AN_IMAGE = ("TZ", "USER", "LOGNAME")

_XDG_FOLDERS = {"DOCUMENTS": "Documents", "DOWNLOAD": "Downloads", "DESKTOP": "Desktop"}
_OPENBOX = Path(__file__).with_name("data") / "openbox.xml"
_WARDEN = Path(__file__).with_name("warden.py")
_UNO_WORKER = Path(__file__).with_name("uno_worker")


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a desktop, all of them below the run's directory but the workspace."""

    run: Path
    workspace: Path

    @property
    def home(self) -> Path:
        """What programs have as their home."""
        return self.run / "home"

    @property
    def config(self) -> Path:
        """Their settings."""
        return self.home / ".config"

    @property
    def documents(self) -> Path:
        """The workspace, as they see it."""
        return self.home / _XDG_FOLDERS["DOCUMENTS"]

    @property
    def runtime(self) -> Path:
        """Their sockets, that of the session bus for one."""
        return self.run / "runtime"

    @property
    def temp(self) -> Path:
        """Their temporary files."""
        return self.run / "tmp"

    @property
    def logs(self) -> Path:
        """What they print, a file each."""
        return self.run / "log"

    @property
    def ours(self) -> Path:
        """Files for them that are not theirs to change."""
        return self.run / "etc"

    @property
    def cookie(self) -> Path:
        """What admits them to the X server."""
        return self.run / "Xauthority"

    @property
    def openbox(self) -> Path:
        """The window manager's settings."""
        return self.ours / "openbox.xml"

    @property
    def warden(self) -> Path:
        """What starts programs in the sandbox."""
        return self.ours / "warden.py"

    @property
    def pipe(self) -> str:
        """Name of the pipe at which LibreOffice listens; this desktop's alone."""
        return f"deskhand-{self.run.name}"

    @property
    def bus(self) -> Path:
        """The session bus's socket."""
        return self.runtime / "bus"

    def log(self, program: str) -> Path:
        """Where a program's output goes."""
        return self.logs / f"{Path(program).name[:100]}.log"

    def view(
        self, root: Path, display: str, shared: tuple[Path, ...], *, network: bool, fixed: tuple[Path, ...] = ()
    ) -> View:
        """What programs see, on a display like ":7"; see `vm.sandbox.View`."""
        return View(
            root=root,
            temp=self.temp,
            private=(self.home, self.runtime, self.logs),
            fixed=(self.ours, self.cookie, Path(f"/tmp/.X11-unix/X{display.removeprefix(':')}"), *fixed),
            shared=tuple(dict.fromkeys((self.workspace, *shared))),
            replaced={name: self.ours / name for name in ("passwd", "hosts")},
            network=network,
        )

    def clear(self) -> None:
        """Remove what programs have left."""
        for folder in (self.home, self.runtime, self.temp, self.logs, self.ours):
            shutil.rmtree(folder, ignore_errors=True)


def make_folders(place: Place, root: Path) -> None:
    """Make the folders, and a home in which the workspace appears."""
    for folder in (place.runtime, place.temp, place.logs, place.ours, place.home, place.config):
        folder.mkdir(mode=0o700)
    for name in _XDG_FOLDERS.values():
        (place.home / name).symlink_to(place.workspace, target_is_directory=True)
    lines = [f'XDG_{name}_DIR="$HOME/{folder}"\n' for name, folder in _XDG_FOLDERS.items()]
    (place.config / "user-dirs.dirs").write_text("".join(lines))
    (place.config / "user-dirs.conf").write_text("enabled=False\n")  # else they are renamed at the first login
    shutil.copyfile(_OPENBOX, place.openbox)
    shutil.copyfile(_WARDEN, place.warden)
    shutil.copytree(_UNO_WORKER, place.ours / _UNO_WORKER.name, ignore=shutil.ignore_patterns("__pycache__"))
    (place.ours / "passwd").write_text(accounts(root, place.home))
    (place.ours / "hosts").write_text(hosts(root))


def environment(place: Place, root: Path) -> dict[str, str]:
    """What programs of the desktop get to see, built from nothing. Their display is not among it yet."""
    return {
        "PATH": DEFAULT_PATH,
        **inherited(KEPT if root == HOST else KEPT_IN_AN_IMAGE),
        "LANG": "C.UTF-8",
        "HOME": str(place.home),
        "XAUTHORITY": str(place.cookie),
        "XDG_RUNTIME_DIR": str(place.runtime),
        "XDG_CONFIG_HOME": str(place.config),
        "XDG_DATA_HOME": str(place.home / ".local/share"),
        "XDG_STATE_HOME": str(place.home / ".local/state"),
        "XDG_CACHE_HOME": str(place.home / ".cache"),
        "XDG_SESSION_TYPE": "x11",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={place.bus}",
        "TMPDIR": str(place.temp),
        "GDK_BACKEND": "x11",
        "QT_QPA_PLATFORM": "xcb",
        "SAL_USE_VCLPLUGIN": "gtk3",
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",  # else Qt and Chromium tell only screen readers what is there
        "ACCESSIBILITY_ENABLED": "1",
        "GIO_USE_VFS": "local",  # no helper processes for network folders
        "GSETTINGS_BACKEND": "memory",
    }


def inherited(names: Iterable[str]) -> dict[str, str]:
    """Those of our variables that are there, as they were before OpenCV came.

    It puts a folder of its own where programs look for libraries, and by an empty entry whichever they are started in.
    """
    found = {name: os.environ[name] for name in names if name in os.environ}
    folders = found.pop("LD_LIBRARY_PATH", "").split(":")
    own = [folder for folder in folders if folder and "cv2" not in Path(folder).parts]
    return found | ({"LD_LIBRARY_PATH": ":".join(own)} if own else {})


def walled(told: Mapping[str, str]) -> dict[str, str]:
    """The same for programs in a sandbox: only folders of programs that are there, and /tmp as it is there."""
    path = [folder for folder in told["PATH"].split(":") if in_system(Path(folder))]
    return {**told, "PATH": ":".join(path), "TMPDIR": "/tmp"}
