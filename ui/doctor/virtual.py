"""Checks of virtual machines, and of the seal around private desktops."""

from __future__ import annotations

import shutil

from ui.doctor.report import Check, install

RUNNERS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"}
BUILDERS = {"mmdebstrap": "mmdebstrap", "newuidmap": "uidmap", "mkfs.ext4": "e2fsprogs"}
_SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"


def check_machines() -> Check:
    """Whether machines can run, and how fast."""
    if missing := _missing(RUNNERS):
        return Check("virtual machines", "skipped", f"{' and '.join(missing)} not installed", _install(RUNNERS))
    from vm.qemu.accelerator import accelerator
    from vm.qemu.arguments import qemu_version

    found = accelerator()
    return Check("virtual machines", "ok", f"QEMU {qemu_version()}; {found.name}: {found.why}")


def check_images() -> Check:
    """Which images there are."""
    from vm.image.store import images

    if found := images():
        sizes = (f"{image.name} ({sum(image.bytes.values()) / 1e6:.0f} MB)" for image in found)
        return Check("images", "ok", ", ".join(sizes))
    if missing := _missing(BUILDERS):
        return Check("images", "skipped", f"none, and {' and '.join(missing)} not installed", _install(BUILDERS))
    return Check("images", "skipped", "none yet", "deskhand vm build office")


def _missing(programs: dict[str, str]) -> list[str]:
    return [name for name in programs if not (shutil.which(name) or shutil.which(name, path=_SYSTEM))]


def _install(programs: dict[str, str]) -> str:
    return install(" ".join(dict.fromkeys(programs.values())))
