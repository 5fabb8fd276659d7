"""What a terminal shows of a working session: live on a screen that can, else one line an event."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from actuators.actions import describe, parse_action
from actuators.errors import InvalidAction
from agent import wording
from agent.budget import spent
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    BudgetWarned,
    BugFound,
    Compacted,
    ComputerReady,
    Entry,
    Event,
    FileMade,
    MemoryChanged,
    ModelAnswered,
    ModelDropped,
    ModelRetrying,
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
    Unpaused,
    WaitingStarted,
)
from agent.journal import image_path
from agent.session import Session
from agent.state import State
from agent.values import ImageRef, PlanStep
from ui.asking import Asker
from ui.stream import Stream
from ui.summary import one_line, outcome_word, printable

WIDTH = 140  # columns of a plain line
INDENT = "    "  # before further lines of what was written, so that none passes for a line of ours


def line_of(event: Event) -> str:
    """One line for people, or "" for what they need not read."""
    match event:
        case SessionStarted():
            return f"session {event.session}: {_cut(event.task)}"
        case SessionResumed():
            return "going on"
        case ComputerReady():
            return f"the {event.computer} is ready"
        case ToolsOffered() if event.left_out:
            return f"not offered to a model of {event.window or 0:,} tokens: {', '.join(event.left_out)} (see --tools)"
        case ModelRetrying():
            return f"{event.reason}; trying again in {event.seconds:.0f} s (retry {event.attempt})"
        case ModelDropped():
            return f"answer dropped: {event.reason}"
        case ModelAnswered() if event.words and not event.final:
            return f"“{_cut(event.words)}”"
        case ActionStarted():
            return f"{event.turn}. {_cut(event.words) or in_words(event.action)}"
        case ToolStarted():
            return f"{event.turn}. {_cut(event.words)}"
        case WaitingStarted():
            return f"waiting, without asking the model: {_cut('; '.join(event.what))}"
        case SessionQueued():
            return f"waiting: {event.reason}"
        case PlanChanged():
            return _plan(event.steps)
        case MemoryChanged():
            return f"   notes: {len(event.notes)}{f', the last: {_cut(event.notes[-1].text)}' if event.notes else ''}"
        case ActionDone() if event.error:
            return f"   failed: {_cut(event.error)}"
        case NoteAdded() if not event.text.startswith(wording.ABOUT):
            return f"   told the model: {_cut(event.text)}"
        case Compacted():
            return compacted_in_words(event)
        case BudgetWarned():
            return f"most of the budget is used: {event.used:.2f} of {event.limit:g} {event.kind}"
        case BugFound():
            return f"a bug in deskhand: {event.error}"
        case _:
            return _between_us(event)


def _between_us(event: Event) -> str:
    """What the user says and does, and what they are asked."""
    match event:
        case QuestionAsked():
            return f"asks you ({event.id}): {event.text}" + "".join(f" [{choice}]" for choice in event.choices)
        case QuestionAnswered():
            return f"answered: {_cut(event.text)}" if event.text else ""
        case SteerQueued():
            return f"you said: {_cut(event.text)} (queued)"
        case SteerDelivered() | SteerApplied():
            return f"   … {event.type.removeprefix('steer.')}"
        case TakeoverStarted():
            return f"you have the mouse and the keyboard ({_taken_by(event.by)}); the agent waits"
        case TakeoverEnded():
            return f"handed back after {event.seconds:.0f} s{' of rest' if event.by == 'idle' else ''}"
        case Paused(by="takeover") | Unpaused(by="idle"):
            return ""
        case Paused():
            return "paused"
        case Unpaused():
            return f"going on after {event.seconds:.0f} s"
        case ApprovalRequested():
            return _needed(event)
        case ApprovalReviewed():
            risk = f" ({event.risk_level} risk)" if event.risk_level else ""
            return f"the reviewer {event.model} says {event.outcome}{risk}: {_cut(event.rationale)}"
        case ApprovalAnswered():
            return f"{'approved' if event.approved else 'refused'} by {event.by}"
        case _:
            return ""


def _needed(event: ApprovalRequested) -> str:
    """What is asked for, its risk and its recipient."""
    what = "do this yourself, then approve" if event.kind == "hand_off" else "needs your yes"
    again = "; asked again, as the screen has changed" if event.again else ""
    recipient = f" To: {event.recipient}." if event.recipient else ""
    about = f"{event.risk}{'' if event.risk.endswith('.') else '.'}{recipient}"
    whole = f"{about}\n{event.what}" if "\n" in event.what else f"{event.what}. {about}"
    return f"{what} ({event.id}{again}): {whole}"


def compacted_in_words(event: Compacted) -> str:
    """What became of a conversation that was too long."""
    by = {"provider": "by the provider", "model": "by a summary of the model", "deskhand": "by the journal's record"}
    shorter = f"about {event.before:,} to {event.after:,} tokens"
    return f"the conversation was made shorter {by[event.by]}: {shorter}"


def _plan(steps: Sequence[PlanStep]) -> str:
    done = sum(1 for step in steps if step.state == "done")
    now = next((step.step for step in steps if step.state == "in_progress"), "")
    return f"plan: {done} of {len(steps)} done{f'; now: {_cut(now)}' if now else ''}"


def _taken_by(by: str) -> str:
    return {"pointer": "you moved the pointer", "key": "you pressed a key", "word": "you said so"}.get(by, f"your {by}")


def in_words(action: dict[str, object]) -> str:
    """An action of the journal, for people."""
    try:
        return describe(parse_action(action))
    except InvalidAction:
        return str(action)


def _cut(text: str) -> str:
    return one_line(text, WIDTH)


class Plain:
    """One line an event, on standard error. An observer of the journal: quick, and it never raises."""

    def __init__(self, session: Session, state: State) -> None:
        self._session, self._state = session, state
        self._files: list[FileMade] = []
        self._picture: ImageRef | None = None
        self._errors = Stream(sys.stderr)
        self._asker = Asker(session, self.say)
        self._fault = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asker.close()
        self._errors.close()

    def __call__(self, entry: Entry, line: bytes) -> None:
        """See an event as it is written down."""
        try:
            self.see(entry.event, line)
        except Exception as error:  # whatever a face cannot show, the session goes on
            self._fault = f"{type(error).__name__}: {error}"

    def see(self, event: Event, _line: bytes) -> None:
        """Show an event."""
        if isinstance(event, FileMade):
            self._files.append(event)
        elif isinstance(event, ScreenshotTaken):
            self._picture = event.image
        elif text := line_of(event):
            self.say(text)
        self._asker.note(event)

    def say(self, line: str) -> None:
        """Print a line for people, or several of one thing."""
        lines = f"\n{INDENT}".join(map(printable, line.expandtabs(4).split("\n")))
        self._errors.write(f"{lines}\n".encode(sys.stderr.encoding or "utf-8", "replace"))

    def end(self, end: SessionEnded) -> None:
        """The last lines: how it ended, what there is now, and where to look."""
        for line in self._ending(end):
            self.say(line)

    def _ending(self, end: SessionEnded) -> Iterator[str]:
        for made in self._files:
            yield f"made {made.path} ({made.bytes:,} bytes)"
        first, *more = end.reason.strip().splitlines() or [""]
        yield f"{outcome_word(end.outcome)}: {first}"
        yield from more
        if end.summary and end.outcome != "done":
            yield f"its last words: “{_cut(end.summary)}”"
        if self._picture and end.outcome in ("gave_up", "failed", "needs_user"):
            yield f"the last picture: {image_path(self._session, self._picture)}"
        if self._fault:
            yield f"not everything could be shown here: {self._fault}"
        name = self._session.id
        on = "" if end.outcome == "done" else f"; go on with: deskhand resume {name}"
        yield f"{costs(self._state)}; look back with: deskhand replay {name}{on}"


class Json(Plain):
    """The journal's lines on standard output, as they are on disk, and people's lines on standard error."""

    def __init__(self, session: Session, state: State) -> None:
        super().__init__(session, state)
        self._lines = Stream(sys.stdout)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        super().__exit__(kind, error, trace)

    def see(self, event: Event, line: bytes) -> None:
        """Print an event."""
        self._lines.write(line)
        super().see(event, line)


def make_face(session: Session, state: State, *, json: bool) -> Plain:
    """The face that fits this terminal. Used as a context; subscribe it to the journal, and tell it the `end`."""
    if json:
        return Json(session, state)
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from ui.lively import Lively

        return Lively(session, state)
    return Plain(session, state)


def costs(state: State) -> str:
    """Turns, minutes, tokens and money so far, against their budgets."""
    limits = {kind: f" of {limit:g}" for kind, (_, limit) in spent(state).items()}
    usage = state.usage
    minutes = state.elapsed(datetime.now(UTC)) / 60 if state.ended is None else state.seconds / 60
    turns = "1 turn" if state.turns == 1 and "turns" not in limits else f"{state.turns}{limits.get('turns', '')} turns"
    parts = [turns, f"{minutes:.1f}{limits.get('minutes', '')} min"]
    if usage.input_tokens:
        cached = 100 * usage.cached_tokens // usage.input_tokens
        parts.append(f"{usage.input_tokens + usage.output_tokens:,} tokens ({cached} % of input cached)")
        parts.append(f"context {state.length.tokens:,}")
    if usage.cost_usd is not None:
        parts.append(f"${usage.cost_usd:.4f}{limits.get('US dollars', '')}")
    return " · ".join(parts)
