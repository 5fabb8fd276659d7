"""What servers of Chat Completions count, lack and refuse, each in its own words."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from agent.conversation import FromDeskhand, FromUser
from agent.errors import ModelFault, Transient
from agent.models.chat import ChatModel
from agent.models.pricing import Price, Prices
from agent.models.window import Windowed, known_window
from tests.support.chat_server import Body, ChatServer, Completion, Failure, chat_server, says, told
from tests.support.chat_talk import CLICK, JSON_CLICK, Talk
from ui.tools import FOR_DOCUMENTS, too_much_for

# ---- tokens and money


def test_tokens_are_the_servers_or_an_estimate_and_cost_nothing_on_ones_own_machine() -> None:
    with chat_server([says(CLICK, cached=640), says(CLICK, usage=False)]) as server:
        counted, guessed = Talk(server).turns(2)
    usage = counted.answer.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.estimated, usage.cost_usd) == (1_000, 640, False, 0.0)
    usage = guessed.answer.usage
    assert usage.estimated and usage.input_tokens > 300 and usage.output_tokens > 5 and usage.cost_usd == 0.0


def test_a_known_price_is_booked() -> None:
    prices = Prices("today", {"some-model": Price(input=1.0, output=2.0)})
    with chat_server([says(CLICK)]) as server:
        [said] = Talk(server, prices=prices).turns()
    assert said.answer.usage.cost_usd == pytest.approx((1_000 + 2 * said.answer.usage.output_tokens) / 1e6)


def test_it_says_how_much_it_takes() -> None:
    with chat_server([]) as server:
        model = Talk(server).model
    assert isinstance(model, Windowed)
    assert 0 < model.window.due < model.window.most


# ---- servers and their ways


def _refused(message: str, status: int = 400, **more: Any) -> Failure:
    return Failure(status, {"error": {"message": message, "type": "BadRequestError", "code": status} | more})


VLLM_TOOLS = _refused('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')
OLLAMA_TOOLS = _refused("registry.ollama.ai/library/some-model:latest does not support tools")
LLAMA_TOOLS = Failure(
    500, {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}
)


@pytest.mark.parametrize("refusal", [VLLM_TOOLS, OLLAMA_TOOLS, LLAMA_TOOLS])
def test_a_server_without_functions_gets_them_in_the_text(refusal: Failure) -> None:
    with chat_server(lambda body: says(JSON_CLICK), no_tools=refusal) as server:
        talk = Talk(server, "functions")
        [first, second] = talk.turns(2)
    assert first.answer.calls and second.answer.calls
    assert [bool(body.get("tools")) for body in server.requests] == [True, False, False], "it is asked once only"
    assert "Runs a command." in server.requests[1]["messages"][0]["content"]
    assert server.rewrites == []


def test_a_server_that_does_not_count_is_not_asked_to() -> None:
    refusal = _refused("Extra inputs are not permitted: stream_options", 422)
    with chat_server([says(CLICK, usage=False)], no_usage=refusal) as server:
        [said] = Talk(server).turns()
    assert said.answer.usage.estimated and "stream_options" not in server.requests[-1]


def test_a_server_that_wants_other_words_gets_them() -> None:
    """As OpenAI's own does for its newer models."""

    def script(body: Body) -> Completion | Failure:
        if "max_tokens" in body:
            return _refused("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return (
            _refused("Unsupported value: 'temperature' does not support 0.0.") if "temperature" in body else says(CLICK)
        )

    with chat_server(script) as server:
        Talk(server).turns(2)
    assert [("temperature" in body, "max_tokens" in body) for body in server.requests[-2:]] == [(False, False)] * 2
    assert len(server.requests) == 4


def test_after_the_users_word_three_broken_answers_are_counted_anew() -> None:
    broken = says("Action: fly()")
    with chat_server([broken] * 4) as server:
        talk = Talk(server)
        talk.turns(2)
        talk.items.append(FromUser("Only click, please."))
        talk.turns(2)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9392 tokens (1200 in the messages, "
        "8192 in the completion). Please reduce the length of the messages or completion.",
        "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8192 "
        "tokens and your request has 1200 input tokens (8192 > 8192 - 1200).",
    ],
)
def test_an_answer_that_would_not_fit_is_asked_for_shorter(message: str) -> None:
    with chat_server([_refused(message), says(CLICK), says(CLICK)]) as server:
        Talk(server).turns(2)
    assert [body["max_tokens"] for body in server.requests] == [8_192, 6_992, 6_992]


OVERFLOWS = [
    _refused("This model's maximum context length is 8192 tokens. However, you requested 9001 tokens."),
    _refused("The input (61709 tokens) is longer than the model's context length (40960 tokens)."),
    Failure(
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 14429,
                "n_ctx": 8192,
            }
        },
    ),
    Failure(200, {"error": "Trying to keep the first 6547 tokens when context the overflows. However, the model is "
                           "loaded with context length of only 4096 tokens, which is not enough."}, event=True),
]  # fmt: skip


@pytest.mark.parametrize("refusal", OVERFLOWS)
def test_a_conversation_that_is_too_long_is_one_for_every_server(refusal: Failure) -> None:
    with chat_server([refusal]) as server:
        fault = Talk(server).fault()
    assert isinstance(fault, ModelFault) and fault.code == "context_length_exceeded", fault


