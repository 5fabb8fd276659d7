"""Arguments of tools, made to fit what the tools say they take, as far as that costs no guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agent.dialects.errors import Unreadable
from agent.dialects.syntax import load
from agent.values import Word


def arguments_for(tool: Word, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call: texts that must be something else are read, what may be null and is missing is null.

    Raises:
        Unreadable: one cannot be read.
    """
    properties = cast("dict[str, Word]", tool.get("parameters", {}).get("properties", {}))
    if list(given) == ["0"] and len(properties) == 1:
        given = {next(iter(properties)): given["0"]}
    read = {name: _read(name, value, properties.get(name, {})) for name, value in given.items()}
    missing = {name: None for name, schema in properties.items() if name not in read and "null" in kinds(schema)}
    return read | missing


def kinds(schema: Word) -> frozenset[str]:
    """The JSON types that a schema allows; empty for any."""
    own = schema.get("type")
    listed = cast("list[str]", own) if isinstance(own, list) else [own] if isinstance(own, str) else []
    inner = [kind for each in cast("list[Word]", schema.get("anyOf", [])) for kind in kinds(each)]
    return frozenset([*listed, *inner])


def _read(name: str, value: Any, schema: Word) -> Any:
    allowed = kinds(schema)
    if not isinstance(value, str) or not allowed:
        return value
    if "null" in allowed and value.strip() in ("null", "None"):
        return None
    if "string" in allowed:
        return value
    try:
        return load(value)
    except Unreadable as error:
        raise Unreadable(f"{name} must be {' or '.join(sorted(allowed))}: {error}") from None
