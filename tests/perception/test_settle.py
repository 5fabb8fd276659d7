"""When a screen counts as still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from perception import frames
from perception.account import Input
from perception.backends.replay import ReplayBackend
from perception.backends.xfront import Front
from perception.frames import Frame
from perception.pace import UNKNOWN, Expectation
from perception.restless import Change, Restless
from perception.screen import Screen
from perception.screenshot import Region
from perception.settle import GLANCE, TEMPO, Settled, Settling, Tempo, wait_for_change
from perception.watch import News, PollingWatch, Wake, Watch

pytestmark = pytest.mark.alone

WIDTH, HEIGHT = 400, 300
AREA = WIDTH * HEIGHT
LARGE, SMALL, CARET = Region(50, 50, 200, 150), Region(300, 20, 20, 20), Region(10, 10, 2, 16)
PACE = Expectation(patience=0.15)  # what is done usually has no effect
SLACK = 0.15  # seconds that a busy machine may add


class FakeWatch:
    """A script of what happens when, in seconds from the first ping; answers pings after `answers` seconds."""

    def __init__(self, script: Sequence[tuple[float, News]] = (), answers: Callable[[], float | None] | None = None):
        self._script, self._answers = list(script), answers
        self._began = time.monotonic()
        self._answer_at: float | None = None
        self.pings = 0
        self.given_up = False
        self.works_until = 0.0

    @property
    def frame(self) -> Frame:
        return np.zeros((HEIGHT, WIDTH, 4), np.uint8)

    def start(self, *, anew: bool = True) -> Frame:
        return self.frame

    def linger(self) -> None:
        pass

    def front(self) -> Front:
        return Front()

    def busy(self) -> float:
        return 1.0 if time.monotonic() - self._began < self.works_until else 0.0

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
            news = self._script.pop(0)[1]
            return replace(news, changes=[replace(change, at=now) for change in news.changes])
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


def _settle(
    watch: Watch, expected: Expectation = PACE, *, cap: float = 2.0, tempo: Tempo = TEMPO, near: Region | None = None
) -> Settled:
    with _wake() as wake:
        cause = Input(time.monotonic(), near, expected)
        return Settling(watch, Restless(), AREA, cause, tempo).run(wake, cap)


def _changes(*regions: Region) -> News:
    return News([Change(region, region.width * region.height) for region in regions])


def test_nothing_happens() -> None:
    settled = _settle(FakeWatch())
    assert settled.settled
    assert PACE.least <= settled.seconds < PACE.least + SLACK
    assert _settle(FakeWatch(), GLANCE).seconds < GLANCE.least + SLACK


def test_it_is_still_when_nothing_has_changed_for_a_while() -> None:
    script = [(second, _changes(LARGE)) for second in (0.02, 0.1, 0.19, 0.28)]
    settled = _settle(FakeWatch(script))
    assert settled.settled
    assert settled.moving is None
    assert 0.28 + PACE.quiet <= settled.seconds < 0.28 + PACE.quiet + SLACK


def test_a_first_reaction_is_waited_for() -> None:
    settled = _settle(FakeWatch([(0.7, _changes(LARGE))]), UNKNOWN)
    assert 0.7 + PACE.quiet <= settled.seconds < 0.7 + PACE.quiet + SLACK


@pytest.mark.parametrize(("near", "patient"), [(Region(290, 10, 50, 50), True), (None, False)])
def test_an_echo_is_no_reaction(near: Region | None, patient: bool) -> None:
    settled = _settle(FakeWatch([(0.02, _changes(SMALL))]), UNKNOWN, near=near)
    assert (settled.seconds >= UNKNOWN.patience) == patient


def test_what_is_due_is_waited_for_until_it_is_overdue() -> None:
    expected = Expectation(patience=0.15, due=0.3, overdue=0.5)
    came = _settle(FakeWatch([(0.02, _changes(LARGE)), (0.35, _changes(SMALL))]), expected)
    assert 0.35 + TEMPO.done <= came.seconds < 0.35 + TEMPO.done + SLACK
    missing = _settle(FakeWatch([(0.02, _changes(LARGE))]), expected)
    assert 0.5 <= missing.seconds < 0.5 + SLACK


@pytest.mark.parametrize(("works", "waits"), [(0.6, 0.6), (60.0, 1.0)])
def test_a_program_at_work_is_waited_for_but_not_for_ever(works: float, waits: float) -> None:
    watch = FakeWatch()
    watch.works_until = works
    settled = _settle(watch)
    assert settled.settled
    assert waits <= settled.seconds < waits + SLACK


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
    settled = _settle(watch, tempo=Tempo(answer=0.3))
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
        settled = Settling(watch, Restless(), AREA, Input(time.monotonic(), None, PACE)).run(wake, 5.0)
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
        watch = PollingWatch(screen, wake)
        settled = Settling(watch, Restless(), AREA, Input(time.monotonic(), None, PACE)).run(wake, 3.0)
    assert settled.settled
    assert 0.4 <= settled.seconds < 0.4 + PACE.quiet + 2 * SLACK
    assert np.array_equal(screen.grab(), film[-1][1])


@pytest.mark.parametrize(("changed", "noticed"), [(SMALL, True), (CARET, False)])
def test_waiting_for_a_change(changed: Region, noticed: bool) -> None:
    watch = FakeWatch([(0.1, _changes(changed))])
    began = time.monotonic()
    with _wake() as wake:
        assert bool(wait_for_change(watch, Restless(), wake, area=AREA, cap=0.4)) == noticed
    assert (time.monotonic() - began < 0.1 + SLACK) == noticed
