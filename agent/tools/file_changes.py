"""Writing, moving, copying and deleting files, as one list that is done as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.errors import ToolFault
from agent.tools import changes
from agent.tools.coding import is_unicode
from agent.tools.folder import Folder
from agent.tools.strict import Part

MOST = 5_000  # operations
_LISTED = 60  # operations that a reply tells one by one
_PROBLEMS = 8  # that a refusal names

_REPLACE = "True to put it in place of what is there, which then goes to the trash; null or false to refuse that."


class Write(Part):
    """A text file (UTF-8) with this content."""

    do: Literal["write"]
    path: str
    text: str
    replace: bool | None = Field(description=_REPLACE)


class Move(Part):
    """Move or rename a file or folder."""

    do: Literal["move"]
    path: str
    to: str = Field(description="The whole new path; ends with / to keep the name and name the folder only.")
    replace: bool | None = Field(description=_REPLACE)


class Copy(Part):
    """Copy a file or folder."""

    do: Literal["copy"]
    path: str
    to: str = Field(description="The whole new path; ends with / to keep the name and name the folder only.")
    replace: bool | None = Field(description=_REPLACE)


class MakeFolder(Part):
    """A folder, and those above it. Other operations make the folders that they need by themselves."""

    do: Literal["make_folder"]
    path: str


class Delete(Part):
    """Move a file or folder to the trash of the task's folder."""

    do: Literal["delete"]
    path: str


Operation: TypeAlias = Write | Move | Copy | MakeFolder | Delete


class ChangeFiles(Part):
    """Arguments of `change_files`."""

    operations: list[Annotated[Operation, Field(discriminator="do")]] = Field(
        description="All speak of the files as they are now, so a to b and b to a swaps them."
    )


@dataclass(frozen=True)
class _Planned:
    """An operation with its places: `source` is what is taken away or copied, `target` what is there afterwards."""

    number: int
    operation: Operation
    source: Path | None
    target: Path | None

    @property
    def vacates(self) -> bool:
        return isinstance(self.operation, Move | Delete)

    @property
    def replaces(self) -> bool:
        return bool(getattr(self.operation, "replace", None))


def change_files(folder: Folder, operations: Sequence[Operation]) -> str:
    """Do all of them, and say what was done.

    Raises:
        ToolFault: one cannot be done; says which, and nothing was changed.
    """
    if not 0 < len(operations) <= MOST:
        raise ToolFault(f"operations must be a list of 1 to {MOST}. Nothing was done.")
    planned = [_placed(folder, number, each) for number, each in enumerate(operations, start=1)]
    trash = changes.trash_of(folder)
    if problems := list(dict.fromkeys(_problems(folder, planned))):
        more = f" And {len(problems) - _PROBLEMS} more like these." if len(problems) > _PROBLEMS else ""
        raise ToolFault(f"{' '.join(problems[:_PROBLEMS])}{more} Nothing was done, of any operation.")
    changes.carry_out(folder, [_change(each, trash) for each in planned])
    return _told(folder, planned, trash)


def in_words(operations: Sequence[Operation]) -> str:
    """A call in one line for people."""
    if not operations:
        return "change nothing"
    if len(operations) == 1:
        one = operations[0]
        to = f" to {one.to}" if isinstance(one, Move | Copy) else ""
        return f"{one.do.replace('_', ' ')} {one.path}{to}"
    counts: dict[str, int] = {}
    for each in operations:
        counts[each.do] = counts.get(each.do, 0) + 1
    return ", ".join(f"{do.replace('_', ' ')} {count} file{'s' if count > 1 else ''}" for do, count in counts.items())


def _placed(folder: Folder, number: int, operation: Operation) -> _Planned:
    try:
        path = folder.place(operation.path)
        match operation:
            case Write(text=text) if not is_unicode(text):
                raise ToolFault("the text has half a character (a lone surrogate).")
            case Write():
                return _Planned(number, operation, None, folder.resolve(operation.path))
            case MakeFolder():
                return _Planned(number, operation, None, path)
            case Delete():
                return _Planned(number, operation, path, None)
            case Move() | Copy():
                to = operation.to + PurePosixPath(operation.path).name if operation.to.endswith("/") else operation.to
                return _Planned(number, operation, path, folder.place(to))
    except ToolFault as fault:
        raise ToolFault(f"Operation {number}: {fault} Nothing was done, of any operation.") from None


