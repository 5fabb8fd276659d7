"""Tools that say what is done with them, and sessions that have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio

from agent.approving import Reviewing, Rules
from agent.events import CallAnswered
from agent.loop import Offered, Setting
from agent.policy import Policy, Use
from agent.ports import Computer
from agent.testing import Answer
from agent.tools.base import Arguments, Context, Picture, Reply, Room, Tool
from agent.tools.folder import Folder
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import Call
from tests.agent.test_loop import Bench, bench
from tests.support.programs import PlainPrograms

PNG = b"\x89PNG not really"


def both(*answers: Answer) -> Answer:
    """One answer with the calls of several."""
    calls: tuple[Call, ...] = tuple(
        replace(call, id=f"{call.id}-{number}") for number, each in enumerate(answers) for call in each.calls
    )
    return replace(answers[0], calls=calls, output=tuple(item for each in answers for item in each.output))


class Kit:
    """Tools that say what is done with them."""

    def __init__(self, folder: Path) -> None:
        self.room = Room(Folder(folder.resolve()), PlainPrograms(folder))
        self.order: list[str] = []
        self.meet: anyio.Event | None = None
        self.during: Callable[[], None] = lambda: None

    async def look(self, arguments: Arguments, _: Context) -> str | Reply:
        """Two of these must meet, where a test says so."""
        self.order.append(f"begin {arguments['at']}")
        if self.meet:
            if sum(each.startswith("begin") for each in self.order) == 2:
                self.meet.set()
            with anyio.fail_after(5):
                await self.meet.wait()
        self.order.append(f"end {arguments['at']}")
        return Reply(f"seen {arguments['at']}", (Picture(PNG, 40, 30),))

    async def change(self, arguments: Arguments, _: Context) -> str:
        self.order.append(f"change {arguments['at']}")
        self.during()
        await anyio.lowlevel.checkpoint()
        return f"changed {arguments['at']}"

    def box(self, offered: Offered) -> Toolbox:
        at = {"at": {"type": "string"}}
        tools = (
            Tool("look", "Looks.", at, self.look, reads_only=True, in_words=lambda a: f"look at {a['at']}"),
            Tool("change", "Changes.", at, self.change, in_words=lambda a: f"change {a['at']}"),
            Tool("send", "Sends.", at, self.change, use=lambda _: Use("post", server="mailer", ask_before=True)),
        )
        return Toolbox((*ALWAYS, *tools), room=self.room, offered=offered)


def session(
    kit: Kit,
    *steps: Answer,
    patience: float = 5.0,
    policy: Policy | None = None,
    reviewer: Reviewing | None = None,
    **fields: object,
) -> Bench:
    b = bench(*steps, **fields)

    async def open_tools(_: Computer, offered: Offered) -> Toolbox:
        return kit.box(offered)

    b.setting = Setting(rules=Rules(policy or Policy.load(), patience, reviewer), open_tools=open_tools)
    return b


def replies(b: Bench) -> list[str]:
    return [entry.event.text for entry in b.journal.entries if isinstance(entry.event, CallAnswered)]


def of_kind(b: Bench, kind: type) -> list[object]:
    return [entry.event for entry in b.journal.entries if isinstance(entry.event, kind)]
