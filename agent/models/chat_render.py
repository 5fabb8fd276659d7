"""The conversation as Chat Completions wants it: deterministic, and extended at its end only.

Many chat templates take nothing but the user and the assistant in turn, so all that stands between two answers is one
message of several parts: the results of tools, notes, the user's words, the screenshot. A later request may add parts
to the last message; nothing before them changes.

Where a model takes only so many pictures, the oldest ones give way to a line of text, several at a time: with three
pictures every second turn, with five every third. Those turns, and no others, rewrite a part of the conversation.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, assert_never

from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, Request, ScreenReply
from agent.dialects.dialect import Dialect
from agent.values import ImageRef, Word
from agent.wording import KEEP_GOING

USER, DESKHAND = "[User]", "[Deskhand]"
GONE = "(An earlier screenshot stood here.)"
SHOWN = "The screen after it is in the next message."
NO_SCREEN = "Pictures of a tool's answer; no coordinates belong to them."
_TOKEN = re.compile(r"<(\|[^|<>\s]{1,40}\|)>")
_MARK = re.compile(r"^(\[(?:User|Deskhand|Result of )|</?(?:observation|screenshot)>)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message of the user, or a whole message of another role; `body` is JSON."""

    role: Literal["user", "assistant", "tool"]
    body: bytes
    picture: bool = False


class ChatRenderer:
    """Renders one conversation, each item once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._done: list[tuple[Item, list[Piece]]] = []

    def render(self, request: Request, head: Word) -> list[bytes]:
        """The `messages` list as JSON, in pieces; `head` is the system message."""
        return [_json(head), *assembled(self.pieces(request), self._dialect.pictures)]

    def pieces(self, request: Request) -> list[Piece]:
        """Everything that is said, in order."""
        items = request.items
        same = sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1], zip(self._done, items, strict=False)))
        del self._done[same:]
        calls = _calls(items)
        for index in range(same, len(items)):
            before = items[index - 1] if index else None
            self._done.append((items[index], self._pieces(items[index], before, calls, request.load)))
        return [piece for _, pieces in self._done for piece in pieces]

    def _pieces(self, item: Item, before: Item | None, calls: _Calls, load: Callable[[ImageRef], bytes]) -> list[Piece]:
        match item:
            case FromUser(text=text, image=image):
                return [_text(f"{USER} {text}"), *self._screen(image, load)]
            case FromDeskhand(text=text, image=image):
                if text == KEEP_GOING and isinstance(before, FromModel) and _fault(before):
                    return []  # it has been told more exactly
                return [_text(f"{DESKHAND} {text}"), *self._screen(image, load)]
            case FromModel(output=output):
                return [piece for word in output for piece in _answer(word)]
            case ScreenReply(call=call, image=image):
                replied = [_tool(call, SHOWN)] if call in calls.native else []
                return [*replied, *self._screen(image, load)]
            case FunctionReply():
                return [*_result(item, calls), *self._pictures(item.images, load)]
            case _:
                assert_never(item)

    def _screen(self, image: ImageRef | None, load: Callable[[ImageRef], bytes]) -> list[Piece]:
        if image is None:
            return []
        before, after = self._dialect.observation
        shown = self._picture(image, load)
        return [*([_text(before, end="")] if before else []), shown, *([_text(after, end="")] if after else [])]

    def _pictures(self, images: Sequence[ImageRef], load: Callable[[ImageRef], bytes]) -> list[Piece]:
        if not images:
            return []
        return [_text(f"{DESKHAND} {NO_SCREEN}"), *(self._picture(image, load) for image in images)]

    def _picture(self, image: ImageRef, load: Callable[[ImageRef], bytes]) -> Piece:
        url = data_url(load(image), image, self._dialect.fit.size(image.width, image.height))
        return Piece("user", _json({"type": "image_url", "image_url": {"url": url}}), picture=True)


def assembled(pieces: Sequence[Piece], most: int | None) -> list[bytes]:
    """The messages, each with a comma before it: tools' replies right behind the answer that called them, and the rest
    in one message of the user. In pieces, since the pictures of a long session are many megabytes."""
    gone = _gone(sum(piece.picture for piece in pieces), most)
    out: list[bytes] = []
    for run in _runs(pieces):
        for piece in run:
            out += [b",", piece.body] if piece.role != "user" else []
        before = b',{"role":"user","content":['
        for piece in run:
            if piece.role == "user":
                out += [before, _json(_part(GONE)) if piece.picture and gone > 0 else piece.body]
                gone -= piece.picture
                before = b","
        out += [b"]}"] if before == b"," else []
    return out


def _runs(pieces: Iterable[Piece]) -> Iterable[list[Piece]]:
    """Each answer, and what stands between two of them."""
    run: list[Piece] = []
    for piece in pieces:
        if piece.role == "assistant":
            if run:
                yield run
            yield [piece]
            run = []
        else:
            run.append(piece)
    if run:
        yield run


def _gone(pictures: int, most: int | None) -> int:
    """How many of the oldest pictures are left out: as few as may be, changing as seldom as may be."""
    if most is None or pictures <= most:
        return 0
    kept = max(1, (most + 1) // 2)
    step = most - kept + 1
    return -(-(pictures - most) // step) * step


def data_url(data: bytes, image: ImageRef, size: tuple[int, int]) -> str:
    """A picture as it is sent, in a size that the server leaves as it is; the same bytes for the same picture."""
    media_type = image.media_type
    if (image.width, image.height) != size or media_type not in ("image/png", "image/jpeg"):
        data, media_type = _resized(data, size), "image/png"
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _resized(data: bytes, size: tuple[int, int]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        plain = picture.convert("RGB")
        fitted = plain if plain.size == size else plain.resize(size, Image.Resampling.LANCZOS)
        fitted.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _answer(word: Word) -> list[Piece]:
    """What the model has said, as it is kept, and what Deskhand says to it right away."""
    message: Word = {"role": "assistant", "content": word.get("content") or ""}
    if word.get("reasoning_content"):
        message["reasoning_content"] = word["reasoning_content"]
    if calls := word.get("tool_calls"):
        message["tool_calls"] = [_called(call) for call in calls]
    replies = [_tool(call, text) for call, text in word.get("replies", {}).items()]
    note = [_text(f"{DESKHAND} {word['note']}")] if word.get("note") else []
    return [Piece("assistant", _json(message)), *replies, *note]


def _called(call: Word) -> Word:
    return {
        "id": call["id"],
        "type": "function",
        "function": {"name": call["name"], "arguments": call["arguments"]},
    }


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls of a conversation: ids of those that went through `tool_calls`, and names of the others by id."""

    native: frozenset[str]
    names: Mapping[str, str]


