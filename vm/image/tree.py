"""An image's root tree as a plain folder, for the private desktop in bubblewrap: one package list, two places.

Taken out of the disk by debugfs, which needs neither root nor a mount. Everything belongs to the user that does it, and
nothing keeps a set-user-id bit, which would then be the user's.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

from agent.errors import UserFault
from vm.image.namespace import check_tools
from vm.image.steps import Steps, start_steps
from vm.image.store import Image, verify

MARK = ".deskhand-tree"  # in the tree: which disk it is of
_TOOLS = {"qemu-img": "qemu-utils", "debugfs": "e2fsprogs"}
_MB = 1e6


def tree_of(image: Image, *, say: Callable[[str], None]) -> Path:
    """The image's tree, made if it is not there yet: some 1 to 3 GB, and half a minute.

    Args:
        say: is told what is going on, a line at a time.

    Raises:
        UserFault: the image is damaged, a program is missing, or there is no room.
    """
    if _mark(image.tree) == image.sha256["disk.qcow2"]:
        return image.tree
    check_tools(_TOOLS)
    _check_room(image)
    verify(image, checksums=True)
    began = time.monotonic()
    with start_steps(image.folder.parent.parent / "cache", say) as steps:
        _remove_dead(image)
        work = image.folder / f".tree-{secrets.token_hex(4)}"
        work.mkdir(mode=0o700)
        try:
            size = _extract(image, work, steps)
            _put_in_place(work / "tree", image)
        finally:
            remove_tree(work)
    say(f"tree of {image.name}: {size / _MB:.0f} MB in {time.monotonic() - began:.0f} s, in {image.tree}")
    return image.tree


def remove_tree(folder: Path) -> None:
    """Remove a tree, folders that may not be written to included."""
    if not folder.exists():
        return
    for path, folders, _ in os.walk(folder):
        for name in folders:
            below = Path(path) / name
            if not below.is_symlink():
                below.chmod(0o700)
    shutil.rmtree(folder)


def _extract(image: Image, work: Path, steps: Steps) -> int:
    raw, tree = work / "disk.raw", work / "tree"
    tree.mkdir(mode=0o755)
    steps.run(["qemu-img", "convert", "-W", "-O", "raw", str(image.disk), str(raw)], "unpacking the disk")
    # The request stands in a file, since a path may have blanks in it.
    (work / "requests").write_text(f'rdump / "{tree}"\n')
    steps.run(["debugfs", "-f", str(work / "requests"), str(raw)], "taking the files out of it")
    raw.unlink()
    size = _tidy(tree)
    if not (tree / "usr/bin/dpkg").is_file():
        raise UserFault(f"the tree of the image {image.name} could not be taken out of its disk; see debugfs")
    (tree / MARK).write_text(json.dumps({"disk": image.sha256["disk.qcow2"], "bytes": size}) + "\n", "utf-8")
    return size


def _tidy(tree: Path) -> int:
    """Make everything the user's to read and to remove, and nothing more. Returns its bytes on the disk."""
    size = 0
    for path, folders, files in os.walk(tree):
        Path(path).chmod(stat.S_IMODE(Path(path).stat().st_mode) & 0o777 | 0o700)
        for name in files:
            entry = Path(path) / name
            status = entry.lstat()
            size += status.st_blocks * 512
            if stat.S_ISREG(status.st_mode) and (kept := stat.S_IMODE(status.st_mode) & 0o777 | 0o400) != (
                stat.S_IMODE(status.st_mode)
            ):
                entry.chmod(kept)
        size += 4096 * len(folders)
    return size


def _put_in_place(made: Path, image: Image) -> None:
    old = made.with_name("old")
    if image.tree.exists():
        image.tree.rename(old)
    made.rename(image.tree)


def _remove_dead(image: Image) -> None:
    for folder in image.folder.glob(".tree-*"):
        remove_tree(folder)


def _mark(tree: Path) -> str | None:
    try:
        return json.loads((tree / MARK).read_text("utf-8"))["disk"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_room(image: Image) -> None:
    needed = 7 * image.bytes["disk.qcow2"]  # the raw disk and the files
    free = shutil.disk_usage(image.folder).free
    if free < needed:
        raise UserFault(
            f"the tree of {image.name} takes {needed / _MB:.0f} MB, and {image.folder} has {free / _MB:.0f} MB free;"
            " make room there"
        )
