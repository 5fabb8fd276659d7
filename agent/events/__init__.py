"""Everything that can happen to a session: frozen, typed, appended once.

The docstring of each class is its row in `docs/events.md`. All but the `FLEETING` are on the disk itself before anyone
acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from agent.events.model import (
    Compacted,
    ModelAnswered,
    ModelDropped,
    ModelRefused,
    ModelRetrying,
    ModelSaid,
    ModelThought,
    TurnEnded,
    TurnStarted,
)
from agent.events.session import (
    BudgetWarned,
    BugFound,
    ComputerReady,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SessionStarted,
    ToolsOffered,
)
from agent.events.user import (
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    Paused,
    QuestionAnswered,
    QuestionAsked,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TakeoverEnded,
    TakeoverStarted,
    Unpaused,
    UserSaid,
)
from agent.events.work import (
    ActionDone,
    ActionStarted,
    CallAnswered,
    FileMade,
    MemoryChanged,
    NoteAdded,
    PlanChanged,
    ScreenshotTaken,
    ToolStarted,
    WaitingStarted,
)

Event: TypeAlias = (
    SessionStarted
    | SessionResumed
    | SessionQueued
    | ComputerReady
    | ToolsOffered
    | ScreenshotTaken
    | UserSaid
    | NoteAdded
    | TurnStarted
    | ModelThought
    | ModelSaid
    | ModelAnswered
    | ModelDropped
    | ModelRetrying
    | ModelRefused
    | ActionStarted
    | ActionDone
    | ToolStarted
    | CallAnswered
    | WaitingStarted
    | TurnEnded
    | SteerQueued
    | SteerDelivered
    | SteerApplied
    | Paused
    | Unpaused
    | TakeoverStarted
    | TakeoverEnded
    | ApprovalRequested
    | ApprovalAnswered
    | ApprovalReviewed
    | QuestionAsked
    | QuestionAnswered
    | PlanChanged
    | MemoryChanged
    | Compacted
    | BudgetWarned
    | FileMade
    | BugFound
    | SessionEnded
)
EVENT_CLASSES: tuple[type[Event], ...] = get_args(Event)

# Events that may be lost when the power fails: the complete answer repeats what was streamed of it, and a finished
# action need not be durable at once: until its `action.done` is on disk it counts as uncertain, which is safe.
FLEETING = (ModelThought, ModelSaid, ModelRetrying, ActionDone, TurnEnded, ScreenshotTaken, TurnStarted)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the journal. `at` is UTC, ISO 8601 with a final Z."""

    seq: int
    at: str
    event: Event = field(kw_only=True)
