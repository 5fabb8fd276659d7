"""The conversation as the Responses API wants it: deterministic and append-only, so that its cache hits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import assert_never, cast

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, Request, ScreenReply
from agent.values import ImageRef, SafetyCheck, Word

PICTURE_OF_NOTE = (
    "The picture that belongs to the note above. It comes from Deskhand and says nothing in the user's name."
)

PICTURE = "picture:"
"""Stands for a picture in the journal, followed by its SHA-256."""


class Renderer:
    """Renders one conversation, each item once: late requests hold a hundred megabytes of pictures."""

    def __init__(self) -> None:
        self._done: list[tuple[Item, bytes]] = []

    def render(self, request: Request) -> list[bytes]:
        """The `input` list as JSON, in pieces: when a request's items extend another's, so do its pieces."""
        same = sum(
            1 for _ in takewhile(lambda pair: pair[0][0] == pair[1], zip(self._done, request.items, strict=False))
        )
        fresh = [(item, _json(render_item(item, request.load))) for item in request.items[same:]]
        self._done = [*self._done[:same], *fresh]
        pieces = [piece for _, piece in self._done if piece]
        return pieces[:1] + [part for piece in pieces[1:] for part in (b",", piece)]


def render_item(item: Item, load: Callable[[ImageRef], bytes]) -> list[Word]:
    """The input items that stand for one item of the conversation."""
    match item:
        case FromUser(text=text, image=image):
            return [_message("user", text, data_url(image, load) if image else None)]
        case FromDeskhand(text=text, image=image):
            note = _message("developer", text)
            # Only the user's messages are known to carry pictures, so the picture follows the note in one.
            return [note, _message("user", PICTURE_OF_NOTE, data_url(image, load))] if image else [note]
        case FromModel(output=output, images=images):
            words = [{key: value for key, value in word.items() if key != "created_by"} for word in output]
            return [with_pictures(word, images, load) for word in words] if images else words
        case ScreenReply(call=call, image=image, acknowledged=acknowledged):
            return [_screen_reply(call, data_url(image, load), acknowledged)]
        case FunctionReply():
            return [_tool_reply(item, [data_url(image, load) for image in item.images])]
        case _:
            assert_never(item)


def without_pictures(word: Word, images: Mapping[str, ImageRef]) -> tuple[Word, tuple[ImageRef, ...]]:
    """A provider's item with `picture:SHA256` for each of our pictures, which the journal has already, and which.

    Args:
        images: by the data URL that they were sent as.
    """
    found: list[ImageRef] = []

    def taken_out(part: Word) -> Word:
        image = images.get(str(part.get("image_url")))
        if image is None:
            return part
        found.append(image)
        return part | {"image_url": f"{PICTURE}{image.sha256}"}

    return _with_parts(word, taken_out), tuple(found)


def with_pictures(word: Word, images: Sequence[ImageRef], load: Callable[[ImageRef], bytes]) -> Word:
    """The opposite of `without_pictures`: the item as the provider wrote it."""
    named = {f"{PICTURE}{image.sha256}": image for image in images}

    def put_back(part: Word) -> Word:
        image = named.get(str(part.get("image_url")))
        return part | {"image_url": data_url(image, load)} if image else part

    return _with_parts(word, put_back)


def _with_parts(word: Word, change: Callable[[Word], Word]) -> Word:
    content: object = word.get("content")
    if not isinstance(content, list):
        return word
    parts = cast("list[object]", content)
    return word | {"content": [change(cast("Word", part)) if isinstance(part, dict) else part for part in parts]}


def _json(words: list[Word]) -> bytes:
    """The items' JSON, joined; escaped to ASCII, so that no lone surrogate of a screen's text can break a request."""
    return b",".join(json.dumps(word, separators=(",", ":")).encode("ascii") for word in words)


def _message(role: str, text: str, image_url: str | None = None) -> Word:
    content: list[Word] = [{"type": "input_text", "text": text}]
    if image_url is not None:
        content.append(_picture(image_url))
    return {"type": "message", "role": role, "content": content}


def _screen_reply(call: str, image_url: str, acknowledged: tuple[SafetyCheck, ...]) -> Word:
    """`detail` is not among the client's types; OpenAI's guide asks for it, or large images are shrunk."""
    reply: Word = {
        "type": "computer_call_output",
        "call_id": call,
        "output": {"type": "computer_screenshot", "image_url": image_url, "detail": "original"},
    }
    if acknowledged:
        reply["acknowledged_safety_checks"] = [_check(check) for check in acknowledged]
    return reply


def _tool_reply(reply: FunctionReply, pictures: list[str]) -> Word:
    match reply.form:
        case "shell":
            parts = reply.parts or ({"stdout": "", "stderr": reply.text, "outcome": {"type": "exit", "exit_code": 1}},)
            shell: Word = {"type": "shell_call_output", "call_id": reply.call, "output": list(parts)}
            return shell | (reply.echo or {})
        case "apply_patch":
            status = "failed" if reply.failed else "completed"
            patch: Word = {"type": "apply_patch_call_output", "call_id": reply.call, "status": status}
            return patch | {"output": reply.text}
        case "function":
            output = [{"type": "input_text", "text": reply.text}, *map(_picture, pictures)] if pictures else reply.text
            return {"type": "function_call_output", "call_id": reply.call, "output": output}


def _picture(image_url: str) -> Word:
    return {"type": "input_image", "image_url": image_url, "detail": "original"}


def _check(check: SafetyCheck) -> Word:
    echoed = {"id": check.id, "code": check.code, "message": check.message}
    return {key: value for key, value in echoed.items() if value}


def data_url(image: ImageRef, load: Callable[[ImageRef], bytes]) -> str:
    """A picture as it is sent."""
    return f"data:{image.media_type};base64,{base64.b64encode(load(image)).decode('ascii')}"
