"""What a response costs: tokens times a dated table of prices, which is data and can be overridden."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from agent.errors import UserFault
from agent.values import Usage

_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_STANDARD_TIERS = ("", "auto", "default")
_PER = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. None: not known, charged as plain input."""

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class LongContext:
    """Requests with more input than `above_tokens` are charged as a whole at these multiples."""

    above_tokens: int
    input_factor: float = 1.0
    output_factor: float = 1.0


@dataclass(frozen=True)
class Prices:
    """A table of prices, as of a date."""

    as_of: str
    models: Mapping[str, Price]
    long_context: LongContext | None = None
    tiers: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """Read a price file, or the one that comes with Deskhand.

        Raises:
            UserFault: the file cannot be read or is not a price table.
        """
        try:
            if path is None:
                text = resources.files("agent.models").joinpath("prices.toml").read_text("utf-8")
            else:
                text = path.read_text("utf-8")
            return _parsed(tomllib.loads(text))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserFault(f"the price file {path} cannot be used ({error}); mend it or leave it out") from None

    def of(self, model: str) -> Price | None:
        """The price of a model by its name, with or without a trailing date; None for an unknown one."""
        return self.models.get(model) or self.models.get(_DATED.sub("", model))

    def book(self, model: str, usage: Usage, tier: str = "") -> Usage:
        """The usage with its cost, marked as an estimate where a price that matters is not known."""
        price = self.of(model)
        if price is None:
            return usage
        long = self.long_context
        stretched = long is not None and usage.input_tokens > long.above_tokens
        input_factor, output_factor = (long.input_factor, long.output_factor) if long and stretched else (1.0, 1.0)
        tier_factor = 1.0 if tier in _STANDARD_TIERS else self.tiers.get(tier)
        cost = _input_cost(price, usage) * input_factor + usage.output_tokens * price.output * output_factor
        unsure = (
            tier_factor is None
            or (price.cached is None and usage.cached_tokens > 0)
            or (price.cache_write is None and usage.cache_write_tokens > 0)
        )
        factor = 1.0 if tier_factor is None else tier_factor
        return replace(usage, cost_usd=cost * factor / _PER, estimated=usage.estimated or unsure)


def _input_cost(price: Price, usage: Usage) -> float:
    """Cached and cache-written tokens are part of the input tokens; in millionths of a dollar."""
    cached = price.input if price.cached is None else price.cached
    write = price.input if price.cache_write is None else price.cache_write
    fresh = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
    return fresh * price.input + usage.cached_tokens * cached + usage.cache_write_tokens * write


def _parsed(data: dict[str, Any]) -> Prices:
    long = data.get("long_context")
    return Prices(
        as_of=str(data.get("as_of", "")),
        models={name: _price(row) for name, row in data["models"].items()},
        long_context=LongContext(**long) if long else None,
        tiers={name: float(factor) for name, factor in data.get("tiers", {}).items()},
    )


def _price(row: dict[str, Any]) -> Price:
    rates = {name: float(rate) for name, rate in row.items()}
    if any(not rate >= 0 for rate in rates.values()):
        raise ValueError(f"a price below zero in {row}")
    return Price(**rates)
