"""A stream of Chat Completions chunks, as raw JSON, read one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from agent.conversation import Thought
from agent.dialects.dialect import Dialect
from agent.dialects.reading import Called, Said
from agent.dialects.syntax import objects
from agent.dialects.thoughts import Shown
from agent.models.failures import BadAnswer

CHARS_PER_TOKEN = 8  # more than any text has: a stream beyond this many times the limit ignores the limit
MOST = 90_000  # characters in any case; the loop counts on less than 100,000
REPEATED = 8_000  # characters that only repeat what came before them: it will not find an end
PERIOD = 2_000  # the longest piece that is looked for again
LOOK_EVERY = 2_000  # characters between two looks
TOO_LONG = "it was cut off at its longest, before its end; think and write less"
REPEATS = "it repeats itself without an end; answer briefly"
_REASONING = ("reasoning_content", "reasoning", "thinking")  # as servers name it


class ChatReading:
    """What has come of a stream so far.

    Args:
        longest: tokens that were asked for at most.
        speak_only: words for people, and no calls.

    Attributes:
        finish: why it ended, as the server says it; "" while it has not.
        usage: of the last chunk that had one.
        model, id: as the server says them.
    """

    def __init__(self, dialect: Dialect, longest: int, *, speak_only: bool = False) -> None:
        self.finish = ""
        self.usage: Mapping[str, Any] | None = None
        self.id = ""
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._room = min(longest * CHARS_PER_TOKEN, MOST)
        self._seen = 0
        self._cut = ""
        self._kind = "words" if dialect.native or speak_only else "reasoning"
        self._hides_json = "{" in dialect.hidden_from and not speak_only
        marks = [mark for pair in dialect.thinking for mark in pair]
        self._shown = Shown(() if speak_only else dialect.hidden_from, marks)

    @property
    def over(self) -> bool:
        """Nothing more of it is wanted."""
        return bool(self._cut)

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Thought]:
        """Take one chunk in; what it adds to the visible text comes back."""
        self.id = self.id or str(chunk.get("id") or "")
        if isinstance(chunk.get("usage"), dict):
            self.usage = cast("dict[str, Any]", chunk["usage"])
        for choice in _objects(chunk.get("choices"))[:1]:
            yield from self._delta(_object(choice.get("delta")) or _object(choice.get("message")))
            self.finish = str(choice.get("finish_reason") or self.finish)

    def rest(self) -> Iterator[Thought]:
        """What was held back of the visible text."""
        if text := self._shown.rest():
            yield Thought(self._kind, text)

    def said(self) -> Said:
        """The whole of it.

        Raises:
            BadAnswer: there is nothing in it, or its calls are in no order.
        """
        calls = tuple(Called(name, arguments) for name, arguments in self._named())
        text = "".join(self._text)
        cut = self._cut or (TOO_LONG if self.finish == "length" else "")
        if not text.strip() and not calls and not cut:
            why = (
                "after its thoughts" if self._thoughts else "at all; its context may be full, load it with a longer one"
            )
            raise BadAnswer(f"the model said nothing {why}")
        return Said(text, "".join(self._thoughts), calls, cut)

    @property
    def unseen(self) -> str:
        """A thought that stands in a JSON object, whose text is not shown while it comes."""
        first = next(objects("".join(self._text)), None) if self._hides_json else None
        thought = cast("dict[str, Any]", first).get("thought") if isinstance(first, dict) else None
        return thought if isinstance(thought, str) else ""

    @property
    def length(self) -> int:
        """Characters of all that the model has written."""
        return self._seen

    def _named(self) -> Iterator[tuple[str, str]]:
        for _, (name, arguments) in sorted(self._calls.items()):
            if not name:
                raise BadAnswer("malformed answer: a call without a name")
            yield name, arguments

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Thought]:
        for name in _REASONING:
            if isinstance(thought := delta.get(name), str) and thought:
                self._thoughts.append(thought)
                self._count(thought, self._thoughts)
                yield Thought("reasoning", thought)
                break
        if text := _text(delta.get("content") or delta.get("refusal")):
            self._text.append(text)
            self._count(text, self._text)
            if shown := self._shown.feed(text):
                yield Thought(self._kind, shown)
        for index, call in enumerate(_objects(delta.get("tool_calls"))):
            self._call(call, index)

    def _call(self, call: Mapping[str, Any], index: int) -> None:
        place = call.get("index")
        function = _object(call.get("function"))
        held = self._calls.setdefault(place if isinstance(place, int) else index, ["", ""])
        held[0] = held[0] or str(function.get("name") or "")
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else ""
        if isinstance(arguments, dict):
            import json

            text = json.dumps(arguments)
        held[1] += text
        self._count(text, [held[1]])

    def _count(self, text: str, pieces: Sequence[str]) -> None:
        before, self._seen = self._seen, self._seen + len(text)
        if self._seen > self._room:
            self._cut = TOO_LONG
        elif self._seen // LOOK_EVERY != before // LOOK_EVERY and repeats("".join(pieces)):
            self._cut = REPEATS


def repeats(text: str) -> bool:
    """Whether the end of a text is one piece over and over, for so long that it will not stop."""
    if len(text) < REPEATED + PERIOD:
        return False
    mark = text[-64:]
    again = text.rfind(mark, len(text) - 64 - PERIOD, len(text) - 1)
    if again < 0:
        return False
    period = len(text) - 64 - again
    return text[-REPEATED:] == text[-REPEATED - period : -period]


def _text(value: object) -> str:
    """Content is a text, or parts of which some are texts."""
    if isinstance(value, str):
        return value
    return "".join(str(part.get("text") or "") for part in _objects(value))


def _objects(value: object) -> list[dict[str, Any]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", each) for each in listed if isinstance(each, dict)]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
