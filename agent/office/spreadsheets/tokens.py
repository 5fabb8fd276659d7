"""The pieces of a formula, every character of it in one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from agent.errors import ToolFault

Kind: TypeAlias = Literal["text", "gone", "error", "reference", "function", "structured", "name", "number", "other"]
LONGEST: Final = 65_536  # characters; programs take 8,192
_LETTER = r"[^\W\d]|[\\\u0080-\uffff]"
_MORE = r"[\w.\\?\u0080-\uffff]"
_WORD = rf"(?:{_LETTER}){_MORE}*+"
_SHEET = r"[\w.\u0080-\uffff]++"
_PREFIX = rf"(?:'(?:[^']|'')*+'|(?:\[[^\[\]]*+\])?+{_SHEET}(?::{_SHEET})?+)!"
_CELL = r"\$?[A-Za-z]{1,3}\$?[0-9]{1,7}"
_AREA = rf"(?:{_CELL}:{_CELL}|{_CELL}|\$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}|\$?[0-9]{{1,7}}:\$?[0-9]{{1,7}})"
_PIECE: Final = re.compile(
    r'(?P<text>"(?:[^"]|"")*+")'
    rf"|(?P<gone>(?:{_PREFIX})?+\#REF!)"
    r"|(?P<error>\#(?:N/A|NAME\?|GETTING_DATA|(?:DIV/0|NULL|VALUE|NUM|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY)!))"
    rf"|(?P<reference>(?:{_PREFIX})?+{_AREA}(?![\w.\\?!(\[\u0080-\uffff]))"
    rf"|(?P<function>(?:{_PREFIX})?+{_WORD}\()"
    rf"|(?P<structured>(?:{_WORD})?+\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*+\])*+\])"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<name>(?:{_PREFIX})?+{_WORD})"
    r"|(?P<other>\s+|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece: a reference to cells, the name of a function with its bracket, a part of a table, …"""

    text: str
    kind: Kind


@lru_cache(maxsize=20_000)
def tokens(formula: str) -> tuple[Token, ...]:
    """The pieces of a formula without its "="; joined they are the formula.

    Raises:
        ToolFault: it is none.
    """
    if len(formula) > LONGEST:
        raise ToolFault(f"A formula of {len(formula)} characters is too long. Nothing was changed.")
    found: list[Token] = []
    for match in _PIECE.finditer(formula):
        kind: Kind = match.lastgroup or "other"  # pyright: ignore[reportAssignmentType]  # a group of the pattern
        if kind == "other" and match[0] in "\"'[]":
            raise ToolFault(f"«={formula[:200]}» is no formula: a {match[0]} is not closed. Nothing was changed.")
        found.append(Token(match[0], kind))
    return tuple(found)
