"""The guard without a server: what it makes of what a listener hears, and how a listener tells what it hears."""

from __future__ import annotations

import struct
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from actuators.actions import Click, Drag, Move, Point
from actuators.backends import hooks, witness
from actuators.backends.recorder import Recorder
from actuators.backends.witness import Kind, Ledger
from actuators.backends.xinput import MOTION, Motion, Raw, read_raw
from actuators.errors import Interrupted, InvalidAction, NotSupported, TakenOver
from actuators.guard import Deaf, Guard, Hear, Heard, Panic, Touches, open_guard
from actuators.hands import Hands


class Ears(Deaf):
    """A listener that hears what the test tells it."""

    def __init__(self) -> None:
        super().__init__("")
        self.hear: Hear = lambda heard: None
        self.before: Callable[[], None] = lambda: None

    def start(self, hear: Hear) -> None:
        self.hear = hear

    def begin(self) -> None:
        self.before()


def guarded(**options: Any) -> tuple[Recorder, Hands, Ears, Guard]:
    recorder, ears = Recorder(), Ears()
    hands = Hands(recorder)
    return recorder, hands, ears, Guard(hands, ears, grace=0, **options)


def test_what_happened_right_before_an_action_stops_it() -> None:
    recorder, hands, ears, guard = guarded()
    ears.before = lambda: ears.hear(Heard("pointer"))
    with pytest.raises(TakenOver, match="nothing was done"):
        hands.perform(Click(1, 1))
    assert recorder.calls == []
    ears.before = lambda: None
    done = guard.hand_back()
    assert done is not None and done.moved
    hands.perform(Move(1, 1))
    assert recorder.calls == [("move", 1, 1)]


def test_nothing_stays_pressed_wherever_the_user_comes_in() -> None:
    action = Drag((Point(1, 2), Point(30, 40)), ("ctrl", "shift"))
    whole = Recorder()
    Hands(whole).perform(action)
    for index in range(len(whole.calls)):
        recorder, hands, ears, _ = guarded()
        real = recorder.move, recorder.button, recorder.key

        def then_touch(call: Callable[..., None], *, at: int = index, seen: Any = recorder, ears: Ears = ears) -> Any:
            def called(*arguments: Any) -> None:
                call(*arguments)
                if len(seen.calls) == at + 1:
                    ears.hear(Heard("key"))

            return called

        recorder.move, recorder.button, recorder.key = (then_touch(call) for call in real)
        cut_short = whole.calls[index][-1] is not False  # letting go goes on whatever happens
        if cut_short:
            with pytest.raises(TakenOver, match="cut short"):
                hands.perform(action)
        downs = [call[:2] for call in recorder.calls if call[-1] is True]
        ups = [call[:2] for call in recorder.calls if call[-1] is False]
        assert sorted(downs) == sorted(ups)
        assert not cut_short or len([call for call in recorder.calls if call[0] == "move"]) <= index + 1


def test_release_does_not_free_hands_that_the_user_holds() -> None:
    _, hands, _, guard = guarded()
    guard.take()
    hands.release()
    with pytest.raises(TakenOver):
        hands.perform(Click(1, 1))
    guard.hand_back()
    hands.perform(Click(1, 1))
    hands.release()
    hands.perform(Move(1, 1))


def test_release_alone_is_still_an_interruption() -> None:
    _, hands, _, _ = guarded()
    failures: list[Exception] = []

    def drag() -> None:
        try:
            hands.perform(Drag((Point(0, 0), Point(900, 700))))
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=drag)
    thread.start()
    time.sleep(0.1)
    hands.release()
    thread.join(5)
    assert isinstance(failures[0], Interrupted)


def test_a_touch_while_handing_back_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    _, hands, ears, guard = guarded()
    ears.hear(Heard("key"))
    give_back = hands.give_back

    def touched_again() -> None:
        ears.hear(Heard("pointer"))
        give_back()

    monkeypatch.setattr(hands, "give_back", touched_again)
    done = guard.hand_back()
    assert done is not None and done.keys == 1 and not done.moved
    with pytest.raises(TakenOver):
        hands.perform(Click(1, 1))
    assert guard.touches is not None and guard.touches.first == "pointer"


