"""A local server that speaks the Responses API over HTTP, streams like it and refuses like it.

    with openai_server([actions(Click(10, 20)), final("Done.")]) as server:
        model = ResponsesModel("gpt-6.1-terra", api_key=server.key, base_url=server.url)

The script is a list, one step for each request that is accepted (a step may be a function of the request's body),
or one such function for all. What is refused does not use up a step. As a program, for tests of whole processes:

    python -m tests.support.openai_server SCRIPT.json --port-file FILE [--log FILE] [--key KEY]
"""

from __future__ import annotations

import argparse
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.handover import SHORTENED
from tests.support.openai_checks import Checker, Refused, image_urls, text_tokens
from tests.support.openai_compact import Length, compaction_of
from tests.support.openai_script import Body, Item, Raw, Reply, Script, Scripted, from_json
from tests.support.openai_stream import Response, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

KEY = "sk-local-4fQ7mWc2Zr9Xb1Lk"
MODELS = (
    "gpt-6-astra", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna",
    "gpt-5.5", "gpt-5.4",
)  # fmt: skip
PING_EVERY = 0.05  # seconds
CACHE_FROM, CACHE_STEP = 1_024, 128  # tokens
POLL = 0.02  # seconds between looks for the end of the server


@dataclass(frozen=True)
class Received:
    """One request as it came in. `at` is `time.monotonic()`, `port` the client's."""

    at: float
    body: Body
    headers: dict[str, str]
    port: int = 0


