"""What the local Responses server answers: each helper describes one response, or one way to fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from actuators.actions import Action, to_dict

Item: TypeAlias = dict[str, Any]
Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """A response, and how its stream goes.

    Attributes:
        items: output items; ids are added where they are missing.
        end: how the response ends; `code` is the reason or the error code.
        delay: seconds before each event.
        stop_after: events after which `stop` happens; None: never.
        stop: `cut` closes the connection, `hang` says nothing for `seconds`, `ping` keeps the line alive meanwhile,
            `garbage` sends an event that is no JSON.
        endless: text goes on until the request's own limit, or for ever where `obedient` is false.
        plain: one JSON document in place of a stream.
        silent_end: the connection ends properly, but without the last event.
    """

    items: tuple[Item, ...] = ()
    end: Literal["completed", "incomplete", "failed"] = "completed"
    code: str = ""
    message: str = ""
    error: Mapping[str, Any] = field(default_factory=dict[str, Any])
    delay: float = 0.0
    stop_after: int | None = None
    stop: Literal["cut", "hang", "ping", "garbage"] = "cut"
    seconds: float = 0.0
    endless: bool = False
    obedient: bool = True
    plain: bool = False
    silent_end: bool = False
    service_tier: str = "default"


@dataclass(frozen=True)
class Raw:
    """Any HTTP answer. Status 0: the connection is reset without one."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    after: float = 0.0


Scripted: TypeAlias = Reply | Raw
Step: TypeAlias = Scripted | Callable[[Body], Scripted]
Script: TypeAlias = Sequence[Step] | Callable[[Body], Scripted]


def actions(
    *acts: Action | Item,
    text: str | None = None,
    reasoning: str | None = "Looking at the screen to see what is there.",
    checks: Sequence[Item] = (),
    single: bool = False,
    call_id: str | None = None,
) -> Reply:
    """A `computer_call` with a batch (`single`: with the one action of the older tool)."""
    batch = [act if isinstance(act, dict) else to_dict(act) for act in acts]
    call: Item = {"type": "computer_call", "status": "completed"}
    call |= {"action": batch[0]} if single else {"actions": batch}
    if call_id is not None:
        call["call_id"] = call_id
    if checks or single:  # newer responses leave out what is empty
        call["pending_safety_checks"] = list(checks)
    return Reply((*_thinking(reasoning), *_saying(text, "commentary"), call))


def function(
    name: str,
    arguments: Mapping[str, Any] | str,
    *,
    text: str | None = None,
    reasoning: str | None = None,
    call_id: str | None = None,
) -> Reply:
    """A `function_call`; arguments given as a string are sent as they are, valid JSON or not."""
    told = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call: Item = {"type": "function_call", "status": "completed", "name": name, "arguments": told}
    if call_id is not None:
        call["call_id"] = call_id
    return Reply((*_thinking(reasoning), *_saying(text, "commentary"), call))


def shell(*commands: str, timeout_ms: int | None = None, max_output_length: int | None = None) -> Reply:
    """A call of OpenAI's own shell."""
    asked: Item = {"commands": list(commands), "timeout_ms": timeout_ms, "max_output_length": max_output_length}
    return Reply(({"type": "shell_call", "status": "completed", "action": asked},))


def patch(kind: str, path: str, diff: str | None = None) -> Reply:
    """A call of OpenAI's own patch tool: `create_file`, `update_file`, `delete_file`."""
    asked: Item = {"type": kind, "path": path} | ({} if diff is None else {"diff": diff})
    return Reply(({"type": "apply_patch_call", "status": "completed", "operation": asked},))


def final(text: str, *, reasoning: str | None = None) -> Reply:
    """The last word."""
    return Reply((*_thinking(reasoning), *_saying(text, "final_answer")))


def commentary(text: str) -> Reply:
    """Words that are not the last ones, and nothing to do."""
    return Reply(_saying(text, "commentary"))


def raw(*items: Item) -> Reply:
    """Any output items; nothing is added but missing ids."""
    return Reply(items)


def together(*replies: Reply) -> Reply:
    """One response with the items of several."""
    return Reply(tuple(item for reply in replies for item in reply.items))


def slow(reply: Reply, delay: float = 0.1) -> Reply:
    """The same, with seconds before each event."""
    return replace(reply, delay=delay)


def plain(reply: Reply) -> Reply:
    """The same as one JSON document, as servers answer that cannot stream."""
    return replace(reply, plain=True)


def cut(after_events: int = 3, reply: Reply | None = None) -> Reply:
    """The connection dies in the middle of the stream."""
    return replace(reply or final("This will never arrive whole."), stop_after=after_events, stop="cut")


def unfinished(reply: Reply | None = None) -> Reply:
    """The stream ends in good order, but without its last event."""
    return replace(reply or final("And then"), silent_end=True)


def hang(seconds: float, after_events: int = 2, *, pings: bool = False, reply: Reply | None = None) -> Reply:
    """Nothing more comes for a while (`pings`: but the line is kept alive), then the rest does."""
    base = reply or final("Sorry for the wait.")
    return replace(base, stop_after=after_events, stop="ping" if pings else "hang", seconds=seconds)


def garbage(after_events: int = 3) -> Reply:
    """An event that is no JSON."""
    return replace(final("Never."), stop_after=after_events, stop="garbage")


def failed(code: str, message: str = "The server had an error.", **extra: Any) -> Reply:
    """The stream ends with `response.failed`."""
    return Reply(end="failed", code=code, message=message, error=extra)


def incomplete(reason: str, text: str = "I was about to") -> Reply:
    """The stream ends with `response.incomplete`."""
    return replace(final(text), end="incomplete", code=reason)


def endless_text(*, obedient: bool = True) -> Reply:
    """Text for ever: up to the request's `max_output_tokens`, or (not `obedient`) beyond it."""
    return Reply(_saying("", None), endless=True, obedient=obedient)


def http_error(
    status: int,
    code: str | None = None,
    message: str = "No.",
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Raw:
    """An HTTP error as OpenAI words it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code} | extra
    return Raw(status, json.dumps({"error": error}), headers=headers or {})


def html(status: int = 200) -> Raw:
    """A web page, as an address answers that is not the API's."""
    page = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>"
    return Raw(status, page, "text/html; charset=utf-8")


def silence(seconds: float) -> Raw:
    """Not even a status line for a while."""
    return Raw(500, "{}", after=seconds)


def reset() -> Raw:
    """The connection is closed without an answer."""
    return Raw(0, "")


HELPERS: dict[str, Callable[..., Scripted]] = {
    made.__name__: made
    for made in (
        actions, function, shell, patch, final, commentary, raw, cut, unfinished, hang, garbage, failed, incomplete,
        endless_text, http_error, html, silence, reset,
    )
}  # fmt: skip


def from_json(step: Mapping[str, Any]) -> Scripted:
    """One step of a script file: {"reply": "final", "args": ["Done."], "options": {}, "delay": 0.1}."""
    made = HELPERS[step["reply"]](*step.get("args", ()), **step.get("options", {}))
    return slow(made, step["delay"]) if "delay" in step and isinstance(made, Reply) else made


def _thinking(summary: str | None) -> tuple[Item, ...]:
    if summary is None:
        return ()
    return ({"type": "reasoning", "summary": [{"type": "summary_text", "text": summary}]},)


def _saying(text: str | None, phase: str | None) -> tuple[Item, ...]:
    if text is None:
        return ()
    part: Item = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message: Item = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return (message | ({"phase": phase} if phase else {}),)
