"""Functions that the model may call: a question, a plan, an honest end; and whatever nonsense it writes into them."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.approving import Rules
from agent.errors import Stop
from agent.events import CallAnswered, PlanChanged, QuestionAsked
from agent.inbox import Message
from agent.loop import Setting
from agent.policy import NO_RULES
from agent.testing import Answer, ScriptedModel, answer, final, function
from agent.tools.toolbox import ALWAYS
from agent.values import FunctionCall, PlanStep
from tests.agent.test_loop import CLICK, Bench, assert_prefixes, bench

PLAN = [{"step": "open the file", "state": "done"}, {"step": "add the sums", "state": "in_progress"}]


def replies(b: Bench) -> list[str]:
    return [entry.event.text for entry in b.journal.entries if isinstance(entry.event, CallAnswered)]


def of_kind(b: Bench, kind: type) -> list[Any]:
    return [entry.event for entry in b.journal.entries if isinstance(entry.event, kind)]


def answering(b: Bench, *messages: Message) -> None:
    async def speak() -> None:
        await b.until("question.asked")
        asked = of_kind(b, QuestionAsked)[-1]
        for message in messages:
            target = asked.id if message.kind == "answer" else ""
            b.inbox.post(Message(message.kind, message.text, target, id=f"m{message.kind}"))

    b.beside = speak


def test_the_plan_is_in_the_journal_whole() -> None:
    b = bench(function("update_plan", steps=PLAN), function("update_plan", steps=[]), final("ok"))
    assert b.run().outcome == "done"
    first, second = of_kind(b, PlanChanged)
    assert first.steps == (PlanStep("open the file", "done"), PlanStep("add the sums", "in_progress"))
    assert second.steps == ()
    assert "1 of 2 done" in replies(b)[0]


def test_a_last_answer_with_open_steps_is_checked_once() -> None:
    b = bench(function("update_plan", steps=PLAN), final("all done"), final("really"))
    end = b.run()
    assert (end.outcome, end.reason, len(b.model.requests)) == ("done", "really", 3)
    assert sum("add the sums" in note for note in b.notes) == 1
    assert_prefixes(b.model)


def test_a_question_waits_for_the_users_words() -> None:
    b = bench(
        function("ask_user", question="Which year?", choices=["2025", "2026"], wait=True), answer(CLICK), final("ok")
    )
    answering(b, Message("answer", "2026, please"))
    assert b.run().outcome == "done"
    assert of_kind(b, QuestionAsked)[0].choices == ("2025", "2026")
    assert "2026, please" in replies(b)[0]
    assert b.journal.types.index("question.answered") < b.journal.types.index("action.started")


def test_a_question_that_nobody_answers_is_no_answer() -> None:
    b = bench(function("ask_user", question="Which year?", choices=[], wait=True), answer(CLICK))
    b.setting = Setting(rules=Rules(NO_RULES, patience=0.05))
    assert b.run().outcome == "needs_user"
    assert b.computer.performed == []


def test_a_correction_in_place_of_an_answer_is_what_counts() -> None:
    b = bench(function("ask_user", question="Which year?", choices=[], wait=True), final("ok"))
    answering(b, Message("steer", "forget the year"))
    assert b.run().outcome == "done"
    assert "did not answer" in replies(b)[0]
    assert "steer.applied" in b.journal.types and "question.answered" in b.journal.types


def test_a_question_beside_the_work_is_answered_as_a_correction_is() -> None:
    async def when_answered(_request: object) -> Answer:
        await b.until("steer.queued")
        return answer(CLICK)

    b = bench(function("ask_user", question="Which year?", choices=[], wait=False), when_answered, final("ok"))
    answering(b, Message("answer", "2026"))
    assert b.run().outcome == "done"
    assert any("Which year?" in text and "2026" in text for text in b.user_texts)


def test_an_answer_to_one_question_leaves_the_other_open() -> None:
    b = bench(
        function("ask_user", question="Which year?", choices=[], wait=False),
        function("ask_user", question="Which month?", choices=[], wait=True),
        final("ok"),
    )

    async def answer_both() -> None:
        with anyio.fail_after(10):
            while len(of_kind(b, QuestionAsked)) < 2:
                await anyio.sleep(0.005)
        for number, words in enumerate(("2026", "May")):
            b.inbox.post(Message("answer", words, of_kind(b, QuestionAsked)[number].id, id=f"a{number}"))
            await b.until("steer.queued")

    b.beside = answer_both
    assert b.run().outcome == "done"
    assert "«May»" in replies(b)[1] and any("«Which year?»: 2026" in text for text in b.user_texts)


def test_a_session_that_is_resumed_asks_again_before_anything_else() -> None:
    b = bench(function("ask_user", question="Which year?", choices=[], wait=True), final("ok"))
    b.setting = Setting(rules=Rules(NO_RULES, patience=0.05))
    assert b.run().outcome == "needs_user"
    b.setting = Setting()

    async def answer_again() -> None:
        with anyio.fail_after(10):
            while len(of_kind(b, QuestionAsked)) < 2:
                await anyio.sleep(0.005)
        b.inbox.post(Message("answer", "2026", of_kind(b, QuestionAsked)[1].id, id="a1"))

    b.beside = answer_again
    assert b.run().outcome == "done"
    assert replies(b) == ["The user answers: «2026»"] and len(b.model.requests) == 2


def test_words_of_a_session_that_is_resumed_come_in_place_of_the_answer() -> None:
    b = bench(function("ask_user", question="Which year?", choices=[], wait=True), final("ok"))
    b.setting = Setting(rules=Rules(NO_RULES, patience=0.05))
    assert b.run().outcome == "needs_user"
    b.inbox.post(Message("steer", "take 2026", id="s1"))
    assert b.run().outcome == "done"
    assert "the user corrected you" in replies(b)[0] and any("take 2026" in text for text in b.user_texts)


@pytest.mark.parametrize("outcome", ["stopped", "done"])
def test_a_question_beside_the_work_can_be_answered_after_an_interruption_but_not_after_the_end(outcome: str) -> None:
    asking = function("ask_user", question="Which year?", choices=[], wait=False)
    b = bench(asking, final("ok") if outcome == "done" else Stop("stopped", "by the user"))
    assert b.run().outcome == outcome
    b.model = ScriptedModel([final("ok")])
    if outcome == "stopped":
        b.inbox.post(Message("answer", "2026", of_kind(b, QuestionAsked)[0].id, id="a1"))
    assert b.run().outcome == "done"
    assert len(of_kind(b, QuestionAsked)) == (2 if outcome == "stopped" else 1)
    assert any("«Which year?»: 2026" in text for text in b.user_texts) == (outcome == "stopped")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ask_user", "{", "no JSON"),
        ("ask_user", "[]", "object"),
        ("ask_user", '{"question": "x"}', "lack choices, wait"),
        ("ask_user", '{"question": " ", "choices": [], "wait": true}', "not empty"),
        ("ask_user", '{"question": "x", "choices": "yes", "wait": true}', "list"),
        ("update_plan", '{"steps": [{"step": "a", "state": "lost"}]}', "pending, in_progress, done"),
        ("update_plan", '{"steps": [1]}', "object"),
        ("give_up", '{"reason": 7}', "text"),
        ("fly", "{}", "no tool 'fly'"),
    ],
)
def test_nonsense_is_told_to_the_model(name: str, arguments: str, said: str) -> None:
    call = FunctionCall("c1", name, arguments)
    b = bench(Answer("r", ({"type": "function_call"},), (call,), "", False, final("").usage), final("ok"))
    assert b.run().outcome == "done"
    assert said in replies(b)[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_argument_is_a_bug(value: object) -> None:
    for tool in ALWAYS:
        arguments = json.dumps(dict.fromkeys(tool.parameters, value))
        call = FunctionCall("c1", tool.name, arguments)
        b = bench(Answer("r", ({"type": "function_call"},), (call,), "", False, final("").usage), final("ok"))
        b.setting = Setting(rules=Rules(NO_RULES, patience=0.0))
        assert b.run().outcome in ("done", "gave_up", "needs_user")


def test_every_tool_is_a_strict_function() -> None:
    for tool in ALWAYS:
        schema = tool.offer
        assert schema["name"] == tool.name and schema["strict"] is True
        assert schema["parameters"]["required"] == list(schema["parameters"]["properties"])
        assert schema["parameters"]["additionalProperties"] is False


def test_time_that_a_question_takes_is_not_the_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    b = bench(function("ask_user", question="Which year?", choices=[], wait=True), final("ok"))

    async def late() -> None:
        await b.until("question.asked")
        await anyio.sleep(0.3)
        b.inbox.post(Message("answer", "2026", of_kind(b, QuestionAsked)[0].id))

    b.beside = late
    b.run()
    ended = next(entry.event for entry in b.journal.entries if entry.event.type == "turn.ended")
    assert ended.ours < 0.2
