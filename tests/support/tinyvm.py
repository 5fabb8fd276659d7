"""A machine so small that it starts in seconds: Debian's kernel, busybox, and a shell script that speaks `/v2`.

It has what the machine's code needs of a guest: a picture, a disk, a console, and an HTTP server with a token. Made
once for each version of the packages, in the cache folder of this user.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from vm.image.store import FILES, MANIFEST, PACKAGES, VERSION, checksum
from vm.qemu.source import Source

KERNEL, SHELL = "linux-image-amd64", "busybox-static"
MODULES = (
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "virtio-gpu",
    "virtio-rng",
    "pvpanic-pci",
    "qemu_fw_cfg",
)
APPLETS = [
    "sh",
    "cat",
    "date",
    "dd",
    "echo",
    "head",
    "ip",
    "mkdir",
    "mknod",
    "modprobe",
    "mount",
    "nc",
    "printf",
    "sed",
    "sleep",
    "sync",
    "test",
    "tr",
    "setsid",
    "grep",
    "od",
    "ls",
    "wc",
    "cut",
    "awk",
    "rm",
    "reboot",
    "poweroff",
]
SECONDS = 300  # for the package manager

INIT = r"""#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
for module in virtio_pci virtio_blk virtio_net virtio_console virtio-gpu virtio-rng pvpanic-pci qemu_fw_cfg; do
  modprobe $module
done
ip addr add 127.0.0.1/8 dev lo; ip link set lo up
ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
cat /sys/firmware/qemu_fw_cfg/by_name/opt/deskhand/token/raw > /tmp/token 2>/dev/null
for n in 1 2 3 4 5 6; do echo "line $n of a picture that is not plain ###############"; done > /dev/tty1
(while true; do setsid sh -c 'exec sh <>/dev/hvc0 >&0 2>&0'; sleep 1; done) &
echo "tiny machine is up" > /dev/ttyS0
exec nc -ll -p 5000 -e /answer
"""

ANSWER = r"""#!/bin/sh
read -r method target version
length=0; key=
while read -r name value; do
  value=$(printf %s "$value" | tr -d '\r')
  case "$name" in
    [Cc]ontent-[Ll]ength:) length=$value;;
    [Aa]uthorization:) key=${value#Bearer };;
    "$(printf '\r')"|"") break;;
  esac
done
body=; test "$length" -gt 0 && body=$(head -c "$length")
field() { printf %s "$body" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
number() { printf %s "$body" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"; }
reply() { printf 'HTTP/1.1 %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' "$1" "${#2}" "$2"; exit; }
case "$target" in
  /platform) reply "200 OK" Linux;;
  /screenshot) reply "200 OK" picture;;
esac
test -s /tmp/token || reply "403 Forbidden" '{"error": {"type": "invalid", "message": "no token"}}'
test "$key" = "$(cat /tmp/token)" || reply "401 Unauthorized" '{"error": {"type": "invalid", "message": "token"}}'
case "$target" in
  /v2/health*) reply "200 OK" '{"ok": true, "version": "1", "size": [1920, 1080], "desktop": true, "uptime": 1}';;
  /v2/renew)
    date -s "@$(number now)" >/dev/null
    field machine_id > /tmp/machine-id
    field token > /tmp/token
    reply "200 OK" '{"ok": true}';;
  /v2/execute)
    text=$(field command); output=$(sh -c "$text" 2>&1 | tr '\n"' '  ')
    reply "200 OK" "{\"status\": 0, \"output\": \"$output\"}";;
  /v2/open) field target > /dev/tty1; reply "200 OK" '{"window": "w", "pid": 1}';;
esac
reply "404 Not Found" '{"error": {"type": "invalid", "message": "no such thing"}}'
"""


@cache
def tiny_image() -> Path:
    """The folder of the tiny machine's image: `disk.qcow2`, `vmlinux`, `initrd.img`. Skips the test without it."""
    for program in ("qemu-system-x86_64", "qemu-img", "apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here: nothing of the machine is tested")
    folder = _cache() / "-".join(_versions())
    if not (folder / "done").exists():
        _make(folder)
    return folder


