"""What the Responses API refuses, so that a request that passes here would pass there.

Requests are held against the request types of the installed client library, keys that these types do not know
included, and against the rules that the types cannot say: every call answered once, reasoning in front of what it
belongs to, pictures that are pictures, safety checks acknowledged, items of the model sent back as they came.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast, get_args, get_type_hints

from tests.support.openai_script import Body, Item

CALLS = {
    "computer_call": "computer call",
    "function_call": "function call",
    "shell_call": "shell call",
    "apply_patch_call": "apply patch call",
}
OUTPUTS = {f"{call}_output": call for call in CALLS}
DETAILS = ("low", "high", "auto", "original")
MAX_IMAGES = 1_500
MAX_PATCHES = 30_000
PATCH = 32  # pixels, both ways
TOKENS_PER_PATCH = 1.2
CHARS_PER_TOKEN = 4
NO_EFFORT_NONE = ("gpt-6-astra", "gpt-6.1-sol")


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = "input", status: int = 400
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


@dataclass
class Checker:
    """Remembers what one server has sent and already looked at.

    Attributes:
        context_tokens: input beyond this is refused.
        sent: the items that the server itself made, by id.
        needs: ids of items, and the reasoning that came right before each.
        comes_with: ids of compactions, and those of the messages that each came with.
    """

    context_tokens: int = 922_000
    sent: dict[str, Item] = field(default_factory=dict[str, Item])
    needs: dict[str, str] = field(default_factory=dict[str, str])
    comes_with: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _known: dict[str, int] = field(default_factory=dict[str, int])

    def remember(self, output: Sequence[Item]) -> None:
        """Items are about to be sent."""
        for before, item in zip([None, *output], output, strict=False):
            self.sent[item["id"]] = item
            if item["type"] == "compaction":
                self.comes_with[item["id"]] = [other["id"] for other in output if other is not item]
            if before is not None and before["type"] == "reasoning":
                self.needs[item["id"]] = before["id"]

    def check(self, body: Body) -> list[tuple[str, int]]:
        """Each input item's key and tokens.

        Raises:
            Refused: the request would be.
        """
        _check_fields(body)
        return self._check_input(body)

    def check_compact(self, body: Body) -> list[tuple[str, int]]:
        """The same for a request to make a conversation shorter."""
        from openai.types.responses.response_compact_params import ResponseCompactParams

        _check_known(body, get_type_hints(ResponseCompactParams))
        return self._check_input(body)

    def _check_input(self, body: Body) -> list[tuple[str, int]]:
        items = cast("list[Item]", body["input"])
        sized = [self._item(item, f"input[{index}]") for index, item in enumerate(items)]
        _check_images(items)
        self._check_replayed(items)
        _check_reasoning(items)
        _check_calls(items)
        if sum(tokens for _, tokens in sized) > self.context_tokens:
            raise Refused(
                "Your input exceeds the context window of this model. Please adjust your input and try again.",
                code="context_length_exceeded",
            )
        return sized

    def _item(self, item: Item, where: str) -> tuple[str, int]:
        text = json.dumps(item)
        key = f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()}"
        if key not in self._known:
            if not self._is_own(item):
                _check_item(item, where)
            self._known[key] = _tokens_of(item, where)
        return key, self._known[key]

    def _is_own(self, item: Item) -> bool:
        """Sent by this server, and unchanged: then it may hold what the types do not know."""
        own = self.sent.get(str(item.get("id")))
        if own is None:
            return False
        if {key: value for key, value in own.items() if key != "created_by"} != item:
            raise Refused(f"Item '{item['id']}' is not what the model wrote: {_difference(own, item)}")
        return True

    def _check_replayed(self, items: Sequence[Item]) -> None:
        ids = Counter(str(item["id"]) for item in items if item.get("id"))
        for one, count in ids.items():
            if count > 1:
                raise Refused(f"Duplicate item found with id {one}. Remove duplicate items from your input.")
        for item in items:
            reasoning = self.needs.get(str(item.get("id")))
            if reasoning is not None and reasoning not in ids:
                raise Refused(
                    f"Item '{item['id']}' of type '{item['type']}' was provided without its required 'reasoning' item: "
                    f"'{reasoning}'."
                )
            for message in self.comes_with.get(str(item.get("id")), []):
                if message not in ids:
                    raise Refused(f"Item '{item['id']}' of type 'compaction' was provided without '{message}'.")


def image_size(url: str, where: str = "input") -> tuple[int, int]:
    """Width and height of the picture in a data URL, decoded in full.

    Raises:
        Refused: it is none, or one that the API does not take.
    """
    from PIL import Image, UnidentifiedImageError

    head, _, data = url.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64")):
        raise Refused(
            f"Invalid '{where}'. Expected a base64-encoded data URL with an image MIME type.",
            code="invalid_value",
        )
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
            picture.load()
            width, height = picture.size
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError, ValueError):
        told = "The image data you provided does not represent a valid image. Please check your input and try again."
        raise Refused(told, code="invalid_image") from None
    if width * height <= 1:
        raise Refused("The image is too small.", code="image_too_small")
    if patches(width, height) > MAX_PATCHES:
        raise Refused("The image is too large.", code="image_too_large")
    return width, height


def patches(width: int, height: int) -> int:
    """How many squares of 32 pixels cover a picture."""
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)


def image_urls(item: Item) -> list[str]:
    """The data URLs of every picture in an input item."""
    output = item.get("output")
    parts = [output, *_list(output), *_list(item.get("content"))]
    return [str(part["image_url"]) for part in map(_object, parts) if part.get("image_url")]


def text_tokens(text: str) -> int:
    """Roughly what a text costs."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def _tokens_of(item: Item, where: str) -> int:
    urls = image_urls(item)
    sizes = [image_size(url, where) for url in urls]
    letters = len(json.dumps(item)) - sum(len(url) for url in urls)
    pictures = sum(math.ceil(patches(*size) * TOKENS_PER_PATCH) for size in sizes)
    return pictures + math.ceil(letters / CHARS_PER_TOKEN)


