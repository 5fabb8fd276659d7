"""The sandbox of a private desktop: what its programs see of this machine, by bubblewrap.

They see the system's programs, read-only, of this machine or of an image's tree; the desktop's own home, temporary and
run-time folders; the workspace; and nothing else. They have process ids, shared memory and a host name of their own, a
network only if wanted, and no way to become somebody else. One sandbox holds all programs of a desktop, so that they
find each other; the warden's second half starts them (`vm/warden.py --inside`), and all end when it does.
"""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vm.processes import Processes, Spawner, WardenLost
from vm.programs import SILENT, last_line

HOST = Path("/")
HOST_NAME = "desktop"

_SYSTEM = ("usr", "opt", "nix", "gnu")
_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # into usr, on all newer systems
_VARIABLE = (
    "cache/fontconfig",
    "lib/aspell",
    "lib/dpkg",
    "lib/ghostscript",
    "lib/ispell",
    "lib/libreoffice",
    "lib/xkb",
)
"""Below /var: what programs look for and the system has prepared; without the first, each start reads every font."""
_OF_ROOT = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
_SHMGET = {"x86_64": (0xC000003E, 29), "aarch64": (0xC00000B7, 194)}
_EVERYBODY = 65534  # the user id of nobody; ordinary users' begin at 1000
_IGNORING_TERM = ("/bin/sh", "-c", "trap '' TERM; exec \"$@\"", "sh")
"""bwrap would die of it and take the programs along, before they could end by themselves."""


class NoSandbox(Exception):
    """There can be none here; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class View:
    """What the programs see. Every folder and file is at the same place inside and outside, but for `temp`.

    Attributes:
        root: where the system's programs come from: this machine, or an image's tree.
        temp: the folder that they see as /tmp.
        private: folders that are the desktop's own.
        fixed: files and folders that they may read.
        shared: folders and files of the user that they may change, the workspace for one.
        replaced: files that they see in place of those of /etc, by name.
        network: whether they reach other machines, and servers on this one.
    """

    root: Path
    temp: Path
    private: tuple[Path, ...]
    fixed: tuple[Path, ...]
    shared: tuple[Path, ...]
    replaced: Mapping[str, Path]
    network: bool = True

    def has(self, path: Path) -> bool:
        """Whether something of this machine is the same thing inside."""
        if self.root == HOST and in_system(path):
            return True
        return any(path.is_relative_to(place) for place in (*self.shared, *self.private, *self.fixed))


def in_system(path: Path) -> bool:
    """Whether a path lies in what every sandbox sees of its system."""
    return len(path.parts) > 1 and path.parts[1] in (*_SYSTEM, *_LINKED)


def why_not() -> str:
    """Why there can be no sandbox here, as far as can be told without trying; "" where nothing speaks against it."""
    return "" if shutil.which("bwrap") else "bubblewrap is not installed"


def start_sandbox(processes: Processes, view: View, environment: Mapping[str, str], warden: Path) -> Spawner:
    """Start a sandbox, and return what starts programs in it.

    Args:
        warden: a copy of `vm/warden.py` that is seen in there.

    Raises:
        NoSandbox: it does not start.
        WardenLost: nothing can be started any more.
    """
    if reason := why_not():
        raise NoSandbox(reason)
    log = processes.run / "bwrap.log"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs:
            python, more = interpreter(view.root)
            inside = (python, "-I", "-S", str(warden), "--inside", str(processes.run), "{fd0}")
            with tempfile.TemporaryFile(dir=processes.run) as rules:
                rules.write(_no_shared_pictures())
                rules.seek(0)
                more += ["--seccomp", "{fd1}"]
                words = (*_IGNORING_TERM, *bubblewrap(view, more), *inside)
                descriptors = [theirs.fileno(), rules.fileno()]
                processes.spawn(words, environment=environment, cwd=HOST, log=log, descriptors=descriptors)
        return Spawner(ours)
    except (OSError, WardenLost) as error:
        ours.close()
        raise NoSandbox(_said(log) or str(error)) from None


def bubblewrap(view: View, more: Sequence[str] = ()) -> list[str]:
    """The words before a command that is to be run in a sandbox. Later ones hide what earlier ones show."""
    words = [shutil.which("bwrap") or "bwrap", *_rights(), "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--hostname", HOST_NAME, "--die-with-parent"]
    words += [] if view.network else ["--unshare-net"]
    words += [*_system(view.root), "--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/var/tmp"]
    words += ["--symlink", "/run", "/var/run", *more, "--bind", str(view.temp), "/tmp"]
    options = dict.fromkeys(view.fixed, "--ro-bind") | dict.fromkeys((*view.shared, *view.private), "--bind")
    # Folders before what lies in them, which may be seen in another way.
    words += [word for place, option in sorted(options.items()) for word in (option, str(place), str(place))]
    words += [word for name, file in view.replaced.items() for word in ("--ro-bind", str(file), f"/etc/{name}")]
    return [*words, *(_resolver(view.root) if view.network else []), "--chdir", "/", "--"]


def _rights() -> list[str]:
    """None but an ordinary user's. Root keeps those over files and users that its programs cannot do without."""
    if os.geteuid() != 0:
        return ["--unshare-user", "--cap-drop", "ALL"]
    return ["--cap-drop", "ALL", *(word for right in _OF_ROOT for word in ("--cap-add", f"CAP_{right}"))]


