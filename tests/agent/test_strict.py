"""Arguments of tools: the schema that strict functions want, and one precise line for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from agent.errors import ToolFault
from agent.tools.strict import Part, parameters_of, parsed


class Look(Part):
    """How it looks."""

    bold: bool | None
    colour: str | None = Field(description="#rrggbb")


class Put(Part):
    """Put something."""

    do: Literal["put"]
    at: str
    look: Look | None
    values: list[str | float | None]


class Take(Part):
    """Take something away."""

    do: Literal["take"]
    rows: list[int] = Field(min_length=1)


class Edit(Part):
    path: str
    operations: list[Annotated[Put | Take, Field(discriminator="do")]]


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield cast("dict[str, Any]", node)
    if isinstance(node, dict | list):
        inner = cast("dict[str, Any]", node).values() if isinstance(node, dict) else cast("list[Any]", node)
        for value in inner:
            yield from schemas(value)


def test_the_schema_is_strict() -> None:
    found = [node for node in schemas(parameters_of(Edit)) if node.get("type") == "object"]
    assert len(found) == 3
    for node in found:
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False
    told = str(parameters_of(Edit))
    assert not re.search(r"\$ref|\$defs|'oneOf'|'default'|'title'|'discriminator'", told)
    assert "How it looks." in told and "#rrggbb" in told


def test_what_may_be_null_may_be_left_out() -> None:
    edit = parsed(Edit, {"path": "a", "operations": [{"do": "put", "at": "A1", "values": [1.0, "x", None]}]})
    [put] = edit.operations
    assert isinstance(put, Put) and put.look is None


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"do": "put", "at": 3, "values": []}, "operations.0.put.at: Input should be a valid string (you wrote 3)."),
        ({"do": "put", "values": []}, "operations.0.put.at: Field required."),
        ({"do": "fly"}, "'put', 'take'"),
        ({"do": "take", "rows": []}, "operations.0.take.rows: List should have at least 1 item"),
        ({"do": "take", "rows": [1], "why": "so"}, "operations.0.take.why: Extra inputs are not permitted"),
        ({"do": "put", "at": "A1", "values": [], "look": {"bold": "no way"}}, "operations.0.put.look.bold"),
        (None, "operations.0"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(operation: object, said: str) -> None:
    with pytest.raises(ToolFault) as caught:
        parsed(Edit, {"path": "a", "operations": [operation]})
    assert said in str(caught.value)
    assert str(caught.value).endswith("Nothing was done.")
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "at", "path", "x"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_nothing_that_a_model_writes_is_a_bug(value: object) -> None:
    with pytest.raises(ToolFault):
        parsed(Edit, {"path": "a", "operations": value, "more": value})
