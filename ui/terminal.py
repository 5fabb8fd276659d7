"""What a terminal shows of a working session: live on a screen that can, else one line an event."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

from actuators.actions import describe, parse_action
from actuators.errors import InvalidAction
from agent.budget import spent
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    BudgetWarned,
    BugFound,
    ComputerReady,
    Entry,
    Event,
    FileMade,
    ModelAnswered,
    ModelDropped,
    ModelRetrying,
    ModelSaid,
    ModelThought,
    NoteAdded,
    Paused,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TurnStarted,
    Unpaused,
)
from agent.inbox import Message, post
from agent.session import Session
from agent.state import State

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

RECENT = 8  # lines of the live panel
WIDTH = 140  # characters of a plain line


def line_of(event: Event) -> str:
    """One line for people, or "" for what they need not read."""
    match event:
        case SessionStarted():
            return f"session {event.session}: {_cut(event.task)}"
        case SessionResumed():
            return "going on"
        case ComputerReady():
            return f"the {event.computer} is ready"
        case ModelRetrying():
            return f"{event.reason}; trying again in {event.seconds:.0f} s (retry {event.attempt})"
        case ModelDropped():
            return f"answer dropped: {event.reason}"
        case ModelAnswered() if event.words and not event.final:
            return f"“{_cut(event.words)}”"
        case ActionStarted():
            return f"{event.turn}. {in_words(event.action)}"
        case ActionDone() if event.error:
            return f"   failed: {_cut(event.error)}"
        case NoteAdded():
            return f"   told the model: {_cut(event.text)}"
        case SteerQueued():
            return f"you said: {_cut(event.text)} (queued)"
        case SteerDelivered() | SteerApplied():
            return f"   … {event.type.removeprefix('steer.')}"
        case Paused():
            return "paused"
        case Unpaused():
            return f"going on after {event.seconds:.0f} s"
        case ApprovalRequested():
            return f"needs your yes ({event.id}): {event.what}. {event.risk}"
        case ApprovalAnswered():
            return f"{'approved' if event.approved else 'refused'} by {event.by}"
        case BudgetWarned():
            return f"most of the budget is used: {event.used:.2f} of {event.limit:g} {event.kind}"
        case BugFound():
            return f"a bug in deskhand: {event.error}"
        case _:
            return ""


def in_words(action: dict[str, object]) -> str:
    """An action of the journal, for people."""
    try:
        return describe(parse_action(action))
    except InvalidAction:
        return str(action)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


class Plain:
    """One line an event, on standard error."""

    def __init__(self, session: Session, state: State) -> None:
        self._session, self._state = session, state
        self._files: list[FileMade] = []

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, entry: Entry, _line: bytes) -> None:
        """See an event as it is written down."""
        event = entry.event
        if isinstance(event, FileMade):
            self._files.append(event)
        elif line := line_of(event):
            self.say(line)
        if isinstance(event, ApprovalRequested) and sys.stdin.isatty():
            threading.Thread(target=self._ask, args=(event,), daemon=True).start()

    def say(self, line: str) -> None:
        """Print for people."""
        print(line, file=sys.stderr, flush=True)

    def end(self, end: SessionEnded) -> None:
        """The last lines: how it ended, what there is now, and where to look."""
        for made in self._files:
            self.say(f"made {made.path} ({made.bytes:,} bytes)")
        self.say(f"{end.outcome.replace('_', ' ')}: {end.reason}")
        self.say(f"{costs(self._state)}; look back with: deskhand replay {self._session.id}")

    def _ask(self, question: ApprovalRequested) -> None:
        """Read the answer from the terminal; another terminal may be quicker."""
        prompt = f"Allow {question.what}? {question.risk} [y/N] "
        print(prompt, end="", file=sys.stderr, flush=True)
        yes = sys.stdin.readline().strip().lower() in ("y", "yes")
        post(self._session.inbox, Message("approve" if yes else "deny", target=question.id))


class Lively(Plain):
    """A small panel that is redrawn in place."""

    def __init__(self, session: Session, state: State) -> None:
        super().__init__(session, state)
        self._live: Live | None = None
        self._word = "starting"
        self._thought = ""
        self._recent: list[str] = []

    def __enter__(self) -> Lively:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            console=Console(stderr=True), get_renderable=self._panel, refresh_per_second=8, transient=True
        )
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def __call__(self, entry: Entry, line: bytes) -> None:
        """See an event as it is written down."""
        match entry.event:
            case TurnStarted():
                self._word, self._thought = "thinking", ""
            case ModelThought() | ModelSaid():
                self._thought += entry.event.text
            case ActionStarted():
                self._word = "acting"
            case Paused():
                self._word = "paused"
            case ApprovalRequested():
                self._word = "waiting for you"
                self.__exit__(None, None, None)  # a question needs the terminal to itself
            case _:
                pass
        super().__call__(entry, line)

    def say(self, line: str) -> None:
        """A line of the panel, or a plain one once it is closed."""
        self._recent = [*self._recent[-RECENT + 1 :], line]
        if self._live is None:
            super().say(line)

    def end(self, end: SessionEnded) -> None:
        """Close the panel first."""
        self.__exit__(None, None, None)
        super().end(end)

    def _panel(self) -> RenderableType:
        from rich.panel import Panel
        from rich.text import Text

        text = Text()
        for line in self._recent:
            text.append(line + "\n")
        if self._thought:
            text.append(_cut(self._thought[-WIDTH:]), style="italic dim")
        return Panel(text, title=f"deskhand · {self._word}", subtitle=costs(self._state), height=RECENT + 4)


class Json(Plain):
    """The journal's lines on standard output, and people's lines on standard error."""

    def __call__(self, entry: Entry, line: bytes) -> None:
        """Print an event as it is on disk."""
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        super().__call__(entry, line)


def make_face(session: Session, state: State, *, json: bool) -> Plain:
    """The face that fits this terminal."""
    if json:
        return Json(session, state)
    return (Lively if sys.stderr.isatty() else Plain)(session, state)


def costs(state: State) -> str:
    """Turns, minutes, tokens and money so far, against their budgets."""
    limits = {kind: f" of {limit:g}" for kind, (_, limit) in spent(state).items()}
    usage = state.usage
    minutes = state.elapsed(datetime.now(UTC)) / 60 if state.ended is None else state.seconds / 60
    parts = [f"{state.turns}{limits.get('turns', '')} turns", f"{minutes:.1f}{limits.get('minutes', '')} min"]
    if usage.input_tokens:
        cached = 100 * usage.cached_tokens // usage.input_tokens
        parts.append(f"{usage.input_tokens + usage.output_tokens:,} tokens ({cached} % of input cached)")
    if usage.cost_usd is not None:
        parts.append(f"${usage.cost_usd:.4f}{limits.get('US dollars', '')}")
    return " · ".join(parts)
