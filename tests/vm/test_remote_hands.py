"""Hands in another machine: stopped at once, one last look before each input, and errors as those of any hands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence

import pytest

import vm.remote_hands
from actuators.actions import Action, Click, Drag, Keypress, Move, Point, TakeScreenshot, Type, Wait
from actuators.errors import (
    ActuatorError,
    CannotType,
    DisplayLost,
    Interrupted,
    InvalidAction,
    NotSupported,
    TakenOver,
)
from actuators.guard import Deaf, Guard
from actuators.hands import APART_SECONDS
from perception.errors import ScreenLost, StaleTarget
from vm.guest_client import GuestFault, Performed
from vm.line import GuestGone
from vm.remote_hands import RemoteHands


class Machine:
    """The other end: does nothing, or takes its time until it is told to let go."""

    def __init__(self) -> None:
        self.done: list[Action] = []
        self.names: list[str] = []
        self.fault: GuestFault | None = None
        self.slow = False
        self.deaf = False
        self.gone = False
        self.begun = threading.Event()
        self._end = threading.Event()
        self._cut = threading.Event()

    def perform(self, actions: Sequence[Action], identity: str, seconds: float) -> Performed:
        self.begun.set()
        if self.gone:
            raise GuestGone("the machine does not answer")
        self.names.append(identity)
        if self.slow:
            ended = self._cut if self.deaf else self._end
            assert ended.wait(20)
            if self.deaf:
                raise GuestGone("the call was cut short")
            return Performed(0, GuestFault("interrupted", "cut short by a release"), 0)
        self.done += actions
        return Performed(0 if self.fault else 1, self.fault, 0)

    def release(self, seconds: float) -> None:
        if self.deaf:
            raise GuestGone("the machine does not answer in time")
        self._end.set()

    def abort(self) -> None:
        self._cut.set()

    def close(self) -> None:
        self._cut.set()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def hands(machine: Machine) -> Generator[RemoteHands, None, None]:
    hands = RemoteHands(machine)
    yield hands
    hands.close()
    hands.close()


def in_background(work: Callable[[], None]) -> Callable[[], BaseException | None]:
    """Start it; what is returned waits for its end, and gives what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def ended() -> BaseException | None:
        thread.join(15)
        assert not thread.is_alive()
        return raised[0] if raised else None

    return ended


def test_an_action_is_sent_once_after_the_last_look(machine: Machine, hands: RemoteHands) -> None:
    order: list[str] = []
    hands.perform(Move(1, 2), lambda: order.append(f"ready, {len(machine.done)} done"))
    hands.perform(Move(3, 4))
    assert order == ["ready, 0 done"]
    assert machine.done == [Move(1, 2), Move(3, 4)]
    assert len(set(machine.names)) == 2
    for nothing in (Wait(), TakeScreenshot()):
        hands.perform(nothing)
    assert len(machine.done) == 2


def test_what_the_last_look_forbids_is_not_sent(machine: Machine, hands: RemoteHands) -> None:
    def stale() -> None:
        raise StaleTarget("a window has come there")

    with pytest.raises(StaleTarget):
        hands.perform(Click(1, 2), stale)
    assert machine.names == []


@pytest.mark.parametrize("action", [Type("a\x00"), Keypress(("NONSENSE",)), Drag((Point(1, 1),))])
def test_what_makes_no_sense_is_refused_here(machine: Machine, hands: RemoteHands, action: Action) -> None:
    with pytest.raises(ActuatorError):
        hands.perform(action, lambda: pytest.fail("nobody looked"))
    assert machine.names == []


