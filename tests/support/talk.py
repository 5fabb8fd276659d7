"""Short ways to put a request before a real model and to collect what it says."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import anyio

from agent.conversation import Answer, Item, Request, Streamed, Thought
from agent.errors import ModelFault, Transient
from agent.models.responses import ResponsesModel
from agent.values import ImageRef
from tests.support.openai_server import Server

MODEL = "gpt-6.1-terra"


@dataclass
class Pictures:
    """Keeps pictures by content, as a journal does; `loads` counts how often each was asked for."""

    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])
    loads: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, width: int = 320, height: int = 200, shade: int = 0) -> ImageRef:
        """A plain picture of its own colour."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.new("RGB", (width, height), (shade % 256, shade // 256, 90)).save(buffer, "PNG")
        sha = hashlib.sha256(buffer.getvalue()).hexdigest()
        self.kept[sha] = buffer.getvalue()
        return ImageRef(sha, "image/png", width, height)

    def load(self, image: ImageRef) -> bytes:
        """The encoded bytes."""
        self.loads[image.sha256] = self.loads.get(image.sha256, 0) + 1
        return self.kept[image.sha256]

    def request(self, *items: Item, session: str = "s-1") -> Request:
        """A request with these items."""
        return Request(session, "You work at a desk.", items, self.load)


@dataclass
class Said:
    """What came of one request."""

    answer: Answer
    thoughts: list[Thought]

    def streamed(self, kind: str) -> str:
        """The text of the thoughts of a kind, joined."""
        return "".join(thought.text for thought in self.thoughts if thought.kind == kind)


def model_of(server: Server, name: str = MODEL, **settings: Any) -> ResponsesModel:
    """A model that talks to the server; a quick deadline unless said otherwise."""
    given: dict[str, Any] = {"api_key": server.key, "base_url": server.url, "timeout": 5.0} | settings
    return ResponsesModel(name, **given)


async def listen(stream: AsyncGenerator[Streamed, None]) -> Said:
    """Everything until the end."""
    thoughts: list[Thought] = []
    answers: list[Answer] = []
    async for piece in stream:
        if isinstance(piece, Answer):
            answers.append(piece)
        else:
            assert not answers, "thoughts come before the answer"
            thoughts.append(piece)
    assert len(answers) == 1
    return Said(answers[0], thoughts)


def ask(model: ResponsesModel, *requests: Request) -> list[Said]:
    """Put requests before the model, one after the other, in one event loop."""

    async def run() -> list[Said]:
        try:
            return [await listen(model.respond(request)) for request in requests]
        finally:
            await model.aclose()

    return anyio.run(run)


def fault(model: ResponsesModel, request: Request) -> ModelFault | Transient:
    """The failure that a request must end in."""
    try:
        said = ask(model, request)
    except (ModelFault, Transient) as error:
        return error
    raise AssertionError(f"no fault, but {said}")
