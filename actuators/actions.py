"""The closed union of actions: everything that hands can do, and the only list of it.

Field names and the `type` words are those of OpenAI's `computer` tool, so that a journal reads like the protocol.
Coordinates are pixels of the screenshot that the action was decided on; `located` maps them to another space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Literal, TypeAlias, assert_never, cast, get_args

from actuators.errors import InvalidAction
from actuators.keys import parse_chord

Button: TypeAlias = Literal["left", "right", "wheel", "back", "forward"]
MAX_TEXT = 1_000_000  # characters in one `type`
MAX_SCROLL = 100_000  # pixels in one `scroll`
MAX_FLOAT = 2.0**53  # beyond, floats leave out whole numbers


@dataclass(frozen=True, slots=True)
class Point:
    """A pixel. Which space it lives in is said by whoever holds it."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Click:
    """Press and release `button` at (x, y), with `keys` held."""

    x: int
    y: int
    button: Button = "left"
    keys: tuple[str, ...] = ()
    type: Literal["click"] = "click"


@dataclass(frozen=True, slots=True)
class DoubleClick:
    """Two left clicks, close enough in time to count as one gesture."""

    x: int
    y: int
    keys: tuple[str, ...] = ()
    type: Literal["double_click"] = "double_click"


@dataclass(frozen=True, slots=True)
class TripleClick:
    """Three left clicks: a line or a paragraph in most programs."""

    x: int
    y: int
    keys: tuple[str, ...] = ()
    type: Literal["triple_click"] = "triple_click"


@dataclass(frozen=True, slots=True)
class Move:
    """Move the pointer without pressing anything."""

    x: int
    y: int
    keys: tuple[str, ...] = ()
    type: Literal["move"] = "move"


@dataclass(frozen=True, slots=True)
class Drag:
    """Press the left button at the first point, follow the path, release at the last."""

    path: tuple[Point, ...]
    keys: tuple[str, ...] = ()
    type: Literal["drag"] = "drag"


@dataclass(frozen=True, slots=True)
class Scroll:
    """Scroll at (x, y) by pixels: positive `scroll_y` moves on down the page, positive `scroll_x` to the right.

    What is turned is a wheel, one notch for each 120 pixels, and what a notch moves is the program's own choice: 120
    pixels in Chromium, three lines in Qt (42 pixels) and LibreOffice, 63 pixels in a GTK 3 view of 500 (its height to
    the power of 2/3). X11 lets nobody inject a touchpad's smooth scrolling. Less than a notch adds up at one point.
    """

    x: int
    y: int
    scroll_x: int = 0
    scroll_y: int = 0
    keys: tuple[str, ...] = ()
    type: Literal["scroll"] = "scroll"


@dataclass(frozen=True, slots=True)
class Keypress:
    """One chord: the keys go down in order and come up in reverse."""

    keys: tuple[str, ...]
    type: Literal["keypress"] = "keypress"


@dataclass(frozen=True, slots=True)
class Type:
    """Enter text exactly as given; a newline is Enter and a tab is Tab."""

    text: str
    type: Literal["type"] = "type"


@dataclass(frozen=True, slots=True)
class Wait:
    """Let the computer work for a moment, until something changes or the cap is reached."""

    type: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class TakeScreenshot:
    """Look, without touching anything."""

    type: Literal["screenshot"] = "screenshot"


Action: TypeAlias = Click | DoubleClick | TripleClick | Move | Drag | Scroll | Keypress | Type | Wait | TakeScreenshot
ACTION_CLASSES: tuple[type[Action], ...] = get_args(Action)
ACTION_TYPES: tuple[str, ...] = tuple(cls.__dataclass_fields__["type"].default for cls in ACTION_CLASSES)


def parse_action(raw: Mapping[str, Any]) -> Action:
    """Read an action as a model writes it.

    Raises:
        InvalidAction: with one line for the model, saying what is wrong and what would be right.
    """
    kind = raw.get("type")
    if kind not in ACTION_TYPES:
        raise InvalidAction(f"unknown action type {kind!r}; the types are {', '.join(ACTION_TYPES)}")
    action = _decoded(ACTION_CLASSES[ACTION_TYPES.index(kind)], _normalised(raw))
    check(action)
    return action


def check(action: Action) -> None:
    """Raise `InvalidAction` for what the types alone cannot rule out."""
    match action:
        case Drag(path=path) if len(path) < 2:
            raise InvalidAction(f"a drag needs a path of two points or more, this one has {len(path)}")
        case Keypress(keys=()):
            raise InvalidAction("a keypress needs at least one key")
        case Type(text=text) if len(text) > MAX_TEXT:
            raise InvalidAction(f"text of {len(text)} characters; at most {MAX_TEXT} can be typed at once")
        case Scroll(scroll_x=dx, scroll_y=dy) if max(abs(dx), abs(dy)) > MAX_SCROLL:
            raise InvalidAction(f"a scroll of more than {MAX_SCROLL} pixels")
        case _:
            pass
    if keys := getattr(action, "keys", ()):
        parse_chord(keys)


def to_dict(action: Action) -> dict[str, Any]:
    """The action as JSON-ready data, defaults left out; `parse_action` reads it back."""
    data = asdict(action)
    for name in ("keys", "path"):  # as JSON has them, so that what is read back is equal
        if name in data:
            data[name] = list(data[name])
    if not data.get("keys", True):
        del data["keys"]
    return {"type": data.pop("type")} | data


