"""A session: how it begins, what it has to work with, how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.errors import Outcome
from agent.values import NO_LIMITS, NOTHING_USED, Budgets, Usage, Word


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
    """What the model may use beside the screen, the same for the whole session: name, description, parameters.

    `window` is how many tokens the model takes at once, as far as it is known; `left_out` names the tools that a small
    one has no room for.
    """

    tools: tuple[Word, ...]
    window: int | None = None
    left_out: tuple[str, ...] = ()
    type: Literal["tools.offered"] = "tools.offered"


@dataclass(frozen=True, slots=True)
class BudgetWarned:
    """Most of a budget is used up; the model was told."""

    kind: str
    used: float
    limit: float
    type: Literal["budget.warned"] = "budget.warned"


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
