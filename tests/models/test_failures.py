"""Every way in which a provider can fail, mapped to who can mend it; the key is never told."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import pkgutil
import socket
import time
import traceback
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast

import anyio
import httpx2
import openai
import pytest

from agent.conversation import FromUser
from agent.errors import ModelFault, Transient
from agent.models.failures import BadAnswer, Failures
from agent.models.responses import ResponsesModel
from agent.models.web import check_settings, retry_after
from tests.support.openai_script import (
    Raw,
    Scripted,
    cut,
    endless_text,
    failed,
    final,
    garbage,
    hang,
    html,
    http_error,
    incomplete,
    plain,
    raw,
    reset,
    silence,
    slow,
    unfinished,
)
from tests.support.openai_server import KEY, openai_server
from tests.support.talk import MODEL, Pictures, ask, fault, listen, model_of

SECRET = "sk-proj-Zq81hhTf0_secret-9Yx"
WHERE = "https://api.example.test/v1"
FAILURES = Failures(model="m", base_url=WHERE, api_key=SECRET, timeout=180)
REQUEST = Pictures().request(FromUser("Write."))
BLOCKED = {
    "error_type": "potentially_unintended_data_transfer",
    "detailed_explanation": "It was about to mail the payroll.",
    "steer": {"message": "Tell it not to."},
    "review_target": "rv_1",
}


def against(scripted: Scripted, **settings: Any) -> ModelFault | Transient:
    """What a request ends in that is answered so."""
    with openai_server([scripted]) as server:
        return fault(model_of(server, **settings), REQUEST)


def classes_of_the_client() -> Iterator[type[Exception]]:
    """Every exception class that any module of the client library defines."""
    for module in pkgutil.walk_packages(openai.__path__, "openai."):
        if module.name.startswith(("openai.types", "openai.cli", "openai.resources", "openai.__main__")):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = importlib.import_module(module.name)
            except (ImportError, openai.OpenAIError):  # optional dependencies that are not installed
                continue
        for _, value in inspect.getmembers(found, inspect.isclass):
            if issubclass(value, Exception) and value.__module__.startswith("openai"):
                yield value


def made(kind: type[Exception]) -> Exception:
    """An instance as the library would make it, or a bare one."""
    request = httpx2.Request("POST", WHERE)
    if issubclass(kind, openai.APIStatusError):
        response = httpx2.Response(getattr(kind, "status_code", 500), request=request)
        if issubclass(kind, openai.OAuthError):
            return kind(response=response, body=None)
        return kind("No.", response=response, body=None)
    if issubclass(kind, openai.APIResponseValidationError):
        return kind(httpx2.Response(200, request=request), None)
    if issubclass(kind, openai.APITimeoutError):
        return kind(request)
    if issubclass(kind, openai.APIConnectionError):
        return kind(request=request)
    if issubclass(kind, openai.APIError):
        return kind("No.", request, body=None)
    return kind.__new__(kind)


def test_no_exception_of_the_client_library_is_unmapped() -> None:
    kinds = set(classes_of_the_client())
    assert {openai.RateLimitError, openai.APITimeoutError, openai.WebSocketQueueFullError} <= kinds
    assert len(kinds) > 25
    unmapped = [kind for kind in kinds if FAILURES.of_exception(made(kind)) is None]
    assert unmapped == []


def test_no_exception_of_the_http_library_is_unmapped() -> None:
    kinds = [kind for _, kind in inspect.getmembers(httpx2, inspect.isclass) if issubclass(kind, Exception)]
    unmapped = {kind.__name__ for kind in kinds if FAILURES.of_exception(kind.__new__(kind)) is None}
    assert unmapped <= {"CookieConflict"}


def test_our_own_bugs_stay_bugs() -> None:
    assert FAILURES.of_exception(KeyError("x")) is None
    assert FAILURES.of_exception(AssertionError()) is None


@pytest.mark.parametrize(
    ("scripted", "code", "said"),
    [
        (
            http_error(403, "misalignment_policy_violation", "Stopped.", misalignment=BLOCKED),
            "misalignment_policy_violation",
            "(403 misalignment_policy_violation [potentially_unintended_data_transfer]): "
            "It was about to mail the payroll.; it adds: Tell it not to.",
        ),
        (http_error(403, "country", "Not in this country."), "country", "(403 country): Not in this country."),
        (http_error(403, None, "Forbidden."), "403", "(403): Forbidden."),
        (http_error(400, "invalid_value", "Bad\nvalue."), "invalid_value", "(400): Bad value."),
        (http_error(413, None, "Too large."), "413", "(413): Too large."),
        (http_error(422, "odd", "Odd."), "odd", "(422): Odd."),
        (http_error(429, "insufficient_quota", "Out of money."), "insufficient_quota", "billing"),
        (http_error(429, "rate_limit_exceeded", "Stop.", {"x-should-retry": "false"}), "rate_limit_exceeded", "limits"),
        (http_error(404, None, "Not Found"), "404", "look at OPENAI_BASE_URL"),
        (html(), "not_the_api", "OPENAI_BASE_URL answered HTML, not the API"),
        (html(404), "not_the_api", "usually ends in /v1"),
        (Raw(200, "pong", "text/plain"), "not_the_api", "answered text/plain"),
        (Raw(200, '{"choices": []}'), "not_the_api", "answered application/json"),
        (
            Raw(307, "", headers={"Location": "https://me:pw@elsewhere.test/v1"}),
            "moved",
            "points to https://elsewhere.test/v1",
        ),
        (failed("invalid_prompt", "No such prompt."), "invalid_prompt", "refused: No such prompt."),
        (failed("image_parse_error", "Not a picture."), "image_parse_error", "Not a picture."),
        (
            failed("misalignment_policy_violation", "Stop.", misalignment=BLOCKED),
            "misalignment_policy_violation",
            "payroll",
        ),
        (incomplete("content_filter"), "content_filter", "content filter"),
        (plain(failed("invalid_prompt", "No.")), "invalid_prompt", "refused: No."),
    ],
)
def test_what_will_not_pass_ends_in_a_model_fault(scripted: Scripted, code: str, said: str) -> None:
    error = against(scripted)
    assert isinstance(error, ModelFault)
    assert error.code == code
    assert said in str(error)
    assert "\n" not in str(error)


def test_a_policy_stop_keeps_what_the_provider_said() -> None:
    error = against(http_error(403, "misalignment_policy_violation", "Stopped.", misalignment=BLOCKED))
    assert isinstance(error, ModelFault)
    assert error.details["misalignment"] == BLOCKED
    assert error.details["request_id"] == "req_local"


@pytest.mark.parametrize(
    ("scripted", "said"),
    [
        (http_error(429, "rate_limit_exceeded", "Too fast."), "answered 429: Too fast."),
        (http_error(500, "server_error", "Oops."), "answered 500: Oops."),
        (http_error(503, None, "Overloaded."), "answered 503"),
        (http_error(408, None, "Slow."), "answered 408"),
        (http_error(409, None, "Locked."), "answered 409"),
        (html(502), "answered 502"),
        (failed("server_error"), "failed: The server had an error. (server_error)"),
        (failed("rate_limit_exceeded", "Too fast."), "Too fast. (rate_limit_exceeded)"),
        (failed(""), "failed"),
        (cut(0), "http://127.0.0.1"),
        (cut(4), "http://127.0.0.1"),
        (unfinished(), "cut the answer short"),
        (garbage(), "broken stream"),
        (reset(), "cannot reach http://127.0.0.1"),
    ],
)
def test_what_may_pass_is_transient(scripted: Scripted, said: str) -> None:
    error = against(scripted)
    assert type(error) is Transient
    assert said in str(error)


@pytest.mark.parametrize("scripted", [silence(30), hang(30, 0), hang(30, 4), hang(30, 4, pings=True)])
def test_silence_ends_as_transient_even_on_a_line_that_is_kept_alive(scripted: Scripted) -> None:
    began = time.monotonic()
    error = against(scripted, timeout=0.4)
    assert time.monotonic() - began < 8
    assert type(error) is Transient
    assert "said nothing for 0.4 s" in str(error)


def test_a_slow_stream_is_no_silence() -> None:
    with openai_server([slow(final("one two three four"), 0.15)]) as server:
        [said] = ask(model_of(server, timeout=0.6), REQUEST)
    assert said.answer.words == "one two three four"


def test_text_without_an_end_is_cut_off_and_its_cost_is_told() -> None:
    for scripted in (endless_text(), incomplete("max_output_tokens"), endless_text(obedient=False)):
        error = against(scripted, max_output_tokens=2_000)
        assert isinstance(error, BadAnswer)
        assert "without an end" in str(error)
    error = against(endless_text(), max_output_tokens=2_000)
    assert isinstance(error, BadAnswer)
    assert error.usage.output_tokens >= 2_000


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.done", "output_index": 0},
        {"type": "response.output_item.done", "item": 7},
        {"type": "response.completed"},
        {"type": "response.completed", "response": []},
        ["not", "an", "event"],
    ],
)
def test_events_of_the_wrong_shape_are_a_malformed_answer(event: Any) -> None:
    error = against(Raw(200, f"data: {json.dumps(event)}\n\n", "text/event-stream"))
    assert isinstance(error, BadAnswer)
    assert "malformed answer" in str(error)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "server_error", "message": "Oops."}, Transient),
        ({"type": "error", "code": "invalid_prompt", "message": "Oops."}, ModelFault),
        ({"type": "error", "error": {"code": "invalid_prompt", "message": "Oops."}}, ModelFault),
        ({"error": {"code": "rate_limit_exceeded", "message": "Oops."}}, Transient),
    ],
)
def test_an_error_in_the_middle_of_a_stream_is_mapped_by_its_code(event: Any, kind: type[Exception]) -> None:
    error = against(Raw(200, f"event: error\ndata: {json.dumps(event)}\n\n", "text/event-stream"))
    assert type(error) is kind
    assert "Oops." in str(error)


def test_the_wrong_key_the_unknown_model_and_the_overflow_say_what_to_do() -> None:
    with openai_server([], context_tokens=1_000) as server:
        wrong = fault(model_of(server, api_key=SECRET), REQUEST)
        assert isinstance(wrong, ModelFault)
        assert str(wrong) == "the API key was refused (401); set OPENAI_API_KEY to a valid key"
        unknown = fault(model_of(server, "gpt-99"), REQUEST)
        assert isinstance(unknown, ModelFault)
        assert (unknown.code, "'gpt-99'" in str(unknown), "--model" in str(unknown)) == ("model_not_found", True, True)
        long = fault(model_of(server), Pictures().request(FromUser("word " * 2_000)))
        assert isinstance(long, ModelFault)
        assert long.code == "context_length_exceeded"


def test_an_address_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for where in (f"http://127.0.0.1:{port}/v1", "http://no-such-host.invalid/v1"):
        error = fault(ResponsesModel(MODEL, api_key=SECRET, base_url=where, timeout=5), REQUEST)
        assert type(error) is Transient
        assert f"cannot reach {where}" in str(error)


@pytest.mark.parametrize("where", ["api.openai.com/v1", "ftp://x/v1", "http://", "http://x:99999/", "file:///etc"])
def test_an_address_that_is_none_is_refused_at_once(where: str) -> None:
    with pytest.raises(ModelFault, match="OPENAI_BASE_URL is no web address"):
        ResponsesModel(MODEL, api_key=SECRET, base_url=where)


@pytest.mark.parametrize("key", ["", "  ", "sk-ab\ncd", "sk-äöü-0123456", "Bearer sk-0123456789"])
def test_a_key_that_cannot_be_one_is_refused_without_telling_it(key: str) -> None:
    with pytest.raises(ModelFault, match="OPENAI_API_KEY") as caught:
        ResponsesModel(MODEL, api_key=key, base_url=WHERE)
    assert not key.strip() or key not in str(caught.value)


def test_white_space_around_a_pasted_key_does_no_harm() -> None:
    with openai_server([final("Hi.")]) as server:
        [said] = ask(model_of(server, api_key=f" {KEY}\n"), REQUEST)
        assert said.answer.final


@pytest.mark.parametrize(
    "scripted",
    [
        http_error(401, "ip_not_allowed", f"Key {SECRET} may not."),
        http_error(400, "x", f"What is {SECRET}?", extra={"deep": [SECRET]}),
        http_error(500, "x", f"What is {SECRET}?"),
        html(),
        Raw(200, f"<html>{SECRET}</html>", "text/html"),
        failed("server_error", SECRET),
        garbage(),
        reset(),
        raw({"type": "computer_call", "actions": [], "call_id": ""}),
    ],
)
def test_the_key_is_in_no_message_traceback_or_log(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with openai_server([scripted], key=SECRET) as server:
        error = fault(ResponsesModel(MODEL, api_key=SECRET, base_url=server.url, timeout=5), REQUEST)
    told = "".join(traceback.format_exception(error)) + repr(error) + str(getattr(error, "details", ""))
    assert SECRET not in told
    assert SECRET not in caplog.text
    assert caplog.text, "the libraries were asked to log"


def test_keys_that_look_like_keys_are_hidden_but_placeholders_hide_nothing() -> None:
    hidden = FAILURES.of_error({"code": "server_error", "message": "key sk-proj-ABC***789 is odd"})
    assert "ABC" not in str(hidden)
    placeholder = Failures(model="m", base_url="http://me:pw@h/v1", api_key="x", timeout=1)
    assert str(placeholder.cut()) == "http://h/v1 cut the answer short"
    assert "next" in str(placeholder.of_error({"message": "next"}))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_the_pause_that_a_provider_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_the_pause_may_be_a_date() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < cast("float", retry_after({"retry-after": until})) <= 60


def test_the_pause_reaches_whoever_waits() -> None:
    error = against(http_error(429, "rate_limit_exceeded", "Slow down.", {"retry-after": "12"}))
    assert isinstance(error, Transient)
    assert error.retry_after == 12.0


def test_an_untrusted_certificate_is_the_users_to_mend() -> None:
    import ssl

    cause = ssl.SSLCertVerificationError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    error = openai.APIConnectionError(request=httpx2.Request("POST", WHERE))
    error.__cause__ = httpx2.ConnectError("failed")
    error.__cause__.__cause__ = cause
    mapped = FAILURES.of_exception(error)
    assert isinstance(mapped, ModelFault)
    assert mapped.code == "certificate"


def test_settings_that_can_be_right_pass() -> None:
    check_settings("x", "http://localhost:8000/v1")
    check_settings(SECRET, "https://[::1]:8443/openai/v1")


def test_the_same_model_works_again_after_a_fault() -> None:
    with openai_server([cut(3), http_error(500), final("Here.")]) as server:

        async def run() -> None:
            model = model_of(server)
            for _ in range(2):
                with pytest.raises(Transient):
                    await listen(model.respond(REQUEST))
            assert (await listen(model.respond(REQUEST))).answer.words == "Here."
            await model.aclose()

        anyio.run(run)
        first, second, third = server.requests
        assert first == second == third