@dataclass
class Server:
    """What tests see of the running server.

    Attributes:
        url: the base URL, ending in /v1.
        refusals: messages of the requests that were refused; empty after a clean run.
        rewrites: requests that did not extend the last accepted one of the same session byte for byte.
        shortened: numbers of the requests that went on from a conversation made shorter.
        compacting: answers requests to make a conversation shorter; None does it as OpenAI does.
        compacted: those requests.
        lengths: of every accepted request.
        keep: bodies of that many last requests are kept; None keeps all.
        dropped: how many responses the client hung up on.
    """

    script: Script
    key: str = KEY
    models: Sequence[str] = MODELS
    context_tokens: int = 922_000
    url: str = ""
    received: list[Received] = field(default_factory=list[Received])
    refusals: list[str] = field(default_factory=list[str])
    rewrites: list[str] = field(default_factory=list[str])
    shortened: list[int] = field(default_factory=list[int])
    compacting: Callable[[Body], Raw | None] | None = None
    compacted: list[Received] = field(default_factory=list[Received])
    lengths: list[Length] = field(default_factory=list[Length])
    keep: int | None = None
    dropped: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    _step: int = 0
    _checker: Checker = field(default_factory=Checker)
    _histories: dict[str, list[tuple[str, int]]] = field(default_factory=dict[str, list[tuple[str, int]]])

    def __post_init__(self) -> None:
        self._checker.context_tokens = self.context_tokens

    @property
    def requests(self) -> list[Body]:
        """Every request body, in order, the refused ones included."""
        return [one.body for one in self.received]

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until that many requests have come in."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.received) >= count, timeout)

    def answer(self, one: Received) -> Response | Raw:
        """Look at a request and say what is answered; one at a time."""
        with self.changed:
            self.received.append(one)
            self._forget()
            self.changed.notify_all()
            try:
                self._admit(one)
                sized = self._checker.check(one.body)
                tokens = self._tokens(one.body, sized)
                scripted = self._next(one.body)
            except Refused as refused:
                self.refusals.append(str(refused))
                return _error(refused)
            if isinstance(scripted, Raw):
                return scripted
            response = Response(scripted, one.body, tokens)
            if scripted.end == "completed":
                self._checker.remember(response.output)
            return response

    def compact(self, one: Received) -> Raw:
        """Make a conversation shorter as OpenAI does: the user's messages, and one item that nobody can read."""
        with self.changed:
            self.compacted.append(one)
            if (told := self.compacting(one.body) if self.compacting else None) is not None:
                return told
            try:
                self._admit(one)
                sized = self._checker.check_compact(one.body)
            except Refused as refused:
                self.refusals.append(str(refused))
                return _error(refused)
            made = compaction_of(one.body, sum(tokens for _, tokens in sized))
            self._checker.remember(made["output"])
            return Raw(200, json.dumps(made))

    def _forget(self) -> None:
        if self.keep is not None and len(self.received) > self.keep:
            old = len(self.received) - self.keep - 1
            self.received[old] = replace(self.received[old], body={})

    def _admit(self, one: Received) -> None:
        if one.headers.get("authorization") != f"Bearer {self.key}":
            told = "Incorrect API key provided: sk-lo***here. You can find your API key in your account."
            raise Refused(told, code="invalid_api_key", param=None, status=401)
        model = str(one.body.get("model"))
        if re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model) not in self.models:
            told = f"The model `{model}` does not exist or you do not have access to it."
            raise Refused(told, code="model_not_found", param=None, status=404)

    def _next(self, body: Body) -> Scripted:
        if callable(self.script):
            return self.script(body)
        if self._step >= len(self.script):
            raise Refused(f"The script has only {len(self.script)} steps.", code="script_exhausted", param=None)
        step = self.script[self._step]
        self._step += 1
        return step(body) if callable(step) else step

    def _tokens(self, body: Body, sized: list[tuple[str, int]]) -> Tokens:
        """What the request weighs, and how much of it the last one of the session had in front already."""
        head = json.dumps([body.get("instructions"), body.get("tools")])
        weighed = [(f"{len(head)} {head}", text_tokens(head)), *sized]
        session = str(body.get("prompt_cache_key"))
        before = self._histories.get(session, [])
        same = next((i for i, (a, b) in enumerate(zip(before, weighed, strict=False)) if a != b), None)
        shared = min(len(before), len(weighed)) if same is None else same
        if shared < len(before):
            self._note_break(body, shared)
        if body.get("tool_choice") != "none":  # nothing goes on from a summary but what is made shorter by it
            self._histories[session] = weighed
        images = sum(len(image_urls(item)) for item in cast("list[Item]", body["input"]))
        self.lengths.append(Length(_bytes(weighed), _bytes(weighed[:shared]), images))
        cached = sum(tokens for _, tokens in weighed[:shared]) // CACHE_STEP * CACHE_STEP
        return Tokens(sum(tokens for _, tokens in weighed), cached if cached >= CACHE_FROM else 0)

    def _note_break(self, body: Body, shared: int) -> None:
        """A conversation may be made shorter, once: nothing else may change what was sent before."""
        items, number = cast("list[Item]", body["input"]), len(self.received)
        marks = [index for index, item in enumerate(items) if _is_mark(item)]
        if marks and marks[-1] + 1 >= shared:
            self.shortened.append(number)
        else:
            self.rewrites.append(f"request {number} changes item {shared - 1} of the one before")


def _is_mark(item: Item) -> bool:
    content: Any = item.get("content")
    return item.get("role") == "developer" and str(content[0].get("text")).startswith(SHORTENED)


def _bytes(weighed: Sequence[tuple[str, int]]) -> int:
    return sum(int(key.partition(" ")[0]) for key, _ in weighed)


@contextmanager
def openai_server(
    script: Script,
    *,
    key: str = KEY,
    models: Sequence[str] = MODELS,
    context_tokens: int = 922_000,
    port: int = 0,
    compacting: Callable[[Body], Raw | None] | None = None,
    keep: int | None = None,
) -> Generator[Server]:
    """Serve a script on a port of this machine's own network until the block ends; nothing is left behind."""
    server = Server(script, key, models, context_tokens, compacting=compacting, keep=keep)
    http = _Http(server, port)
    thread = threading.Thread(target=http.serve_forever, args=(POLL,), name="openai-server")
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        thread.join()
        http.hang_up()
        http.server_close()


def last_picture(body: Body) -> Image:
    """The last picture that the model was shown."""
    import base64

    from PIL import Image

    urls = [url for item in cast("list[Item]", body["input"]) for url in image_urls(item)]
    with Image.open(io.BytesIO(base64.b64decode(urls[-1].partition(",")[2]))) as picture:
        picture.load()
        return picture


