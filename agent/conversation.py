"""The conversation: a pure fold of the journal into what a model is sent.

Items that a model was sent are never changed again, so every request extends the one before it (promise 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from agent.events import CallAnswered, Event, ModelAnswered, ModelDropped, NoteAdded, SteerDelivered, UserSaid
from agent.values import Call, ImageRef, SafetyCheck, Usage, Word


@dataclass(frozen=True, slots=True)
class FromUser:
    """The user's own words: the only text that can permit anything."""

    text: str
    image: ImageRef | None = None


@dataclass(frozen=True, slots=True)
class FromDeskhand:
    """A note of the harness to the model."""

    text: str
    image: ImageRef | None = None


@dataclass(frozen=True, slots=True)
class FromModel:
    """A response's items, verbatim."""

    output: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class ScreenReply:
    """The screenshot that answers a screen call."""

    call: str
    image: ImageRef
    acknowledged: tuple[SafetyCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionReply:
    """The text that answers a function call."""

    call: str
    text: str


Item: TypeAlias = FromUser | FromDeskhand | FromModel | ScreenReply | FunctionReply


@dataclass(frozen=True)
class Request:
    """Everything that a model needs for one turn.

    Attributes:
        session: stable id, also the key of the provider's prompt cache.
        instructions: the standing orders, the same for the whole session.
        items: the conversation; each request's items extend the last one's.
        load: the encoded bytes of an image in the conversation.
    """

    session: str
    instructions: str
    items: tuple[Item, ...]
    load: Callable[[ImageRef], bytes]


@dataclass(frozen=True)
class Thought:
    """A piece of streamed text. `kind` is "reasoning" (a summary of it) or "words" (said to the user)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Answer:
    """One complete model response.

    Attributes:
        id: the provider's id of the response.
        output: the provider's items, verbatim, to be sent back as they are.
        calls: what the model asks for, in order.
        words: what it says to the user.
        final: no call is open and the words are meant as the last ones.
    """

    id: str
    output: tuple[Word, ...]
    calls: tuple[Call, ...]
    words: str
    final: bool
    usage: Usage


Streamed: TypeAlias = Thought | Answer


def fold(events: Iterable[Event]) -> tuple[Item, ...]:
    """The conversation that the events make, in order."""
    items: list[Item] = []
    for event in events:
        advance(items, event)
    return tuple(items)


def advance(items: list[Item], event: Event) -> None:
    """Add to the conversation what one event puts into it; most put nothing.

    The one thing ever taken back is an answer that is withdrawn before a request was sent with it.
    """
    match event:
        case UserSaid():
            items.append(FromUser(event.text, event.image))
        case SteerDelivered():
            items.append(FromUser(event.text))
        case NoteAdded():
            items.append(FromDeskhand(event.text, event.image))
        case ModelAnswered():
            items.append(FromModel(event.output))
        case ModelDropped(withdrawn=True):
            items.pop()
        case CallAnswered(kind="screen", image=ImageRef() as image):
            items.append(ScreenReply(event.call, image, event.acknowledged))
        case CallAnswered():
            items.append(FunctionReply(event.call, event.text))
        case _:
            pass
