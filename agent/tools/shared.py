"""Schemas in fewer words: what stands in one several times is said once, under `$defs`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]
DEFINITIONS = "$defs"
REFERENCE = "$ref"
_PREFIX = f"#/{DEFINITIONS}/"
_WORTH = 10  # characters that a definition must save


def shared(properties: Mapping[str, Schema]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Arguments as they are, but with references to definitions where that is shorter; and the definitions.

    A definition has the name of the property that it is mostly used for. The arguments themselves are no references,
    and nothing stands beside one, as strict functions want it.
    """
    told, definitions = dict(properties), dict[str, Schema]()
    while found := _dearest([*told.values(), *definitions.values()]):
        text, name = found
        while name in definitions:
            name += "_"
        told = {each: _referring(inner, text, name) for each, inner in told.items()}
        definitions = {each: _referring(inner, text, name) for each, inner in definitions.items()}
        definitions[name] = json.loads(text)
    return told, dict(sorted(definitions.items()))


def named(schema: Mapping[str, Any]) -> str:
    """The definition that a schema refers to, or ""."""
    return str(schema.get(REFERENCE, "")).removeprefix(_PREFIX)


def _dearest(roots: list[Schema]) -> tuple[str, str] | None:
    """The schema whose repetition costs most, as JSON, and a name for it; None if none is worth a definition."""
    uses: dict[str, list[str]] = {}
    for root in roots:
        for name, inner in _inner(root, ""):
            uses.setdefault(_text(inner), []).append(name)
    best: tuple[int, str, str] = (_WORTH, "", "")
    for text, names in uses.items():
        name = Counter(names).most_common(1)[0][0]
        reference = len(_text(_reference(name)))
        saved = (len(names) - 1) * len(text) - len(names) * reference - len(name) - 4
        best = max(best, (saved, text, name))
    return (best[1], best[2]) if best[1] else None


def _inner(schema: Schema, name: str) -> Iterator[tuple[str, Schema]]:
    """Every schema below one, with the name of the property that it belongs to."""
    below = [(each, inner) for each, inner in schema.get("properties", {}).items()]
    below += [(name, inner) for inner in schema.get("anyOf", ())]
    below += [(name, schema["items"])] if "items" in schema else []
    for each, inner in below:
        if REFERENCE not in inner:
            yield each, inner
            yield from _inner(inner, each)


def _referring(schema: Schema, text: str, name: str) -> Schema:
    """The schema with a reference in place of each below it that has this text."""

    def of(inner: Schema) -> Schema:
        return _reference(name) if _text(inner) == text else _referring(inner, text, name)

    out = dict(schema)
    if "properties" in schema:
        out["properties"] = {each: of(inner) for each, inner in schema["properties"].items()}
    if "anyOf" in schema:
        out["anyOf"] = [of(inner) for inner in schema["anyOf"]]
    if "items" in schema:
        out["items"] = of(schema["items"])
    return out


def _reference(name: str) -> Schema:
    return {REFERENCE: f"{_PREFIX}{name}"}


def _text(schema: Schema) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
