"""A model whose conversations become too long, and a loop for it to work in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import anyio

from agent.conversation import Answer, FromDeskhand, FromUser, Item, Request, Streamed, fold
from agent.errors import ModelFault
from agent.events import Compacted, Event, SessionEnded, SessionStarted
from agent.loop import Loop, Setting
from agent.models.window import CONTEXT_FULL, Shortened, Window
from agent.state import State
from agent.testing import FakeComputer, MemoryInbox, MemoryJournal, ScriptedModel, Step, answer, final
from agent.values import Budgets, Usage
from agent.weight import tokens_of

SCREEN = 1_578  # tokens of one picture
SUMMARY = "Cells A1 to A9 are filled; /work/budget.xlsx is saved. What remains is the chart on sheet 2, then saving."
Said: TypeAlias = "Answer | Exception | Callable[[Request], Awaitable[Answer]]"
TOO_LONG = ModelFault("too long", code=CONTEXT_FULL)


@dataclass
class LongModel(ScriptedModel):
    """Acts by the script, writes summaries from another list, and counts tokens as a provider does."""

    most: int = 40_000
    due: int = 20_000
    summaries: list[Said] = field(default_factory=list[Said])
    own: list[Shortened | Exception | None] = field(default_factory=list["Shortened | Exception | None"])
    asked: list[Request] = field(default_factory=list[Request])
    compacted: list[Request] = field(default_factory=list[Request])

    @property
    def window(self) -> Window:
        return Window(self.most, self.due)

    async def compact(self, request: Request) -> Shortened | None:
        self.compacted.append(request)
        made = self.own[len(self.compacted) - 1] if len(self.compacted) <= len(self.own) else None
        if isinstance(made, Exception):
            raise made
        return made

    async def respond(self, request: Request) -> AsyncGenerator[Streamed]:
        if not request.speak_only:
            async for piece in super().respond(request):
                yield _counted(piece, request)
            return
        self.asked.append(request)
        said = self.summaries[len(self.asked) - 1] if len(self.asked) <= len(self.summaries) else final(SUMMARY)
        await anyio.lowlevel.checkpoint()
        if isinstance(said, Exception):
            raise said
        yield _counted(said if isinstance(said, Answer) else await said(request), request)


def _counted(piece: Streamed, request: Request) -> Streamed:
    if not isinstance(piece, Answer):
        return piece
    return replace(piece, usage=Usage(tokens_of(request.items), output_tokens=50, cost_usd=0.01))


@dataclass
class Bench:
    model: LongModel
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    setting: Setting = field(default_factory=Setting)
    computer: FakeComputer = field(default_factory=lambda: FakeComputer(1440, 900))
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None

    def start(self, task: str = "fill the cells", budgets: Budgets | None = None) -> None:
        started = SessionStarted("s1", task, "long", "desktop", "orders", budgets or Budgets())
        self.journal.append(started)

    def run(self) -> SessionEnded:
        async def open_computer() -> FakeComputer:
            return self.computer

        async def main() -> SessionEnded:
            state = State.of(self.journal.entries)
            loop = Loop(
                model=self.model,
                open_computer=open_computer,
                journal=self.journal,
                inbox=self.inbox,
                state=state,
                setting=self.setting,
            )
            ends: list[SessionEnded] = []
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    if self.beside:
                        tasks.start_soon(self.beside)
                    ends.append(await loop.run())
            assert state.items == list(fold(entry.event for entry in self.journal.entries)), "a pure fold"
            return ends[0]

        return anyio.run(main)

    @property
    def events(self) -> list[Event]:
        return [entry.event for entry in self.journal.entries]

    @property
    def compactions(self) -> list[Compacted]:
        return [event for event in self.events if isinstance(event, Compacted)]

    @property
    def state(self) -> State:
        return State.of(self.journal.entries)


def click(n: int) -> Answer:
    return answer({"type": "click", "x": 10 + n, "y": 20})


def bench(turns: int, *last: Step, **fields: Any) -> Bench:
    """That many clicks, each at another place, then what comes last."""
    made = Bench(LongModel([*(click(n) for n in range(turns)), *last], **fields))
    made.start()
    return made


def texts(items: Sequence[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, FromUser | FromDeskhand)]


def assert_each_place_once(b: Bench) -> None:
    assert len(b.computer.clicks) == len(set(b.computer.clicks)), "an action was carried out twice"
