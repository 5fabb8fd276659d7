"""A well-behaved MCP server, of the official library: `python mcp_servers.py stdio`, or `http PORT`."""

from __future__ import annotations

import base64
import io
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ListRootsResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

server = MCPServer("good", log_level="ERROR")


class Order(BaseModel):
    """What the user is asked."""

    colour: str = Field(title="Colour", json_schema_extra={"enum": ["red", "green"]})
    pieces: int = Field(title="Pieces", ge=1, le=9)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def picture(width: int = 30, broken: bool = False) -> CallToolResult:
    """A red picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (width, 20), "red").save(file, "PNG")
    data = file.getvalue()[: 40 if broken else None]
    image = ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type="image/png")
    return CallToolResult(content=[TextContent(type="text", text="Here it is."), image])


@server.tool()
def resources() -> CallToolResult:
    """A text, some bytes and a link."""
    text = TextResourceContents(uri="memo:1", text="The memo.", mime_type="text/plain")
    blob = BlobResourceContents(uri="memo:2", blob=base64.b64encode(b"\0" * 30).decode(), mime_type="application/zip")
    return CallToolResult(
        content=[
            EmbeddedResource(type="resource", resource=text),
            EmbeddedResource(type="resource", resource=blob),
            ResourceLink(type="resource_link", name="more", uri="memo:3"),
        ],
        structured_content={"count": 3},
    )


@server.tool()
def long_text(size: int) -> str:
    """A text of that many characters."""
    return "x" * size


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("the printer is on fire")


@server.tool()
async def work(seconds: float, tell: bool, ctx: Context[Any, Any]) -> str:
    """Work for a while, and tell of progress."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await anyio.sleep(0.1)
        if tell:
            await ctx.report_progress(1, 2)
    return "worked"


async def _order() -> Elicit[Order]:
    return Elicit("How do you want it?", Order)


@server.tool()
async def order(what: str, wanted: Annotated[Order, Resolve(_order)]) -> str:
    """Order something, as the user likes it."""
    return f"{wanted.pieces} {wanted.colour} {what}"


@server.tool()
def environment(name: str) -> str:
    """A variable of the environment, and where this runs."""
    return f"{os.environ.get(name, '-')} {Path.cwd()} {os.getpid()}"


async def _roots() -> ListRoots:
    return ListRoots()


@server.tool()
def roots(told: Annotated[ListRootsResult, Resolve(_roots)]) -> str:
    """The folders that the client tells of."""
    return " ".join(str(root.uri) for root in told.roots)


@server.tool()
async def change(ctx: Context[Any, Any]) -> str:
    """Say that the tools have changed."""
    await ctx.notify_tools_changed()
    return "said"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[2]))
