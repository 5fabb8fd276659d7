"""Snapshots of machines: made once, by whoever comes first, and made anew when they do not fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.tinyvm import tiny_source
from tests.support.vm_watch import gone
from tests.support.waiting import until
from vm import machine as machines
from vm.machine import open_machine
from vm.qemu.accelerator import DEVICE, Accelerator, accelerator

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]
ALONE = """
import sys
from tests.support.tinyvm import tiny_source
from vm.machine import open_machine
with open_machine(tiny_source(sys.argv[1]), say=lambda line: print(line, flush=True)) as machine:
    print("ready", machine.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    """A data folder for all tests of this file: making the snapshot takes longest."""
    tiny_source()
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESKHAND_HOME", str(folder))
        yield folder


def test_image_that_was_replaced_is_not_put_under_an_old_snapshot(home: Path, tmp_path: Path) -> None:
    source = tiny_source("replaced")
    disk = shutil.copy(source.disk, tmp_path / "disk.qcow2")
    said: list[str] = []
    with open_machine(replace(source, disk=disk), say=said.append) as opened:
        shutil.copy(source.disk, tmp_path / "new")
        (tmp_path / "new").replace(disk)
        opened.reset()
        opened.check()
    assert any("its image was changed or replaced" in line for line in said)
    assert len([line for line in said if "for the first time" in line]) == 2


@pytest.mark.parametrize("harm", ["cut", "content"])
def test_damaged_snapshot_is_made_again(home: Path, harm: str) -> None:
    said: list[str] = []
    source = tiny_source("harmed")
    with open_machine(source, say=said.append) as opened:
        (folder,) = [
            place.parent for place in (home / "snapshots").glob("*/manifest.json") if "harmed" in place.read_text()
        ]
        devices = folder / "devices"
        known = devices.stat()
        os.truncate(devices, known.st_size // 2)
        if harm == "content":  # and nothing shows that it was written to
            os.truncate(devices, known.st_size)
            os.utime(devices, ns=(known.st_atime_ns, known.st_mtime_ns))
        opened.reset()
        opened.check()
    assert any(("has" if harm == "cut" else "damaged") in line for line in said), said


@pytest.mark.slow
def test_other_image_of_the_same_name_has_a_snapshot_of_its_own_and_the_old_one_goes(
    home: Path, tmp_path: Path
) -> None:
    old = tiny_source("changing")
    with open_machine(old):
        pass
    before = {place.name for place in (home / "snapshots").glob("[!.]*")}
    with open_machine(replace(old, payload=bytes(20480))) as opened:
        opened.check()
    after = {place.name for place in (home / "snapshots").glob("[!.]*")}
    assert len(after - before) == len(before - after) == 1


def alone(home: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ALONE, name],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DESKHAND_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def ending(process: subprocess.Popen[str]) -> Generator[subprocess.Popen[str], None, None]:
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str], word: str) -> list[str]:
    """Its lines up to one with that word."""
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.strip())
        if word in line:
            return lines
    raise AssertionError(lines)


def test_kvm_that_cannot_run_the_kernel_is_noticed_and_done_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.access(DEVICE, os.R_OK | os.W_OK) or accelerator().name == "kvm":
        pytest.skip("for hosts whose KVM opens and cannot run a kernel")
    monkeypatch.setattr(machines, "accelerator", lambda: Accelerator("kvm", "said by somebody"))
    said: list[str] = []
    with open_machine(tiny_source("misled"), say=said.append) as opened:
        assert opened.accelerator == "tcg"
        opened.check()
    assert any("KVM is there, but cannot run the machine's kernel" in line for line in said)
    assert accelerator().why.startswith("emulation, since KVM is there, but cannot run")


def test_one_process_makes_the_snapshot_and_another_waits_for_it(home: Path) -> None:
    with ending(alone(home, "shared")) as one, ending(alone(home, "shared")) as two:
        said = [told(process, "ready") for process in (one, two)]
    makers = [any("for the first time" in line for line in lines) for lines in said]
    assert sorted(makers) == [False, True], said


def test_nothing_is_left_when_the_host_process_is_killed(home: Path) -> None:
    with ending(alone(home, "killed")) as maker:
        told(maker, "for the first time")
        assert until(lambda: list((home / "snapshots").glob(".making-*/ram")))
        time.sleep(0.5)
        maker.kill()
    with ending(alone(home, "killed")) as runner:
        pid = int(told(runner, "ready")[-1].split()[1])
        assert not list((home / "snapshots").glob(".making-*"))
        folder = Path(f"/proc/{pid}/cwd").readlink()
        runner.kill()
        assert gone(pid)
        assert until(lambda: not folder.exists())
