"""When a screen counts as still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception import frames
from perception.backends.replay import ReplayBackend
from perception.frames import Frame
from perception.screen import Screen
from perception.screenshot import Region
from perception.settle import Pace, Restless, Settled, settle, wait_for_change
from perception.watch import News, PollingWatch, Wake

WIDTH, HEIGHT = 400, 300
AREA = WIDTH * HEIGHT
LARGE, SMALL, CARET = Region(50, 50, 200, 150), Region(300, 20, 20, 20), Region(10, 10, 2, 16)
PACE = Pace()
SLACK = 0.15  # seconds that a busy machine may add


class FakeWatch:
    """A script of what happens when, in seconds from the first ping; answers pings after `answers` seconds."""

    def __init__(self, script: Sequence[tuple[float, News]] = (), answers: Callable[[], float | None] | None = None):
        self._script, self._answers = list(script), answers
        self._began = time.monotonic()
        self._answer_at: float | None = None
        self.pings = 0
        self.given_up = False

    def start(self) -> Frame:
        return np.zeros((HEIGHT, WIDTH, 4), np.uint8)

    def stirred(self) -> bool:
        return False

    def wait(self, seconds: float) -> News:
        now = time.monotonic()
        coming = [self._began + second for second, _ in self._script[:1]]
        answer = [] if self._answer_at is None else [self._answer_at]
        time.sleep(max(0.0, min([now + seconds, now + 0.02, *coming, *answer]) - now))
        now = time.monotonic()
        if self._answer_at is not None and now >= self._answer_at:
            self._answer_at = None
            return News(answered=True)
        if coming and now >= coming[0]:
            return self._script.pop(0)[1]
        return News()

    def ping(self) -> bool:
        self.pings += 1
        after = None if self._answers is None else self._answers()
        self._answer_at = None if after is None else time.monotonic() + after
        return self._answers is not None and not self.given_up

    def moved_on(self) -> bool:
        return True

    def give_up(self) -> bool:
        self.given_up = True
        return True

    def close(self) -> None:
        pass


@contextmanager
def _wake() -> Generator[Wake, None, None]:
    wake = Wake()
    try:
        yield wake
    finally:
        wake.close()


def _settle(watch: FakeWatch, *, cap: float = 2.0, pace: Pace = PACE, after_input: bool = True) -> Settled:
    with _wake() as wake:
        return settle(watch, Restless(), wake, area=AREA, cap=cap, pace=pace, after_input=after_input)


def _changes(*changes: Region) -> News:
    return News(changes)


def test_nothing_happens() -> None:
    settled = _settle(FakeWatch())
    assert settled.settled
    assert PACE.least <= settled.seconds < PACE.least + SLACK
    assert _settle(FakeWatch(), after_input=False).seconds < PACE.glance + SLACK


def test_it_is_still_when_nothing_has_changed_for_a_while() -> None:
    script = [(second, _changes(LARGE)) for second in (0.02, 0.1, 0.19, 0.28)]
    settled = _settle(FakeWatch(script))
    assert settled.settled
    assert settled.moving is None
    assert 0.28 + PACE.quiet <= settled.seconds < 0.28 + PACE.quiet + SLACK


def test_what_never_rests_ends_at_the_cap_and_is_named() -> None:
    script = [(i * 0.03, _changes(LARGE)) for i in range(40)]
    settled = _settle(FakeWatch(script), cap=0.6)
    assert not settled.settled
    assert settled.moving == LARGE
    assert settled.responding
    assert 0.6 <= settled.seconds < 0.6 + SLACK


def test_a_caret_holds_nothing_up() -> None:
    script = [(i * 0.03, _changes(CARET)) for i in range(40)]
    assert _settle(FakeWatch(script)).seconds < PACE.least + SLACK


def test_a_busy_program_is_waited_for() -> None:
    answers = iter([0.4, 0.0, 0.0])
    settled = _settle(FakeWatch(answers=lambda: next(answers)))
    assert settled.settled
    assert 0.4 + PACE.quiet <= settled.seconds < 0.4 + PACE.quiet + SLACK


def test_a_program_that_becomes_busy_later_is_waited_for() -> None:
    answers = iter([0.0, 0.3, 0.0])  # the second one is asked for when all is quiet
    settled = _settle(FakeWatch(answers=lambda: next(answers)))
    assert settled.seconds >= PACE.least + 0.3 + PACE.quiet


def test_a_program_that_is_busy_up_to_the_cap() -> None:
    settled = _settle(FakeWatch(answers=lambda: 60.0), cap=0.5)
    assert not settled.settled
    assert not settled.responding


def test_a_program_that_never_answers_is_not_asked_for_ever() -> None:
    watch = FakeWatch(answers=lambda: None)
    settled = _settle(watch, pace=Pace(patience=0.3))
    assert watch.given_up
    assert settled.settled
    assert 0.3 <= settled.seconds < 0.3 + SLACK


def test_another_window_in_front_is_asked_instead() -> None:
    answers = iter([None, 0.0, 0.0])
    watch = FakeWatch([(0.1, News(refocused=True))], answers=lambda: next(answers))
    settled = _settle(watch)
    assert settled.settled
    assert settled.seconds < PACE.least + SLACK
    assert watch.pings == 3


def test_a_wait_can_be_cut_short() -> None:
    film = [(i * 0.04, _filled(LARGE, i)) for i in range(100)]
    with _wake() as wake:
        watch = PollingWatch(Screen(ReplayBackend(film)), wake)
        threading.Timer(0.3, wake.set).start()
        settled = settle(watch, Restless(), wake, area=AREA, cap=5.0)
    assert not settled.settled
    assert 0.3 <= settled.seconds < 0.3 + SLACK


def _filled(region: Region, value: int) -> Frame:
    frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    frames.cut(frame, region)[:] = value % 200 + 1
    return frame


def test_a_film_is_watched_by_comparing_frames() -> None:
    film = [(i * 0.05, _filled(LARGE, i)) for i in range(9)]
    screen = Screen(ReplayBackend(film))
    with _wake() as wake:
        settled = settle(PollingWatch(screen, wake), Restless(), wake, area=AREA, cap=3.0)
    assert settled.settled
    assert 0.4 <= settled.seconds < 0.4 + PACE.quiet + 2 * SLACK
    assert np.array_equal(screen.grab(), film[-1][1])


@pytest.mark.parametrize(("changed", "noticed"), [(SMALL, True), (CARET, False)])
def test_waiting_for_a_change(changed: Region, noticed: bool) -> None:
    watch = FakeWatch([(0.1, _changes(changed))])
    began = time.monotonic()
    with _wake() as wake:
        assert wait_for_change(watch, Restless(), wake, area=AREA, cap=0.4) == noticed
    assert (time.monotonic() - began < 0.1 + SLACK) == noticed


class TestRestless:
    """What keeps changing in its place, with times that are made up."""

    def _sifted(self, restless: Restless, changes: Sequence[tuple[float, Region]]) -> list[bool]:
        """Of each change, at a second, whether it mattered."""
        return [bool(restless.sift([change], AREA, second)) for second, change in changes]

    def test_a_spinner_is_recognised_after_a_while_and_stays_so(self) -> None:
        restless = Restless()
        restless.resume(0.0)
        mattered = self._sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
        assert all(mattered[:12])
        assert not any(mattered[13:])
        restless.pause(2.0)
        restless.resume(7.0)  # the next look, five seconds later
        assert self._sifted(restless, [(7.0 + i * 0.05, SMALL) for i in range(10)]) == [False] * 10

    def test_it_matters_again_once_it_has_stopped(self) -> None:
        restless = Restless()
        restless.resume(0.0)
        self._sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
        assert self._sifted(restless, [(3.0, SMALL)]) == [True]

    def test_it_matters_again_after_a_long_time_without_a_look(self) -> None:
        restless = Restless()
        restless.resume(0.0)
        self._sifted(restless, [(i * 0.05, SMALL) for i in range(40)])
        restless.pause(2.0)
        restless.resume(60.0)
        assert self._sifted(restless, [(60.0, SMALL)]) == [True]

    def test_one_change_for_each_input_is_no_restlessness(self) -> None:
        restless = Restless()
        for i in range(20):
            restless.resume(float(i))
            assert self._sifted(restless, [(i + 0.05, SMALL), (i + 0.1, SMALL)]) == [True, True]
            restless.pause(i + 0.2)

    def test_text_that_is_written_is_no_restlessness(self) -> None:
        restless = Restless()
        restless.resume(0.0)
        letters = [(i * 0.05, Region(10 + 8 * i, 100, 11, 14)) for i in range(40)]
        assert all(self._sifted(restless, letters))

    @given(st.integers(0, 100), st.floats(0.01, 0.2))
    def test_a_large_change_always_matters(self, left: int, pace: float) -> None:
        restless = Restless()
        restless.resume(0.0)
        change = Region(left, 0, 50, 50)
        assert all(self._sifted(restless, [(i * pace, change) for i in range(60)]))
