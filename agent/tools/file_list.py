"""What is in a folder, as a tree with sizes."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agent.errors import ToolFault
from agent.tools.file_read import check_cancelled
from agent.tools.file_search import fits

ENTRIES = 500  # that are shown
_IN_ONE = 200  # entries of one folder that are shown, in a tree
_LOOKED_AT = 200_000  # entries
_SECONDS = 20.0


@dataclass
class Listing:
    """Lines for the model, and what was left out of them."""

    lines: list[str] = field(default_factory=list[str])
    looked_at: int = 0
    cut: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + _SECONDS)

    @property
    def over(self) -> bool:
        """No more is shown, or looked at."""
        self.cut = self.cut or len(self.lines) >= ENTRIES or self._worn_out()
        return self.cut

    def _worn_out(self) -> bool:
        check_cancelled()
        return self.looked_at > _LOOKED_AT or time.monotonic() > self.deadline


def tree(folder: Path, root: Path, depth: int, *, hidden: bool) -> Listing:
    """Everything in a folder, `depth` levels deep. Raises ToolFault."""
    listing = Listing()
    _list(listing, folder, root, depth, "", hidden)
    return listing


def matching(folder: Path, root: Path, glob: str, *, hidden: bool) -> Listing:
    """Files and folders below a folder that fit a glob, one a line. Raises ToolFault."""
    listing = Listing()
    _entries(folder, root, hidden)  # says why where the folder itself cannot be read
    for where, folders, files in os.walk(folder):
        folders[:] = sorted((each for each in folders if hidden or not each.startswith(".")), key=in_order)
        listing.looked_at += len(folders) + len(files)
        for name in sorted((*folders, *files), key=in_order):
            path = Path(where, name)
            if (hidden or not name.startswith(".")) and fits(path.relative_to(folder), glob):
                if listing.over:
                    return listing
                listing.lines.append(_entry(path.relative_to(root).as_posix(), path, root))
        if listing.over:
            return listing
    return listing


def in_order(name: str) -> tuple[object, ...]:
    """Names as people sort them: scan 2 before scan 10."""
    parts = re.split(r"(\d{1,18})", name.casefold())
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts))


def size_of(count: int) -> str:
    """Bytes for people: "9.1 KB"."""
    if count < 1_000:
        return f"{count} B"
    size = count / 1_000
    for unit in ("KB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"


def _list(listing: Listing, folder: Path, root: Path, depth: int, indent: str, hidden: bool) -> None:
    entries = _entries(folder, root, hidden)
    listing.looked_at += len(entries)
    for at, entry in enumerate(entries):
        if at == _IN_ONE and len(entries) > _IN_ONE + 10:
            listing.lines.append(f"{indent}… and {len(entries) - at} more here; a pattern tells them apart")
            return
        if listing.over:
            return
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            inside = _inside(path, hidden)
            listing.lines.append(f"{indent}{entry.name}/  {inside}")
            if depth > 1 and inside != "empty":
                _list(listing, path, root, depth - 1, f"{indent}  ", hidden)
        else:
            listing.lines.append(_entry(f"{indent}{entry.name}", path, root))


def _entries(folder: Path, root: Path, hidden: bool) -> list[os.DirEntry[str]]:
    try:
        found = [entry for entry in os.scandir(folder) if hidden or not entry.name.startswith(".")]
    except OSError as error:
        if folder == root or not folder.is_relative_to(root):
            raise ToolFault(f"The folder cannot be read: {error.strerror}.") from None
        return []
    return sorted(found, key=lambda entry: in_order(entry.name))


def _inside(path: Path, hidden: bool) -> str:
    try:
        count = sum(hidden or not name.startswith(".") for name in _names(path))
    except OSError as error:
        return error.strerror or "not readable"
    return f"{count} inside" if count else "empty"


def _names(path: Path) -> Iterator[str]:
    with os.scandir(path) as entries:
        for entry in entries:
            yield entry.name


def _entry(name: str, path: Path, root: Path) -> str:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            where = path.resolve()
            to = where.relative_to(root).as_posix() if where.is_relative_to(root) else "outside the folder"
            return f"{name} -> {to}"
        when = f"{datetime.fromtimestamp(status.st_mtime).astimezone():%Y-%m-%d %H:%M}"
    except (OSError, RuntimeError, ValueError, OverflowError):
        return name
    if stat.S_ISDIR(status.st_mode):
        return f"{name}/"
    return f"{name}  {size_of(status.st_size)}  {when}" if stat.S_ISREG(status.st_mode) else f"{name}  (no file)"
