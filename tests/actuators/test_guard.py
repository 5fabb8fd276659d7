"""The takeover guard on real servers: the user's hands stop the agent's, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

from actuators import hands as hands_module
from actuators.actions import Action, Click, DoubleClick, Drag, Keypress, Move, Point, Type
from actuators.backends import xinput
from actuators.errors import DisplayLost, TakenOver
from actuators.guard import Guard, Panic, Touches, open_guard
from actuators.hands import Hands, open_hands
from actuators.xlibfix import open_display
from tests.support.takeover import QUIET, SOON, USES, Working, until
from tests.support.window import event_window
from tests.support.xephyr import HEIGHT, WIDTH, User, pressed, xephyr
from tests.support.xserver import XServer, xserver, xvfb

pytestmark = pytest.mark.alone

LONG_DRAG = Drag((Point(0, 0), Point(1200, 700)), ("ctrl", "shift"))


@pytest.fixture(scope="module")
def nested() -> Generator[tuple[XServer, User], None, None]:
    with xephyr() as both:
        yield both


class Desk:
    """A server with the agent's hands, their guard, and somebody in front of it."""

    def __init__(self, display: str, user: User, hands: Hands, guard: Guard) -> None:
        self.display, self.user, self.hands, self.guard = display, user, hands, guard

    def touched(self) -> Touches:
        """Wait until the user's hands have been noticed."""
        assert until(lambda: self.guard.touches is not None)
        assert self.guard.touches is not None
        return self.guard.touches

    def untouched(self) -> bool:
        """Whether nothing is noticed for a while."""
        time.sleep(QUIET)
        return self.guard.touches is None


