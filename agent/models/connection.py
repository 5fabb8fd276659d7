"""The way to a provider, through the official client: requests go out, and answers come in, byte for byte."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import anyio

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai._types import RequestOptions

CONNECT_TIMEOUT = 10.0  # seconds
BUNDLE = 16_384  # bytes; a piece of this size is sent with what had gathered before it
DRAIN = 1.0  # seconds for the end of a stream after its last event, so that the connection can be used again
RawStream: TypeAlias = "AsyncStream[object]"
OVER: Final = object()
"""Comes after the last piece of an answer."""


class Connection:
    """One address with its key. Made with the first request; it can be used again after `aclose`.

    Args:
        timeout: seconds without a piece of the answer after which the request counts as lost.
    """

    def __init__(self, api_key: str, base_url: str, timeout: float) -> None:
        self._settings = (api_key, base_url, timeout)
        self._timeout = timeout
        self._client: AsyncOpenAI | None = None

    def client(self) -> AsyncOpenAI:
        """The client library, which takes most of a second to load."""
        if self._client is None:
            self._client = open_client(*self._settings)
        return self._client

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def stream(self, path: str, body: list[bytes]) -> RawStream:
        """Send a request whose answer is streamed.

        The client's typed events would reword what they do not know; here every item is as the provider wrote it.
        """
        from openai import AsyncStream

        return await self.client().post(
            path,
            content=_bundled(body),
            options=_options(body),
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    async def post(self, path: str, body: list[bytes], timeout: float) -> object:
        """Send a request that is answered in one piece, within so many seconds."""
        from httpx2 import Timeout

        options = _options(body) | {"timeout": Timeout(timeout, connect=CONNECT_TIMEOUT)}
        return await self.client().post(path, content=_bundled(body), options=options, cast_to=object)

    async def piece(self, stream: RawStream) -> object:
        """The next piece of an answer, or `OVER`. The deadline is for pieces: a line that is kept alive is none."""
        with anyio.fail_after(self._timeout):
            return await anext(stream, OVER)

    async def whole(self, stream: RawStream) -> tuple[Mapping[str, Any] | None, str]:
        """An answer from a server that does not stream: its JSON, None where it is no object, and its text."""
        with anyio.fail_after(self._timeout):
            text = (await stream.response.aread()).decode("utf-8", "replace")
        try:
            answer: object = json.loads(text)
        except ValueError:
            return None, text
        return cast("dict[str, Any]", answer) if isinstance(answer, dict) else None, text


def open_client(api_key: str, base_url: str, timeout: float) -> AsyncOpenAI:
    """The official client, which loads in most of a second. It retries nothing: that is for the user to see."""
    from httpx2 import Timeout
    from openai import AsyncOpenAI

    limits = Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
    return AsyncOpenAI(api_key=api_key, base_url=base_url, timeout=limits, max_retries=0)


def content_type(stream: RawStream) -> str:
    """What the server says that its answer is; "" where it does not."""
    return stream.response.headers.get("content-type", "")


async def drain(stream: RawStream) -> None:
    """Read to the end, if it comes at once: a connection that was read to its end can carry the next turn."""
    with suppress(Exception), anyio.move_on_after(DRAIN):  # the answer is whole, whatever becomes of the line
        async for _ in stream:
            pass


def _options(body: list[bytes]) -> RequestOptions:
    length = str(sum(map(len, body)))
    return {
        "headers": {"Content-Type": "application/json", "Content-Length": length},
        "follow_redirects": False,  # the key is for this address only
    }


async def _bundled(pieces: list[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces again, none too small: a hundred megabytes go out without being copied together."""
    held: list[bytes] = []
    for piece in pieces:
        held.append(piece)
        if len(piece) >= BUNDLE:
            yield b"".join(held)
            held = []
    yield b"".join(held)