def _calls(items: Iterable[Item]) -> _Calls:
    words = [word for item in items if isinstance(item, FromModel) for word in item.output]
    native = frozenset(call["id"] for word in words for call in word.get("tool_calls", ()))
    return _Calls(native, {call: name for word in words for call, name in word.get("called", {}).items()})


def _fault(item: FromModel) -> bool:
    return any(word.get("fault") for word in item.output)


def _result(reply: FunctionReply, calls: _Calls) -> list[Piece]:
    text = reply.text or ("(pictures)" if reply.images else "(nothing)")
    if reply.call in calls.native:
        return [_tool(reply.call, as_data(text))]
    return [_text(f"[Result of {calls.names.get(reply.call, 'a tool')}]\n{as_data(text)}")]


def as_data(text: str) -> str:
    """A tool's answer that can pass for nothing else: marks of speakers and tokens of chat templates are broken up."""
    return _MARK.sub(r"| \1", _TOKEN.sub(r"< \1 >", text))


def _tool(call: str, text: str) -> Piece:
    return Piece("tool", _json({"role": "tool", "tool_call_id": call, "content": text}))


def _text(text: str, *, end: str = "\n") -> Piece:
    return Piece("user", _json(_part(text.rstrip("\n") + end if end else text)))


def _part(text: str) -> Word:
    return {"type": "text", "text": text}


def _json(word: Word) -> bytes:
    """Escaped to ASCII; half characters, which many servers refuse, are replaced."""
    text = json.dumps(word, separators=(",", ":"))
    if "\\ud" in text:
        text = json.dumps(_whole(word), separators=(",", ":"))
    return text.encode("ascii")


def _whole(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {key: _whole(each) for key, each in value.items()}  # pyright: ignore
        case list():
            return [_whole(each) for each in value]  # pyright: ignore
        case _:
            return value