@pytest.fixture
def desk(nested: tuple[XServer, User]) -> Generator[Desk, None, None]:
    server, user = nested
    user.move(WIDTH // 2, HEIGHT // 2)
    with open_hands(server.display) as hands:
        guard = open_guard(hands, server.display, grace=0)
        assert guard.note == ""
        for x in (WIDTH // 2 + 40, WIDTH // 2):  # two positions that fit tell a virtual device from a mouse
            user.move(x, HEIGHT // 2)
            time.sleep(0.05)
        hand_back_for_good(guard)
        try:
            yield Desk(server.display, user, hands, guard)
        finally:
            guard.close()


def hand_back_for_good(guard: Guard) -> None:
    """On a busy machine the last of what was done before comes late."""
    for _ in range(50):
        guard.hand_back()
        time.sleep(0.1)
        if guard.touches is None:
            return
    pytest.fail("the user does not let go")


@pytest.mark.parametrize("kind", USES)
def test_whatever_the_user_touches_takes_the_hands(desk: Desk, kind: str) -> None:
    told: list[Touches] = []
    desk.guard.on_touch(told.append)
    USES[kind](desk.user)
    assert desk.touched().first == kind
    with event_window(desk.display) as window:
        window.events()
        for action in (Click(5, 5), Type("hello"), Keypress(("ctrl", "a")), LONG_DRAG):
            with pytest.raises(TakenOver, match="nothing was done") as caught:
                desk.hands.perform(action)
            assert not caught.value.begun
        assert window.events() == []
        assert desk.guard.hand_back() is not None
        desk.hands.perform(Click(5, 5))
        assert [(click.x, click.y) for click in window.clicks()] == [(5, 5)]
    assert desk.guard.touches is None
    assert len(told) == 1


def test_jitter_and_releases_are_no_takeover(desk: Desk) -> None:
    time.sleep(0.25)  # jitter counts on top of what was moved right before
    for step in (1, 0, 2, -1, 0):
        desk.user.move(WIDTH // 2 + step, HEIGHT // 2 + step)
    assert desk.untouched()
    desk.user.key("enter", True)
    desk.user.press(1)
    assert until(lambda: desk.touched().clicks != () and desk.touched().keys == 1)
    desk.guard.hand_back()
    desk.user.key("enter", False)
    desk.user.press(1, down=False)
    assert desk.untouched()


@pytest.mark.parametrize("action", [LONG_DRAG, Type("hello, world " * 20_000)], ids=["drag", "type"])
@pytest.mark.parametrize("kind", ["pointer", "key"])
def test_an_action_under_way_is_cut_short(desk: Desk, action: Action, kind: str) -> None:
    working = Working(desk.hands, action)
    time.sleep(0.15)
    USES[kind](desk.user)
    assert working.still() < 1
    assert isinstance(working.failure, TakenOver) and working.failure.begun
    assert "cut short" in str(working.failure)
    assert until(lambda: pressed(desk.display) == (set(), 0))


def test_waiting_for_a_program_to_paste_is_cut_short(desk: Desk) -> None:
    with event_window(desk.display) as window:
        working = Working(desk.hands, Type("thät wïndow does not päste"))
        assert until(lambda: any(event.key == "v" for event in window.events()))
        desk.user.tap("a")
        assert working.still() < 1
        assert isinstance(working.failure, TakenOver)
        assert pressed(desk.display) == (set(), 0)


def test_between_the_clicks_of_a_double_click(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands_module, "CLICK_GAP", SOON)
    with event_window(desk.display) as window:
        working = Working(desk.hands, DoubleClick(30, 40))
        assert until(lambda: any(event.type == "button_up" for event in window.events()))
        desk.user.tap("a")
        assert working.still() < 1
        assert isinstance(working.failure, TakenOver)
        assert window.clicks() == []
        assert pressed(desk.display) == (set(), 0)


def test_what_the_user_did_is_told_at_the_end(desk: Desk) -> None:
    desk.user.move(100, 100)
    desk.user.move(300, 200)
    for button in (1, 3, 4, 5, 5):
        desk.user.click(button)
    for key in ("a", "enter"):
        desk.user.tap(key)
    assert until(lambda: desk.touched().keys == 2)
    done = desk.guard.hand_back()
    assert done is not None
    assert done.first == "pointer" and done.moved and done.scrolls == 3 and not done.panic
    assert done.clicks == (Point(300, 200), Point(300, 200))
    assert done.began <= done.last <= time.monotonic()
    assert desk.guard.hand_back() is None


def test_panic_is_told_apart(desk: Desk) -> None:
    told: list[bool] = []
    desk.guard.on_touch(lambda touches: told.append(touches.panic))
    desk.user.tap("escape")
    desk.user.tap("escape")
    desk.user.tap("a")
    assert until(lambda: desk.touched().keys == 3)
    assert told == [False]
    desk.user.tap("escape")
    assert until(lambda: told == [False, True])
    assert desk.touched().panic


def test_a_panic_chord_of_ones_own(nested: tuple[XServer, User]) -> None:
    server, user = nested
    with open_hands(server.display) as hands:
        guard = open_guard(hands, server.display, panic=Panic("Shift+Esc", 1), grace=0)
        user.tap("escape")
        assert until(lambda: guard.touches is not None and guard.touches.keys == 1)
        assert guard.touches is not None and not guard.touches.panic
        user.key("shift", True)
        user.tap("escape")
        user.key("shift", False)
        assert until(lambda: guard.touches is not None and guard.touches.panic)
        guard.close()


def test_taking_over_by_word(desk: Desk) -> None:
    working = Working(desk.hands, LONG_DRAG)
    assert until(lambda: pressed(desk.display) != (set(), 0))
    desk.guard.take()
    assert working.still() < 1
    assert desk.touched().first == "word"
    desk.user.tap("a")
    assert until(lambda: desk.touched().keys == 1)
    assert desk.touched().first == "word"
    desk.guard.hand_back()
    desk.hands.perform(Click(1, 1))


def test_the_user_is_heard_while_a_program_grabs_the_pointer(desk: Desk) -> None:
    """A menu is open, say."""
    from Xlib import X

    program: Any = open_display(desk.display)
    root = program.screen().root
    assert root.grab_pointer(False, X.ButtonPressMask, X.GrabModeAsync, X.GrabModeAsync, 0, 0, 0) == X.GrabSuccess
    assert root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, 0) == X.GrabSuccess
    desk.hands.perform(Click(5, 5))
    assert desk.untouched()
    for use in USES.values():
        use(desk.user)
        desk.touched()
        desk.guard.hand_back()
    program.close()


def test_a_device_that_comes_later_is_heard(desk: Desk) -> None:
    """A second pair of master devices stands for a mouse that is plugged in: all numbers are looked up again."""
    listener: Any = desk.guard._listener  # pyright: ignore[reportPrivateUsage]
    _add_master(desk.display, "second")
    assert until(lambda: not listener._devices)
    desk.hands.perform(Click(9, 9))
    assert desk.untouched()
    assert any(device.synthetic for device in listener._devices.values())
    desk.user.tap("a")
    desk.touched()


def _add_master(display: str, name: str) -> None:
    from Xlib.protocol import rq

    class ChangeHierarchy(rq.Request):
        _request = rq.Struct(
            rq.Card8("opcode"), rq.Opcode(43), rq.RequestLength(), rq.Card8("count"), rq.Pad(3),
            rq.Card16("type"), rq.Card16("words"), rq.LengthOf("name", 2), rq.Card8("core"), rq.Card8("enable"),
            rq.String8("name"),
        )  # fmt: skip

    x: Any = open_display(display)
    opcode = x.display.get_extension_major("XInputExtension")
    ChangeHierarchy(display=x.display, opcode=opcode, count=1, type=1, words=4, name=name, core=1, enable=1)
    x.sync()
    x.close()


def test_without_xinput_2_the_guard_looks_now_and_then(
    nested: tuple[XServer, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, user = nested
    monkeypatch.setattr(xinput, "VERSION", (2, 0))  # the server answers with what it is asked for
    with open_hands(server.display) as hands:
        guard = open_guard(hands, server.display, grace=0)
        assert "2.0, older than 2.1" in guard.note and "looking" in guard.note
        for action in (Click(10, 10), Drag((Point(5, 5), Point(200, 200))), Keypress(("ctrl", "a")), Move(20, 30)):
            hands.perform(action)
            time.sleep(QUIET)
        assert guard.touches is None
        user.move(333, 222)
        with pytest.raises(TakenOver):
            hands.perform(Click(1, 1))
        assert until(lambda: guard.touches is not None and guard.touches.moved)
        guard.hand_back()
        for use, release in ((lambda: user.press(3), lambda: user.press(3, False)), _key(user, "a")):
            use()
            assert until(lambda: guard.touches is not None)
            release()
            guard.hand_back()
        guard.close()


def _key(user: User, name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    return (lambda: user.key(name, True)), (lambda: user.key(name, False))


def test_the_server_is_killed() -> None:
    with xserver() as server:
        hands = open_hands(server.display)
        guard = open_guard(hands, server.display, grace=0)
        server.kill()
        assert until(lambda: guard.note != "")
        assert guard.note == (
            f"the user's own mouse and keyboard cannot be heard any more: display {server.display} is gone"
        )
        with pytest.raises(DisplayLost):
            hands.perform(Click(1, 1))
        assert guard.hand_back() is None
        guard.close()
        guard.close()
        hands.close()


def test_where_nothing_can_be_heard_the_guard_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with xvfb() as display, open_hands(display) as hands:
        for name in (":3999", "nonsense"):
            guard = open_guard(hands, name, grace=0)
            assert "cannot be heard here" in guard.note
        monkeypatch.delenv("DISPLAY", raising=False)
        guard = open_guard(hands)
        assert "no X display" in guard.note
        hands.perform(Click(1, 1))
        guard.take()
        with pytest.raises(TakenOver):
            hands.perform(Click(1, 1))
        guard.close()


def test_threads_and_connections_end_with_the_guard() -> None:
    with xvfb() as display, open_hands(display) as hands:
        before = threading.active_count()
        for _ in range(3):
            guard = open_guard(hands, display, grace=0)
            hands.perform(Click(1, 1))
            guard.close()
        assert until(lambda: threading.active_count() <= before)
        hands.perform(Click(1, 1))
