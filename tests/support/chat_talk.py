"""A conversation with a chat model that goes on as the loop makes it go on."""

from __future__ import annotations

from typing import Any

import anyio

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, Request, ScreenReply
from agent.dialects.dialect import dialect
from agent.errors import ModelFault, Transient
from agent.models.chat import ChatModel
from agent.values import FunctionCall, ImageRef, ScreenCall, Word
from agent.wording import KEEP_GOING
from tests.support.chat_server import ChatServer
from tests.support.talk import Pictures, Said, listen

CLICK = "Thought: I click.\nAction: click(start_box='(100,50)')"
JSON_CLICK = '{"thought": "x", "actions": [{"type": "click", "x": 500, "y": 500}]}'
TOOL: Word = {
    "name": "shell",
    "description": "Runs a command.",
    "strict": True,
    "builtin": "shell",
    "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
}
GIVE_UP: Word = TOOL | {
    "name": "give_up",
    "parameters": {"type": "object", "properties": {"reason": {"type": "string"}}},
}


class Talk:
    """A conversation that goes on as the loop makes it go on."""

    def __init__(
        self, server: ChatServer, name: str = "ui-tars-1.5", model: str = "some-model", **settings: Any
    ) -> None:
        given: dict[str, Any] = {"base_url": server.url, "timeout": 5.0} | settings
        self.model = ChatModel(model, dialect(name), **given)
        self.pictures = Pictures()
        self.items: list[Item] = [FromUser("Write.", self.shot())]
        self.tools: tuple[Word, ...] = (TOOL, GIVE_UP)

    def shot(self, shade: int = 0) -> ImageRef:
        return self.pictures.add(400, 300, shade)

    def request(self, **more: Any) -> Request:
        return Request("s-1", "You work at a desk.", tuple(self.items), self.pictures.load, self.tools, **more)

    async def ask(self, **more: Any) -> Said:
        """One answer, which becomes part of the conversation, each of its calls answered."""
        said = await listen(self.model.respond(self.request(**more)))
        self.items.append(FromModel(said.answer.output))
        for call in said.answer.calls:
            match call:
                case ScreenCall():
                    self.items.append(ScreenReply(call.id, self.shot(len(self.items))))
                case FunctionCall():
                    self.items.append(FunctionReply(call.id, f"{call.name} was used"))
        if not said.answer.calls:
            self.items.append(FromDeskhand(KEEP_GOING))
        return said

    def turns(self, count: int = 1) -> list[Said]:
        async def run() -> list[Said]:
            try:
                return [await self.ask() for _ in range(count)]
            finally:
                await self.model.aclose()

        return anyio.run(run)

    def fault(self) -> ModelFault | Transient:
        try:
            said = self.turns()
        except (ModelFault, Transient) as fault:
            return fault
        raise AssertionError(f"no fault, but {said}")
