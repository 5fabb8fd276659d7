"""The façade without a display: what it tells its backend, and what it does when the backend fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actuators.actions import (
    Action,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Point,
    Scroll,
    TripleClick,
    Type,
)
from actuators.backends import Monitor
from actuators.backends.recorder import Primitive, Recorder
from actuators.errors import DisplayLost, InvalidAction, NotSupported
from actuators.hands import PIXELS_PER_NOTCH, Hands, drag_steps, open_hands, to_notches

KEYS = ("ctrl", "shift", "alt")
ACTIONS: list[Action] = [
    Click(1, 2, "right", KEYS),
    DoubleClick(1, 2, KEYS),
    TripleClick(1, 2, KEYS),
    Move(1, 2, KEYS),
    Drag((Point(1, 2), Point(30, 40)), KEYS),
    Scroll(1, 2, 240, -240, KEYS),
    Keypress((*KEYS, "t")),
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.type)
def test_nothing_stays_pressed_wherever_the_backend_fails(action: Action) -> None:
    whole = Recorder()
    Hands(whole).perform(action)
    for index in range(len(whole.calls)):
        recorder = Recorder(fail_at=index, failure=DisplayLost("gone"))
        with pytest.raises(DisplayLost):
            Hands(recorder).perform(action)
        assert not _pressed(recorder, whole.calls[index]), f"after failing at {whole.calls[index]}"


def _pressed(recorder: Recorder, failed: Primitive) -> set[Primitive]:
    """What went down and did not come up; a release that failed was tried, which is all that can be asked."""
    downs = {call[:2] for call in recorder.calls if call[0] in ("key", "button") and call[2] is True}
    ups = {call[:2] for call in recorder.calls if call[0] in ("key", "button") and call[2] is False}
    tried = {failed[:2]} if failed[-1] is False else set[Primitive]()
    return downs - ups - tried


def test_text_goes_to_the_backend_with_one_kind_of_newline() -> None:
    recorder = Recorder()
    Hands(recorder).perform(Type("a\r\nb\rc\nd\t"))
    assert recorder.calls == [("type_text", "a\nb\nc\nd\t")]


def test_any_of_several_screens_will_do_and_the_gap_between_them_will_not() -> None:
    hands = Hands(Recorder([Monitor(-800, 0, 800, 600), Monitor(0, 100, 1920, 1080)]))
    hands.perform(Click(-800, 0))
    hands.perform(Click(1919, 1179))
    for x, y in ((0, 99), (-1, 600), (1920, 500), (-801, 0)):
        with pytest.raises(InvalidAction, match="outside every screen"):
            hands.perform(Click(x, y))


@given(st.integers(-100_000, 100_000), st.integers(0, PIXELS_PER_NOTCH - 1))
def test_notches(pixels: int, rest: int) -> None:
    notches, left = to_notches(pixels, rest if pixels > 0 else -rest)
    if pixels == 0:
        assert notches == 0
        return
    assert notches != 0 and (notches > 0) == (pixels > 0)
    assert abs(left) < PIXELS_PER_NOTCH and left * pixels >= 0
    if abs(notches) > 1 or left:
        assert notches * PIXELS_PER_NOTCH + left == pixels + (rest if pixels > 0 else -rest)


points = st.builds(Point, st.integers(0, 4000), st.integers(0, 3000))


@given(st.lists(points, min_size=2, max_size=40))
def test_drag_steps_pass_every_point_in_order_and_in_time(path: list[Point]) -> None:
    steps, seconds = drag_steps(path)
    assert 0 < seconds < 1
    assert steps[-1] == path[-1]
    assert len(steps) <= 130 + len(path)
    rest = iter(steps)
    assert all(any(step == point for step in rest) for point in path[1:])


def test_unknown_backend() -> None:
    with pytest.raises(NotSupported, match="x11, pyautogui"):
        open_hands(":0", backend="telepathy")


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    for backend in (None, "x11", "pyautogui"):
        with pytest.raises(DisplayLost, match="DISPLAY is not set"):
            open_hands(backend=backend)
    with pytest.raises(DisplayLost, match=r"cannot open display :3999"):
        open_hands(":3999")
    with pytest.raises(DisplayLost, match="not the name of a display"):
        open_hands("nonsense")
