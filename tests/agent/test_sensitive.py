"""Sensitive data is found in what is typed and sent, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import sensitive


@given(st.integers(0, 10**15 - 1))
def test_only_one_check_digit_makes_a_card_number(number: int) -> None:
    base = f"4{number:015d}"[:15]
    assert sum(sensitive.holds("card number", base + digit) for digit in "0123456789") == 1


@given(st.integers(2, 98))
def test_only_one_check_makes_an_account_number(check: int) -> None:
    assert sensitive.holds("bank account", f"DE{check:02d}370400440532013000") == (check == 89)


@pytest.mark.parametrize("lead", ["", "12 ", "2026-11-20 ", "Card: ", "a,b,", "(", "no12 345 "])
def test_what_stands_in_front_hides_nothing(lead: str) -> None:
    assert sensitive.holds("card number", f"{lead}5555 5555 5555 4444, thanks")
    assert sensitive.holds("bank account", f"{lead}GB29 NWBK 6016 1331 9268 19 thanks")


@given(st.text(max_size=200), st.sampled_from(list(sensitive.FINDERS)))
def test_any_text_can_be_searched(text: str, what: str) -> None:
    assert sensitive.holds(what, text) in (True, False)
