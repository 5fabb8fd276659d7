"""OpenAI's own way to make a conversation shorter: what is sent to `/responses/compact`, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from agent.conversation import FromDeskhand, FromModel, FromUser, Item, Request
from agent.models.failures import BadAnswer
from agent.models.render import data_url, without_pictures
from agent.models.window import Shortened
from agent.values import ImageRef, Usage, Word
from agent.weight import pictures_of

PATH = "/responses/compact"
COMPACTION = "compaction"
MOST_KEPT = 12  # pictures in the user's messages, which the provider never lets go of by itself
TOO_MUCH = 8_000_000  # bytes of text in an answer: no shorter conversation is that long
UNSUPPORTED = (400, 404, 405, 501)  # what servers answer that have no such thing


def keeps_too_much(request: Request) -> bool:
    """Whether a summary is due in place of the provider's own, which keeps the user's messages whole, pictures too.

    The picture of a note goes in one, and so does the last screen of each conversation that was made shorter.
    """
    return sum(len(_that_stay(item)) for item in request.items) > MOST_KEPT


def read_shortened(response: Mapping[str, Any], request: Request, usage: Usage) -> Shortened:
    """What stands in the place of the conversation, verbatim.

    Raises:
        BadAnswer: it is no list of items with exactly one compaction, or is none the shorter.
    """
    output = _items(response, usage)
    made = [word for word in output if word.get("type") == COMPACTION]
    if len(made) != 1 or not isinstance(made[0].get("encrypted_content"), str) or not made[0]["encrypted_content"]:
        raise BadAnswer("malformed answer: a compacted conversation without its compaction", usage=usage)
    urls = {data_url(image, request.load): image for item in request.items for image in _that_stay(item)}
    taken = [without_pictures(word, urls) for word in output]
    if sum(len(str(word)) for word, _ in taken) > TOO_MUCH:
        raise BadAnswer("malformed answer: a compacted conversation that is none the shorter", usage=usage)
    images = {image.sha256: image for _, found in taken for image in found}
    return Shortened(tuple(word for word, _ in taken), tuple(images.values()), usage)


def _items(response: Mapping[str, Any], usage: Usage) -> list[Word]:
    output: object = response.get("output")
    listed = cast("list[object]", output) if isinstance(output, list) else []
    items = [cast("Word", item) for item in listed if isinstance(item, dict)]
    if not items or len(items) < len(listed) or not all(isinstance(item.get("type"), str) for item in items):
        raise BadAnswer("malformed answer: a compacted conversation without items", usage=usage)
    return items


def _that_stay(item: Item) -> Sequence[ImageRef]:
    return pictures_of(item) if isinstance(item, FromUser | FromDeskhand | FromModel) else ()
