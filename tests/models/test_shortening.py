"""OpenAI's own way to make a conversation shorter, by the real client against the strict server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from agent.conversation import NEWEST_SCREEN, FromDeskhand, FromModel, FromUser, Item, Request, ScreenReply, shortened
from agent.errors import ModelFault, Transient
from agent.events import Compacted
from agent.handover import SHORTENED
from agent.models.failures import BadAnswer
from agent.models.responses import ResponsesModel
from agent.models.shortening import MOST_KEPT
from agent.models.window import CONTEXT_FULL, Shortened, Window, is_overflow, window_named, window_of
from agent.values import ImageRef
from tests.support.openai_checks import image_urls
from tests.support.openai_script import Body, Raw, actions, final, http_error
from tests.support.openai_server import Server, openai_server, told
from tests.support.talk import Pictures, ask, model_of

CLICK = {"type": "click", "x": 1, "y": 2, "button": "left"}


def conversation(server: Server, pictures: Pictures, notes: int = 1) -> tuple[ResponsesModel, list[Item]]:
    """One real turn, so that reasoning and call are such as the server has sent."""
    model = model_of(server)
    items: list[Item] = [FromUser("Fill the form.", pictures.add())]
    items += [FromDeskhand(f"Note {number}.", pictures.add(shade=number + 1)) for number in range(notes)]
    answer = ask(model, pictures.request(*items))[0].answer
    [call] = answer.calls
    return model, [*items, FromModel(answer.output), ScreenReply(call.id, pictures.add(shade=99))]


def compact(model: ResponsesModel, request: Request) -> Shortened | None:
    async def main() -> Shortened | None:
        try:
            return await model.compact(request)
        finally:
            await model.aclose()

    return anyio.run(main)


def after(items: list[Item], made: Shortened, screen: ImageRef) -> list[Item]:
    event = Compacted(1, "provider", "", SHORTENED, output=made.output, images=made.images, screens=(screen,))
    return shortened(items, event)


def test_what_comes_back_is_sent_on_as_it_is() -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK), final("Done.")]) as server:
        model, items = conversation(server, pictures)
        made = compact(model, pictures.request(*items))
        assert made
        assert "base64" not in json.dumps(made.output), "pictures are in the journal already"
        assert len(made.images) == 2
        assert made.usage.cost_usd and made.usage.input_tokens
        screen = items[-1]
        assert isinstance(screen, ScreenReply)
        ask(model, pictures.request(*after(items, made, screen.image)))
        assert server.refusals == server.rewrites == []
        sent = server.requests[-1]["input"]
        assert [item["type"] for item in sent[:4]] == ["message", "message", "compaction", "message"]
        assert sum(len(image_urls(item)) for item in sent) == 3
        assert told(server.requests[-1])[0] == "Fill the form."
        assert told(server.requests[-1], "developer") == [SHORTENED, NEWEST_SCREEN]
        assert len(server.compacted) == 1 and server.shortened == [2]


def test_the_request_repeats_what_was_sent_and_holds_nothing_else() -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK)]) as server:
        model, items = conversation(server, pictures)
        compact(model, pictures.request(*items))
        body = server.compacted[0].body
        assert set(body) == {"model", "instructions", "input", "prompt_cache_key"}
        assert body["input"][: len(server.requests[0]["input"])] == server.requests[0]["input"]


def test_it_can_be_made_shorter_again() -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK), actions(CLICK), final("Done.")]) as server:
        model, items = conversation(server, pictures)
        made = compact(model, pictures.request(*items))
        assert made
        items = after(items, made, pictures.add(shade=7))
        answer = ask(model, pictures.request(*items))[0].answer
        newest = pictures.add(shade=8)
        items += [FromModel(answer.output), ScreenReply(answer.calls[0].id, newest)]
        again = compact(model, pictures.request(*items))
        assert again and len([word for word in again.output if word["type"] == "compaction"]) == 1
        ask(model, pictures.request(*after(items, again, newest)))
        assert server.refusals == server.rewrites == []
        assert server.shortened == [2, 3]


def test_where_too_many_pictures_would_stay_a_summary_is_due() -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK)]) as server:
        model, items = conversation(server, pictures, notes=MOST_KEPT)
        assert compact(model, pictures.request(*items)) is None
        assert server.compacted == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_it_is_asked_once(status: int) -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK)], compacting=lambda _: http_error(status)) as server:
        model, items = conversation(server, pictures)
        assert compact(model, pictures.request(*items)) is None
        assert compact(model, pictures.request(*items)) is None
        assert len(server.compacted) == 1


def output(*items: Any) -> Callable[[Body], Raw]:
    return lambda _: Raw(200, json.dumps({"id": "r", "output": list(items), "usage": {"input_tokens": 7}}))


def said(text: str, content_type: str = "application/json") -> Callable[[Body], Raw]:
    return lambda _: Raw(200, text, content_type)


COMPACTION = {"type": "compaction", "id": "c", "encrypted_content": "x"}


@pytest.mark.parametrize(
    "answer",
    [
        output(),
        output({"type": "message"}),
        output(COMPACTION, COMPACTION),
        output({"type": "compaction", "id": "c"}),
        output("compaction"),
        output({"type": "compaction", "id": "c", "encrypted_content": "x" * 9_000_000}),
        said('{"output": "all of it"}'),
        said("[]"),
        said('"yes"'),
        said("<html></html>", "text/html"),
    ],
)
def test_what_is_no_shorter_conversation_is_told_apart(answer: Callable[[Body], Raw]) -> None:
    pictures = Pictures()
    with openai_server([actions(CLICK)], compacting=answer) as server:
        model, items = conversation(server, pictures)
        with pytest.raises(BadAnswer):
            compact(model, pictures.request(*items))


def test_other_failures_are_those_of_any_request() -> None:
    pictures = Pictures()
    too_long = http_error(400, CONTEXT_FULL, "Your input exceeds the context window of this model.")
    answers = [http_error(503), http_error(401, "invalid_api_key"), too_long]
    with openai_server([actions(CLICK)], compacting=lambda _: answers.pop(0)) as server:
        model, items = conversation(server, pictures)
        with pytest.raises(Transient):
            compact(model, pictures.request(*items))
        with pytest.raises(ModelFault, match="API key"):
            compact(model, pictures.request(*items))
        with pytest.raises(ModelFault) as raised:
            compact(model, pictures.request(*items))
        assert raised.value.code == CONTEXT_FULL


def test_a_summary_is_asked_for_with_the_tools_in_place_and_no_call_allowed() -> None:
    pictures = Pictures()
    with openai_server([final("A summary.")]) as server:
        request = pictures.request(FromUser("Hi."))
        speak = Request(request.session, request.instructions, request.items, request.load, (), True, 500)
        ask(model_of(server), speak)
        [body] = server.requests
        assert (body["tool_choice"], body["max_output_tokens"]) == ("none", 500)
        assert body["tools"] == [{"type": "computer"}]


# ---- windows


def test_windows_are_known_by_name_and_end_before_all_gets_dearer() -> None:
    assert window_of("gpt-6.1-terra") == Window(922_000, 737_600)
    assert window_of("gpt-6.1-terra-2026-10-26", 272_000) == Window(922_000, 244_800)
    assert window_of("gpt-5.5", 272_000) == Window(272_000, 217_600)
    assert window_of("somebodys/model") == Window(100_000, 80_000)


@pytest.mark.parametrize(
    ("message", "window"),
    [
        ("Your input exceeds the context window of this model. Please adjust your input and try again.", None),
        (
            "This model's maximum context length is 32768 tokens. However, you requested 40113 tokens (36017 in the "
            "messages, 4096 in the completion).",
            32768,
        ),
        ("The decoder prompt (length 5215) is longer than the maximum model length of 4096.", 4096),
        ("the request exceeds the available context size. try increasing the context size or enable shift", None),
        ("Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context "
         "length of only 4096 tokens, which is not enough.", 4096),
        ("prompt is too long: 205032 tokens > 200000 maximum", None),
    ],
)  # fmt: skip
def test_servers_words_for_too_long(message: str, window: int | None) -> None:
    assert is_overflow(400, "", message)
    assert window_named(message) == window


@pytest.mark.parametrize("message", ["Invalid 'input[3]'.", "The image is too large.", "max_output_tokens is too long"])
def test_other_refusals_are_no_overflow(message: str) -> None:
    assert not is_overflow(400, "invalid_value", message)
