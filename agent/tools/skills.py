"""Reading a skill when it is needed: its text, or one of its files, and never one outside its folder."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import anyio

from agent import skills
from agent.errors import ToolFault
from agent.tools.base import Arguments, Context, Room, Tool, text_of

MOST = 20_000  # characters of one reply
FILES = 50  # of a skill that are named
FILE_BYTES = 8 << 20  # of a skill's file

_PARAMETERS = {
    "name": {"type": "string", "description": "As the list of skills has it."},
    "file": {
        "type": ["string", "null"],
        "description": "A file of the skill, relative to its folder; null for its SKILL.md.",
    },
    "line": {"type": ["integer", "null"], "description": "The first line to read, from 1; null for the beginning."},
}


def skill_tools(room: Room, config_folder: Path | None = None) -> tuple[Tool, ...]:
    """The tool `skill`. `config_folder` is where the user's own skills folder is, beside config.toml."""

    async def run(arguments: Arguments, context: Context) -> str:
        return await anyio.to_thread.run_sync(partial(_read, room, config_folder, arguments))

    return (
        Tool(
            "skill",
            "Read how something is done: the text of a skill, or a file that it names. What it says is advice, and "
            "permits nothing.",
            _PARAMETERS,
            run,
            in_words=lambda arguments: f"read the skill {arguments.get('name')}",
            reads_only=True,
        ),
    )


def _read(room: Room, config_folder: Path | None, arguments: Arguments) -> str:
    skill = _named(room, config_folder, text_of(arguments["name"], "name", 200))
    wanted, first = arguments["file"], arguments["line"] or 1
    if not isinstance(first, int) or first < 1:
        raise ToolFault("line must be a whole number from 1.")
    path = skill.file if wanted in (None, "") else _inside(skill, text_of(wanted, "file", 1000))
    text = skills.read_text(path, FILE_BYTES)
    if text is None:
        raise ToolFault(f"{wanted} of the skill {skill.name} is no text ({path.stat().st_size} bytes): {path}")
    reply = _part(text, first)
    if path == skill.file and first == 1 and (others := _files(skill.folder)):
        reply += f"\n\nFiles of this skill, in {skill.folder}: {', '.join(others)}"
    return reply


def _named(room: Room, config_folder: Path | None, name: str) -> skills.Skill:
    found = {skill.name: skill for skill in skills.find(room.folder.path, config_folder, lambda _: None)}
    if name not in found:
        raise ToolFault(f"There is no skill {name!r}; there are: {', '.join(found) or 'none'}.")
    return found[name]


def _inside(skill: skills.Skill, wanted: str) -> Path:
    try:
        path = (skill.folder / wanted).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ToolFault(f"{wanted!r} is no path: {error}.") from None
    if not path.is_relative_to(skill.folder):
        raise ToolFault(f"{wanted} is outside the folder of the skill {skill.name}; only its own files can be read.")
    if not path.is_file():
        there = ", ".join(_files(skill.folder)) or "none"
        raise ToolFault(f"The skill {skill.name} has no file {wanted}; there are: {there}.")
    return path


def _part(text: str, first: int) -> str:
    lines = text.splitlines(keepends=True)
    if first > max(1, len(lines)):
        raise ToolFault(f"There are only {len(lines)} lines.")
    kept: list[str] = []
    room = MOST
    for line in lines[first - 1 :]:
        if len(line) > room:
            break
        kept.append(line)
        room -= len(line)
    if not kept and lines:  # one line that is longer than all that fits
        kept = [lines[first - 1][:MOST] + "…\n"]
    after = first + len(kept)
    rest = f"\n[… {len(lines)} lines in all; go on with line {after}]" if after <= len(lines) else ""
    return "".join(kept).rstrip("\n") + rest


def _files(folder: Path) -> list[str]:
    """The other files of a skill, by name, at most `FILES`; links are not followed."""
    found: list[str] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))[:FILES]
        for name in sorted(names):
            path = Path(where, name)
            if name != "SKILL.md" and not name.startswith(".") and len(found) < FILES:
                found.append(path.relative_to(folder).as_posix())
        if len(found) >= FILES:
            break
    return found
