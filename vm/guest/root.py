"""What the server inside a machine needs root for: `python3 -m vm.guest.root`. It renews the machine, nothing else.

One line of JSON comes in over a local socket, one goes back. No program is started before that: in an emulated machine
each takes a tenth of a second and more. The name of the machine stays, as X cookies are kept under it.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from vm.guest.renewal import MOST, Renewal
from vm.guest.wire import Refused

USER = "user"
SITE = Path(__file__).with_name("site")
LINE_SECONDS = 5.0  # for a line to come
LATER = 0.7  # seconds after a renewal, when whoever waits for its answer has it
KEY_SECONDS = 600.0  # for one key of the secure shell
USUAL_KEYS = ("ssh_host_ed25519_key", "ssh_host_ecdsa_key")
POOL = 512  # bytes that systemd keeps for the next start
_ADD_ENTROPY, _RESEED = 0x40085203, 0x5207  # RNDADDENTROPY, RNDRESEEDCRNG


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are; tests have others."""

    etc: Path = Path("/etc")
    var: Path = Path("/var/lib")
    run: Path = Path("/run/deskhand")
    handed: Path = Path("/sys/firmware/qemu_fw_cfg/by_name/opt/deskhand/token/raw")

    @property
    def token(self) -> Path:
        """Which the server compares with."""
        return self.run / "token"

    @property
    def socket(self) -> Path:
        """On which the server asks."""
        return self.run / "root.sock"


class Kernel:
    """What is told to the kernel."""

    def set_clock(self, now: float) -> None:
        """Seconds since the epoch. What counts from a start of its own, like timers, does not notice."""
        time.clock_settime(time.CLOCK_REALTIME, now)

    def add_entropy(self, seed: bytes) -> None:
        """From now on random numbers are other ones than those of the machine that this was forked from."""
        import fcntl

        with open("/dev/urandom", "wb", buffering=0) as device:
            device.write(seed)
            fcntl.ioctl(device, _ADD_ENTROPY, struct.pack("=ii", 8 * len(seed), len(seed)) + seed)
            with suppress(OSError):  # older kernels do so when they see fit
                fcntl.ioctl(device, _RESEED)


class Daemon:
    """Listens on its socket until it is closed."""

    def __init__(self, places: Places, kernel: Kernel, owner: tuple[int, int]) -> None:
        """`owner`: user and group of whoever may ask."""
        self._places, self._kernel, self._owner = places, kernel, owner
        places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._listener = self._listening()

    def take_token(self) -> None:
        """What QEMU was given for the server, unless the machine was renewed since."""
        with suppress(FileNotFoundError):
            if not self._places.token.exists():
                self._write_token(self._places.handed.read_bytes().strip(b"\0\r\n "))

    def serve(self) -> None:
        """Answer until `close`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(LINE_SECONDS)
                connection.sendall(json.dumps(self._answer(connection)).encode() + b"\n")

    def close(self) -> None:
        """End `serve`, and remove the socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._places.socket.unlink(missing_ok=True)

    def renew(self, wanted: Renewal) -> None:
        """Clock, random numbers, machine id and token; a little later, the rest.

        Raises:
            OSError: something of it did not work.
        """
        self._kernel.set_clock(wanted.now)
        self._kernel.add_entropy(wanted.seed)
        self._write_identity(wanted.machine_id)
        self._write_token(wanted.token.encode())
        later = threading.Timer(LATER, self._renew_the_rest, [wanted.seed])
        later.daemon = True
        later.start()

    def _renew_the_rest(self, seed: bytes) -> None:
        """What nobody needs at once: the seed of the next start, and the keys of the secure shell."""
        with suppress(OSError):
            self._write_pool(seed)
        self._new_keys()

    def _listening(self) -> socket.socket:
        path = self._places.socket
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        os.chown(path, *self._owner)
        listener.listen(4)
        return listener

    def _answer(self, connection: socket.socket) -> dict[str, Any]:
        try:
            with connection.makefile("rb") as lines:
                asked: Any = json.loads(lines.readline(MOST))
            data = cast("dict[str, Any]", asked if isinstance(asked, dict) else {})
            if data.get("do") != "renew":
                raise Refused(400, "invalid", "this daemon can renew the machine, and nothing else")
            self.renew(Renewal.of(data))
        except (Refused, ValueError, OSError) as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True}

    def _write_pool(self, seed: bytes) -> None:
        """What the next start of this machine's disk begins with."""
        folder = self._places.var / "systemd"
        if folder.is_dir():
            pool = b"".join(hashlib.sha512(seed + bytes([number])).digest() for number in range(POOL // 64))
            _replace(folder / "random-seed", pool, 0o600)

    def _write_identity(self, machine_id: str) -> None:
        line = f"{machine_id}\n".encode()
        _replace(self._places.etc / "machine-id", line, 0o444)
        second = self._places.var / "dbus/machine-id"
        if second.exists() and not second.is_symlink():
            _replace(second, line, 0o444)

    def _write_token(self, token: bytes) -> None:
        _replace(self._places.token, token + b"\n", 0o400, self._owner)

    def _new_keys(self) -> None:
        """Each kind that there is already, the usual ones where there are none; the old ones work until then."""
        folder = self._places.etc / "ssh"
        if not folder.is_dir() or shutil.which("ssh-keygen") is None:
            return
        old = [key.name for key in sorted(folder.glob("ssh_host_*_key"))]
        with tempfile.TemporaryDirectory() as made:
            for name in old or USUAL_KEYS:
                kind = name.removeprefix("ssh_host_").removesuffix("_key")
                new = Path(made) / name
                words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "root@deskhand", "-f", str(new)]
                if subprocess.run(words, check=False, timeout=KEY_SECONDS, stdin=subprocess.DEVNULL).returncode == 0:
                    _replace(folder / name, new.read_bytes(), 0o600)
                    _replace(folder / f"{name}.pub", new.with_suffix(".pub").read_bytes(), 0o644)
        if self._places == Places() and shutil.which("systemctl"):
            subprocess.run(["systemctl", "try-restart", "ssh.service"], check=False, timeout=KEY_SECONDS)


def main() -> int:
    """Serve until the machine ends."""
    user = pwd.getpwnam(USER)
    daemon = Daemon(Places(), Kernel(), (user.pw_uid, user.pw_gid))
    daemon.take_token()
    threading.Thread(target=compile_site, daemon=True, name="deskhand-compile").start()
    daemon.serve()
    return 0


def compile_site(folder: Path = SITE) -> None:
    """Programs of the user import these modules, and may not write beside them; compiling takes longer than running."""
    import importlib.util
    import py_compile

    for module in folder.glob("*.py"):
        if Path(importlib.util.cache_from_source(str(module))).exists():
            continue
        with suppress(OSError, py_compile.PyCompileError):
            py_compile.compile(str(module), doraise=True)


def _replace(path: Path, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """A file, whole or as it was, and never with other rights than these."""
    name = path.with_name(f".{path.name}.new")  # only root may write there
    name.unlink(missing_ok=True)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
            if owner is not None:
                os.fchown(descriptor, *owner)
        name.replace(path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
