"""Being root without being root: a user namespace in which the caller is uid 0 and others are its subordinate uids.

Everything that owns files of other uids runs in one, the removal of such files too. It has process ids of its own, and
its first process dies with the one that made it, so that nothing of a build outlives the build.
"""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.errors import UserFault

_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "apt-get": "apt",
    "qemu-img": "qemu-utils",
    "mkfs.ext4": "e2fsprogs",
    "unshare": "util-linux",
}


def search_path() -> str:
    """PATH with the folders of system programs, which an ordinary user's does not have."""
    return os.pathsep.join((os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"))


def as_root(argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` as root of a new namespace."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user", "--map-auto")
    return ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]


def check_tools(tools: Mapping[str, str]) -> None:
    """See that programs are there; `tools` names the package of each.

    Raises:
        UserFault: one is missing; says what to install.
    """
    missing = {tool: package for tool, package in tools.items() if not shutil.which(tool, path=search_path())}
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        packages = " ".join(sorted(set(missing.values())))
        raise UserFault(f"{', '.join(missing)} {verb} missing, which images need: `sudo apt install {packages}`")


def check_builder() -> None:
    """See that this user can build here.

    Raises:
        UserFault: a program or a right is missing; says what to install or to set.
    """
    check_tools(_TOOLS if os.geteuid() == 0 else {**_TOOLS, "newuidmap": "uidmap"})
    if os.geteuid() != 0:
        _check_subordinates()


def _check_subordinates() -> None:
    me = getpass.getuser()
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        lines = path.read_text().splitlines() if path.exists() else []
        if not any(line.startswith((f"{me}:", f"{os.getuid()}:")) for line in lines):
            raise UserFault(
                f"{me} has no subordinate ids in {path}, which building an image needs:"
                f" `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {me}`"
            )
