"""What the page of a session is made of: blocks, the items in them, and the marks on their pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from actuators.actions import Action, Click, DoubleClick, Drag, Move, Scroll, TripleClick, parse_action
from actuators.errors import InvalidAction
from agent.events import ComputerReady, Entry, Paused, SessionQueued, SessionResumed, SessionStarted, Unpaused
from agent.values import ImageRef, Usage, Word
from ui.terminal import in_words

Item: TypeAlias = dict[str, Any]
"""One thing that the page shows; `kind` says which."""

LONGEST = 2000  # characters of an action that makes no sense


@dataclass
class Block:
    """A turn, or what happened between turns. `views` are its pictures: the one it was decided on, then results.

    `chunk` numbers the parts of a long journal: 0 stands before its first turn, n begins with the n-th.
    """

    kind: Literal["turn", "aside"]
    at: str
    turn: int = 0
    items: list[Item] = field(default_factory=list[Item])
    views: list[Item] = field(default_factory=list[Item])
    seconds: float | None = None
    ours: float | None = None
    usage: Usage | None = None
    model: float | None = None
    open: bool = True
    chunk: int = 0

    def spend(self, usage: Usage) -> None:
        """Add what an answer used."""
        self.usage = (self.usage or Usage()) + usage


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known where the reading of a journal begins in the middle.

    Attributes:
        chunk: number of the chunk that comes first; see `Block`.
        shown: the picture that the model saw last.
    """

    chunk: int
    started: SessionStarted | None
    started_at: str
    shown: ImageRef | None


class Clock:
    """Seconds of work: pauses, waiting for a turn and the time between processes left out."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: datetime | None = None
        self._paused = self._queued = False

    def tick(self, entry: Entry) -> None:
        """Take in the time of one more entry."""
        at = datetime.fromisoformat(entry.at)
        held = self._paused or self._queued
        if self._last and not held and not isinstance(entry.event, SessionResumed):
            self.seconds += max(0.0, (at - self._last).total_seconds())
        self._last = at
        if isinstance(entry.event, Paused | Unpaused | SessionResumed):
            self._paused = isinstance(entry.event, Paused)
        if isinstance(entry.event, SessionQueued | ComputerReady | SessionResumed):
            self._queued = isinstance(entry.event, SessionQueued)


def mark_of(raw: Word, image: ImageRef) -> Item | None:
    """Where an action points, in pixels of the image it was decided on; None for nowhere, or outside."""
    try:
        action = parse_action(raw)
    except InvalidAction:
        return None
    points = _points(action)
    if not points or not all(0 <= x < image.width and 0 <= y < image.height for x, y in points):
        return None
    mark: Item = {"kind": action.type, "points": points}
    if isinstance(action, Click):
        mark["button"] = action.button
    if isinstance(action, Scroll):
        mark["by"] = (action.scroll_x, action.scroll_y)
    return mark


def _points(action: Action) -> list[tuple[int, int]]:
    match action:
        case Click() | DoubleClick() | TripleClick() | Move() | Scroll():
            return [(action.x, action.y)]
        case Drag():
            return [(point.x, point.y) for point in action.path]
        case _:
            return []


def action_item(number: int, raw: Word) -> Item:
    """One action of a turn, not carried out so far."""
    text = raw.get("text")
    whole = text if raw.get("type") == "type" and isinstance(text, str) else ""
    return {
        "number": number,
        "text": in_words(raw)[:LONGEST] if raw else "an action that the journal does not name",
        "exact": "",
        "whole": whole if len(whole) > 60 or "\n" in whole else "",
        "state": "not",
        "error": "",
        "seconds": None,
    }


def say_better(item: Item, words: str) -> None:
    """Put an action as its program names what it reaches; how it was put before stays as `exact`."""
    if words and not item["exact"]:
        item["text"], item["exact"] = words[:LONGEST], item["text"]


def still_open(items: Iterable[Item]) -> None:
    """In the last turn of a session that is still at work, the rest is yet to come."""
    words = {"unsure": "now", "not": "next"}
    for item in items:
        if item["kind"] == "function":
            item["state"] = words.get(item["state"], item["state"])
        for action in item.get("actions", ()):
            action["state"] = words.get(action["state"], action["state"])


def reasoning_in(output: Iterable[Word]) -> str:
    """Reasoning that was not streamed, from the answer itself."""
    texts = [_text(part) for item in output if item.get("type") == "reasoning" for part in _parts(item.get("summary"))]
    return "\n\n".join(text for text in texts if text)


def _parts(summary: object) -> list[object]:
    return cast("list[object]", summary) if isinstance(summary, list) else []


def _text(part: object) -> str:
    match part:
        case {"text": str(text)}:
            return text
        case _:
            return ""
