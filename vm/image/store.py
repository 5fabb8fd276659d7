"""Where images live: one folder each, below the data folder, never in the repository.

images/NAME/  disk.qcow2  vmlinux  initrd.img  packages.txt  manifest.json  [tree/]
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.errors import UserFault
from agent.session import data_home

DISK, KERNEL, INITRD, PACKAGES, MANIFEST, TREE = (
    "disk.qcow2",
    "vmlinux",
    "initrd.img",
    "packages.txt",
    "manifest.json",
    "tree",
)
FILES = (DISK, KERNEL, INITRD, PACKAGES)
LAYERS = ("base", "office", "full")
"""The images that there are recipes for; each holds those before it."""

VERSION = 1  # of the manifest
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


@dataclass(frozen=True, slots=True)
class Image:
    """One image that was built. `layers` from the lowest; `sha256` and `bytes` by the names of its files."""

    name: str
    folder: Path
    layers: tuple[str, ...]
    sha256: Mapping[str, str]
    bytes: Mapping[str, int]
    manifest: Mapping[str, Any]

    @property
    def disk(self) -> Path:
        """A qcow2 with one ext4 file system, read-only."""
        return self.folder / DISK

    @property
    def kernel(self) -> Path:
        """Linux, uncompressed, to be booted directly."""
        return self.folder / KERNEL

    @property
    def initrd(self) -> Path:
        """What finds the disk."""
        return self.folder / INITRD

    @property
    def packages(self) -> Path:
        """`name version architecture`, a package a line, sorted."""
        return self.folder / PACKAGES

    @property
    def tree(self) -> Path:
        """The same root tree as a folder, where `vm.image.tree.tree_of` has made it."""
        return self.folder / TREE


def images_home() -> Path:
    """The folder of all images; it need not be there."""
    return data_home() / "images"


def images() -> list[Image]:
    """Every image that can be used, by name; one that cannot is told of where it is asked for by its name."""
    found: list[Image] = []
    for manifest in sorted(images_home().glob(f"[!.]*/{MANIFEST}")):
        with suppress(UserFault):
            found.append(read_image(manifest.parent))
    return found


def find_image(name: str | None = None) -> Image:
    """The image of that name; the fullest that there is for None.

    Raises:
        UserFault: there is none, or it cannot be used; says what to build.
    """
    if name is not None:
        return read_image(find_folder(name))
    built = images()
    if not built:
        raise UserFault("there is no image of a virtual machine yet; build one with `deskhand vm build office`")
    return max(built, key=lambda image: (len(image.layers), image.name))


def find_folder(name: str) -> Path:
    """The folder of the image of that name, whether it can be used or not.

    Raises:
        UserFault: there is none.
    """
    folder = images_home() / name
    if not name or "/" in name or name.startswith(".") or not (folder / MANIFEST).is_file():
        home = images_home()
        there = ", ".join(sorted(path.parent.name for path in home.glob(f"[!.]*/{MANIFEST}"))) or "none"
        known = name if name in LAYERS else "office"
        raise UserFault(f"there is no image {name!r} (there: {there}); build one with `deskhand vm build {known}`")
    return folder


def read_image(folder: Path) -> Image:
    """Read what the manifest says of an image.

    Raises:
        UserFault: the manifest cannot be read, or is of another version of Deskhand.
    """
    cure = f"build it again with `deskhand vm build {folder.name}`"
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["v"] != VERSION:
            raise UserFault(f"the image {folder.name} was built by another version of Deskhand; {cure}")
        layers, sha256 = tuple(manifest["layers"]), MappingProxyType(dict(manifest["sha256"]))
        sizes = MappingProxyType({name: int(size) for name, size in manifest["bytes"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserFault(f"the manifest of the image {folder.name} cannot be read ({error!r}); {cure}") from None
    return Image(folder.name, folder, layers, sha256, sizes, MappingProxyType(manifest))


def verify(image: Image, *, checksums: bool = False) -> None:
    """Hold an image's files against its manifest: sizes, some microseconds; checksums, a second per GB, if asked.

    Raises:
        UserFault: a file is missing or is not what was built.
    """
    cure = f"build the image again with `deskhand vm build {image.name}`"
    for name in FILES:
        path = image.folder / name
        try:
            size = path.stat().st_size
        except OSError as error:
            raise UserFault(f"{path} cannot be read ({error.strerror}); {cure}") from None
        if size != image.bytes.get(name):
            raise UserFault(f"{path} has {size} bytes in place of {image.bytes.get(name)}; {cure}")
        if checksums and checksum(path) != image.sha256.get(name):
            raise UserFault(f"{path} is damaged (its checksum is another); {cure}")


def remove_image(name: str) -> int:
    """Remove an image, its tree and its snapshots. Returns the bytes of disk that were freed.

    Raises:
        UserFault: there is none of that name, or a machine runs on it.
    """
    from vm.image.tree import remove_tree
    from vm.qemu import snapshot

    folder = find_folder(name)
    home = snapshot.snapshots_home()
    for path in home.glob(f"*/{MANIFEST}"):
        if _image_of(path) == name and snapshot.in_use(path.parent):
            raise UserFault(f"a machine runs on the image {name}; `deskhand vm stop` it first")
    freed = snapshot.prune(name) + _size(folder)
    gone = folder.with_name(f".build-gone-{name}-{secrets.token_hex(4)}")  # as a dead build, if this is interrupted
    folder.rename(gone)
    remove_tree(gone)
    return freed


def exchange(one: Path, other: Path) -> None:
    """Swap two folders of one file system in one step, so that there is always one of either name.

    Raises:
        OSError: they cannot be swapped.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return
    if (error := ctypes.get_errno()) not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(error, os.strerror(error), str(other))
    aside = one.with_name(f"{one.name}.aside")  # a file system that cannot: two steps
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def _image_of(manifest: Path) -> str | None:
    try:
        return json.loads(manifest.read_text("utf-8"))["image"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
