"""What a chat model has to know of a conversation so far: the screen, and what its last answers left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from agent.conversation import FromDeskhand, FromModel, FromUser, Item, ScreenReply
from agent.dialects.hand import Hand, hand_of
from agent.values import ImageRef

Size: TypeAlias = tuple[int, int]


def first_picture(items: Iterable[Item]) -> Size | None:
    """The size of the first screenshot, which stays the first."""
    return next(_sizes(items), None)


def newest_screen(items: Sequence[Item]) -> Size | None:
    """The size of the screenshot that coordinates belong to."""
    return next(_sizes(reversed(items)), None)


def last_hand(items: Sequence[Item]) -> Hand:
    """What the last answer has left half done."""
    last = next((item for item in reversed(items) if isinstance(item, FromModel)), None)
    found = next((word["hand"] for word in last.output if word.get("hand")), None) if last else None
    return hand_of(found) if found else Hand()


def was_plain(items: Sequence[Item]) -> bool:
    """Whether the last answer was words only, and the user has said nothing since."""
    for item in reversed(items):
        if isinstance(item, FromUser):
            return False
        if isinstance(item, FromModel):
            return any(word.get("plain") for word in item.output)
    return False


def faults_in_a_row(items: Sequence[Item]) -> int:
    """How many of the last answers could not be read, since the user said something or the session went on."""
    count = 0
    for item in reversed(items):
        if isinstance(item, FromUser) or (isinstance(item, FromDeskhand) and item.image):
            break
        if isinstance(item, FromModel):
            if not any(word.get("fault") for word in item.output):
                break
            count += 1
    return count


def _sizes(items: Iterable[Item]) -> Iterator[Size]:
    for item in items:
        match item:
            case (
                FromUser(image=ImageRef() as image) | FromDeskhand(image=ImageRef() as image) | ScreenReply(image=image)
            ):
                yield image.width, image.height
            case _:
                pass