def test_panic_wants_its_presses_in_time() -> None:
    _, _, ears, guard = guarded(panic=Panic(count=3, seconds=0.2))
    told: list[Touches] = []
    guard.on_touch(told.append)
    for rest in (0.15, 0.15, 0):
        ears.hear(Heard("key", panic=True))
        time.sleep(rest)
    assert guard.touches is not None and not guard.touches.panic
    guard.hand_back()
    ears.hear(Heard("key", panic=True))
    ears.hear(Heard("key", panic=True))
    assert not any(touches.panic for touches in told)  # those before handing back do not count
    ears.hear(Heard("key", panic=True))
    assert [touches.panic for touches in told] == [False, False, True]
    ears.hear(Heard("wheel"))
    assert guard.touches is not None and guard.touches.panic and len(told) == 3


def test_a_panic_chord_that_does_not_exist() -> None:
    with pytest.raises(InvalidAction, match="escape"):
        open_guard(Hands(Recorder()), ":3999", panic=Panic("escap"))


POINTERS: tuple[Kind, ...] = ("pointer", "button", "wheel")


@pytest.mark.parametrize("kind", POINTERS)
def test_ours_are_told_by_number(kind: Kind) -> None:
    ledger = Ledger()
    ledger.begin()
    ledger.expect(kind, 2)
    assert ledger.tick_off(kind)
    ledger.end()
    assert all(not ledger.tick_off(other) for other in POINTERS if other != kind)
    assert ledger.tick_off(kind)  # late, but ours
    assert not ledger.tick_off(kind)


