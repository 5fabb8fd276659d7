"""QEMU's command line. What decides the hardware (`hardware_arguments`) is the same for a snapshot and its forks."""

from __future__ import annotations

import functools
import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserFault
from vm.qemu.source import Source, firmware

PROGRAM, IMAGE_PROGRAM = "qemu-system-x86_64", "qemu-img"
SIZE = (1920, 1080)  # pixels
TRANSLATED_MIB = 256  # of translated code that a machine keeps; more costs memory and gains nothing
HOST = "127.0.0.1"
KERNEL_LINE = (
    "root=/dev/vda rw console=ttyS0,115200 vt.global_cursor_default=0 mitigations=off nowatchdog "
    "rcupdate.rcu_cpu_stall_suppress=1"
)
PAINTED = "painted"  # a FIFO in the folder of a machine
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine that QEMU is to be. `memory` is in MiB, `size` of the screen in pixels (width, height)."""

    accelerator: str
    memory: int
    processors: int = 2
    size: tuple[int, int] = SIZE

    @property
    def processor(self) -> str:
        """The model: under KVM the host's own, since every other one costs speed."""
        return "host" if self.accelerator == "kvm" else "max"


@dataclass(frozen=True, slots=True)
class Files:
    """Where one machine keeps what.

    Attributes:
        folder: of this machine alone: sockets, log of the serial console.
        ram: the file of its memory, in which it is shared, or which is only read: what the machine writes is its own.
        disk: the layer that it writes to; `below` are those underneath, the nearest first.
        token, payload: handed to the guest; None for somebody else's.
        settings: of the UEFI, written to by the machine; None without one.
        kernel: what is booted; of a fork, what stands for it.
    """

    folder: Path
    ram: Path
    shared: bool
    disk: Path
    below: tuple[Path, ...]
    token: Path | None
    payload: Path | None
    settings: Path | None
    kernel: Path | None


@functools.cache
def qemu_version() -> str:
    """As QEMU says it, like "7.2.22 (Debian 1:7.2+dfsg-7)". Raises UserFault where it is not installed."""
    if missing := [name for name in (PROGRAM, IMAGE_PROGRAM) if shutil.which(name) is None]:
        raise UserFault(
            f"a virtual machine needs {' and '.join(missing)}: `sudo apt-get install qemu-system-x86 qemu-utils`"
        )
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=30).stdout
    found = re.search(r"version (.+)", said)
    if found is None:
        raise UserFault(f"{PROGRAM} does not say its version; install it again")
    return found[1].strip()


def hardware_arguments(source: Source, hardware: Hardware) -> list[str]:
    """Everything that the guest sees, and no path: of a snapshot and a fork of it, these must be equal."""
    common = ["-nodefaults", "-no-user-config", "-display", "none", *_processor(hardware), *_machine(source, hardware)]
    disk = f"virtio-blk-pci,drive=disk,bootindex=1,werror=stop,rerror=stop{'' if source.ours else ',addr=0x10'}"
    width, height = hardware.size
    common += ["-device", f"virtio-vga,xres={width},yres={height}", "-device", disk]
    if source.ours:
        common += ["-device", "virtio-blk-pci,drive=payload,serial=deskhand"]
    for device in ("virtio-tablet-pci", "virtio-keyboard-pci", "virtio-rng-pci", "vmgenid,guid=auto", "pvpanic-pci"):
        common += ["-device", device]
    common += ["-device", "virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,romfile="]
    common += ["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=console"]
    common += ["-append", KERNEL_LINE] if source.ours else []
    return [*common, "-serial", "chardev:serial", "-rtc", "base=utc,clock=host"]


def _processor(hardware: Hardware) -> list[str]:
    accelerator = "kvm" if hardware.accelerator == "kvm" else f"tcg,thread=multi,tb-size={TRANSLATED_MIB}"
    return ["-accel", accelerator, "-cpu", hardware.processor, "-smp", str(hardware.processors)]


def _machine(source: Source, hardware: Hardware) -> list[str]:
    memory = ["-m", str(hardware.memory)]
    if source.ours:
        return ["-machine", "pc,memory-backend=ram0,usb=off,vmport=off", *memory]
    return ["-machine", "q35,smm=off,memory-backend=ram0,vmport=off", *memory]


