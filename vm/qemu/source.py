"""What a machine is started from: an image of ours, or somebody else's disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import UserFault

if TYPE_CHECKING:
    from vm.image.store import Image

GUEST_PORT = 5000
FOREIGN_PORTS = (GUEST_PORT, 9222, 8080)  # the server, DevTools of the browser, VLC
VNC_PORT = 8006  # there, somebody else's machines offer their screen to browsers; for ours QEMU does
FIRMWARE = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
)
"""Where distributions keep the UEFI: its code, and what its settings begin as."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files that a machine is started from.

    Attributes:
        name: as people call it.
        disk: a qcow2, never written to.
        kernel, initrd: booted directly; None for a disk that boots by itself, with UEFI.
        payload: a tar with the guest's code, put on a second disk; empty for somebody else's machine.
        sums: what is known of the content of these files.
        memory: MiB.
        ports: of the guest, that are to be reached from the host.
    """

    name: str
    disk: Path
    kernel: Path | None
    initrd: Path | None
    payload: bytes
    sums: Mapping[str, str]
    memory: int
    ports: tuple[int, ...] = (GUEST_PORT,)

    @property
    def ours(self) -> bool:
        """Whether `/v2` is spoken there."""
        return self.kernel is not None

    def identity(self) -> dict[str, object]:
        """Everything about it that a snapshot must match. Raises UserFault where a file is gone."""
        files = {path.name: stamp(path) for path in (self.disk, self.kernel, self.initrd) if path is not None}
        payload = hashlib.sha256(self.payload).hexdigest()
        return {"name": self.name, "files": files, "sums": dict(self.sums), "payload": payload}

    def check(self) -> None:
        """Hold the files' content against what is known of it, a second per GB. Raises UserFault."""
        from vm.image.store import checksum

        for path in (self.disk, self.kernel, self.initrd):
            if path is not None and path.name in self.sums and checksum(path) != self.sums[path.name]:
                again = f"build the image again with `deskhand vm build {self.name}`"
                raise UserFault(f"{path} is damaged (its checksum is another); {again}")


def stamp(path: Path) -> list[int]:
    """Size, time of the last change in ns and inode: another file, or a changed one, has another."""
    try:
        found = path.stat()
    except OSError as error:
        raise UserFault(f"{path} cannot be read ({error.strerror})") from None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def source_of(image: Image | Path | Source) -> Source:
    """What to start for an image of ours, or for a path of somebody else's disk (OSWorld's published one, say).

    Raises:
        UserFault: the files are not those that were built, or are no disk.
    """
    if isinstance(image, Source):
        return image
    return _foreign(image) if isinstance(image, Path) else _ours(image)


def _ours(image: Image) -> Source:
    from vm.guest.payload import payload
    from vm.image.store import verify

    verify(image)
    memory = 2048 if image.layers[-1] == "base" else 3072
    return Source(image.name, image.disk, image.kernel, image.initrd, payload(), image.sha256, memory)


def _foreign(path: Path) -> Source:
    path = path.expanduser().absolute()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UserFault(f"{path} cannot be read ({error.strerror})") from None
    if magic != b"QFI\xfb":
        raise UserFault(f"{path} is no qcow2; make one with `qemu-img convert -O qcow2 {path.name} NEW.qcow2`")
    return Source(path.stem, path, None, None, b"", {}, 4096, FOREIGN_PORTS)


def firmware() -> tuple[Path, Path]:
    """The UEFI's code and the settings that it begins with. Raises UserFault where it is not installed."""
    for code, settings in FIRMWARE:
        if Path(code).is_file() and Path(settings).is_file():
            return Path(code), Path(settings)
    raise UserFault("a disk that boots by itself needs UEFI: `sudo apt-get install ovmf`")
