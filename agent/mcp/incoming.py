"""What comes from a server, on whichever road: sifted on its way to the library.

One tool that breaks the protocol costs that tool only; the library would refuse the whole list for it. A flood of
messages that answer nothing ends the connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

import anyio
import mcp_types
from mcp.client import Client
from mcp.shared.message import SessionMessage
from mcp_types import methods
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from pydantic import ValidationError

MOST_PAGES = 50
MOST_TOOLS = 2_000  # that a server may tell of before it is not listened to any more
UNASKED = 20_000  # messages in a row that answer nothing
AT_ONCE, AT_ONCE_SECONDS = 1_000, 2.0  # the same, within so many seconds
_METHOD = "tools/list"
_READ = ("name", "title", "description", "inputSchema", "annotations")  # the rest is nothing to us, right or wrong
_LONGEST_REASON = 120  # characters

Refuse: TypeAlias = Callable[[str, str], None]
"""Told the name of a tool that is left out, and why."""


@asynccontextmanager
async def sifted(transport: Any, refuse: Refuse, flooded: Callable[[], None]) -> AsyncGenerator[tuple[Any, Any]]:
    """The two streams of a transport, the one from the server sifted.

    Args:
        flooded: is told that the stream ends here because there is no end to it.
    """
    async with transport as (read, write):
        yield Sifted(read, refuse, flooded), write


class Sifted:
    """A stream of messages from a server."""

    def __init__(self, stream: Any, refuse: Refuse, flooded: Callable[[], None]) -> None:
        self._stream = stream
        self._refuse = refuse
        self._flooded = flooded
        self._unasked = 0
        self._lately, self._since = 0, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> Sifted:
        return self

    async def __anext__(self) -> Any:
        return self._sift(await self._stream.__anext__(), StopAsyncIteration)

    async def receive(self) -> Any:
        """The next message."""
        return self._sift(await self._stream.receive(), anyio.EndOfStream)

    async def __aenter__(self) -> Sifted:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> bool | None:
        return await self._stream.__aexit__(*raised)

    def _sift(self, item: Any, end: type[Exception]) -> Any:
        message = item.message if isinstance(item, SessionMessage) else None
        if self._floods(answers=isinstance(message, mcp_types.JSONRPCResponse | mcp_types.JSONRPCError)):
            self._flooded()
            raise end
        if isinstance(message, mcp_types.JSONRPCResponse) and isinstance(message.result.get("tools"), list):
            message.result["tools"] = self._good(message.result)
        return item

    def _floods(self, *, answers: bool) -> bool:
        self._unasked = 0 if answers else self._unasked + 1
        if (now := anyio.current_time()) - self._since > AT_ONCE_SECONDS:
            self._lately, self._since = 0, now
        self._lately += not answers
        return self._unasked > UNASKED or self._lately > AT_ONCE

    def _good(self, result: dict[str, Any]) -> list[object]:
        told = cast("list[object]", result["tools"])[:MOST_TOOLS]
        tools = [_trimmed(tool) for tool in told]
        if not _fault(result, tools):
            return tools
        good: list[object] = []
        for tool in tools:
            if fault := _fault(result, [tool]):
                name = cast("dict[str, object]", tool).get("name") if isinstance(tool, dict) else ""
                self._refuse(name if isinstance(name, str) else "", fault)
            else:
                good.append(tool)
        return good


async def all_tools(client: Client) -> list[mcp_types.Tool]:
    """What a server offers, page by page."""
    if client.server_capabilities.tools is None:
        return []
    session: Any = client.session
    session.validate_tool_result = _unchecked  # the schema is the server's own, and could take for ever to check
    tools: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None or len(tools) > MOST_TOOLS:
            break
    return tools[:MOST_TOOLS]


async def _unchecked(name: str, result: object) -> None:
    del name, result


def _trimmed(tool: object) -> object:
    """What we read of a tool. A schema that only lacks its type is one of an object: many servers forget it."""
    if not isinstance(tool, dict):
        return tool
    told = {key: value for key, value in cast("dict[str, object]", tool).items() if key in _READ}
    schema = told.get("inputSchema")
    return (
        told | {"inputSchema": {"type": "object", **cast("dict[str, Any]", schema)}}
        if isinstance(schema, dict)
        else told
    )


def _fault(result: dict[str, Any], tools: list[object]) -> str:
    """Why tools of a result break the protocol; "" where they do not, or where all of the result does."""
    for version in (LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION):
        if _refused(version, result | {"tools": []}):
            continue  # an answer in the words of the other version, or none at all, which the library tells
        if fault := _refused(version, result | {"tools": tools}):
            return fault
    return ""


def _refused(version: str, result: dict[str, Any]) -> str:
    try:
        methods.parse_server_result(_METHOD, version, result)
    except ValidationError as error:
        return fault_of(error, 2)
    return ""


def fault_of(error: ValidationError, within: int = 0) -> str:
    """The first thing that is wrong, in a line; the first parts of its place may be left out."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"][within:])
    return f"{place or 'it'}: {first['msg']}"[:_LONGEST_REASON]
