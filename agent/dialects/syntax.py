"""The notations that models write their calls in, each read into `Command`s. What these mean is said elsewhere.

calls   Action: click(start_box='(120,40)')          agent/dialects/written.py
tags    <tool_call>{"name": …}</tool_call>, or XML   agent/dialects/tagged.py
code    ```python … pyautogui.click(120, 40) … ```   agent/dialects/code.py
object  {"thought": …, "action": {…}}                here
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from agent.dialects.errors import Unreadable

MOST_COMMANDS = 200  # in one answer
LONGEST = 400_000  # characters of an answer that is looked at
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True)
class Command:
    """A call as it was written.

    Attributes:
        name: of the action or tool.
        arguments: by name; from XML all of them are texts.
        id: of a call in the server's own `tool_calls`, else "".
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str = ""


Names: TypeAlias = frozenset[str]
Reader: TypeAlias = Callable[[str, Names], list[Command]]
"""Reads the calls in a text: all that are there, or none; knows the names that there are.

Raises `Unreadable` where there is a call that is broken.
"""

HOLDERS = ("tool_call", "action", "actions", "calls", "tool_calls")
"""Keys of an object under which its calls stand."""
NAMES = ("tool_name", "name", "action", "type", "tool", "function")
"""Keys under which a call has its name."""
ARGUMENTS = ("arguments", "parameters", "args")


def read_objects(text: str, names: Names) -> list[Command]:
    """Calls in JSON objects that stand in a text, fenced or not."""
    found = [command for value in objects(text) for command in commands_of(value, names)]
    if not found and re.search(r"[{\[]\s*\"?\w+\"?\s*:", text):
        load(text[text.index("{") if "{" in text else 0 :])  # says what is wrong with it
        raise Unreadable('there is a JSON object in it, but none that names an action under "action" or "type"')
    return limited(found)


def objects(text: str) -> Iterator[Any]:
    """Every outermost JSON object or list of objects in a text."""
    at = failed = 0
    while failed < MOST_COMMANDS and (start := _opening(text, at)) >= 0:
        try:
            value, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            at, failed = start + 1, failed + 1
            continue
        yield value


_OPENING = re.compile(r"\{\s*\"|\[\s*\{")


def _opening(text: str, at: int) -> int:
    found = _OPENING.search(text, at, LONGEST)
    return found.start() if found else -1


def commands_of(value: Any, names: Names) -> list[Command]:
    """The calls in a JSON value, whichever way it wraps them."""
    if isinstance(value, list):
        return [command for each in cast("list[Any]", value) for command in commands_of(each, names)]
    if not isinstance(value, dict):
        return []
    told = cast("dict[str, Any]", value)
    keys = [key for key in NAMES if isinstance(told.get(key), str)]
    if known := [key for key in keys if told[key] in names]:
        return [_command(told, known[0])]
    for holder in HOLDERS:
        if isinstance(told.get(holder), dict | list):
            return commands_of(told[holder], names)
    return [_command(told, keys[0])] if keys else []


def _command(told: dict[str, Any], named: str) -> Command:
    """Arguments stand in an object of their own, or beside the name."""
    inner = next((told[key] for key in ARGUMENTS if key in told), None)
    if isinstance(inner, str) and inner.strip().startswith("{"):
        inner = load(inner)
    if isinstance(inner, dict):
        return Command(str(told[named]), cast("dict[str, Any]", inner))
    return Command(str(told[named]), {key: each for key, each in told.items() if key != named})


def load(text: str) -> Any:
    """JSON as models write it: line breaks in texts, commas too many, Python's quotes and words.

    Raises:
        Unreadable: it is none; says where.
    """
    stripped = text.strip()
    try:
        return _DECODER.decode(stripped)
    except json.JSONDecodeError as error:
        wrong = f"{error.msg} near {stripped[max(0, error.pos - 15) : error.pos + 15]!r}"
    except RecursionError:
        raise Unreadable("the JSON in it is broken: it is nested too deeply") from None
    for attempt in (_without_commas, ast.literal_eval):
        try:
            return attempt(stripped)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
    raise Unreadable(f"the JSON in it is broken: {wrong}")


def _without_commas(text: str) -> Any:
    return _DECODER.decode(re.sub(r",\s*([}\]])", r"\1", text))


def limited(commands: Sequence[Command]) -> list[Command]:
    """The commands, if they are not too many for one answer."""
    if len(commands) > MOST_COMMANDS:
        raise Unreadable(f"it has {len(commands)} calls; at most {MOST_COMMANDS} fit into one answer")
    return list(commands)
