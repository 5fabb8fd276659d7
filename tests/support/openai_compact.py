"""What `/responses/compact` answers, and what requests weigh."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import cast

from tests.support.openai_script import Body, Item


@dataclass(frozen=True)
class Length:
    """What a request weighs: bytes of instructions, tools and input, and those that began the one before as well."""

    bytes: int
    unchanged: int
    images: int


def compaction_of(body: Body, tokens: int) -> Item:
    """What `/responses/compact` answers."""
    items = cast("list[Item]", body["input"])
    said = [item for item in items if item.get("type") == "message" and item.get("role") == "user"]
    kept = [{"id": f"msg_{secrets.token_hex(12)}", "status": "completed"} | item for item in said]
    made = {"id": f"cmp_{secrets.token_hex(12)}", "type": "compaction", "encrypted_content": secrets.token_urlsafe(900)}
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response.compaction",
        "created_at": int(time.time()),
        "output": [*kept, made],
        "usage": {
            "input_tokens": tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 300,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens + 300,
        },
    }
