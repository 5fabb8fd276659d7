"""Everything that can go wrong between here and an OpenAI-compatible provider, mapped to who can mend it.

The one place where errors of the client library, of the line and of the provider become `ModelFault` (final)
or `Transient` (worth another try). No message ever holds the API key.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agent.errors import DeskhandError, ModelFault, Transient
from agent.models.web import is_html, not_an_address, retry_after, without_userinfo
from agent.models.window import CONTEXT_FULL, is_overflow, window_named
from agent.values import Usage

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError

Fault: TypeAlias = ModelFault | Transient

PASSING_CODES = frozenset(
    {
        "engine_overloaded",
        "internal_error",
        "internal_server_error",
        "overloaded",
        "rate_limit_exceeded",
        "server_error",
        "server_overloaded",
        "slow_down",
        "timeout",
        "vector_store_timeout",
    }
)
FINAL_429_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
POLICY = "misalignment_policy_violation"
LONGEST_QUOTE = 600  # characters of a provider's own words
_KEY_LIKE = re.compile(r"\bsk-[\w*.-]{6,}")
_SHORTEST_KEY = 8  # anything shorter is a placeholder, and might be part of any word


class BadAnswer(Transient):
    """The provider answered, but with nothing that can be used; another try may do better, many will not.

    `usage` is what the useless answer has cost, as far as the provider said it.
    """

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage()


class Failures:
    """Maps failures of one provider; knows its address and the model's name, and what must not be told.

    Args:
        timeout: seconds of silence after which a request counts as lost; for the message.
    """

    def __init__(self, *, model: str, base_url: str, api_key: str, timeout: float) -> None:
        self._model = model
        self._where = without_userinfo(base_url)
        self._secret = api_key
        self._timeout = timeout

    def of_exception(self, error: Exception) -> Fault | None:
        """What an exception means; None for a bug of our own."""
        import httpx2
        import openai

        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException | TimeoutError):
            return Transient(f"{self._where} said nothing for {self._timeout:g} s")
        if isinstance(error, openai.APIConnectionError):
            return self._of_connection(error)
        if isinstance(error, openai.APIStatusError):
            return self._of_status(error)
        if isinstance(error, openai.APIResponseValidationError):
            return BadAnswer(f"malformed answer: {self._quoted(str(error))}")
        if isinstance(error, openai.APIError):
            return self.of_error(_mapping(error.body) or {"code": error.code, "message": error.message})
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return Transient(f"{self._where} sent a broken stream: {error}")
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
            return not_an_address(self._where)
        if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
            return Transient(f"the line to {self._where} broke: {self._quoted(_told(error))}")
        if type(error).__module__.partition(".")[0] == "openai":
            return ModelFault(f"the OpenAI client failed: {self._quoted(_told(error))}", code=type(error).__name__)
        return None

    def of_error(self, error: Mapping[str, Any]) -> Fault:
        """What the `error` object of a failed response, or of an `error` event in the stream, means."""
        code, message = str(error.get("code") or ""), str(error.get("message") or "no reason given")
        if code == POLICY:
            return self._of_policy(error, "")
        if is_overflow(None, code, message):
            return self._too_long(message, error)
        if code in PASSING_CODES or not code:
            return Transient(f"{self._where} failed: {self._quoted(message)}{f' ({code})' if code else ''}")
        return self._final(f"the provider refused: {message}", code, error)

    def of_incomplete(self, reason: str, usage: Usage) -> Fault:
        """What a response that ended early means."""
        if reason == "content_filter":
            return ModelFault("the provider's content filter stopped the answer; say the task differently", code=reason)
        if reason == "max_output_tokens":
            told = f"the model went on for {usage.output_tokens} tokens without an end and was cut off"
            return BadAnswer(told, usage=usage)
        return BadAnswer(f"the answer ended early: {reason or 'no reason given'}", usage=usage)

    def of_content(self, content_type: str, text: str) -> Fault:
        """What a success status means that carries neither an event stream nor a response."""
        kind = "HTML" if is_html(content_type, text) else f"{content_type or 'data without a type'}"
        return ModelFault(
            f"OPENAI_BASE_URL answered {kind}, not the API ({self._where}); its address usually ends in /v1",
            code="not_the_api",
            details={"body": self._quoted(text)},
        )

    def cut(self) -> Fault:
        """The stream ended without its last event."""
        return Transient(f"{self._where} cut the answer short")

    def _of_connection(self, error: APIConnectionError) -> Fault:
        import httpx2

        causes = list(_causes(error))
        if any(isinstance(cause, httpx2.InvalidURL | httpx2.UnsupportedProtocol) for cause in causes):
            return not_an_address(self._where)
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
                told = f"the certificate of {self._where} is not trusted here: {self._quoted(str(cause))}"
                return ModelFault(f"{told}; set SSL_CERT_FILE, or use another address", code="certificate")
        reason = next((str(cause) for cause in reversed(causes) if str(cause)), str(error))
        return Transient(f"cannot reach {self._where}: {self._quoted(reason)}")

    def _of_status(self, error: APIStatusError) -> Fault:
        status, headers = error.status_code, error.response.headers
        body = _mapping(error.body) or {}
        message = str(body.get("message") or _first_line(error.body) or error.message)
        known = body | {"request_id": error.request_id, "status": status}
        code = str(body.get("code") or "")
        if status < 400:
            moved = without_userinfo(headers.get("location", "elsewhere"))
            return self._final(f"OPENAI_BASE_URL has moved: {self._where} points to {moved}", "moved", known)
        if status == 401:
            return self._of_key(code, message, known)
        if status == 403:
            return self._of_policy(known, "403 ")
        if status == 404:
            return self._of_missing(error, code, message, known)
        if is_overflow(status, code or str(body.get("type") or ""), message):
            return self._too_long(message, known)
        if status in (408, 409, 429) or status >= 500:
            waits = headers.get("x-should-retry") != "false" and code not in FINAL_429_CODES
            told = f"{self._where} answered {status}: {self._quoted(message)}"
            if waits:
                return Transient(told, retry_after=retry_after(headers))
            return self._final(f"{told}; look at the account's limits and billing", code or str(status), known)
        return self._final(f"the provider refused the request ({status}): {message}", code or str(status), known)

    def _of_key(self, code: str, message: str, known: Mapping[str, Any]) -> ModelFault:
        why = "" if code in ("", "invalid_api_key") else f" ({message})"
        told = f"the API key was refused (401){why}; set OPENAI_API_KEY to a valid key"
        return self._final(told, code or "invalid_api_key", known)

    def _too_long(self, message: str, known: Mapping[str, Any]) -> ModelFault:
        told = "the conversation is too long for the model; start a new session for what is left"
        return self._final(told, CONTEXT_FULL, {**known, "window": window_named(message) or known.get("n_ctx")})

    def _of_missing(self, error: APIStatusError, code: str, message: str, known: Mapping[str, Any]) -> Fault:
        text = error.body if isinstance(error.body, str) else ""
        if code != "model_not_found" and is_html(error.response.headers.get("content-type", ""), text):
            return self.of_content("text/html", text)
        told = f"there is no model {self._model!r} for this key (404: {message}); name another with --model"
        if code != "model_not_found" and "model" not in message.lower():
            told = f"there is no such API at {self._where} (404: {message}); look at OPENAI_BASE_URL and --model"
        return self._final(told, code or "404", known)

    def _of_policy(self, error: Mapping[str, Any], status: str) -> ModelFault:
        """A refusal for policy: the provider's explanation is for the user, and nothing is tried again."""
        code = str(error.get("code") or "")
        misalignment = _mapping(error.get("misalignment")) or {}
        why = str(misalignment.get("detailed_explanation") or error.get("message") or "no reason given")
        kind = misalignment.get("error_type")
        steer = (_mapping(misalignment.get("steer")) or {}).get("message")
        named = " ".join(part for part in (f"{status}{code}".strip(), f"[{kind}]" if kind else "") if part)
        told = f"the provider does not allow this ({named or 'policy'}): {why}"
        return self._final(f"{told}; it adds: {steer}" if steer else told, code or "403", error)

    def _final(self, message: str, code: str, known: Mapping[str, Any]) -> ModelFault:
        details = {key: self._scrubbed(value) for key, value in known.items() if value is not None}
        return ModelFault(self._quoted(message), code=code, details=details)

    def _quoted(self, text: str) -> str:
        """One line, of bearable length, without secrets."""
        line = " ".join(self._scrubbed(text).split())
        return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, str):
            hidden = value.replace(self._secret, "…") if len(self._secret) >= _SHORTEST_KEY else value
            return _KEY_LIKE.sub("sk-…", hidden)
        if isinstance(value, Mapping):
            items = cast("Mapping[object, Any]", value).items()
            return {str(key): self._scrubbed(inner) for key, inner in items}
        if isinstance(value, list):
            return [self._scrubbed(inner) for inner in cast("list[Any]", value)]
        return value


def as_fault(failures: Failures, error: Exception) -> Fault | None:
    """The fault to raise in place of `error`; None where it is meant for somebody already, or is a bug."""
    return None if isinstance(error, DeskhandError) else failures.of_exception(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error.__cause__ or error.__context__
    for _ in range(8):  # long enough for any real chain, and an end for a circular one
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _mapping(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _first_line(body: object) -> str:
    """A body that is no JSON, if it is for people at all."""
    if not isinstance(body, str) or is_html("", body):
        return ""
    return body.strip().partition("\n")[0]
