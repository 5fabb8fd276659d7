"""The kernel as QEMU starts it fastest: uncompressed, taken out of Debian's bzImage."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from pathlib import Path

from agent.errors import UserFault

_XZ, _GZIP, _ZSTD, _ELF = b"\xfd7zXZ\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x7fELF"


def extract_kernel(compressed: Path, target: Path) -> None:
    """Write the ELF image that an x86 bzImage holds.

    Raises:
        UserFault: it is no bzImage, or its compression is unknown.
    """
    image = compressed.read_bytes()
    if image[0x202:0x206] != b"HdrS":
        raise UserFault(f"{compressed} is no x86 kernel; an image needs Debian's linux-image-amd64")
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    payload = image[(sectors + 1) * 512 + offset :][:length]
    kernel = _unpack(payload)
    if not kernel.startswith(_ELF):
        raise UserFault(f"the kernel in {compressed} is compressed in an unknown way")
    target.write_bytes(kernel)


def _unpack(payload: bytes) -> bytes:
    if payload.startswith(_XZ):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(_GZIP):
        return gzip.decompress(payload[:-4])
    if payload.startswith(_ZSTD):
        return subprocess.run(["zstd", "-dc"], input=payload[:-4], capture_output=True, check=False).stdout
    return b""
