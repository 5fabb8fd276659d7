"""Where images live: found, checked, removed."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserFault
from vm.image.store import FILES, Image, checksum, exchange, find_image, images, remove_image, verify


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    return tmp_path


def make(home: Path, name: str, layers: tuple[str, ...] | None = ("base",), **other: Any) -> Image:
    folder = home / "images" / name
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file).write_text(f"{file} of {name}\n")
    manifest: dict[str, Any] = {"v": 1, "name": name, "layers": layers}
    manifest["bytes"] = {file: (folder / file).stat().st_size for file in FILES}
    manifest["sha256"] = {file: checksum(folder / file) for file in FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest | other))
    return Image(name, folder, layers or (), manifest["sha256"], manifest["bytes"], manifest)


def test_the_fullest_there_is(home: Path) -> None:
    with pytest.raises(
        UserFault, match="there is no image of a virtual machine yet; build one with `deskhand vm build"
    ):
        find_image()
    assert images() == []
    make(home, "full", ("base", "office", "full"))
    made = make(home, "base")
    make(home, "office", ("base", "office"))
    (home / "images" / ".build-full-12").mkdir()
    assert [image.name for image in images()] == ["base", "full", "office"]
    assert find_image().name == "full"
    found = find_image("base")
    assert (found.folder, dict(found.sha256), found.layers) == (made.folder, dict(made.sha256), ("base",))
    assert found.disk.read_text() == "disk.qcow2 of base\n" and found.kernel.name == "vmlinux"


@pytest.mark.parametrize("name", ["office", "../images/base", ".build-base", ""])
def test_one_that_is_not_there(home: Path, name: str) -> None:
    make(home, "base")
    with pytest.raises(UserFault, match=r"no image .* \(there: base\); build one with `deskhand vm build office`"):
        find_image(name)


def test_one_that_cannot_be_used_is_left_out_until_it_is_named(home: Path) -> None:
    make(home, "office", v=0)
    make(home, "base", layers=None)
    assert images() == []
    with pytest.raises(UserFault, match="office was built by another version of Deskhand; build it again with"):
        find_image("office")
    with pytest.raises(UserFault, match=r"manifest of the image base cannot be read .*`deskhand vm build base`"):
        find_image("base")


def test_files_are_held_against_the_manifest(home: Path) -> None:
    image = make(home, "base")
    verify(image, checksums=True)
    good = image.initrd.read_text()
    image.initrd.write_text(good.upper())
    verify(image)
    with pytest.raises(UserFault, match=r"initrd.img is damaged .*`deskhand vm build base`"):
        verify(image, checksums=True)
    image.initrd.write_text(good[:-3])
    with pytest.raises(UserFault, match=r"initrd.img has 16 bytes in place of 19"):
        verify(image)
    image.initrd.unlink()
    with pytest.raises(UserFault, match=r"initrd.img cannot be read \(No such file"):
        verify(image)


def test_removed_with_its_snapshots_but_not_under_a_machine(home: Path) -> None:
    image = make(home, "base")
    make(home, "office")
    (image.folder / "tree" / "etc").mkdir(parents=True, mode=0o500)
    (image.folder / "tree" / "etc").chmod(0o500)
    for key, of in (("aa", "base"), ("bb", "office")):
        snapshot = home / "snapshots" / key
        snapshot.mkdir(parents=True)
        (snapshot / "manifest.json").write_text(json.dumps({"image": of, "state": "idle"}))
        (snapshot / "ram").write_bytes(b"x" * 100_000)
        (snapshot / "used").touch()
    held = os.open(home / "snapshots" / "aa" / "used", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    with pytest.raises(UserFault, match="a machine runs on the image base; `deskhand vm stop` it first"):
        remove_image("base")
    os.close(held)
    assert remove_image("base") >= 100_000
    assert [path.name for path in (home / "images").iterdir()] == ["office"]
    assert [path.name for path in (home / "snapshots").iterdir()] == ["bb"]
    with pytest.raises(UserFault, match=r"no image 'base' \(there: office\)"):
        remove_image("base")


@pytest.mark.skipif(sys.platform != "linux", reason="images are built on Linux")
def test_a_new_image_takes_the_place_of_the_old_in_one_step(home: Path) -> None:
    old, new = make(home, "old"), make(home, "new")
    exchange(new.folder, old.folder)
    assert old.disk.read_text() == "disk.qcow2 of new\n" and new.disk.read_text() == "disk.qcow2 of old\n"
    with pytest.raises(FileNotFoundError):
        exchange(home / "nothing", old.folder)
