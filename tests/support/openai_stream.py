"""A scripted reply as the events of OpenAI's response stream, with plausible numbers."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.openai_checks import text_tokens
from tests.support.openai_script import Body, Item, Reply

WORDS_PER_DELTA = 3
ENDLESS_DELTA = "and then, as was to be expected, nothing of the kind happened, so " * 4
ENDLESS_DELTAS = 100_000
PREFIXES = {
    "reasoning": "rs",
    "message": "msg",
    "computer_call": "cu",
    "function_call": "fc",
    "shell_call": "sh",
    "apply_patch_call": "apc",
}
REASONING_TOKENS = 64
Event = dict[str, Any]


@dataclass(frozen=True)
class Tokens:
    """Input tokens of one request; those cached are part of it."""

    input: int
    cached: int


class Response:
    """One response in the making.

    Attributes:
        reply: what the script says.
        output: its items, ids included.
    """

    def __init__(self, reply: Reply, body: Body, tokens: Tokens) -> None:
        self.reply, self._body, self._tokens = reply, body, tokens
        self.id = f"resp_{secrets.token_hex(12)}"
        self.output = [_identified(json.loads(json.dumps(item))) for item in reply.items]  # tuples are lists in JSON
        self._made = 0  # characters of text
        self._sequence = -1

    def events(self) -> Iterator[Event]:
        """Every event of the stream, the last one included."""
        yield self._event("response.created", response=self._object("in_progress"))
        yield self._event("response.in_progress", response=self._object("in_progress"))
        for index, item in enumerate(self.output):
            yield from self._item(index, item)
        end = "incomplete" if self.reply.endless else self.reply.end
        if not self.reply.silent_end:
            yield self._event(f"response.{end}", response=self.whole())

    def whole(self) -> Item:
        """The Response object at its end."""
        end = "incomplete" if self.reply.endless else self.reply.end
        whole = self._object(end) | {"usage": self._usage(), "completed_at": time.time()}
        if end == "failed":
            error = {"code": self.reply.code, "message": self.reply.message}
            return whole | {"error": error | dict(self.reply.error), "output": []}
        reason = self.reply.code or "max_output_tokens"
        details = {"incomplete_details": {"reason": reason}} if end == "incomplete" else {}
        return whole | details | {"output": self.output}

    def _event(self, kind: str, **fields: Any) -> Event:
        self._sequence += 1
        return {"type": kind, "sequence_number": self._sequence} | fields

    def _object(self, status: str) -> Item:
        echoed = ("model", "instructions", "tools", "parallel_tool_calls", "max_output_tokens", "prompt_cache_key")
        skeleton: Item = {
            "id": self.id,
            "object": "response",
            "created_at": time.time(),
            "status": status,
            "error": None,
            "incomplete_details": None,
            "output": [],
            "usage": None,
            "tool_choice": "auto",
            "store": False,
            "service_tier": self.reply.service_tier,
        }
        return skeleton | {name: self._body.get(name) for name in echoed}

    def _usage(self) -> Item:
        reasoning = sum(REASONING_TOKENS for item in self.output if item.get("type") == "reasoning")
        out = text_tokens(str(self.reply.items)) + reasoning + self._made // 4
        fresh = self._tokens.input - self._tokens.cached
        return {
            "input_tokens": self._tokens.input,
            "input_tokens_details": {"cached_tokens": self._tokens.cached, "cache_write_tokens": fresh},
            "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": self._tokens.input + out,
        }

    def _item(self, index: int, item: Item) -> Iterator[Event]:
        place = {"output_index": index, "item_id": item.get("id")}
        begun = {key: value for key, value in item.items() if key not in ("summary", "content", "encrypted_content")}
        blanks: dict[str, Item] = {"reasoning": {"summary": []}, "message": {"content": []}}
        blank = blanks.get(str(item.get("type")), {})
        yield self._event("response.output_item.added", output_index=index, item=begun | blank)
        match item.get("type"):
            case "reasoning":
                yield from self._summary(item, place)
            case "message":
                yield from self._message(item, place)
            case "function_call":
                kind = "response.function_call_arguments"
                yield self._event(f"{kind}.delta", delta=item.get("arguments"), **place)
                yield self._event(f"{kind}.done", arguments=item.get("arguments"), **place)
            case _:
                pass  # nothing of a computer call is streamed before it is whole
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _summary(self, item: Item, place: Item) -> Iterator[Event]:
        for number, part in enumerate(item.get("summary", [])):
            at = place | {"summary_index": number}
            blank = {"type": "summary_text", "text": ""}
            yield self._event("response.reasoning_summary_part.added", part=blank, **at)
            for piece in _pieces(part["text"]):
                yield self._event("response.reasoning_summary_text.delta", delta=piece, **at)
            yield self._event("response.reasoning_summary_text.done", text=part["text"], **at)
            yield self._event("response.reasoning_summary_part.done", part=part, **at)

    def _message(self, item: Item, place: Item) -> Iterator[Event]:
        for number, part in enumerate(item.get("content", [])):
            at = place | {"content_index": number}
            kind = "refusal" if part["type"] == "refusal" else "output_text"
            text: str = part.get("refusal") or part.get("text", "")
            yield self._event("response.content_part.added", part=part | {kind.removeprefix("output_"): ""}, **at)
            for piece in self._endless() if self.reply.endless else _pieces(text):
                yield self._event(f"response.{kind}.delta", delta=piece, logprobs=[], **at)
            yield self._event(f"response.{kind}.done", text=text, logprobs=[], **at)
            yield self._event("response.content_part.done", part=part, **at)

    def _endless(self) -> Iterator[str]:
        limit = self._body.get("max_output_tokens") if self.reply.obedient else None
        for _ in range(ENDLESS_DELTAS):
            if limit is not None and self._made // 4 >= limit:
                return
            self._made += len(ENDLESS_DELTA)
            yield ENDLESS_DELTA


def _identified(item: Item) -> Item:
    """With the ids that the provider gives; `None` in a script stands for a field that is missing."""
    kind = str(item.get("type"))
    made: Item = {"id": f"{PREFIXES.get(kind, 'it')}_{secrets.token_hex(12)}"} | item
    if kind.endswith("_call"):
        made = {"call_id": f"call_{secrets.token_hex(12)}"} | made
    if kind == "reasoning":
        made = {"encrypted_content": secrets.token_urlsafe(120)} | made
    return {key: value for key, value in made.items() if value is not None or key not in ("id", "call_id")}


def _pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    for start in range(0, len(words), WORDS_PER_DELTA):
        piece = " ".join(words[start : start + WORDS_PER_DELTA])
        yield piece + (" " if start + WORDS_PER_DELTA < len(words) else "")