@pytest.mark.parametrize(
    ("refusal", "code", "said"),
    [
        (_refused("At most 1 image(s) may be provided in one prompt."), "too_few_pictures", "--limit-mm-per-prompt"),
        (_refused("At most 0 image(s) may be provided in one prompt."), "no_pictures", "use a vision model"),
        (_refused("this model does not support image input"), "no_pictures", "use a vision model"),
        (_refused("image input is not supported - hint: you may need to provide the mmproj", 500),
         "no_pictures", "--mmproj"),
        (Failure(400, {"error": "Model does not support images. Please use another."}), "no_pictures", "vision"),
        (_refused("The model `some-model` does not exist.", 404), "model_not_found", "it has llava, qwen3-vl:8b"),
        (_refused('model "some-model" not found, try pulling it first', 404), "model_not_found", "it has llava"),
        (Failure(400, {"error": {"message": "No models loaded. Load one."}}), "model_not_found", "it has llava"),
        (_refused("Conversation roles must alternate user/assistant/user/assistant/..."), "chat_template", "template"),
        (Failure(404, {"detail": "Not Found"}), "404", "no such API"),
        (Failure(200, "<html><body>It works!</body></html>", "text/html"), "not_the_api", "HTML"),
        (Failure(200, '{"hello": 1}'), "not_the_api", "application/json"),
    ],
)  # fmt: skip
def test_what_only_a_person_can_mend_says_how(refusal: Failure, code: str, said: str) -> None:
    with chat_server([refusal], models=["llava", "qwen3-vl:8b"]) as server:
        fault = Talk(server).fault()
    assert isinstance(fault, ModelFault), fault
    assert (fault.code, said in str(fault)) == (code, True), fault


def test_a_missing_model_is_told_even_where_nothing_is_listed() -> None:
    with chat_server([_refused("The model `some-model` does not exist.", 404)], models=[]) as server:
        fault = Talk(server).fault()
    assert isinstance(fault, ModelFault) and "there is no model 'some-model'" in str(fault)


@pytest.mark.parametrize(
    "failure",
    [
        _refused("CUDA out of memory", 500),
        Failure(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}),
        Failure(200, {"error": {"message": "EngineCore encountered an issue", "code": None}}, event=True),
    ],
)
def test_what_may_pass_is_said_to(failure: Failure) -> None:
    with chat_server([failure]) as server:
        assert isinstance(Talk(server).fault(), Transient)


def test_a_server_that_is_not_there_is_out_of_reach() -> None:
    with chat_server([]) as server:
        url = server.url
    talk = Talk(ChatServer([], url=url))
    assert "cannot reach" in str(talk.fault())


def test_the_key_is_sent_where_there_is_one_and_told_nowhere() -> None:
    key = "secret-key-of-the-house"
    with chat_server([says(CLICK), _refused(f"Bad key {key}")], key=key) as server:
        talk = Talk(server, api_key=key)
        talk.turns()
        assert key not in repr(talk.model)
        assert key not in str(talk.fault())
    with chat_server([], key=key) as server:
        assert "API key was refused" in str(Talk(server).fault())


def test_turns_are_read_with_what_servers_do_differently() -> None:
    """Content in parts, arguments as an object, ids that come again, a call without an index."""

    def odd(body: Body) -> Failure:
        delta: Body = {
            "content": [{"type": "text", "text": "Hm."}],
            "tool_calls": [{"id": "call_0", "function": {"name": "computer", "arguments": {"type": "wait"}}}],
        }
        chunk = {"id": "x", "choices": [{"delta": delta, "finish_reason": "stop"}]}
        return Failure(200, chunk, event=True)

    with chat_server(odd) as server:
        first, second = Talk(server, "functions").turns(2)
    ids = [said.answer.calls[0].id for said in (first, second)]
    assert len(set(ids)) == 2 and first.answer.words == "Hm."
    assert server.refusals == []


def test_half_characters_from_a_screen_break_no_request() -> None:
    with chat_server([says(CLICK)]) as server:
        talk = Talk(server)
        talk.items.append(FromDeskhand("A name: \ud83d and \U0001f600"))
        talk.turns()
    assert "A name: \ufffd and \U0001f600" in told(server.requests[0])[-1]


async def _learn(model: ChatModel) -> None:
    await model.learn_window()
    await model.aclose()


@pytest.mark.parametrize(
    ("about", "window"),
    [
        ({"max_model_len": 32_768}, 32_768),
        ({"max_context_length": 131_072, "loaded_context_length": 8_192}, 8_192),
        ({"context_length": 262_144}, 262_144),
        ({"meta": {"n_ctx": 16_384, "n_ctx_train": 131_072}}, 16_384),
        ({"max_model_len": "much"}, None),
        ({"max_model_len": 3}, None),
        ({"meta": None}, None),
        ({}, None),
    ],
)
def test_the_window_is_what_the_server_says(about: Body, window: int | None) -> None:
    with chat_server([], models=["other", "some-model"], about=about) as server:
        model = Talk(server).model
        assert known_window(model) is None
        anyio.run(_learn, model)
    assert known_window(model) == window
    assert model.window.most == (window or 100_000) and model.window.due < model.window.most
    assert too_much_for(model) == (FOR_DOCUMENTS if window and window < 64_000 else ())
