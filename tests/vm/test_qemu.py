"""What QEMU is told and what it says, and whether KVM works; without QEMU."""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from agent.errors import UserFault
from vm.processes import Processes, start_processes
from vm.qemu import accelerator, arguments, emulator, making, pictures, watching
from vm.qemu import source as sources
from vm.qemu.accelerator import Accelerator
from vm.qemu.arguments import Files, Hardware, command, hardware_arguments
from vm.qemu.emulator import Emulator, EmulatorLost
from vm.qemu.making import CannotRun, Setting
from vm.qemu.monitor import MonitorLost
from vm.qemu.source import Source, source_of

OURS = Source("office", Path("/i/disk.qcow2"), Path("/i/vmlinux"), Path("/i/initrd.img"), b"tar", {}, 3072)
THEIRS = Source("Ubuntu", Path("/j/Ubuntu.qcow2"), None, None, b"", {}, 4096, sources.FOREIGN_PORTS)
HARDWARE = Hardware("tcg", 3072)
FORK = Files(
    Path("/run/vm-1"),
    Path("/s/ram"),
    shared=False,
    disk=Path("/run/vm-1/disk.qcow2"),
    below=(Path("/s/disk.qcow2"), Path("/i/disk.qcow2")),
    token=Path("/s/token"),
    payload=Path("/s/payload.tar"),
    settings=None,
    kernel=Path("/s/kernel"),
)


# What QEMU is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [OURS, THEIRS])
def test_hardware_names_no_file(source: Source) -> None:
    assert not [word for word in hardware_arguments(source, HARDWARE) if "/i/" in word or "/j/" in word]


def test_fork_writes_to_its_own_layer_alone() -> None:
    words = command(OURS, HARDWARE, FORK, network=False, incoming=True)
    layers = [word for word in words if word.startswith("driver=qcow2")]
    assert [("read-only=on" in word, word.rpartition("filename=")[2].split(",")[0]) for word in layers] == [
        (True, "/i/disk.qcow2"),
        (True, "/s/disk.qcow2"),
        (False, "/run/vm-1/disk.qcow2"),
    ]
    assert "backing=below0" in layers[2]
    assert "backing=below1" in layers[1]
    assert any(word.endswith("mem-path=/s/ram,share=off") for word in words)
    assert words[-2:] == ["-incoming", "defer"]


def test_full_disk_pauses_the_machine_in_place_of_an_error_in_the_guest() -> None:
    assert any("werror=stop,rerror=stop" in word for word in hardware_arguments(OURS, HARDWARE))


@pytest.mark.parametrize(("network", "restrict"), [(False, "restrict=on"), (True, "restrict=off")])
def test_network_only_when_asked_for(network: bool, restrict: str) -> None:
    words = command(OURS, HARDWARE, FORK, network=network, incoming=True)
    assert restrict in words[words.index("-netdev") + 1].split(",")


def test_nothing_listens_but_sockets_of_the_folder() -> None:
    words = command(OURS, HARDWARE, FORK, network=True, incoming=True, live=True)
    listening = [word for word in words if "server=on" in word]
    assert len(listening) == 2
    assert all("path=/run/vm-1/" in word for word in listening)
    assert not [word for word in words if "tcp:" in word or "vnc" in word]


def test_token_is_handed_over_in_a_file() -> None:
    words = command(OURS, HARDWARE, FORK, network=False, incoming=True)
    assert words[words.index("-fw_cfg") + 1] == "name=opt/deskhand/token,file=/s/token"


def test_comma_in_a_path_is_no_separator() -> None:
    words = command(OURS, HARDWARE, replace(FORK, ram=Path("/a,b/ram")), network=False, incoming=True)
    assert any("mem-path=/a,,b/ram," in word for word in words)


def test_first_boot_shares_its_memory_and_takes_the_kernel() -> None:
    first = replace(FORK, shared=True, kernel=OURS.kernel)
    words = command(OURS, HARDWARE, first, network=False, incoming=False)
    assert any(word.endswith("share=on") for word in words)
    assert words[words.index("-kernel") + 1] == "/i/vmlinux"
    assert words[words.index("-initrd") + 1] == "/i/initrd.img"
    assert "-incoming" not in words


