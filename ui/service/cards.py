"""What the page is told of a session: the shapes of the HTTP interface, documented in `/openapi.json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal[
    "queued",
    "starting",
    "thinking",
    "acting",
    "looking",
    "needs you",
    "in your hands",
    "paused",
    "waiting for the provider",
    "done",
    "gave up",
    "stopped",
    "out of budget",
    "failed",
    "interrupted",
    "damaged",
]
Column: TypeAlias = Literal["needs you", "working", "paused", "done"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of all answers. `cached` is the part of `input` that the provider had kept."""

    input: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """How full the model is: `tokens` of its newest request, and the `window` that it takes, None if nobody knows."""

    tokens: int
    window: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the session may use up; None is without limit."""

    turns: int | None = None
    minutes: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The action that is about to happen, happens, or has just happened.

    `point` is a pixel of the picture `image` (by SHA-256, `width`×`height` pixels); None for an action without a place.
    """

    words: str
    point: tuple[int, int] | None
    image: str | None
    width: int
    height: int
    state: Literal["next", "doing", "done"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the model's plan."""

    step: str
    state: Literal["pending", "in_progress", "done"]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only the user can answer. An `approval` of kind `hand_off` means: do it yourself, then say yes."""

    id: str
    type: Literal["approval", "question"]
    kind: str
    text: str
    risk: str = ""
    recipient: str = ""
    choices: tuple[str, ...] = ()
    source: str = ""
    rule: str = ""
    again: int = 0
    blocking: bool = True
    at: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """Why the session waits for its turn, and how many are before it."""

    reason: str
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A session at a glance.

    Attributes:
        live: whether a process works on it now.
        screen: whether it has a screen of its own that can be looked at live.
        seconds: of work up to `at`; pauses, queues and the time between processes left out.
        since: UTC when the present state began.
        at: UTC of the newest event.
        words: the last words to the user.
        thought: the end of the newest reasoning.
        context: None before the first answer.
        image: SHA-256 of the newest screenshot.
    """

    id: str
    task: str
    state: State
    column: Column
    live: bool
    screen: bool
    model: str
    computer: str
    started: str
    ended: str | None
    turns: int
    seconds: float
    since: str
    at: str
    tokens: Tokens
    context: Context | None
    cost_usd: float | None
    budgets: Limits
    words: str
    thought: str
    next: Next | None
    plan: tuple[Step, ...]
    image: str | None
    image_size: tuple[int, int] | None
    questions: tuple[Question, ...]
    queue: Queue | None
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a correction has come. `at` is UTC of its newest receipt."""

    id: str
    text: str
    now: bool
    state: Literal["queued", "delivered", "applied"]
    at: str


@dataclass(frozen=True, slots=True)
class Made:
    """A file that the task produced; `path` as the journal names it."""

    path: str
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line of the journal that cannot be believed, counted from 1."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail(Card):
    """A session, with what only its own page shows. `chunks` counts the journal's chunks, the one before the first
    turn included; `notes` are what the computer said of itself."""

    receipts: tuple[Receipt, ...]
    files: tuple[Made, ...]
    notes: tuple[str, ...]
    damages: tuple[Damaged, ...]
    chunks: int
