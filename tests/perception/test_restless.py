"""What keeps changing in its place, with times that are made up."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from perception.restless import Change, Restless
from perception.screenshot import Region

AREA = 400 * 300
LARGE, SMALL, CARET = Region(50, 50, 200, 150), Region(300, 20, 20, 20), Region(10, 10, 2, 16)


def _change(region: Region, *, scrolled: bool = False) -> Change:
    return Change(region, region.width * region.height, scrolled=scrolled)


def _every(pace: float, region: Region, *, until: float, since: float = 0.0) -> list[tuple[float, Region]]:
    return [(since + i * pace, region) for i in range(int((until - since) / pace))]


def _sifted(restless: Restless, changes: Sequence[tuple[float, Region]]) -> list[bool]:
    """Of each change, at a second, whether it mattered."""
    return [bool(restless.sift([_change(change)], AREA, second)) for second, change in changes]


def test_a_spinner_is_recognised_after_a_while_and_stays_so() -> None:
    restless = Restless()
    restless.resume(0.0)
    mattered = _sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
    assert all(mattered[:12])
    assert not any(mattered[13:])
    restless.pause(2.0)
    restless.resume(7.0)  # the next look, five seconds later
    assert _sifted(restless, [(7.0 + i * 0.05, SMALL) for i in range(10)]) == [False] * 10


def test_it_matters_again_once_it_has_stopped() -> None:
    restless = Restless()
    restless.resume(0.0)
    _sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
    assert _sifted(restless, [(3.0, SMALL)]) == [True]


def test_it_matters_again_after_a_long_time_without_a_look() -> None:
    restless = Restless()
    restless.resume(0.0)
    _sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
    restless.pause(2.0)
    restless.resume(60.0)
    assert _sifted(restless, [(60.0, SMALL)]) == [True]


def test_one_change_for_each_input_is_no_restlessness() -> None:
    restless = Restless()
    for i in range(20):
        restless.resume(float(i))
        assert _sifted(restless, [(i + 0.05, SMALL), (i + 0.1, SMALL)]) == [True, True]
        restless.pause(i + 0.2)


def test_text_that_is_written_is_no_restlessness() -> None:
    restless = Restless()
    restless.resume(0.0)
    letters = [(i * 0.05, Region(10 + 8 * i, 100, 11, 14)) for i in range(40)]
    assert all(_sifted(restless, letters))


def test_a_film_is_recognised_after_a_while_and_named() -> None:
    restless = Restless()
    restless.resume(0.0)
    film = _every(0.04, LARGE, until=4.0)
    mattered = _sifted(restless, film)
    assert all(mattered[: int(Restless.film / 0.04)])
    assert not any(mattered[int(Restless.film / 0.04) + 2 :])
    assert restless.films == (LARGE,)
    restless.pause(4.0)
    restless.resume(9.0)
    assert restless.films == ()  # not seen moving yet in this watch
    assert _sifted(restless, [(9.05, LARGE)]) == [False]
    assert restless.films == (LARGE,)


def test_a_film_that_has_ended_is_named_no_more() -> None:
    restless = Restless()
    restless.resume(0.0)
    _sifted(restless, _every(0.04, LARGE, until=4.0))
    assert restless.sift([], AREA, 5.0) == ()
    assert restless.films == ()


def test_something_else_that_changes_matters_beside_a_film_and_two_spinners() -> None:
    restless = Restless()
    restless.resume(0.0)
    spinners = [Region(20, 250, 16, 16), Region(60, 250, 16, 16)]
    for i in range(100):
        restless.sift([_change(LARGE), *map(_change, spinners)], AREA, i * 0.04)
    assert restless.sift([_change(LARGE), *map(_change, spinners)], AREA, 4.0) == ()
    assert restless.sift([_change(SMALL)], AREA, 4.04) == (_change(SMALL),)
    assert restless.films == (LARGE,)


def test_text_that_scrolls_is_no_film() -> None:
    restless = Restless()
    restless.resume(0.0)
    assert all(restless.sift([_change(LARGE, scrolled=True)], AREA, i * 0.04) for i in range(100))


@given(st.integers(0, 100), st.floats(0.01, 0.2))
def test_most_of_the_screen_always_matters(left: int, pace: float) -> None:
    restless = Restless()
    restless.resume(0.0)
    assert all(_sifted(restless, _every(pace, Region(left, 0, 300, 300), until=60 * pace)))
