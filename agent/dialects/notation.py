"""Arguments of a tool in the notation of TypeScript: a third of the characters that their JSON Schema has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from agent.tools.shared import DEFINITIONS, named
from agent.values import Word

_NULL = {"type": "null"}
_NAME = re.compile(r"\w+(\[\])*|\{[^{}]*\}")  # what needs no brackets before []
_SHORT = 24  # characters of a type that needs no name


def notation(schema: Mapping[str, Any]) -> str:
    """The arguments, and behind them the types that they name. What may be left out has a question mark."""
    return _Notation(cast("Mapping[str, Word]", schema.get(DEFINITIONS, {}))).all_of(schema)


class _Notation:
    def __init__(self, definitions: Mapping[str, Word]) -> None:
        self._definitions = definitions

    def all_of(self, schema: Mapping[str, Any]) -> str:
        told = {name: self._whole(each) for name, each in self._definitions.items() if not self._is_short(each)}
        return "".join([self._object(schema), *(f"; {name} = {text}" for name, text in told.items())])

    def _is_short(self, schema: Word) -> bool:
        return len(self._whole(schema)) <= _SHORT

    def _whole(self, schema: Word, *, null: bool = False) -> str:
        told = self._type(schema)
        return f"{told} | null{_about(schema)}" if null and self._may_be_null(schema) else told + _about(schema)

    def _object(self, schema: Mapping[str, Any]) -> str:
        required = schema.get("required", ())
        each = cast("Mapping[str, Word]", schema.get("properties", {}))
        return "{" + ", ".join(self._property(name, one, name in required) for name, one in each.items()) + "}"

    def _property(self, name: str, schema: Word, required: bool) -> str:
        return f"{name}{'' if required and not self._may_be_null(schema) else '?'}: {self._whole(schema)}"

    def _may_be_null(self, schema: Word) -> bool:
        if name := named(schema):
            return self._may_be_null(self._definitions[name])
        return "null" in _kinds(schema) or any(self._may_be_null(each) for each in schema.get("anyOf", ()))

    def _type(self, schema: Word) -> str:
        """Without null, which is said by the question mark."""
        if name := named(schema):
            definition = self._definitions[name]
            return self._whole(definition) if self._is_short(definition) else name
        if "const" in schema or "enum" in schema:
            values = schema.get("enum", [schema.get("const")])
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        if "anyOf" in schema:
            variants = [each for each in cast("list[Word]", schema["anyOf"]) if each != _NULL]
            return " | ".join(map(self._whole, variants))
        return " | ".join(self._plain(kind, schema) for kind in _kinds(schema) if kind != "null")

    def _plain(self, kind: str, schema: Word) -> str:
        if kind == "object" and "properties" in schema:
            return self._object(schema)
        if kind == "array" and "items" in schema:
            inner = self._whole(schema["items"], null=True)
            return f"{inner}[]" if _NAME.fullmatch(inner) else f"({inner})[]"
        return kind


def _about(schema: Word) -> str:
    words = " ".join(str(schema.get("description", "")).split()).replace("*/", "* /")
    return f" /* {words} */" if words else ""


def _kinds(schema: Word) -> list[str]:
    kind = schema.get("type", "any")
    return cast("list[str]", kind) if isinstance(kind, list) else [str(kind)]
