"""`apply_patch`: changes to text files as a patch, as OpenAI's models write it; all files of a patch, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from anyio import to_thread

from agent.errors import ToolFault
from agent.tools import changes
from agent.tools.base import Arguments, Context, Reply, Room, Tool
from agent.tools.coding import Coding, coding_of, is_unicode
from agent.tools.folder import Folder
from agent.tools.patching import Patched, patched
from agent.tools.v4a import Add, Change, Delete, Update, read_diff, read_patch

LARGEST = 20_000_000  # bytes of a file
LONGEST = 5_000_000  # characters of a patch
_MOST_NOTES = 10

_DESCRIPTION = """\
Create, change, move and delete text files of the task's folder. All of the patch is done, or nothing. Form:
*** Begin Patch
*** Update File: path/to/file.py
*** Move to: path/to/new.py        (only to rename it)
@@ class Name                      (only where the lines below occur more than once: a line above them)
 a line that stays
-a line that goes
+a line that comes
*** End of File                    (only if the hunk is the end of the file)
*** Add File: notes.txt
+every line of a new file
*** Delete File: old.txt
*** End Patch
Give about three lines that stay before and after each change, exactly as they are in the file; hunks in the \
file's order, each begun by @@. Paths are relative to the folder."""


def patch_tools(room: Room) -> tuple[Tool, ...]:
    """The tool, for one session."""
    changes.mend(room.folder)

    async def run(arguments: Arguments, _: Context) -> Reply:
        return await to_thread.run_sync(_applied, room.folder, arguments)

    return (
        Tool(
            "apply_patch",
            _DESCRIPTION,
            # Nullable, since a call of OpenAI's own tool has "operation" in its place.
            {
                "patch": {
                    "type": ["string", "null"],
                    "description": "From *** Begin Patch to *** End Patch; never null.",
                }
            },
            run,
            builtin="apply_patch",
            in_words=_in_words,
            touches_files=True,
        ),
    )


def _in_words(arguments: Arguments) -> str:
    try:
        told = [f"{_VERBS[type(change)]} {change.path}" for change in _asked_for(arguments)]
    except ToolFault:
        return "apply a patch"
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


_VERBS: Mapping[type[Change], str] = {Add: "create", Update: "edit", Delete: "delete"}


def _asked_for(arguments: Arguments) -> Sequence[Change]:
    operation = arguments.get("operation")
    if isinstance(operation, dict):
        return (_operation(cast("dict[str, Any]", operation)),)
    return read_patch(_text(arguments.get("patch"), "patch"))


def _operation(operation: Mapping[str, Any]) -> Change:
    path = _text(operation.get("path"), "path").strip()
    match operation.get("type"):
        case "delete_file":
            return Delete(path, 1)
        case "create_file" | "update_file" as kind:
            return read_diff(
                cast('Literal["create_file", "update_file"]', kind), path, _text(operation.get("diff"), "diff")
            )
        case other:
            raise ToolFault(f"There is no operation {other!r}; there are create_file, update_file and delete_file.")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ToolFault(f"{name} must be a text. Nothing was done.")
    if len(value) > LONGEST:
        raise ToolFault(f"{name} has {len(value)} characters; at most {LONGEST} fit. Nothing was done.")
    if not is_unicode(value):
        raise ToolFault(f"{name} has half a character (a lone surrogate). Nothing was done.")
    return value


def _applied(folder: Folder, arguments: Arguments) -> Reply:
    asked = _asked_for(arguments)
    places = _places(folder, asked)
    done: list[changes.Change] = []
    told: list[str] = []
    for change in asked:
        each, words = _prepared(folder, change, places)
        done += each
        told.append(words)
    changes.carry_out(folder, done)
    return Reply("\n".join(told))


