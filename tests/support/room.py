"""A room for tests of tools: a folder, plain programs, a journal in memory, and a user who says nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from agent.errors import ToolFault
from agent.recorder import Recorder
from agent.state import State
from agent.testing import MemoryJournal
from agent.tools.base import Context, Reply, Room, Tool
from agent.tools.folder import Folder
from agent.tools.ports import Programs
from agent.values import FunctionCall
from tests.support.programs import PlainPrograms


@dataclass
class QuietUser:
    """Says nothing, until a test calls `speak`; answers questions with `answers`, in order.

    Attributes:
        answers: what the user says to questions.
        asked: ids of the questions so far.
    """

    answers: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])
    _spoken: anyio.Event | None = None

    def speak(self) -> None:
        """Have said something that the model must hear."""
        self._event.set()

    async def answer_to(self, question: str, timeout: float) -> str:
        """The next of `answers`."""
        self.asked.append(question)
        if not self.answers:
            raise ToolFault("The user did not answer.")
        return self.answers.pop(0)

    async def word(self) -> None:
        """Return once a test has said `speak`."""
        await self._event.wait()

    @property
    def _event(self) -> anyio.Event:
        if self._spoken is None:
            self._spoken = anyio.Event()
        return self._spoken


def room(folder: Path, *, beside: Programs | None = None, **more: object) -> Room:
    """What tools share. The task's folder is `folder`, and is made; `more` are other attributes of `Room`.

    `beside` are the programs, where they are not to be plain ones; who has made them ends them.

    Without `async with closing(…)`, end it by `await made.closing.aclose()`; programs that ran to their end need none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs = PlainPrograms(folder.resolve())
    made = Room(Folder(folder.resolve()), beside or programs, **more)  # pyright: ignore[reportArgumentType]
    made.closing.push_async_callback(programs.aclose)
    return made


@asynccontextmanager
async def opened(folder: Path, **more: Any) -> AsyncGenerator[Room]:
    """The same, and at the end everything in it is ended."""
    made = room(folder, **more)
    async with made.closing:
        yield made


def context(user: QuietUser | None = None, *, journal: MemoryJournal | None = None, call: str = "call_1") -> Context:
    """What one call works with."""
    recorder = Recorder(journal or MemoryJournal(), State())
    return Context(recorder=recorder, user=user or QuietUser(), call=call, patience=1.0)


async def call(tool: Tool, within: Context | None = None, **arguments: object) -> Reply:
    """Run a tool as the toolbox would: through JSON, with what may be null left out, and a `ToolFault` as its text."""
    within = within or context()
    try:
        read = tool.read(FunctionCall(within.call, tool.name, json.dumps(arguments)))
        reply = await tool.run(read, within)
    except ToolFault as fault:
        return Reply(str(fault), failed=True)
    return Reply(reply) if isinstance(reply, str) else reply
