"""The user comes first (promise 7): what they say reaches the loop here, before anything else happens.

Two planes, as in the inbox: most words wait for the next boundary, which is never farther than the next primitive
action; a stop, or a correction that is meant `now`, also cuts short what is being awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from typing import TypeVar

import anyio

from agent import budget, wording
from agent.errors import Stop, ToolFault, UserFault
from agent.events import Paused, QuestionAnswered, SteerQueued, Unpaused
from agent.inbox import POLL, Message
from agent.ports import Inbox
from agent.recorder import Recorder
from agent.state import Turn
from agent.takeover import Takeover
from agent.values import ScreenCall

T = TypeVar("T")


class Attention:
    """Listens for the user, and answers the loop's question: may I go on?

    Attributes:
        halted: why the rest of the present turn's actions was not carried out, or "".
        cut: what the user's correction cut short, in words, for its envelope.
        takeover: the user's own hands on the computer.
    """

    def __init__(self, inbox: Inbox, recorder: Recorder, *, hand_back_after: float | None = None) -> None:
        self.halted = ""
        self.cut = ""
        self.takeover = Takeover(recorder, hand_back_after)
        self._inbox = inbox
        self._recorder = recorder
        self._state = recorder.state
        self._stop: Stop | UserFault | None = None
        self._news = anyio.Event()
        self._scopes: list[tuple[anyio.CancelScope, bool]] = []
        self._decisions: dict[str, tuple[bool, str]] = {}
        self._replies: dict[str, str] = {}
        self._late: set[str] = set()  # words that are answers to questions beside the work
        self._paused_at = 0.0

    # ---- hearing

    async def listen(self) -> None:
        """Take words in as they come, for as long as the session lasts."""
        while True:
            await self._inbox.wait()
            self.hear()

    def hear(self) -> None:
        """Take in every word that is there."""
        try:
            for message, path in self._inbox.take():
                self.receive(message)
                self._inbox.forget(path)
        except UserFault as fault:  # the journal cannot be written: nothing may happen any more
            self._end_with(fault)

    async def feel(self) -> None:
        """Notice the user's own hands on the computer, for as long as the session lasts."""
        while True:
            await anyio.sleep(POLL)
            self._notice()

    def _notice(self) -> None:
        before = self._state.paused
        try:
            self.takeover.notice()
        except (Stop, UserFault) as end:
            self._end_with(end)
        if self._state.paused != before:
            self._wake()

    def receive(self, message: Message) -> None:
        """Write one word down and let it take effect."""
        if message.kind not in ("take", "resume"):
            self.takeover.heard(message.by)
        match message.kind:
            case "steer":
                self._steer(message)
            case "pause":
                self._pause(message)
            case "resume":
                self._unpause(message)
            case "take":
                self.takeover.take()
            case "stop":
                self._end_with(Stop("stopped", message.text or f"stopped by {message.by}"))
            case "approve" | "deny":
                self._decisions[message.target] = (message.kind == "approve", message.by)
            case "answer":
                self._answer(message)
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    def _end_with(self, end: Stop | UserFault) -> None:
        self._stop = end
        self._interrupt(stopping=True)
        self._wake()

    def _steer(self, message: Message) -> None:
        if message.id in self._state.seen:
            return
        self._recorder.record(SteerQueued(message.id, message.text, message.now))
        if message.now:
            self._interrupt(stopping=False)

    def _pause(self, message: Message) -> None:
        if not self._state.paused:
            self._paused_at = anyio.current_time()
            self._recorder.record(Paused(message.by))

    def _unpause(self, message: Message) -> None:
        if self._state.taken_over:
            self.takeover.end(message.by, message.text)
        elif self._state.paused:
            if message.text:
                self._steer(message)
            seconds = round(anyio.current_time() - self._paused_at, 3)
            self._recorder.record(Unpaused(message.by, seconds))

    # ---- may I go on?

    def gate(self) -> str:
        """Asked right before each primitive action: "" to go ahead, else why not.

        Raises:
            Stop: the session ends here.
        """
        self.hear()
        self._notice()
        self.raise_stop()
        if budget.seconds_left(self._state) <= 0:
            budget.check(self._state)
        if not self.takeover.free:
            self.halted = "the user took over"
        elif self._state.paused:
            self.halted = "the user paused"
        elif self._state.queued:
            self.halted = "the user corrected you"
        return self.halted

    async def until_free(self) -> bool:
        """Return when nothing holds the loop back: not while paused. Whether the screen may be another one now."""
        self.hear()
        self._notice()
        self.raise_stop()
        held = self._state.paused
        while self._state.paused:
            with self._recorder.not_ours():
                await self._news.wait()
            self.raise_stop()
        return held or not self.takeover.free

    async def until_handed_back(self) -> None:
        """Return when the computer is not in the user's hands: what they do with it is not photographed."""
        self._notice()
        if self._state.taken_over:
            await self.until_free()

    def turn_is_over(self, turn: Turn) -> None:
        """What was halted becomes what the correction cut short."""
        if self.halted:
            carried_out = sum(1 for error in turn.done.values() if not error)
            total = sum(len(call.actions) for call in turn.calls if isinstance(call, ScreenCall))
            self.cut = f"{carried_out} of {total} actions of your last answer were carried out." if total else ""
        self.halted = ""

    async def word(self) -> None:
        """Return once the user has said something that the model, or the hands, must heed."""
        while not self._state.queued and not self._state.paused:
            await self._news.wait()

    # ---- awaiting, with an ear open

    @contextmanager
    def interruptible(self, *, by_steer: bool = False, deadline: float = float("inf")) -> Generator[anyio.CancelScope]:
        """A scope that a stop cancels; a `now` correction too, where `by_steer`."""
        with anyio.CancelScope(deadline=deadline) as scope:
            self._scopes.append((scope, by_steer))
            if self._stop:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes.remove((scope, by_steer))

    async def unless_stopped(self, awaitable: Awaitable[T]) -> T:
        """Await, unless the user stops the session meanwhile.

        Raises:
            Stop: they did.
        """
        result: list[T] = []
        with self.interruptible():
            result.append(await awaitable)
        if not result:
            self.raise_stop()
            raise Stop("stopped", "cancelled")
        return result[0]

    async def unless_spoken_to(self, awaitable: Awaitable[object]) -> None:
        """Await what comes by itself, until it has come, the user says something, or the budget of time is used up."""

        async def heed(scope: anyio.CancelScope) -> None:
            await self.word()
            scope.cancel()

        deadline = anyio.current_time() + budget.seconds_left(self._state)
        with self._recorder.not_ours(), self.interruptible(by_steer=True, deadline=deadline):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(heed, tasks.cancel_scope)
                await awaitable
                tasks.cancel_scope.cancel()
        self.raise_stop()

    async def pause_for(self, seconds: float) -> None:
        """Let time pass, unless a stop or a correction comes."""
        with self.interruptible(by_steer=True), self._recorder.not_ours():
            await anyio.sleep(seconds)
        self.raise_stop()

    def _interrupt(self, *, stopping: bool) -> None:
        for scope, by_steer in self._scopes:
            if stopping or by_steer:
                scope.cancel()

    def raise_stop(self) -> None:
        """End the session where the user, or a journal that cannot be written, has said so."""
        if self._stop:
            raise self._stop

    # ---- what the user is asked

    async def decision(self, approval: str, timeout: float) -> tuple[bool, str]:
        """The user's yes or no to what was asked, and who says it.

        Raises:
            Stop: nobody answered in time (`needs_user`), or the user stopped.
        """
        with self._asking(timeout):
            while approval not in self._decisions:
                await self._news.wait()
                self.raise_stop()
        if approval not in self._decisions:
            raise Stop(
                "needs_user", f"approval {approval} was not answered within {timeout:g} s; resume to be asked again"
            )
        return self._decisions.pop(approval)

    async def answer_to(self, question: str, timeout: float) -> str:
        """The user's answer to a blocking question.

        Raises:
            Stop: nobody answered in time (`needs_user`), or the user stopped.
            ToolFault: they corrected the session instead; that is what it goes on with.
        """
        with self._asking(timeout):
            while question in self._state.questions and self._state.queued.keys() <= self._late:
                await self._news.wait()
                self.raise_stop()
        if question not in self._state.questions:
            return self._replies.pop(question)
        if self._state.queued.keys() <= self._late:
            raise Stop("needs_user", f"a question was not answered within {timeout:g} s; resume to be asked again")
        self._recorder.record(QuestionAnswered(question, "", "a correction"))
        raise ToolFault("The user did not answer this; what they say instead follows.")

    @contextmanager
    def _asking(self, timeout: float) -> Generator[None]:
        """While the user is asked they use mouse and keyboard, of course, and the time is not ours."""
        self.takeover.expected = True
        try:
            with anyio.move_on_after(timeout), self._recorder.not_ours():
                yield
        finally:
            self.takeover.expected = False

    def _answer(self, message: Message) -> None:
        """The user answers a question; where nobody waits for that, it reaches the model as a correction does."""
        question = self._state.questions.get(message.target)
        if question is None:
            return
        self._replies[question.id] = message.text
        self._recorder.record(QuestionAnswered(question.id, message.text, message.by))
        if not question.blocking:
            self._late.add(message.id)
            self._steer(Message("steer", wording.late_answer(question.text, message.text), id=message.id))
