"""What experience makes of waiting."""

from __future__ import annotations

import pytest

from perception.pace import UNKNOWN, Deed, Effect, Expectation, Habits

CLICK = Deed("click", "Office", "Sheet", (3, 4))
NOTHING: list[list[Effect]] = [[]] * 5
ECHO, SMALL, LARGE = 0.0005, 0.0015, 0.1


def _expected(deed: Deed, *experiences: list[Effect], watched: float = 2.0) -> Expectation:
    habits = Habits()
    for effects in experiences:
        habits.learn(CLICK, effects, watched)
    return habits.expect(deed)


def test_who_knows_nothing_is_patient() -> None:
    assert _expected(CLICK) == UNKNOWN
    assert _expected(CLICK, []) == UNKNOWN
    assert _expected(Deed("drag", "Office", "Sheet", (3, 4)), [], []) == UNKNOWN


def test_where_nothing_ever_comes_nothing_is_waited_for() -> None:
    assert _expected(CLICK, [], []).patience == UNKNOWN.least
    often = _expected(CLICK, *[[Effect(0.02, ECHO)]] * 3)
    assert often.patience < UNKNOWN.least
    assert often.quiet < UNKNOWN.quiet


def test_another_place_of_a_known_program_gets_some_patience() -> None:
    there = _expected(Deed("click", "Office", "Sheet", (30, 40)), [], [])
    assert UNKNOWN.least < there.patience < UNKNOWN.patience


def test_what_comes_late_elsewhere_is_waited_for_only_where_nothing_happens() -> None:
    there = _expected(Deed("click", "Office", "Sheet", (30, 40)), *[[Effect(0.02, SMALL), Effect(0.8, LARGE)]] * 2)
    assert there.patience > 0.8
    assert there.overdue == 0.0


def test_a_reaction_that_always_comes_is_waited_for() -> None:
    assert _expected(CLICK, *[[Effect(0.05, LARGE)]] * 3).patience == UNKNOWN.patience


def test_an_echo_is_no_reaction() -> None:
    assert _expected(CLICK, *[[Effect(0.05, LARGE, echo=True)]] * 2).patience == UNKNOWN.least


@pytest.mark.parametrize("before", [[], [Effect(0.02, ECHO, echo=True)]])
def test_a_late_reaction_is_waited_for_after_it_was_seen_once(before: list[Effect]) -> None:
    expected = _expected(CLICK, [], [], [*before, Effect(0.7, LARGE)])
    assert 0.7 < expected.patience < 0.9


def test_what_is_grave_is_waited_for_even_after_a_reaction() -> None:
    expected = _expected(CLICK, [], [], [Effect(0.02, LARGE), Effect(0.7, LARGE)])
    assert expected.due < 0.7 < expected.overdue < 1.0


def test_what_is_small_is_not_waited_for_very_long() -> None:
    late = [Effect(0.02, LARGE), Effect(1.2, SMALL)]
    assert _expected(CLICK, late, late, late).overdue == 0.0


def test_it_is_forgotten_when_it_does_not_come_again() -> None:
    expected = _expected(CLICK, [Effect(0.02, LARGE), Effect(0.7, LARGE)], *NOTHING)
    assert (expected.overdue, expected.patience) == (0.0, Habits.prompt.least)


def test_small_late_changes_count_when_they_come_often() -> None:
    once, late = [Effect(0.02, LARGE)], [Effect(0.02, LARGE), Effect(0.35, SMALL)]
    assert _expected(CLICK, once, late, once).overdue == 0.0
    expected = _expected(CLICK, late, once, late)
    assert expected.due < 0.35 < expected.overdue < 0.5


def test_several_that_are_too_small_each_count_together() -> None:
    late = [Effect(0.02, LARGE), *(Effect(0.3 + 0.15 * i, SMALL / 2) for i in range(3))]
    assert _expected(CLICK, late, late).overdue > 0.4


def test_tiny_late_changes_are_not_worth_it() -> None:
    late = [Effect(0.02, LARGE), Effect(0.35, ECHO)]
    assert _expected(CLICK, late, late, late).overdue == 0.0


def test_a_reaction_that_comes_bit_by_bit_keeps_the_usual_quiet() -> None:
    bits = [Effect(0.02, LARGE), Effect(0.07, LARGE)]
    assert _expected(CLICK, *[[Effect(0.02, LARGE)]] * 3).quiet < UNKNOWN.quiet
    assert _expected(CLICK, *[[Effect(0.02, LARGE)]] * 3, bits).quiet == UNKNOWN.quiet


def test_what_was_not_watched_to_the_end_proves_nothing() -> None:
    assert _expected(CLICK, [], [], [], watched=0.3) == UNKNOWN
    assert _expected(CLICK, *[[Effect(0.7, LARGE)]] * 2, watched=0.8).patience > 0.7


def test_what_comes_very_late_is_no_effect() -> None:
    assert _expected(CLICK, *[[Effect(10.0, LARGE)]] * 2).patience == UNKNOWN.least


def test_only_the_latest_kinds_are_kept() -> None:
    habits = Habits()
    for number in range(Habits.keys):
        habits.learn(Deed(f"keypress {number}", "Office", "Sheet"), [], 2.0)
        habits.learn(Deed(f"keypress {number}", "Office", "Sheet"), [], 2.0)
    assert habits.expect(Deed("keypress 0", "Office", "Sheet")) == UNKNOWN
    assert habits.expect(Deed(f"keypress {Habits.keys - 1}", "Office", "Sheet")) != UNKNOWN
