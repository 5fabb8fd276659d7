"""The conversation: a pure fold of the journal into what a model is sent.

Items that a model was sent are never changed again, so every request extends the one before it (promise 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from agent.events import (
    CallAnswered,
    Compacted,
    Event,
    ModelAnswered,
    ModelDropped,
    NoteAdded,
    SteerDelivered,
    UserSaid,
)
from agent.values import Call, Form, ImageRef, SafetyCheck, Usage, Word


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
    """A response's items, verbatim.

    Attributes:
        images: pictures in the items; there stands `picture:SHA256` in place of the bytes.
        said: the user's words that stand in these items: they are the provider's base of a longer conversation.
    """

    output: tuple[Word, ...]
    images: tuple[ImageRef, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScreenReply:
    """The screenshot that answers a screen call."""

    call: str
    image: ImageRef
    acknowledged: tuple[SafetyCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionReply:
    """What answers the call of a tool; see `agent.events.CallAnswered`."""

    call: str
    text: str
    images: tuple[ImageRef, ...] = ()
    parts: tuple[Word, ...] = ()
    form: Form = "function"
    echo: Word | None = None
    failed: bool = False


Item: TypeAlias = FromUser | FromDeskhand | FromModel | ScreenReply | FunctionReply


@dataclass(frozen=True)
class Request:
    """Everything that a model needs for one turn.

    Attributes:
        session: stable id, also the key of the provider's prompt cache.
        instructions: the standing orders, the same for the whole session.
        items: the conversation; each request's items extend the last one's.
        load: the encoded bytes of an image in the conversation.
        tools: what is offered beside the screen: name, description, parameters (a JSON Schema), strict, and `builtin`
            where one of OpenAI's own tools stands for it.
        speak_only: only words are wanted, and no call.
        most_tokens: the longest answer that is of use; None leaves it to the model.
    """

    session: str
    instructions: str
    items: tuple[Item, ...]
    load: Callable[[ImageRef], bytes]
    tools: tuple[Word, ...] = ()
    speak_only: bool = False
    most_tokens: int | None = None


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


EARLIER_SCREEN = "An earlier picture of the screen, to look back at. No coordinates belong to it."
NEWEST_SCREEN = "The screen as you saw it last."


def shortened(items: Sequence[Item], event: Compacted) -> list[Item]:
    """What is left: the user's words, what stands, the summary, the last screens, and the last answer as it was."""
    cut = len(items) - event.kept
    tail = items[cut:]
    said = [*said_by_user(items[:cut]), *event.words]
    kept = {text for word in event.output if word.get("role") == "user" for text in texts_of(word)}
    base = [FromModel(event.output, event.images, tuple(text for text in said if text in kept))] if event.output else []
    newest = 0 if screens_of(tail) else 1
    return [
        *base,
        *(FromUser(text) for text in said if text not in kept),
        FromDeskhand(told_of(event)),
        *(FromDeskhand(EARLIER_SCREEN, image) for image in event.screens[: len(event.screens) - newest]),
        *(FromDeskhand(NEWEST_SCREEN, image) for image in event.screens[len(event.screens) - newest :]),
        *tail,
    ]


def screens_of(items: Iterable[Item]) -> list[ImageRef]:
    """The pictures of the screen in a conversation; pages of documents are none."""
    found = (item.image for item in items if isinstance(item, FromUser | FromDeskhand | ScreenReply))
    return [image for image in found if image]


def told_of(event: Compacted) -> str:
    """What the model is told of all that is not shown to it any more; the summary is last."""
    return "\n\n".join(part for part in (event.standing, event.summary) if part)


def said_by_user(items: Iterable[Item]) -> list[str]:
    """The user's own words in a conversation, in order, as the model got them."""
    found: list[str] = []
    for item in items:
        if isinstance(item, FromModel):
            found += item.said
        elif isinstance(item, FromUser):
            found.append(item.text)
    return found


def texts_of(message: Word) -> list[str]:
    """The texts in a provider's message."""
    content: object = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = cast("list[object]", content) if isinstance(content, list) else []
    words = [cast("Word", part) for part in parts if isinstance(part, dict)]
    return [str(part["text"]) for part in words if isinstance(part.get("text"), str)]


def _reply(event: CallAnswered) -> FunctionReply:
    return FunctionReply(
        event.call, event.text, event.images, event.parts, event.form, echo=event.echo, failed=event.failed
    )


def advance(items: list[Item], event: Event) -> None:
    """Add to the conversation what one event puts into it; most put nothing.

    The one thing ever taken back is an answer that is withdrawn before a request was sent with it, and the one thing
    that rewrites what was sent is `compacted`.
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
            items.append(_reply(event))
        case Compacted():
            items[:] = shortened(items, event)
        case _:
            pass
