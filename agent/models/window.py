"""How much of a conversation a model takes at once, and what one can do that makes it shorter by itself."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Protocol, cast, runtime_checkable

from agent.conversation import Request
from agent.values import ImageRef, Usage, Word

CONTEXT_FULL = "context_length_exceeded"
"""`ModelFault.code` of a request that is too long for the model, whoever serves it."""

FULL_AT = 0.8  # share of the window: one more turn must fit in any case
DEARER_AT = 0.9  # share of the length from which on the whole input costs more
LEAST, MOST = 512, 100_000_000  # tokens of what can be a window at all
_TELLING = ("max_model_len", "loaded_context_length", "context_length", "context_window")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_CODES = frozenset({CONTEXT_FULL, "exceed_context_size_error", "request_too_large", "string_above_max_length"})
_WORDED = re.compile(
    r"context (window|length|size)|maximum (context|model) length|max_model_len|prompt is too long"
    r"|too many (input )?tokens|greater than the context"
    r"|input.{0,20}(exceeds|longer than).{0,40}(context|tokens|limit)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:context (?:length|size|window)|model length|max_model_len|n_ctx)[^\d.]{0,40}?(\d[\d,]{2,})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens of input: `most` that a model takes, and `due` from which on the conversation is made shorter.

    `known` is false where `most` is only a guess.
    """

    most: int
    due: int
    known: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Shortened:
    """A conversation as the provider has made it shorter: `output` stands in its place, as it is.

    Attributes:
        images: pictures in `output`, where `picture:SHA256` stands in place of their bytes.
    """

    output: tuple[Word, ...]
    images: tuple[ImageRef, ...]
    usage: Usage


@runtime_checkable
class Windowed(Protocol):
    """A model that takes only so much at once; see `agent/compaction.py`. One without this is never cut short."""

    @property
    def window(self) -> Window:
        """How much it takes."""
        ...

    async def compact(self, request: Request) -> Shortened | None:
        """Let the provider make a conversation shorter; None where it cannot, and a summary must do.

        Raises:
            Transient: may pass; `BadAnswer` is the kind that has cost tokens.
            ModelFault: will not pass by itself.
        """
        ...


def window_of(model: str, dearer_above: int | None = None) -> Window:
    """The window of a model by its name, with or without a trailing date.

    Args:
        dearer_above: tokens of input above which a request costs more as a whole.
    """
    known = _windows()
    found = known.get(model) or known.get(_DATED.sub("", model))
    window = window_for(found or known[""], known=found is not None)
    return replace(window, due=min(window.due, int(dearer_above * DEARER_AT))) if dearer_above else window


def window_for(most: int, *, known: bool = True) -> Window:
    """The window of a model that takes so many tokens."""
    return Window(most, int(most * FULL_AT), known)


def known_window(model: object) -> int | None:
    """Tokens that a model takes at once; None where nobody knows."""
    window = model.window if isinstance(model, Windowed) else None
    return window.most if window and window.known else None


def window_told(entry: Word) -> int | None:
    """The window in a server's entry for a model: as vLLM and SGLang, LM Studio, OpenRouter or llama.cpp name it."""
    meta = cast("Word", entry["meta"]) if isinstance(entry.get("meta"), dict) else {}
    told = [*(entry.get(name) for name in _TELLING), meta.get("n_ctx")]
    found = next((value for value in told if isinstance(value, int)), 0)
    return found if LEAST <= found <= MOST else None


def is_overflow(status: int | None, code: str, message: str) -> bool:
    """Whether an error says that the request is too long: in OpenAI's words, or those of the usual local servers."""
    return code in _CODES or (status in (None, 400, 422, 500) and bool(_WORDED.search(message)))


def window_named(message: str) -> int | None:
    """The window, where the error names it: "This model's maximum context length is 32768 tokens"."""
    found = _NAMED.search(message)
    return int(found[1].replace(",", "")) if found else None


@cache
def _windows() -> dict[str, int]:
    data = tomllib.loads(resources.files("agent.models").joinpath("windows.toml").read_text("utf-8"))
    return {**{str(name): int(most) for name, most in data["models"].items()}, "": int(data["unknown"])}
