"""Tools for the files of the task's folder: list, read, search and look, and one that changes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from anyio import to_thread
from pydantic import Field

from agent.errors import ToolFault
from agent.tools import changes, file_list, file_search, file_view
from agent.tools.base import Arguments, Context, Reply, Room, Tool
from agent.tools.file_changes import ChangeFiles, change_files, in_words
from agent.tools.file_read import LINES, Lines, Reader
from agent.tools.folder import Folder
from agent.tools.shared import shared
from agent.tools.strict import Part, parameters_of, parsed

_DEEPEST = 12  # levels of a tree
_LONGEST = 5_000  # characters of a pattern
P = TypeVar("P", bound=Part)


class ListFiles(Part):
    """Arguments of `list_files`."""

    path: str | None = Field(description="A folder; null for the task's folder.")
    pattern: str | None = Field(description="A glob like *.pdf or 2024/**/*.csv: what fits, at any depth, one a line.")
    depth: int | None = Field(description="Levels of the tree; null for 2.")
    hidden: bool | None = Field(description="True to show names that begin with a dot.")


class ReadFile(Part):
    """Arguments of `read_file`."""

    path: str
    start: int | None = Field(description="First line, from 1; -20 for the last 20 lines; null for the first.")
    lines: int | None = Field(description=f"How many; null for as many as fit, at most {LINES}.")
    at_byte: int | None = Field(description="In place of start, for huge files: whole lines from this byte on.")
    encoding: str | None = Field(description="Null to tell it from the file.")


class SearchFiles(Part):
    """Arguments of `search_files`."""

    pattern: str
    literal: bool | None = Field(description="True: the pattern is text. Null or false: a regular expression (Rust's).")
    match_case: bool | None
    path: str | None = Field(description="A file or folder; null for the task's folder.")
    names: str | None = Field(description="Only files whose name fits this glob, like *.csv.")
    around: int | None = Field(description="Lines to show before and after each match, 0 to 10; null for 0.")
    hidden: bool | None = Field(description="True to search in what begins with a dot, too.")


class ViewImage(Part):
    """Arguments of `view_image`."""

    path: str
    width: int | None = Field(description=f"Pixels, at most {file_view.WIDEST}; null for {file_view.WIDTH}.")
    region: list[int] | None = Field(description="Only this part: left, top, right, bottom in pixels of the picture.")
    page: int | None = Field(description="Of a TIFF or an animation, from 1; null for the first.")


def file_tools(room: Room) -> tuple[Tool, ...]:
    """The tools, for one session."""
    changes.mend(room.folder)
    folder, reader = room.folder, Reader()
    return (
        _tool(
            "list_files",
            "What is in a folder: names, sizes, dates.",
            ListFiles,
            partial(_list, folder),
            lambda told: f"list {told.path or 'the folder'}",
        ),
        _tool(
            "read_file",
            "Read a text file, with line numbers. Of a large one, a range at a time.",
            ReadFile,
            partial(_read, folder, reader),
            lambda told: f"read {told.path}",
        ),
        _tool(
            "search_files",
            "Search text files line by line. Documents, spreadsheets and PDFs are searched with `inspect`.",
            SearchFiles,
            partial(_search, folder),
            lambda told: f"search for {told.pattern[:80]}",
        ),
        _tool(
            "view_image",
            f"Look at a picture file ({', '.join(file_view.FORMATS)}). Documents and PDFs are looked at with `render`.",
            ViewImage,
            partial(_view, folder),
            lambda told: f"look at {told.path}",
        ),
        _tool(
            "change_files",
            "Write text files, move, rename, copy and delete files and folders: a list of operations, all of them done "
            "at once or none. To change a part of a text file use `apply_patch`.",
            ChangeFiles,
            partial(_change, folder),
            lambda told: in_words(told.operations),
            reads_only=False,
        ),
    )


def _tool(
    name: str,
    description: str,
    model: type[P],
    do: Callable[[P], str | Reply],
    words: Callable[[P], str],
    *,
    reads_only: bool = True,
) -> Tool:
    def said(arguments: Arguments) -> str:
        try:
            return words(parsed(model, arguments))
        except ToolFault:
            return name.replace("_", " ")

    parameters, definitions = shared(parameters_of(model))
    return Tool(
        name,
        description,
        parameters,
        _run(model, do),
        definitions=definitions,
        in_words=said,
        reads_only=reads_only,
        touches_files=True,
    )


def _run(model: type[P], do: Callable[[P], str | Reply]) -> Callable[[Arguments, Context], Awaitable[str | Reply]]:
    async def run(arguments: Arguments, _: Context) -> str | Reply:
        told = parsed(model, arguments)
        reply = await to_thread.run_sync(do, told)
        return _plain(reply) if isinstance(reply, str) else replace(reply, text=_plain(reply.text))

    return run


def _plain(text: str) -> str:
    """Without what no model can be sent: names on a disk may be any bytes."""
    return text.encode("utf-8", "replace").decode()


def _list(folder: Folder, told: ListFiles) -> str:
    path = folder.resolve(told.path or ".", there=True)
    if not path.is_dir():
        raise ToolFault(f"{folder.name(path)} is {'a file; read_file reads it' if path.is_file() else 'no folder'}.")
    if told.pattern:
        listing = file_list.matching(path, folder.path, told.pattern, hidden=bool(told.hidden))
    else:
        depth = min(max(told.depth or 2, 1), _DEEPEST)
        listing = file_list.tree(path, folder.path, depth, hidden=bool(told.hidden))
    if not listing.lines:
        return f"Nothing fits {told.pattern}." if told.pattern else f"{folder.name(path)} is empty."
    if listing.cut:
        listing.lines.append("… cut here; list a folder below, or give a pattern.")
    return "\n".join(listing.lines)


def _read(folder: Folder, reader: Reader, told: ReadFile) -> str:
    path = folder.resolve(told.path, there=True)
    name, lines = folder.name(path), min(max(told.lines or LINES, 1), LINES)
    try:
        if told.at_byte is not None:
            found = reader.at_byte(path, name, told.at_byte, lines, told.encoding)
        else:
            found = reader.read(path, name, told.start or 1, lines, told.encoding)
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror}.") from None
    folder.note(path)
    return _numbered(name, found)


_NEWLINES = {"\n": "", "\r\n": ", lines end in CRLF", "\r": ", lines end in CR"}


def _numbered(name: str, found: Lines) -> str:
    total = "" if found.total is None else f"{found.total} line{'' if found.total == 1 else 's'}, "
    head = f"{name}: {total}{file_list.size_of(found.size)}, {found.coding}{_NEWLINES[found.newline]}"
    if found.damaged:
        head += "; some bytes are no characters of it and stand as �"
    if not found.texts:
        return f"{head}; nothing there"
    if found.first is None:
        numbered = [f"(from byte {found.start})", *found.texts]
    else:
        numbered = [f"{number}\t{text}" for number, text in enumerate(found.texts, start=found.first)]
    return "\n".join([head, *numbered, *_more(found)])


def _more(found: Lines) -> list[str]:
    if not found.more:
        return []
    where = f"start {found.first + len(found.texts)}" if found.first else f"at_byte {found.end}"
    return [f"… more follows: {where}"]


def _search(folder: Folder, told: SearchFiles) -> str:
    if not 0 < len(told.pattern) <= _LONGEST:
        raise ToolFault(f"pattern must have 1 to {_LONGEST} characters.")
    path = folder.resolve(told.path or ".", there=True)
    if not path.is_dir() and not path.is_file():
        raise ToolFault(f"{folder.name(path)} is no file that could be searched.")
    found = file_search.search(
        folder.path,
        path,
        told.pattern,
        literal=bool(told.literal),
        match_case=bool(told.match_case),
        names=told.names,
        around=min(max(told.around or 0, 0), 10),
        hidden=bool(told.hidden),
    )
    return "\n".join([_summary(found), *found.lines])


def _summary(found: file_search.Found) -> str:
    more = (
        "" if found.complete else " (and perhaps more: the search was cut short; narrow it by path, names or pattern)"
    )
    told = (
        f"{found.matches} line{'' if found.matches == 1 else 's'} in {found.files} of {found.searched} text files{more}"
    )
    return f"{told}; not searched, no text: {_some(found.skipped)}" if found.skipped else told


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _view(folder: Folder, told: ViewImage) -> Reply:
    path = folder.resolve(told.path, there=True)
    if not path.is_file():
        raise ToolFault(f"{folder.name(path)} is no file.")
    width = None if told.width is None else max(told.width, file_view.SMALLEST)
    picture, words = file_view.view(path, folder.name(path), width, told.region, 1 if told.page is None else told.page)
    folder.note(path)
    return Reply(words, pictures=(picture,))


def _change(folder: Folder, told: ChangeFiles) -> str:
    return change_files(folder, told.operations)
