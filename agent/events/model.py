"""A turn of the model: the request, what is streamed, the answer, and the conversation made shorter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from agent.values import NOTHING_USED, Call, ImageRef, Usage, Word


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
class TurnEnded:
    """Everything the response asked for was carried out or answered. `ours` is seconds without the model."""

    turn: int
    seconds: float
    ours: float
    type: Literal["turn.ended"] = "turn.ended"


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
