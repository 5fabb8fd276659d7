"""The user's own hands: the session waits, goes on from a fresh look, and the model is told what happened."""

from __future__ import annotations

import time

import anyio
import pytest

from actuators.actions import Action, Move, Point
from actuators.guard import Touches
from agent.conversation import Answer, Request
from agent.events import NoteAdded, TakeoverEnded, TakeoverStarted
from agent.inbox import Message
from agent.loop import Setting
from agent.testing import answer, final
from agent.values import SafetyCheck
from tests.agent.test_loop import CLICK, OTHER, Bench, assert_prefixes, bench


def touches(*, panic: bool = False) -> Touches:
    now = time.monotonic()
    clicks = (Point(11, 22), Point(500, 500))
    return Touches(began=now, last=now, moved=True, clicks=clicks, scrolls=1, keys=14, panic=panic, first="pointer")


def touched_once(b: Bench, **fields: bool) -> None:
    """The user's hands come in the middle of the first action."""

    def touch(_action: Action) -> None:
        b.computer.guard.touches = touches(**fields)
        b.computer.before = lambda _: None

    b.computer.before = touch


def ended(b: Bench) -> TakeoverEnded:
    return next(entry.event for entry in b.journal.entries if isinstance(entry.event, TakeoverEnded))


def said(b: Bench) -> list[str]:
    return [entry.event.text for entry in b.journal.entries if isinstance(entry.event, NoteAdded)]


def test_a_touch_in_a_batch_holds_the_rest_until_the_users_word() -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))
    touched_once(b)
    meanwhile: list[tuple[int, int, int]] = []

    async def give_back() -> None:
        await b.until("takeover.started")
        await anyio.sleep(0.2)
        meanwhile.append((len(b.computer.performed), len(b.model.requests), b.computer.looks))
        b.inbox.post(Message("resume"))

    b.beside = give_back
    assert b.run().outcome == "done"
    assert meanwhile == [(1, 1, 1)], "no action, no request and no photograph while the user has the hands"
    types = b.journal.types
    assert types[types.index("takeover.started") + 1] == "session.paused"
    assert types.index("takeover.ended") < types.index("call.answered"), "the answer shows the screen as it was left"
    assert types.count("session.paused") == types.count("session.unpaused") == 1
    assert (ended(b).by, ended(b).clicks, ended(b).keys, ended(b).moved) == ("user", ((11, 22), (500, 500)), 14, True)
    assert "The user took over: 1 of 2 actions were carried out" in said(b)[0]
    assert "moved the pointer, 2 clicks at (11, 22), 1 turn of the wheel, 14 key presses" in said(b)[1]
    assert_prefixes(b.model)


@pytest.mark.parametrize(
    ("word", "goes_on"), [(Message("steer", "x"), True), (Message("pause"), False), (Message("take"), False)]
)
def test_who_reaches_for_the_overlay_does_what_is_pressed_there(word: Message, goes_on: bool) -> None:
    b = bench(answer(CLICK, OTHER), final("ok"), final("ok"))
    went_on: list[bool] = []

    def reach(_action: Action) -> None:
        now = time.monotonic()
        b.computer.guard.touches = Touches(began=now, last=now, moved=True, first="pointer", overlay=True)
        b.computer.before = lambda _: None

    async def say() -> None:
        await b.until("takeover.started")
        b.inbox.post(word)
        await anyio.sleep(0.2)
        went_on.append(b.journal.types.count("session.paused") == b.journal.types.count("session.unpaused"))
        b.inbox.post(Message("resume"))

    b.computer.before = reach
    b.beside = say
    assert b.run().outcome == "done"
    assert went_on == [goes_on]
    types = b.journal.types
    assert types.count("session.paused") == (2 if word.kind == "pause" else 1)
    assert ended(b).clicks == ()


def test_an_answer_that_was_thought_of_before_the_takeover_is_not_carried_out() -> None:
    b = bench(answer(CLICK), answer(OTHER), final("ok"))

    async def slow(_request: Request) -> Answer:
        b.computer.guard.touches = touches()
        await b.until("takeover.started")
        b.inbox.post(Message("resume"))
        await b.until("takeover.ended")
        return answer(CLICK)

    b.model.steps[0] = slow
    assert b.run().outcome == "done"
    assert b.computer.clicks == [(11, 21)]
    assert "The user took over: 0 of 1 actions" in said(b)[0]


def test_idle_hands_give_back_by_choice() -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))
    b.setting = Setting(hand_back_after=0.2)
    touched_once(b)
    assert b.run().outcome == "done"
    assert ended(b).by == "idle" and ended(b).seconds >= 0.15


def test_the_panic_chord_stops_the_session() -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))
    touched_once(b, panic=True)
    end = b.run()
    assert end.outcome == "stopped" and "panic" in end.reason
    assert len(b.computer.performed) == 1


def test_taking_over_by_word() -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))

    async def give_back() -> None:
        await b.until("session.paused")
        b.inbox.post(Message("resume"))

    b.beside = give_back
    b.computer.before = lambda _: b.inbox.post(Message("take"))
    assert b.run().outcome == "done"
    begun = next(entry.event for entry in b.journal.entries if isinstance(entry.event, TakeoverStarted))
    assert begun.by == "word" and b.computer.guard.taken == 1
    assert "nothing with mouse or keyboard" in said(b)[1]


def test_hands_are_expected_while_a_question_waits() -> None:
    b = bench(answer(CLICK, checks=[SafetyCheck("sc_1", "code", "sure?")]), final("ok"))

    async def approve() -> None:
        await b.until("approval.requested")
        b.computer.guard.touches = touches()
        with anyio.fail_after(5):
            while b.computer.guard.returned == 0:
                await anyio.sleep(0.01)
        b.inbox.post(Message("approve", target="sc_1"))

    b.beside = approve
    assert b.run().outcome == "done"
    assert "takeover.started" not in b.journal.types and len(b.computer.performed) == 1


@pytest.mark.parametrize("changed", [True, False])
def test_after_a_pause_the_model_is_shown_what_has_changed(changed: bool) -> None:
    b = bench(answer(CLICK), final("ok"))

    async def unpause() -> None:
        await b.until("turn.ended")
        b.computer.still = not changed
        b.computer.performed.append(Move(1, 1))  # the fake's picture tells of it
        b.inbox.post(Message("resume"))

    b.beside = unpause
    b.computer.before = lambda _: b.inbox.post(Message("pause"))
    assert b.run().outcome == "done"
    assert any("had paused you" in note for note in said(b)) == changed


def test_a_session_that_died_in_the_users_hands_goes_on() -> None:
    b = bench(answer(CLICK), final("ok"))
    touched_once(b)

    async def die() -> None:
        await b.until("takeover.started")
        b.inbox.post(Message("stop"))

    b.beside = die
    assert b.run().outcome == "stopped"
    again = Bench(b.model, journal=b.journal)
    assert again.run().outcome == "done"
