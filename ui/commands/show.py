"""`deskhand show`: what a session has done, and what it does now, told in the terminal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.codec import Damage, decode
from agent.errors import UserFault
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalRequested,
    BugFound,
    CallAnswered,
    Entry,
    Event,
    FileMade,
    ModelAnswered,
    ModelDropped,
    ModelRefused,
    ModelSaid,
    ModelThought,
    ScreenshotTaken,
    SessionEnded,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TurnStarted,
)
from agent.journal import image_path
from agent.session import Session, data_home, find_session
from agent.state import State
from agent.values import FunctionCall, ImageRef
from ui.summary import Tally, local_time, one_line, outcome_word, printable, tolerate_encoding
from ui.terminal import INDENT, costs, in_words, line_of

TURNS = 20  # of a long session, the last ones are told
POLL = 0.1  # seconds between looks at a journal that is being written
LONG = 2000  # characters of a thought or of words; more is cut
WIDTH = 160  # columns of what is one line
MORE = {"turns": "--max-turns N", "minutes": "--max-minutes M", "US dollars": "--max-cost USD"}

Styled: TypeAlias = tuple[str, str]
"""A line and its style as rich names it ("" for none)."""

Say: TypeAlias = Callable[[str, str], None]
"""Prints a line in a style."""


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line of the journal as it is on disk. `damage` may stand beside an `entry` that is out of order."""

    data: bytes
    entry: Entry | None
    damage: Damage | None


def show(flags: argparse.Namespace) -> int:
    """Tell the story of a session.

    Raises:
        UserFault: there is no such session, or nothing in its journal.
    """
    session = find_session(data_home(), flags.session)
    tolerate_encoding()
    reader = Reader(session)
    if flags.json:
        _verbatim(session, reader, follow=flags.follow)
    else:
        _tell(session, reader, follow=flags.follow)
    return 0


