"""A session at work in this process: the real loop over a scripted model and a drawn screen, with real files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from agent.approving import Rules
from agent.conversation import Answer, Request
from agent.events import SessionEnded, SessionStarted
from agent.inbox import FileInbox
from agent.journal import FileJournal, read_journal
from agent.loop import Loop, Setting
from agent.policy import NO_RULES
from agent.ports import Computer
from agent.session import Session, create_session
from agent.state import State
from agent.testing import FakeComputer, ScriptedModel, Step
from tests.support.command import wait_until


@dataclass
class Worker:
    """A session that works in a thread until its script ends."""

    session: Session
    computer: FakeComputer
    ended: list[SessionEnded] = field(default_factory=list[SessionEnded])

    @property
    def types(self) -> list[str]:
        """What its journal holds so far."""
        return [entry.event.type for entry in read_journal(self.session)[0]]

    def wait_for(self, kind: str) -> None:
        """Wait for an event of a type."""
        wait_until(lambda: kind in self.types, kind, 10)


def held(until: threading.Event, then: Answer) -> Step:
    """A step of the model that takes as long as the test wants."""

    async def step(_request: Request) -> Answer:
        while not until.is_set():
            await anyio.sleep(0.005)
        return then

    return step


@contextmanager
def working(home: Path, *steps: Step, release: Callable[[], None] = lambda: None) -> Generator[Worker]:
    """Start a session; `release` lets go of what holds it, so that it ends with the block."""
    session = create_session(home)
    worker = Worker(session, FakeComputer())
    journal = FileJournal(session)
    state = State()
    state.advance(journal.append(SessionStarted(session.id, "Work", "scripted", "desktop", "orders")))

    async def open_computer() -> Computer:
        return worker.computer

    async def work() -> None:
        model, inbox = ScriptedModel(list(steps)), FileInbox(session.inbox)
        setting = Setting(rules=Rules(NO_RULES, 20))
        loop = Loop(
            model=model, open_computer=open_computer, journal=journal, inbox=inbox, state=state, setting=setting
        )
        worker.ended.append(await loop.run())

    def run() -> None:
        with session.locked():
            anyio.run(work)
            journal.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(session.is_live, "the session to begin", 10)
        yield worker
    finally:
        release()
        thread.join(20)
    assert not thread.is_alive()