def test_disk_of_others_boots_with_uefi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, begin = tmp_path / "code.fd", tmp_path / "vars.fd"
    for file in (code, begin):
        file.touch()
    monkeypatch.setattr(sources, "FIRMWARE", ((str(code), str(begin)),))
    files = replace(FORK, token=None, payload=None, settings=Path("/run/vm-1/settings.fd"), kernel=None)
    words = command(THEIRS, HARDWARE, files, network=False, incoming=False)
    assert any(word.startswith("q35,smm=off") for word in words)
    assert f"if=pflash,unit=0,format=raw,readonly=on,file={code}" in words
    assert "if=pflash,unit=1,format=raw,file=/run/vm-1/settings.fd" in words
    assert not {"-kernel", "-append", "-fw_cfg"} & set(words)
    assert THEIRS.ports == (5000, 9222, 8080)
    fork = command(THEIRS, HARDWARE, files, network=False, incoming=True)
    assert fork[fork.index("-vnc") + 1].startswith("127.0.0.1:")


def test_disk_of_others_without_uefi_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FIRMWARE", ())
    with pytest.raises(UserFault, match="apt-get install ovmf"):
        sources.firmware()


def test_file_that_is_no_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.qcow2").write_bytes(b"something else")
    with pytest.raises(UserFault, match="no qcow2; make one with `qemu-img convert"):
        source_of(tmp_path / "a.qcow2")
    with pytest.raises(UserFault, match="cannot be read"):
        source_of(tmp_path / "b.qcow2")


def test_missing_qemu_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserFault, match="apt-get install qemu-system-x86 qemu-utils"):
        arguments.qemu_version.__wrapped__()


def test_stand_in_is_a_kernel_to_qemu() -> None:
    elf = arguments.stand_in()
    assert elf[:4] == b"\x7fELF"
    count = struct.unpack_from("<H", elf, 56)[0]
    kinds = [struct.unpack_from("<I", elf, 64 + 56 * number)[0] for number in range(count)]
    assert kinds == [4, 1]  # a note, with the entry for QEMU, and a segment
    assert b"Xen\0" in elf


# What QEMU says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("GUEST_PANICKED", {"action": "pause"}, "kernel panicked"),
        ("BLOCK_IO_ERROR", {"nospace": True, "reason": "No space left on device"}, "host's disk is full"),
        ("BLOCK_IO_ERROR", {"nospace": False, "reason": "Input/output error"}, "disk failed (Input/output error)"),
        ("BLOCK_IMAGE_CORRUPTED", {"msg": "bad"}, "damaged (bad)"),
        ("SHUTDOWN", {"guest": True, "reason": "guest-reset"}, "restarted itself"),
        ("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"}, "switched itself off"),
        ("SHUTDOWN", {"guest": False, "reason": "host-signal"}, "told to quit"),
        ("RESET", {"guest": True, "reason": "guest-reset"}, "restarted itself"),
    ],
)
def test_event_that_is_the_end(name: str, data: Mapping[str, Any], word: str) -> None:
    assert word in (watching.reason({"event": name, "data": data}) or "")


@pytest.mark.parametrize("name", ["STOP", "RESUME", "RTC_CHANGE", "NIC_RX_FILTER_CHANGED", "VSERPORT_CHANGE"])
def test_event_that_means_nothing(name: str) -> None:
    assert watching.reason({"event": name, "data": {}}) is None
    assert watching.reason({"event": name}) is None


def test_states_of_a_machine() -> None:
    assert watching.state_reason("running") is None
    assert "cannot run" in (watching.state_reason("internal-error") or "")
    assert "colo" in (watching.state_reason("colo") or "")


def test_end_of_qemu_has_its_last_words() -> None:
    assert watching.exit_reason(1, "no such device") == "QEMU ended, exit status 1: no such device"
    assert watching.exit_reason(-9, "") == "QEMU ended, killed by signal 9"
    assert "full" in watching.exit_reason(-7, "")


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("echo no such machine >&2; exit 1", "QEMU ended, exit status 1: no such machine"),
        ("kill -9 $$", "QEMU ended, killed by signal 9"),
        ("exec sleep 100", "did not start|does not answer"),
    ],
)
def test_qemu_that_does_not_start_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, program: str, word: str
) -> None:
    monkeypatch.setattr(emulator, "START_SECONDS", 1.0)
    processes = start_processes()
    try:
        held = 0
        for _ in range(3):
            folder = processes.run / "vm-1"
            folder.mkdir()
            with pytest.raises(EmulatorLost, match=word):
                Emulator(processes, folder, ["sh", "-c", program])
            assert not folder.exists()
            now = len(list(Path("/proc/self/fd").iterdir()))
            held, before = now, held or now
            assert held <= before
    finally:
        processes.close()