def accounts(root: Path, home: Path) -> str:
    """What the sandbox has as /etc/passwd: the system's own accounts, and this user's with another home."""
    own = os.getuid()
    try:
        name = pwd.getpwuid(own).pw_name
    except KeyError:
        name = "user"
    rows: list[str] = []
    for row in (root / "etc/passwd").read_text(errors="replace").splitlines():
        fields = row.split(":")
        if len(fields) > 6 and fields[0] != name and (_number(fields[2]) < 1000 or _number(fields[2]) == _EVERYBODY):
            rows.append(row)
    rows = [row for row in rows if row.split(":")[2] != str(own)]
    return "\n".join([f"{name}:x:{own}:{os.getgid()}:{name}:{home}:/bin/sh", *rows, ""])


def hosts(root: Path) -> str:
    """What the sandbox has as /etc/hosts: the system's, and its own name."""
    try:
        known = (root / "etc/hosts").read_text(errors="replace")
    except OSError:
        known = "127.0.0.1 localhost\n"
    return f"{known.rstrip()}\n127.0.1.1 {HOST_NAME}\n"


def _system(root: Path) -> Iterator[str]:
    for name in _SYSTEM:
        if (root / name).is_dir():
            yield from ("--ro-bind", str(root / name), f"/{name}")
    for name in _LINKED:
        there = root / name
        if there.is_symlink():
            yield from ("--symlink", str(there.readlink()), f"/{name}")
        elif there.is_dir():
            yield from ("--ro-bind", str(there), f"/{name}")
    yield from ("--ro-bind", str(root / "etc"), "/etc")
    for place, is_folder in _closed(root / "etc"):
        inside = f"/{place.relative_to(root)}"
        yield from ("--tmpfs", inside) if is_folder else ("--ro-bind", "/dev/null", inside)
    for name in _VARIABLE:
        if (root / "var" / name).is_dir():
            yield from ("--ro-bind", str(root / "var" / name), f"/var/{name}")


def _closed(folder: Path) -> Iterator[tuple[Path, bool]]:
    """What is not everybody's to read: keys and passwords. Root reads them all the same, its programs need not."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        mode, is_folder = entry.stat(follow_symlinks=False).st_mode, entry.is_dir(follow_symlinks=False)
        if not mode & stat.S_IROTH or (is_folder and not mode & stat.S_IXOTH):
            yield Path(entry.path), is_folder
        elif is_folder:
            yield from _closed(Path(entry.path))


def _resolver(root: Path) -> list[str]:
    """Where names of other machines are looked up, as on this machine."""
    there, source = root / "etc/resolv.conf", Path("/etc/resolv.conf").resolve()
    inside = Path("/etc/resolv.conf")
    if there.is_symlink():
        inside = Path(os.path.normpath(inside.parent / there.readlink()))
    elif root == HOST or not there.exists():  # it is there already, or cannot be put there
        return []
    return ["--ro-bind", str(source), str(inside)] if source.is_file() else []


def interpreter(root: Path) -> tuple[str, list[str]]:
    """An interpreter for our own scripts in there, and the words that show what it needs besides."""
    if (root / "usr/bin/python3").exists():
        return "/usr/bin/python3", []
    program = Path(sys.executable).resolve()
    return str(program), [] if in_system(program) else ["--ro-bind", sys.base_prefix, sys.base_prefix]


def _no_shared_pictures() -> bytes:
    """System calls that are refused in there: those for shared memory of X11, as a program for the kernel (BPF).

    The X server is outside, where such memory is numbered in another way. Asked for number 7 of in there it would take
    number 7 of out here, and show that. Programs that get none send their pictures through the socket.
    """
    allow = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
    if (known := _SHMGET.get(os.uname().machine)) is None or sys.byteorder != "little":
        return allow
    machine, number = known
    return b"".join(
        (
            struct.pack("=HBBI", 0x20, 0, 0, 4),  # the machine that the call is made for
            struct.pack("=HBBI", 0x15, 0, 3, machine),
            struct.pack("=HBBI", 0x20, 0, 0, 0),  # its number
            struct.pack("=HBBI", 0x15, 0, 1, number),
            struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | errno.ENOSYS),
            allow,
        )
    )


def _said(log: Path) -> str:
    try:
        with log.open("rb") as output:
            said = last_line(output)
    except OSError:
        return ""
    return "" if said == SILENT else said.removeprefix("bwrap: ")


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1
