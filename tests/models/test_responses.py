"""The real client against the strict server, over a real socket."""

from __future__ import annotations

import json
import time
from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest

from actuators.actions import Click, Keypress, Scroll, Type
from agent.conversation import FromDeskhand, FromModel, FromUser, FunctionReply, Item, ScreenReply
from agent.models.responses import ResponsesModel, safety_identifier
from agent.ports import Model
from agent.tools.base import Arguments, Context, Tool
from agent.tools.toolbox import ALWAYS
from agent.values import FunctionCall, SafetyCheck, ScreenCall, Word
from tests.support.openai_script import (
    Reply,
    actions,
    commentary,
    final,
    function,
    patch,
    plain,
    raw,
    shell,
    slow,
    together,
)
from tests.support.openai_server import openai_server
from tests.support.talk import MODEL, Pictures, ask, listen, model_of

USER = FromUser("Write a letter.")


async def nothing(_arguments: Arguments, _context: Context) -> str:
    return ""


SHELL = Tool("shell", "Runs commands.", {"commands": {"type": "array", "items": {"type": "string"}}}, nothing, "shell")
PATCH = Tool("apply_patch", "Changes files.", {"patch": {"type": "string"}}, nothing, "apply_patch")


def test_a_session_streams_acts_and_ends() -> None:
    pictures = Pictures()
    script = [
        actions(Click(10, 20), Type("Dear all"), text="I start.", reasoning="The window is open."),
        function("give_up", {"reason": "?"}),
        final("The letter is written."),
    ]
    with openai_server(script) as server:
        model: Model = model_of(server)
        assert model.name == MODEL

        async def session() -> None:
            items: list[Item] = [FromUser("Write a letter.", pictures.add())]
            said = await listen(model_of(server).respond(pictures.request(*items)))
            assert said.streamed("reasoning") == "The window is open."
            assert said.streamed("words") == "I start." == said.answer.words
            [call] = said.answer.calls
            assert isinstance(call, ScreenCall)
            assert [action["type"] for action in call.actions] == ["click", "type"]
            assert not said.answer.final
            items += [FromModel(said.answer.output), ScreenReply(call.id, pictures.add(shade=1)), FromDeskhand("Note.")]
            said = await listen(model_of(server).respond(pictures.request(*items)))
            [call] = said.answer.calls
            assert call == FunctionCall(call.id, "give_up", '{"reason": "?"}')
            items += [FromModel(said.answer.output), FunctionReply(call.id, "Go on.")]
            said = await listen(model_of(server).respond(pictures.request(*items)))
            assert (said.answer.calls, said.answer.words, said.answer.final) == ((), "The letter is written.", True)

        anyio.run(session)
        assert server.refusals == []
        assert server.rewrites == []


def test_the_request_says_what_the_protocol_wants() -> None:
    pictures = Pictures()
    with openai_server([final("Hi.")]) as server:
        request = replace(pictures.request(USER), tools=tuple(tool.offer for tool in (*ALWAYS, SHELL, PATCH)))
        ask(model_of(server, effort="low"), request)
        [body] = server.requests
    assert body["model"] == MODEL
    assert body["store"] is False
    assert body["stream"] is True
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["reasoning"] == {"summary": "auto", "effort": "low"}
    assert body["prompt_cache_key"] == "s-1"
    assert body["max_output_tokens"] == 32_000
    assert body["stream_options"] == {"include_obfuscation": False}
    assert [tool["type"] for tool in body["tools"]] == ["computer", *["function"] * len(ALWAYS), "shell", "apply_patch"]
    assert body["parallel_tool_calls"] is True
    assert body["safety_identifier"] == safety_identifier()
    assert len(safety_identifier()) == 64


