"""Building an image: what is checked before, what is left when it ends badly. No network: mmdebstrap is a stand-in."""

from __future__ import annotations

import fcntl
import gzip
import lzma
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.errors import UserFault
from vm.image import build
from vm.image.build import build_image
from vm.image.kernel import extract_kernel
from vm.image.likeness import check_like, differences
from vm.image.namespace import as_root, search_path
from vm.image.steps import explain

TOOLS = ("mmdebstrap", "qemu-img", "unshare", "mkfs.ext4", "apt-get")
needs_tools = pytest.mark.skipif(
    any(shutil.which(tool, path=search_path()) is None for tool in TOOLS), reason="images cannot be built here"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="images are built on Linux")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "_payload", lambda: b"")
    return tmp_path / "home"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in mmdebstrap's place."""

    def put(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "mmdebstrap").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return put


def nothing(line: str) -> None:
    """Says nothing."""


def test_an_unknown_name(home: Path) -> None:
    with pytest.raises(UserFault, match="no recipe for an image 'gnome'; there are base, office, full"):
        build_image("gnome", say=nothing)
    assert not home.exists()


def test_another_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(UserFault, match=r"built on Linux on x86_64, and this is \w+ on aarch64; build on such"):
        build_image("base", say=nothing)


@needs_linux
def test_a_missing_program_is_named_with_its_package(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def which(tool: str, path: str) -> str | None:
        return None if tool in ("mmdebstrap", "qemu-img") else f"{path}/{tool}"

    monkeypatch.setattr(shutil, "which", which)
    with pytest.raises(UserFault, match=r"mmdebstrap, qemu-img are missing.*`sudo apt install mmdebstrap qemu-utils`"):
        build_image("base", say=nothing)


@needs_tools
def test_no_room_is_said_before_anything_is_downloaded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=5_000_000 if path.is_dir() else 0)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    said: list[str] = []
    with pytest.raises(UserFault, match=r"building full takes \d+ MB, and .*home has 5 MB free; make room"):
        build_image("full", say=said.append)
    assert len(said) == 1 and "MB to download" in said[0] and "MB of disk" in said[0]
    assert list((home / "images").iterdir()) == []


@needs_tools
def test_one_build_at_a_time(home: Path) -> None:
    (home / "cache").mkdir(parents=True)
    with (home / "cache" / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserFault, match="another image is being built; wait until it is done"):
            build_image("base", say=nothing)


@needs_tools
def test_a_failure_leaves_the_packages_and_nothing_else(home: Path, stand_in: Callable[[str], None]) -> None:
    stand_in(
        f"echo whole > {home}/cache/apt/some_1_amd64.deb; mkdir -p $(echo {home}/images/.build-base-*)/root/var\n"
        "echo 'W: Failed to fetch http://mirror.test/x  Temporary failure resolving mirror.test' >&2; exit 1"
    )
    dead = home / "images" / ".build-base-dead" / "root"
    dead.mkdir(parents=True)
    with pytest.raises(UserFault, match=r"archive cannot be reached; .* \(what was downloaded is kept\)"):
        build_image("base", say=nothing)
    assert list((home / "images").iterdir()) == []
    assert (home / "cache" / "apt" / "some_1_amd64.deb").read_text() == "whole\n"
    assert "mirror.test" in (home / "cache" / "build.log").read_text()


KILLED = """
import sys
from vm.image import build
build._payload = lambda: b""
print("begun", flush=True)
build.build_image("base", say=lambda line: None)
"""


@needs_tools
def test_killed_it_leaves_no_process(home: Path, stand_in: Callable[[str], None], tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    stand_in(
        f"trap '' TERM\n(trap '' TERM; sleep 600; sleep 600) &\nreadlink /proc/self/ns/pid > {pid_file}\nsleep 600"
    )
    builder = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE)
    try:
        _wait(lambda: pid_file.exists() and pid_file.read_text() != "")
        inside = pid_file.read_text().strip()
        assert _processes_in(inside)
    finally:
        builder.send_signal(signal.SIGKILL)
        builder.communicate()
    _wait(lambda: not _processes_in(inside))
    assert len(list((home / "images").glob(".build-base-*"))) == 1, "for the next build to remove"


def _processes_in(namespace: str) -> list[str]:
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "ns" / "pid").readlink()) == namespace:
                found.append(process.name)
        except OSError:
            continue
    return found


def _wait(until: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@needs_tools
def test_root_of_a_namespace_owns_what_others_own_in_it(tmp_path: Path) -> None:
    script = "mkdir d; touch d/f; chown -R 33:33 d; id -u; stat -c %u d/f"
    done = subprocess.run(as_root(["sh", "-euc", script]), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "33"]
    subprocess.run(as_root(["rm", "-rf", str(tmp_path / "d")]), check=True)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("tar: write error: No space left on device\nE: setup failed", "the disk is full; make room"),
        ("unshare: unshare failed: Operation not permitted", "does not let you have a user namespace"),
        ("E: Unable to locate package gimpp", "the archive has no package gimpp; "),
        ("E: Failed to fetch http://m/x.deb  404  Not Found", "did not give all packages; build again"),
        ("E: The repository 'http://m bookworm InRelease' is not signed.", "install debian-archive-keyring"),
        ("something else", ""),
    ],
)
def test_failures_in_words(log: str, said: str) -> None:
    assert said in explain(log) and bool(said) == bool(explain(log))
    assert "\n" not in explain(log)


def test_two_builds_are_compared(tmp_path: Path) -> None:
    built, expected = "a 1 all\nb 2:1 amd64\nnew 1 all\n", "a 1 all\nb 2:0 amd64\nold 3 all\n"
    assert differences(built, built) == []
    assert differences(built, expected) == ["b:amd64 2:1 (expected 2:0)", "new:all 1 is new", "old:all 3 is missing"]
    (tmp_path / "built").write_text(built)
    (tmp_path / "expected").write_text(expected)
    check_like(tmp_path / "built", tmp_path / "built")
    with pytest.raises(UserFault, match=r"3 packages differ from .*expected: b:amd64 2:1 .*--archive"):
        check_like(tmp_path / "built", tmp_path / "expected")


@pytest.mark.parametrize("packed", ["xz", "gzip"])
def test_the_kernel_is_taken_out_of_its_wrapping(tmp_path: Path, packed: str) -> None:
    kernel = b"\x7fELF" + os.urandom(5000)
    payload = lzma.compress(kernel) if packed == "xz" else gzip.compress(kernel) + b"size"
    setup = bytearray(1024 * 2)
    setup[0x1F1], setup[0x202:0x206] = 3, b"HdrS"
    struct.pack_into("<II", setup, 0x248, 64, len(payload))
    (tmp_path / "vmlinuz").write_bytes(bytes(setup) + bytes(64) + payload + b"after")
    extract_kernel(tmp_path / "vmlinuz", tmp_path / "vmlinux")
    assert (tmp_path / "vmlinux").read_bytes() == kernel
    (tmp_path / "vmlinuz").write_bytes(bytes(4096))
    with pytest.raises(UserFault, match="is no x86 kernel"):
        extract_kernel(tmp_path / "vmlinuz", tmp_path / "vmlinux")
