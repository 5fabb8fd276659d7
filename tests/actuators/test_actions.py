"""The action vocabulary: what a model writes, what a journal keeps, and where points go."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from actuators.actions import (
    ACTION_CLASSES,
    ACTION_TYPES,
    MAX_SCROLL,
    MAX_TEXT,
    Action,
    Button,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Point,
    Scroll,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
    check,
    describe,
    located,
    parse_action,
    to_dict,
)
from actuators.errors import InvalidAction

pixels = st.integers(0, 10_000)
held = st.lists(st.sampled_from(["ctrl", "shift", "alt", "super"]), unique=True, max_size=4).map(tuple)
chords = st.lists(st.sampled_from(["ctrl", "shift", "a", "enter", "f5", "+", "é"]), unique=True, min_size=1)
points = st.builds(Point, pixels, pixels)
deltas = st.integers(-MAX_SCROLL, MAX_SCROLL)
buttons: list[Button] = ["left", "right", "wheel", "back", "forward"]

actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Click, pixels, pixels, st.sampled_from(buttons), held),
    st.builds(DoubleClick, pixels, pixels, held),
    st.builds(TripleClick, pixels, pixels, held),
    st.builds(Move, pixels, pixels, held),
    st.builds(Drag, st.lists(points, min_size=2, max_size=9).map(tuple), held),
    st.builds(Scroll, pixels, pixels, deltas, deltas, held),
    st.builds(Keypress, chords.map(tuple)),
    st.builds(Type, st.text()),
    st.just(Wait()),
    st.just(TakeScreenshot()),
)


@given(actions)
def test_written_and_read_back(action: Action) -> None:
    through_json = json.loads(json.dumps(to_dict(action)))
    assert parse_action(through_json) == action


@given(actions, st.integers(-50, 50), st.integers(-50, 50))
def test_every_point_is_moved_and_nothing_else(action: Action, dx: int, dy: int) -> None:
    there = located(action, lambda x, y: Point(x + dx, y + dy))
    assert type(there) is type(action)
    assert located(there, lambda x, y: Point(x - dx, y - dy)) == action
    if isinstance(action, Drag):
        assert isinstance(there, Drag)
        assert [(p.x - dx, p.y - dy) for p in there.path] == [(p.x, p.y) for p in action.path]


@given(actions)
def test_description_is_one_short_line(action: Action) -> None:
    line = describe(action)
    assert line and "\n" not in line and len(line) < 500


def test_the_union_is_closed_and_told_apart_by_type() -> None:
    assert len(set(ACTION_TYPES)) == len(ACTION_CLASSES)
    for cls in ACTION_CLASSES:
        assert fields(cls)[-1].name == "type"


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ({"type": "click", "x": 1, "y": 2, "keys": None}, Click(1, 2)),
        ({"type": "click", "x": 1, "y": 2, "button": "middle"}, Click(1, 2, "wheel")),
        (
            {"type": "drag", "path": [[1, 2], {"x": 3, "y": 4}]},
            Drag((Point(1, 2), Point(3, 4))),
        ),
        ({"type": "scroll", "x": 0, "y": 0, "scroll_y": -5}, Scroll(0, 0, 0, -5)),
        ({"type": "keypress", "keys": ["CTRL", "C"]}, Keypress(("CTRL", "C"))),
    ],
)
def test_forgiven(raw: dict[str, Any], meant: Action) -> None:
    assert parse_action(raw) == meant


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "unknown action type None; the types are click"),
        ({"type": "hover"}, "unknown action type 'hover'"),
        ({"type": ["click"]}, "unknown action type"),
        ({"type": "click", "x": 1}, "y: Field required"),
        ({"type": "click", "x": "left", "y": 1}, "x: "),
        ({"type": "click", "x": 1, "y": 1, "button": "third"}, "button"),
        ({"type": "drag", "path": [[1, 2]]}, "two points or more"),
        ({"type": "drag", "path": "everywhere"}, "path"),
        ({"type": "keypress", "keys": []}, "at least one key"),
        ({"type": "keypress", "keys": ["hyperspace"]}, "there is no key 'hyperspace'"),
        ({"type": "click", "x": 1, "y": 1, "keys": ["nope"]}, "there is no key 'nope'"),
        ({"type": "type", "text": "x" * (MAX_TEXT + 1)}, "at most"),
        ({"type": "scroll", "x": 0, "y": 0, "scroll_y": MAX_SCROLL + 1}, "scroll"),
    ],
)
def test_bad_input_gives_one_useful_line(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidAction) as caught:
        parse_action(raw)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(ACTION_TYPES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["type", "x", "y", "path", "keys", "text", "scroll_y"]), junk))
def test_json_junk_is_refused_cleanly(raw: dict[str, Any]) -> None:
    try:
        parse_action(raw)
    except InvalidAction as error:
        assert str(error)


numbers = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(-(10.0**9), 10.0**9),
    st.integers(0, 9999).map(str),
    st.sampled_from([" 12 ", "1_000", "+5", "-7", "12.0", "12.5", "1e3", "", "x", True, None, [], float("nan"), 1e300]),
)
values: st.SearchStrategy[Any] = st.one_of(
    numbers,
    st.text(st.characters(codec="utf-8"), max_size=3),
    st.sampled_from([*buttons, "middle", "third"]),
    st.lists(st.sampled_from(["ctrl", "a", 3, None]), max_size=3),
    st.lists(st.one_of(st.tuples(numbers, numbers), st.fixed_dictionaries({"x": numbers, "y": numbers})), max_size=3),
    st.lists(st.sampled_from([{}, {"x": 1}, {"x": 1, "y": 2, "z": 3}, 5, [1], [1, 2, 3]]), max_size=2),
)


def point(step: Any) -> Any:
    match step:
        case [x, y]:
            return {"x": x, "y": y}
        case _:
            return step


names = ["x", "y", "button", "keys", "path", "scroll_x", "scroll_y", "text", "odd"]
adapter = TypeAdapter[Any](Annotated[Action, Field(discriminator="type")])


@settings(deadline=None)
@given(
    st.sampled_from(ACTION_TYPES),
    st.dictionaries(st.sampled_from(names), values),
)
def test_reads_what_a_validating_library_reads(kind: str, raw: dict[str, Any]) -> None:
    """Actions are read without one, for the sake of places that have none; the two must agree on every value."""
    data = {name: value for name, value in raw.items() if value is not None} | {"type": kind}
    if data.get("button") == "middle":
        data["button"] = "wheel"
    if isinstance(data.get("path"), list):
        data["path"] = [point(step) for step in data["path"]]
    try:
        expected = adapter.validate_python(data)
        check(expected)
    except (ValidationError, InvalidAction):
        with pytest.raises(InvalidAction):
            parse_action(raw | {"type": kind})
    else:
        assert parse_action(raw | {"type": kind}) == expected
