"""Tools of MCP servers: the user's own, by configuration, each call under the user's yes as they have set it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from agent.errors import ToolFault
from agent.mcp.config import ServerConfig
from agent.mcp.program import Start
from agent.policy import Use
from agent.tools.base import Arguments, Context, Reply, Room, Tool

if TYPE_CHECKING:  # the library takes most of a second to load, and only sessions with servers need it
    from agent.mcp.offers import Offered
    from agent.mcp.server import Server

MOST_TOOLS = 100  # of all servers together; providers take 128 in all
SHOWN_VALUE, SHOWN = 300, 1_500  # characters of one argument, and of all of them, as people read a call
IN_ONE_LINE = 200  # characters of a call; a longer one has a line for each argument

Say = Callable[[str], None]


async def open_servers(
    configs: Sequence[ServerConfig], room: Room, say: Say, *, scratch: Path, start: Start | None = None
) -> tuple[Tool, ...]:
    """Start servers, all at once, and make tools of what they offer. They end with `room.closing`.

    A server that cannot be used is told and left out; the session goes on.

    Args:
        say: is told in a sentence what cannot be used, and why.
        scratch: a folder of the session's own: where programs run, and what they write to their standard error.
        start: how programs are started; None leaves that to the library.
    """
    if not configs:
        return ()
    await anyio.to_thread.run_sync(import_module, "agent.mcp.server")  # a second in which the user is still heard
    from agent.mcp.server import Server

    servers = [Server(config, room, start, scratch) for config in configs]
    room.closing.push_async_callback(_close, servers)
    tools: dict[str, list[Tool]] = {}

    async def open_one(server: Server) -> None:
        if server.config.tells_secrets_openly:
            say(f"The MCP server {server.config.name} is sent a secret unencrypted; use https in its url.")
        try:
            tools[server.config.name] = await _tools_of(server, say)
        except ToolFault as fault:
            say(str(fault))
            room.news.tell(f"{fault} Its tools are not there in this session.")

    async with anyio.create_task_group() as starting:
        for server in servers:
            starting.start_soon(open_one, server)
    found = [tool for config in configs for tool in tools.get(config.name, ())]
    if len(found) > MOST_TOOLS:
        say(f"The MCP servers have {len(found)} tools together; the first {MOST_TOOLS} are used. Name those you need.")
    return tuple(found[:MOST_TOOLS])


async def _close(servers: Sequence[Server]) -> None:
    async with anyio.create_task_group() as closing:
        for server in servers:
            closing.start_soon(server.aclose)


async def _tools_of(server: Server, say: Say) -> list[Tool]:
    from agent.mcp.offers import offers_of

    said: list[str] = []
    told = await server.open()
    offered = await anyio.to_thread.run_sync(offers_of, server.config, told, said.append, server.refused)
    for words in said:
        say(words)
    return [_tool(server, offer) for offer in offered]


def _tool(server: Server, offer: Offered) -> Tool:
    config = server.config

    async def run(arguments: Arguments, context: Context) -> Reply:
        from agent.mcp.results import reply_of

        if fault := _fault_in(offer, arguments):
            raise ToolFault(f"The arguments do not fit {offer.name}: {fault}. Nothing was sent.")
        result = await server.call(offer.own_name, dict(arguments), context)
        reply = await anyio.to_thread.run_sync(reply_of, result, config.name)
        return replace(reply, text=server.without_secrets(reply.text))

    def use(arguments: Arguments) -> Use | None:
        if _fault_in(offer, arguments):
            return None
        words = server.without_secrets(spelt_out(config.name, offer.own_name, arguments))
        return Use(offer.own_name, words, server=config.name, ask_before=asks_before(config, offer))

    return Tool(
        offer.name,
        offer.description,
        {},
        run,
        schema_of=offer.schema,
        in_words=lambda arguments: server.without_secrets(in_words(config.name, offer.own_name, arguments)),
        use=use,
        reads_only=config.ask_before == "changes" and offer.only_reads,
        touches_files=bool(config.command),
    )


def asks_before(config: ServerConfig, offer: Offered) -> bool:
    """Whether a call needs the user's yes. What a server says of its tools counts only where the user trusts it."""
    if config.ask_before == "nothing" or offer.own_name in config.without_asking:
        return False
    return config.ask_before == "every call" or not offer.only_reads


def spelt_out(server: str, tool: str, arguments: Arguments) -> str:
    """The whole call, for who must say yes to it."""
    told = [f"{_line(name)} = {json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items()]
    called, line = f"{server}: {_line(tool)}", ", ".join(told)
    if len(line) > IN_ONE_LINE:
        return "\n".join((called, *told))
    return f"{called} ({line})" if told else called


def _line(name: str) -> str:
    return name if name.isprintable() else json.dumps(name)


def in_words(server: str, tool: str, arguments: Arguments) -> str:
    """A call for people: what exactly is asked for, long values cut."""
    told = ", ".join(f"{name} = {_shown(value)}" for name, value in arguments.items())
    told = told if len(told) <= SHOWN else told[:SHOWN] + "…"
    plain = "".join(sign if sign.isprintable() else " " for sign in f"{server}: {tool} ({told})")
    return plain if told else plain.removesuffix(" ()")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}… ({len(text)} characters)"


def _fault_in(offer: Offered, arguments: Arguments) -> str:
    from agent.mcp.schemas import fault_in

    return fault_in(arguments, offer.schema)
