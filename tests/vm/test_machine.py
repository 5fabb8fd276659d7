"""A machine that is forked, reset, broken in every way that can be had, and comes back; with a tiny guest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from agent.errors import UserFault
from tests.support.tinyvm import tiny_source
from tests.support.vm_watch import gone, lost, run
from tests.support.waiting import until
from vm import machine as machines
from vm.line import GuestGone
from vm.machine import Machine, MachineLost, Pool, live_machine, open_machine
from vm.qemu import snapshot as snapshots
from vm.qemu.accelerator import runs_code
from vm.qemu.monitor import Monitor

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]
PANIC = "echo c > /proc/sysrq-trigger"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    """A data folder for all tests of this file: making the snapshot takes longest."""
    tiny_source()
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESKHAND_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def machine(home: Path) -> Generator[Machine, None, None]:
    with open_machine(tiny_source()) as opened:
        yield opened


@pytest.fixture
def whole(machine: Machine) -> Generator[Machine, None, None]:
    """The machine, as its snapshot has it; a test may do with it what it likes."""
    machine.reset()
    yield machine
    assert len(list(machine.run.glob("vm-*"))) == 1, "a machine that was thrown away has left its folder"


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="no QEMU here")
def test_emulation_runs_code() -> None:
    """The probe's own code is right: what is asked of KVM, emulation does."""
    assert runs_code("tcg", 60)
    assert not runs_code("tcg,thread=nonsense", 60)


def test_reset_is_back_at_the_snapshot_with_an_identity_of_its_own(whole: Machine) -> None:
    before, guest, pid, ports = whole.screendump(), whole.guest, whole.pid, whole.ports
    identity = run(whole, "cat /tmp/machine-id")
    run(whole, "echo junk junk junk > /dev/tty1; echo x > /tmp/left; dd if=/tmp/left of=/dev/vda; sync")
    assert until(lambda: not np.array_equal(whole.screendump(), before))

    whole.reset()

    assert np.array_equal(whole.screendump(), before)
    assert gone(pid)
    assert run(whole, "ls /tmp/left; head -c 1 /dev/vda | grep -c x").endswith("0")
    assert run(whole, "cat /tmp/machine-id") != identity
    assert abs(int(run(whole, "date +%s")) - time.time()) < 5
    assert whole.ports == ports
    assert whole.guest.token != guest.token
    with pytest.raises(urllib.error.HTTPError, match="401"):
        health(whole, guest.token)
    assert guest.token not in repr(guest)
    assert guest.token not in Path(f"/proc/{whole.pid}/cmdline").read_text()


def health(machine: Machine, token: str) -> bytes:
    address = f"http://127.0.0.1:{machine.guest.port}/v2/health"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return answer.read()


def test_snapshot_is_never_written_to(whole: Machine, home: Path) -> None:
    (folder,) = (home / "snapshots").glob("[!.]*")
    for _ in range(3):
        run(whole, "dd if=/dev/urandom of=/tmp/x bs=1M count=8; dd if=/tmp/x of=/dev/vda; sync")
        whole.reset()
    found = snapshots.load(folder, json.loads((folder / "manifest.json").read_text())["needs"])
    snapshots.check(found, checksums=True)


def test_picture_is_the_same_object_until_the_screen_changes(whole: Machine) -> None:
    first = whole.picture()
    assert first.startswith(b"\x89PNG")
    assert whole.picture() is first
    run(whole, "echo something new > /dev/tty1")
    assert until(lambda: whole.picture() is not first)
    assert whole.screendump().shape == (1080, 1920, 4)


@pytest.mark.parametrize(
    ("broken", "word"),
    [(PANIC, "kernel panicked"), ("reboot -f", "restarted itself"), ("poweroff -f", "switched")],
)
def test_guest_that_breaks_down_is_noticed(whole: Machine, broken: str, word: str) -> None:
    with suppress(GuestGone):
        run(whole, f"({broken}) & sleep 1", 3)
    assert word in lost(whole, 20)
    whole.reset()
    whole.check()


def test_killed_qemu_is_noticed_and_replaced(whole: Machine) -> None:
    os.kill(whole.pid, signal.SIGKILL)
    assert "killed by signal 9" in lost(whole, 5)
    with pytest.raises(MachineLost, match="tiny: QEMU ended"):
        whole.screendump()
    whole.reset()
    whole.check()


def test_qemu_that_hangs_is_noticed_and_replaced(whole: Machine) -> None:
    os.kill(whole.pid, signal.SIGSTOP)
    assert "does not answer" in lost(whole, 15)
    whole.reset()
    whole.check()