def tiny_source(name: str = "tiny") -> Source:
    """The tiny machine, to be opened in place of an image. Skips the test where there is no QEMU."""
    folder = tiny_image()
    return Source(name, folder / "disk.qcow2", folder / "vmlinux", folder / "initrd.img", bytes(10240), {}, 256)


def tiny_image_in(folder: Path) -> None:
    """The same as an image of ours, in a folder of that name."""
    origin = tiny_image()
    folder.mkdir(parents=True)
    for name in FILES:
        if (origin / name).exists():
            shutil.copy(origin / name, folder / name)
    (folder / PACKAGES).touch()
    sums = {name: checksum(folder / name) for name in FILES}
    sizes = {name: (folder / name).stat().st_size for name in FILES}
    manifest = {"v": VERSION, "name": folder.name, "layers": ["base"], "sha256": sums, "bytes": sizes}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deskhand-tests" / f"tiny-{_recipe()}"


def _recipe() -> str:
    from hashlib import sha256

    return sha256((INIT + ANSWER + repr(MODULES) + repr(APPLETS)).encode()).hexdigest()[:12]


def _versions() -> list[str]:
    """The package of the kernel, and the version of the shell."""
    depends = subprocess.run(["apt-cache", "depends", KERNEL], capture_output=True, text=True, timeout=SECONDS).stdout
    names = [line.split(": ")[1] for line in depends.splitlines() if "Depends: linux-image" in line]
    if not names:
        pytest.skip("the package manager here knows no kernel: nothing of the machine is tested")
    return [names[0], SHELL]


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temp:
        work, made = Path(temp), Path(temp) / "made"
        made.mkdir()
        root = _unpack(work)
        _extract_kernel(next((root / "boot").glob("vmlinuz-*")), made / "vmlinux")
        _make_initrd(root, work / "initrd", made / "initrd.img")
        _run(["qemu-img", "create", "-q", "-f", "qcow2", "disk.qcow2", "256M"], made)
        (made / "disk.qcow2").chmod(0o444)
        (made / "done").touch()
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _unpack(work: Path) -> Path:
    got = subprocess.run(["apt-get", "download", *_versions()], cwd=work, capture_output=True, timeout=SECONDS)
    if got.returncode:
        pytest.skip("the kernel's package cannot be had here: nothing of the machine is tested")
    for package in work.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), "root"], work)
    return work / "root"


def _extract_kernel(packed: Path, target: Path) -> None:
    """The kernel itself out of the file that boot loaders start; its header says where it begins (xz)."""
    image = packed.read_bytes()
    start = (image[0x1F1] + 1) * 512 + int.from_bytes(image[0x248:0x24C], "little")
    target.write_bytes(lzma.LZMADecompressor().decompress(image[start:]))


def _make_initrd(root: Path, tree: Path, target: Path) -> None:
    shell = root / "bin/busybox"
    for name in ("bin", "dev", "proc", "sys", "tmp", "lib"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shell, tree / "bin/busybox")
    for applet in APPLETS:
        (tree / "bin" / applet).symlink_to("busybox")
    _copy_modules(root, tree, shell)
    for name, text in (("init", INIT), ("answer", ANSWER)):
        (tree / name).write_text(text)
        (tree / name).chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    archive = subprocess.run(
        [str(shell), "cpio", "-o", "-H", "newc"], input=names.encode(), cwd=tree, stdout=subprocess.PIPE, check=True
    )
    target.write_bytes(archive.stdout)


def _copy_modules(root: Path, tree: Path, shell: Path) -> None:
    """The modules that are needed, and what they need."""
    home = next((root / "lib/modules").iterdir())
    _run([str(shell), "depmod", "-b", str(root), home.name], root)
    needs: dict[str, list[str]] = {}
    for line in (home / "modules.dep").read_text().splitlines():
        name, _, others = line.partition(":")
        needs[name] = [name, *others.split()]
    wanted = {path for name in needs if Path(name).stem in MODULES for path in needs[name]}
    for path in wanted:
        (tree / "lib/modules" / home.name / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(home / path, tree / "lib/modules" / home.name / path)
    _run([str(shell), "depmod", "-b", str(tree), home.name], root)


def _run(words: list[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
