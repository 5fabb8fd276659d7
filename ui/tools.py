"""The tools of a session, put together: everything that a model may use beside the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import anyio

from agent.events import SessionStarted
from agent.mcp.config import ServerConfig
from agent.ports import Computer
from agent.session import Session
from agent.tools.base import Room, Tool
from agent.tools.folder import Folder
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import Word
from ui.settings import config_path
from vm.local import LocalComputer
from vm.places import names_of_folder, place_of

_HEAVY = (
    "agent.tools.files",
    "agent.tools.shell",
    "vm.beside",
)


async def open_tools(
    computer: Computer,
    offered: Sequence[Word] | None,
    session: Session,
    started: SessionStarted,
    servers: Sequence[ServerConfig],
    say: Callable[[str], None],
) -> Toolbox:
    """The tools for one session. Programs and LibreOffice start when they are first wanted, the user's servers now.

    Args:
        offered: what the session's model was offered before.
        servers: MCP servers of the user's.
        say: told what they should know: a server that does not start, for one.
    """
    from vm.beside import open_programs

    folder = _folder(started)
    programs = await open_programs(folder.path, network=bool(started.network), say=say)
    local = computer if isinstance(computer, LocalComputer) else None
    room = Room(
        folder,
        programs,
        files=local.files if local else None,
        live=local.live_office if local else None,
    )
    room.closing.push_async_callback(programs.aclose)
    try:
        theirs = await _of_servers(servers, room, session, say) if servers else ()
        return Toolbox((*ALWAYS, *_ours(room), *theirs), room=room, offered=offered)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await room.closing.aclose()
        raise


def _folder(started: SessionStarted) -> Folder:
    return Folder(Path(started.workspace).resolve(), names_of_folder(place_of(started.computer)))


def prepare() -> None:
    """Load what takes most of a second, while the computer starts; `open_tools` does it otherwise."""
    for name in _HEAVY:
        import_module(name)


async def _of_servers(
    servers: Sequence[ServerConfig], room: Room, session: Session, say: Callable[[str], None]
) -> tuple[Tool, ...]:
    from agent.tools.mcp import open_servers
    from vm.servers import starter

    return await open_servers(servers, room, say, scratch=session.folder / "mcp", start=starter())


def _ours(room: Room) -> tuple[Tool, ...]:
    from agent.tools.apply_patch import patch_tools
    from agent.tools.document import document_tools
    from agent.tools.files import file_tools
    from agent.tools.inspect import inspect_tools
    from agent.tools.pdf import pdf_tools
    from agent.tools.remember import memory_tools
    from agent.tools.render import render_tools
    from agent.tools.shell import shell_tools
    from agent.tools.skills import skill_tools
    from agent.tools.slides import slides_tools
    from agent.tools.spreadsheet import spreadsheet_tools

    return (
        *shell_tools(room),
        *patch_tools(room),
        *file_tools(room),
        *inspect_tools(room),
        *render_tools(room),
        *spreadsheet_tools(room),
        *slides_tools(room),
        *document_tools(room),
        *pdf_tools(room),
        *memory_tools(room),
        *skill_tools(room, config_path().parent),
    )
