"""Calls in pyautogui code. It is parsed and read call by call; nothing of it is ever run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent.dialects.errors import Unreadable
from agent.dialects.syntax import LONGEST, Command, Names, limited
from agent.dialects.written import read_calls

_FENCE = re.compile(r"```[ \t]*(?:python|code|py)?[ \t]*\n?(.*?)(?:```|$)", re.DOTALL | re.IGNORECASE)
_HEADED = re.compile(r"^#+[ \t]*code[ \t]*:?[ \t]*\n(.*)", re.DOTALL | re.IGNORECASE | re.MULTILINE)
_BEGINNING = re.compile(r"^[ \t]*(?:pyautogui|computer|tools)\.\w+\(", re.MULTILINE)
MOST_ROUNDS = 50  # of a loop that is written out
POSITIONS: Mapping[str, tuple[str, ...]] = {
    "click": ("x", "y", "clicks", "interval", "button"),
    "leftClick": ("x", "y"),
    "rightClick": ("x", "y"),
    "middleClick": ("x", "y"),
    "doubleClick": ("x", "y"),
    "tripleClick": ("x", "y"),
    "triple_click": ("x", "y"),
    "moveTo": ("x", "y"),
    "dragTo": ("x", "y", "duration", "button"),
    "mouseDown": ("x", "y", "button"),
    "mouseUp": ("x", "y", "button"),
    "scroll": ("amount", "x", "y"),
    "vscroll": ("amount", "x", "y"),
    "hscroll": ("amount", "x", "y"),
    "write": ("text",),
    "typewrite": ("text",),
    "press": ("keys", "presses"),
    "keyDown": ("keys",),
    "keyUp": ("keys",),
    "sleep": ("seconds",),
    "terminate": ("status", "answer"),
}
"""What the arguments without a name are."""
RENAMED = {"message": "text", "key": "keys", "clicks": "clicks", "dx": "x", "dy": "y"}


def read_code(text: str, names: Names) -> list[Command]:
    """The calls of the code blocks, or below a `## Code` heading, or of bare lines of pyautogui."""
    text = text[:LONGEST]
    blocks = [block for block in _FENCE.findall(text) if _BEGINNING.search(block)]
    if not blocks and (headed := _HEADED.search(text)):
        blocks = [headed[1]]
    if not blocks and (bare := _BEGINNING.search(text)):
        blocks = [text[bare.start() :]]
    return limited([command for block in blocks for command in _block(block.strip())])


def _block(source: str) -> list[Command]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = "\n".join(line for line in source.splitlines() if not re.match(r"\s*(import|from)\s", line))
        return [_named(command.name, command.arguments) for command in read_calls(lines)]
    return [command for statement in tree.body for command in _statement(statement)]


def _statement(statement: ast.stmt) -> Iterator[Command]:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Expr(value=ast.Call() as call):
            yield _call(call)
        case ast.With(items=[ast.withitem(context_expr=ast.Call() as call)], body=body) if _name(call) == "hold":
            keys = _call(call).arguments.get("0", "")
            yield Command("keyDown", {"keys": keys})
            for inner in body:
                yield from _statement(inner)
            yield Command("keyUp", {"keys": keys})
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as rounds)]), body=body):
            if not 0 <= rounds <= MOST_ROUNDS:
                raise Unreadable(f"a loop of {rounds} rounds; at most {MOST_ROUNDS} can be written out")
            commands = [command for inner in body for command in _statement(inner)]
            yield from (command for _ in range(rounds) for command in commands)
        case _:
            told = ast.unparse(statement).partition("\n")[0][:60]
            raise Unreadable(f"only calls can be carried out, and this is none: {told}")


def _call(call: ast.Call) -> Command:
    arguments = {str(index): _literal(value) for index, value in enumerate(call.args)}
    arguments |= {keyword.arg: _literal(keyword.value) for keyword in call.keywords if keyword.arg}
    return _named(_name(call), arguments)


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            raise Unreadable(f"{ast.unparse(call)[:60]} is no call of a function by its name")


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    match value:
        case ast.Name(id="true" | "false" | "null" as word):
            return {"true": True, "false": False}.get(word)
        case ast.Starred() | ast.Name() | _:
            raise Unreadable(f"{ast.unparse(value)[:60]} must be written out: nothing is computed here")


def _named(name: str, arguments: Mapping[str, Any]) -> Command:
    """Arguments by their names; keys of a hotkey become one list."""
    short = name.rpartition(".")[2]
    if short == "hotkey":
        keys = [value for key, value in arguments.items() if key.isdigit()] or [arguments.get("keys", [])]
        return Command(short, {"keys": _flat(keys)})
    positions = POSITIONS.get(short, ())
    named: dict[str, Any] = {}
    for key, value in arguments.items():
        if key.isdigit() and int(key) < len(positions):
            named[positions[int(key)]] = value
        else:
            named[RENAMED.get(key, key)] = value
    return Command(short, _unpacked(named))


def _unpacked(named: dict[str, Any]) -> dict[str, Any]:
    """`click((10, 20))` is `click(10, 20)`."""
    match named:
        case {"x": [x, y] | (x, y)} if "y" not in named:
            return named | {"x": x, "y": y}
        case {"x": (x, y)} if "y" not in named:
            return named | {"x": x, "y": y}
        case _:
            return named


def _flat(keys: list[Any]) -> list[Any]:
    return [inner for key in keys for inner in (key if isinstance(key, list | tuple) else [key])]  # pyright: ignore