def test_machine_that_somebody_paused_is_noticed(whole: Machine) -> None:
    with closing(Monitor(whole.run / "live.qmp", listen=False)) as monitor:
        monitor.execute("stop")
    assert "paused" in lost(whole, 5)


def test_guest_that_stops_answering_is_noticed(whole: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "HEARTBEAT_SECONDS", 2.0)
    with suppress(GuestGone):
        run(whole, "ip link set eth0 down", 3)
    assert "nothing in it answers" in lost(whole, 10)
    whole.reset()
    whole.check()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs root to be mounted")
def test_full_disk_of_the_host_is_said(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path, "24m") as place:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        with open_machine(tiny_source()) as opened:
            with suppress(GuestGone):
                run(opened, "dd if=/dev/urandom of=/dev/vda bs=1M count=64", 20)
            assert "host's disk is full" in lost(opened, 20)
            opened.reset()
            opened.check()
        assert not list(place.glob("*/[!.]*"))


@contextmanager
def small_disk(folder: Path, size: str) -> Generator[Path, None, None]:
    # Socket addresses must fit below it.
    with tempfile.TemporaryDirectory(prefix="dh-", dir="/tmp") as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", place], check=True)


def test_taken_port_is_one_clear_line(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserFault, match=f"port {port} of this host is taken"):
            open_machine(tiny_source(), ports={5000: port})


def test_wanted_port_is_kept_over_resets_and_is_on_loopback_only(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with open_machine(tiny_source(), ports={5000: port}) as opened:
        opened.reset()
        assert opened.guest.port == port
        listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert next(place for place in listening if place.endswith(f":{port:04X}")).startswith("0100007F:")


@pytest.mark.parametrize("network", [False, True])
def test_network_is_there_only_when_asked_for(home: Path, network: bool) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, open_machine(tiny_source(), network=network) as one:
        server.settimeout(3)
        run(one, f"nc 10.0.2.2 {server.getsockname()[1]} < /dev/null > /dev/null 2>&1 &")
        reached = True
        try:
            server.accept()[0].close()
        except TimeoutError:
            reached = False
        assert reached == network


def test_console_has_a_shell(whole: Machine) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(20)
        line.connect(str(whole.console))
        line.sendall(b"echo $((6 * 7)) of them\n")
        said = b""
        while b"42 of them" not in said:
            said += line.recv(4096)


def test_other_processes_find_live_pictures(home: Path, tmp_path: Path) -> None:
    assert live_machine(tmp_path) is None
    with open_machine(tiny_source(), workspace=tmp_path) as opened:
        live = live_machine(tmp_path)
        assert live is not None
        with closing(live):
            assert np.array_equal(live.screendump(), opened.screendump())
        opened.reset()
        again = live_machine(tmp_path)
        assert again is not None
        again.close()
    assert live_machine(tmp_path) is None


def test_prepared_state_is_made_from_the_idle_one(home: Path, machine: Machine) -> None:
    said: list[str] = []
    with open_machine(tiny_source(), state="calc", say=said.append) as opened:
        assert any("opening libreoffice --calc" in line for line in said)
        assert not np.array_equal(opened.screendump(), machine.screendump())
        opened.reset()
        opened.check()
    with pytest.raises(UserFault, match="no prepared state supper; there are idle, calc"):
        open_machine(tiny_source(), state="supper")


def test_pool_has_the_next_one_ready_and_replaces_a_broken_one(home: Path) -> None:
    with Pool(tiny_source()) as pool:
        assert pool.wait(60)
        one = pool.take()
        assert pool.wait(60)
        two = pool.take()
        assert one.guest.port != two.guest.port
        assert run(one, "cat /tmp/machine-id") != run(two, "cat /tmp/machine-id")
        assert pool.wait(60)
        os.kill(one.pid, signal.SIGKILL)
        assert "killed" in lost(one, 5)
        one.reset()
        one.check()
        pids = one.pid, two.pid
    assert all(gone(pid) for pid in pids)


def test_spare_that_died_is_not_handed_out(home: Path) -> None:
    with Pool(tiny_source()) as pool:
        assert pool.wait(60)
        (spare,) = pool.spares()
        os.kill(spare, signal.SIGKILL)
        assert gone(spare)
        pool.take().check()


def test_calls_of_many_threads_do_not_disturb_each_other(whole: Machine) -> None:
    seen: list[bytes] = []
    threads = [threading.Thread(target=lambda: seen.append(whole.picture())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
