"""The loop: look, decide, act, record. The one loop, on every computer and under every benchmark.

    run:   begin, then turn after turn until something ends it
    turn:  boundary -> decide -> approve -> act -> reflect

`Attention` (who the user is to the loop) is in `agent/attention.py`, the model's side of a turn in `agent/thinking.py`,
the hands' side in `agent/acting.py`. What happened is in the journal and nowhere else; `State` is its fold.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import anyio

from agent import budget, wording
from agent.acting import Acting
from agent.approving import Rules
from agent.attention import Attention
from agent.compaction import Compaction
from agent.errors import ModelFault, Stop, UserFault
from agent.events import (
    BudgetWarned,
    BugFound,
    ComputerReady,
    Event,
    FileMade,
    ModelAnswered,
    ModelRefused,
    NoteAdded,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SteerApplied,
    SteerDelivered,
    ToolsOffered,
    TurnEnded,
    UserSaid,
    WaitingStarted,
)
from agent.inbox import Message
from agent.models.window import known_window
from agent.policy import NO_RULES
from agent.ports import Computer, Inbox, Journal, Model
from agent.recorder import Recorder
from agent.state import STILL, State
from agent.thinking import Thinking
from agent.tools.base import Reply
from agent.tools.toolbox import Toolbox
from agent.values import Budgets, Call, FunctionCall, ScreenCall, Word

POINT_OUT_AFTER = 2  # repetitions of the same actions on an unchanged screen
GIVE_UP_AFTER = 5
POINT_OUT_WAITING_AFTER = 9  # the same, for actions that only look or wait
GIVE_UP_WAITING_AFTER = 29
IDLE_ANSWERS = 3  # answers in a row that neither act nor finish
CLOSING = 15.0  # seconds for a computer to close
LASTING = ("here", "osworld")  # kinds of computers that go on when a session ends


Waiting: TypeAlias = Callable[[str, int], None]
Offered: TypeAlias = "tuple[Word, ...] | None"


class Place(Protocol):
    """One of the places that sessions may take at a time."""

    def release(self) -> None:
        """The next one may start."""
        ...


class Spending(Protocol):
    """What all sessions of this user cost together."""

    def check(self) -> None:
        """Raise `Stop` where the shared budget is used up."""
        ...


@dataclass(frozen=True)
class Setting:
    """How a session is run, beyond what its journal says.

    Attributes:
        rules: what needs the user's yes, and who is asked.
        admit: waits until the session may start; calls what it is given whenever it has to wait: for what, and how many
            are ahead. What it returns is released at the end.
        open_tools: makes the tools beside the screen, for a computer and with what was offered before; None for those
            alone that need neither folder nor programs.
        spending: what all sessions together may cost; None for no such limit.
        compact_at: tokens from which on the conversation is made shorter; None leaves that to the model.
        budgets: new limits for a session that is resumed; None keeps those that it had.
        files: the files that the task has produced, asked at the end.
        hand_back_after: seconds that the user leaves the computer alone, after which it is the agent's again; None
            waits for their word.
    """

    rules: Rules = field(default_factory=lambda: Rules(NO_RULES))
    admit: Callable[[Waiting], Awaitable[Place]] | None = None
    open_tools: Callable[[Computer, Offered], Awaitable[Toolbox]] | None = None
    spending: Spending | None = None
    compact_at: int | None = None
    budgets: Budgets | None = None
    files: Callable[[], Iterable[FileMade]] = tuple
    hand_back_after: float | None = None


class Loop:
    """One session at work, from the state that its journal gives to its end."""

    def __init__(
        self,
        *,
        model: Model,
        open_computer: Callable[[], Awaitable[Computer]],
        journal: Journal,
        inbox: Inbox,
        state: State,
        setting: Setting | None = None,
    ) -> None:
        self._model = model
        self._setting = setting or Setting()
        self._open_computer = open_computer
        self._recorder = Recorder(journal, state)
        self._state = state
        self._attention = Attention(inbox, self._recorder, hand_back_after=self._setting.hand_back_after)
        self._thinking = Thinking(model, journal, self._recorder, self._attention)
        self._compaction = Compaction(
            model,
            journal,
            self._recorder,
            self._attention,
            at=self._setting.compact_at,
            going_on=lambda: self._toolbox.going_on,
        )
        self._computer: Computer | None = None
        self._toolbox = Toolbox()
        self._acting: Acting | None = None
        self._told_of: list[str] = []
        self._place: Place | None = None

    async def run(self) -> SessionEnded:
        """Work until the session ends; the last event of the journal says how."""
        ends: list[SessionEnded] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._attention.listen)
            tasks.start_soon(self._attention.feel)
            try:
                ends.append(await self._work())
            finally:
                with anyio.CancelScope(shield=True):
                    await self._close()
            tasks.cancel_scope.cancel()
        return self._record_end(ends[0])

    def tell(self, message: Message) -> None:
        """A word from this very process, a signal for instance."""
        self._attention.receive(message)

    async def _work(self) -> SessionEnded:
        try:
            await self._begin()
            while True:
                await self._turn()
        except Stop as stop:
            return self._end(stop)
        except ModelFault as fault:
            self._try_record(ModelRefused(self._state.turn.number, fault.code, str(fault), fault.details))
            return self._end(Stop("failed", str(fault)))
        except UserFault as fault:
            return self._end(Stop("failed", str(fault)))
        except Exception as bug:
            self._try_record(BugFound(f"{type(bug).__name__}: {bug}", traceback.format_exc()))
            return self._end(
                Stop("failed", f"a bug in deskhand: {type(bug).__name__}: {bug}; the journal has the details")
            )

    async def _turn(self) -> None:
        await self._boundary()
        try:
            answer = await self._thinking.decide()
        except ModelFault as fault:
            await self._compaction.make_room(fault)
            return
        if answer is None:  # cut short by the user's word, which the next boundary delivers
            return
        if not await self._hands.approving.checks(answer):
            return
        self._confirm_steers(answer)
        await self._hands.carry_out(answer)
        self._finish_turn()
        await self._reflect(answer)

    @property
    def _hands(self) -> Acting:
        assert self._acting, "the loop acts after it has begun"
        return self._acting

    # ---- beginning, and beginning again

    async def _begin(self) -> None:
        again, asked = bool(self._state.items), self._state.questions_left
        budgets = self._setting.budgets or self._state.budgets
        # The latter ones: it was interrupted before it had its first turn.
        if again or self._state.ended or self._state.waiting or budgets != self._state.budgets:
            self._record(SessionResumed(budgets))
        for question in (each for each in asked.values() if not each.blocking):
            self._record(question)
        await self._attention.until_free()
        if self._setting.admit:
            admitted = self._setting.admit(lambda reason, ahead: self._record(SessionQueued(reason, ahead)))
            self._place = await self._attention.unless_stopped(admitted)
        self._computer = computer = await self._attention.unless_stopped(self._open_computer())
        self._attention.takeover.heed(computer.guard)
        lost = again and computer.kind not in LASTING
        self._record(ComputerReady(computer.kind, tuple(computer.notes), restarted=lost))
        await self._open_tools(computer)
        self._acting = Acting(computer, self._toolbox, self._recorder, self._attention, self._setting.rules)
        opened = await self._open_targets() if lost or not again else ()
        if again:
            await self._mend(wording.restarted(opened) if lost else wording.LOOK_AGAIN, asked)
        else:
            assert self._state.started, "a journal begins with session.started"
            image = await self._attention.unless_stopped(self._acting.look())
            self._record(UserSaid(self._state.started.task, image))  # first: it is what tells a new session from an old
            if about := wording.place(computer.notes):
                self._record(NoteAdded(about))

    async def _open_tools(self, computer: Computer) -> None:
        """The model is offered the same for the whole session: tools are the first part of what it is sent."""
        if self._setting.open_tools:
            opening = self._setting.open_tools(computer, self._state.tools)
            self._toolbox = await self._attention.unless_stopped(opening)
        if self._state.tools is None:
            self._record(ToolsOffered(self._toolbox.offers, known_window(self._model), self._toolbox.left_out))

    async def _open_targets(self) -> tuple[str, ...]:
        assert self._computer and self._state.started
        for target in self._state.started.open:
            await self._attention.unless_stopped(self._computer.open(target))
        return self._state.started.open

    async def _mend(self, note: str, asked: Collection[str]) -> None:
        """Leave no call unanswered, ask again what was `asked`, and mention every doubtful action (promise 3)."""
        self._hands.approving.withdraw_unapproved()
        calls = self._state.turn.unanswered if self._state.turn.open else []
        waited = [call for call in calls if call.id in asked and isinstance(call, FunctionCall)]
        replies = {call.id: await self._hands.use(call) for call in waited}
        image = await self._attention.unless_stopped(self._hands.look())
        if self._state.turn.open:
            for call in calls:
                self._hands.answer(call, image, replies.get(call.id) or self._interrupted(call))
            self._finish_turn()
        self._record(NoteAdded(note, image))

    def _interrupted(self, call: Call) -> Reply:
        started = self._state.turn.tools.get(call.id)
        return Reply(wording.tool_interrupted(started) if started else wording.ENDED_HERE, failed=True)

    # ---- the boundary between turns

    async def _boundary(self) -> None:
        """Where the user's words take effect: stop, pause, corrections; and where budgets end."""
        held = await self._compaction.if_due()
        if await self._attention.until_free() or held:
            await self._look_again()
        self._deliver_news()
        self._deliver_steers()
        budget.check(self._state)
        if self._setting.spending:
            self._setting.spending.check()
        for kind, used, limit in budget.near_the_end(self._state):
            self._record(BudgetWarned(kind, used, limit))
            self._record(NoteAdded(wording.budget_low(kind, round(used, 2), limit)))

    async def _look_again(self) -> None:
        """After a pause the model goes on from the screen as it is now, and knows what the user did with it."""
        takeover, self._attention.takeover.untold = self._attention.takeover.untold, None
        image = await self._attention.unless_stopped(self._hands.look())
        news = image if self._state.changed > STILL else None
        if takeover:
            self._record(NoteAdded(wording.handed_back(takeover, self._state.on_image(takeover.clicks)), news))
        elif news:
            self._record(NoteAdded(wording.SINCE_PAUSED, news))

    def _deliver_news(self) -> None:
        if self._toolbox.room:
            for text in self._toolbox.room.news.take():
                self._record(NoteAdded(text))

    def _deliver_steers(self) -> None:
        for steer in list(self._state.queued.values()):
            envelope = wording.envelope(self._state, steer, self._attention.cut)
            self._record(SteerDelivered(steer.id, envelope))
        self._attention.cut = ""

    def _confirm_steers(self, answer: ModelAnswered) -> None:
        for identity in list(self._state.delivered):
            self._record(SteerApplied(identity, answer.turn))

    # ---- after acting

    def _finish_turn(self) -> None:
        """Tell the model what was not carried out, and close the turn."""
        halted = self._attention.halted or "the session was interrupted"
        report = wording.outcome_of(self._state.turn, halted, self._hands.faults)
        if report:
            self._record(NoteAdded(report))
        if self._hands.unsettled:
            self._record(NoteAdded(self._hands.unsettled))
        self._attention.turn_is_over(self._state.turn)
        seconds, ours = self._recorder.turn_time()
        self._record(TurnEnded(self._state.turn.number, seconds, ours))

    async def _reflect(self, answer: ModelAnswered) -> None:
        """Is it finished, stuck, waiting, or only talking?"""
        if self._state.queued:
            return  # the user has something to say to this very answer
        if answer.final and self._state.open_steps and self._state.open_ends == 1:
            self._record(NoteAdded(wording.unfinished(self._state.open_steps)))
            return
        if answer.final and (going_on := self._untold()):
            self._record(NoteAdded(wording.still_going_on(going_on)))
            return
        if answer.final:
            raise Stop("done", answer.words or "the model said that it is finished")
        if self._state.idle_answers and self._toolbox.going_on:
            await self._wait_for_news()
            return
        if self._state.idle_answers >= IDLE_ANSWERS:
            raise Stop("gave_up", f"the model answered {IDLE_ANSWERS} times without acting or finishing")
        if self._state.idle_answers:
            self._record(NoteAdded(wording.KEEP_GOING))
        self._guard_against_repeating(answer)

    def _untold(self) -> list[str]:
        """What goes on, where the model has not been reminded of it."""
        before, self._told_of = self._told_of, self._toolbox.going_on
        return [what for what in self._told_of if what not in before]

    async def _wait_for_news(self) -> None:
        """The model has nothing to do until a command ends: it is not asked meanwhile."""
        assert self._toolbox.room
        self._record(WaitingStarted(tuple(self._toolbox.going_on)))
        await self._attention.unless_spoken_to(self._toolbox.room.news.wait())

    def _guard_against_repeating(self, answer: ModelAnswered) -> None:
        passive = all(
            action.get("type") in ("wait", "screenshot")
            for call in answer.calls
            if isinstance(call, ScreenCall)
            for action in call.actions
        )
        hint, end = (POINT_OUT_WAITING_AFTER, GIVE_UP_WAITING_AFTER) if passive else (POINT_OUT_AFTER, GIVE_UP_AFTER)
        repeats = self._state.repeats
        if repeats >= end:
            raise Stop(
                "gave_up",
                f"the same actions were asked for {repeats + 1} times on a screen that does not change",
            )
        if repeats == hint:
            self._record(NoteAdded(wording.repeating(repeats)))

    # ---- the end

    def _end(self, stop: Stop) -> SessionEnded:
        state = self._state
        return SessionEnded(
            stop.outcome, stop.reason, state.turns, round(state.seconds, 3), state.usage, summary=state.words
        )

    def _record_end(self, end: SessionEnded) -> SessionEnded:
        for made in self._setting.files():
            self._try_record(made)
        self._try_record(end)
        return end

    async def _close(self) -> None:
        with anyio.move_on_after(CLOSING):
            await self._toolbox.aclose()
        if self._computer:
            with anyio.move_on_after(CLOSING):
                await self._computer.aclose()
        if self._place:
            self._place.release()

    def _record(self, event: Event) -> None:
        self._recorder.record(event)

    def _try_record(self, event: Event) -> None:
        """Record what can still be recorded; a full disk must not hide the reason for the end."""
        try:
            self._record(event)
        except UserFault:
            return
