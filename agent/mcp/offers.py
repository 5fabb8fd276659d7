"""What a server offers, checked and named as a model can be offered it. A server's words are a third party's."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import mcp_types

from agent.mcp.config import ServerConfig
from agent.mcp.schemas import BadSchema, checked

MOST = 64  # tools of one server
MOST_BYTES = 200_000  # of all that one server's tools are told by
LONGEST_NAME = 64  # characters that providers take
DESCRIPTION = 1_500  # characters of a description
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_OWN_NAME = 200


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool of a server.

    Attributes:
        name: as the model is told it, unique.
        own_name: as the server calls it.
        only_reads: the server says so.
    """

    name: str
    own_name: str
    description: str
    schema: dict[str, Any]
    only_reads: bool


def offers_of(
    server: ServerConfig,
    tools: Iterable[mcp_types.Tool],
    say: Callable[[str], None],
    broken: Iterable[tuple[str, str]] = (),
) -> list[Offered]:
    """What of a server's tools can be offered; `say` is told what cannot, and why. Slow: run it in a thread.

    Args:
        broken: names of tools that are no tools at all, each with why.
    """
    taken: set[str] = set()
    out = [(name, why) for name, why in broken if server.tools is None or name in server.tools]
    refused = [f"{_shown(name)} ({why})" for name, why in out]
    found: list[Offered] = []
    size = 0
    told = list(tools)
    wanted = [tool for tool in told if server.tools is None or tool.name in server.tools]
    for tool in wanted[: 2 * MOST]:
        try:
            offered = _offered(server, tool, taken)
        except BadSchema as bad:
            refused.append(f"{_shown(tool.name)} ({bad})")
            continue
        size += len(json.dumps([offered.description, offered.schema]))
        if len(found) >= MOST or size > MOST_BYTES:
            break
        taken.add(offered.name)
        found.append(offered)
    if left := len(wanted) + len(out) - len(found) - len(refused):
        refused.insert(
            0, f"{left} that are too many (at most {MOST} of a server fit; name those you need in its table)"
        )
    if refused:
        more = f", and {len(refused) - 5} others" if len(refused) > 5 else ""
        say(f"Of the MCP server {server.name} these tools are not used: {'; '.join(refused[:5])}{more}.")
    if missing := sorted(set(server.tools or ()) - {tool.name for tool in told} - {name for name, _ in out}):
        say(f"The MCP server {server.name} has no tool {', '.join(map(_shown, missing))}, which its table names.")
    return found


def _offered(server: ServerConfig, tool: mcp_types.Tool, taken: set[str]) -> Offered:
    if not tool.name.strip() or len(tool.name) > _LONGEST_OWN_NAME:
        raise BadSchema("its name is empty or too long")
    name = _name(server.name, tool.name)
    if name in taken:
        raise BadSchema("there is another one of that name")
    hints = tool.annotations
    only_reads = bool(hints and hints.read_only_hint) and not (hints and hints.destructive_hint)
    return Offered(name, tool.name, _description(server, tool), checked(tool.input_schema), only_reads)


def _name(server: str, tool: str) -> str:
    """`mcp__SERVER__TOOL`; where that is not exactly the server's name, it ends with a piece of its hash."""
    plain = _STRANGE.sub("_", tool)
    name = f"mcp__{server}__{plain}"
    if plain == tool and len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(tool.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{mark}"


def _description(server: ServerConfig, tool: mcp_types.Tool) -> str:
    words = " ".join(f"{tool.title or ''} {tool.description or ''}".split())
    plain = "".join(sign if sign.isprintable() else " " for sign in words)
    cut = plain if len(plain) <= DESCRIPTION else plain[: DESCRIPTION - 1] + "…"
    return f"A tool of the MCP server “{server.name}”, which describes it so: {cut or 'nothing'}"


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in name[:60]) or "one without a name"
