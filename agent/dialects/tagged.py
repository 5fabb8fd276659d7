"""Calls between tags: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, or `<function=…>` with parameters."""

from __future__ import annotations

import re

from agent.dialects.errors import Unreadable
from agent.dialects.syntax import LONGEST, Command, Names, commands_of, limited, load, objects

_BLOCK = re.compile(r"<(?:\w+:)?tool_call>(.*?)(?:</(?:\w+:)?tool_call>|(?=<(?:\w+:)?tool_call>)|$)", re.DOTALL)
_FUNCTION = re.compile(r"<function=([\w.-]+)\s*>(.*?)(</function>|(?=<function=)|$)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([\w.-]+)\s*>(.*?)(?:</parameter>|(?=<parameter=)|$)", re.DOTALL)


def read_tagged(text: str, names: Names) -> list[Command]:
    """The calls in all blocks; without tags, what stands there as JSON or XML with a known name."""
    text = text[:LONGEST]
    blocks = _BLOCK.findall(text)
    if blocks:
        return limited([command for block in blocks for command in _block(block, names)])
    if _FUNCTION.search(text):
        return limited(_functions(text))
    if "tool_call" in text and "{" in text:
        raise Unreadable("the tags of the call are broken: it must stand between <tool_call> and </tool_call>")
    found = [command for value in objects(text) for command in commands_of(value, names)]
    return limited([command for command in found if command.name in names])


def _block(block: str, names: Names) -> list[Command]:
    if _FUNCTION.search(block):
        return _functions(block)
    inner = block.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not inner:
        raise Unreadable("there is nothing between <tool_call> and </tool_call>")
    lines = [line for line in inner.splitlines() if line.strip()]
    values = [load(line) for line in lines] if len(lines) > 1 and _all_objects(lines) else [load(_closed(inner))]
    found = [command for value in values for command in commands_of(value, names)]
    if not found:
        raise Unreadable('the object between <tool_call> and </tool_call> has no "name"')
    return found


def _all_objects(lines: list[str]) -> bool:
    return all(line.strip().startswith("{") and line.strip().endswith("}") for line in lines)


def _closed(text: str) -> str:
    """With the last brace or two that models forget, where nothing else is missing."""
    missing = text.count("{") - text.count("}")
    closed = text + "}" * missing
    if missing not in (1, 2):
        return text
    try:
        load(closed)
    except Unreadable:
        return text
    return closed


def _functions(block: str) -> list[Command]:
    found: list[Command] = []
    for name, inner, end in _FUNCTION.findall(block):
        if not end and "<parameter=" not in inner:
            raise Unreadable(f"the call of {name} is not whole: </function> is missing")
        found.append(Command(name, {key: _value(value) for key, value in _PARAMETER.findall(inner)}))
    return found


def _value(text: str) -> str:
    """One line break after the opening tag and before the closing one belong to the tags."""
    return text.removeprefix("\n").removesuffix("\n")