def test_two_clicks_at_one_place_are_kept_apart_before_the_last_look(machine: Machine, hands: RemoteHands) -> None:
    hands.perform(Click(10, 10))
    began = time.monotonic()
    looked: list[float] = []
    hands.perform(Click(12, 10), lambda: looked.append(time.monotonic()))
    assert looked[0] - began > APART_SECONDS * 0.8
    began = time.monotonic()
    hands.perform(Click(300, 10))
    hands.perform(Click(300, 10, button="right"))
    assert time.monotonic() - began < APART_SECONDS * 0.8


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("invalid", InvalidAction),
        ("stale", StaleTarget),
        ("unsupported", NotSupported),
        ("interrupted", Interrupted),
        ("lost", DisplayLost),
        ("timeout", GuestFault),
        ("internal", GuestFault),
    ],
)
def test_errors_are_those_of_any_hands(machine: Machine, hands: RemoteHands, word: str, error: type[Exception]) -> None:
    machine.fault = GuestFault(word, "what happened")
    with pytest.raises(error, match=r"^what happened$"):
        hands.perform(Move(1, 1))


def test_text_that_cannot_be_typed_names_its_characters(machine: Machine, hands: RemoteHands) -> None:
    machine.fault = GuestFault("cannot_type", "could not type 'ü' (U+00FC): no key", "ü")
    with pytest.raises(CannotType, match=r"^could not type 'ü' \(U\+00FC\): no key$") as raised:
        hands.perform(Type("ü"))
    assert raised.value.characters == "ü"


def test_release_cuts_short_what_is_under_way(machine: Machine, hands: RemoteHands) -> None:
    machine.slow = True
    ended = in_background(lambda: hands.perform(Type("long")))
    assert machine.begun.wait(5)
    began = time.monotonic()
    hands.release()
    assert time.monotonic() - began < 2
    assert isinstance(ended(), Interrupted)
    machine.slow = False
    hands.perform(Move(1, 1))


def test_release_before_the_input_holds_it_back(machine: Machine, hands: RemoteHands) -> None:
    releases: list[threading.Thread] = []

    def ready() -> None:
        releases.append(threading.Thread(target=hands.release))
        releases[0].start()
        time.sleep(0.2)

    with pytest.raises(Interrupted):
        hands.perform(Click(1, 1), ready)
    releases[0].join(5)
    assert machine.names == []
    hands.perform(Click(1, 1))


def test_a_machine_that_does_not_let_go_is_cut_off(machine: Machine) -> None:
    hands = RemoteHands(machine, patience=0.4)
    machine.slow = machine.deaf = True
    ended = in_background(lambda: hands.perform(Type("long")))
    assert machine.begun.wait(5)
    began = time.monotonic()
    hands.release()
    assert time.monotonic() - began < 4
    assert isinstance(ended(), Interrupted | GuestGone)


def test_the_user_takes_over_by_word(machine: Machine, hands: RemoteHands) -> None:
    guard = Guard(hands, Deaf(""))
    machine.slow = True
    ended = in_background(lambda: hands.perform(Type("long")))
    assert machine.begun.wait(5)
    began = time.monotonic()
    guard.take()
    assert time.monotonic() - began < 0.1
    taken = ended()
    assert isinstance(taken, TakenOver) and taken.begun
    with pytest.raises(TakenOver) as raised:
        hands.perform(Move(1, 1))
    assert not raised.value.begun
    machine.slow = False
    assert guard.hand_back() is not None
    hands.perform(Move(1, 1))
    assert machine.done == [Move(1, 1)]


def test_a_machine_that_hangs_in_the_middle_is_noticed_soon(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm.remote_hands, "LOOK_AFTER", 0.1)

    def hangs() -> None:
        raise ScreenLost("the machine office: nothing in it answers within 10 s")

    hands = RemoteHands(machine, hangs)
    machine.slow = machine.deaf = True
    began = time.monotonic()
    with pytest.raises(ScreenLost, match="nothing in it answers"):
        hands.perform(Type("long"))
    assert time.monotonic() - began < 5
    hands.close()


def test_what_has_become_of_the_machine_is_said_by_who_knows(machine: Machine) -> None:
    def gone() -> None:
        raise ScreenLost("the machine office: QEMU was killed")

    hands = RemoteHands(machine, gone)
    machine.gone = True
    with pytest.raises(ScreenLost, match="QEMU was killed"):
        hands.perform(Move(1, 1))
    hands.close()
    with pytest.raises(DisplayLost, match="closed"):
        hands.perform(Move(1, 1))
