"""A local server of Chat Completions: strict about what it is sent, streaming, and refusing like the usual ones.

    with chat_server([says("Thought: …\\nAction: wait()"), calls(("computer", {...}))]) as server:
        model = ChatModel("ui-tars-1.5-7b", dialect("ui-tars-1.5"), base_url=server.url)

The script is a list, one step for each request that is accepted (a step may be a function of the request's body), or
one such function for all. What is refused does not use up a step.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias, cast

from tests.support.chat_checks import check
from tests.support.openai_checks import Refused

Body: TypeAlias = dict[str, Any]
POLL = 0.02  # seconds between looks for the end of the server
PIECE = 7  # characters in a chunk


@dataclass(frozen=True)
class Completion:
    """An answer, and how it comes.

    Attributes:
        content, reasoning: texts; `field` is what the server calls the latter.
        calls: of functions: name and arguments, as an object or as text.
        finish: why it ends; None: the stream ends without saying so.
        usage: whether tokens are counted where it is asked for; `cached` of them.
        plain: one JSON document in place of a stream.
        endless: the content is repeated for ever.
        delay: seconds before each chunk.
    """

    content: str = ""
    reasoning: str = ""
    field: str = "reasoning_content"
    calls: tuple[tuple[str, Mapping[str, Any] | str], ...] = ()
    finish: str | None = "stop"
    usage: bool = True
    cached: int = 0
    plain: bool = False
    endless: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class Failure:
    """Any HTTP answer; `event` is sent as a piece of a stream instead."""

    status: int
    body: Any
    content_type: str = "application/json"
    event: bool = False


Scripted: TypeAlias = Completion | Failure
Step: TypeAlias = Scripted | Callable[[Body], Scripted]
Script: TypeAlias = Sequence[Step] | Callable[[Body], Scripted]


def says(content: str, **more: Any) -> Completion:
    """Text."""
    return Completion(content, **more)


def calls(*made: tuple[str, Mapping[str, Any] | str], content: str = "", **more: Any) -> Completion:
    """Calls of functions."""
    return Completion(content, calls=made, finish="tool_calls", **more)


@dataclass
class ChatServer:
    """What tests see of the running server.

    Attributes:
        about: what the list of models says of each besides.
        factor: sides of pictures must be multiples of it.
        no_tools, no_usage: what it refuses.
        refusals: messages of the requests that were refused because they were wrong.
        rewrites: requests that changed something of the one before: number and index of the part.
        hung_up: how many answers the client did not wait for.
    """

    script: Script
    key: str = ""
    models: Sequence[str] = ("some-model",)
    about: Body = field(default_factory=dict[str, Any])
    factor: int | None = None
    no_tools: Failure | None = None
    no_usage: Failure | None = None
    url: str = ""
    requests: list[Body] = field(default_factory=list[Body])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    sizes: list[list[tuple[int, int]]] = field(default_factory=list[list[tuple[int, int]]])
    refusals: list[str] = field(default_factory=list[str])
    rewrites: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    hung_up: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    _step: int = 0
    _parts: list[str] = field(default_factory=list[str])

    def answer(self, body: Body, headers: dict[str, str]) -> Scripted:
        """Look at a request and say what is answered; one at a time."""
        with self.changed:
            self.requests.append(body)
            self.headers.append(headers)
            self.changed.notify_all()
            if self.key and headers.get("authorization") != f"Bearer {self.key}":
                return Failure(401, {"error": {"message": "Unauthorized", "type": "auth", "code": None}})
            if self.no_tools and body.get("tools"):
                return self.no_tools
            if self.no_usage and body.get("stream_options"):
                return self.no_usage
            try:
                self.sizes.append(check(body, factor=self.factor))
                self._compare(body)
                return self._next(body)
            except Refused as refused:
                self.refusals.append(str(refused))
                return Failure(400, {"error": {"message": str(refused), "type": "BadRequestError", "code": 400}})

    def _next(self, body: Body) -> Scripted:
        if callable(self.script):
            return self.script(body)
        if self._step >= len(self.script):
            raise Refused(f"The script has only {len(self.script)} steps.")
        step = self.script[self._step]
        self._step += 1
        return step(body) if callable(step) else step

    def _compare(self, body: Body) -> None:
        """A later request repeats every part of every message of the one before, and adds to them."""
        parts = [json.dumps([body.get("tools"), body["messages"][0]])]
        for message in body["messages"][1:]:
            content = message["content"]
            listed = cast("list[Any]", content) if isinstance(content, list) else [message]
            parts += [json.dumps([message["role"], part]) for part in listed]
        for index, (before, now) in enumerate(zip(self._parts, parts, strict=False)):
            if before != now:
                self.rewrites.append((len(self.requests), index))
                break
        self._parts = parts


@contextmanager
def chat_server(script: Script, **settings: Any) -> Generator[ChatServer]:
    """Serve a script on a port of this machine's own network until the block ends; nothing is left behind."""
    server = ChatServer(script, **settings)
    http = _Http(server)
    thread = threading.Thread(target=http.serve_forever, args=(POLL,), name="chat-server")
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        thread.join()
        http.server_close()


