"""One server while a session lasts: started, asked for its tools, called, started once more when it dies, ended.

The connection lives in a task of its own, since whoever calls comes and goes, and may be cancelled at any moment.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types
from mcp import MCPError
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, get_default_environment, stdio_client
from pydantic import ValidationError

from agent.errors import Stop, ToolFault
from agent.mcp.config import ServerConfig
from agent.mcp.elicitation import answer_of
from agent.mcp.incoming import MOST_TOOLS, all_tools, fault_of, sifted
from agent.mcp.pipes import Line
from agent.mcp.program import Program, Start
from agent.mcp.web import Road, secrets_of, value_of
from agent.tools.base import Context, Room

RESTART_PAUSE = 1.0  # seconds
RESTARTS = 5  # of one session
LEAVING = 5.0  # seconds for a connection to end by itself
MOST_ASKED = 5  # questions of a server to the user, during one call

for _name in ("mcp", "client"):  # the library's loggers would print tracebacks into the user's terminal
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(eq=False)
class Call:
    """A call under way.

    Attributes:
        scope: its deadline is when the call is given up, unless there is a sign of progress.
        ends: when it is given up in any case.
        asked: questions to the user so far.
        stopped: what the user's answer to one of them ended the session with.
    """

    context: Context
    scope: anyio.CancelScope
    ends: float
    asked: int = 0
    stopped: Stop | None = None


class Server:
    """Safe to call from any task of the event loop, several at a time.

    Args:
        start: how its program is started; None leaves that to the library.
        scratch: a folder of the session, for where it runs and what it writes to its standard error.

    Attributes:
        refused: tools that break the protocol, each with why.
    """

    def __init__(self, config: ServerConfig, room: Room, start: Start | None, scratch: Path) -> None:
        self.config = config
        self.refused: list[tuple[str, str]] = []
        self._room = room
        self._start = start
        self._scratch = scratch
        self._client: Client | None = None
        self._lives: dict[asyncio.Task[None], anyio.CancelScope] = {}
        self._leave = anyio.Event()
        self._starting = anyio.Lock()
        self._why: Callable[[], str] = str
        self._reason = ""
        self._calls: list[Call] = []
        self._restarts = 0
        self._unanswered_restarts = 0
        self._changes_told = False
        self._closed = False

    # ---- its life

    async def open(self) -> list[mcp_types.Tool]:
        """Start it, and ask for its tools.

        Raises:
            ToolFault: it cannot be had; says why, for people and the model.
        """
        ready: asyncio.Future[list[mcp_types.Tool]] = asyncio.get_running_loop().create_future()
        scope = anyio.CancelScope(deadline=anyio.current_time() + self.config.start_seconds)
        self._leave, self._reason, self._why = anyio.Event(), "", str
        self.refused = []
        life = asyncio.create_task(self._live(ready, scope, self._leave), name=f"mcp {self.config.name}")
        self._lives[life] = scope
        life.add_done_callback(self._lives.pop)
        try:
            await asyncio.wait({ready, life}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            scope.cancel()
            raise
        if not ready.done():
            raise ToolFault(self._fault(f"could not be {'reached' if self.config.url else 'started'}", self._reason))
        return ready.result()

    async def aclose(self) -> None:
        """End it. Takes some seconds at most."""
        self._closed = True
        self._leave.set()
        lives = dict(self._lives)
        if lives and (late := (await asyncio.wait(lives, timeout=LEAVING))[1]):
            for life in late:
                lives[life].cancel()
            await asyncio.wait(late, timeout=LEAVING)

    async def _live(
        self, ready: asyncio.Future[list[mcp_types.Tool]], scope: anyio.CancelScope, leave: anyio.Event
    ) -> None:
        """The whole life of a connection."""
        client: Client | None = None
        try:
            with scope:
                async with self._connection() as (client, ended):
                    tools = await all_tools(client)
                    scope.deadline = float("inf")
                    self._client = client
                    ready.set_result(tools)
                    await self._stay(client, ended, leave)
        except Exception as error:
            self._reason = self._why() or _in_words(error)
        else:
            late = f"it did not answer within {self.config.start_seconds:g} s"
            self._reason = self._why() or (late if scope.cancelled_caught else "")
        finally:
            lost = client is not None and self._client is client
            if lost:
                self._client = None
        if lost and not self._closed and not self._calls:  # a call that is lost with it tells it
            begun = "connected to" if self.config.url else "started"
            self._room.news.tell(f"{self._fault('is gone', self._reason)} It is {begun} anew when you use it again.")

    async def _stay(self, client: Client, ended: anyio.Event, leave: anyio.Event) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._heed_changes, client)
            tasks.start_soon(_set_after, ended.wait, leave)
            await leave.wait()
            tasks.cancel_scope.cancel()

    async def _heed_changes(self, client: Client) -> None:
        """Newer servers tell that their tools have changed only to who listens for it."""
        tools = client.server_capabilities.tools
        if client.protocol_version < "2026" or not tools or not tools.list_changed:
            return
        with suppress(Exception):  # it need not offer this, and its end is noticed elsewhere
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._tell_changed()

    def _tell_changed(self) -> None:
        if self._changes_told:
            return
        self._changes_told = True
        self._room.news.tell(
            f"The MCP server {self.config.name} has changed its tools; this session keeps those that it began with."
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[tuple[Client, anyio.Event]]:
        """A client, and what is set when the other end is gone."""
        ended = anyio.Event()
        if self.config.url:
            road = Road(self.config)
            self._why = lambda: road.status
            transport = road.open()
        elif self._start is None:
            transport = self._by_library()
        else:
            line = await self._line(self._start)
            ended, self._why = line.ended, lambda: line.reason
            transport = line.open()

        def flooded() -> None:
            self._why = lambda: "it sends messages without end"
            ended.set()

        async with self._client_on(sifted(transport, self._refuse, flooded)) as client:
            yield client, ended

    def _refuse(self, name: str, why: str) -> None:
        if len(self.refused) < MOST_TOOLS:
            self.refused.append((name, f"it breaks the protocol: {why}"))

    def _client_on(self, transport: Any) -> Client:
        return Client(
            transport,
            elicitation_callback=self._asked_for,
            list_roots_callback=self._roots if self.config.command else None,
            message_handler=self._heard,
            client_info=mcp_types.Implementation(name="deskhand", version="1"),
            cache=None,
        )

    async def _line(self, start: Start) -> Line:
        argv, environment, cwd = await anyio.to_thread.run_sync(self._how_to_run)
        started: list[Program] = []
        try:
            with anyio.CancelScope(shield=True):  # started and forgotten, it would never be ended
                started.append(await anyio.to_thread.run_sync(start, argv, environment, cwd))
        except OSError as error:
            raise ToolFault(f"{argv[0]} cannot be started ({error})") from None
        return Line(started[0], self._errors, secrets_of(self.config))

    @asynccontextmanager
    async def _by_library(self) -> AsyncGenerator[Any]:
        (command, *args), environment, cwd = await anyio.to_thread.run_sync(self._how_to_run)
        with self._errors.open("a") as errors:
            how = StdioServerParameters(command=command, args=args, env=environment, cwd=cwd)
            async with stdio_client(how, errors) as streams:
                yield streams

    @property
    def _errors(self) -> Path:
        return self._scratch / f"{self.config.name}.log"

    def _how_to_run(self) -> tuple[list[str], dict[str, str], Path]:
        """The command, its environment and its folder; raises ToolFault."""
        import shutil

        config = self.config
        environment = get_default_environment() | dict(config.set)
        environment |= {name: value_of(name, config) for name in config.env}
        program = shutil.which(os.path.expanduser(config.command), path=environment.get("PATH"))  # noqa: PTH111
        if program is None:
            raise ToolFault(f"there is no program {config.command!r}; install it, or correct command in its table")
        cwd = config.cwd or self._scratch / config.name
        try:
            self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            cwd.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ToolFault(f"its folder {cwd} cannot be made ({error.strerror})") from None
        workspace = str(self._room.folder.path)
        return [program, *(word.replace("{workspace}", workspace) for word in config.args)], environment, cwd

    # ---- calls

    async def call(self, tool: str, arguments: dict[str, Any], context: Context) -> mcp_types.CallToolResult:
        """Call one of its tools.

        Raises:
            ToolFault: it did not work, or the server is gone; says why.
            Stop: the user ended the session when it asked them something.
        """
        client = await self._there()
        now = anyio.current_time()
        ends = now + self.config.longest_seconds
        scope = anyio.CancelScope(deadline=min(now + self.config.call_seconds, ends))
        call = Call(context, scope, ends)
        with scope:
            self._calls.append(call)
            try:
                result = await self._answer(client, tool, arguments, call)
                self._unanswered_restarts = 0
                return result
            finally:
                self._calls.remove(call)
        if call.stopped:
            raise call.stopped
        waited = f"{anyio.current_time() - now:.0f} s"
        raise ToolFault(
            f"The MCP server {self.config.name} did not answer within {waited}; it was told to stop. What it has done "
            "until then is not known: look before you try again."
        )

    async def _answer(
        self, client: Client, tool: str, arguments: dict[str, Any], call: Call
    ) -> mcp_types.CallToolResult:
        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            del progress, total, message
            call.scope.deadline = min(anyio.current_time() + self.config.call_seconds, call.ends)

        try:
            return await client.call_tool(tool, arguments, progress_callback=on_progress)
        except MCPError as error:
            if error.code == mcp_types.CONNECTION_CLOSED:
                raise ToolFault(await self._why_gone()) from None
            message = self._why() or " ".join(error.message.split())[:2000]
            raise ToolFault(self._fault("refuses", f"{message} (error {error.code})")) from None
        except Exception as error:
            raise ToolFault(
                f"{self._fault('answered with what is no answer', _in_words(error))} What it has done is not known: "
                "look before you try again."
            ) from None

    async def _why_gone(self) -> str:
        self._leave.set()
        if self._lives:
            await asyncio.wait(set(self._lives), timeout=LEAVING)
        return (
            f"{self._fault('is gone in the middle of the call', self._reason)} What it has done is not known: look "
            f"before you try again. {self._what_follows}"
        )

    @property
    def _what_follows(self) -> str:
        if self._gives_up:
            return "It is not started again."
        return f"The next call {'connects to it' if self.config.url else 'starts it'} anew."

    @property
    def _gives_up(self) -> bool:
        if self.config.url:  # it may be back any moment, and asking costs nothing
            return self._closed
        return self._closed or self._unanswered_restarts > 0 or self._restarts >= RESTARTS

    async def _there(self) -> Client:
        """The connection, made anew where it was lost."""
        async with self._starting:
            if self._client is None:
                if self._gives_up:
                    raise ToolFault(self._fault("is gone and is not started again", self._reason))
                self._restarts += 1
                self._unanswered_restarts += 1
                await anyio.sleep(RESTART_PAUSE)
                await self.open()
                assert self._client
            return self._client

    def _fault(self, what: str, why: str) -> str:
        return self.without_secrets(f"The MCP server {self.config.name} {what}{f': {why}' if why else ''}.")

    def without_secrets(self, text: str) -> str:
        """A text without what only the server should know: what it says goes into the journal, and to the model."""
        for secret in secrets_of(self.config):
            text = text.replace(secret, "[secret]")
        return text

    # ---- what it wants of us

    async def _heard(self, message: object) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._tell_changed()

    async def _roots(self, context: object) -> mcp_types.ListRootsResult:
        del context
        uri: Any = self._room.folder.path.as_uri()
        return mcp_types.ListRootsResult(roots=[mcp_types.Root(uri=uri, name="workspace")])

    async def _asked_for(
        self, context: object, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult | mcp_types.ErrorData:
        """A server wants something of the user: asked as a question, and only while it is called."""
        del context
        call = self._calls[-1] if self._calls else None
        if call is None or call.asked >= MOST_ASKED:
            return mcp_types.ElicitResult(action="decline")
        call.asked += 1
        began, before = anyio.current_time(), call.scope.deadline
        call.scope.deadline = float("inf")  # the user takes as long as they take
        try:
            return await answer_of(params, self.config.name, call.context, call.asked)
        except Stop as stop:
            call.stopped = stop
            call.scope.cancel()
            return mcp_types.ElicitResult(action="cancel")
        finally:
            if not call.stopped:
                took = anyio.current_time() - began
                call.ends += took
                call.scope.deadline = before + took


async def _set_after(wait: Callable[[], Any], event: anyio.Event) -> None:
    await wait()
    event.set()


def _in_words(raised: BaseException) -> str:
    """The first cause, in one line; a library's lists of faults are cut."""
    error = raised
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if isinstance(error, ValidationError):
        return fault_of(error)
    words = " ".join(str(error).split())[:500]
    if isinstance(error, ToolFault):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
