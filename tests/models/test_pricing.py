"""What a response costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.models.pricing import Prices
from agent.values import Usage

USAGE = Usage(input_tokens=100_000, cached_tokens=80_000, cache_write_tokens=15_000, output_tokens=2_000)


def cost(model: str, usage: Usage = USAGE, tier: str = "") -> float | None:
    return Prices.load().book(model, usage, tier).cost_usd


def test_cached_written_and_fresh_tokens_have_their_own_price() -> None:
    expected = (5_000 * 1.00 + 80_000 * 0.05 + 15_000 * 1.25 + 2_000 * 5.00) / 1e6
    assert cost("gpt-6.1-terra") == pytest.approx(expected)
    assert not Prices.load().book("gpt-6.1-terra", USAGE).estimated


def test_dated_names_have_the_price_of_the_plain_one_and_others_have_none() -> None:
    assert cost("gpt-6.1-terra-2026-10-26") == cost("gpt-6.1-terra")
    assert cost("gpt-6.1-terra-mini") is None
    assert cost("gpt-6.1") is None
    assert cost("llama") is None


def test_long_requests_and_other_tiers_are_charged_at_their_multiples() -> None:
    at, beyond = Usage(input_tokens=272_000, output_tokens=10), Usage(input_tokens=272_001, output_tokens=10)
    assert cost("gpt-6.1-terra", at) == pytest.approx((272_000 * 1.00 + 10 * 5.00) / 1e6)
    assert cost("gpt-6.1-terra", beyond) == pytest.approx((272_001 * 2.00 + 10 * 7.50) / 1e6)
    normal = cost("gpt-6.1-terra")
    assert normal is not None
    assert cost("gpt-6.1-terra", tier="priority") == pytest.approx(2 * normal)
    assert cost("gpt-6.1-terra", tier="default") == normal


def test_what_is_not_known_is_charged_in_full_and_marked() -> None:
    prices = Prices.load()
    booked = prices.book("gpt-6.2-astra", USAGE)
    assert booked.estimated
    assert booked.cost_usd == pytest.approx((100_000 * 8 + 2_000 * 40) / 1e6)
    assert prices.book("gpt-6.1-terra", USAGE, "ultrafast").estimated
    assert not prices.book("gpt-6.2-astra", Usage(input_tokens=10)).estimated


def test_every_price_of_the_table_is_dated_and_positive() -> None:
    prices = Prices.load()
    assert prices.as_of >= "2026-11"
    assert all(price.input > 0 and price.output > price.input for price in prices.models.values())
    assert all(price.cached is None or price.cached < price.input for price in prices.models.values())


def test_a_file_replaces_the_table(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[models."house-model"]\ninput = 1\noutput = 2\n')
    prices = Prices.load(file)
    assert prices.book("house-model", Usage(input_tokens=1_000_000)).cost_usd == 1.0
    assert prices.of("gpt-6.1-terra") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        "models = 3\n",
        "[models.m]\ninput = 1\n",
        "[models.m]\ninput = -1\noutput = 1\n",
        "[models.m]\ninput = nan\noutput = 1\n",
        "[models.m]\ninput = 'x'\n",
        "[models.m]\ninput = 1\noutput = 1\nother = 1\n",
    ],
)
def test_a_bad_price_file_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UserFault, match=r"prices\.toml cannot be used"):
        Prices.load(file)
    with pytest.raises(UserFault, match="cannot be used"):
        Prices.load(tmp_path / "absent.toml")
