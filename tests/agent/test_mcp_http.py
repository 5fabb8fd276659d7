"""MCP servers over HTTP: one of the official library, and ones that misbehave."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.mcp.config import ServerConfig
from tests.agent.test_mcp import QuietUser, servers
from tests.support.mcp_broken import ECHO, NO_TOOLS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def library_server() -> Generator[str]:
    """The good server in a thread of its own; gives its address."""
    import socket

    import uvicorn

    from tests.support.mcp_servers import server as good

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            good.streamable_http_app(), log_level="critical", ws="none", timeout_graceful_shutdown=1
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            running.should_exit = True
            thread.join(20)


class BrokenServer(ThreadingHTTPServer):
    """Misbehaves as `how` says."""

    daemon_threads = True

    def __init__(self, how: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Broken)
        self.how = how
        self.seen: list[str | None] = []


class Broken(BaseHTTPRequestHandler):
    """Answers as `how` of its server says, once it has told its tools."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, BrokenServer)
        how = self.server.how
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(self.headers.get("Authorization"))
        match asked.get("method"):
            case _ if how == "401":
                self._send(401, b"{}")
            case "initialize":
                self._answer(
                    asked,
                    {
                        "protocolVersion": "2025-06-18",
                        "capabilities": {"tools": {}},
                        "serverInfo": {"name": "b", "version": "1"},
                    },
                )
            case "tools/list":
                self._answer(asked, {"tools": NO_TOOLS if how == "no-tools" else [ECHO]})
            case "tools/call":
                self._called(how)
            case _:
                self._send(404 if "id" in asked else 202, b"")

    def do_GET(self) -> None:
        self._send(405, b"")

    def do_DELETE(self) -> None:
        self._send(405, b"")

    def _called(self, how: str) -> None:
        match how:
            case "hangs":
                time.sleep(3)
                self.close_connection = True
            case "endless":
                self._without_end("application/json", b" " * 1_000_000)
            case "floods":
                told = b'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}\n\n'
                self._without_end("text/event-stream", told * 100)
            case "html":
                self._send(200, b"<h1>Welcome</h1>", "text/html")
            case "garbage":
                self._send(200, b"{{{", "application/json")
            case _:
                self._send(503, b"")

    def _without_end(self, kind: str, chunk: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(chunk)
        except OSError:
            return

    def _answer(self, asked: dict[str, Any], result: dict[str, Any]) -> None:
        self._send(
            200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode(), "application/json"
        )

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is logged."""


@contextmanager
def broken_server(how: str) -> Generator[tuple[str, list[str | None]]]:
    with BrokenServer(how) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/mcp", running.seen
        finally:
            running.shutdown()
            thread.join(20)


async def test_a_good_server_over_http(tmp_path: Path) -> None:
    with library_server() as url:
        async with servers(tmp_path, ServerConfig("web", url=url)) as opened:
            assert not opened.said and opened.tools["add"].name == "mcp__web__add"
            assert not opened.tools["add"].touches_files
            assert "5" in (await opened.use("add", a=2, b=3)).text
            assert (await opened.use("picture")).pictures
            assert "3 green lamps" in (await opened.use("order", QuietUser(["green", "3"]), what="lamps")).text
            assert "worked" in (await opened.use("work", seconds=0.3, tell=True)).text


async def test_one_that_cannot_be_reached_is_left_out(tmp_path: Path) -> None:
    async with servers(tmp_path, ServerConfig("web", url="http://127.0.0.1:9/mcp")) as opened:
        assert not opened.tools and "The MCP server web could not be reached: ConnectError" in opened.said[0]


async def test_a_tool_that_breaks_the_protocol_costs_that_tool_only(tmp_path: Path) -> None:
    with broken_server("no-tools") as (url, _):
        async with servers(tmp_path, ServerConfig("web", url=url)) as opened:
            assert set(opened.tools) == {"untyped", "echo"} and "none (it breaks the protocol" in opened.said[0]


@contextmanager
def of_its_own(port: int = 0) -> Generator[int]:
    """A server in a process of its own, which takes its connections with it; gives its port."""
    begin = f"from {__name__} import BrokenServer as S; s = S('503', {port}); print(s.server_port, flush=True)"
    argv = [sys.executable, "-c", f"{begin}; s.serve_forever()"]
    with subprocess.Popen(argv, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.slow
async def test_one_that_was_away_is_used_again_once_it_is_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as until_the_end:
        with of_its_own() as port:
            config = ServerConfig("web", url=f"http://127.0.0.1:{port}/mcp")
            opened = await until_the_end.enter_async_context(servers(tmp_path, config))
        assert "The next call connects to it anew." in (await opened.use("echo")).text
        assert "could not be reached: ConnectError" in (await opened.use("echo")).text
        with of_its_own(port):
            assert "it answers HTTP 503" in (await opened.use("echo")).text


async def test_one_that_wants_to_know_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_TOKEN", "s3cret")
    with broken_server("401") as (url, seen):
        async with servers(tmp_path, ServerConfig("web", url=url, token_from="WEB_TOKEN")) as opened:
            assert not opened.tools
            assert "it wants to know who you are (HTTP 401); give it a token by token_from" in opened.said[0]
        assert set(seen) == {"Bearer s3cret"} and "s3cret" not in opened.said[0]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("hangs", "did not answer within 1 s"),
        pytest.param("endless", "the answer has more than 32 MB", marks=pytest.mark.slow),
        pytest.param("html", "Unexpected content type: text/html", marks=pytest.mark.slow),
        pytest.param("garbage", "Failed to parse JSON", marks=pytest.mark.slow),
        ("503", "it answers HTTP 503"),
        ("floods", "it sends messages without end"),
    ],
)
async def test_one_that_breaks_in_a_call(tmp_path: Path, how: str, says: str) -> None:
    with broken_server(how) as (url, _):
        seconds = 1.0 if how == "hangs" else 30.0
        async with servers(tmp_path, ServerConfig("web", url=url, call_seconds=seconds)) as opened:
            assert set(opened.tools) == {"echo"}, opened.said
            reply = await opened.use("echo")
            assert reply.failed and says in reply.text, reply.text