# Pictures ------------------------------------------------------------------------------------------------------------


def test_picture_of_qemu_becomes_a_frame() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    pixels[0, 0] = (53, 10, 32)  # bytes that look like the header's
    frame = pictures.to_frame(b"P6\n3 2\n255\n" + pixels.tobytes())
    assert frame.shape == (2, 3, 4)
    assert frame[1, 2, :3].tolist() == pixels[1, 2, ::-1].tolist()
    assert frame[0, 0, :3].tolist() == [32, 10, 53]


def test_picture_that_is_none_is_told() -> None:
    with pytest.raises(MonitorLost):
        pictures.to_frame(b"P5\n3 2\n255\n" + bytes(6))


def test_unchanged_picture_is_encoded_once() -> None:
    shown = pictures.Shown()
    one, other = (b"P6\n40 30\n255\n" + bytes([value]) * 3600 for value in (7, 8))
    png = shown.png(one)
    assert shown.png(bytes(bytearray(one))) is png
    assert shown.png(other) != png


# The accelerator -----------------------------------------------------------------------------------------------------


@pytest.fixture
def kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which KVM seems to be in order: its device."""
    device, module = tmp_path / "kvm", tmp_path / "kvm_intel"
    device.touch(mode=0o600)
    module.mkdir()
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(accelerator, "DEVICE", device)
    monkeypatch.setattr(accelerator, "MODULES", (module,))
    monkeypatch.setattr(accelerator, "qemu_version", lambda: "7.2")
    return device


def always_runs(_: str) -> bool:
    return True


def never_runs(_: str) -> bool:
    return False


def test_kvm_that_runs_code_is_taken_and_remembered(kvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def runs(name: str) -> bool:
        tried.append(name)
        return True

    monkeypatch.setattr(accelerator, "runs_code", runs)
    assert accelerator.accelerator().name == "kvm"
    assert accelerator.accelerator().name == "kvm"
    assert tried == ["kvm"]


def test_kvm_that_opens_and_runs_nothing_is_not_taken(kvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "runs_code", never_runs)
    found = accelerator.accelerator()
    assert found.name == "tcg"
    assert "ten times" in found.why


def test_first_boot_may_know_better(kvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "runs_code", always_runs)
    accelerator.accelerator()
    accelerator.remember(Accelerator("tcg", "emulation"))
    assert accelerator.accelerator() == Accelerator("tcg", "emulation")
    monkeypatch.setattr(accelerator, "qemu_version", lambda: "8.0")
    assert accelerator.accelerator().name == "kvm"


def test_kernel_that_kvm_cannot_run_is_started_with_emulation(kvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def ensure(setting: Setting, state: str) -> None:
        tried.append(f"{setting.hardware.accelerator} {state}")
        if setting.hardware.accelerator == "kvm":
            raise CannotRun("KVM is there, but cannot run the machine's kernel")

    monkeypatch.setattr(making, "ensure_snapshot", ensure)
    said: list[str] = []
    setting = Setting(OURS, Hardware("kvm", 1024), cast("Processes", None), said.append, threading.Event())
    assert making.made(setting, "calc").hardware.accelerator == "tcg"
    assert tried == ["kvm calc", "tcg calc"]
    assert accelerator.accelerator().name == "tcg"
    assert "ten times" in said[0]


@pytest.mark.parametrize("missing", ["device", "module"])
def test_what_stands_in_the_way_is_said(kvm: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def never(_: str) -> bool:
        raise AssertionError("tried")

    monkeypatch.setattr(accelerator, "runs_code", never)
    if missing == "device":
        kvm.unlink()
    else:
        monkeypatch.setattr(accelerator, "MODULES", ())
    found = accelerator.accelerator()
    assert found.name == "tcg"
    assert str(kvm) in found.why
