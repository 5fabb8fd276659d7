"""The live panel: what a session does, redrawn in place on a terminal that can."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ComputerReady,
    Event,
    ModelAnswered,
    ModelRetrying,
    ModelSaid,
    ModelThought,
    QuestionAnswered,
    QuestionAsked,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SessionStarted,
    TurnEnded,
    TurnStarted,
)
from agent.session import Session
from agent.state import State
from ui.asking import can_ask
from ui.summary import one_line, printable
from ui.terminal import Plain, costs

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

RECENT = 8  # lines of what happened
THOUGHT = 3  # lines of what the model thinks
REFRESH = 8  # times a second
WIDTH = 110  # columns of the panel at most: longer lines are hard to read


class Lively(Plain):
    """A small panel. A question takes its place until it is answered; at the end the last lines take it."""

    def __init__(self, session: Session, state: State) -> None:
        super().__init__(session, state)
        self._live: Live | None = None
        self._word, self._since = "starting", time.monotonic()
        self._task = state.started.task if state.started else ""
        self._thought = ""
        self._recent: tuple[str, ...] = ()
        self._asking = ""  # the command that answers what is asked

    def __enter__(self) -> Self:
        super().__enter__()
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        super().__exit__(kind, error, trace)

    def see(self, event: Event, line: bytes) -> None:
        """Show an event."""
        match event:
            case SessionStarted():
                self._task = event.task
            case ModelThought() | ModelSaid():
                self._thought += event.text
            case ApprovalRequested() | QuestionAsked(blocking=True):
                self._asking = f"deskhand {'approve' if isinstance(event, ApprovalRequested) else 'answer'}"
                if can_ask():
                    self._close()
            case ApprovalAnswered() | QuestionAnswered():
                self._asking = ""
            case SessionEnded():
                return  # `end` says it
            case _:
                self._become(_word(event))
        super().see(event, line)
        if isinstance(event, ApprovalAnswered | QuestionAnswered):
            self._open()

    def say(self, line: str) -> None:
        """A line of the panel; a plain one while there is none."""
        if self._live is None:
            super().say(line)
        else:
            self._recent = (*self._recent[1 - RECENT :], line)

    def end(self, end: SessionEnded) -> None:
        """Close the panel first."""
        self._close()
        super().end(end)

    def _become(self, word: str) -> None:
        if word and word != self._word:
            self._word, self._since = word, time.monotonic()
            if word == "thinking":
                self._thought = ""

    def _open(self) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._live is None:
            console = Console(stderr=True, highlight=False)
            self._live = Live(console=console, get_renderable=self.panel, refresh_per_second=REFRESH, transient=True)
            self._live.start()

    def _close(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def panel(self) -> RenderableType:
        """What is drawn now."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.rule import Rule

        lines = [_line(text, "") for text in (*self._recent, *[""] * (RECENT - len(self._recent)))]
        thought = [_line(text, "italic dim") for text in _last_lines(self._thought, WIDTH - 4)]
        body = Group(_line(self._task, "bold"), Rule(style="dim"), *lines, Rule(style="dim"), *thought)
        word, style = self._state_word()
        seconds = int(time.monotonic() - self._since)
        title = f"[{style}]●[/] {word}" + (f" [dim]{seconds} s[/]" if seconds > 2 else "")
        subtitle = f"[dim]{costs(self._state)}[/]"
        return Panel(
            body,
            title=title,
            subtitle=subtitle,
            title_align="left",
            subtitle_align="left",
            border_style="dim",
            width=self._width(),
        )

    def _width(self) -> int | None:
        return min(WIDTH, self._live.console.width) if self._live else WIDTH

    def _state_word(self) -> tuple[str, str]:
        if self._asking:
            return f"needs you: {self._asking} {self._session.id}", "bold yellow"
        if self._state.taken_over:
            return f"you have the mouse; hand it back with: deskhand resume {self._session.id}", "yellow"
        if self._state.paused:
            return f"paused; go on with: deskhand resume {self._session.id}", "yellow"
        return self._word, "red" if self._word == "waiting for the provider" else "green"


def _word(event: Event) -> str:
    """What the session does from now on, or "" for what does not change that."""
    match event:
        case TurnStarted():
            return "thinking"
        case ModelAnswered():
            return "acting"
        case ModelRetrying():
            return "waiting for the provider"
        case SessionQueued():
            return f"waiting: {event.reason}"
        case SessionResumed():
            return "starting"
        case ComputerReady() | TurnEnded():
            return "looking"
        case _:
            return ""


def _line(text: str, style: str) -> Text:
    from rich.text import Text

    return Text(one_line(text, WIDTH - 4) or " ", style=style, no_wrap=True, overflow="ellipsis")


def _last_lines(text: str, width: int) -> list[str]:
    """The end of a text that grows, in THOUGHT lines of `width` columns."""
    import textwrap

    lines = textwrap.wrap(printable(" ".join(text[-4 * width :].split())), width)[-THOUGHT:]
    return [*lines, *[""] * (THOUGHT - len(lines))]
