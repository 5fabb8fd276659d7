"""What goes wrong with virtual machines, as who types `deskhand vm …` sees it: one line each time, and nothing is left.

The machine is a very small one, so that its first start takes seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Deskhand, wait_until
from tests.support.osworld_client import Osworld
from tests.support.tinyvm import tiny_image_in
from tests.support.vm_image import missing
from vm.image.store import DISK, KERNEL, MANIFEST, VERSION

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900), pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

SECONDS = 300.0
NAME = "tiny-1"


@pytest.fixture(scope="module")
def deskhand(tmp_path_factory: pytest.TempPathFactory) -> Generator[Deskhand]:
    """A home with one image, `tiny`."""
    found = Deskhand(tmp_path_factory.mktemp("vm"))
    tiny_image_in(image_of(found))
    try:
        yield found
    finally:
        found("vm", "stop", "--all", timeout=SECONDS)


def image_of(deskhand: Deskhand) -> Path:
    return deskhand.home / "data" / "images" / "tiny"


@contextmanager
def started(deskhand: Deskhand, *arguments: str) -> Generator[dict[str, Any]]:
    """A machine; what `vm start --json` told. Ended with the block, if it is still there."""
    try:
        done = deskhand("vm", "start", "tiny", "--json", *arguments, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
    finally:
        deskhand("vm", "stop", "--all", timeout=SECONDS)
        nothing_left(deskhand)


def running(deskhand: Deskhand) -> list[str]:
    done = deskhand("vm", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [machine["name"] for machine in json.loads(done.stdout)["machines"]]


def nothing_left(deskhand: Deskhand) -> None:
    wait_until(lambda: deskhand.leftovers == [] and emulators(deskhand) == [], "everything to be gone", 30)
    assert running(deskhand) == []
    assert not list((deskhand.home / "data" / "machines").glob("*"))
    assert not list((deskhand.home / "data" / "snapshots").glob(".making*"))


def emulators(deskhand: Deskhand) -> list[int]:
    """Known by the paths that they are given: their environment is nearly empty."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes()
            if b"qemu-system" in words.split(b"\0")[0] and str(deskhand.scratch).encode() in words:
                found.append(int(place.parent.name))
    return found


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed, and its last line says why; what comes before is progress."""
    assert done.returncode not in (0, -signal.SIGKILL), done
    assert "Traceback" not in done.stderr and done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("deskhand: ") and len(last) < 400, done.stderr
    assert [word for word in words if word not in last] == [], done.stderr


def answers(told: dict[str, Any]) -> bool:
    try:
        return Osworld("127.0.0.1", told["ports"]["5000"], 5).get("/platform").text == "Linux"
    except OSError:
        return False


def test_from_start_to_stop(deskhand: Deskhand, tmp_path: Path) -> None:
    with started(deskhand) as told:
        assert running(deskhand) == [told["name"]] == [NAME]
        assert answers(told)
        assert deskhand("vm", "shot", NAME, "-o", str(tmp_path / "shot.png")).returncode == 0
        assert (tmp_path / "shot.png").read_bytes().startswith(b"\x89PNG")
        again = deskhand("vm", "start", "tiny", "--name", NAME, timeout=SECONDS)
        one_line(again, NAME, "vm stop")
        assert deskhand("vm", "stop", NAME, timeout=SECONDS).returncode == 0
        assert not answers(told)
        for verb in ("stop", "shot", "shell"):
            one_line(deskhand("vm", verb, NAME), NAME, "vm start")


@pytest.mark.parametrize("who", ["keeper", "emulator"])
def test_kill_9(deskhand: Deskhand, tmp_path: Path, who: str) -> None:
    with started(deskhand) as told:
        pids = emulators(deskhand) if who == "emulator" else [told["pid"]]
        assert len(pids) == 1
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        if who == "emulator":  # another one takes its place, at the same port
            wait_until(lambda: emulators(deskhand) not in ([], pids) and answers(told), "another machine", SECONDS)
            assert deskhand("vm", "shot", NAME, "-o", str(tmp_path / "shot.png")).returncode == 0
        else:
            nothing_left(deskhand)
            one_line(deskhand("vm", "shot", NAME), NAME)
    with started(deskhand) as told:
        assert told["name"] == NAME and answers(told)


@pytest.mark.parametrize("who", ["network", pytest.param("emulator", marks=pytest.mark.slow)])
def test_a_machine_that_stops_answering_is_replaced(deskhand: Deskhand, who: str) -> None:
    with started(deskhand) as told:
        before = emulators(deskhand)
        if who == "emulator":
            os.kill(before[0], signal.SIGSTOP)
        else:
            written = json.loads((deskhand.home / "data" / "machines" / f"{NAME}.json").read_text())
            with socket.socket(socket.AF_UNIX) as console:
                console.connect(written["console"])
                console.sendall(b"ip link set eth0 down\n")
                wait_until(lambda: not answers(told), "silence", SECONDS)
        wait_until(lambda: emulators(deskhand) not in ([], before) and answers(told), "another machine", SECONDS)


@pytest.mark.slow
def test_killed_while_it_starts(deskhand: Deskhand) -> None:
    shutil.rmtree(deskhand.home / "data" / "snapshots", ignore_errors=True)
    with deskhand.start("vm", "start", "tiny") as command:
        wait_until(lambda: bool(emulators(deskhand)) or command.process.poll() is not None, "the first boot", SECONDS)
        command.kill()
    for pid in deskhand.leftovers:  # its keeper goes on with the snapshot, which nobody forbids
        if b"vm.keeper" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: emulators(deskhand) == [], "everything to be gone", 30)
    with started(deskhand) as told:
        assert answers(told)


def test_a_port_that_is_taken(deskhand: Deskhand) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        one_line(deskhand("vm", "start", "tiny", "--port", f"5000:{port}", timeout=SECONDS), str(port), "5000")
    nothing_left(deskhand)
    with started(deskhand, "--port", f"5000:{port}") as told:
        assert told["ports"]["5000"] == port and answers(told)


def cut_short(path: Path) -> None:
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    """Other bytes; size and time stay."""
    times = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(times.st_size // 2)
        file.write(b"\xa5" * 4096)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "harm"), [("ram", cut_short), ("devices", Path.unlink)])
def test_a_damaged_snapshot_is_made_again(deskhand: Deskhand, name: str, harm: Callable[[Path], None]) -> None:
    with started(deskhand):
        pass
    (snapshot,) = (deskhand.home / "data" / "snapshots").glob("[!.]*")
    harm(snapshot / name)
    done = deskhand("vm", "start", "tiny", "--json", timeout=SECONDS)
    try:
        assert done.returncode == 0, done.stderr
        assert answers(json.loads(done.stdout))
        assert "made again" in done.stderr
    finally:
        deskhand("vm", "stop", "--all", timeout=SECONDS)


@contextmanager
def damaged(deskhand: Deskhand, name: str) -> Generator[Path]:
    """A file of the image, put right again after the block."""
    path = image_of(deskhand) / name
    kept = path.with_name("kept")
    path.rename(kept)
    shutil.copy(kept, path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        kept.rename(path)


@pytest.mark.parametrize("name", [DISK, KERNEL, "initrd.img"])
@pytest.mark.parametrize("harm", [cut_short, Path.unlink])
def test_a_damaged_image(deskhand: Deskhand, name: str, harm: Callable[[Path], None]) -> None:
    with damaged(deskhand, name) as path:
        harm(path)
        one_line(deskhand("vm", "start", "tiny", timeout=SECONDS), name, "vm build tiny")
    nothing_left(deskhand)


@pytest.mark.parametrize("name", [DISK, KERNEL, "initrd.img"])
def test_a_wrong_checksum(deskhand: Deskhand, name: str) -> None:
    with damaged(deskhand, name) as path:
        overwrite(path)
        one_line(deskhand("vm", "start", "tiny", timeout=SECONDS), name, "checksum", "vm build tiny")
    nothing_left(deskhand)


def test_an_image_of_another_version(deskhand: Deskhand) -> None:
    with damaged(deskhand, MANIFEST):
        manifest = json.loads((image_of(deskhand) / MANIFEST).read_text())
        (image_of(deskhand) / MANIFEST).write_text(json.dumps(manifest | {"v": VERSION + 1}))
        one_line(deskhand("vm", "start", "tiny", timeout=SECONDS), "another version", "vm build tiny")
        (image_of(deskhand) / MANIFEST).write_text("{")
        one_line(deskhand("vm", "start", "tiny", timeout=SECONDS), "manifest", "vm build tiny")


def test_names_of_images_and_files_that_are_none(deskhand: Deskhand, tmp_path: Path) -> None:
    one_line(deskhand("vm", "start", "nothing"), "nothing", "tiny")
    one_line(deskhand("vm", "start", "tiny", "--state", "dancing"), "dancing", "idle")
    one_line(deskhand("vm", "start", "../tiny"), "../tiny")
    (tmp_path / "text.qcow2").write_text("text")
    one_line(deskhand("vm", "start", str(tmp_path / "text.qcow2")), "text.qcow2", "qcow2")
    one_line(deskhand("vm", "start", str(tmp_path / "none.qcow2")), "none.qcow2")
    nothing_left(deskhand)


def test_a_full_disk(deskhand: Deskhand) -> None:
    """A small file system in place of the snapshots' folder, seen by this command alone."""
    folder = deskhand.home / "data" / "snapshots"
    folder.mkdir(exist_ok=True)
    mounted = (
        f"mount -t tmpfs -o size=200m none {folder} && exec {Path(sys.executable).with_name('deskhand')} vm start tiny"
    )
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted]
    done = subprocess.run(words, env=deskhand.environment, capture_output=True, text=True, timeout=SECONDS)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no file system of our own here: {done.stderr}")
    one_line(done, str(folder), "MB free", "room")
    nothing_left(deskhand)
