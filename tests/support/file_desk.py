"""A folder, and the tools for its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anyio

from agent.tools.base import Reply, Room, Tool
from agent.tools.files import file_tools
from tests.support.room import call, room


class Desk:
    """A folder and the tools for it."""

    def __init__(self, folder: Path) -> None:
        self.room: Room = room(folder)
        self.folder = folder
        self.tools: Mapping[str, Tool] = {tool.name: tool for tool in file_tools(self.room)}

    def reply(self, tool: str, **arguments: object) -> Reply:
        return anyio.run(lambda: call(self.tools[tool], None, **arguments))

    def ask(self, tool: str, **arguments: object) -> str:
        return self.reply(tool, **arguments).text

    def change(self, *operations: Mapping[str, object]) -> Reply:
        full = [
            {"replace": None} | dict(each) if each["do"] in ("write", "move", "copy") else each for each in operations
        ]
        return self.reply("change_files", operations=full)


def move(path: str, to: str, **more: object) -> dict[str, object]:
    return {"do": "move", "path": path, "to": to, **more}


def contents(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".trash" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}
