"""A server asks the user something: each field of its form is one question, in its words and under its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import mcp_types

from agent.errors import ToolFault
from agent.events import QuestionAsked
from agent.tools.base import Context

MOST_FIELDS = 8
LONGEST = 1_500  # characters of a question
MOST_CHOICES = 20
TRIES = 2  # for an answer that fits
DECLINE, SKIP = "Decline", "Leave out"
_SECRET = re.compile(r"pass(word|wort|phrase|code)|secret|token|api.?key|credential|\bpin\b|cvv|cvc", re.IGNORECASE)

Value: TypeAlias = str | int | float | bool | list[str]


class _Declined(Exception):
    """The user does not want to answer."""


async def answer_of(
    params: mcp_types.ElicitRequestParams, server: str, context: Context, number: int
) -> mcp_types.ElicitResult:
    """Ask the user, and give the answer as the server wants it.

    Args:
        number: of this request among those of the call; keeps the questions' ids apart.

    Raises:
        Stop: nobody answered in time, or the user stopped the session.
    """
    try:
        if isinstance(params, mcp_types.ElicitRequestURLParams):
            return await _visited(params, server, context, number)
        fields = _fields(params.requested_schema)
        if fields is None:
            return mcp_types.ElicitResult(action="decline")
        content = await _filled_in(fields, params, server, context, number)
        return mcp_types.ElicitResult(action="accept", content=content)
    except _Declined:
        return mcp_types.ElicitResult(action="decline")
    except ToolFault:  # the user said something else to the session
        return mcp_types.ElicitResult(action="cancel")


def _fields(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]] | None:
    """The fields of a form; None where it has none, too many, or one for a secret, which are never asked for."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not 0 < len(cast("dict[str, Any]", properties)) <= MOST_FIELDS:
        return None
    fields = cast("dict[str, Any]", properties)
    if not all(isinstance(field, dict) for field in fields.values()):
        return None
    if any(_SECRET.search(f"{name} {field.get('title', '')}") for name, field in fields.items()):
        return None
    return fields


async def _filled_in(
    fields: Mapping[str, Mapping[str, Any]],
    params: mcp_types.ElicitRequestFormParams,
    server: str,
    context: Context,
    number: int,
) -> dict[str, Any]:
    raw: object = params.requested_schema.get("required")
    required = cast("list[object]", raw) if isinstance(raw, list) else []
    content: dict[str, Any] = {}
    for place, (name, field) in enumerate(fields.items()):
        label = str(field.get("title") or name)
        about = f" ({field['description']})" if field.get("description") else ""
        text = f"The MCP server “{server}” asks: {params.message}"
        if len(fields) > 1 or label.casefold() not in params.message.casefold():
            text += f" – {label}{about}"
        identity = f"{context.call}-mcp{number}-{place}"
        value = await _value(field, _cut(text), identity, context, optional=name not in required)
        if value is not None:
            content[name] = value
    return content


async def _value(
    field: Mapping[str, Any], text: str, identity: str, context: Context, *, optional: bool
) -> Value | None:
    wrong = ""
    for attempt in range(TRIES):
        extra = (SKIP, DECLINE) if optional else (DECLINE,)
        choices = (*_choices(field), *extra)
        answer = await _ask(f"{wrong}{text}", choices, f"{identity}-{attempt}", context)
        if optional and answer.casefold() == SKIP.casefold():
            return None
        try:
            return _read(field, answer)
        except ValueError as error:
            wrong = f"“{_cut(answer, 60)}” {error}. "
    raise _Declined


async def _visited(
    params: mcp_types.ElicitRequestURLParams, server: str, context: Context, number: int
) -> mcp_types.ElicitResult:
    text = _cut(
        f"The MCP server “{server}” asks you to open this address in your own browser: {params.url} – {params.message}"
    )
    answer = await _ask(text, ("Done", DECLINE), f"{context.call}-mcp{number}", context)
    return mcp_types.ElicitResult(action="accept" if answer.casefold() == "done" else "decline")


async def _ask(text: str, choices: tuple[str, ...], identity: str, context: Context) -> str:
    context.recorder.record(QuestionAsked(identity, context.call, text, choices))
    answer = (await context.user.answer_to(identity, context.patience)).strip()
    if answer.casefold() in (DECLINE.casefold(), "no answer", ""):
        raise _Declined
    return answer


def _choices(field: Mapping[str, Any]) -> tuple[str, ...]:
    if field.get("type") == "boolean":
        return ("Yes", "No")
    options = list(_options(field))
    return tuple(options) if len(options) <= MOST_CHOICES else ()


def _options(field: Mapping[str, Any]) -> dict[str, str]:
    """What may be chosen, as people read it, with the value that stands for it."""
    for key in ("oneOf", "anyOf"):
        if isinstance(field.get(key), list):
            pairs = [cast("dict[str, Any]", one) for one in field[key] if isinstance(one, dict)]
            return {str(one.get("title", one["const"])): str(one["const"]) for one in pairs if "const" in one}
    values: object = field.get("enum")
    if not isinstance(values, list):
        return {}
    told = [str(value) for value in cast("list[object]", values)]
    names: object = field.get("enumNames")
    shown = [str(name) for name in cast("list[object]", names)] if isinstance(names, list) else told
    return dict(zip(shown if len(shown) == len(told) else told, told, strict=True))


def _read(field: Mapping[str, Any], answer: str) -> Value:
    """An answer as a field wants it; raises ValueError, saying what is wrong."""
    match field.get("type"):
        case "boolean":
            return _read_boolean(answer)
        case "integer" | "number" as kind:
            return _read_number(answer, kind, field)
        case "array":
            items: object = field.get("items")
            options = _options(cast("dict[str, Any]", items) if isinstance(items, dict) else {})
            return [_one_of(options, part.strip()) for part in answer.split(",") if part.strip()]
        case _:
            options = _options(field)
            most: object = field.get("maxLength")
            if isinstance(most, int) and len(answer) > most:
                raise ValueError(f"is longer than {most} characters")
            return _one_of(options, answer) if options else answer


def _read_boolean(answer: str) -> bool:
    if answer.casefold() not in ("yes", "y", "true", "no", "n", "false"):
        raise ValueError("is neither yes nor no")
    return answer.casefold() in ("yes", "y", "true")


def _read_number(answer: str, kind: str, field: Mapping[str, Any]) -> int | float:
    try:
        value = int(answer) if kind == "integer" else float(answer)
    except ValueError:
        raise ValueError(f"is no {'whole number' if kind == 'integer' else 'number'}") from None
    least, most = field.get("minimum"), field.get("maximum")
    if (isinstance(least, int | float) and value < least) or (isinstance(most, int | float) and value > most):
        raise ValueError(f"is not between {least} and {most}")
    return value


def _one_of(options: Mapping[str, str], answer: str) -> str:
    known = {name.casefold(): value for name, value in options.items()}
    known |= {value.casefold(): value for value in options.values()}
    if options and answer.casefold() not in known:
        raise ValueError(f"is none of {', '.join(options)}")
    return known.get(answer.casefold(), answer)


def _cut(text: str, most: int = LONGEST) -> str:
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"