def command(
    source: Source, hardware: Hardware, files: Files, *, network: bool, incoming: bool, live: bool = False
) -> list[str]:
    """The whole command line.

    Args:
        network: whether the guest may reach other machines; its ports are reached from the host in any case.
        incoming: it is a fork, and waits for the state of a snapshot.
        live: with a second monitor, for other processes of this user.
    """
    monitor = ["-chardev", f"socket,id=qmp,path={_quoted(files.folder / 'qmp')}", "-mon", "chardev=qmp,mode=control"]
    return [
        *(PROGRAM, "-name", "deskhand", *hardware_arguments(source, hardware), *_memory(hardware, files)),
        *(
            *_disks(source, files),
            *_boot(source, files, incoming),
            *_token(files),
            *_net(network),
            *_consoles(files, incoming),
        ),
        *(
            *monitor,
            *(_painted(files) if source.ours else _vnc(incoming)),
            *(_live(files) if live else ()),
            "-action",
            "panic=pause,reboot=shutdown",
            "-sandbox",
            _SANDBOX,
        ),
        *(("-incoming", "defer") if incoming else ()),
    ]


def _memory(hardware: Hardware, files: Files) -> list[str]:
    share = "on" if files.shared else "off"
    place = _quoted(files.ram)
    return ["-object", f"memory-backend-file,id=ram0,size={hardware.memory}M,mem-path={place},share={share}"]


def _disks(source: Source, files: Files) -> list[str]:
    """Every layer is named here, so that no file needs to say where the one below it is."""
    words: list[str] = []
    below = ""
    for depth, path in reversed(list(enumerate(files.below))):
        words += ["-blockdev", f"driver=qcow2,node-name=below{depth},read-only=on,{_file(path, False)}{below}"]
        below = f",backing=below{depth}"
    words += ["-blockdev", f"driver=qcow2,node-name=disk,discard=unmap,{_file(files.disk, True)}{below}"]
    if files.payload is not None:
        words += ["-blockdev", f"driver=raw,node-name=payload,read-only=on,{_file(files.payload, False)}"]
    if not source.ours:
        words += _firmware(files)
    return words


def _firmware(files: Files) -> list[str]:
    code, _ = firmware()
    words = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={_quoted(code)}"]
    return [*words, "-drive", f"if=pflash,unit=1,format=raw,file={_quoted(files.settings or code)}"]


def _file(path: Path, written: bool) -> str:
    # What is lost with the host's power is thrown away anyway, so nothing waits for the disk.
    cache = ",cache.no-flush=on" if written else ",file.read-only=on"
    return f"file.driver=file,file.filename={_quoted(path)}{cache}"


def _boot(source: Source, files: Files, incoming: bool) -> list[str]:
    if not source.ours:
        return []
    words = ["-kernel", str(files.kernel)]
    return words if incoming else [*words, "-initrd", str(source.initrd)]


def stand_in() -> bytes:
    """The least that QEMU takes for a kernel: in a fork the real one is in the memory already.

    QEMU would read it all the same, and keep it: 90 MB for each fork. It must be some kernel, since with one the
    hardware has one ROM more.
    """
    entry, headers, note = 0x100000, 64 + 2 * 56, struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", 0x100000)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    elf = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, entry, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 4, 4, headers, 0, 0, len(note), len(note), 4)
    elf += struct.pack("<IIQQQQQQ", 1, 7, 0, entry, entry, headers + len(note), headers + len(note), 4096)
    return elf + note


def _token(files: Files) -> list[str]:
    return [] if files.token is None else ["-fw_cfg", f"name=opt/deskhand/token,file={_quoted(files.token)}"]


def _net(network: bool) -> list[str]:
    restrict = "off" if network else "on"
    return ["-netdev", f"user,id=net0,ipv6=off,restrict={restrict}"]


def _consoles(files: Files, incoming: bool) -> list[str]:
    """The serial log of a fork is kept in memory, bounded: a guest must not fill the host's disk with it."""
    log = "ringbuf,id=serial,size=65536" if incoming else f"file,id=serial,path={_quoted(files.folder / 'serial')}"
    socket = f"socket,id=console,path={_quoted(files.folder / 'console')},server=on,wait=off"
    return ["-chardev", log, "-chardev", socket]


def _live(files: Files) -> list[str]:
    socket = f"socket,id=live,path={_quoted(files.folder / 'live.qmp')},server=on,wait=off"
    return ["-chardev", socket, "-mon", "chardev=live,mode=control"]


def _painted(files: Files) -> list[str]:
    """A line for each time that the guest shows something else; see `vm.qemu.pictures.Painted`."""
    events = ("virtio_gpu_cmd_res_flush", "virtio_gpu_cmd_set_scanout")
    return [*(word for event in events for word in ("-trace", f"enable={event}")), "-D", str(files.folder / PAINTED)]


def _vnc(incoming: bool) -> list[str]:
    """For a browser, as others offer it on their port 8006. On the loopback interface, at a free port."""
    return ["-vnc", f"{HOST}:0,to=999,websocket=on"] if incoming else []


def _quoted(path: Path) -> str:
    """As QEMU wants a comma inside a value."""
    return str(path).replace(",", ",,")


def processors(source: Source) -> int:
    """How many a machine gets: two, which under emulation boot in two thirds of the time of one."""
    return 2 if source.ours else min(4, os.cpu_count() or 1)
