"""Snapshots on disk: what must match, what is noticed, and what is removed; without QEMU."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from vm.qemu import snapshot as snapshots
from vm.qemu.arguments import Hardware
from vm.qemu.snapshot import Unusable
from vm.qemu.source import Source

OURS = Source("office", Path("/i/disk.qcow2"), Path("/i/vmlinux"), Path("/i/initrd.img"), b"tar", {}, 3072)
HARDWARE = Hardware("tcg", 3072)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """An image's files, in a data folder of its own."""
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(snapshots, "qemu_version", lambda: "7.2")
    for name in ("disk.qcow2", "vmlinux", "initrd.img"):
        (tmp_path / name).write_bytes(b"QFI\xfb" + name.encode())
    return replace(OURS, disk=tmp_path / "disk.qcow2", kernel=tmp_path / "vmlinux", initrd=tmp_path / "initrd.img")


def finished(source: Source, state: str = "idle") -> tuple[Path, Mapping[str, object]]:
    """A snapshot that was finished: its folder, and what it is for."""
    needs = snapshots.needs_of(source, HARDWARE, state, None)
    folder = snapshots.snapshots_home() / snapshots.key_of(needs)
    folder.mkdir(parents=True)
    for name in (snapshots.RAM, snapshots.DEVICES, snapshots.TOKEN):
        (folder / name).write_bytes(name.encode() * 1000)
    snapshots.finish(folder, source=source, state=state, needs=needs, seconds=1)
    return folder, needs


def test_finished_snapshot_is_found(source: Source) -> None:
    folder, needs = finished(source)
    found = snapshots.load(folder, needs)
    snapshots.check(found, checksums=True)
    assert found.name == "office/idle"
    assert found.optional(snapshots.SETTINGS) is None


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ("memory", Hardware("tcg", 2048)),
        ("processors", Hardware("tcg", 3072, 4)),
        ("size", Hardware("tcg", 3072, size=(1280, 800))),
        ("accelerator", Hardware("kvm", 3072)),
    ],
)
def test_other_hardware_has_another_snapshot(source: Source, change: str, other: Hardware) -> None:
    one, two = (snapshots.key_of(snapshots.needs_of(source, hardware, "idle", None)) for hardware in (HARDWARE, other))
    assert one != two, change


def test_other_qemu_image_code_or_state_has_another_snapshot(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(source: Source = source, state: str = "idle", preparing: str | None = None) -> str:
        return snapshots.key_of(snapshots.needs_of(source, HARDWARE, state, preparing))

    keys = [key(), key(replace(source, payload=b"newer")), key(replace(source, sums={"disk.qcow2": "00"}))]
    keys += [key(state="calc"), key(state="calc", preparing="localc")]
    monkeypatch.setattr(snapshots, "qemu_version", lambda: "8.0")
    keys.append(key())
    source.disk.write_bytes(b"QFI\xfb other")
    keys.append(key())
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("harm", ["cut", "touched", "replaced", "removed", "manifest"])
def test_harmed_snapshot_is_refused(source: Source, harm: str) -> None:
    folder, needs = finished(source)
    ram = folder / snapshots.RAM
    match harm:
        case "cut":
            os.truncate(ram, 100)
        case "touched":
            os.utime(ram)
        case "replaced":
            known, content = ram.stat(), ram.read_bytes()
            (folder / "new").write_bytes(content)
            os.utime(folder / "new", ns=(known.st_atime_ns, known.st_mtime_ns))
            (folder / "new").replace(ram)
        case "removed":
            ram.unlink()
        case _:
            (folder / snapshots.MANIFEST).write_text("{")
    with pytest.raises(Unusable):
        snapshots.load(folder, needs)


def test_changed_content_is_found_by_checksums(source: Source) -> None:
    folder, needs = finished(source)
    ram = folder / snapshots.RAM
    known = ram.stat()
    with ram.open("r+b") as file:
        file.write(b"X")
    os.utime(ram, ns=(known.st_atime_ns, known.st_mtime_ns))
    found = snapshots.load(folder, needs)
    with pytest.raises(Unusable, match="ram is damaged"):
        snapshots.check(found, checksums=True)


def test_snapshot_for_something_else_is_refused(source: Source) -> None:
    folder, _ = finished(source)
    with pytest.raises(Unusable, match="something else"):
        snapshots.load(folder, snapshots.needs_of(source, HARDWARE, "calc", None))


def test_only_the_owner_reads_a_snapshot(source: Source) -> None:
    folder, _ = finished(source)
    assert not [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077 and path.name != "manifest.json"]
    assert not (folder / snapshots.DEVICES).stat().st_mode & 0o200


def test_copy_keeps_holes_and_content(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with old.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(20 << 20)
        file.write(b"in the middle")
        file.seek((64 << 20) - 3)
        file.write(b"end")
    snapshots.copy_sparse(old, new)
    assert new.stat().st_size == old.stat().st_size
    assert new.stat().st_blocks * 512 < 1 << 20
    assert new.read_bytes() == old.read_bytes()
    assert snapshots.checksum(new) == snapshots.checksum(old)


def test_checksum_is_of_the_content_and_not_of_the_holes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("hole", "zeros", "moved", "longer")]
    parts = [(1 << 20, b"x"), (1 << 20, b"x"), ((1 << 20) + (1 << 18), b"x"), (1 << 20, b"x")]
    for file, (at, content) in zip(files, parts, strict=True):
        with file.open("wb") as written:
            if file.name == "zeros":
                written.write(bytes(4 << 20))
            written.truncate((4 << 20) + (file.name == "longer"))
            written.seek(at)
            written.write(content)
    sums = [snapshots.checksum(file) for file in files]
    assert sums[0] == sums[1]
    assert len(set(sums)) == 3


def test_prune_keeps_what_is_used_and_what_belongs_to_others(source: Source) -> None:
    old, needs = finished(source)
    used, used_needs = finished(replace(source, payload=b"1"))
    calc, _ = finished(source, "calc")
    other, _ = finished(replace(source, name="base"))
    new, _ = finished(replace(source, payload=b"2"))
    descriptor = snapshots.use(snapshots.load(used, used_needs))
    assert snapshots.prune("office", "idle", but=new.name) > 0
    assert [folder.exists() for folder in (old, used, calc, other, new)] == [False, True, True, True, True]
    os.close(descriptor)
    snapshots.prune("office")
    assert [folder.exists() for folder in (used, calc, other, new)] == [False, False, True, False]
    with pytest.raises(FileNotFoundError):
        snapshots.load(old, needs)


def test_used_snapshot_is_known_to_be(source: Source) -> None:
    folder, needs = finished(source)
    assert not snapshots.in_use(folder)
    descriptor = snapshots.use(snapshots.load(folder, needs))
    assert snapshots.in_use(folder)
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
    assert not snapshots.in_use(folder)
