"""Whether KVM really works here. That /dev/kvm opens says little: it may be there and not be able to run a kernel.

So a few instructions are run with it: a loop that takes a processor milliseconds, and a host that only imitates one
many seconds. The answer is kept until the host starts anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agent.session import data_home
from vm.qemu.arguments import PROGRAM, qemu_version

DEVICE = Path("/dev/kvm")
MODULES = (Path("/sys/module/kvm_intel"), Path("/sys/module/kvm_amd"))
PROBE_SECONDS = 5.0  # on a processor, QEMU's start and the loop take 0.2 s
COST = "everything inside takes about ten times as long as with KVM"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ROM_BYTES = 1 << 16
_DONE = 0x2A  # what the code writes to the port that ends QEMU, whose exit status is then twice that and one


class Accelerator(NamedTuple):
    """What runs machines here, "kvm" or "tcg" (emulation), and why, in one line for people."""

    name: str
    why: str


def accelerator() -> Accelerator:
    """Which one works here; tried once for each start of the host.

    Raises:
        UserFault: QEMU is not installed.
    """
    known = _remembered()
    if known is None:
        known = _find_out()
        remember(known)
    return known


def remember(found: Accelerator) -> None:
    """Keep an answer until the host starts anew: also that of a first boot, which may know better."""
    kept = {"host": _host(), "name": found.name, "why": found.why}
    place = _place()
    with suppress(OSError):  # then it is found out anew each time
        place.parent.mkdir(parents=True, exist_ok=True)
        written = place.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(kept))
        written.replace(place)


def _remembered() -> Accelerator | None:
    with suppress(OSError, ValueError, KeyError):
        kept: Mapping[str, object] = json.loads(_place().read_text())
        if kept["host"] == _host():
            return Accelerator(str(kept["name"]), str(kept["why"]))
    return None


def _place() -> Path:
    return data_home() / "snapshots" / ".accelerator.json"


def _host() -> list[str]:
    """What may change the answer. Rights on the device are part of it, since people are told to mend these."""
    allowed = str(os.access(DEVICE, os.R_OK | os.W_OK))
    return [_BOOT.read_text().strip() if _BOOT.exists() else "", qemu_version(), allowed]


def _find_out() -> Accelerator:
    why = _missing()
    if why is None:
        why = None if runs_code("kvm") else "KVM is there, but does not run code at a processor's speed"
    if why is None:
        return Accelerator("kvm", "KVM works here")
    return Accelerator("tcg", f"emulation, since {why}; {COST}")


def _missing() -> str | None:
    """What stands in KVM's way, as far as can be told without trying."""
    qemu_version()
    if not DEVICE.exists():
        return f"there is no {DEVICE} (no KVM in this kernel, or switched off in the firmware)"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} may not be used by this user: `sudo usermod -aG kvm $USER`, then log in again"
    if not any(module.exists() for module in MODULES):
        return f"{DEVICE} is there, but not the processor's own KVM module: it cannot run a kernel"
    return None


def runs_code(name: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether some instructions, run with this accelerator, end in time."""
    with tempfile.TemporaryDirectory(prefix="deskhand-probe-") as folder:
        rom = Path(folder) / "rom"
        rom.write_bytes(_rom())
        words = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc", "-accel", name]
        words += ["-m", "16", "-bios", str(rom), "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-no-reboot"]
        # A limit that holds also where this process is killed meanwhile.
        limited = ["timeout", "--signal=KILL", f"{seconds:g}", *words]
        status = subprocess.run(limited, stdin=subprocess.DEVNULL, capture_output=True).returncode
    return status == _DONE * 2 + 1


def _rom() -> bytes:
    """Code in place of a firmware: 20 million rounds of a loop in protected mode, then the port that ends QEMU."""
    start = 0xF000  # of the code in the ROM, whose last byte is at 4 GB
    table, code32 = start + 0x40, start + 0x60
    real = bytes.fromhex(
        "fa"  # cli
        f"2e660f0116{(table + 24).to_bytes(2, 'little').hex()}"  # lgdt cs:[descriptor of the table]
        "0f20c0"  # mov eax, cr0
        "6683c801"  # or eax, 1
        "0f22c0"  # mov cr0, eax
        f"66ea{(0xFFFF0000 + code32).to_bytes(4, 'little').hex()}0800"  # jmp 8:code32
    )
    flat = bytes.fromhex("0000000000000000ffff0000009acf00ffff00000092cf00")  # null, code, data: all 4 GB
    flat += (23).to_bytes(2, "little") + (0xFFFF0000 + table).to_bytes(4, "little")
    protected = bytes.fromhex(
        f"b9{(20_000_000).to_bytes(4, 'little').hex()}"  # mov ecx, 20000000
        "4975fd"  # dec ecx; jnz
        f"b0{_DONE:02x}"  # mov al, …
        "e6f4"  # out 0xf4, al
        "f4ebfd"  # hlt for ever
    )
    rom = bytearray(b"\xf4" * _ROM_BYTES)
    for at, part in ((start, real), (table, flat), (code32, protected)):
        rom[at : at + len(part)] = part
    # The processor begins here, with the ROM as its code segment.
    rom[0xFFF0:0xFFF3] = b"\xe9" + ((start - 0xFFF3) & 0xFFFF).to_bytes(2, "little")
    return bytes(rom)
