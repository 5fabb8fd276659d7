"""What all hands promise, whatever they are made of: the same suite for every backend, on a real X server.

The recorder has no display; what it wrote down is read in the same words as what a real window saw.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Generator
from typing import Any, TypeAlias

import pytest

from actuators.actions import (
    Action,
    Button,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Point,
    Scroll,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
)
from actuators.backends.recorder import Recorder
from actuators.errors import ActuatorError, CannotType, InvalidAction
from actuators.hands import Hands, Interrupted, open_hands
from tests.support.window import EventWindow, Seen, event_window
from tests.support.xserver import xvfb

Word: TypeAlias = tuple[Any, ...]
WIDTH, HEIGHT = 1280, 800
_KEYS = {
    "Control_L": "ctrl",
    "Shift_L": "shift",
    "Alt_L": "alt",
    "Return": "enter",
    "Next": "page_down",
    "KP_Enter": "kp_enter",
}
_BUTTONS = {1: "left", 2: "wheel", 3: "right", 8: "back", 9: "forward"}
_WHEEL = {4: (0, -1), 5: (0, 1), 6: (-1, 0), 7: (1, 0)}


@pytest.fixture(scope="module")
def display() -> Generator[str, None, None]:
    """One server for the module, since pyautogui binds itself to one display for ever."""
    before = os.environ.get("DISPLAY")
    with xvfb(WIDTH, HEIGHT) as name:
        yield name
    if before is None:
        os.environ.pop("DISPLAY", None)
    else:
        os.environ["DISPLAY"] = before


class Stage:
    """Hands, and a witness."""

    def __init__(self, hands: Hands, witness: EventWindow | Recorder) -> None:
        self.hands = hands
        self._witness = witness
        self._at: Word = ()

    def do(self, *actions: Action) -> list[Word]:
        """Perform, and tell what was seen of it, moves to where the pointer already is left out."""
        self.seen()
        for action in actions:
            self.hands.perform(action)
        return self.seen()

    def seen(self) -> list[Word]:
        """What was seen since the last call."""
        if isinstance(self._witness, Recorder):
            words: list[Word] = list(self._witness.calls)
            self._witness.calls.clear()
        else:
            words = [word for event in self._witness.events() for word in _words(event)]
        return self._without_idle_moves(words)

    def _without_idle_moves(self, words: list[Word]) -> list[Word]:
        kept: list[Word] = []
        for word in words:
            if word != self._at:
                kept.append(word)
            if word[0] == "move":
                self._at = word
        return kept

    def events(self) -> list[Seen]:
        """The raw events, for what only a real server knows."""
        if isinstance(self._witness, Recorder):
            pytest.skip("the recorder has no clock and no modifier state")
        return self._witness.events()


def _words(event: Seen) -> list[Word]:
    if event.type == "motion":
        return [("move", event.x, event.y)]
    down = event.type.endswith("down")
    if event.type.startswith("key"):
        return [("key", _KEYS.get(event.key, event.key), down)]
    if event.button in _WHEEL:
        return [("notch", *_WHEEL[event.button])] if down else []
    return [("button", _BUTTONS[event.button], down)]


@pytest.fixture(params=["x11", "pyautogui", "recorder"])
def stage(request: pytest.FixtureRequest, display: str) -> Generator[Stage, None, None]:
    if request.param == "recorder":
        recorder = Recorder()
        with Hands(recorder) as hands:
            yield Stage(hands, recorder)
        return
    with event_window(display) as window, open_hands(display, backend=request.param) as hands:
        hands.perform(Move(WIDTH - 1, HEIGHT - 1))
        yield Stage(hands, window)


@pytest.mark.parametrize("button", ["left", "right", "wheel", "back", "forward"])
def test_click(stage: Stage, button: Button) -> None:
    assert stage.do(Click(31, 47, button)) == [
        ("move", 31, 47),
        ("button", button, True),
        ("button", button, False),
    ]


@pytest.mark.parametrize("x", [0, 1, 640, WIDTH - 1])
@pytest.mark.parametrize("y", [0, 399, HEIGHT - 1])
def test_clicks_hit_the_pixel(stage: Stage, x: int, y: int) -> None:
    stage.hands.perform(Move(7, 7))
    assert ("move", x, y) in stage.do(Click(x, y))


def test_held_keys_go_down_first_and_come_up_last_in_reverse(stage: Stage) -> None:
    assert stage.do(Click(5, 6, "left", ("CTRL", "shift"))) == [
        ("key", "ctrl", True),
        ("key", "shift", True),
        ("move", 5, 6),
        ("button", "left", True),
        ("button", "left", False),
        ("key", "shift", False),
        ("key", "ctrl", False),
    ]


@pytest.mark.parametrize(
    ("action", "within"),
    [
        (Click(50, 60, "right", ("CTRL", "alt")), ("button", "right", True)),
        (DoubleClick(50, 60, ("CTRL", "alt")), ("button", "left", True)),
        (TripleClick(50, 60, ("CTRL", "alt")), ("button", "left", True)),
        (Move(50, 60, ("CTRL", "alt")), ("move", 50, 60)),
        (Drag((Point(50, 60), Point(90, 70)), ("CTRL", "alt")), ("move", 90, 70)),
        (Scroll(50, 60, 120, 0, ("CTRL", "alt")), ("notch", 1, 0)),
        (Keypress(("CTRL", "alt", "t")), ("key", "t", True)),
    ],
    ids=lambda value: value.type if hasattr(value, "type") else "",
)
def test_every_action_with_held_keys(stage: Stage, action: Action, within: Word) -> None:
    words = stage.do(action)
    assert words[:2] == [("key", "ctrl", True), ("key", "alt", True)]
    assert words[-2:] == [("key", "alt", False), ("key", "ctrl", False)]
    assert within in words[2:-2]


@pytest.mark.parametrize("chord", [("Control+Return",), ("hotkey ctrl enter",), ("<Control>ret",), ("ENTER", "LCtrl")])
def test_spellings_come_out_as_one_chord(stage: Stage, chord: tuple[str, ...]) -> None:
    assert [word[1:] for word in stage.do(Keypress(chord))] == [
        ("ctrl", True),
        ("enter", True),
        ("enter", False),
        ("ctrl", False),
    ]


def test_held_keys_are_held_at_the_click(stage: Stage) -> None:
    stage.hands.perform(Click(5, 6, "left", ("ctrl", "shift")))
    presses = [event.state & 0b1101 for event in stage.events() if event.type == "button_down"]
    assert presses == [0b0101]  # Shift and Control


@pytest.mark.parametrize(("action", "times"), [(DoubleClick(90, 80), 2), (TripleClick(90, 80), 3)])
def test_many_clicks_are_one_gesture(stage: Stage, action: Action, times: int) -> None:
    clicks = [("button", "left", True), ("button", "left", False)]
    assert stage.do(action) == [("move", 90, 80), *(clicks * times)]


def test_the_clicks_of_a_double_click_are_close_and_two_clicks_are_not(stage: Stage) -> None:
    stage.hands.perform(DoubleClick(200, 200))
    first, second = (event.time for event in stage.events() if event.type == "button_down")
    assert 20 <= second - first <= 200
    stage.hands.perform(Click(300, 300))
    stage.hands.perform(Click(301, 300))
    third, fourth = (event.time for event in stage.events() if event.type == "button_down")
    assert fourth - third > 450, "programs would take them for a double click"


def test_chord(stage: Stage) -> None:
    assert stage.do(Keypress(("CTRL", "SHIFT", "T"))) == [
        ("key", "ctrl", True),
        ("key", "shift", True),
        ("key", "t", True),
        ("key", "t", False),
        ("key", "shift", False),
        ("key", "ctrl", False),
    ]


@pytest.mark.parametrize("key", ["enter", "page_down", "a", "ctrl"])
def test_single_key(stage: Stage, key: str) -> None:
    assert stage.do(Keypress((key,))) == [("key", key, True), ("key", key, False)]


@pytest.mark.parametrize(
    ("dx", "dy", "notch", "count"),
    [
        (0, 120, (0, 1), 1),
        (0, -360, (0, -1), 3),
        (240, 0, (1, 0), 2),
        (-120, 0, (-1, 0), 1),
        (0, 1, (0, 1), 1),
        (0, -119, (0, -1), 1),
        (0, 300, (0, 1), 2),
    ],
)
def test_scroll(stage: Stage, dx: int, dy: int, notch: tuple[int, int], count: int) -> None:
    assert stage.do(Scroll(10, 20, dx, dy)) == [("move", 10, 20), *([("notch", *notch)] * count)]


def test_what_is_left_of_a_scroll_is_carried_on(stage: Stage) -> None:
    words = stage.do(Scroll(10, 20, 0, 180), Scroll(10, 20, 0, 180))
    assert words.count(("notch", 0, 1)) == 3


def test_drag_goes_through_every_point_with_the_button_down(stage: Stage) -> None:
    path = (Point(100, 100), Point(300, 100), Point(300, 250), Point(120, 251))
    started = time.monotonic()
    words = stage.do(Drag(path, ("shift",)))
    assert time.monotonic() - started < 5
    assert words[0] == ("key", "shift", True)
    assert words[1:3] == [("move", 100, 100), ("button", "left", True)]
    assert words[-2:] == [("button", "left", False), ("key", "shift", False)]
    way = [(100, 100), *(word[1:] for word in words[3:-2])]
    assert [p for p in way if p in {(q.x, q.y) for q in path}] == [(q.x, q.y) for q in path]
    assert max(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in itertools.pairwise(way)) <= 12


def test_a_drag_over_the_whole_screen_and_of_one_pixel_take_their_time(stage: Stage) -> None:
    for end in (Point(WIDTH - 1, HEIGHT - 1), Point(1, 0)):
        started = time.monotonic()
        stage.hands.perform(Drag((Point(0, 0), end)))
        assert 0.1 < time.monotonic() - started < 5


@pytest.mark.parametrize("action", [Wait(), TakeScreenshot()])
def test_looking_touches_nothing(stage: Stage, action: Action) -> None:
    assert stage.do(action) == []


@pytest.mark.parametrize(
    "action",
    [
        Click(WIDTH, 5),
        Click(5, -1),
        DoubleClick(5, HEIGHT),
        Move(10**6, 10**6),
        Scroll(-5, 5, 0, 120),
        Drag((Point(5, 5), Point(WIDTH, 5))),
        Drag((Point(5, 5),)),
        Keypress(("ctrl", "hyperspace")),
        Keypress(()),
        Click(5, 5, "left", ("nope",)),
    ],
)
def test_a_bad_action_touches_nothing(stage: Stage, action: Action) -> None:
    stage.seen()
    with pytest.raises(InvalidAction):
        stage.hands.perform(action)
    assert stage.seen() == []


@pytest.mark.parametrize("text", ["a\0b", "a\x1b[2J", "a\ud800", "a\x07", "\x7f"])
def test_text_that_is_none_touches_nothing(stage: Stage, text: str) -> None:
    stage.seen()
    with pytest.raises(CannotType):
        stage.hands.perform(Type(text))
    assert stage.seen() == []


def test_release_cuts_short_and_nothing_stays_pressed(stage: Stage) -> None:
    failures: list[ActuatorError] = []

    def drag() -> None:
        try:
            stage.hands.perform(Drag((Point(0, 0), Point(1200, 700)), ("ctrl", "shift")))
        except ActuatorError as error:
            failures.append(error)

    stage.seen()
    dragging = threading.Thread(target=drag)
    dragging.start()
    time.sleep(0.2)
    started = time.monotonic()
    stage.hands.release()
    assert time.monotonic() - started < 1
    dragging.join(5)
    assert isinstance(failures[0], Interrupted)
    words = stage.seen()
    assert words[-3:] == [("button", "left", False), ("key", "shift", False), ("key", "ctrl", False)]
    assert ("move", 1200, 700) not in words
    assert stage.do(Click(3, 3)) == [("move", 3, 3), ("button", "left", True), ("button", "left", False)]


def test_release_with_nothing_held(stage: Stage) -> None:
    stage.seen()
    stage.hands.release()
    stage.hands.release()
    assert stage.seen() == []


def test_closing_twice_is_harmless_and_closed_hands_do_nothing(stage: Stage) -> None:
    stage.hands.close()
    stage.hands.close()
    with pytest.raises(ActuatorError):
        stage.hands.perform(Click(1, 1))
