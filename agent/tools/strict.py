"""Arguments of tools as pydantic models: their schema as strict functions want it, and what was written read back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import NoneType
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from agent.errors import ToolFault

_DROPPED = frozenset({"title", "default", "discriminator", "examples"})
_LITTLE = frozenset({"a", "an", "the", "of", "to"})
M = TypeVar("M", bound=BaseModel)


class Part(BaseModel):
    """Base of arguments. The docstring and the fields' descriptions are told to the model.

    A field that may be left out has the type `X | None`: strict schemas know no other way.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _left_out_is_null(cls, data: Any) -> Any:
        """Models that are held to no schema, and people who write playbooks, leave out what may be null."""
        if not isinstance(data, dict):
            return data
        nullable = (name for name, field in cls.model_fields.items() if NoneType in get_args(field.annotation))
        return dict.fromkeys(nullable) | cast("dict[str, Any]", data)


def parameters_of(model: type[Part]) -> dict[str, Any]:
    """The `Tool.parameters` of a model: every field required, nothing besides, references written out."""
    schema = model.model_json_schema()
    return cast("dict[str, Any]", _strict(schema, schema.get("$defs", {}))["properties"])


def parsed(model: type[M], arguments: Mapping[str, Any]) -> M:
    """What a model has written.

    Raises:
        ToolFault: it does not fit; one line with the place and what would be right.
    """
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        raise ToolFault(f"{_first_of(error)} Nothing was done.") from None


def _first_of(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)
    first = max(found, key=lambda each: len(each["loc"]))  # of a union the variant that was nearly right
    place = ".".join(str(part) for part in first["loc"])
    written = "" if isinstance(first["input"], dict | list) else f" (you wrote {json.dumps(first['input'])[:80]})"
    return f"{place or 'arguments'}: {first['msg'].removeprefix('Value error, ')}{written}."


def _strict(schema: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_strict(each, defs) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    told = cast("dict[str, Any]", schema)
    if "$ref" in told:
        return _strict(defs[told["$ref"].rpartition("/")[2]] | _without(told, {"$ref"}), defs)
    out = {name: _strict(value, defs) for name, value in told.items() if name not in _DROPPED | {"$defs", "properties"}}
    if "properties" in told and _says_its_name(told):
        del out["description"]
    if "oneOf" in out:
        out["anyOf"] = out.pop("oneOf")
    if kinds := _plain_kinds(out.get("anyOf")):
        del out["anyOf"]
        out["type"] = kinds
    if "properties" in told:
        out["properties"] = {name: _strict(value, defs) for name, value in told["properties"].items()}
        out |= {"required": list(out["properties"]), "additionalProperties": False}
    return out


def _says_its_name(told: Mapping[str, Any]) -> bool:
    """Whether a docstring has no word but those of its class: then the model has read it already."""
    said = re.findall(r"[a-z]+", told.get("description", "").lower())
    name = {word.lower() for word in re.findall(r"[A-Z][a-z]*", told["title"])}
    return bool(said) and name.issuperset(word for word in said if word not in _LITTLE)


def _plain_kinds(variants: Any) -> list[str] | None:
    """The types of variants that say nothing else: `X | None` in fewer words."""
    if not isinstance(variants, list):
        return None
    told = cast("list[dict[str, Any]]", variants)
    return [each["type"] for each in told] if all(list(each) == ["type"] for each in told) else None


def _without(schema: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in names}
