"""An image's root tree as a plain folder of the user's own."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from agent.errors import UserFault
from vm.image.namespace import search_path
from vm.image.store import DISK, FILES, Image, checksum, find_image
from vm.image.tree import MARK, tree_of

needs_tools = pytest.mark.skipif(
    any(shutil.which(tool, path=search_path()) is None for tool in ("qemu-img", "debugfs", "mkfs.ext4")),
    reason="qemu-img and e2fsprogs are not installed",
)


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """One with a disk of a few files."""
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "a home"))
    monkeypatch.setenv("PATH", search_path())
    source = tmp_path / "source"
    for name in ("usr/bin", "etc/secret", "home/user/été"):
        (source / name).mkdir(parents=True)
    (source / "usr/bin/dpkg").write_bytes(b"#!/bin/sh\n" * 5000)
    (source / "usr/bin/dpkg").chmod(0o755)
    (source / "usr/bin/sudo").write_text("root's\n")
    (source / "usr/bin/sudo").chmod(0o4755)
    (source / "etc/secret/key").write_text("k\n")
    (source / "etc/secret/key").chmod(0o400)
    (source / "bin").symlink_to("usr/bin")
    (source / "dangling").symlink_to("/nowhere/at all")
    (source / "home/user/été/a b.txt").write_text("été\n")
    (source / "etc/secret").chmod(0o500)
    folder = tmp_path / "a home" / "images" / "tiny"
    folder.mkdir(parents=True)
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", str(source), str(raw)], check=True)
    subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", str(raw), str(folder / DISK)], check=True)
    for name in FILES[1:]:
        (folder / name).touch()
    files = {name: folder / name for name in FILES}
    manifest = {"v": 1, "name": "tiny", "layers": ["base"]} | {
        "sha256": {name: checksum(path) for name, path in files.items()},
        "bytes": {name: path.stat().st_size for name, path in files.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return find_image("tiny")


@needs_tools
def test_everything_is_there_and_is_the_users(image: Image) -> None:
    said: list[str] = []
    tree = tree_of(image, say=said.append)
    assert tree == image.tree
    assert (tree / "bin/dpkg").read_bytes() == b"#!/bin/sh\n" * 5000
    assert (tree / "home/user/été/a b.txt").read_text() == "été\n"
    assert (tree / "dangling").readlink() == Path("/nowhere/at all")
    assert stat.S_IMODE((tree / "usr/bin/sudo").stat().st_mode) == 0o755, "set-user-id would be this user's"
    assert (tree / "etc/secret/key").read_text() == "k\n"
    assert "MB in" in said[-1]
    assert sorted(path.name for path in image.folder.iterdir()) == sorted([*FILES, "manifest.json", "tree"])


@needs_tools
def test_made_once_for_each_disk(image: Image) -> None:
    tree = tree_of(image, say=lambda _: None)
    (tree / "mine").touch()
    said: list[str] = []
    assert tree_of(image, say=said.append) == tree and (tree / "mine").exists() and said == []
    (tree / MARK).write_text('{"disk": "another"}')
    (image.folder / ".tree-dead" / "tree").mkdir(parents=True, mode=0o500)
    tree_of(image, say=lambda _: None)
    assert not (tree / "mine").exists() and not (image.folder / ".tree-dead").exists()


@needs_tools
def test_a_damaged_disk_gives_none(image: Image) -> None:
    content = bytearray(image.disk.read_bytes())
    content[-3] ^= 1
    image.disk.write_bytes(content)
    with pytest.raises(UserFault, match=r"disk.qcow2 is damaged .*`deskhand vm build tiny`"):
        tree_of(image, say=lambda _: None)
    assert not image.tree.exists()
