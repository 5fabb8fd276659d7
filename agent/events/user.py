"""What the user says and does: words, corrections, pauses, their own hands, answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.values import NOTHING_USED, ImageRef, Usage


@dataclass(frozen=True, slots=True)
class UserSaid:
    """The task, or words with a picture, put before the model as the user's own."""

    text: str
    image: ImageRef | None = None
    type: Literal["user.said"] = "user.said"


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
