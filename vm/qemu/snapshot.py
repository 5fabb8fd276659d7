"""Snapshots: a machine's memory, devices and disk at one moment, in files that forks read and never write.

    snapshots/KEY/  ram  devices  disk.qcow2  fresh.qcow2  screen.ppm  manifest.json
                    [token]  [payload.tar]  [kernel]  [settings.fd]  [tells]

A snapshot that does not match what it is restored with seems to work and then hangs, or damages files in silence. So
its key is made of everything that must match, and its files are held against the manifest before every fork.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.session import data_home
from vm.qemu.arguments import Hardware, hardware_arguments, qemu_version
from vm.qemu.source import Source, stamp

VERSION = 2
RAM, DEVICES, DISK, FRESH, SCREEN, TOKEN = "ram", "devices", "disk.qcow2", "fresh.qcow2", "screen.ppm", "token"
PAYLOAD, SETTINGS, KERNEL, TELLS = (
    "payload.tar",
    "settings.fd",
    "kernel",
    "tells",
)  # the last: QEMU tells of what is new
MANIFEST, LOCK = "manifest.json", "used"
_BLOCK = 1 << 18  # bytes


class Unusable(Exception):
    """A snapshot that must not be restored; the message says why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One that was finished. What it must match is in `manifest["needs"]`."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the image and the state, for people."""
        return f"{self.manifest['image']}/{self.manifest['state']}"

    def file(self, name: str) -> Path:
        """One of its files."""
        return self.folder / name

    def optional(self, name: str) -> Path | None:
        """One that only some have."""
        path = self.folder / name
        return path if name in self.manifest["files"] else None


def snapshots_home() -> Path:
    """The folder of all snapshots; it need not be there."""
    return data_home() / "snapshots"


def needs_of(source: Source, hardware: Hardware, state: str, preparing: str | None) -> dict[str, object]:
    """Everything that a snapshot of this state must match."""
    return {
        "v": VERSION,
        "source": source.identity(),
        "state": [state, preparing],
        "qemu": qemu_version(),
        "host": _host(hardware),
        "arguments": hardware_arguments(source, hardware),
    }


def key_of(needs: Mapping[str, object]) -> str:
    """The name of its folder."""
    return hashlib.sha256(json.dumps(needs, sort_keys=True).encode()).hexdigest()[:20]


