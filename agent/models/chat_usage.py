"""Tokens of a chat completion: as the server counts them, or an estimate, marked as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agent.conversation import Request
from agent.values import Usage
from agent.weight import CHARS_PER_TOKEN, tokens_of, tokens_of_text, tokens_of_words


def usage_of(told: Mapping[str, Any] | None, request: Request, written: int) -> Usage:
    """The usage of a response.

    Args:
        told: the server's `usage`, None where it has sent none.
        written: characters of the answer, thoughts included.
    """
    if not told or not isinstance(told.get("prompt_tokens"), int):
        return _estimated(request, written)
    into, out = _mapping(told.get("prompt_tokens_details")), _mapping(told.get("completion_tokens_details"))
    return Usage(
        input_tokens=_count(told.get("prompt_tokens")),
        cached_tokens=_count(into.get("cached_tokens")),
        output_tokens=_count(told.get("completion_tokens")),
        reasoning_tokens=_count(out.get("reasoning_tokens")),
    )


def _estimated(request: Request, written: int) -> Usage:
    fixed = tokens_of_text(request.instructions) + tokens_of_words(request.tools)
    return Usage(fixed + tokens_of(request.items), output_tokens=written // CHARS_PER_TOKEN, estimated=True)


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
