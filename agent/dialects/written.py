"""Calls as functions are written: `Action: click(start_box='(120,40)')`, several under each other.

Texts are read as people would: a quote ends a text only where the call can go on or end after it, since models do not
always escape the quotes within.
"""

from __future__ import annotations

import re
from typing import Any

from agent.dialects.errors import Unreadable
from agent.dialects.syntax import LONGEST, Command, Names, limited, load

_BOX = re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|$)", re.DOTALL)
_MARKER = re.compile(r"^[ \t*#>-]*action[ \t*]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)
_FILLING = re.compile(r"(?:\s|[;,`*>-]|```\w*|\d+[.)]\s|action\s*:|<\|?/?\w+\|?>)*", re.IGNORECASE)
_OPEN = re.compile(r"([A-Za-z_][\w.-]*)\s*\(")
_KEYWORD = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*")
_BARE = re.compile(r"[^\s,()'\"\[\]{}]+")
_GOES_ON = re.compile(r"\s*,\s*(?:[A-Za-z_]\w*\s*=|['\"\[({\d-])")
_ENDS = re.compile(r"\s*,?\s*\)[ \t]*;?[ \t]*(?=$|\n|<|`|;|\*)")
_ESCAPE = re.compile(r"\\(?:([nrt'\"\\/])|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def read_written(text: str, names: Names) -> list[Command]:
    """The calls after `Action:`, in a box, or at the beginning of a line where they have known names."""
    text = text[:LONGEST]
    if boxes := _BOX.findall(text):
        return limited([command for box in boxes for command in read_calls(box)])
    if marker := _MARKER.search(text):
        return limited(read_calls(text[marker.end() :]))
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if known and (start := re.search(rf"^[ \t`*>-]*((?:{known})\s*\()", text, re.MULTILINE)):
        return limited(read_calls(text[start.start(1) :]))
    return []


def read_calls(text: str) -> list[Command]:
    """One call after the other; what comes after the last one, and is none, is left alone.

    Raises:
        Unreadable: the first is none, or one is broken.
    """
    commands: list[Command] = []
    at = _past(_FILLING, text, 0)
    while at < len(text):
        opening = _OPEN.match(text, at)
        if opening is None:
            if commands:
                break
            raise Unreadable(f"where an action is expected stands {text[at : at + 60]!r}")
        arguments, at = _arguments(text, opening.end(), opening[1])
        commands.append(Command(opening[1], arguments))
        at = _past(_FILLING, text, at)
    return commands


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _arguments(text: str, at: int, name: str) -> tuple[dict[str, Any], int]:
    """By name, or by number ("0", "1", …) where they have none; and where the call ends."""
    found: dict[str, Any] = {}
    while True:
        at = _past(re.compile(r"[\s,]*"), text, at)
        if text.startswith(")", at):
            return found, at + 1
        if at >= len(text):
            raise Unreadable(f"the call of {name} has no closing bracket")
        keyword = _KEYWORD.match(text, at)
        key = keyword[1] if keyword else str(len(found))
        found[key], after = _value(text, keyword.end() if keyword else at, name, key)
        if after == at:
            raise Unreadable(f"the call of {name} cannot be read from {text[at : at + 40]!r} on")
        at = after


def _value(text: str, at: int, name: str, key: str) -> tuple[Any, int]:
    first = text[at : at + 1]
    if first in ("'", '"'):
        return _text(text, at, name, key)
    if first in _CLOSING:
        end = _balanced(text, at, name, key)
        return _structure(text[at:end]), end
    if tag := re.match(r"<(\w+)>.*?</\1>", text[at : at + 200], re.DOTALL):
        return tag[0], at + tag.end()
    bare = _BARE.match(text, at)
    if bare is None:
        raise Unreadable(f"{key} of {name} has no value")
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "none": None}
    word = bare[0]
    return words.get(word.lower(), word), bare.end()


def _text(text: str, at: int, name: str, key: str) -> tuple[str, int]:
    quote = text[at : at + 3] if text[at : at + 3] in ("'''", '"""') else text[at]
    start = at + len(quote)
    close = start
    while (close := text.find(quote, close)) >= 0:
        after = close + len(quote)
        escaped = _backslashes(text, close) % 2 == 1
        if not escaped and (_GOES_ON.match(text, after) or _ENDS.match(text, after)):
            return unescaped(text[start:close]), after
        close += 1
    raise Unreadable(f"the text {key} of {name} has no end: the closing {quote} or the bracket is missing")


def _backslashes(text: str, before: int) -> int:
    count = 0
    while count < before and text[before - count - 1] == "\\":
        count += 1
    return count


def unescaped(text: str) -> str:
    """With what escapes stand for; backslashes that begin none stay."""

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return _ESCAPED.get(match[1], match[1])
        return chr(int(match[2] or match[3], 16))

    return _ESCAPE.sub(one, text)


def _balanced(text: str, at: int, name: str, key: str) -> int:
    """Where a list or object ends; brackets in texts do not count."""
    waiting: list[str] = []
    quote = ""
    index = at
    while index < len(text):
        character = text[index]
        if quote:
            if character == "\\":
                index += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in _CLOSING:
            waiting.append(_CLOSING[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
            if not waiting:
                return index + 1
        index += 1
    raise Unreadable(f"{key} of {name} has no end: {waiting[-1] if waiting else 'a quote'!r} is missing")


def _structure(text: str) -> Any:
    """JSON or Python's notation; a bracket with numbers only is a point, whatever kind of bracket it is."""
    try:
        return load(text)
    except Unreadable:
        if re.fullmatch(r"[\s\d.,()\[\]-]+", text):
            return text
        raise
