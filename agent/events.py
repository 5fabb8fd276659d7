"""Everything that can happen to a session: frozen, typed, appended once.

The docstring of each class is its row in `docs/events.md`. All but the `FLEETING` are on the disk itself before anyone
acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from agent.errors import Outcome
from agent.values import (
    NO_LIMITS,
    NOTHING_USED,
    Budgets,
    Call,
    Form,
    ImageRef,
    Note,
    PlanStep,
    SafetyCheck,
    Usage,
    Word,
)


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A task was given. `dialect` is how a chat model is spoken to; "" for all others."""

    session: str
    task: str
    model: str
    computer: str
    instructions: str
    budgets: Budgets = NO_LIMITS
    approve: str = "ask"
    size: tuple[int, int] | None = None
    workspace: str = ""
    open: tuple[str, ...] = ()
    network: bool | None = None
    version: str = ""
    dialect: str = ""
    type: Literal["session.started"] = "session.started"

    @property
    def place(self) -> str:
        """What kind of computer it works on: `here`, `desktop` or `vm`; `computer` may also say which one."""
        kind = self.computer.partition(":")[0]
        return "vm" if kind == "osworld" else kind

    @property
    def has_screen_of_its_own(self) -> bool:
        """Whether it is on this machine, and nobody else looks at it."""
        return self.computer.partition(":")[0] in ("desktop", "vm")


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """A session that had ended, or whose process died, goes on in a new process."""

    budgets: Budgets = NO_LIMITS
    type: Literal["session.resumed"] = "session.resumed"


@dataclass(frozen=True, slots=True)
class SessionQueued:
    """The session waits for its turn, `ahead` others before it; over when its computer is ready."""

    reason: str
    ahead: int
    type: Literal["session.queued"] = "session.queued"


@dataclass(frozen=True, slots=True)
class ComputerReady:
    """The place to work is there. `restarted` is true when an earlier one of this session is gone."""

    computer: str
    notes: tuple[str, ...] = ()
    restarted: bool = False
    type: Literal["computer.ready"] = "computer.ready"


@dataclass(frozen=True, slots=True)
class ToolsOffered:
    """What the model may use beside the screen, the same for the whole session: name, description, parameters."""

    tools: tuple[Word, ...]
    type: Literal["tools.offered"] = "tools.offered"


@dataclass(frozen=True, slots=True)
class ScreenshotTaken:
    """The eyes looked. `region` is the part of the screen (left, top, width, height) that the image shows."""

    image: ImageRef
    region: tuple[int, int, int, int]
    settled: bool
    changed: float
    seconds: float
    moving: tuple[int, int, int, int] | None = None
    type: Literal["screenshot.taken"] = "screenshot.taken"


