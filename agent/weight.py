"""What parts of a conversation weigh, roughly; what a provider counts is believed wherever it says so."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, ScreenReply
from agent.values import ImageRef, Word

CHARS_PER_TOKEN = 4
PATCH = 32  # pixels, both ways
TOKENS_PER_PATCH = 1.2
AROUND = 12  # tokens of an item beside its contents


def tokens_of(items: Iterable[Item]) -> int:
    """Tokens of items."""
    return sum(_tokens(item) for item in items)


def tokens_of_text(text: str) -> int:
    """Tokens of a text; four characters each, though some scripts need more."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def tokens_of_words(words: Iterable[Word]) -> int:
    """Tokens of a provider's items, or of tools."""
    return sum(tokens_of_text(json.dumps(word, separators=(",", ":"))) for word in words)


def pictures_of(item: Item) -> tuple[ImageRef, ...]:
    """The pictures in an item."""
    match item:
        case FromUser(image=ImageRef() as image) | FromDeskhand(image=ImageRef() as image) | ScreenReply(image=image):
            return (image,)
        case FunctionReply() | FromModel():
            return item.images
        case _:
            return ()


def _tokens(item: Item) -> int:
    pictures = sum(_patches(image) for image in pictures_of(item))
    match item:
        case FromUser() | FromDeskhand():
            words = tokens_of_text(item.text)
        case FunctionReply():
            words = tokens_of_text(item.text) + tokens_of_words(item.parts)
        case FromModel():
            words = tokens_of_words(item.output)
        case ScreenReply():
            words = 0
    return AROUND + words + math.ceil(pictures * TOKENS_PER_PATCH)


def _patches(image: ImageRef) -> int:
    return math.ceil(image.width / PATCH) * math.ceil(image.height / PATCH)
