"""Talking to a server over HTTP: with the user's headers, and never more of an answer than fits."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from agent.errors import ToolFault
from agent.mcp.config import ServerConfig

MOST_BYTES = 32 << 20  # of one answer
CONNECT_SECONDS = 20.0
SHORTEST_SECRET = 8  # characters; shorter values, "read" or "1", are words of any text


class Road:
    """The way to one server.

    Attributes:
        status: of its last answer, for people, if that was a refusal; else "".
    """

    def __init__(self, server: ServerConfig) -> None:
        self.status = ""
        self._server = server

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[tuple[Any, Any]]:
        """The two streams that a client of the library works on.

        Raises:
            ToolFault: a variable of the environment is not set.
        """
        server = self._server
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=server.longest_seconds)
        hooks: dict[str, list[Any]] = {"response": [self._look_at]}
        async with (
            httpx2.AsyncClient(headers=headers_of(server), timeout=timeout, event_hooks=hooks) as client,
            streamable_http_client(server.url, http_client=client, max_sse_event_size=MOST_BYTES) as streams,
        ):
            yield streams

    async def _look_at(self, response: httpx2.Response) -> None:
        if response.status_code in (401, 403):
            self.status = (
                f"it wants to know who you are (HTTP {response.status_code}); give it a token by token_from or "
                f"headers_from in [mcp.{self._server.name}]"
            )
        elif response.status_code >= 500 or response.status_code == 429:
            self.status = f"it answers HTTP {response.status_code}"
        elif response.status_code < 400:
            self.status = ""
        if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A body that breaks off when it is too long."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._body:
            size += len(chunk)
            if size > MOST_BYTES:
                raise httpx2.ReadError(f"the answer has more than {MOST_BYTES >> 20} MB")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


def headers_of(server: ServerConfig) -> dict[str, str]:
    """What is sent with every request.

    Raises:
        ToolFault: a variable of the environment is not set.
    """
    headers = dict(server.headers)
    headers |= {name: value_of(variable, server) for name, variable in server.headers_from.items()}
    if server.token_from:
        headers["Authorization"] = f"Bearer {value_of(server.token_from, server)}"
    return headers


def value_of(variable: str, server: ServerConfig) -> str:
    """A variable of the environment that a server is to have.

    Raises:
        ToolFault: it is not set.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise ToolFault(
            f"the variable {variable}, which [mcp.{server.name}] names, is not set; export it and try again"
        )
    return value


def secrets_of(server: ServerConfig) -> tuple[str, ...]:
    """What the user has given a server for it alone, and nobody else should read."""
    variables = (*server.env, *server.headers_from.values(), server.token_from)
    values = (*server.set.values(), *server.headers.values(), *(os.environ.get(name, "") for name in variables if name))
    return tuple(value for value in values if len(value) >= SHORTEST_SECRET)