def _problems(folder: Folder, planned: Sequence[_Planned]) -> list[str]:
    vacated = {each.source for each in planned if each.vacates and each.source}
    targets: dict[Path, int] = {}
    sources: dict[Path, int] = {}
    problems: list[str] = []
    for each in planned:
        if each.source and (problem := _problem_of_source(folder, each, sources)):
            problems.append(problem)
        if each.target and (problem := _problem_of_target(folder, each, targets, vacated)):
            problems.append(problem)
        problems += _changed(folder, each)
    return problems or _nested(folder, planned, vacated, targets)


def _changed(folder: Folder, each: _Planned) -> list[str]:
    try:
        for path in (each.source, each.target):
            if path and not path.is_dir():
                folder.check(path)
    except ToolFault as fault:
        return [f"Operation {each.number}: {fault}"]
    return []


def _problem_of_source(folder: Folder, each: _Planned, sources: dict[Path, int]) -> str:
    source = each.source
    assert source is not None
    if not source.is_symlink():
        try:
            folder.resolve(str(source), there=True)
        except ToolFault as fault:
            return f"Operation {each.number}: {fault}"
    if not each.vacates:
        return ""
    if source in sources:
        return f"Operations {sources[source]} and {each.number} both take {folder.name(source)} away."
    sources[source] = each.number
    return ""


def _problem_of_target(folder: Folder, each: _Planned, targets: dict[Path, int], vacated: set[Path]) -> str:
    target = each.target
    assert target is not None
    name = folder.name(target)
    if isinstance(each.operation, MakeFolder):
        return f"Operation {each.number}: {name} is a file." if target.is_file() and target not in vacated else ""
    if target == each.source:
        return f"Operation {each.number}: {name} would be put in its own place."
    if target in targets:
        return f"Operations {targets[target]} and {each.number} would both be {name}."
    targets[target] = each.number
    if (target.exists() or target.is_symlink()) and target not in vacated:
        if not each.replaces:
            return f"Operation {each.number}: {name} is there already."
        if target.is_dir() and not target.is_symlink():
            return f"Operation {each.number}: {name} is a folder, which is not replaced; delete it first."
    if each.source and target.is_relative_to(each.source):
        return f"Operation {each.number}: {name} lies within what is put there."
    return ""


def _nested(folder: Folder, planned: Sequence[_Planned], vacated: set[Path], targets: Mapping[Path, int]) -> list[str]:
    """What is done within something that is moved or deleted by the same call, or below what becomes a file."""
    problems: list[str] = []
    for each in planned:
        for path in filter(None, (each.source, each.target)):
            above = next((outer for outer in path.parents if outer in vacated), None)
            if above and above.is_dir():
                problems.append(
                    f"Operation {each.number}: {folder.name(path)} lies in {folder.name(above)}, which goes in the "
                    "same call; do it in a call of its own."
                )
            elif each.target == path and (
                file := next((p for p in path.parents if _is_file(p, targets, planned)), None)
            ):
                problems.append(f"Operation {each.number}: {folder.name(file)} is a file, so nothing can lie in it.")
    return problems


def _is_file(path: Path, targets: Mapping[Path, int], planned: Sequence[_Planned]) -> bool:
    if path not in targets:
        return path.is_file()
    made = planned[targets[path] - 1]
    return made.source is None or not made.source.is_dir()


def _change(each: _Planned, trash: Path) -> changes.Change:
    source, target = each.source, each.target
    match each.operation:
        case Write(text=text):
            assert target
            return changes.Put(target, text.encode(), trash=trash)
        case MakeFolder():
            assert target
            return changes.MakeFolder(target)
        case Delete():
            assert source
            return changes.Remove(source, trash)
        case Move():
            assert source and target
            return changes.Move(source, target, trash)
        case Copy():
            assert source and target
            return changes.Copy(source, target, trash)


def _told(folder: Folder, planned: Sequence[_Planned], trash: Path) -> str:
    lines = [_line(folder, each) for each in planned[:_LISTED]]
    if len(planned) > _LISTED:
        lines.append(f"… and {len(planned) - _LISTED} more, all done")
    if trash.exists():
        lines.append(f"What went is kept in {folder.name(trash)}; move it from there to have it back.")
    return "\n".join(lines)


def _line(folder: Folder, each: _Planned) -> str:
    match each.operation:
        case Write(text=text):
            assert each.target
            return f"wrote {folder.name(each.target)} ({len(text)} characters)"
        case MakeFolder():
            assert each.target
            return f"folder {folder.name(each.target)}"
        case Delete():
            assert each.source
            return f"deleted {folder.name(each.source)}"
        case Move() | Copy() as one:
            assert each.source and each.target
            return (
                f"{'moved' if one.do == 'move' else 'copied'} {folder.name(each.source)} to {folder.name(each.target)}"
            )
