"""Checking the JSON Schema that a stranger's tool tells, and arguments against it, in bounded time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

MOST_BYTES = 24_000  # of one schema as JSON
DEEPEST = 40  # levels
MOST_PLACES = 20_000  # that it unfolds to when every reference is written out
MOST_FOLLOWED = 5_000  # references in one check
_SAME_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref"})
_WITHIN = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_UNSURE = frozenset({"pattern", "patternProperties", "$dynamicRef", "$recursiveRef"})


class BadSchema(Exception):
    """A schema that cannot be used; the message says why."""


def checked(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of arguments that a model can be offered.

    Raises:
        BadSchema: it is none, too large, or loops.
    """
    try:
        size = len(json.dumps(schema))
    except (ValueError, RecursionError):
        raise BadSchema("its schema is no JSON") from None
    if size > MOST_BYTES:
        raise BadSchema(f"its schema has {size} bytes, and at most {MOST_BYTES} fit")
    if schema.get("type", "object") != "object":
        raise BadSchema(f"its schema is of type {str(schema.get('type'))[:40]!r}, and arguments are an object")
    told: dict[str, Any] = {"type": "object", "properties": dict[str, Any]()} | dict(schema)
    _check_places(told)
    _check_meaning(told)
    return told


def fault_in(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with arguments, in one line; "" where nothing is found. The schema must be `checked`.

    Where checking does not come to an end in time, nothing is: the server will look at them as well.
    """
    from jsonschema import exceptions

    library: Any = exceptions  # half of it has no types
    try:
        found: Any = library.best_match(_patient(_without_patterns(schema)).iter_errors(dict(arguments)))
    except Exception:  # _TooMuch, or references that lead nowhere for just these arguments
        return ""
    if found is None:
        return ""
    place = ".".join(str(part) for part in found.absolute_path)
    return f"{place + ': ' if place else ''}{found.message[:300]}"


class _TooMuch(Exception):
    """A schema of a tree that branches in place takes twice as long for each level of the arguments."""


def _patient(schema: Mapping[str, Any]) -> Any:
    """A validator that follows only so many references."""
    from jsonschema import validators

    plain: Any = _validator(schema)
    follow: Any = plain.VALIDATORS["$ref"]
    left = MOST_FOLLOWED

    def counted(validator: Any, reference: str, instance: Any, within: Any) -> Iterator[Any]:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooMuch
        yield from follow(validator, reference, instance, within)

    library: Any = validators
    counting: Any = library.extend(type(plain), {"$ref": counted})
    return counting(schema, registry=_nothing())


def _validator(schema: Mapping[str, Any]) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for

    kind: Any = validator_for(dict(schema), default=Draft202012Validator)
    return kind(schema, registry=_nothing())


def _nothing() -> Any:
    """A registry for which nothing is ever fetched."""
    from referencing import Registry

    registry: Any = Registry
    return registry()


def _check_meaning(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError

    try:
        _validator(schema).check_schema(schema)
    except SchemaError as error:
        raise BadSchema(f"its schema is no JSON Schema: {error.message[:200]}") from None
    except Exception as error:  # the library expects no lies in `$schema`, for one
        raise BadSchema(f"its schema cannot be checked ({type(error).__name__})") from None


def _check_places(schema: dict[str, Any]) -> None:
    """Every reference leads somewhere within, none comes back to itself, and all written out it stays small."""
    sizes: dict[str, int] = {}

    def measure(node: object, depth: int, around: frozenset[str]) -> int:
        # `around`: the references that were followed on the way here.
        if depth > DEEPEST:
            raise BadSchema(f"its schema has more than {DEEPEST} levels")
        if isinstance(node, list):
            return 1 + sum(measure(item, depth + 1, around) for item in cast("list[object]", node))
        if not isinstance(node, dict):
            return 1
        total = 1
        for key, value in cast("dict[str, object]", node).items():
            is_reference = key == "$ref" and isinstance(value, str)
            total += follow(str(value), around) if is_reference else measure(value, depth + 1, around)
            if total > MOST_PLACES:
                raise BadSchema("its schema unfolds to more than can be checked")
        return total

    def follow(reference: str, around: frozenset[str]) -> int:
        if reference in around:
            return 1  # a tree, as deep as the arguments are
        if reference not in sizes:
            if len(around) > DEEPEST:
                raise BadSchema(f"its schema has more than {DEEPEST} references in a row")
            sizes[reference] = measure(_target(schema, reference), 0, around | {reference})
        return sizes[reference]

    measure(schema, 0, frozenset())
    for reference in sizes:
        _check_loop(schema, reference)


def _check_loop(schema: Mapping[str, Any], reference: str) -> None:
    """A reference that is met again without a step into the value: checking would never end."""
    seen: set[str] = set()
    waiting = [reference]
    while waiting:
        for following in _references_here(_target(schema, waiting.pop())):
            if following == reference:
                raise BadSchema(f"its schema has a reference that leads back to itself ({reference[:80]})")
            if following not in seen:
                seen.add(following)
                waiting.append(following)


def _references_here(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _references_here(item)
    elif isinstance(node, dict):
        for key, value in cast("dict[str, object]", node).items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key in _SAME_PLACE:
                yield from _references_here(value)


def _target(schema: Mapping[str, Any], reference: str) -> object:
    if reference != "#" and not reference.startswith("#/"):
        raise BadSchema(f"its schema refers to something outside of it ({reference[:80]})")
    node: object = schema
    for part in reference[2:].split("/") if len(reference) > 1 else ():
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = cast("dict[str, object]", node)[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(cast("list[object]", node)):
            node = cast("list[object]", node)[int(name)]
        else:
            raise BadSchema(f"its schema refers to what is not there ({reference[:80]})")
    return node


def _without_patterns(node: Any, *, names: bool = False) -> Any:
    """A schema without regular expressions: a stranger's can take for ever on an innocent text.

    Args:
        names: the keys of this table are names that the schema's author has given, not words of JSON Schema.
    """
    if isinstance(node, list):
        return [_without_patterns(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    table = cast("dict[str, Any]", node)
    dropped: set[str] = set() if names else set(_UNSURE & set(table))
    if "patternProperties" in dropped:
        dropped |= {"additionalProperties", "unevaluatedProperties"}
    return {
        key: value if key in ("enum", "const", "default", "examples") and not names else _deeper(key, value, names)
        for key, value in table.items()
        if key not in dropped
    }


def _deeper(key: str, value: Any, names: bool) -> Any:
    return _without_patterns(value, names=not names and key in _WITHIN)
