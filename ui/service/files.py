"""Files that are given out: the page's own, a session's pictures, and what it has made. Nothing else can be named."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from agent.errors import UserFault
from agent.session import Session

PAGE = Path(__file__).parents[1] / "page"
PIECE = 1 << 18  # bytes that are read at once
WIDTHS = range(16, 2001)  # pixels of a smaller picture
SMALLER_KEPT = 256
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_ASSET = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*")
_SHA = re.compile(r"[0-9a-f]{64}")
_IMAGES = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
_PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Missing(UserFault):
    """There is no such file to be given out."""


def asset(name: str) -> tuple[bytes, str]:
    """A file of the page, and its media type.

    Raises:
        Missing: there is none of this name.
    """
    path = PAGE / name
    if not _ASSET.fullmatch(name) or path.suffix not in _TYPES or not path.is_file():
        raise Missing(f"there is no {name[:80]!r} here; reload the page")
    return path.read_bytes(), _TYPES[path.suffix]


def etag(content: bytes) -> str:
    """Changes with the content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def image(session: Session, sha256: str) -> tuple[bytes, str]:
    """A picture of a session, and its media type.

    Raises:
        Missing: there is none of this name, or it is not what its name says.
    """
    if _SHA.fullmatch(sha256):
        for suffix, kind in _IMAGES.items():
            try:
                content = _regular(session.images / f"{sha256}{suffix}")
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == sha256:
                return content, kind
    raise Missing("that picture is not there any more, or was changed")


@lru_cache(SMALLER_KEPT)
def smaller(session: Session, sha256: str, width: int) -> bytes:
    """A picture of a session as JPEG of at most this width.

    Raises:
        Missing: there is none, or it cannot be read as a picture.
    """
    import cv2
    import numpy as np

    content, _ = image(session, sha256)
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:  # pyright: ignore[reportUnnecessaryComparison]  # so it is for what is no picture
        raise Missing("that picture cannot be read")
    height, across = picture.shape[:2]
    if width < across:
        picture = cv2.resize(picture, (width, max(1, round(height * width / across))), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not done:
        raise Missing("that picture cannot be made smaller")
    return data.tobytes()


def _regular(path: Path) -> bytes:
    fd = os.open(path, _PLAIN)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Missing(f"{path.name} is no file")
        return file.read()


def made(path: Path, workspace: Path) -> tuple[BinaryIO, int]:
    """A file in a workspace, open for reading, and its size. Symbolic links are not followed.

    Raises:
        Missing: it is not there, not a regular file, or not in the workspace.
    """
    fd = -1
    try:
        fd = _open_inside(path, workspace)
        known = os.fstat(fd)
        if stat.S_ISREG(known.st_mode):
            return open(fd, "rb"), known.st_size
    except (OSError, ValueError):
        pass
    if fd >= 0:
        os.close(fd)
    raise Missing(f"{path.name} is not where the session left it; look for it in {workspace}")


def _open_inside(path: Path, workspace: Path) -> int:
    """Open folder by folder, so that nobody can put a link in the way meanwhile."""
    parts = path.relative_to(workspace).parts
    if not parts or ".." in parts:
        raise ValueError(path)
    if os.open not in os.supports_dir_fd:
        resolved = path.resolve(strict=True)
        resolved.relative_to(workspace.resolve(strict=True))
        return os.open(resolved, _PLAIN)
    folder = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        try:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        return os.open(parts[-1], _PLAIN, dir_fd=folder)
    finally:
        os.close(folder)


def pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """As many bytes as were announced; a file that has shrunk meanwhile ends early."""
    while size > 0 and (piece := file.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


def attachment(name: str) -> str:
    """The header that makes a browser save a file under its name, and show nothing of it."""
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