class Reader:
    """Reads a journal piece by piece. A last line without its end waits until it has one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._offset = self._number = 0
        self._due = 1
        self.torn = False
        """Whether something without an end stood behind the last whole line."""

    def read(self) -> list[Line]:
        """The whole lines since the last call.

        Raises:
            UserFault: the journal cannot be read.
        """
        try:
            with self._session.events.open("rb") as file:
                if file.seek(0, 2) < self._offset:  # `resume --repair` has cut damage off
                    self._rewind(file.seek(0, 2))
                file.seek(self._offset)
                whole, _, rest = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserFault(f"the journal of session {self._session.id} cannot be read ({error.strerror})") from None
        self.torn = bool(rest)
        return [self._line(data + b"\n") for data in whole.split(b"\n")] if whole else []

    def _rewind(self, size: int) -> None:
        data = self._session.events.read_bytes()[:size]
        self._offset, self._number = size, data.count(b"\n")
        self._due = self._number + 1

    def _line(self, data: bytes) -> Line:
        self._number += 1
        entry, reason = None, ""
        try:
            entry = decode(data)
            if entry.seq != self._due:
                reason = f"it is number {entry.seq} where {self._due} was due"
        except (ValueError, LookupError) as error:
            reason = str(error).splitlines()[0]
        damage = Damage(self._number, reason, self._offset, torn=False) if reason else None
        self._offset += len(data)
        self._due = (entry.seq if entry else self._due) + 1
        return Line(data, entry, damage)


def _batches(session: Session, reader: Reader, *, follow: bool) -> Iterator[list[Line]]:
    """What there is, and then what comes, until nobody works on the session any more."""
    live = True
    while live:
        live = follow and session.is_live()  # asked first: what was written before the end is read after it
        yield reader.read()
        if live:
            time.sleep(POLL)


def _verbatim(session: Session, reader: Reader, *, follow: bool) -> None:
    some = False
    for lines in _batches(session, reader, follow=follow):
        for line in lines:
            some = True
            sys.stdout.buffer.write(line.data)
            if line.damage:
                print(f"deskhand: {_warning(line.damage)}", file=sys.stderr)
        sys.stdout.buffer.flush()
    if not some:
        raise _empty(session)


def _tell(session: Session, reader: Reader, *, follow: bool) -> None:
    say, story, state = _printer(), Story(), State()
    begun = False
    for lines in _batches(session, reader, follow=follow):
        if lines and not begun:
            _tell_beginning(session, lines, say)
        first = 0 if begun else _first_told(session, lines, say)
        for index, line in enumerate(lines):
            for text, style in story.told(line, silent=index < first):
                say(text, style)
            if line.entry:
                with suppress(LookupError, ValueError):  # what it builds on stood in a damaged line
                    state.advance(line.entry)
        begun = begun or bool(lines)
    if not begun:
        raise _empty(session)
    for text, style in (*story.rest(), *_ending(session, state, story, torn=reader.torn)):
        say(text, style)


def _empty(session: Session) -> UserFault:
    return UserFault(f"the journal of session {session.id} is empty; nothing can be shown or resumed")


def _warning(damage: Damage) -> str:
    return f"line {damage.line} of the journal is damaged: {damage.reason}"


def _printer() -> Say:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    return lambda text, style: console.print(printable(text), style=style or None)


def _first_told(session: Session, lines: Sequence[Line], say: Say) -> int:
    """Where the last turns of a long session begin."""
    starts = [index for index, line in enumerate(lines) if line.entry and isinstance(line.entry.event, TurnStarted)]
    if len(starts) <= TURNS:
        return 0
    left_out = len(starts) - TURNS
    say(f"… the first {left_out} turns are left out; `deskhand replay {session.id}` has them all", "dim")
    return starts[-TURNS]


def _tell_beginning(session: Session, lines: Sequence[Line], say: Say) -> None:
    say(f"session {session.id}", "bold")
    started = next((line.entry for line in lines if line.entry and isinstance(line.entry.event, SessionStarted)), None)
    if started and isinstance(event := started.event, SessionStarted):
        say(f"task: {_paragraph(event.task)}", "")
        say(f"{event.model} on {event.computer}, since {local_time(started.at)}", "dim")


class Story:
    """Turns events into lines for people. Pieces of a thought are held until it is complete.

    Attributes:
        tally: what decides the state.
        files: what was made, by path.
        image: the last screenshot.
        question: the last one that was asked.
        damaged: the first damaged line; 0 if there is none.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.files: dict[str, FileMade] = {}
        self.image: ImageRef | None = None
        self.question: ApprovalRequested | None = None
        self.damaged = 0
        self._turn = 0
        self._thought = self._said = ""
        self._steers: dict[str, str] = {}

    def told(self, line: Line, *, silent: bool = False) -> Iterator[Styled]:
        """The lines for one line of the journal: none, one or some, each with its style.

        Args:
            silent: take it in, and tell nothing but damage.
        """
        if line.damage:
            self.damaged = self.damaged or line.damage.line
            yield f"! {_warning(line.damage)}", "red"
        if line.entry:
            self._note(line.entry.event)
            if not silent:
                yield from self._event(line.entry.event)

    def _note(self, event: Event) -> None:
        self.tally.note(event)
        match event:
            case FileMade():
                self.files[event.path] = event
            case ScreenshotTaken():
                self.image = event.image
            case CallAnswered() if event.image:
                self.image = event.image
            case ApprovalRequested():
                self.question = event
            case SteerQueued():
                self._steers[event.id] = event.text
            case _:
                pass

    def rest(self) -> Iterator[Styled]:
        """What was streamed and has no end."""
        if self._thought:
            yield f"  thought: {_paragraph(self._thought)} …", "italic dim"
        if self._said:
            yield f"  “{_paragraph(self._said)} …", ""
        self._thought = self._said = ""

    def _event(self, event: Event) -> Iterator[Styled]:
        match event:
            case TurnStarted() if event.turn != self._turn:
                self._turn = event.turn
                yield f"turn {event.turn}", "bold"
            case ModelThought():
                self._thought += event.text
            case ModelSaid():
                self._said += event.text
            case ModelAnswered():
                yield from self._answer(event)
            case ModelDropped() | SessionEnded():
                yield from self.rest()
                yield from _indented(line_of(event), "yellow")
            case _:
                yield from self._act(event)

    def _answer(self, event: ModelAnswered) -> Iterator[Styled]:
        self._said = ""
        if self._thought:
            yield f"  thought: {_paragraph(self._thought)}", "italic dim"
        self._thought = ""
        if event.words:
            yield f"  “{_paragraph(event.words)}”", ""
        for call in event.calls:
            if isinstance(call, FunctionCall):
                yield f"  calls {call.name}({one_line(call.arguments, WIDTH)})", ""

    def _act(self, event: Event) -> Iterator[Styled]:
        match event:
            case ActionStarted():
                yield f"  {one_line(event.words or in_words(event.action), WIDTH)}", ""
            case ActionDone() if event.error:
                yield f"    failed: {one_line(event.error, WIDTH)}", "red"
            case CallAnswered() if event.words:
                yield f"    → {one_line(event.words, WIDTH)}", "dim"
            case ModelRefused():
                yield (
                    f"  the model's provider refused ({event.code or 'no code'}): {one_line(event.reason, WIDTH)}",
                    "red",
                )
            case SteerDelivered() | SteerApplied():
                words = one_line(self._steers.get(event.id, event.id), WIDTH // 2)
                yield f"  {event.type.removeprefix('steer.')}: “{words}”", "cyan"
            case SessionStarted():
                pass
            case _:
                style = "red" if isinstance(event, BugFound) else "cyan" if isinstance(event, SteerQueued) else ""
                yield from _indented(line_of(event), style)


def _indented(line: str, style: str) -> Iterator[Styled]:
    if line:
        yield f"  {line.strip()}", style


def _paragraph(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONG else line[:LONG] + "…"


def _ending(session: Session, state: State, story: Story, *, torn: bool) -> Iterator[Styled]:
    """How it stands, what it took, what there is now, and how to go on."""
    live = session.is_live()
    if torn and not live:
        yield "! the last line of the journal is cut short; nobody had acted on it", "red"
    end = state.ended
    word = outcome_word(end.outcome) if end else story.tally.state(live=live)
    if not live:
        for action in state.turn.uncertain:
            yield f"  nobody knows whether this happened: {one_line(in_words(action), WIDTH)}", "yellow"
    yield f"{word}: {one_line(end.reason, WIDTH)}" if end else word, "bold"
    if end and end.summary not in ("", end.reason):
        yield f"“{_paragraph(end.summary)}”", ""
    # A session that nobody works on does not grow older.
    yield f"used: {costs(state if live else replace(state, paused=True))}", ""
    for made in story.files.values():
        yield f"made {made.path} ({made.bytes:,} bytes)", ""
    if story.image:
        path = image_path(session, story.image)
        yield f"last screenshot: {path}{'' if path.exists() else ' (missing)'}", ""
    for line in _how_to_go_on(session.id, word, story, state):
        yield line, ""


def _whole(question: ApprovalRequested) -> Iterator[str]:
    """All that is asked for: who says yes must be able to read it."""
    first, *more = map(printable, question.what.split("\n"))
    risk = one_line(question.risk, WIDTH)
    yield f"it asks: {risk}" if more else f"it asks: {first}. {risk}"
    yield from (f"{INDENT}{line}" for line in (first, *more) if more)


def _how_to_go_on(name: str, word: str, story: Story, state: State) -> Iterator[str]:
    question = story.question
    if word == "needs you" and question and question.id in story.tally.questions and state.ended is None:
        yield from _whole(question)
        yield f"answer with: deskhand approve {name} {question.id}   or   deskhand deny {name} {question.id}"
    elif word == "working":
        yield f'steer it with: deskhand tell {name} "WORDS"   or   deskhand pause {name}   or   deskhand stop {name}'
    elif story.damaged == 1:
        yield "it cannot be resumed: the line that says its task is damaged"
    else:
        yield f"go on with: deskhand resume {name}{_resuming(word, story, state)}"
    yield f"look back with: deskhand replay {name}"


def _resuming(word: str, story: Story, state: State) -> str:
    """What `resume` needs besides the session."""
    repair = " --repair" if story.damaged else ""
    if word == "done":
        return f'{repair} "WORDS"'
    limits = [
        flag for kind, flag in MORE.items() if word == "out of budget" and state.ended and kind in state.ended.reason
    ]
    return repair + "".join(f" {flag}" for flag in limits)
