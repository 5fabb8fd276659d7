"""When the same request is sent again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import Transient
from agent.models.failures import BadAnswer
from agent.models.retry import BAD_ANSWERS, LONGEST_STEP, PATIENCE, UNPROVEN_RETRIES, Backoff

DOWN = Transient("down")


def steady() -> Backoff:
    return Backoff(chance=lambda: 0.0)


def proven() -> Backoff:
    backoff = steady()
    backoff.succeeded()
    return backoff


def waits(backoff: Backoff, fault: Transient = DOWN) -> list[float]:
    given_waits: list[float] = []
    while (wait := backoff.next(fault)) is not None:
        given_waits.append(wait)
    return given_waits


def test_a_provider_that_never_answered_gets_three_retries() -> None:
    backoff = steady()
    assert waits(backoff) == [1, 2, 4]
    assert backoff.attempt == UNPROVEN_RETRIES
    assert backoff.next(DOWN) is None


def test_a_provider_that_answered_is_waited_for_ten_minutes_in_capped_steps() -> None:
    backoff = proven()
    given_waits = waits(backoff)
    assert given_waits[:6] == [1, 2, 4, 8, 16, LONGEST_STEP]
    assert max(given_waits) == LONGEST_STEP
    assert PATIENCE - LONGEST_STEP < sum(given_waits) <= PATIENCE


def test_success_starts_the_count_anew() -> None:
    backoff = proven()
    first = waits(backoff)
    backoff.succeeded()
    assert backoff.attempt == 0
    assert waits(backoff) == first


def test_the_provider_may_name_the_pause_but_not_any() -> None:
    assert proven().next(Transient("busy", retry_after=17.5)) == 17.5
    assert proven().next(Transient("busy", retry_after=120.0)) == 120.0
    assert proven().next(Transient("busy", retry_after=120.1)) is None
    assert proven().next(Transient("busy", retry_after=0.0)) == 1.0


def test_answers_that_cannot_be_used_are_not_paid_for_ten_minutes() -> None:
    assert len(waits(proven(), BadAnswer("malformed"))) == BAD_ANSWERS
    mixed = proven()
    assert [mixed.next(fault) for fault in (DOWN, BadAnswer("x"), DOWN)] == [1, 2, 4]


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 200), st.booleans()), max_size=60))
def test_it_never_waits_longer_than_it_may(faults: list[tuple[float, float | None, bool]]) -> None:
    chances = iter([chance for chance, _, _ in faults])
    backoff = Backoff(chance=lambda: next(chances))
    waited = 0.0
    for _, asked, succeeds in faults:
        wait = backoff.next(Transient("x", retry_after=asked))
        if wait is None:
            break
        assert 0 < wait <= 120
        waited += wait
        assert waited <= PATIENCE
        if succeeds:
            backoff.succeeded()
            waited = 0.0


def test_many_clients_do_not_come_back_at_once() -> None:
    assert len({Backoff().next(DOWN) for _ in range(20)}) > 10
    assert Backoff(chance=lambda: 1.0).next(DOWN) == pytest.approx(0.75)
