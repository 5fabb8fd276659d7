"""Cards and details as they go over the wire."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ui.service.cards import Card, Detail
from ui.service.following import Following


def card_data(card: Card) -> dict[str, Any]:
    """A card, ready for JSON."""
    return _card_adapter().dump_python(card)


def detail_json(item: Following) -> bytes:
    """A session's detail as JSON."""
    return to_json(_detail_adapter().dump_python(item.detail()))


@cache
def _card_adapter() -> TypeAdapter[Card]:
    return TypeAdapter(Card)


@cache
def _detail_adapter() -> TypeAdapter[Detail]:
    return TypeAdapter(Detail)


def to_json(data: object) -> bytes:
    """Pure ASCII: half surrogate pairs, which models do write, have no UTF-8."""
    return json.dumps(data, separators=(",", ":")).encode("ascii")
