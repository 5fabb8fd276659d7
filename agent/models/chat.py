"""Chat Completions of any OpenAI-compatible server, through the official client: stateless and streamed.

What a family of models sees and writes is its dialect (`agent/dialects/`). An answer is kept as one item
`{"type": "chat", …}`; see `agent.dialects.reading`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio

from agent.conversation import Answer, Request, Streamed, Thought
from agent.dialects.dialect import Dialect
from agent.dialects.points import Frame
from agent.dialects.prompt import offered, system_prompt
from agent.dialects.reading import Reading, Understood
from agent.errors import ModelFault
from agent.models.chat_failures import NO_MODEL, ChatFailures, Lack, is_status, lack_of, room_in
from agent.models.chat_history import faults_in_a_row, first_picture, last_hand, newest_screen, was_plain
from agent.models.chat_render import ChatRenderer
from agent.models.chat_stream import ChatReading
from agent.models.chat_usage import usage_of
from agent.models.connection import OVER, Connection, RawStream, content_type, drain
from agent.models.failures import BadAnswer, as_fault
from agent.models.pricing import Prices
from agent.models.web import check_settings, is_private
from agent.models.window import Shortened, Window, window_for, window_of, window_told
from agent.values import Usage, Word

PLACEHOLDER = "none"
"""The key of servers that want none, since the client insists on one."""
UNREADABLE = 3  # answers in a row that cannot be read, after which the session ends
LISTING = 5.0  # seconds for the list of models


class ChatModel:
    """Implements `agent.ports.Model`. Used by one task at a time.

    Args:
        base_url: where the server is, usually ending in /v1.
        api_key: "" for a server on this machine or network.
        timeout: seconds without a piece of the answer after which the request counts as lost.
        prices: a price table, or the path of one; None for the one that comes with Deskhand.

    Raises:
        ModelFault: the key or the address cannot be right.
        UserFault: the price file cannot be used.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        *,
        base_url: str,
        api_key: str = "",
        timeout: float = 180.0,
        prices: Prices | Path | None = None,
    ) -> None:
        api_key, base_url = api_key.strip(), base_url.strip()
        self._local = is_private(base_url)
        if self._local and not api_key:
            api_key = PLACEHOLDER
        check_settings(api_key, base_url)
        self._name = name
        self._dialect = dialect
        self._connection = Connection(api_key, base_url, timeout)
        self._prices = prices if isinstance(prices, Prices) else Prices.load(prices)
        self._renderer = ChatRenderer(dialect)
        self._failures = ChatFailures(model=name, base_url=base_url, api_key=api_key, timeout=timeout)
        self._lacks: set[Lack] = set() if dialect.native else {"tools"}
        self._longest = dialect.longest
        self._window = window_of(name)

    @property
    def name(self) -> str:
        """As the user names it."""
        return self._name

    @property
    def window(self) -> Window:
        """How much it takes at once; a guess until the server has told it."""
        return self._window

    def __repr__(self) -> str:
        return f"ChatModel({self._name!r}, {self._dialect.name!r})"

    def prepare(self) -> None:
        """Load the client library, which takes most of a second; the first request does it otherwise."""
        self._connection.client()

    async def learn_window(self) -> None:
        """Ask the server how much the model takes at once; it stays a guess where it does not say."""
        for listed in await self._listed():
            if listed.get("id") == self._name and (most := window_told(listed)):
                self._window = window_for(most)

    async def compact(self, request: Request) -> Shortened | None:
        """No server of this kind makes a conversation shorter by itself."""
        return None

    async def aclose(self) -> None:
        """Close the connections; the model can be used again afterwards."""
        await self._connection.aclose()

    async def respond(self, request: Request) -> AsyncGenerator[Streamed, None]:
        """Think: any number of `Thought`s, then one `Answer`. Closing the iterator ends the request.

        Raises:
            Transient: may pass; `BadAnswer` is the kind that has cost tokens.
            ModelFault: will not pass by itself: among others, the third answer in a row that cannot be read.
        """
        try:
            async with await self._sent(request) as stream:
                longest = self._most(request)
                reading = ChatReading(self._dialect, longest, speak_only=request.speak_only)
                if "event-stream" in content_type(stream):
                    while (chunk := await self._chunk(stream, reading)) is not None:
                        for thought in reading.feed(chunk):
                            yield thought
                    if not reading.over:
                        await drain(stream)
                else:
                    for thought in reading.feed(await self._whole(stream)):
                        yield thought
                for thought in reading.rest():
                    yield thought
            if unseen := reading.unseen:
                yield Thought("reasoning", unseen)
            yield self._answer(request, reading)
        except Exception as error:
            fault = as_fault(self._failures, error)
            if fault is None:
                raise
            if isinstance(fault, ModelFault) and fault.code == NO_MODEL:
                fault = self._failures.lists(fault, [str(listed.get("id", "")) for listed in await self._listed()])
            raise fault from None  # the library's own error holds the request, key and all

    def body(self, request: Request) -> list[bytes]:
        """The request as JSON, in pieces, the conversation last: later requests of a session extend this one."""
        dialect, native = self._dialect, "tools" not in self._lacks
        size = first_picture(request.items)
        shown = dialect.fit.size(*size) if size else None
        text = system_prompt(dialect, request.instructions, request.tools, shown, native=native)
        fields: Word = {"model": self._name, **({} if "sampling" in self._lacks else dialect.sampling), "stream": True}
        fields["max_completion_tokens" if "limit" in self._lacks else "max_tokens"] = self._most(request)
        if "usage" not in self._lacks:
            fields["stream_options"] = {"include_usage": True}
        if native:
            fields["tools"] = offered(dialect, request.tools)
            fields |= {"tool_choice": "none"} if request.speak_only else {}
        head = json.dumps(fields, separators=(",", ":")).encode("ascii").removesuffix(b"}")
        messages = self._renderer.render(request, {"role": "system", "content": text})
        return [head, b',"messages":[', *messages, b"]}"]

    def _most(self, request: Request) -> int:
        return min(request.most_tokens or self._longest, self._longest)

    async def _sent(self, request: Request) -> RawStream:
        """The request on its way; again without what the server turns out not to have."""
        while True:
            body = await anyio.to_thread.run_sync(self.body, request)  # pictures are fitted
            try:
                return await self._connection.stream("/chat/completions", body)
            except Exception as error:
                if not is_status(error) or not self._learns(error):
                    raise

    def _learns(self, error: Exception) -> bool:
        """Whether a refusal says what to leave out, or how long an answer may be, so that it can be sent again."""
        lack, room = lack_of(error), room_in(error)
        if lack and lack not in self._lacks:
            self._lacks.add(lack)
            return True
        if room is not None and room < self._longest:
            self._longest = room
            return True
        return False

    async def _chunk(self, stream: RawStream, reading: ChatReading) -> Mapping[str, Any] | None:
        """The next chunk, None after the last one."""
        if reading.over:
            return None
        chunk = await self._connection.piece(stream)
        if chunk is OVER:
            if not reading.finish:
                raise self._failures.cut()
            return None
        if not isinstance(chunk, dict):
            raise BadAnswer("malformed answer: a chunk that is no object")
        return cast("dict[str, Any]", chunk)

    async def _whole(self, stream: RawStream) -> Mapping[str, Any]:
        completion, text = await self._connection.whole(stream)
        if completion and completion.get("error"):
            raise self._failures.of_error(_error(completion["error"]))
        if not completion or not completion.get("choices"):
            raise self._failures.of_content(content_type(stream), text)
        return completion

    def _answer(self, request: Request, reading: ChatReading) -> Answer:
        """The answer that has come, or the fault that it ended with."""
        usage = self._usage(request, reading)
        try:
            if reading.finish == "content_filter":
                raise self._failures.of_incomplete("content_filter", usage)
            said = reading.said()
        except BadAnswer as fault:
            raise BadAnswer(str(fault), usage=usage) from None
        if request.speak_only:
            words = self._reading(request).spoken(said)
            return Answer(reading.id, ({"type": "chat", "content": words},), (), words, True, usage)
        understood = self._reading(request).read(said)
        self._check_patience(request, understood, said.content)
        # Words without a call may be the last ones, or what it is about to do: it is asked once.
        final = understood.final and (not understood.item.get("plain") or was_plain(request.items))
        return Answer(reading.id, (understood.item,), understood.calls, understood.words, final, usage)

    def _reading(self, request: Request) -> Reading:
        screen = newest_screen(request.items)
        frame = Frame(screen, self._dialect.fit.size(*screen), self._dialect.units) if screen else None
        tools = {str(tool["name"]): tool for tool in request.tools}
        return Reading(self._dialect, tools, frame, last_hand(request.items))

    def _check_patience(self, request: Request, understood: Understood, text: str) -> None:
        if not understood.fault or faults_in_a_row(request.items) + 1 < UNREADABLE:
            return
        told = (
            f"{UNREADABLE} answers of {self._name} in a row could not be read (the last one: {understood.fault}); "
            f"they are read as those of {self._dialect.about}, another --dialect may fit better"
        )
        raise ModelFault(told, code="unreadable_answers", details={"answer": text[:2_000]})

    def _usage(self, request: Request, reading: ChatReading) -> Usage:
        usage = usage_of(reading.usage, request, reading.length)
        booked = self._prices.book(self._name, usage)
        return replace(booked, cost_usd=0.0) if booked.cost_usd is None and self._local else booked

    async def _listed(self) -> list[Word]:
        """What the server offers, as far as it says so at once."""
        listed: list[Word] = []
        try:
            client = await anyio.to_thread.run_sync(self._connection.client)  # loads the library
            with anyio.move_on_after(LISTING):
                async for model in client.models.list():
                    listed.append(model.model_dump())  # noqa: PERF401  # what has come until then is of use
        except Exception:  # nothing depends on it
            return listed
        return listed


def _error(error: object) -> dict[str, Any]:
    return cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": str(error)}
