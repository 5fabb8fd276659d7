"""What servers of Chat Completions refuse, the strictest template among them: so that what passes here passes there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from tests.support.openai_checks import Refused, image_size

KNOWN = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "tools", "tool_choice",
        "max_completion_tokens",
    }
)  # fmt: skip


def check(body: Mapping[str, Any], *, factor: int | None = None) -> list[tuple[int, int]]:
    """The sizes of the pictures, in order.

    Args:
        factor: both sides of each picture must be multiples of it.

    Raises:
        Refused: the request would be.
    """
    if unknown := set(body) - KNOWN:
        raise Refused(f"Extra inputs are not permitted: {min(unknown)}", param=min(unknown))
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: field required", param="messages")
    for tool in body.get("tools", []):
        _check_tool(tool)
    said = cast("list[dict[str, Any]]", messages)
    sizes = [size for message in said for size in _check_message(message)]
    _check_order(said)
    _check_calls(said)
    for width, height in sizes:
        if factor and (width % factor or height % factor):
            raise Refused(f"a picture of {width}x{height} would be resized to multiples of {factor}")
    return sizes


@lru_cache(64)
def _size(url: str) -> tuple[int, int]:
    return image_size(url)


def _check_message(message: dict[str, Any]) -> list[tuple[int, int]]:
    role, content = message.get("role"), message.get("content")
    allowed = {
        "system": {"role", "content"},
        "user": {"role", "content"},
        "assistant": {"role", "content", "tool_calls", "reasoning_content"},
        "tool": {"role", "content", "tool_call_id"},
    }
    if role not in allowed:
        raise Refused(f"Unexpected message role: {role}")
    if unknown := set(message) - allowed[role]:
        raise Refused(f"a message of {role} has no {min(unknown)}")
    if role != "user":
        if not isinstance(content, str):
            raise Refused(f"the content of {role} must be a text")
        return []
    if not isinstance(content, list) or not content:
        raise Refused("the content of the user must be parts")
    return [size for part in cast("list[dict[str, Any]]", content) for size in _check_part(part)]


def _check_part(part: dict[str, Any]) -> list[tuple[int, int]]:
    match part:
        case {"type": "text", "text": str(text)} if text and len(part) == 2:
            return []
        case {"type": "image_url", "image_url": {"url": str(url)}} if len(part) == 2 and len(part["image_url"]) == 1:
            return [_size(url)]
        case _:
            raise Refused(f"a content part cannot be read: {str(part)[:80]}")


def _check_order(messages: list[dict[str, Any]]) -> None:
    """System first and once; user and assistant in turn; tools behind the answer that called them."""
    roles = [str(message["role"]) for message in messages]
    if roles[0] != "system" or "system" in roles[1:]:
        raise Refused("System role not supported here: it must be the first message, and the only one")
    if any(before == role != "tool" for before, role in pairwise(roles)):
        raise Refused("Conversation roles must alternate user/assistant/user/assistant/...")
    if roles[1:2] != ["user"]:
        raise Refused("Conversation must start with a user message")
    if roles[-1] == "assistant":
        raise Refused("the last message must not be the assistant's")


def _check_calls(messages: list[dict[str, Any]]) -> None:
    """Every call is answered once, right behind the message that made it, and every answer has its call."""
    seen: set[str] = set()
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise Refused(f"no call {message.get('tool_call_id')} waits for an answer")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise Refused(f"tool_call_ids did not have response messages: {', '.join(waiting)}")
        for call in message.get("tool_calls", []):
            function = call["function"]
            if call["type"] != "function" or call["id"] in seen or set(call) != {"id", "type", "function"}:
                raise Refused(f"the call {call.get('id')} cannot be read, or its id was used before")
            if not isinstance(json.loads(function["arguments"]), dict) or not function["name"]:
                raise Refused("arguments of a call must be a JSON object")
            seen.add(call["id"])
            waiting.append(call["id"])
    if waiting:
        raise Refused(f"tool_call_ids did not have response messages: {', '.join(waiting)}")


def _check_tool(tool: dict[str, Any]) -> None:
    function = tool.get("function", {})
    if tool.get("type") != "function" or set(tool) != {"type", "function"}:
        raise Refused("tools: only functions")
    if set(function) != {"name", "description", "parameters"} or function["parameters"].get("type") != "object":
        raise Refused(f"tools: the function {function.get('name')} cannot be read")