def _host(hardware: Hardware) -> str:
    """With the host's own processor as its model, a machine can be restored only on the same one."""
    if hardware.processor != "host":
        return ""
    wanted = ("vendor_id", "model name", "stepping", "microcode", "flags")
    lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    told = [line for line in lines if line.startswith(wanted)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def load(folder: Path, needs: Mapping[str, object]) -> Snapshot:
    """A snapshot, held against what it is wanted for and, by size, time and inode, against its manifest.

    Raises:
        FileNotFoundError: there is none.
        Unusable: it is damaged, or another one.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["v"] != VERSION or json.dumps(manifest["needs"], sort_keys=True) != json.dumps(
            needs, sort_keys=True
        ):
            raise Unusable("it was made for something else")
        snapshot = Snapshot(folder, manifest)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unusable(f"its manifest cannot be read ({error!r})") from None
    check(snapshot)
    return snapshot


def check(snapshot: Snapshot, *, checksums: bool = False) -> None:
    """Hold the files against the manifest: their stamps, some microseconds; their content, a second per GB, if asked.

    Raises:
        Unusable: a file is missing, was cut short, was written to, or has another content.
    """
    for name, known in snapshot.manifest["files"].items():
        path = snapshot.folder / name
        try:
            found = path.stat()
        except OSError as error:
            raise Unusable(f"its file {name} cannot be read ({error.strerror})") from None
        if found.st_size != known["stamp"][0]:
            raise Unusable(f"its file {name} has {found.st_size} bytes in place of {known['stamp'][0]}")
        if [found.st_size, found.st_mtime_ns, found.st_ino] != known["stamp"]:
            raise Unusable(f"its file {name} was written to, or replaced")
        if checksums and checksum(path) != known["sha256"]:
            raise Unusable(f"its file {name} is damaged (its checksum is another)")


def finish(folder: Path, *, source: Source, state: str, needs: Mapping[str, object], seconds: float) -> None:
    """Write the manifest of a snapshot whose files are all there; from here on, they are only read."""
    files: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        if path.name in (LOCK, MANIFEST):
            continue
        # QEMU wants to open the memory for writing also where it only reads it; writing to it is what stamps notice.
        path.chmod(0o600 if path.name in (RAM, TOKEN) else 0o400)
        _sync(path)
        files[path.name] = {"stamp": stamp(path), "sha256": checksum(path)}
    manifest = {
        "v": VERSION,
        "image": source.name,
        "state": state,
        "needs": needs,
        "files": files,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1),
    }
    (folder / LOCK).touch(mode=0o600)
    written = folder / MANIFEST
    written.write_text(json.dumps(manifest, indent=1), "utf-8")
    _sync(written)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def checksum(path: Path) -> str:
    """SHA-256 of what is in a file: of every block that is not empty, and where it is. Holes cost nothing."""
    digest = hashlib.sha256()
    empty = bytes(_BLOCK)
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(size.to_bytes(8, "little"))
        for start in _blocks(file.fileno(), size):
            block = os.pread(file.fileno(), _BLOCK, start)
            if block != empty[: len(block)]:
                digest.update(start.to_bytes(8, "little"))
                digest.update(block)
    return digest.hexdigest()


def _blocks(descriptor: int, size: int) -> Iterator[int]:
    """Where the blocks of a file begin, those left out that lie in holes altogether."""
    at = 0
    while at < size:
        try:
            data = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # nothing but a hole up to the end
            return
        end = os.lseek(descriptor, data, os.SEEK_HOLE)
        at = max(at, data // _BLOCK * _BLOCK)
        while at < end:
            yield at
            at += _BLOCK


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a file without filling its holes."""
    with source.open("rb") as old, target.open("xb") as new:
        size = os.fstat(old.fileno()).st_size
        os.truncate(new.fileno(), size)
        at = 0
        while at < size:
            try:
                at = os.lseek(old.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(old.fileno(), at, os.SEEK_HOLE)
            while at < end:
                at += _copy(old.fileno(), new.fileno(), at, end - at)


def _copy(old: int, new: int, at: int, count: int) -> int:
    try:
        return os.copy_file_range(old, new, count, at, at)
    except OSError:  # between some file systems the kernel does not copy by itself
        return os.pwrite(new, os.pread(old, min(count, _BLOCK), at), at)


# Use, and removal --------------------------------------------------------------------------------------------------


def use(snapshot: Snapshot) -> int:
    """Keep a snapshot from being removed, as long as the returned descriptor is open. Raises Unusable."""
    try:
        descriptor = os.open(snapshot.folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unusable(f"it was removed ({error.strerror})") from None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def in_use(folder: Path) -> bool:
    """Whether a living process keeps it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def prune(image: str, state: str | None = None, *, but: str = "") -> int:
    """Remove the snapshots of an image that nobody uses: of one state or of all, but for the key `but`.

    Returns:
        The bytes of disk that were freed.
    """
    freed = 0
    home = snapshots_home()
    for folder in sorted(home.iterdir()) if home.is_dir() else ():
        if folder.name.startswith(".") or folder.name == but or not folder.is_dir():
            continue
        of = _told(folder)
        if of.get("image") == image and state in (None, of.get("state")) and not in_use(folder):
            freed += discard(folder)
    return freed


def discard(folder: Path) -> int:
    """Remove a snapshot, used or not: machines that run keep the files that they have open. Bytes of disk freed."""
    freed = sum(path.stat().st_blocks * 512 for path in folder.glob("*"))
    gone = folder.with_name(f".gone-{folder.name}-{os.getpid()}")
    with suppress(FileNotFoundError):
        folder.rename(gone)  # at once, so that nobody finds half of it
    shutil.rmtree(gone, ignore_errors=True)
    return freed


def _told(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
