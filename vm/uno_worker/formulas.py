"""Values of cells in columns, and formulas that follow each other."""

from __future__ import annotations

import re
from typing import Any

_REFERENCE = re.compile(r"""\"[^"]*"|'[^']*'|(?<![A-Za-z0-9_])(\$?)([A-Z]{1,3})(\$?)(\d{1,7})(?![\w(.!])""")


def sort_of(value: Any) -> tuple[str, str]:
    """ "f", "n" or "b" of values that need more than to be written, and the number format."""
    match value:
        case ["n", _, code]:
            return "n", str(code)
        case ["f" | "b" as kind, _]:
            return kind, ""
        case _:
            return "", ""


def runs(kinds: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """First and last of neighbours that are the same."""
    starts = [at for at, kind in enumerate(kinds) if at == 0 or kind != kinds[at - 1]]
    return list(zip(starts, [start - 1 for start in starts[1:]] + [len(kinds) - 1], strict=True))


def shifted(formula: str, right: int, down: int) -> str:
    """A formula of another cell with its relative references moved along."""
    if not right and not down:
        return formula

    def move(match: re.Match[str]) -> str:
        if match[1] is None:  # a text, or the name of a sheet
            return match[0]
        fixed_column, column, fixed_row, row = match.groups()
        moved = column if fixed_column else _letters(_number(column) + right)
        return f"{fixed_column}{moved}{fixed_row}{row if fixed_row else int(row) + down}"

    return _REFERENCE.sub(move, formula)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    out = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out
