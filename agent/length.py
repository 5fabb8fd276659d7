"""How long the conversation has become, and what would be lost of it: the part of `State` that compaction reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.conversation import Item
from agent.events import (
    ActionDone,
    ActionStarted,
    Compacted,
    ComputerReady,
    Event,
    ModelAnswered,
    QuestionAnswered,
    QuestionAsked,
    SessionStarted,
    TakeoverEnded,
    ToolsOffered,
    ToolStarted,
)
from agent.weight import tokens_of, tokens_of_text, tokens_of_words

MOST_DEEDS = 300  # lines of what was done that are kept for a summary without a model
DEED = 200  # characters of one
_HEEDED = frozenset({
    "session.started",
    "tools.offered",
    "computer.ready",
    "model.answered",
    "action.started",
    "action.done",
    "tool.started",
    "compacted",
    "question.asked",
    "question.answered",
    "takeover.ended",
})  # fmt: skip


@dataclass
class Length:
    """A fold of the journal. Everything in it is bounded, but for what the user says.

    Attributes:
        tokens: of the next request: what the provider counted last, and an estimate of what has come since.
        base: the same, right after the last compaction; 0 where there was none.
        fixed: of instructions and tools.
        compactions: how many there were.
        answers: of the model since the last one.
        window: what an overflow has taught; None where there was none.
        deeds: what was done since the last compaction, in words.
        words: what the user said since then that is no message: answers to questions, and notes at a hand-back.
        about: what is worth knowing about the computer.
        summary: of the last compaction.
    """

    tokens: int = 0
    base: int = 0
    fixed: int = 0
    compactions: int = 0
    answers: int = 0
    window: int | None = None
    deeds: deque[str] = field(default_factory=lambda: deque[str](maxlen=MOST_DEEDS))
    words: list[str] = field(default_factory=list[str])
    about: tuple[str, ...] = ()
    summary: str = ""
    _asked: dict[str, QuestionAsked] = field(default_factory=dict[str, QuestionAsked])

    def take(self, event: Event, items: Sequence[Item], fresh: int) -> None:
        """Take in one event, with the conversation after it; the last `fresh` items are new."""
        if isinstance(event, ModelAnswered) and event.usage.input_tokens:
            self.tokens = event.usage.input_tokens + event.usage.output_tokens
        elif fresh > 0:
            self.tokens += tokens_of(items[-fresh:])
        if event.type in _HEEDED:
            self._note(event, items)

    def _note(self, event: Event, items: Sequence[Item]) -> None:
        match event:
            case SessionStarted():
                self._fix(tokens_of_text(event.instructions))
            case ToolsOffered():
                self._fix(tokens_of_words(event.tools))
            case ComputerReady():
                self.about = event.notes
            case ModelAnswered():
                self.answers += 1
                self._did(f"said: {event.words}" if event.words else "")
            case ActionStarted():
                self._did(event.words or str(event.action.get("type", "")))
            case ToolStarted():
                self._did(event.words or event.name)
            case ActionDone() if event.error:
                self._did(f"that failed: {event.error}")
            case Compacted():
                self._compacted(event, items)
            case _:
                self._hear(event)

    def _hear(self, event: Event) -> None:
        match event:
            case QuestionAsked() if event.blocking:  # the answer to another one reaches the model as a message
                self._asked[event.id] = event
            case QuestionAnswered():
                asked = self._asked.pop(event.id, None)
                if asked and event.text:
                    self.words.append(f"To your question «{asked.text}»: {event.text}")
            case TakeoverEnded() if event.note:
                self.words.append(f"Handing the computer back: {event.note}")
            case _:
                pass

    def _fix(self, tokens: int) -> None:
        self.fixed += tokens
        self.tokens += tokens

    def _did(self, words: str) -> None:
        if words:
            self.deeds.append(words if len(words) <= DEED else f"{words[: DEED - 1]}…")

    def _compacted(self, event: Compacted, items: Sequence[Item]) -> None:
        self.tokens = self.base = self.fixed + tokens_of(items)
        self.compactions += 1
        self.answers = 0
        self.window = event.window or self.window
        self.summary = event.summary
        self.deeds.clear()
        self.words.clear()
