"""What sessions have used, turn by turn: a fold of their journals. Nothing of what they say goes to any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.codec import LEFT_OUT, Damage, decode_all
from agent.errors import UserFault
from agent.events import (
    ActionStarted,
    ApprovalReviewed,
    CallAnswered,
    Compacted,
    Entry,
    Event,
    ModelAnswered,
    ModelDropped,
    ModelRetrying,
    NoteAdded,
    SessionEnded,
    SessionStarted,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UserSaid,
)
from agent.journal import STREAMED
from agent.session import Session
from agent.values import Usage
from ui.summary import Tally, outcome_word


@dataclass
class Turn:
    """One turn.

    Attributes:
        cost_usd: None for a model without a known price.
        images: pictures that were sent for the first time.
        seconds: all of it; `model` until its answer was there, `ours` without model and user.
    """

    turn: int
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    images: int = 0
    deeds: int = 0
    retries: int = 0
    dropped: int = 0
    seconds: float = 0.0
    model: float = 0.0
    ours: float = 0.0

    @property
    def waiting(self) -> float:
        """Seconds of neither: for the user, and before a retry."""
        return max(0.0, self.seconds - self.model - self.ours)

    def spend(self, usage: Usage) -> None:
        """Book an answer, or what was dropped."""
        self.input_tokens += usage.input_tokens
        self.cached_tokens += usage.cached_tokens
        self.output_tokens += usage.output_tokens
        if usage.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + usage.cost_usd

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        told = asdict(self) | {"waiting": self.waiting}
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Shorter:
    """The conversation was made shorter before the turn with this number."""

    turn: int
    by: str
    before: int
    after: int
    cost_usd: float | None


@dataclass
class Report:
    """One session. `take` goes through its journal."""

    session: str
    task: str = ""
    model: str = ""
    state: str = ""
    started: str = ""
    turns: list[Turn] = field(default_factory=list[Turn])
    compactions: list[Shorter] = field(default_factory=list[Shorter])
    damages: int = 0
    _tally: Tally = field(default_factory=Tally)
    _ended: SessionEnded | None = None
    _images: int = 0
    _beside: Turn = field(default_factory=lambda: Turn(0))

    def take(self, entry: Entry) -> None:
        """Take in one more entry; they may be damaged, and any of them missing."""
        self.started = self.started or entry.at
        self._tally.note(entry.event)
        match entry.event:
            case SessionStarted(task=task, model=model):
                self.task, self.model = task, model
            case SessionEnded() as end:
                self._ended = end
            case UserSaid() | NoteAdded() | CallAnswered() | Compacted() as event:
                self._show(event)
            case event:
                self._ended = None
                self._turn(event)

    def close(self, *, live: bool) -> Report:
        """After the last entry."""
        self.state = outcome_word(self._ended.outcome) if self._ended else self._tally.state(live=live)
        return self

    def _show(self, event: UserSaid | NoteAdded | CallAnswered | Compacted) -> None:
        match event:
            case Compacted():
                self._images += len(event.screens)
                self._beside.spend(event.usage)
                self._beside.seconds += event.seconds
                self._beside.model += event.seconds
                made = Shorter(event.turn + 1, event.by, event.before, event.after, event.usage.cost_usd)
                self.compactions.append(made)
            case CallAnswered():
                self._images += bool(event.image) + len(event.images)
            case _:
                self._images += bool(event.image)

    def _turn(self, event: Event) -> None:
        match event:
            case TurnStarted():
                self._at(event.turn).images += self._images
                self._images = 0
            case ModelAnswered():
                self._at(event.turn).spend(event.usage)
                self._at(event.turn).model += event.seconds
            case ModelDropped():
                self._at(event.turn).spend(event.usage)
                self._at(event.turn).dropped += 1
            case ModelRetrying():
                self._at(event.turn).retries += 1
            case ActionStarted() | ToolStarted():
                self._at(event.turn).deeds += 1
            case TurnEnded():
                self._at(event.turn).seconds += event.seconds
                self._at(event.turn).ours += event.ours
            case ApprovalReviewed():
                self._beside.spend(event.usage)
            case _:
                pass

    def _at(self, number: int) -> Turn:
        if not self.turns or self.turns[-1].turn < number:
            self.turns.append(Turn(number))
        return self.turns[-1]

    @property
    def sum(self) -> Turn:
        """All turns together, and what was spent beside them: on making the conversation shorter, and on reviews."""
        return added([*self.turns, self._beside], len(self.turns))

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        data: dict[str, Any] = {name: getattr(self, name) for name in ("session", "task", "model", "state", "started")}
        data |= {"damages": self.damages, "sum": self.sum.as_data() | {"turn": len(self.turns)}}
        data["compactions"] = [asdict(made) for made in self.compactions]
        return data | {"turns": [turn.as_data() for turn in self.turns]}


def added(turns: Iterable[Turn], number: int = 0) -> Turn:
    """Turns put together; no cost where none has one."""
    whole = Turn(number)
    for turn in turns:
        whole.spend(Usage(turn.input_tokens, turn.cached_tokens, 0, turn.output_tokens, cost_usd=turn.cost_usd))
        for name in ("images", "deeds", "retries", "dropped", "seconds", "model", "ours"):
            setattr(whole, name, getattr(whole, name) + getattr(turn, name))
    return whole


def read_report(session: Session) -> Report:
    """Go through a journal; what of it cannot be believed is counted and left out.

    Raises:
        UserFault: it cannot be read, or there is nothing in it.
    """
    live = session.is_live()
    report = Report(session.id)
    try:
        data = session.events.read_bytes()
    except OSError as error:
        raise UserFault(f"the journal of session {session.id} cannot be read ({error.strerror})") from None
    for found in decode_all(data, leave_out=STREAMED):
        if isinstance(found, Damage):
            report.damages += not found.torn
        elif found.event is not LEFT_OUT:
            report.take(found)
    if not report.started:
        raise UserFault(f"the journal of session {session.id} is empty; there is nothing to report")
    return report.close(live=live)


def cached_share(turn: Turn) -> float:
    """Share of the input that was cached, 0 to 1."""
    return turn.cached_tokens / turn.input_tokens if turn.input_tokens else 0.0
