"""The guest's code as one tar: what a machine unpacks to /opt/deskhand."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import struct
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

PLACE = "/opt/deskhand"  # where it is in a machine
GUEST = "cpython-311"  # Debian 12's Python; where the host's is the same, the machine need not compile anything
ROOT = Path(__file__).resolve().parents[2]
WHOLE = ("actuators", "perception", "vm/guest")  # all modules of these and what is below them,
WITHOUT = frozenset(  # but for those of other systems, or with libraries that the guest has not
    {
        *("actuators/backends/aside_macos.py", "actuators/backends/aside_windows.py", "actuators/backends/hooks.py"),
        *("actuators/backends/pyautogui_backend.py", "actuators/backends/recorder.py"),
        *("perception/backends/ax.py", "perception/backends/ax_naming.py", "perception/backends/mss.py"),
        *("perception/backends/uia.py", "perception/backends/uia_naming.py", "perception/backends/replay.py"),
        *("perception/checking.py", "perception/compare.py", "vm/guest/payload.py"),
    }
)
SINGLE = (
    *("agent/__init__.py", "agent/errors.py"),
    *("vm/__init__.py", "vm/libreoffice.py", "vm/programs.py", "vm/data/programs.toml"),
)


def payload() -> bytes:
    """The tar, uncompressed: a machine may read it straight from a disk. The same code gives the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names():
            data = (ROOT / name).read_bytes()
            _add(tar, name, data)
            if name.endswith(".py") and sys.implementation.cache_tag == GUEST:
                _add(tar, _compiled_name(name), _compiled(name, data))
    return packed.getvalue()


def payload_hash() -> str:
    """Hex digest of the tar: two machines with the same have the same code."""
    return hashlib.sha256(payload()).hexdigest()


def names() -> list[str]:
    """The files of the guest, relative to the project, sorted."""
    return sorted({*SINGLE, *(name for name in _found() if name not in WITHOUT)})


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    tar.addfile(entry, io.BytesIO(data))


def _compiled_name(name: str) -> str:
    path = Path(name)
    return (path.parent / "__pycache__" / f"{path.stem}.{GUEST}.pyc").as_posix()


def _compiled(name: str, data: bytes) -> bytes:
    """As Python keeps it beside a module: compiling takes an emulated machine a quarter of a minute.

    Without marks for what is there twice, which depend on what else this process has seen; and never compared with
    its source, as times and rights in the machine are others.
    """
    code = compile(data, f"{PLACE}/{name}", "exec", dont_inherit=True)
    unchecked, plain = 1, 2
    head = importlib.util.MAGIC_NUMBER + struct.pack("<I", unchecked) + importlib.util.source_hash(data)
    return head + marshal.dumps(code, plain)


def _found() -> Iterator[str]:
    for folder in WHOLE:
        for path in (ROOT / folder).rglob("*.py"):
            yield path.relative_to(ROOT).as_posix()