def told(body: Body, role: str = "user") -> list[str]:
    """The texts of a role's messages, in order."""
    messages = (item for item in cast("list[Item]", body["input"]) if item.get("role") == role)
    return [part["text"] for message in messages for part in message["content"] if "text" in part]


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, scripted: Server, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scripted = scripted
        scripted.url = f"http://127.0.0.1:{self.server_port}/v1"
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Wake the threads that wait for a client's next request."""
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by the client meanwhile

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is counted where it was noticed; anything else is a bug of the test."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        scripted = cast("_Http", self.server).scripted
        data = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path not in ("/v1/responses", "/v1/responses/compact"):
            self._send(_error(Refused(f"Invalid URL (POST {self.path})", param=None, status=404)))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = json.loads(data)
        except ValueError:
            self._send(_error(Refused("We could not parse the JSON body of your request.", param=None)))
            return
        one = Received(time.monotonic(), body, headers, self.client_address[1])
        answer = scripted.compact(one) if self.path.endswith("/compact") else scripted.answer(one)
        self._reply(scripted, answer, body)

    def do_GET(self) -> None:
        self._send(_error(Refused(f"Invalid URL (GET {self.path})", param=None, status=404)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _reply(self, scripted: Server, answer: Response | Raw, body: Body) -> None:
        try:
            if isinstance(answer, Raw):
                scripted.closing.wait(answer.after)
                self._send(answer)
            elif answer.reply.plain or not body.get("stream"):
                self._send(Raw(200, json.dumps(answer.whole())))
            else:
                self._stream(answer, scripted.closing)
        except OSError:
            self.close_connection = True
            with scripted.changed:
                scripted.dropped += 1
                scripted.changed.notify_all()

    def _send(self, answer: Raw) -> None:
        if answer.status == 0:
            self.close_connection = True
            return
        data = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.content_type, "x-request-id": "req_local", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, response: Response, closing: threading.Event) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("x-request-id", "req_local")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        reply = response.reply
        for number, event in enumerate(response.events()):
            if number == reply.stop_after and not self._stop(reply, closing):
                return
            if reply.delay and closing.wait(reply.delay):
                self.close_connection = True
                return
            self._chunk(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _stop(self, reply: Reply, closing: threading.Event) -> bool:
        """What happens in the middle; False: the connection ends here."""
        match reply.stop:
            case "cut":
                self.close_connection = True
                return False
            case "garbage":
                self._chunk('event: response.output_text.delta\ndata: {"type": "response.out\n\n')
                return True
            case "hang" | "ping":
                until = time.monotonic() + reply.seconds
                while time.monotonic() < until and not closing.wait(min(PING_EVERY, reply.seconds)):
                    if reply.stop == "ping":
                        self._chunk(": still here\n\n")
                return not closing.is_set()

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _error(refused: Refused) -> Raw:
    kind = {401: "authentication_error"}.get(refused.status, "invalid_request_error")
    error = {"message": str(refused), "type": kind, "param": refused.param, "code": refused.code}
    return Raw(refused.status, json.dumps({"error": error}))


def main(argv: Sequence[str] | None = None) -> None:
    """Serve a script file until the process is ended; the port is written once the server listens."""
    parser = argparse.ArgumentParser(description="A local server that speaks the Responses API.")
    parser.add_argument("script", type=Path, help="JSON list of steps, see from_json")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, help="each request's body is appended, one a line")
    parser.add_argument("--key", default=KEY)
    args = parser.parse_args(argv)
    steps = [from_json(step) for step in json.loads(args.script.read_text("utf-8"))]
    with openai_server(steps, key=args.key) as server:
        partial = args.port_file.with_suffix(".part")
        partial.write_text(server.url.rpartition(":")[2].partition("/")[0])
        partial.replace(args.port_file)
        logged = 0
        while True:
            server.wait_for(logged + 1, timeout=3600)
            fresh = server.requests[logged:]
            logged += len(fresh)
            if args.log is not None:
                with args.log.open("a", encoding="utf-8") as log:
                    log.writelines(json.dumps(body) + "\n" for body in fresh)


if __name__ == "__main__":
    main()
