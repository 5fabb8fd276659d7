"""The local server refuses what the real one refuses; a lenient one would prove nothing."""

from __future__ import annotations

import base64
import copy
import http.client
import io
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from actuators.actions import Click
from tests.support.openai_script import Reply, actions, final, function, hang, http_error, slow, together
from tests.support.openai_server import KEY, Server, last_picture, openai_server, told

ROOT = Path(__file__).parents[2]
Body = dict[str, Any]


def picture(width: int = 64, height: int = 48, kind: str = "png") -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (9, 9, 9)).save(buffer, kind)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


PNG = picture()


def user(text: str = "Go.", **extra: Any) -> Body:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]} | extra


def shot(call: str, url: str = PNG, **extra: Any) -> Body:
    output = {"type": "computer_screenshot", "image_url": url, "detail": "original"}
    return {"type": "computer_call_output", "call_id": call, "output": output} | extra


def body(*items: Body, **extra: Any) -> Body:
    return {"model": "gpt-6.1-terra", "input": list(items), "store": False, "stream": False} | extra


def post(server: Server, request: Body, key: str = KEY, path: str = "/responses") -> tuple[int, Body]:
    """Status and JSON of one request."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    made = urllib.request.Request(server.url + path, json.dumps(request).encode(), headers)
    try:
        with urllib.request.urlopen(made, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def refusal(server: Server, request: Body) -> str:
    """The message with which a request is refused."""
    status, answer = post(server, request)
    assert status == 400, answer
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    return answer["error"]["message"]


def turn(server: Server, *items: Body) -> list[Body]:
    """The output of an accepted request."""
    status, answer = post(server, body(*items))
    assert status == 200, answer
    return answer["output"]


SCREEN = actions(Click(1, 2), reasoning="Hm.")


def test_a_correct_conversation_is_accepted() -> None:
    script = [SCREEN, together(function("plan", {}), actions()), final("Done.")]
    with openai_server(script) as server:
        one = turn(server, user())
        two = turn(server, user(), *one, shot(one[-1]["call_id"]))
        answers = [
            {"type": "function_call_output", "call_id": two[0]["call_id"], "output": "ok"},
            shot(two[-1]["call_id"], picture(kind="webp")),
        ]
        turn(server, user(), *one, shot(one[-1]["call_id"]), *two, *answers, user("Faster."))
        assert (server.refusals, server.rewrites) == ([], [])
        assert told(server.requests[-1]) == ["Go.", "Faster."]
        assert last_picture(server.requests[-1]).size == (64, 48)


def without(output: list[Body], kind: str) -> list[Body]:
    return [item for item in output if item["type"] != kind]


def altered(output: list[Body]) -> list[Body]:
    changed = copy.deepcopy(output)
    changed[-1]["actions"][0]["x"] = 99
    return changed


Spoil = Callable[[list[Body], str], list[Body]]
WRONG_KIND = "No tool call found for function call output with call_id {call}"
SPOILT: list[tuple[Spoil, str]] = [
    (lambda out, call: [*out], "No tool output found for computer call {call}"),
    (lambda out, call: [*out, user("Go on.")], "No tool output found for computer call {call}"),
    (lambda out, call: [*out, shot(call), shot(call)], "Duplicate output found for call_id {call}"),
    (lambda out, call: [*out, shot(call), shot("call_9")], "No tool call found for computer call output"),
    (lambda out, call: [shot(call), *out], "No tool call found for computer call output"),
    (lambda out, call: [*out, {"type": "function_call_output", "call_id": call, "output": "ok"}], WRONG_KIND),
    (lambda out, call: [*out, *out, shot(call)], "Duplicate item found with id rs_"),
    (lambda out, call: out[:1], "was provided without its required following item"),
    (lambda out, call: [out[0], user(), *out[1:], shot(call)], "without its required following item"),
    (lambda out, call: [*without(out, "reasoning"), shot(call)], "without its required 'reasoning' item: 'rs_"),
    (lambda out, call: [*altered(out), shot(call)], "is not what the model wrote: actions.0.x"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_a_broken_history_is_refused(spoil: Spoil, said: str) -> None:
    with openai_server([SCREEN]) as server:
        output = turn(server, user())
        call = output[-1]["call_id"]
        assert said.format(call=call) in refusal(server, body(user(), *spoil(output, call)))
        assert len(server.refusals) == 1


def test_checks_must_be_acknowledged() -> None:
    checks = [{"id": "sc_1", "code": "c", "message": "m"}, {"id": "sc_2", "code": "c", "message": "m"}]
    with openai_server([actions(Click(1, 2), checks=checks), final("Done.")]) as server:
        output = turn(server, user())
        call = output[-1]["call_id"]
        assert "sc_1 of" in refusal(server, body(user(), *output, shot(call)))
        half = shot(call, acknowledged_safety_checks=checks[:1])
        assert "sc_2 of" in refusal(server, body(user(), *output, half))
        turn(server, user(), *output, shot(call, acknowledged_safety_checks=checks))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (picture(1, 1), "too small"),
        ("data:image/png;base64,AAAA", "does not represent a valid image"),
        ("data:image/png;base64,%%%", "does not represent a valid image"),
        (PNG[: len(PNG) // 2], "does not represent a valid image"),
        ("https://example.test/x.png", "Expected a base64-encoded data URL"),
        ("data:text/plain;base64,AAAA", "Expected a base64-encoded data URL"),
    ],
)
def test_pictures_must_be_pictures(url: str, said: str) -> None:
    with openai_server([SCREEN]) as server:
        output = turn(server, user())
        assert said in refusal(server, body(user(), *output, shot(output[-1]["call_id"], url)))
        part = {"type": "input_image", "image_url": url, "detail": "original"}
        assert said in refusal(server, body(user(content=[part])))


@pytest.mark.parametrize(
    ("request_body", "said"),
    [
        (body(), "Missing required parameter: 'input'"),
        (body(user(), colour="red"), "Unknown parameter: 'colour'"),
        (body(user(), store="no way"), "store"),
        (body(user(), tools=[{"type": "computer", "display_width": 3}]), "display_width"),
        (body(user(), tools=[{"type": "hammer"}]), "tools"),
        (body(user(), reasoning={"effort": "none"}, model="gpt-6-astra"), "does not support 'none'"),
        (body(user(), temperature=0.5), "Unsupported parameter: 'temperature'"),
        (body(user(), previous_response_id="resp_1"), "Previous response cannot be found"),
        (body(user(), stream_options={"include_obfuscation": False}), "stream_options"),
        (body(user(created_by="me")), "created_by: not known here"),
        (body(user(role="boss")), "role"),
        (body(user(content=[{"type": "input_text"}])), "content"),
        (body({"type": "telepathy"}), "Invalid value: 'telepathy'"),
        (body({"type": "reasoning", "summary": []}, user()), "id"),
        (
            body(user(role="developer", content=[{"type": "input_image", "image_url": PNG, "detail": "auto"}])),
            "Pictures",
        ),
        (body(shot("call_1") | {"output": {"type": "computer_screenshot", "detail": "sharp"}}), "'sharp'"),
        (body(shot("call_1") | {"output": {"type": "computer_screenshot", "text": "hi"}}), "text: not known here"),
        (body({"type": "function_call_output", "call_id": "c", "output": 3}), "output"),
    ],
)
def test_what_the_clients_own_types_do_not_allow_is_refused(request_body: Body, said: str) -> None:
    with openai_server([final("Never.")]) as server:
        assert said in refusal(server, request_body)


def test_history_of_another_server_is_held_against_the_types() -> None:
    """A session that is resumed later: ids are unknown then, shapes are not."""
    call = {"type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed"}
    call |= {"pending_safety_checks": [], "actions": [{"type": "click", "x": 1, "y": 2, "button": "left"}]}
    with openai_server([final("Done.")]) as server:
        assert "actions.0" in refusal(server, body(user(), call | {"actions": [{"type": "teleport"}]}, shot("call_1")))
        turn(server, user(), call, shot("call_1"))


def test_keys_models_paths_and_sizes() -> None:
    with openai_server([final("Hi.")], context_tokens=500) as server:
        status, answer = post(server, body(user()), key="sk-wrong")
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
        status, answer = post(server, body(user(), model="gpt-99"))
        assert (status, answer["error"]["code"]) == (404, "model_not_found")
        assert post(server, body(user()), path="/chat/completions")[0] == 404
        assert "context window" in refusal(server, body(user("word " * 1_000)))
        assert post(server, body(user(), model="gpt-6.1-terra-2026-10-26"))[0] == 200
        assert "The script has only 1 steps" in refusal(server, body(user()))


def test_usage_counts_pictures_and_the_cached_prefix() -> None:
    with openai_server(lambda _: final("Hi.")) as server:
        first = user(content=[{"type": "input_image", "image_url": picture(1440, 900), "detail": "original"}])
        one = post(server, body(first, prompt_cache_key="s"))[1]
        assert 1_566 <= one["usage"]["input_tokens"] <= 1_640
        assert one["usage"]["input_tokens_details"]["cached_tokens"] == 0
        history = [first, *one["output"], user("More.")]
        two = post(server, body(*history, prompt_cache_key="s"))[1]
        assert two["usage"]["input_tokens_details"]["cached_tokens"] == 1_536
        assert server.rewrites == []
        post(server, body(user("Other."), *history[1:], prompt_cache_key="s"))
        assert server.rewrites == ["request 3 changes item 0 of the one before"]


def test_steps_may_look_at_the_request() -> None:
    def echo(request: Body) -> Reply:
        return final(told(request)[-1].upper())

    with openai_server([echo, http_error(500)]) as server:
        assert turn(server, user("hello"))[0]["content"][0]["text"] == "HELLO"
        assert post(server, body(user()))[0] == 500


def test_nothing_is_left_behind_while_clients_still_wait() -> None:
    before = threading.active_count()
    with openai_server([hang(60), slow(final("a b c d"), 60)]) as server:
        clients = [threading.Thread(target=cut_short, args=(server,)) for _ in range(2)]
        for client in clients:
            client.start()
        assert server.wait_for(2)
        began = time.monotonic()
    assert time.monotonic() - began < 8
    for client in clients:
        client.join(5)
    assert threading.active_count() == before


def cut_short(server: Server) -> None:
    """Read a stream whose end must not come."""
    headers = {"Authorization": f"Bearer {KEY}"}
    made = urllib.request.Request(f"{server.url}/responses", json.dumps(body(user(), stream=True)).encode(), headers)
    with suppress(OSError, http.client.HTTPException), urllib.request.urlopen(made, timeout=10) as response:
        assert b"response.completed" not in response.read()


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    script, port, log = tmp_path / "script.json", tmp_path / "port", tmp_path / "log.jsonl"
    steps = [{"reply": "actions", "args": [{"type": "wait"}], "options": {"text": "Hm."}, "delay": 0.001}]
    script.write_text(json.dumps([*steps, {"reply": "final", "args": ["Done."]}]))
    command = [sys.executable, "-m", "tests.support.openai_server", str(script), "--port-file", str(port)]
    with subprocess.Popen([*command, "--log", str(log)], cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + 10
            while not port.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            server = Server([], url=f"http://127.0.0.1:{port.read_text()}/v1")
            assert [item["type"] for item in turn(server, user())] == ["reasoning", "message", "computer_call"]
            assert turn(server, user("Again."))[0]["phase"] == "final_answer"
            while not (log.exists() and log.read_text().count("\n") == 2) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert [told(json.loads(line)) for line in log.read_text().splitlines()] == [["Go."], ["Again."]]
        finally:
            process.terminate()
    assert process.returncode == -15