def _places(folder: Folder, asked: Sequence[Change]) -> dict[str, Path]:
    """Where each path of the patch leads, no two to the same place."""
    whole = {change.path for change in asked if isinstance(change, Delete) or _only_moves(change)}
    texts = [text for change in asked for text in _paths(change)]
    places = {text: folder.place(text) if text in whole else folder.resolve(text) for text in texts}
    seen: dict[Path, str] = {}
    for change in asked:
        for text in _paths(change):
            if (place := places[text]) in seen:
                raise ToolFault(
                    f"Line {change.number} of the patch: {text} comes twice. Nothing was done. Put all hunks of a file "
                    "below one header."
                )
            seen[place] = text
    return places


def _only_moves(change: Change) -> bool:
    return isinstance(change, Update) and not change.hunks


def _paths(change: Change) -> tuple[str, ...]:
    return (change.path, change.to) if isinstance(change, Update) and change.to else (change.path,)


def _prepared(folder: Folder, change: Change, places: Mapping[str, Path]) -> tuple[list[changes.Change], str]:
    path = places[change.path]
    folder.check(path)
    match change:
        case Add():
            _must_be_free(folder, path, change.number)
            return [changes.Put(path, change.text.encode())], f"created {folder.name(path)} ({_lines(change.text)})"
        case Delete():
            _must_be_a_file(folder, path, change.number)
            trash = changes.trash_of(folder)
            kept = folder.name(trash / path.relative_to(folder.path))
            return [changes.Remove(path, trash)], f"deleted {folder.name(path)} (kept as {kept})"
        case Update():
            return _updated(folder, change, path, places)


def _updated(
    folder: Folder, change: Update, path: Path, places: Mapping[str, Path]
) -> tuple[list[changes.Change], str]:
    _must_be_a_file(folder, path, change.number)
    done: list[changes.Change] = []
    words = f"updated {folder.name(path)}"
    place = path
    if change.to:
        place = places[change.to]
        _must_be_free(folder, place, change.number)
        words = f"moved {folder.name(path)} to {folder.name(place)}"
        if not change.hunks:
            return [changes.Move(path, place)], words
        done.append(changes.Remove(path))
    text, coding = _read(folder, path)
    result = patched(folder.name(path), text, change.hunks)
    try:
        done.append(changes.Put(place, coding.encode(result.text), like=path))
    except ToolFault as fault:
        raise ToolFault(f"{folder.name(path)}: {fault}") from None
    return done, words + _counts(result)


def _counts(result: Patched) -> str:
    notes = result.notes[:_MOST_NOTES]
    more = len(result.notes) - len(notes)
    lines = [*notes, *([f"and {more} more of that kind"] if more else [])]
    return f": +{result.added} -{result.removed}" + "".join(f"\n  {line}" for line in lines)


def _read(folder: Folder, path: Path) -> tuple[str, Coding]:
    """The text of a file, and how it is written. Raises ToolFault."""
    name = folder.name(path)
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ToolFault(f"{name} has {size} bytes; apply_patch takes at most {LARGEST}. Nothing was changed.")
        data = path.read_bytes()
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror}. Nothing was changed.") from None
    coding = coding_of(data, whole=True)
    if coding is None:
        raise ToolFault(f"{name} is no text file, so it cannot be patched. Nothing was changed.")
    try:
        return coding.decode(data), coding
    except UnicodeDecodeError as error:
        raise ToolFault(f"{name} is damaged: {error.reason} at byte {error.start}. Nothing was changed.") from None


def _must_be_free(folder: Folder, path: Path, line: int) -> None:
    if path.exists():
        raise ToolFault(
            f"Line {line} of the patch: {folder.name(path)} is there already. Nothing was changed. "
            "Update it, or replace it as a whole with `change_files`."
        )


def _must_be_a_file(folder: Folder, path: Path, line: int) -> None:
    if path.is_symlink():
        return
    folder.resolve(str(path), there=True)
    if not path.is_file():
        raise ToolFault(f"Line {line} of the patch: {folder.name(path)} is no file. Nothing was changed.")


def _lines(text: str) -> str:
    count = text.count("\n") + (not text.endswith("\n") and bool(text))
    return f"{count} line{'' if count == 1 else 's'}"