def told(body: Body) -> list[str]:
    """Every text that was sent, in order, the system's left out."""
    texts: list[str] = []
    for message in body["messages"][1:]:
        content = message["content"]
        texts += [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]
    return texts


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, scripted: ChatServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripted = scripted
        scripted.url = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is counted where it was noticed."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        scripted = cast("_Http", self.server).scripted
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path != "/v1/chat/completions":
            self._send(Failure(404, {"detail": "Not Found"}))
            return
        answer = scripted.answer(body, headers)
        try:
            if isinstance(answer, Failure) and not answer.event:
                self._send(answer)
            elif isinstance(answer, Completion) and answer.plain:
                self._send(Failure(200, _whole(answer, body)))
            else:
                self._stream(answer, body, scripted.closing)
        except OSError:
            self.close_connection = True
            with scripted.changed:
                scripted.hung_up += 1
                scripted.changed.notify_all()

    def do_GET(self) -> None:
        scripted = cast("_Http", self.server).scripted
        listed = [{"id": name, "object": "model"} | scripted.about for name in scripted.models]
        good = self.path == "/v1/models" and listed
        self._send(Failure(200, {"object": "list", "data": listed}) if good else Failure(404, {"detail": "Not Found"}))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _send(self, answer: Failure) -> None:
        data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, answer: Scripted, body: Body, closing: threading.Event) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunks = [answer.body] if isinstance(answer, Failure) else _chunks(answer, body)
        for chunk in chunks:
            if closing.is_set() or (isinstance(answer, Completion) and answer.delay and closing.wait(answer.delay)):
                self.close_connection = True
                return
            self._chunk(f"data: {json.dumps(chunk)}\n\n")
        self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _chunks(answer: Completion, body: Body) -> Iterator[Body]:
    yield _chunk_of({"role": "assistant", "content": ""})
    for piece in _pieces(answer.reasoning):
        yield _chunk_of({answer.field: piece})
    for piece in _pieces(answer.content):
        yield _chunk_of({"content": piece})
    while answer.endless:
        yield _chunk_of({"content": answer.content})
    for index, (name, arguments) in enumerate(answer.calls):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        first = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        yield _chunk_of({"tool_calls": [first]})
        for piece in _pieces(text):
            yield _chunk_of({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if answer.finish is not None:
        yield _chunk_of({}, answer.finish)
    if answer.usage and body.get("stream_options", {}).get("include_usage"):
        yield {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": _usage(answer)}


def _chunk_of(delta: Body, finish: str | None = None) -> Body:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()), "choices": [choice]}


def _whole(answer: Completion, body: Body) -> Body:
    made = [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": name, "arguments": text if isinstance(text, str) else json.dumps(text)},
        }
        for index, (name, text) in enumerate(answer.calls)
    ]
    message = {"role": "assistant", "content": answer.content or None, "tool_calls": made}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": _usage(answer)}


def _usage(answer: Completion) -> Body:
    return {
        "prompt_tokens": 1_000,
        "completion_tokens": max(1, len(answer.content) // 4),
        "total_tokens": 1_000 + max(1, len(answer.content) // 4),
        "prompt_tokens_details": {"cached_tokens": answer.cached},
    }


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def slow(answer: Completion, delay: float = 0.05) -> Completion:
    """The same, with seconds before each chunk."""
    return replace(answer, delay=delay)
