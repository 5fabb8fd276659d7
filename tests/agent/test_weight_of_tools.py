"""What every request carries: schemas that strict functions take, and how much there is of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from agent.dialects.dialect import dialect
from agent.dialects.notation import notation
from agent.dialects.prompt import offered, system_prompt
from agent.office import schemas
from agent.tools.base import Room, Tool
from agent.tools.folder import Folder
from agent.tools.shared import named, shared
from agent.tools.strict import Part, parameters_of
from agent.tools.toolbox import ALWAYS
from tests.support.programs import PlainPrograms
from ui.tools import ours

STRICT = {"type", "description", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const"}
BOUNDS = {"minimum", "maximum", "minItems", "maxItems"}
DEEPEST = 5  # objects within objects, of the least that strict functions have ever taken
MOST_PROPERTIES = 5_000
MOST_NAMES = 120_000  # characters of the names of properties and definitions, and of all values
MOST_VALUES = 250  # in one enum


def _tools() -> list[Tool]:
    nowhere = Path("/nowhere")
    return [*ALWAYS, *ours(Room(Folder(nowhere), PlainPrograms(nowhere)))]


TOOLS = _tools()


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema within one."""
    told = cast("dict[str, Any]", node)
    yield told
    inner = [*told.get("properties", {}).values(), *told.get("$defs", {}).values(), *told.get("anyOf", ())]
    for each in [*inner, *([told["items"]] if "items" in told else [])]:
        yield from _nodes(each)


def _written_out(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_written_out(each, definitions) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    told = cast("dict[str, Any]", node)
    if name := named(told):
        return _written_out(definitions[name], definitions)
    return {key: _written_out(value, definitions) for key, value in told.items()}


def _depth(node: Any) -> int:
    told = cast("dict[str, Any]", node)
    inner = [*told.get("properties", {}).values(), *told.get("anyOf", ())]
    deepest = max(map(_depth, [*inner, *([told["items"]] if "items" in told else [])]), default=0)
    return deepest + ("properties" in told)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_schema_is_one_that_strict_functions_take(tool: Tool) -> None:
    offer = tool.offer
    schema = offer["parameters"]
    definitions = schema.get("$defs", {})
    nodes = list(_nodes(schema))
    for node in nodes:
        if "$ref" in node:
            assert list(node) == ["$ref"], "nothing may stand beside a reference"
            assert named(node) in definitions
            continue
        assert set(node) <= STRICT | BOUNDS | {"$defs"}, node
        assert "anyOf" in node or "type" in node
        if node.get("type") == "object":
            assert node["required"] == list(node["properties"]) and node["additionalProperties"] is False
        assert len(node.get("enum", ())) <= MOST_VALUES
    assert schema["type"] == "object" and offer["strict"] is True
    assert _depth(_written_out({key: schema[key] for key in schema if key != "$defs"}, definitions)) <= DEEPEST
    names = [name for node in nodes for name in (*node.get("properties", ()), *node.get("$defs", ()))]
    values = [str(value) for node in nodes for value in (*node.get("enum", ()), node.get("const", ""))]
    assert len(names) <= MOST_PROPERTIES and sum(map(len, names + values)) <= MOST_NAMES
    for union in (node["anyOf"] for node in nodes if "anyOf" in node):  # told apart by their first property
        kinds = [each["properties"]["do"]["const"] for each in union if "do" in each.get("properties", {})]
        assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("name", list(schemas.NAMES))
def test_nothing_is_lost_when_a_schema_is_said_in_fewer_words(name: str) -> None:
    whole = parameters_of(schemas.model_of(name))
    assert _written_out(schemas.parameters(name), schemas.definitions(name)) == whole
    assert len(_compact(schemas.parameters(name)) + _compact(schemas.definitions(name))) < len(_compact(whole))


def test_every_request_carries_no_more_than_it_must() -> None:
    asked = sum(len(_compact(tool.offer)) for tool in TOOLS)
    told = sum(len(notation(tool.offer["parameters"])) + len(tool.description) for tool in TOOLS)
    assert asked < 68_000, f"{asked} characters of JSON for models with strict functions"
    assert told < 33_000, f"{told} characters for models that are told of the tools in words"
    offers = [tool.offer for tool in TOOLS]
    assert len(system_prompt(dialect("json"), "", offers, (1288, 784), native=False)) < 36_000
    assert len(_compact(offered(dialect("functions"), offers))) < 46_000


def _compact(words: Any) -> str:
    return json.dumps(words, ensure_ascii=False, separators=(",", ":"))


class Spot(Part):
    """Where it is."""

    left: float
    colour: str | None


class Put(Part):
    """Put it somewhere."""

    at: Spot
    to: Spot | None
    names: list[str | None]
    size: int | None


def test_what_repeats_is_said_once_and_nothing_else_changes() -> None:
    told, definitions = shared({"one": parameters_of(Put)["at"], "put": parameters_of(Put)["to"]})
    assert definitions == {}, "arguments themselves are no references"
    both: dict[str, Any] = {"type": "object", "properties": parameters_of(Put)}
    told, definitions = shared({"first": both, "second": both})
    assert list(definitions) == ["at"] and "$ref" in str(told)
    assert _written_out(told, definitions) == {"first": both, "second": both}


def test_arguments_in_words() -> None:
    told, definitions = shared(
        {"puts": {"type": "array", "items": {"type": "object", "properties": parameters_of(Put)}}}
    )
    words = notation({"properties": told, "required": ["puts"], "$defs": definitions})
    assert "names?: (string | null)[]" in words
    assert "; at = {left: number, colour?: string} /* Where it is. */" in words
    assert notation({"properties": {"a": {"enum": ["x", 1]}, "b": {"description": "*/ no end"}}}) == (
        '{a?: "x" | 1, b?: any /* * / no end */}'
    )


def test_servers_get_an_outline_of_what_they_would_misread() -> None:
    [_, pdf] = offered(dialect("functions"), [tool.offer for tool in TOOLS if tool.name == "pdf"])
    function = pdf["function"]
    assert "$ref" not in _compact(function) and 'do: "fill"' in function["description"]
    assert function["parameters"]["properties"]["operations"] == {"type": "array", "items": {"type": "object"}}
    assert function["parameters"]["required"] == ["path", "source", "operations", "accept_loss"]