def test_what_never_came_is_not_waited_for_in_eternity(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    ledger.begin()
    ledger.expect("button")
    ledger.expect("key")
    ledger.end()
    monkeypatch.setattr(witness, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(witness, "LATE_KEYS_SECONDS", 0.0)
    assert not ledger.tick_off("button")
    assert not ledger.tick_off("key", 38)


def test_keys_are_ours_until_they_are_up() -> None:
    ledger = Ledger()
    assert not ledger.tick_off("key", 38)
    ledger.begin()
    assert not ledger.tick_off("key", 38)  # no action of ours presses keys yet
    ledger.expect("key")
    assert ledger.tick_off("key", 50) and ledger.tick_off("key", 38)
    ledger.key_up(38)
    ledger.end()
    assert ledger.tick_off("key", 39)  # one is down still: the rest is held back somewhere
    ledger.key_up(39)
    ledger.key_up(50)
    ledger.begin()
    ledger.expect("key")
    assert ledger.tick_off("key", 38)
    ledger.key_up(38)
    ledger.end()
    assert not ledger.tick_off("key", 38)


def motion(at: int, *values: float) -> Raw:
    return Raw(MOTION, at, 0, 7, dict(enumerate(values)))


def nowhere() -> Point:
    return Point(-1000, -1000)


def test_a_mouse_on_glass_is_no_hand() -> None:
    mouse = Motion()
    assert not any(
        mouse.noticeable(motion(at, (-1) ** (at // 8), 1 if at % 3 else -2), nowhere) for at in range(0, 2000, 8)
    )
    assert not mouse.noticeable(motion(2000, 2, 0), nowhere)
    assert not mouse.noticeable(motion(2300, 3, 0), nowhere)
    assert mouse.noticeable(motion(2350, 3, 0), nowhere)
    assert Motion().noticeable(motion(0, 0, 5), nowhere)


def test_a_tablet_counts_in_units_of_its_own() -> None:
    tablet = Motion((1280 / 32767, 800 / 32767))
    assert not tablet.noticeable(motion(0, 16000, 16000), nowhere)
    assert not tablet.noticeable(motion(10, 16100, 16000), nowhere)  # 3.9 pixels
    assert tablet.noticeable(motion(20, 16130, 16000), nowhere)
    assert not tablet.noticeable(motion(400, 16131, 16000), nowhere)


def test_a_virtual_mouse_is_seen_through() -> None:
    """It says that it gives steps, and gives positions."""
    mouse = Motion()
    for at, x in ((0, 400), (300, 401), (600, 402)):
        assert not mouse.noticeable(motion(at, x, 300), lambda x=x: Point(x, 300))
    assert not mouse.noticeable(motion(900, 403, 300), nowhere)  # known by now
    assert mouse.noticeable(motion(901, 420, 300), nowhere)


def test_the_first_jump_of_a_device_counts_from_where_the_pointer_was() -> None:
    assert Motion().noticeable(motion(0, 400, 300), lambda: Point(400, 300), Point(100, 300))
    assert not Motion().noticeable(motion(0, 400, 300), lambda: Point(400, 300), Point(398, 300))
    assert Motion((1280 / 32767, 800 / 32767)).noticeable(motion(0, 16000, 16000), nowhere, Point(10, 10))
    corner = Motion()  # a real mouse whose first step, from the corner, looks like a position
    assert corner.noticeable(motion(0, 6, 6), lambda: Point(6, 6), Point(0, 0))
    assert corner.noticeable(motion(300, 6, 0), lambda: Point(12, 6), Point(0, 0))
    assert corner.noticeable(motion(600, 6, 0), lambda: Point(18, 6), Point(0, 0))


def test_turning_a_smooth_wheel_moves_nothing() -> None:
    assert not Motion().noticeable(Raw(MOTION, 0, 0, 7, {3: 120.0}), nowhere)


def test_a_raw_event_is_read() -> None:
    head = struct.pack("=HIIHHI4x", 2, 77, 9, 11, 1, 0)
    values = struct.pack("=iIiI", -3, 1 << 31, 8, 0)
    assert read_raw(17, head + struct.pack("=I", 0b1001) + values * 2) == Raw(17, 77, 9, 11, {0: -2.5, 3: 8.0})
    assert read_raw(13, struct.pack("=HIIHHI4x", 3, 77, 38, 6, 0, 0)).values == {}


class Hook:
    """As pynput's listeners are."""

    IS_TRUSTED = True

    def __init__(self, **callbacks: Callable[..., None]) -> None:
        self.callbacks, self.running = callbacks, False

    def start(self) -> None:
        self.running = True

    def wait(self) -> None:
        """At once."""

    def stop(self) -> None:
        self.running = False


class Key:
    def __init__(self, name: str = "", char: str = "") -> None:
        if name:
            self.name = name
        self.char = char


@pytest.fixture
def pynput(monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = ModuleType("pynput")
    for name in ("mouse", "keyboard"):
        module: Any = ModuleType(f"pynput.{name}")
        module.Listener = Hook
        setattr(package, name, module)
        monkeypatch.setitem(sys.modules, f"pynput.{name}", module)
    monkeypatch.setitem(sys.modules, "pynput", package)


@pytest.mark.usefixtures("pynput")
def test_hooks_hear_what_is_not_injected() -> None:
    listener: Any = hooks.HookListener(("ctrl", "escape"))
    hands = Hands(Recorder())
    guard = Guard(hands, listener, panic=Panic("ctrl+escape", 1), grace=0)
    mouse, keyboard = (each.callbacks for each in listener._listeners)
    assert "remote control" in guard.note

    mouse["on_move"](100, 100, False)
    mouse["on_move"](500, 500, True)
    mouse["on_click"](500, 500, "left", True, True)
    mouse["on_scroll"](500, 500, 0, 1, True)
    keyboard["on_press"](Key(char="a"), True)
    mouse["on_move"](503, 500, False)
    mouse["on_click"](503, 500, "left", False, False)
    keyboard["on_release"](Key("enter"), False)
    assert guard.touches is None

    mouse["on_move"](509, 500, False)
    mouse["on_click"](509, 500, "left", True, False)
    mouse["on_scroll"](509, 500, 0, -1, False)
    keyboard["on_press"](Key("ctrl_r"), False)
    keyboard["on_press"](Key("ctrl_r"), False)
    touches = guard.touches
    assert touches is not None and not touches.panic
    assert (touches.moved, touches.clicks, touches.scrolls, touches.keys) == (True, (Point(509, 500),), 1, 1)
    keyboard["on_press"](Key("esc"), False)
    assert guard.touches is not None and guard.touches.panic
    guard.close()
    assert not any(each.running for each in listener._listeners)


@pytest.mark.usefixtures("pynput")
def test_a_mac_that_does_not_trust_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(Hook, "IS_TRUSTED", False)
    assert "Input Monitoring" in open_guard(Hands(Recorder())).note


def test_no_pynput(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynput", None)
    with pytest.raises(NotSupported, match="pynput does not work here"):
        hooks.HookListener(("escape",))
    monkeypatch.setattr(sys, "platform", "win32")
    assert "cannot be heard here" in open_guard(Hands(Recorder())).note


def test_a_hand_that_lets_go_is_no_takeover() -> None:
    hands, ears = Hands(Recorder()), Ears()
    guard = Guard(hands, ears, grace=0.2)
    ears.hear(Heard("pointer"))
    assert guard.touches is None
    time.sleep(0.25)
    ears.hear(Heard("pointer"))
    assert guard.touches
    guard.hand_back()
    ears.hear(Heard("pointer"))
    assert guard.touches is None
    ears.hear(Heard("button"))
    assert guard.touches
