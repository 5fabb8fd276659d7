"""Nothing that is broken gets into the history."""

from __future__ import annotations

from typing import Any

import pytest

from agent.conversation import FromUser
from agent.models.answers import read_answer, read_usage
from agent.models.failures import BadAnswer
from agent.models.pricing import Prices
from agent.values import Usage, Word
from tests.support.openai_script import actions, function, raw, together
from tests.support.openai_server import openai_server
from tests.support.talk import Pictures, fault, model_of

CLICK = {"type": "click", "x": 1, "y": 2, "button": "left"}


def call(**fields: Any) -> dict[str, Any]:
    return {"type": "computer_call", "call_id": "call_1", "actions": [CLICK]} | fields


MALFORMED: list[tuple[list[Any], str]] = [
    ([call(call_id=None)], "computer_call without an id"),
    ([call(call_id="")], "computer_call without an id"),
    ([call(call_id=7)], "computer_call without an id"),
    ([{"type": "function_call", "name": "plan", "arguments": "{}"}], "function_call without an id"),
    ([{"type": "function_call", "call_id": "call_1", "arguments": "{}"}], "'name'"),
    ([{"type": "function_call", "call_id": "call_1", "name": "plan"}], "'arguments'"),
    ([call(), call()], "two calls with one id"),
    ([call(status="incomplete")], "is incomplete"),
    ([call(actions="click")], "actions that are no list"),
    ([call(actions=["click"])], "an action that is no object"),
    ([call(pending_safety_checks=[{"code": "x"}])], "'id'"),
    ([call(pending_safety_checks=["sc_1"])], "call_1"),
    ([{"type": "mcp_call", "call_id": "call_1"}], "a tool that it was not given"),
    ([{"id": "msg_1"}], "an item without a type"),
    (["words"], "an item without a type"),
    ([{"type": "reasoning", "id": "rs_1", "summary": []}], "reasoning and nothing else"),
]


@pytest.mark.parametrize(("items", "said"), MALFORMED)
def test_a_malformed_answer_is_transient_and_costs(items: list[Any], said: str) -> None:
    usage = Usage(output_tokens=9)
    with pytest.raises(BadAnswer, match="malformed answer: ") as caught:
        read_answer({"id": "resp_1", "output": items}, [], usage)
    assert said in str(caught.value)
    assert caught.value.usage == usage


def test_malformed_answers_are_refused_over_the_wire_too() -> None:
    twice = together(actions(CLICK, call_id="call_1"), function("plan", {}, call_id="call_1"))
    with openai_server([twice, raw({"type": "computer_call", "call_id": None, "actions": []})]) as server:
        for _ in range(2):
            error = fault(model_of(server), Pictures().request(FromUser("Go.")))
            assert isinstance(error, BadAnswer)
            assert str(error).startswith("malformed answer: ")
            assert error.usage.output_tokens > 0


@pytest.mark.parametrize(
    "item",
    [
        call(),
        call(actions=None, action=CLICK),
        call(pending_safety_checks=None),
        call(pending_safety_checks=[], action=None),
    ],
)
def test_the_shapes_of_a_call_that_are_in_use(item: dict[str, Any]) -> None:
    [read] = read_answer({"id": "resp_1"}, [item], Usage()).calls
    assert read.kind == "screen"
    assert (read.actions, read.checks) == ((CLICK,), ())


def test_items_of_the_stream_are_preferred_unless_some_are_missing() -> None:
    whole: Word = {"type": "message", "id": "msg_1", "content": []}
    streamed: Word = whole | {"encrypted_content": "only here"}
    assert read_answer({"output": [whole]}, [streamed], Usage()).output == (streamed,)
    assert read_answer({"output": [whole, call()]}, [streamed], Usage()).output == (whole, call())


def test_usage_that_is_missing_or_odd_is_no_reason_to_fail() -> None:
    prices = Prices.load()
    assert read_usage({}, "gpt-6.1-terra", prices) == Usage(estimated=True)
    odd = {"usage": {"input_tokens": 10, "input_tokens_details": None, "output_tokens": "many"}}
    assert read_usage(odd, "other", prices) == Usage(input_tokens=10)