def located(action: Action, place: Callable[[int, int], Point]) -> Action:
    """The same action with every point passed through `place` (image pixels to screen units)."""
    match action:
        case Click() | DoubleClick() | TripleClick() | Move() | Scroll():
            point = place(action.x, action.y)
            return replace(action, x=point.x, y=point.y)
        case Drag():
            return Drag(tuple(place(step.x, step.y) for step in action.path), action.keys)
        case Keypress() | Type() | Wait() | TakeScreenshot():
            return action
        case _:
            assert_never(action)


def describe(action: Action) -> str:
    """A short line for people: "click (120, 40)"."""
    match action:
        case Click():
            button = "" if action.button == "left" else f"{action.button} "
            return f"{_held(action.keys)}{button}click ({action.x}, {action.y})"
        case DoubleClick() | TripleClick():
            return f"{_held(action.keys)}{action.type.replace('_', ' ')} ({action.x}, {action.y})"
        case Move():
            return f"move to ({action.x}, {action.y})"
        case Drag():
            first, last = action.path[0], action.path[-1]
            return f"{_held(action.keys)}drag ({first.x}, {first.y}) to ({last.x}, {last.y})"
        case Scroll():
            return f"scroll ({action.scroll_x}, {action.scroll_y}) at ({action.x}, {action.y})"
        case Keypress():
            return f"press {'+'.join(action.keys)}"
        case Type():
            text = action.text if len(action.text) <= 60 else action.text[:59] + "…"
            return f"type {text!r}"
        case Wait() | TakeScreenshot():
            return action.type
        case _:
            assert_never(action)


def kind_of(action: Action) -> str:
    """What the eyes learn the pace of: "click", "type", "keypress ctrl s", …"""
    match action:
        case Keypress():
            return " ".join((action.type, *action.keys))
        case Click():
            return f"{action.button} {action.type}"
        case _:
            return action.type


def target_of(action: Action) -> Point | None:
    """Where the pointer acts first; None for what has no place."""
    match action:
        case Click() | DoubleClick() | TripleClick() | Move() | Scroll():
            return Point(action.x, action.y)
        case Drag():
            return action.path[0]
        case Keypress() | Type() | Wait() | TakeScreenshot():
            return None
        case _:
            assert_never(action)


def _held(keys: tuple[str, ...]) -> str:
    return "+".join(keys) + "+" if keys else ""


def _normalised(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Forgive what costs nothing: `keys: null`, path points written as pairs, "middle" for the wheel."""
    data = {key: value for key, value in raw.items() if value is not None}
    if data.get("button") == "middle":
        data["button"] = "wheel"
    if isinstance(path := data.get("path"), list | tuple):
        data["path"] = [_as_point(step) for step in cast("list[Any]", path)]
    return data


def _as_point(step: Any) -> Any:
    match step:
        case [x, y]:
            return {"x": x, "y": y}
        case _:
            return step


# Values -----------------------------------------------------------------------------------------------------------


def _decoded(kind: type[Action], data: Mapping[str, Any]) -> Action:
    """The action of these values, read by the types of its fields; what it has no field for is left out."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in data and field.name != "type":
            values[field.name] = _READERS[str(field.type)](data[field.name], f"bad {data['type']} action: {field.name}")
        elif field.default is MISSING:
            raise InvalidAction(f"bad {data['type']} action: {field.name}: Field required")
    return kind(**values)


def _integer(value: Any, where: str) -> int:
    match value:
        case int():
            return int(value)
        case float() if value.is_integer() and abs(value) < MAX_FLOAT:
            return int(value)
        case str() if _INTEGER.fullmatch(value.strip()):
            return int(value.strip().partition(".")[0])
        case _:
            raise InvalidAction(f"{where}: Input should be a valid integer")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidAction(f"{where}: Input should be a valid string")
    return value


def _button(value: Any, where: str) -> Button:
    if value not in _BUTTONS:
        raise InvalidAction(f"{where}: Input should be one of {', '.join(_BUTTONS)}")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{where}.{index}") for index, item in enumerate(_items(value, where)))


def _points(value: Any, where: str) -> tuple[Point, ...]:
    return tuple(_point(item, f"{where}.{index}") for index, item in enumerate(_items(value, where)))


def _point(value: Any, where: str) -> Point:
    if not isinstance(value, Mapping):
        raise InvalidAction(f'{where}: Input should be a point, like {{"x": 10, "y": 20}} or [10, 20]')
    point = cast("Mapping[str, Any]", value)
    if missing := [axis for axis in ("x", "y") if axis not in point]:
        raise InvalidAction(f"{where}.{missing[0]}: Field required")
    return Point(*(_integer(point[axis], f"{where}.{axis}") for axis in ("x", "y")))


def _items(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidAction(f"{where}: Input should be a list")
    return cast("Sequence[Any]", value)


_INTEGER = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*(?:\.0+)?")
_BUTTONS: tuple[Button, ...] = get_args(Button)
_READERS: dict[str, Callable[[Any, str], Any]] = {
    "int": _integer,
    "str": _text,
    "Button": _button,
    "tuple[str, ...]": _texts,
    "tuple[Point, ...]": _points,
}
"""By what the fields of the actions are declared as."""
