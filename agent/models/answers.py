"""A provider's response, as raw JSON, read into an `Answer`; nothing that is broken gets into the history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agent.conversation import Answer
from agent.models.failures import BadAnswer
from agent.models.pricing import Prices
from agent.values import Call, FunctionCall, SafetyCheck, ScreenCall, Usage, Word

ANSWERED = ("computer_call", "function_call", "shell_call", "apply_patch_call")  # the calls that Deskhand can answer


def read_answer(response: Mapping[str, Any], items: Sequence[Word], usage: Usage) -> Answer:
    """Read a completed response.

    Args:
        response: the provider's Response object.
        items: the items as streamed, in order; empty where the response came whole.

    Raises:
        BadAnswer: a call without an id or with somebody else's, a reasoning without what it belongs to, …
    """
    whole = response.get("output")
    listed = cast("list[Any]", whole) if isinstance(whole, list) else []
    # While streaming, the items that came one by one are the complete ones; their repetition need not be.
    output = _sound([*items] if len(items) >= len(listed) else listed, usage)
    calls = _calls(output, usage)
    return Answer(
        id=str(response.get("id") or ""),
        output=tuple(output),
        calls=tuple(calls),
        words="\n".join(text for item in output if (text := _words(item))),
        final=not calls and any(_is_last_word(item) for item in output),
        usage=usage,
    )


def read_usage(response: Mapping[str, Any], model: str, prices: Prices) -> Usage:
    """Tokens and cost of a response; an estimate of nothing where the provider does not say."""
    told = _mapping(response.get("usage"))
    if not told:
        return Usage(estimated=True)
    into, out = _mapping(told.get("input_tokens_details")), _mapping(told.get("output_tokens_details"))
    usage = Usage(
        input_tokens=_count(told.get("input_tokens")),
        cached_tokens=_count(into.get("cached_tokens")),
        cache_write_tokens=_count(into.get("cache_write_tokens")),
        output_tokens=_count(told.get("output_tokens")),
        reasoning_tokens=_count(out.get("reasoning_tokens")),
    )
    return prices.book(model, usage, str(response.get("service_tier") or ""))


def _sound(items: Sequence[Any], usage: Usage) -> list[Word]:
    """The items that can be sent back: reasoning at the very end would be refused for want of a follower."""
    for item in items:
        if not isinstance(_mapping(item).get("type"), str):
            raise BadAnswer("malformed answer: an item without a type", usage=usage)
    output: list[Word] = list(items)
    while output and output[-1]["type"] == "reasoning":
        output.pop()
    if items and not output:
        raise BadAnswer("malformed answer: reasoning and nothing else", usage=usage)
    return output


def _calls(output: Sequence[Word], usage: Usage) -> list[Call]:
    calls: list[Call] = []
    for item in output:
        kind: str = item["type"]
        if kind in ANSWERED:
            calls.append(_call(item, usage))
        elif kind.endswith("_call") and item.get("call_id"):
            raise BadAnswer(f"malformed answer: it calls {kind}, a tool that it was not given", usage=usage)
    ids = [call.id for call in calls]
    if len(set(ids)) < len(ids):
        raise BadAnswer("malformed answer: two calls with one id", usage=usage)
    return calls


def _call(item: Word, usage: Usage) -> Call:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise BadAnswer(f"malformed answer: a {item['type']} without an id", usage=usage)
    if item.get("status") == "incomplete":
        raise BadAnswer(f"malformed answer: call {call_id} is incomplete", usage=usage)
    try:
        return _read_call(item, call_id)
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"malformed answer: call {call_id}: {error!r}", usage=usage) from None


def _read_call(item: Word, call_id: str) -> Call:
    match item["type"]:
        case "computer_call":
            return ScreenCall(call_id, _actions(item), _checks(item))
        case "shell_call":
            action: Word = dict(item["action"])
            echo = {name: action[name] for name in ("max_output_length",) if action.get(name) is not None}
            return FunctionCall(call_id, "shell", json.dumps(action), "shell", echo or None)
        case "apply_patch_call":
            arguments = json.dumps({"operation": dict(item["operation"])})
            return FunctionCall(call_id, "apply_patch", arguments, "apply_patch")
        case _:
            return FunctionCall(call_id, str(item["name"]), str(item["arguments"]))


def _actions(item: Word) -> tuple[Word, ...]:
    """The batch, or the single action of the older tool; what each says is judged when its turn comes."""
    batch = item.get("actions")
    if batch is None:
        batch = [item["action"]] if item.get("action") is not None else []
    if not isinstance(batch, list):
        raise TypeError("actions that are no list")
    actions = cast("list[Any]", batch)
    if not all(isinstance(action, dict) for action in actions):
        raise TypeError("an action that is no object")
    return tuple(actions)


def _checks(item: Word) -> tuple[SafetyCheck, ...]:
    pending: list[Word] = item.get("pending_safety_checks") or []
    return tuple(
        SafetyCheck(str(check["id"]), str(check.get("code") or ""), str(check.get("message") or ""))
        for check in pending
    )


def _words(item: Word) -> str:
    """What a message says, a refusal included."""
    if item["type"] != "message" or not isinstance(item.get("content"), list):
        return ""
    parts = (_mapping(part) for part in item["content"])
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)


def _is_last_word(item: Word) -> bool:
    complete = item.get("status") in (None, "completed")
    return item["type"] == "message" and complete and item.get("phase") != "commentary"


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
