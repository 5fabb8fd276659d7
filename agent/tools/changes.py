"""Changes to several files of the task's folder: all of them or none.

What is new is written beside its place first, then everything is renamed, and renamed back if one of it fails. A plan
on disk says what is under way, so that what a killed process has left is put back by the next that looks (`mend`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from agent.errors import ToolFault
from agent.tools.folder import Folder

_PLAN = re.compile(r"\.deskhand-[0-9a-f]{8}\.plan")
_SCRATCH = re.compile(r"\..+\.[0-9a-f]{8}\.(new|old)", re.DOTALL)
_LARGEST_PLAN = 50_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Put:
    """A file with this content, new or in place of the one that is there.

    Attributes:
        like: an existing file whose rights it gets; `path` itself where that exists.
        trash: a folder where what is replaced goes; None to lose it.
    """

    path: Path
    data: bytes
    like: Path | None = None
    trash: Path | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A file or folder once more; what is at `path` already is replaced."""

    source: Path
    path: Path
    trash: Path | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A file or folder at another place; what is at `path` already is replaced."""

    source: Path
    path: Path
    trash: Path | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """A file or folder that goes; into the folder `trash`, unless that is None."""

    path: Path
    trash: Path | None = None


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder, with those that it needs above it."""

    path: Path


Change: TypeAlias = Put | Copy | Move | Remove | MakeFolder
_Reached: TypeAlias = Literal["written", "done"]
# ("keep", a, b): a is called b as well or instead, for what comes to a's place. ("move", a, b): a is called b.
Step: TypeAlias = tuple[Literal["keep", "move"], Path, Path]


@dataclass
class _Plan:
    """What is under way: `staged` files are ours, `discarded` are to go at the end, `made` folders were not there."""

    staged: list[Path] = field(default_factory=list[Path])
    steps: list[Step] = field(default_factory=list[Step])
    discarded: list[Path] = field(default_factory=list[Path])
    made: list[Path] = field(default_factory=list[Path])


def trash_of(folder: Folder) -> Path:
    """A new folder, not made yet, for what one call removes."""
    return folder.path / ".trash" / f"{datetime.now().astimezone():%Y-%m-%d %H.%M.%S} {secrets.token_hex(2)}"


def carry_out(folder: Folder, changes: Sequence[Change]) -> None:
    """Do all of the changes at once; each speaks of the files as they are before. No two may be about one place.

    Args:
        changes: at least one.

    Raises:
        ToolFault: one could not be done (full disk, read-only folder, …), and nothing has changed.
    """
    mend(folder)
    _check_writable(folder, changes)
    plan = _planned(folder, changes)
    culprit = changes[0].path
    try:
        with _written_down(folder, plan) as reached:
            for made in plan.made:
                culprit = made
                made.mkdir(exist_ok=True)
            for change, scratch in zip((each for each in changes if _has_content(each)), plan.staged, strict=True):
                culprit = change.path
                _stage(change, scratch)
            reached("written")
            for step in plan.steps:
                culprit = step[2] if _SCRATCH.fullmatch(step[1].name) else step[1]
                _do(step)
            reached("done")
    except OSError as error:
        raise folder.cannot_write(culprit, error) from None
    for change in changes:
        if isinstance(change, Move):
            folder.note(change.source)
    for change in changes:
        if not change.path.is_dir():
            folder.note(change.path)


def mend(folder: Folder) -> None:
    """Put back what a process that was killed had begun; what it had finished is tidied up."""
    with suppress(OSError):
        for entry in os.scandir(folder.path):
            if _PLAN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError, ValueError):
                    _mend(folder, Path(entry.path))


def _planned(folder: Folder, changes: Sequence[Change]) -> _Plan:
    plan = _Plan()
    vacated = {change.source for change in changes if isinstance(change, Move)}
    vacated |= {change.path for change in changes if isinstance(change, Remove)}
    settle: list[Step] = []
    for change in changes:
        _need_folders(plan, change.path if isinstance(change, MakeFolder) else change.path.parent)
        if isinstance(change, MakeFolder):
            continue
        if not isinstance(change, Move) and (isinstance(change, Remove) or _is_in_the_way(change.path, vacated)):
            _put_away(folder, plan, change.path, change.trash, "move" if isinstance(change, Remove) else "keep")
        if isinstance(change, Move):
            if _is_in_the_way(change.path, vacated):
                _put_away(folder, plan, change.path, change.trash, "keep")
            between = _scratch(change.source, "old")
            plan.steps.append(("move", change.source, between))
            settle.append(("move", between, change.path))
        elif not isinstance(change, Remove):
            plan.staged.append(_scratch(change.path, "new"))
            settle.append(("move", plan.staged[-1], change.path))
    plan.steps += settle
    return plan


def _is_in_the_way(path: Path, vacated: set[Path]) -> bool:
    return os.path.lexists(path) and path not in vacated


def _put_away(folder: Folder, plan: _Plan, path: Path, trash: Path | None, kind: Literal["keep", "move"]) -> None:
    if trash is None:
        plan.discarded.append(_scratch(path, "old"))
        plan.steps.append((kind, path, plan.discarded[-1]))
    else:
        place = trash / path.relative_to(folder.path)
        _need_folders(plan, place.parent)
        plan.steps.append((kind, path, place))


def _need_folders(plan: _Plan, path: Path) -> None:
    missing: list[Path] = []
    while path not in plan.made and not path.is_dir():
        missing.append(path)
        path = path.parent
    plan.made += reversed(missing)


