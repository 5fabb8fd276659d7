"""What events and messages are made of: calls, pictures, usage, budgets. Frozen values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Word: TypeAlias = dict[str, Any]
"""One provider item, verbatim."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response and what they cost; `cost_usd` is None for a model without a known price."""

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """What both used together; no cost where neither has one."""
        costs = [usage.cost_usd for usage in (self, other) if usage.cost_usd is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=sum(costs) if costs else None,
            estimated=self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class SafetyCheck:
    """A provider's question that must be answered with a yes before the call is carried out."""

    id: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ScreenCall:
    """The model asks for actions on the screen, in order. They are parsed when their turn comes."""

    id: str
    actions: tuple[dict[str, Any], ...]
    checks: tuple[SafetyCheck, ...] = ()
    kind: Literal["screen"] = "screen"


Form: TypeAlias = Literal["function", "shell", "apply_patch"]
"""How a call was written, and its reply must be: as a function's, or as that of one of OpenAI's own tools."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The model calls a tool; `arguments` is JSON as the model wrote it. `echo` is what the reply must repeat."""

    id: str
    name: str
    arguments: str
    form: Form = "function"
    echo: Word | None = None
    kind: Literal["function"] = "function"


Call: TypeAlias = ScreenCall | FunctionCall


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of the model's plan."""

    step: str
    state: Literal["pending", "in_progress", "done"] = "pending"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the model keeps in mind; a `lasting` one is kept for later sessions, with the user's yes."""

    text: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A picture in the session's `images/` folder."""

    sha256: str
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a session may use up; None is without limit."""

    turns: int | None = None
    minutes: float | None = None
    cost_usd: float | None = None


NOTHING_USED = Usage()
NO_LIMITS = Budgets()
