"""Talking to a server through its standard input and output, however it behaves: bounded lines, bounded noise.

One JSON-RPC message a line, as the protocol has it. What else a server writes there is passed over, if it is little.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from agent.mcp.program import Program

LONGEST_LINE = 32 << 20  # bytes; pictures come as text in one line
NOISE = 200  # lines that are no messages
LEAVE_SECONDS = 1.0  # for a server to end by itself once its input is closed
ERRORS_BYTES = 256 * 1024  # of its standard error that are kept
_CHUNK = 1 << 16

Incoming = MemoryObjectSendStream[SessionMessage | Exception]
Outgoing = MemoryObjectReceiveStream[SessionMessage]


class Line:
    """The line to one server.

    Attributes:
        ended: set when it can be used no more.
        reason: why, for people; "" while it can.
    """

    def __init__(self, program: Program, errors: Path, secrets: Sequence[str] = ()) -> None:
        self.ended = anyio.Event()
        self.reason = ""
        self._program = program
        self._errors = _KeptErrors(errors, secrets)
        self._leaving = False
        self._noise = 0

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[tuple[Any, Any]]:
        """The two streams that a client of the library works on; at the end the program is ended."""
        to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        from_client, to_server = anyio.create_memory_object_stream[SessionMessage](0)
        async with self._pipes() as (reader, writer, protocol, errors), anyio.create_task_group() as tasks:
            try:
                tasks.start_soon(self._listen, reader, to_client)
                tasks.start_soon(self._speak, writer, to_server)
                tasks.start_soon(self._notice_lost, protocol)
                tasks.start_soon(self._keep_errors, errors)
                yield from_server, from_client
            finally:
                self._leaving = True
                from_client.close()  # its writer closes the server's input, which asks it to leave
                with anyio.CancelScope(shield=True):
                    await self._leave()
                tasks.cancel_scope.cancel()
                for stream in (to_client, from_server, from_client, to_server):
                    stream.close()

    @asynccontextmanager
    async def _pipes(
        self,
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter, _Input, asyncio.StreamReader]]:
        program = self._program
        async with AsyncExitStack() as stack:
            stack.push_async_callback(anyio.to_thread.run_sync, program.close)
            input_ = stack.enter_context(os.fdopen(program.input, "wb", buffering=0))
            output = stack.enter_context(os.fdopen(program.output, "rb", buffering=0))
            errors = stack.enter_context(os.fdopen(program.errors, "rb", buffering=0))
            writer, protocol = await _writer(input_)
            stack.callback(_abort, writer)
            yield await _reader(output, stack), writer, protocol, await _reader(errors, stack)

    async def _leave(self) -> None:
        await self._status_at_the_end()
        await anyio.to_thread.run_sync(self._program.close)

    async def _status_at_the_end(self) -> int | None:
        """Of the program, which is given some time to end by itself; None where it does not."""
        with anyio.move_on_after(LEAVE_SECONDS):
            while (status := await anyio.to_thread.run_sync(self._program.status)) is None:
                await anyio.sleep(0.02)
            return status
        return None

    def _end(self, reason: str) -> None:
        if not self._leaving:
            self.reason = self.reason or reason
        self.ended.set()

    # ---- its output

    async def _listen(self, reader: asyncio.StreamReader, to_client: Incoming) -> None:
        async with to_client:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._messages(reader, to_client)

    async def _messages(self, reader: asyncio.StreamReader, to_client: Incoming) -> None:
        parts: list[bytes] = []
        size = 0
        while chunk := await reader.read(_CHUNK):
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                if not await self._take(b"".join((*parts, line)), to_client):
                    return
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            if size > LONGEST_LINE:
                self._end(f"it wrote more than {LONGEST_LINE >> 20} MB in one line")
                return
        self._end(await self._how_it_ended("it closed its standard output"))

    async def _take(self, line: bytes, to_client: Incoming) -> bool:
        """One line; False when there is no use in reading on."""
        try:
            message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            self._noise += bool(line.strip())
            if self._noise > NOISE:
                self._end("it writes other things than messages of the protocol to its standard output")
            return self._noise <= NOISE
        await to_client.send(SessionMessage(message))
        return True

    async def _how_it_ended(self, otherwise: str) -> str:
        status = await self._status_at_the_end()
        if status is not None:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            otherwise = f"it ended ({how})"
        return f"{otherwise}{self._errors.last_words()}"

    # ---- its input

    async def _speak(self, writer: asyncio.StreamWriter, to_server: Outgoing) -> None:
        try:
            async for message in to_server:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                writer.write(line.encode("utf-8", "replace") + b"\n")
                await writer.drain()
        except (OSError, anyio.ClosedResourceError):
            pass  # told by `_notice_lost`
        finally:
            writer.close()
            to_server.close()

    async def _notice_lost(self, protocol: _Input) -> None:
        """A server that closes its input need not end, and would never answer."""
        await protocol.lost.wait()
        self._end(await self._how_it_ended("it reads its standard input no more"))

    # ---- its errors

    async def _keep_errors(self, reader: asyncio.StreamReader) -> None:
        with self._errors:
            while chunk := await reader.read(_CHUNK):
                self._errors.write(chunk)


class _KeptErrors:
    """What a program writes to its standard error: the beginning and the end of it, in a file for this user alone.

    Args:
        secrets: what is never written there.
    """

    def __init__(self, path: Path, secrets: Sequence[str]) -> None:
        self._path = path
        self._secrets = [secret.encode() for secret in secrets]
        self._line = b""  # that has no end yet: a secret may be in the middle
        self._file: IO[bytes] | None = None
        self._size = 0
        self._tail = b""

    def __enter__(self) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
            self._size = self._path.stat().st_size

    def __exit__(self, *_: object) -> None:
        self._keep(self._line)
        if self._file:
            with suppress(OSError):
                if self._size > ERRORS_BYTES:
                    self._file.write(b"\n[... cut here; the end was:]\n" + self._tail)
                self._file.close()
        self._file = None

    def write(self, chunk: bytes) -> None:
        """Keep it, as far as there is room."""
        whole, end, self._line = (self._line + chunk).rpartition(b"\n")
        if len(self._line) > _CHUNK:
            whole, end, self._line = whole + end + self._line, b"", b""
        self._keep(whole + end)

    def _keep(self, chunk: bytes) -> None:
        for secret in self._secrets:
            chunk = chunk.replace(secret, b"[secret]")
        room = max(0, ERRORS_BYTES - self._size)
        self._size += len(chunk)
        self._tail = (self._tail + chunk)[-4096:]
        if self._file and room:
            with suppress(OSError):
                self._file.write(chunk[:room])

    def last_words(self) -> str:
        """The last line that it wrote, for people."""
        self._keep(self._line)
        self._line = b""
        lines = [line for line in self._tail.decode("utf-8", "replace").splitlines() if line.strip()]
        words = "".join(sign if sign.isprintable() else " " for sign in lines[-1])[:300] if lines else ""
        return f" and said: {words.strip()}" if words else ""


async def _reader(file: IO[bytes], stack: AsyncExitStack) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
    transport, _ = await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader, loop=loop), file)
    stack.callback(transport.close)
    return reader


def _abort(writer: asyncio.StreamWriter) -> None:
    with suppress(AttributeError):  # what it raises where it is closed already
        writer.transport.abort()


class _Input(asyncio.streams.FlowControlMixin):
    """Tells when nobody reads any more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


async def _writer(file: IO[bytes]) -> tuple[asyncio.StreamWriter, _Input]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(lambda: _Input(loop), file)
    return asyncio.StreamWriter(transport, protocol, None, loop), protocol