def _scratch(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.{suffix}")


def _has_content(change: Change) -> bool:
    return isinstance(change, Put | Copy)


def _stage(change: Change, scratch: Path) -> None:
    """Write what is new, whole, with the rights of what it takes the place of."""
    if isinstance(change, Copy):
        if change.source.is_dir():
            shutil.copytree(change.source, scratch, symlinks=True)
            return
        shutil.copy2(change.source, scratch)
    elif isinstance(change, Put):
        with scratch.open("xb") as file:
            file.write(change.data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            scratch.chmod(stat.S_IMODE((change.like or change.path).stat().st_mode))


def _do(step: Step) -> None:
    kind, source, target = step
    if kind == "keep" and source.is_file() and not source.is_symlink():
        with suppress(OSError):
            target.hardlink_to(source)  # so that there is never a moment without the file
            return
    if os.path.lexists(target) and kind == "move" and not _SCRATCH.fullmatch(source.name):
        raise FileExistsError(17, "something else is there", str(target))
    source.replace(target)


def _undo(step: Step) -> None:
    """Put back; safe for steps that were not taken, once all that is new is written."""
    kind, source, target = step
    if not os.path.lexists(target):
        return
    if kind == "keep":
        target.replace(source)
        if os.path.lexists(target):
            target.unlink()  # both were one file, which a rename leaves alone
    elif not os.path.lexists(source):
        target.replace(source)


@contextmanager
def _written_down(folder: Folder, plan: _Plan) -> Generator[Callable[[_Reached], None]]:
    """Everything is undone unless what this yields is called with "done" at the end."""
    path = folder.path / f".deskhand-{secrets.token_hex(4)}.plan"
    file = _begun(path, plan, folder)
    now = ""

    def reached(stage: _Reached) -> None:
        nonlocal now
        if file is not None:
            os.write(file, f"{stage}\n".encode())
        now += f"{stage}\n"

    try:
        yield reached
    finally:
        undone = _ended(plan, now)
        if file is not None:
            os.close(file)
        if not undone:
            raise ToolFault("A change failed halfway, and not all of it could be put back. Look at the files.")
        _discard([path])


def _begun(path: Path, plan: _Plan, folder: Folder) -> int | None:
    """The plan on disk, held by a lock as long as this process lives; None where there can be none."""
    from filelock import lock_descriptor

    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return None  # the folder itself cannot be written; those in it may
    try:
        lock_descriptor(file, blocking=False)
        with open(os.dup(file), "wb") as whole:
            whole.write(_encoded(plan, folder.path))
        os.fsync(file)
    except OSError:
        os.close(file)
        _discard([path])
        raise
    return file


def _ended(plan: _Plan, stages: str) -> bool:
    """Tidy up after what is done, and put back what is not; False where that cannot be."""
    if stages == "written\ndone\n":
        _discard(plan.discarded)
        return True
    well = True
    # Before all was written no step was taken, and what is missing beside its place was not renamed to it.
    for step in reversed(plan.steps if stages.startswith("written\n") else ()):
        try:
            _undo(step)
        except OSError:
            well = False
    _discard(plan.staged)
    for made in reversed(plan.made):
        with suppress(OSError):
            made.rmdir()
    return well


def _discard(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _mend(folder: Folder, path: Path) -> None:
    from filelock import lock_descriptor

    file = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        if not lock_descriptor(file, blocking=False):
            return  # its process lives
        told, _, stages = os.read(file, min(os.fstat(file).st_size, _LARGEST_PLAN)).partition(b"\n")
        if not _ended(_decoded(told, folder), stages.decode()):
            return
    finally:
        os.close(file)
    _discard([path])


def _encoded(plan: _Plan, root: Path) -> bytes:
    def name(path: Path) -> str:
        return path.relative_to(root).as_posix()

    steps = [[kind, name(source), name(target)] for kind, source, target in plan.steps]
    told: dict[str, Any] = {"steps": steps}
    for part in ("staged", "discarded", "made"):
        told[part] = [name(path) for path in getattr(plan, part)]
    return json.dumps(told).encode() + b"\n"


def _decoded(data: bytes, folder: Folder) -> _Plan:
    """A plan as it was written down; one that was cut short comes from a process that had done nothing yet.

    Raises:
        ValueError: it is not one of ours.
    """
    try:
        told = cast("Mapping[str, Any]", json.loads(data))
        steps = [(kind, _inside(folder, source), _inside(folder, target)) for kind, source, target in told["steps"]]
        parts = {part: [_inside(folder, name) for name in told[part]] for part in ("staged", "discarded", "made")}
    except (ValueError, TypeError, KeyError, AttributeError):
        if data.endswith(b"}"):
            raise ValueError("not a plan of ours") from None
        return _Plan()
    if not all(_SCRATCH.fullmatch(path.name) for path in (*parts["staged"], *parts["discarded"])):
        raise ValueError("not a plan of ours")
    return _Plan(parts["staged"], cast("list[Step]", steps), parts["discarded"], parts["made"])


def _inside(folder: Folder, name: str) -> Path:
    try:
        parent = folder.resolve(str(Path(name).parent))
    except ToolFault as fault:
        raise ValueError(str(fault)) from None
    if Path(name).name in ("", ".."):
        raise ValueError(name)
    return parent / Path(name).name


def _check_writable(folder: Folder, changes: Sequence[Change]) -> None:
    for change in changes:
        if isinstance(change, Put | Copy | Move) and change.path.is_file() and not change.path.stat().st_mode & 0o222:
            raise ToolFault(f"{folder.name(change.path)} is read-only. Nothing was changed. Ask the user to unlock it.")
