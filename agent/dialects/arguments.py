"""The arguments of commands, by any of the names that families give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from actuators.errors import InvalidAction
from actuators.keys import MODIFIERS, parse_chord
from agent.dialects.errors import Unreadable
from agent.dialects.points import numbers, point
from agent.dialects.syntax import Command

AT = ("coordinate", "coordinates", "start_box", "point", "position", "box", "bbox", "at", "x")
BARE = (*AT, "0")
FROM = ("start_coordinate", "start_box", "start_point", "start", "from", "start_x", "from_x", "x1")
TO = ("end_coordinate", "end_box", "end_point", "coordinate2", "end", "to", "destination", "end_x", "to_x", "x2")
TEXT = ("text", "content", "value", "message", "answer", "question", "words", "reason", "result", "query")
_KEYS = ("keys", "key", "hotkey", "press", "release", "combo", "text", "content", "0")
_AMOUNTS = ("pixels", "amount", "step", "steps", "notches", "clicks", "scroll_amount", "distance")
_OTHER_AXIS = {
    "x": "y",
    "start_x": "start_y",
    "from_x": "from_y",
    "x1": "y1",
    "end_x": "end_y",
    "to_x": "to_y",
    "x2": "y2",
}
_DIRECTIONS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_NOTCH = 120  # pixels, as in actuators.actions.Scroll
_NEAR = re.compile(r"^(?:keys\s*=\s*)?[\[(]?\s*['\"]?(.*?)['\"]?\s*[\])]?$", re.DOTALL)


def place(command: Command, names: Sequence[str]) -> tuple[float, float] | None:
    """The first point that is given under one of the names, in the model's units.

    Raises:
        Unreadable: what is given is no point.
    """
    for name in names:
        value = command.arguments.get(name)
        if value in (None, "", [], ()):
            continue
        other = _OTHER_AXIS.get(name)
        if other is None or command.arguments.get(other) is None:
            return point(value)
        return point([*numbers(value), *numbers(command.arguments[other])])
    return None


def text(command: Command) -> str | None:
    """What is to be typed or said."""
    for name in (*TEXT, "0"):
        value = command.arguments.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


def whole(command: Command, names: Sequence[str], otherwise: int) -> int:
    """A whole number."""
    value = next((command.arguments[name] for name in names if command.arguments.get(name) is not None), otherwise)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Unreadable(f"{names[0]} of {command.name} is {value!r}, which is no number") from None
    if not number.is_integer():
        raise Unreadable(f"{names[0]} of {command.name} is {number:g}; it must be a whole number")
    return int(number)


def is_so(command: Command, names: Sequence[str]) -> bool:
    """Whether one of these is said to be so."""
    return any(str(command.arguments.get(name, "")).lower() in ("true", "1", "yes") for name in names)


def chord(command: Command) -> tuple[str, ...]:
    """Keys that go down together: a list of them, or "ctrl c", "ctrl+c", "Ctrl-C".

    Raises:
        Unreadable: there are none, or one that does not exist.
    """
    keys = _keys(command)
    if not keys:
        raise Unreadable(f"{command.name} names no key")
    return _parsed(keys[0] if len(keys) == 1 else keys, command)


def sequence(command: Command) -> list[tuple[str, ...]]:
    """Keys that are pressed one after the other."""
    keys = _keys(command)
    if not keys:
        raise Unreadable(f"{command.name} names no key")
    return [_parsed(key, command) for key in keys]


def modifiers(command: Command) -> tuple[str, ...]:
    """Keys that are held during a click or scroll; Qwen says them as `text`."""
    for name in ("modifiers", "modifier", "keys", "key", "text"):
        value = command.arguments.get(name)
        if value in (None, "", []):
            continue
        found = _parsed(value, command)
        if other := [key for key in found if key not in MODIFIERS]:
            raise Unreadable(f"{command.name} cannot hold {other[0]!r}; only {', '.join(MODIFIERS)} can be held")
        return found
    return ()


def scrolled(command: Command, *, sideways: bool, notches: int, step: int) -> tuple[int, int]:
    """Pixels to the right and down.

    Args:
        sideways: an amount without a direction is to the right; else it is up, as wheels count.
        notches: amounts up to this are notches, larger ones pixels.
        step: notches where no amount is given.
    """
    exact = [command.arguments.get(name) for name in ("scroll_x", "scroll_y")]
    if any(value is not None for value in exact):
        across, down = (whole(Command(command.name, {"scroll": value or 0}), ("scroll",), 0) for value in exact)
        return across, down
    amount = next((command.arguments[name] for name in _AMOUNTS if command.arguments.get(name) is not None), None)
    direction = str(command.arguments.get("direction") or "").strip().lower()
    if direction and direction not in _DIRECTIONS:
        raise Unreadable(f"{command.name} has the direction {direction!r}; it must be up, down, left or right")
    if amount is None and not direction:
        raise Unreadable(f"{command.name} says neither a direction nor how far")
    pixels = step * _NOTCH if amount is None else _pixels(amount, notches, command)
    if direction:
        across, down = _DIRECTIONS[direction]
        return across * abs(pixels), down * abs(pixels)
    return (pixels, 0) if sideways else (0, -pixels)


def _pixels(amount: Any, notches: int, command: Command) -> int:
    try:
        [number] = numbers(amount)
    except (Unreadable, ValueError):
        raise Unreadable(f"{command.name} is by {amount!r}, which is no number") from None
    if not number:
        raise Unreadable(f"{command.name} is by nothing")
    return round(number * _NOTCH) if abs(number) <= notches else round(number)


def _keys(command: Command) -> list[str]:
    value = next((command.arguments[name] for name in _KEYS if command.arguments.get(name) not in (None, "", [])), None)
    if isinstance(value, list | tuple):
        return [_clean(str(key)) for key in cast("Sequence[object]", value)]
    return [] if value is None else _split(str(value))


def _split(told: str) -> list[str]:
    """One text; a list that was written as one is a list."""
    if re.fullmatch(r"\s*\[.*\]\s*", told, re.DOTALL) and len(told.strip()) > 2:
        return [_clean(part) for part in told.strip()[1:-1].split(",")]
    return [told]


def _clean(key: str) -> str:
    """Without the remains of a list's notation; a key that is itself a bracket or a quote stays."""
    if len(key.strip()) <= 1:
        return key
    found = _NEAR.match(key.strip())
    return found[1] if found and found[1] else key


def _parsed(keys: str | Sequence[str], command: Command) -> tuple[str, ...]:
    try:
        return parse_chord(keys)
    except InvalidAction as error:
        raise Unreadable(f"{command.name}: {error}") from None
    except (TypeError, AttributeError):
        raise Unreadable(f"{command.name}: {keys!r} are no keys") from None