@dataclass(frozen=True, slots=True)
class UserSaid:
    """The task, or words with a picture, put before the model as the user's own."""

    text: str
    image: ImageRef | None = None
    type: Literal["user.said"] = "user.said"


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """Deskhand tells the model something: a fault, a warning, what became of an action."""

    text: str
    image: ImageRef | None = None
    type: Literal["note.added"] = "note.added"


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A request is about to be sent; `items` counts what it holds."""

    turn: int
    items: int
    type: Literal["turn.started"] = "turn.started"


@dataclass(frozen=True, slots=True)
class ModelThought:
    """A piece of streamed reasoning summary."""

    turn: int
    text: str
    type: Literal["model.thought"] = "model.thought"


@dataclass(frozen=True, slots=True)
class ModelSaid:
    """A piece of streamed words to the user."""

    turn: int
    text: str
    type: Literal["model.said"] = "model.said"


@dataclass(frozen=True, slots=True)
class ModelAnswered:
    """A complete response. `output` is kept verbatim and sent back as it is."""

    turn: int
    response: str
    output: tuple[Word, ...]
    calls: tuple[Call, ...]
    words: str
    final: bool
    usage: Usage
    seconds: float
    type: Literal["model.answered"] = "model.answered"


@dataclass(frozen=True, slots=True)
class ModelDropped:
    """A response was cut short, or `withdrawn` before anything of it was done; it is not part of the conversation.

    The cost of a cut response is an estimate.
    """

    turn: int
    reason: str
    partial: str = ""
    withdrawn: bool = False
    usage: Usage = NOTHING_USED
    type: Literal["model.dropped"] = "model.dropped"


@dataclass(frozen=True, slots=True)
class ModelRetrying:
    """The provider hiccuped and the same request will be sent again."""

    turn: int
    attempt: int
    reason: str
    seconds: float
    type: Literal["model.retrying"] = "model.retrying"


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """The provider said no for good; `code` and `details` are its own words."""

    turn: int
    code: str
    reason: str
    details: dict[str, Any]
    type: Literal["model.refused"] = "model.refused"


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """An action is about to be carried out. On disk before the input is sent, so that it is sent at most once.

    `words` says it for people, with the name of what it reaches where the program tells.
    """

    turn: int
    call: str
    index: int
    action: dict[str, Any]
    words: str = ""
    type: Literal["action.started"] = "action.started"


@dataclass(frozen=True, slots=True)
class ActionDone:
    """An action was carried out, or failed with `error`."""

    turn: int
    call: str
    index: int
    seconds: float
    error: str = ""
    type: Literal["action.done"] = "action.done"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is about to be used. On disk before anything of it is done; `words` says it for people.

    One that only `looks` can be used again after an interruption.
    """

    turn: int
    call: str
    name: str
    words: str
    looks: bool = False
    type: Literal["tool.started"] = "tool.started"


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The reply to a call: a screenshot for screen calls, text for tools, and `images` that they show.

    `parts` are what each command of a `shell` call has printed, `echo` what its reply repeats of the call. `failed`:
    nothing of it was done.
    """

    call: str
    kind: Literal["screen", "function"]
    image: ImageRef | None = None
    text: str = ""
    acknowledged: tuple[SafetyCheck, ...] = ()
    images: tuple[ImageRef, ...] = ()
    parts: tuple[Word, ...] = ()
    form: Form = "function"
    echo: Word | None = None
    failed: bool = False
    type: Literal["call.answered"] = "call.answered"


@dataclass(frozen=True, slots=True)
class WaitingStarted:
    """The model waits for what goes on by itself, a command for one; it is asked again when there is news of it."""

    what: tuple[str, ...]
    type: Literal["waiting.started"] = "waiting.started"


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Everything the response asked for was carried out or answered. `ours` is seconds without the model."""

    turn: int
    seconds: float
    ours: float
    type: Literal["turn.ended"] = "turn.ended"


@dataclass(frozen=True, slots=True)
class SteerQueued:
    """The user's correction arrived."""

    id: str
    text: str
    now: bool = False
    type: Literal["steer.queued"] = "steer.queued"


@dataclass(frozen=True, slots=True)
class SteerDelivered:
    """The correction was put into the conversation as `text`, in its envelope."""

    id: str
    text: str
    type: Literal["steer.delivered"] = "steer.delivered"


@dataclass(frozen=True, slots=True)
class SteerApplied:
    """The model has answered with the correction before it."""

    id: str
    turn: int
    type: Literal["steer.applied"] = "steer.applied"


@dataclass(frozen=True, slots=True)
class Paused:
    """Hands off, and no request to the model, until resumed."""

    by: str = "user"
    type: Literal["session.paused"] = "session.paused"


@dataclass(frozen=True, slots=True)
class Unpaused:
    """Going on after a pause."""

    by: str = "user"
    seconds: float = 0.0
    type: Literal["session.unpaused"] = "session.unpaused"


@dataclass(frozen=True, slots=True)
class TakeoverStarted:
    """The user's own hands are on the agent's computer; the session is paused until they hand it back.

    `by` says with what: "pointer", "button", "wheel" or "key".
    """

    by: str
    type: Literal["takeover.started"] = "takeover.started"