def _check_fields(body: Body) -> None:
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

    _check_known(body, get_type_hints(ResponseCreateParamsStreaming))
    if body.get("previous_response_id"):
        told = "Previous response cannot be found: this server stores nothing."
        raise Refused(told, code="previous_response_not_found", param="previous_response_id")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Refused("'stream_options' needs 'stream'.", code="invalid_value", param="stream_options")
    effort = _object(body.get("reasoning")).get("effort")
    if effort == "none" and str(body.get("model")).startswith(NO_EFFORT_NONE):
        told = f"Unsupported value: 'reasoning.effort' does not support 'none' with {body['model']}."
        raise Refused(told, code="unsupported_value", param="reasoning.effort")
    if effort != "none" and (sampled := {"temperature", "top_p", "top_logprobs"} & body.keys()):
        name = min(sampled)
        raise Refused(f"Unsupported parameter: '{name}'.", code="unsupported_parameter", param=name)


def _check_known(body: Body, known: Mapping[str, Any]) -> None:
    for name in body:
        if name not in known:
            raise Refused(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    if not isinstance(body.get("input"), list) or not body["input"]:
        raise Refused("Missing required parameter: 'input'.", code="missing_required_parameter")
    for name, value in body.items():
        if name not in ("input", "stream") and (wrong := _mistake(known[name], value)):
            raise Refused(f"Invalid '{name}': {wrong}.", code="invalid_value", param=name)


def _check_item(item: Item, where: str) -> None:
    """One input item against the client library's types; `detail` of a screenshot is documented, but not typed."""
    held = item
    shot = item.get("output")
    if item.get("type") == "computer_call_output" and isinstance(shot, dict) and "detail" in shot:
        shot = cast("Item", shot)
        if shot["detail"] not in DETAILS:
            raise Refused(f"Invalid value: '{shot['detail']}'.", code="invalid_value", param=f"{where}.output.detail")
        held = item | {"output": {key: value for key, value in shot.items() if key != "detail"}}
    if item.get("role") in ("developer", "system") and image_urls(item):
        raise Refused("Pictures are for messages of the user.", code="invalid_value", param=where)
    kinds = _item_types().get(str(item.get("type", "message")), [])
    mistakes = [_mistake(kind, held) for kind in kinds]
    if not kinds:
        raise Refused(f"Invalid value: '{item.get('type')}'.", code="invalid_value", param=f"{where}.type")
    if all(mistakes):
        raise Refused(f"Invalid '{where}': {mistakes[0]}.", code="invalid_value", param=where)


def _check_images(items: Sequence[Item]) -> None:
    if (count := sum(len(image_urls(item)) for item in items)) > MAX_IMAGES:
        raise Refused(f"Too many images: {count}, at most {MAX_IMAGES}.", code="too_many_images")


def _check_reasoning(items: Sequence[Item]) -> None:
    """Reasoning is followed by what the model did next."""
    for item, after in zip(items, [*items[1:], None], strict=True):
        if item.get("type") != "reasoning":
            continue
        of_user = after is None or after.get("type") in OUTPUTS or after.get("role") in ("user", "developer", "system")
        if of_user:
            raise Refused(f"Item '{item['id']}' of type 'reasoning' was provided without its required following item.")


def _check_calls(items: Sequence[Item]) -> None:
    """Every call has one output of its kind, after it; every output has its call; every check is acknowledged."""
    waiting: dict[str, Item] = {}
    answered: set[str] = set()
    for item in items:
        kind, call_id = str(item.get("type")), str(item.get("call_id"))
        if kind in CALLS:
            if call_id in waiting or call_id in answered:
                raise Refused(f"Duplicate call with call_id {call_id}.")
            waiting[call_id] = item
        elif kind in OUTPUTS:
            if call_id in answered:
                raise Refused(f"Duplicate output found for call_id {call_id}.")
            call = waiting.pop(call_id, None)
            if call is None or call["type"] != OUTPUTS[kind]:
                told = f"No tool call found for {CALLS[OUTPUTS[kind]]} output with call_id {call_id}."
                raise Refused(told)
            answered.add(call_id)
            _check_acknowledged(call, item)
    for call_id, call in waiting.items():
        raise Refused(f"No tool output found for {CALLS[str(call['type'])]} {call_id}.")


def _check_acknowledged(call: Item, output: Item) -> None:
    acknowledged = {check["id"] for check in _list(output.get("acknowledged_safety_checks"))}
    for check in _list(call.get("pending_safety_checks")):
        if check["id"] not in acknowledged:
            raise Refused(f"The safety check {check['id']} of {call['call_id']} has not been acknowledged.")


def _object(value: object) -> Item:
    return cast("Item", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


@cache
def _item_types() -> Mapping[str, list[type]]:
    """The client library's input types by the word in their `type` field."""
    from openai.types.responses.response_input_param import ResponseInputItemParam

    found: dict[str, list[type]] = {}
    for kind in get_args(ResponseInputItemParam):
        for word in get_args(_bare(get_type_hints(kind).get("type"))):
            found.setdefault(str(word), []).append(kind)
    return found


def _bare(hint: Any) -> Any:
    """Without `Optional`."""
    inner = [part for part in get_args(hint) if part is not type(None) and not isinstance(part, str)]
    return inner[0] if inner else hint


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _mistake(kind: Any, value: Any) -> str:
    """What is wrong with a value of a type, keys that its TypedDicts do not know included; empty if nothing is."""
    from pydantic import ValidationError

    try:
        read = _listed(_adapter(kind).validate_python(value))
    except ValidationError as error:
        return _told(error.errors())
    return _difference(value, read)


def _told(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first error of the variant that was meant, which is one whose `type` fits."""
    others = {
        tuple(one["loc"][:-1]) for one in errors if one["type"] == "literal_error" and one["loc"][-1:] == ("type",)
    }
    meant = [one for one in errors if not any(tuple(one["loc"][: len(other)]) == other for other in others)]
    first = (meant or errors)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _listed(value: Any) -> Any:
    """Validation of an `Iterable` is put off until it is read: read all of it."""
    if isinstance(value, Mapping):
        return {key: _listed(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_listed(inner) for inner in cast("Iterable[Any]", value)]
    return value


def _difference(given: Any, read: Any, where: str = "") -> str:
    """The first place where two JSON values differ; empty if they do not."""
    if (type(given), type(read)) == (dict, dict):
        ours, theirs = _object(given), _object(read)
        for key in ours.keys() | theirs.keys():
            if key not in theirs:
                return f"{where}{key}: not known here"
            if key not in ours:
                return f"{where}{key}: missing"
            if found := _difference(ours[key], theirs[key], f"{where}{key}."):
                return found
        return ""
    many, others = _list(given), _list(read)
    if many and len(many) == len(others):
        pairs = enumerate(zip(many, others, strict=True))
        return next((found for i, (a, b) in pairs if (found := _difference(a, b, f"{where}{i}."))), "")
    return "" if given == read else f"{where.rstrip('.')}: {str(given)[:60]!r} is not {str(read)[:60]!r}"
