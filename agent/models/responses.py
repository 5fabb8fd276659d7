"""OpenAI's Responses API with its `computer` tool, through the official client: stateless and streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, cast

import anyio

from agent.conversation import Answer, Request, Streamed
from agent.errors import ModelFault
from agent.models.answers import read_answer, read_usage
from agent.models.connection import OVER, Connection, RawStream, content_type, drain
from agent.models.failures import BadAnswer, Failures, as_fault
from agent.models.pricing import Prices
from agent.models.reading import Reading, reason_of
from agent.models.render import Renderer
from agent.models.shortening import PATH, UNSUPPORTED, keeps_too_much, read_shortened
from agent.models.web import check_settings
from agent.models.window import CONTEXT_FULL, Shortened, Window, window_of
from agent.values import Word

DEFAULT_BASE_URL = "https://api.openai.com/v1"
COMPACT_TIMEOUT = 600.0  # seconds for the provider to make a conversation shorter, which it does in one piece
MAX_OUTPUT_TOKENS = 32_000  # reasoning included; an answer that needs more has lost its way
BUILT_IN: Mapping[str, Word] = {
    "shell": {"type": "shell", "environment": {"type": "local"}},
    "apply_patch": {"type": "apply_patch"},
}


class ResponsesModel:
    """Implements `agent.ports.Model`. Used by one task at a time.

    Args:
        base_url: where the API is; None for OpenAI's own.
        timeout: seconds without an event after which the request counts as lost.
        prices: a price table, or the path of one; None for the one that comes with Deskhand.
        effort: the reasoning effort, `low` to `max`; None leaves it to the provider.

    Raises:
        ModelFault: the key or the address cannot be right.
        UserFault: the price file cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        api_key: str,
        base_url: str | None = None,
        timeout: float = 180.0,
        prices: Prices | Path | None = None,
        effort: str | None = None,
        max_output_tokens: int = MAX_OUTPUT_TOKENS,
    ) -> None:
        api_key, base_url = api_key.strip(), (base_url or "").strip() or DEFAULT_BASE_URL
        check_settings(api_key, base_url)
        self._name = name
        self._connection = Connection(api_key, base_url, timeout)
        self._prices = prices if isinstance(prices, Prices) else Prices.load(prices)
        self._effort = effort
        self._max_output_tokens = max_output_tokens
        self._renderer = Renderer()
        self._failures = Failures(model=name, base_url=base_url, api_key=api_key, timeout=timeout)
        self._compacts = True

    @property
    def name(self) -> str:
        """As the user names it."""
        return self._name

    def __repr__(self) -> str:
        return f"ResponsesModel({self._name!r})"

    def prepare(self) -> None:
        """Load the client library, which takes most of a second; the first request does it otherwise."""
        self._connection.client()

    async def aclose(self) -> None:
        """Close the connections; the model can be used again afterwards."""
        await self._connection.aclose()

    async def respond(self, request: Request) -> AsyncGenerator[Streamed, None]:
        """Think: any number of `Thought`s, then one `Answer`. Closing the iterator ends the request.

        Raises:
            Transient: may pass; `BadAnswer` is the kind that has cost tokens.
            ModelFault: will not pass by itself.
        """
        try:
            async with await self._connection.stream("/responses", self.body(request)) as stream:
                if "event-stream" not in content_type(stream):
                    yield self._settle(await self._whole(stream), [])
                    return
                reading = Reading(self._max_output_tokens)
                while reading.response is None:
                    if (thought := reading.feed(await self._event(stream), self._failures)) is not None:
                        yield thought
                await drain(stream)
                answer = self._settle(reading.response, reading.items)
            yield answer
        except Exception as error:
            fault = as_fault(self._failures, error)
            if fault is None:
                raise
            raise fault from None  # the library's own error holds the request, key and all

    def body(self, request: Request) -> list[bytes]:
        """The request as JSON, in pieces, the conversation last: later requests of a session extend this one."""
        fields = {
            "model": self._name,
            "instructions": request.instructions,
            "tools": [{"type": "computer"}, *map(offered, request.tools)],
            "parallel_tool_calls": True,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"summary": "auto"} | ({"effort": self._effort} if self._effort else {}),
            "prompt_cache_key": request.session,
            "safety_identifier": safety_identifier(),
            "max_output_tokens": request.most_tokens or self._max_output_tokens,
            "stream": True,
            "stream_options": {"include_obfuscation": False},
        }
        return self._with_input(fields | ({"tool_choice": "none"} if request.speak_only else {}), request)

    def _with_input(self, fields: Word, request: Request) -> list[bytes]:
        head = json.dumps(fields, separators=(",", ":")).encode("ascii").removesuffix(b"}")
        return [head, b',"input":[', *self._renderer.render(request), b"]}"]

    @property
    def window(self) -> Window:
        """How much it takes; the conversation is made shorter before its whole input costs more."""
        long = self._prices.long_context if self._prices.of(self._name) else None
        return window_of(self._name, long.above_tokens if long else None)

    async def compact(self, request: Request) -> Shortened | None:
        """Let the provider make the conversation shorter; None from a server that cannot.

        Raises:
            Transient: may pass; `BadAnswer` is the kind that has cost tokens.
            ModelFault: will not pass by itself.
        """
        from openai import APIStatusError

        if not self._compacts or keeps_too_much(request):
            return None
        fields = {"model": self._name, "instructions": request.instructions, "prompt_cache_key": request.session}
        try:
            with anyio.fail_after(COMPACT_TIMEOUT):
                response = await self._connection.post(PATH, self._with_input(fields, request), COMPACT_TIMEOUT)
            if not isinstance(response, dict):
                raise BadAnswer("malformed answer: no object")
            answer = cast("dict[str, Any]", response)
            return read_shortened(answer, request, read_usage(answer, self._name, self._prices))
        except Exception as error:
            fault = as_fault(self._failures, error)
            if fault is None:
                raise
            lacks = isinstance(error, APIStatusError) and error.status_code in UNSUPPORTED
            if lacks and not (isinstance(fault, ModelFault) and fault.code == CONTEXT_FULL):
                self._compacts = False
                return None
            raise fault from None

    async def _event(self, stream: RawStream) -> Mapping[str, Any]:
        event = await self._connection.piece(stream)
        if event is OVER:
            raise self._failures.cut()
        if not isinstance(event, dict):
            raise BadAnswer("malformed answer: an event that is no object")
        return cast("dict[str, Any]", event)

    async def _whole(self, stream: RawStream) -> Mapping[str, Any]:
        response, text = await self._connection.whole(stream)
        if response is None or "output" not in response:
            raise self._failures.of_content(content_type(stream), text)
        return response

    def _settle(self, response: Mapping[str, Any], items: list[Word]) -> Answer:
        """The answer of a response that has ended, or the fault that it ended with."""
        usage = read_usage(response, self._name, self._prices)
        status = response.get("status")
        if status == "failed" or response.get("error"):
            error = response.get("error")
            raise self._failures.of_error(cast("dict[str, Any]", error) if isinstance(error, dict) else {})
        if status == "incomplete":
            reason = reason_of(response.get("incomplete_details"))
            raise self._failures.of_incomplete(reason, usage)
        return read_answer(response, items, usage)


def offered(tool: Word) -> Word:
    """A tool as this API is told of it: OpenAI's own where there is one, else a function."""
    if own := BUILT_IN.get(tool.get("builtin", "")):
        return own
    return {"type": "function"} | {name: tool[name] for name in ("name", "description", "strict", "parameters")}


def safety_identifier() -> str:
    """A stable, meaningless name of this user on this machine, as OpenAI asks for."""
    import getpass
    import hashlib
    import platform

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = ""
    return hashlib.sha256(f"deskhand:{user}@{platform.node()}".encode()).hexdigest()