def test_openais_own_tools_are_called_and_answered_in_their_own_shape() -> None:
    pictures = Pictures()
    script = [
        shell("ls", "cat x", max_output_length=500),
        patch("update_file", "a.txt", "@@\n-a\n+b"),
        function("inspect", {"path": "a.xlsx"}),
        final("Done."),
    ]
    with openai_server(script) as server:
        model = model_of(server)
        items: list[Item] = [FromUser("Look.", pictures.add())]
        [said] = ask(model, pictures.request(*items))
        [call] = said.answer.calls
        asked = {"commands": ["ls", "cat x"], "timeout_ms": None, "max_output_length": 500}
        assert call == FunctionCall(call.id, "shell", json.dumps(asked), "shell", {"max_output_length": 500})
        assert isinstance(call, FunctionCall)
        printed = {"stdout": "a.txt", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
        late = {"stdout": "", "stderr": "no x", "outcome": {"type": "timeout"}}
        items += [FromModel(said.answer.output)]
        items += [FunctionReply(call.id, "", parts=(printed, late), form="shell", echo=call.echo)]
        [said] = ask(model, pictures.request(*items))
        [call] = said.answer.calls
        assert isinstance(call, FunctionCall) and call.form == "apply_patch"
        assert json.loads(call.arguments)["operation"]["path"] == "a.txt"
        items += [FromModel(said.answer.output), FunctionReply(call.id, "line 1", form="apply_patch", failed=True)]
        [said] = ask(model, pictures.request(*items))
        [call] = said.answer.calls
        page = pictures.add(shade=3)
        items += [FromModel(said.answer.output), FunctionReply(call.id, "one sheet", (page,))]
        ask(model, pictures.request(*items))
    assert server.refusals == server.rewrites == []
    replies = [item for item in server.requests[-1]["input"] if str(item.get("type")).endswith("_output")]
    assert [reply["type"] for reply in replies] == [
        "shell_call_output", "apply_patch_call_output", "function_call_output",
    ]  # fmt: skip
    assert replies[0]["max_output_length"] == 500 and len(replies[0]["output"]) == 2
    assert replies[1]["status"] == "failed"
    assert [part["type"] for part in replies[2]["output"]] == ["input_text", "input_image"]


def test_one_action_of_the_older_tool_and_the_batch_of_the_newer_read_alike() -> None:
    pictures = Pictures()
    with openai_server([actions(Click(1, 2), single=True), actions(Click(1, 2))]) as server:
        old, new = ask(model_of(server), pictures.request(USER), pictures.request(USER, FromDeskhand("Again.")))
    [one], [other] = old.answer.calls, new.answer.calls
    assert isinstance(one, ScreenCall)
    assert isinstance(other, ScreenCall)
    assert "actions" not in old.answer.output[-1]
    assert "pending_safety_checks" not in new.answer.output[-1]
    assert one.actions == other.actions == ({"type": "click", "x": 1, "y": 2, "button": "left"},)


def test_what_the_types_do_not_know_is_kept_and_sent_back_verbatim() -> None:
    """Action types, items and fields that came after the client library, numbers and nulls as they were."""
    odd: Word = {"type": "teleport", "x": 1.5, "y": "7", "deep": {"none": None, "list": [1, [2, {}]]}}
    call: Word = {"type": "computer_call", "status": "completed", "actions": [odd, {"type": "click", "x": 10.0}]}
    dream: Word = {"type": "dream", "content": None, "phase": 7, "text": "\u2028\u0085 ünïcode"}
    pictures = Pictures()
    with openai_server([raw(dream, call | {"created_by": "agent-1"}), final("Done.")]) as server:
        [said] = ask(model_of(server), pictures.request(USER))
        [screen] = said.answer.calls
        assert isinstance(screen, ScreenCall)
        assert screen.actions[0] == odd
        answered = (USER, FromModel(said.answer.output), ScreenReply(screen.id, pictures.add()))
        ask(model_of(server), pictures.request(*answered))
        assert server.refusals == []
        sent = server.requests[1]["input"][1:3]
    assert sent[0].items() >= dream.items()
    assert sent[1]["actions"] == call["actions"]
    assert "created_by" not in sent[1]


def test_safety_checks_are_told_and_echoed() -> None:
    checks = [{"id": "sc_1", "code": "malicious_instructions", "message": "Careful."}, {"id": "sc_2", "code": None}]
    pictures = Pictures()
    with openai_server([actions(Keypress(("CTRL", "C")), checks=checks), final("Done.")]) as server:
        [said] = ask(model_of(server), pictures.request(USER))
        [call] = said.answer.calls
        assert isinstance(call, ScreenCall)
        assert call.checks == (SafetyCheck("sc_1", "malicious_instructions", "Careful."), SafetyCheck("sc_2"))
        reply = ScreenReply(call.id, pictures.add(), call.checks)
        ask(model_of(server), pictures.request(USER, FromModel(said.answer.output), reply))
        assert server.refusals == []
        assert server.requests[1]["input"][-1]["acknowledged_safety_checks"] == [checks[0], {"id": "sc_2"}]


@pytest.mark.parametrize(
    ("reply", "words", "is_final"),
    [
        (final("Done."), "Done.", True),
        (commentary("Still at it."), "Still at it.", False),
        (together(commentary("So."), final("Done.")), "So.\nDone.", True),
        (together(final("Done."), actions(Click(1, 1))), "Done.", False),
        (raw({"type": "message", "content": [{"type": "output_text", "text": "No phase."}]}), "No phase.", True),
        (raw({"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}), "I will not.", True),
        (raw({"type": "message", "status": "incomplete", "content": []}), "", False),
        (raw(), "", False),
    ],
)
def test_the_last_word_is_told_from_the_others(reply: Reply, words: str, is_final: bool) -> None:
    with openai_server([reply]) as server:
        [said] = ask(model_of(server), Pictures().request(USER))
    assert (said.answer.words, said.answer.final) == (words, is_final)
    assert said.streamed("words").replace("\n", "") == words.replace("\n", "")


def test_several_calls_keep_their_order() -> None:
    with openai_server([together(actions(Click(1, 1)), function("plan", "{not json"), actions())]) as server:
        [said] = ask(model_of(server), Pictures().request(USER))
    first, second, third = said.answer.calls
    assert isinstance(second, FunctionCall)
    assert second.arguments == "{not json"
    assert (first.kind, third.kind) == ("screen", "screen")
    assert isinstance(third, ScreenCall)
    assert third.actions == ()


def test_usage_and_cost_are_booked_and_the_cache_is_used() -> None:
    pictures = Pictures()
    items: list[Item] = [FromUser("Write.", pictures.add(1440, 900))]
    with openai_server(lambda body: actions(Click(1, 1))) as server:
        model = model_of(server, "gpt-6.1-terra-2026-10-26")
        [said] = ask(model, pictures.request(*items))
        usage = said.answer.usage
        assert usage.input_tokens > 1_566
        assert usage.cached_tokens == 0
        assert usage.reasoning_tokens == 64
        assert usage.cost_usd == pytest.approx((usage.input_tokens * 1.25 + usage.output_tokens * 5) / 1e6)
        items += [FromModel(said.answer.output), ScreenReply(said.answer.calls[0].id, pictures.add(shade=1))]
        [said] = ask(model, pictures.request(*items))
        assert said.answer.usage.cached_tokens > 1_500


def test_a_model_without_a_price_has_tokens_but_no_cost() -> None:
    with openai_server([final("Hi.")], models=["house-model"]) as server:
        [said] = ask(model_of(server, "house-model"), Pictures().request(USER))
    assert said.answer.usage.output_tokens > 0
    assert said.answer.usage.cost_usd is None


def test_a_server_that_cannot_stream_is_understood() -> None:
    reply = actions(Click(3, 4), text="Look.", reasoning="Hm.")
    with openai_server([plain(reply), plain(final("Done."))]) as server:
        one, two = ask(model_of(server), Pictures().request(USER), Pictures().request(USER, FromDeskhand("Go on.")))
    assert isinstance(one.answer.calls[0], ScreenCall)
    assert one.answer.words == "Look."
    assert two.answer.final


def test_reasoning_that_nothing_follows_is_left_out_of_the_history() -> None:
    tail: Word = {"type": "reasoning", "summary": []}
    pictures = Pictures()
    with openai_server([together(commentary("Well."), raw(tail)), final("Done.")]) as server:
        [said] = ask(model_of(server), pictures.request(USER))
        ask(model_of(server), pictures.request(USER, FromModel(said.answer.output), FromDeskhand("Go on.")))
        assert server.refusals == []


def test_closing_the_iterator_hangs_up_at_once() -> None:
    reply = slow(final("one two three four five six seven eight nine ten " * 20), 0.05)
    with openai_server([reply]) as server:

        async def interrupt() -> float:
            model = model_of(server)
            async with aclosing(model.respond(Pictures().request(USER))) as stream:
                async for _ in stream:
                    break
                began = time.monotonic()
            await model.aclose()
            return time.monotonic() - began

        assert anyio.run(interrupt) < 0.5
        with server.changed:
            assert server.changed.wait_for(lambda: server.dropped == 1, 5)


def test_cancelling_while_waiting_hangs_up_at_once() -> None:
    with openai_server([slow(final("Hello"), 0.5)]) as server:

        async def interrupt() -> float:
            model, began = model_of(server), time.monotonic()
            with anyio.move_on_after(0.2):
                await listen(model.respond(Pictures().request(USER)))
            await model.aclose()
            return time.monotonic() - began

        assert 0.15 < anyio.run(interrupt) < 0.45


def test_turns_share_one_connection() -> None:
    with openai_server(lambda body: final("Hi.")) as server:
        requests = [Pictures().request(USER, session=f"s-{number}") for number in range(5)]
        ask(model_of(server), *requests)
        assert len({one.port for one in server.received}) == 1


def test_a_long_session_is_sent_whole_and_only_grows() -> None:
    pictures, turns = Pictures(), 40
    with openai_server(lambda body: actions(Scroll(5, 5, 0, 100))) as server:

        async def session() -> None:
            model = model_of(server)
            items: list[Item] = [FromUser("Read it all.", pictures.add())]
            for turn in range(turns):
                said = await listen(model.respond(pictures.request(*items)))
                items.extend(
                    (FromModel(said.answer.output), ScreenReply(said.answer.calls[0].id, pictures.add(shade=turn)))
                )
            await model.aclose()

        anyio.run(session)
        assert (server.refusals, server.rewrites, len(server.requests)) == ([], [], turns)
        assert len(server.requests[-1]["input"]) == 1 + 3 * (turns - 1)


def test_the_key_is_not_in_the_models_repr() -> None:
    assert repr(ResponsesModel("m", api_key="sk-very-secret-key")) == "ResponsesModel('m')"
