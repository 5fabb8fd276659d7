"""A stream of response events, as raw JSON, read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agent.conversation import Thought
from agent.models.failures import BadAnswer, Failures
from agent.values import Word

CHARS_PER_TOKEN = 8  # more than any text has: a stream beyond this many times the limit ignores the limit
_THOUGHTS = {
    "response.reasoning_summary_text.delta": "reasoning",
    "response.output_text.delta": "words",
    "response.refusal.delta": "words",
}
_ENDS = ("response.completed", "response.incomplete", "response.failed")


class Reading:
    """What has come of a stream so far.

    Args:
        most_tokens: the limit that the model was given; text far beyond it is cut off here.

    Attributes:
        response: the Response object of the last event, once it is there.
    """

    def __init__(self, most_tokens: int) -> None:
        self.response: Mapping[str, Any] | None = None
        self._items: dict[int, Word] = {}
        self._room = most_tokens * CHARS_PER_TOKEN

    @property
    def items(self) -> list[Word]:
        """The finished items, in their order."""
        return [self._items[index] for index in sorted(self._items)]

    def feed(self, event: Mapping[str, Any], failures: Failures) -> Thought | None:
        """Take one event in; what it adds to the visible text comes back."""
        kind = str(event.get("type") or "")
        if kind in _THOUGHTS:
            return self._thought(_THOUGHTS[kind], str(event.get("delta") or ""))
        if kind == "response.reasoning_summary_part.added" and event.get("summary_index"):
            return Thought("reasoning", "\n\n")
        if kind == "response.output_item.done":
            self._items[_index(event, len(self._items))] = _object(event, "item")
        elif kind == "error":
            raise failures.of_error(_object(event, "error") if event.get("error") else event)
        elif kind in _ENDS:
            self.response = {"status": kind.removeprefix("response.")} | _object(event, "response")
        return None

    def _thought(self, kind: str, text: str) -> Thought | None:
        self._room -= len(text)
        if self._room < 0:
            raise BadAnswer("the model went on without an end, beyond the limit it was given")
        return Thought(kind, text) if text else None


def reason_of(details: object) -> str:
    """Why a response is incomplete."""
    return str(cast("dict[str, Any]", details).get("reason") or "") if isinstance(details, dict) else ""


def _object(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    if not isinstance(value, dict):
        raise BadAnswer(f"malformed answer: {event.get('type')} without its {name}")
    return cast("dict[str, Any]", value)


def _index(event: Mapping[str, Any], otherwise: int) -> int:
    index = event.get("output_index")
    return index if isinstance(index, int) else otherwise
