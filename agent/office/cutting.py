"""Replies that are too long: cut after a whole line, with where to read on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

LONGEST = 20_000  # characters of a reply


def cut(lines: Sequence[str], counted: str, told: Callable[[int], str]) -> str:
    """The lines as one text.

    Args:
        counted: a pattern of lines that begin something; its group is the number of that.
        told: what is said of a cut, given the last number that is there.
    """
    text = "\n".join(lines)
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rsplit("\n", 1)[0]
    last = (re.findall(counted, kept, re.MULTILINE) or ["1"])[-1]
    return f"{kept}\n… {told(int(last))}"
