"""The patterns of approval rules: regular expressions that no text can keep busy, put together of named words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

from agent.policy import Pattern

LONGEST_QUOTE = 100  # characters of a pattern


def joined(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The table of words, each as one pattern."""
    return {name: _either(patterns) for name, patterns in words.items()}


def _either(patterns: Iterable[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def pattern_of(key: str, written: Sequence[str] | None, words: Mapping[str, str]) -> Pattern | None:
    """Any of them, found anywhere, ready to be asked; None where there is none.

    Raises:
        ValueError: one is no regular expression, or names a word that is not there; says which.
    """
    if not written:
        return None
    patterns = [_with_words(key, one, words) for one in written]
    try:
        return _matcher(_either(patterns))
    except SchemaError:
        raise ValueError(f"`{key}`: {_culprit(patterns)}") from None


def _culprit(patterns: Sequence[str]) -> str:
    """Which of them is no regular expression, and why."""
    for pattern in (*patterns, _either(patterns)):
        try:
            _matcher(pattern)
        except SchemaError as error:
            reason = " ".join(str(error).rsplit("error:", 1)[-1].rsplit("SchemaError:", 1)[-1].split())
            shown = pattern if len(pattern) <= LONGEST_QUOTE else f"{pattern[:LONGEST_QUOTE]}…"
            return f"{shown!r} is no regular expression that can be used: {reason.rstrip('.')}"
    raise AssertionError("all of them can be compiled")


def _with_words(key: str, pattern: str, words: Mapping[str, str]) -> str:
    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise ValueError(f"`{key}` has {{{match[1]}}}; the words are {', '.join(sorted(words))}")
        return f"(?:{words[match[1]]})"

    return re.sub(r"(?<!\\[pP])\{([a-z_]+)\}", word, pattern)


@cache
def _matcher(pattern: str) -> Pattern:
    """pydantic's own engine takes time in proportion to the text, whatever the pattern: none can hang a session."""
    return SchemaValidator(
        core_schema.str_schema(pattern=f"(?i){pattern}", regex_engine="rust-regex")
    ).isinstance_python
