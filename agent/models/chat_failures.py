"""What the usual local servers say when they refuse, mapped to who can mend it. Beyond `agent.models.failures`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from agent.errors import ModelFault
from agent.models.failures import Failures, Fault

NO_MODEL = "model_not_found"
LEAST_ROOM = 512  # tokens that an answer needs
Lack: TypeAlias = Literal["", "tools", "usage", "limit", "sampling"]

_COUNT = re.compile(r"at most (\d+) image|image=(\d+)[^,]*--limit-mm-per-prompt", re.IGNORECASE)
_BLIND = re.compile(
    r"not support (?:image|vision|multimodal)|image input is not supported|not (?:a )?multimodal"
    r"|no (?:image|vision) support|missing data required for image|mmproj|does not accept images?"
    r"|image_url.{0,40}(?:not supported|only supported)",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model .{0,120}(?:does not exist|not found|not loaded)|no models? (?:is )?loaded|unknown model"
    r"|not found, try pulling",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"auto.{0,3} tool choice requires|does not support tools|tools? param requires|requires --jinja"
    r"|tool.{0,20}not supported|--enable-auto-tool-choice|tool_choice.{0,40}not (?:supported|permitted)",
    re.IGNORECASE,
)
_WINDOW = re.compile(r"maximum context length (?:is|of) (\d+) tokens", re.IGNORECASE)
_USED = re.compile(r"\((\d+) in the messages|has (\d+) input tokens", re.IGNORECASE)
_NO_USAGE = re.compile(r"stream_options", re.IGNORECASE)
_OTHER_LIMIT = re.compile(r"max_completion_tokens\W{0,3}instead", re.IGNORECASE)
_NO_SAMPLING = re.compile(r"(?:unsupported|not support).{0,60}(?:temperature|top_p)", re.IGNORECASE)
_NO_TEMPLATE = re.compile(r"conversation roles must alternate|system role not supported|raise_exception", re.IGNORECASE)


_LACKS: Mapping[Lack, re.Pattern[str]] = {
    "tools": _NO_TOOLS,
    "usage": _NO_USAGE,
    "limit": _OTHER_LIMIT,
    "sampling": _NO_SAMPLING,
}


class ChatFailures(Failures):
    """Maps failures of one server of Chat Completions."""

    def of_exception(self, error: Exception) -> Fault | None:
        """What an exception means; None for a bug of our own."""
        import openai

        if not isinstance(error, openai.APIError) or not (message := told(error)):
            return super().of_exception(error)
        if isinstance(error, openai.APIStatusError | openai.APIConnectionError):
            return self._of_words(message) or super().of_exception(error)
        body = cast("dict[str, Any]", error.body) if isinstance(error.body, dict) else {}
        return self.of_error(body | {"message": message})

    def of_error(self, error: Mapping[str, Any]) -> Fault:
        """What an `error` object in the stream means."""
        return self._of_words(str(error.get("message") or "")) or super().of_error(error)

    def lists(self, fault: ModelFault, names: list[str]) -> ModelFault:
        """The fault of a missing model, with the models that there are."""
        if not names:
            return fault
        known = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        told = f"there is no model {self._model!r} at {self._where}; it has {known}; name one with --model"
        return ModelFault(told, code=NO_MODEL, details=fault.details)

    def _of_words(self, message: str) -> Fault | None:
        if found := _COUNT.search(message):
            return self._of_count(int(found[1] or found[2]), message)
        if _BLIND.search(message):
            return self._blind(message)
        if _NO_MODEL.search(message):
            told = f"there is no model {self._model!r} at {self._where} ({message}); name another with --model"
            return self._final(told, NO_MODEL, {"message": message})
        if _NO_TEMPLATE.search(message):
            told = (
                f"the chat template of {self._model} at {self._where} does not take this conversation ({message}); "
                "try another --dialect, like json"
            )
            return self._final(told, "chat_template", {"message": message})
        return None

    def _of_count(self, count: int, message: str) -> ModelFault:
        if count == 0:
            return self._blind(message)
        told = (
            f"{self._where} takes {count} picture{'' if count == 1 else 's'} in a request, which is too few; start it "
            "with more, for vLLM: --limit-mm-per-prompt '{\"image\": 100}'"
        )
        return self._final(told, "too_few_pictures", {"message": message})

    def _blind(self, message: str) -> ModelFault:
        told = (
            f"{self._model} at {self._where} takes no pictures ({message}); use a vision model, and with llama.cpp "
            "start the server with its --mmproj file"
        )
        return self._final(told, "no_pictures", {"message": message})


def lack_of(error: Exception) -> Lack:
    """What a server does not take and a request can do without.

    Functions; the count of tokens at the end; `max_tokens` by this name; `temperature` and its like.
    """
    message = told(error)
    found: list[Lack] = [lack for lack, pattern in _LACKS.items() if pattern.search(message)]
    return found[0] if found else ""


def room_in(error: Exception) -> int | None:
    """Tokens that are left for an answer, where only the answer that was asked for is too long; None otherwise."""
    message = told(error)
    window, used = _WINDOW.search(message), _USED.search(message)
    if window is None or used is None:
        return None
    room = int(window[1]) - int(used[1] or used[2])
    return room if room >= LEAST_ROOM else None


def told(error: Exception) -> str:
    """The server's own words, whichever shape they come in."""
    body: object = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = cast("dict[str, Any]", body)
        nested = inner.get("error")
        words = inner.get("message") or (
            cast("dict[str, Any]", nested).get("message") if isinstance(nested, dict) else nested
        )
        return str(words or "")
    return body if isinstance(body, str) else str(getattr(error, "message", "") or "")


def is_status(error: Exception) -> bool:
    """Whether the server has answered at all, and refused."""
    import openai

    return isinstance(error, openai.APIStatusError)
