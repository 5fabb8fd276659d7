"""Files that a session is given: `--file`, copied into the folder that it works in."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Sequence
from pathlib import Path

from agent.errors import UserFault


def check_files(files: Sequence[Path], workspace: Path | None) -> None:
    """Whether all of them can be brought, before anything is made.

    Raises:
        UserFault: one cannot; says which, and why.
    """
    names: dict[str, Path] = {}
    for file in files:
        if not file.exists():
            raise UserFault(f"--file {file}: there is no such file")
        if not file.is_file():
            raise UserFault(f"--file {file} is no file; use --workspace for a folder")
        if names.setdefault(file.name, file) != file:
            raise UserFault(f"--file {file} and {names[file.name]} have the same name; rename one of them")
        there = workspace / file.name if workspace else None
        if there and there.exists() and not _same(file, there):
            raise UserFault(f"{there} exists already and differs from --file {file}; rename one of them")


def bring_files(files: Sequence[Path], workspace: Path) -> None:
    """Copy them, with their times, so that they do not count as made by the session.

    Raises:
        UserFault: one cannot be read or written.
    """
    for file in files:
        try:
            if not (workspace / file.name).exists():
                shutil.copy2(file, workspace / file.name)
        except OSError as error:
            raise UserFault(f"--file {file} cannot be copied into {workspace}: {error.strerror}") from None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
