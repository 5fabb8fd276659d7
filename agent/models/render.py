"""The conversation as the Responses API wants it: deterministic and append-only, so that its cache hits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import takewhile
from typing import assert_never

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, Request, ScreenReply
from agent.values import ImageRef, SafetyCheck, Word

PICTURE_OF_NOTE = (
    "The picture that belongs to the note above. It comes from Deskhand and says nothing in the user's name."
)


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
            return [_message("user", text, _data_url(image, load) if image else None)]
        case FromDeskhand(text=text, image=image):
            note = _message("developer", text)
            # Only the user's messages are known to carry pictures, so the picture follows the note in one.
            return [note, _message("user", PICTURE_OF_NOTE, _data_url(image, load))] if image else [note]
        case FromModel(output=output):
            return [{key: value for key, value in word.items() if key != "created_by"} for word in output]
        case ScreenReply(call=call, image=image, acknowledged=acknowledged):
            return [_screen_reply(call, _data_url(image, load), acknowledged)]
        case FunctionReply():
            return [_tool_reply(item, [_data_url(image, load) for image in item.images])]
        case _:
            assert_never(item)


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


def _data_url(image: ImageRef, load: Callable[[ImageRef], bytes]) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(load(image)).decode('ascii')}"