@dataclass(frozen=True, slots=True)
class TakeoverEnded:
    """The user handed the computer back, `by` word ("user") or by leaving it alone ("idle").

    `clicks` are points of the screen, `keys` and `scrolls` are counted: what was typed is nobody's business. `note` is
    what they say about it.
    """

    by: str
    seconds: float
    moved: bool = False
    clicks: tuple[tuple[int, int], ...] = ()
    scrolls: int = 0
    keys: int = 0
    note: str = ""
    type: Literal["takeover.ended"] = "takeover.ended"


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A yes is needed for exactly this. With `hand_off` it means: I have done it myself.

    `source` says who wants it: the provider, or a `rule` of the approval policy. `again` counts how often it was asked
    anew because the screen had changed.
    """

    id: str
    call: str
    what: str
    risk: str
    recipient: str = ""
    kind: Literal["confirm", "hand_off"] = "confirm"
    source: Literal["provider", "rule"] = "provider"
    rule: str = ""
    again: int = 0
    type: Literal["approval.requested"] = "approval.requested"


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """The answer: by the user, by the session's setting, or by nobody in time."""

    id: str
    approved: bool
    by: str
    type: Literal["approval.answered"] = "approval.answered"


@dataclass(frozen=True, slots=True)
class ApprovalReviewed:
    """A second look by another model, asked for with `--reviewer`. `ask` means that the user is asked as well."""

    id: str
    model: str
    outcome: Literal["allow", "deny", "ask"]
    risk_level: str
    rationale: str
    usage: Usage = NOTHING_USED
    type: Literal["approval.reviewed"] = "approval.reviewed"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """The model asks the user something. While a `blocking` question is open, nothing else happens."""

    id: str
    call: str
    text: str
    choices: tuple[str, ...] = ()
    blocking: bool = True
    type: Literal["question.asked"] = "question.asked"


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """The user's answer, in their words."""

    id: str
    text: str
    by: str = "user"
    type: Literal["question.answered"] = "question.answered"


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The model's plan as it now is, all of it."""

    steps: tuple[PlanStep, ...]
    type: Literal["plan.changed"] = "plan.changed"


@dataclass(frozen=True, slots=True)
class MemoryChanged:
    """The notes that the model keeps of this session, as they now are, all of them."""

    notes: tuple[Note, ...]
    type: Literal["memory.changed"] = "memory.changed"


@dataclass(frozen=True, slots=True)
class Compacted:
    """The conversation was made shorter: what the model is sent goes on from here; the journal keeps everything.

    What is left: the user's own words; the provider's `output`, verbatim, with `images` for the pictures in it, where
    `by` is "provider"; `standing` (plan, notes, what is open) and `summary`; the last `screens`, the newest at the end.
    Then the last `kept` items follow as they were: the last answer, and what came of it. `words` are the user's that
    were no messages: their answers to questions. `window` is what an overflow has taught.
    """

    turn: int
    by: Literal["provider", "model", "deskhand"]
    reason: str
    standing: str
    summary: str = ""
    output: tuple[Word, ...] = ()
    images: tuple[ImageRef, ...] = ()
    words: tuple[str, ...] = ()
    screens: tuple[ImageRef, ...] = ()
    kept: int = 0
    items: int = 0
    before: int = 0
    after: int = 0
    window: int | None = None
    seconds: float = 0.0
    usage: Usage = NOTHING_USED
    type: Literal["compacted"] = "compacted"


@dataclass(frozen=True, slots=True)
class BudgetWarned:
    """Most of a budget is used up; the model was told."""

    kind: str
    used: float
    limit: float
    type: Literal["budget.warned"] = "budget.warned"


@dataclass(frozen=True, slots=True)
class FileMade:
    """The task produced a file."""

    path: str
    bytes: int
    type: Literal["file.made"] = "file.made"


@dataclass(frozen=True, slots=True)
class BugFound:
    """Deskhand itself went wrong; the traceback is for its developers. The session can be resumed."""

    error: str
    traceback: str
    type: Literal["bug.found"] = "bug.found"


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The end, with its reason. `summary` is the model's last word."""

    outcome: Outcome
    reason: str
    turns: int
    seconds: float
    usage: Usage = NOTHING_USED
    summary: str = ""
    type: Literal["session.ended"] = "session.ended"


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
