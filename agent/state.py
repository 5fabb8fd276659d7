"""What a journal says about a session: a pure fold of its entries, and all that the loop knows of the past."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from actuators.actions import Point
from agent.conversation import Item, advance
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalReviewed,
    BudgetWarned,
    CallAnswered,
    Compacted,
    ComputerReady,
    Entry,
    Event,
    MemoryChanged,
    ModelAnswered,
    ModelDropped,
    NoteAdded,
    Paused,
    PlanChanged,
    QuestionAnswered,
    QuestionAsked,
    ScreenshotTaken,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TakeoverEnded,
    TakeoverStarted,
    ToolsOffered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Unpaused,
    UserSaid,
    WaitingStarted,
)
from agent.length import Length
from agent.values import Budgets, Call, ImageRef, Note, PlanStep, ScreenCall, Usage, Word
from agent.weight import pictures_of
from perception.errors import OffImage
from perception.screenshot import Region, Space

STILL = 3e-5  # share of the picture (60 pixels of 1920×1080) below which nothing that matters has changed


@dataclass
class Turn:
    """The turn under way: what the answer asked for, and how far that got."""

    number: int = 0
    calls: tuple[Call, ...] = ()
    answered: set[str] = field(default_factory=set[str])
    started: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict[tuple[str, int], dict[str, Any]])
    done: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    tools: dict[str, ToolStarted] = field(default_factory=dict[str, ToolStarted])
    open: bool = False

    @property
    def unanswered(self) -> list[Call]:
        """Calls that the model still waits for."""
        return [call for call in self.calls if call.id not in self.answered]

    @property
    def uncertain(self) -> list[dict[str, Any]]:
        """Actions that were started, and nobody knows whether they happened."""
        return [action for key, action in self.started.items() if key not in self.done]


@dataclass
class State:
    """The session so far. Only `advance` changes it."""

    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    budgets: Budgets = field(default_factory=Budgets)
    items: list[Item] = field(default_factory=list[Item])
    length: Length = field(default_factory=Length)
    tools: tuple[Word, ...] | None = None
    turn: Turn = field(default_factory=Turn)
    turns: int = 0
    usage: Usage = field(default_factory=Usage)
    paused: bool = False
    taken_over: bool = False
    waiting: bool = False
    queued: dict[str, SteerQueued] = field(default_factory=dict[str, SteerQueued])
    delivered: list[str] = field(default_factory=list[str])
    seen: set[str] = field(default_factory=set[str])
    warned: set[str] = field(default_factory=set[str])
    approved: bool = False
    words: str = ""
    said_by_user: list[str] = field(default_factory=list[str])
    questions: dict[str, QuestionAsked] = field(default_factory=dict[str, QuestionAsked])
    plan: tuple[PlanStep, ...] = ()
    notes: tuple[Note, ...] = ()
    open_ends: int = 0
    idle_answers: int = 0
    repeats: int = 0
    last_actions: list[tuple[dict[str, Any], ...]] = field(default_factory=list[tuple[dict[str, Any], ...]])
    changed: float = 1.0
    shown: Space | None = None
    seconds: float = 0.0
    _spaces: dict[str, Space] = field(default_factory=dict[str, Space])
    _last_at: datetime | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> State:
        """The state after all of `entries`."""
        state = cls()
        for entry in entries:
            state.advance(entry)
        return state

    def advance(self, entry: Entry) -> None:
        """Take in one more entry."""
        self._count_time(entry)
        before = len(self.items)
        advance(self.items, entry.event)
        self.length.take(entry.event, self.items, len(self.items) - before)
        self._note(entry.event)

    def elapsed(self, now: datetime) -> float:
        """Seconds of work so far: pauses, waiting for its turn and the time between processes left out."""
        if self._last_at is None or self.paused or self.waiting:
            return self.seconds
        return self.seconds + max(0.0, (now - self._last_at).total_seconds())

    def on_image(self, points: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Points of the screen as pixels of the image that the model was shown last; those off it are left out."""
        found: list[tuple[int, int]] = []
        for x, y in points:
            with suppress(OffImage):
                if self.shown:
                    pixel = self.shown.to_image(Point(x, y))
                    found.append((pixel.x, pixel.y))
        return found

    @property
    def open_steps(self) -> list[PlanStep]:
        """Steps of the model's plan that are not done."""
        return [step for step in self.plan if step.state != "done"]

    @property
    def questions_left(self) -> dict[str, QuestionAsked]:
        """What the user is asked again when the session goes on: time that has passed is no answer."""
        done = self.ended is not None and self.ended.outcome == "done"
        return {} if done else dict(self.questions)

    def _count_time(self, entry: Entry) -> None:
        at = datetime.fromisoformat(entry.at)
        held = self.paused or self.waiting
        if self._last_at and not held and not isinstance(entry.event, SessionResumed):
            self.seconds += max(0.0, (at - self._last_at).total_seconds())
        self._last_at = at

    def _note(self, event: Event) -> None:
        match event:
            case SessionStarted() | SessionResumed() | SessionQueued() | SessionEnded():
                self._of_session(event)
            case ComputerReady():
                self.waiting = False
            case ToolsOffered():
                self.tools = event.tools
            case TurnStarted() | ModelAnswered() | ModelDropped() | TurnEnded() | Compacted():
                self._of_model(event)
            case ScreenshotTaken():
                self.changed = event.changed
                self._spaces[event.image.sha256] = Space(Region(*event.region), event.image.width, event.image.height)
            case ActionStarted() | ActionDone() | ToolStarted() | WaitingStarted() | CallAnswered():
                self._of_work(event)
            case UserSaid() | NoteAdded():
                self._show(event.image)
            case Paused() | Unpaused():
                self.paused = isinstance(event, Paused)
            case TakeoverStarted() | TakeoverEnded():
                self.taken_over = isinstance(event, TakeoverStarted)
            case SteerQueued() | SteerDelivered() | SteerApplied():
                self._of_steer(event)
            case ApprovalReviewed():
                self.usage += event.usage
            case ApprovalAnswered():
                self.approved = event.approved
            case QuestionAsked():
                self.questions[event.id] = event
            case QuestionAnswered():
                self.questions.pop(event.id, None)
                self.said_by_user.append(event.text)
            case PlanChanged():
                self.plan = event.steps
            case MemoryChanged():
                self.notes = event.notes
            case BudgetWarned():
                self.warned.add(event.kind)
            case _:
                pass

    def _of_session(self, event: SessionStarted | SessionResumed | SessionQueued | SessionEnded) -> None:
        match event:
            case SessionStarted():
                self.started, self.budgets = event, event.budgets
                self.said_by_user.append(event.task)
            case SessionResumed():
                self.ended, self.budgets = None, event.budgets
                self.paused = self.taken_over = self.waiting = False
                self.questions.clear()
                self.warned.clear()
                self.repeats = self.idle_answers = 0
            case SessionQueued():
                self.waiting = True
            case SessionEnded():
                self.ended = event

    def _of_model(self, event: TurnStarted | ModelAnswered | ModelDropped | TurnEnded | Compacted) -> None:
        match event:
            case TurnStarted():
                self.turn = Turn(event.turn)
            case ModelAnswered():
                self._answered(event)
            case ModelDropped():
                self.usage += event.usage
                if event.withdrawn:
                    self.turn = Turn(event.turn)
            case TurnEnded():
                self._turn_ended()
            case Compacted():
                self._compacted(event)

    def _of_work(self, event: ActionStarted | ActionDone | ToolStarted | WaitingStarted | CallAnswered) -> None:
        match event:
            case ActionStarted():
                self.turn.started[event.call, event.index] = event.action
            case ActionDone():
                self.turn.done[event.call, event.index] = event.error
            case ToolStarted():
                self.turn.tools[event.call] = event
            case WaitingStarted():
                self.idle_answers = 0
            case CallAnswered():
                self.turn.answered.add(event.call)
                self._show(event.image)

    def _of_steer(self, event: SteerQueued | SteerDelivered | SteerApplied) -> None:
        match event:
            case SteerQueued():
                self.queued[event.id] = event
                self.seen.add(event.id)
                self.said_by_user.append(event.text)
            case SteerDelivered():
                self.queued.pop(event.id, None)
                self.delivered.append(event.id)
            case SteerApplied():
                self.delivered.remove(event.id)

    def _answered(self, event: ModelAnswered) -> None:
        self.usage += event.usage
        self.turns += 1
        self.words = event.words
        self.idle_answers = 0 if event.calls or event.final else self.idle_answers + 1
        self.open_ends += event.final and bool(self.open_steps)
        self.turn = Turn(event.turn, event.calls, open=True)
        self.approved = False

    def _turn_ended(self) -> None:
        """Count how often the same was asked for while the screen did not change (the loop guard)."""
        self.turn.open = False
        asked = [call.actions for call in self.turn.calls if isinstance(call, ScreenCall)]
        same = any(asked) and asked == self.last_actions and self.changed <= STILL
        self.repeats = self.repeats + 1 if same else 0
        self.last_actions = asked

    def _compacted(self, event: Compacted) -> None:
        self.usage += event.usage
        left = {image.sha256 for item in self.items for image in pictures_of(item)}
        self._spaces = {name: space for name, space in self._spaces.items() if name in left}

    def _show(self, image: ImageRef | None) -> None:
        if image:
            self.shown = self._spaces[image.sha256]
