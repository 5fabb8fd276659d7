"""The tools of a session, put together: everything that a model may use beside the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import anyio

from agent.events import SessionStarted
from agent.mcp.config import ServerConfig
from agent.models.window import known_window
from agent.office import schemas
from agent.ports import Computer, Model
from agent.session import Session
from agent.tools.base import Room, Tool
from agent.tools.folder import Folder
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import Word
from ui.settings.config import config_path
from ui.settings.kinds import TOOL_NAMES
from vm.local import LocalComputer
from vm.places import names_of_folder, place_of

FOR_DOCUMENTS = schemas.NAMES
SMALL = 64_000  # tokens of a window in which these leave too little room; the shell and files can do their work
_HEAVY = (
    "agent.tools.files",
    "agent.tools.shell",
    "vm.beside",
)


async def open_tools(
    computer: Computer,
    offered: Sequence[Word] | None,
    model: Model,
    session: Session,
    started: SessionStarted,
    servers: Sequence[ServerConfig],
    names: Sequence[str] | None,
    say: Callable[[str], None],
) -> Toolbox:
    """The tools for one session. Programs and LibreOffice start when they are first wanted, the user's servers now.

    Args:
        offered: what the session's model was offered before.
        model: whose window says how much of them it has room for.
        servers: MCP servers of the user's.
        names: of our own tools, those that are wanted (`ui.settings.kinds.TOOL_NAMES`); None for all that
            the model has room for.
        say: told what they should know: a server that does not start, for one.
    """
    from vm.beside import open_programs

    if learn := getattr(model, "learn_window", None):
        await learn()
    left_out = () if names is not None or offered else too_much_for(model)
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
        chosen = tuple(name for name in TOOL_NAMES if name not in left_out) if names is None else names
        return Toolbox((*ALWAYS, *ours(room, chosen), *theirs), room=room, offered=offered, left_out=left_out)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await room.closing.aclose()
        raise


def too_much_for(model: Model) -> tuple[str, ...]:
    """The tools that a model with a small window is not offered, unless the user names them."""
    window = known_window(model)
    return FOR_DOCUMENTS if window is not None and window < SMALL else ()


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


def ours(room: Room, names: Sequence[str] | None = None) -> tuple[Tool, ...]:
    """Our own tools; `names` are those that are wanted, None for all."""
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

    each: dict[str, Callable[[Room], tuple[Tool, ...]]] = {
        "shell": shell_tools,
        "apply_patch": patch_tools,
        "files": file_tools,
        "inspect": inspect_tools,
        "render": render_tools,
        "spreadsheet": spreadsheet_tools,
        "slides": slides_tools,
        "document": document_tools,
        "pdf": pdf_tools,
        "remember": memory_tools,
        "skill": partial(skill_tools, config_folder=config_path().parent),
    }
    return tuple(tool for name in (TOOL_NAMES if names is None else names) for tool in each[name](room))
