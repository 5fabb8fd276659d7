"""The loop against a scripted model and a drawn computer: what happens, in which order, and what never happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from agent.approving import Rules
from agent.conversation import FromDeskhand, FromUser, Request, fold
from agent.errors import ModelFault, Transient
from agent.events import Entry, Event, ModelDropped, NoteAdded, SessionEnded, SessionStarted, SteerDelivered, UserSaid
from agent.inbox import Message
from agent.loop import Loop, Setting
from agent.policy import NO_RULES
from agent.state import State
from agent.testing import (
    Answer,
    FakeComputer,
    MemoryInbox,
    MemoryJournal,
    ScriptedModel,
    Step,
    answer,
    final,
    function,
    talk,
)
from agent.values import Budgets, SafetyCheck

CLICK = {"type": "click", "x": 10, "y": 20}
OTHER = {"type": "click", "x": 11, "y": 21}


@dataclass
class Bench:
    """A session on a bench: everything that the loop touches, to be looked at afterwards."""

    model: ScriptedModel
    computer: FakeComputer = field(default_factory=FakeComputer)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    setting: Setting = field(default_factory=Setting)
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None  # what somebody does while it runs

    def start(self, task: str = "do it", **fields: object) -> None:
        started = SessionStarted("s1", task, "scripted", "desktop", "orders", **fields)  # pyright: ignore[reportArgumentType]
        self.journal.append(started)

    def run(self) -> SessionEnded:
        async def open_computer() -> FakeComputer:
            return self.computer

        async def main() -> SessionEnded:
            loop = Loop(
                model=self.model,
                open_computer=open_computer,
                journal=self.journal,
                inbox=self.inbox,
                state=State.of(self.journal.entries),
                setting=self.setting,
            )
            ends: list[SessionEnded] = []
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    if self.beside:
                        tasks.start_soon(self.beside)
                    ends.append(await loop.run())
            return ends[0]

        return anyio.run(main)

    async def until(self, kind: str) -> None:
        with anyio.fail_after(10):
            while kind not in self.journal.types:
                await anyio.sleep(0.005)

    @property
    def notes(self) -> list[str]:
        items = fold(entry.event for entry in self.journal.entries)
        return [item.text for item in items if isinstance(item, FromDeskhand)]

    @property
    def user_texts(self) -> list[str]:
        items = fold(entry.event for entry in self.journal.entries)
        return [item.text for item in items if isinstance(item, FromUser)]


def bench(*steps: Step, **fields: object) -> Bench:
    made = Bench(ScriptedModel(list(steps)))
    made.start(**fields)  # pyright: ignore[reportArgumentType]
    return made


def after(delay: float, then: Answer) -> Callable[[Request], Awaitable[Answer]]:
    async def step(_request: Request) -> Answer:
        await anyio.sleep(delay)
        return then

    return step


def assert_prefixes(model: ScriptedModel) -> None:
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert later.items[: len(earlier.items)] == earlier.items


def test_a_task_from_start_to_end() -> None:
    b = bench(answer(CLICK, {"type": "type", "text": "é"}), final("made it"))
    end = b.run()
    assert (end.outcome, end.reason, end.turns) == ("done", "made it", 2)
    assert b.computer.clicks == [(10, 20)]
    assert b.computer.closed
    assert b.journal.types[-1] == "session.ended"
    assert_prefixes(b.model)
    first = b.model.requests[0].items[0]
    assert isinstance(first, FromUser) and first.text == "do it" and first.image


def test_an_action_is_written_down_before_it_is_sent() -> None:
    b = bench(answer(CLICK), final("ok"))
    seen: list[str] = []
    b.computer.before = lambda _action: seen.append(b.journal.types[-1])
    b.run()
    assert seen == ["action.started"]


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ([CLICK, {"type": "teleport"}], "unknown action type 'teleport'"),
        ([CLICK, {"type": "click", "x": 200, "y": 3}], "outside the screenshot"),
        ([CLICK, {"type": "keypress", "keys": ["NOSUCHKEY"]}], "NOSUCHKEY"),
        ([CLICK, {"type": "click", "x": "left"}], "bad click action"),
        ([CLICK] * 500, "at most 200"),
    ],
)
def test_a_wrong_batch_does_nothing_and_the_model_is_told(batch: list[dict[str, object]], said: str) -> None:
    b = bench(answer(*batch), final("ok"))
    assert b.run().outcome == "done"
    assert b.computer.performed == []
    assert said in b.notes[0]


def test_an_empty_batch_is_answered_with_the_screen() -> None:
    b = bench(answer(), final("ok"))
    assert b.run().outcome == "done"
    assert "no actions" in b.notes[0]


def test_a_correction_in_the_middle_of_a_batch_takes_effect_before_the_next_action() -> None:
    b = bench(answer(CLICK, CLICK, OTHER), final("ok"))

    def steer(_action: object) -> None:
        if len(b.computer.performed) == 1:
            b.inbox.post(Message("steer", "use the other one", id="m1"))

    b.computer.before = steer
    b.run()
    assert len(b.computer.performed) == 2
    delivered = [e.event for e in b.journal.entries if isinstance(e.event, SteerDelivered)]
    assert "«do it»" in delivered[0].text and "«use the other one»" in delivered[0].text
    assert "2 of 3 actions" in delivered[0].text
    types = [t for t in b.journal.types if t.startswith("steer.")]
    assert types == ["steer.queued", "steer.delivered", "steer.applied"]
    assert_prefixes(b.model)


def test_a_correction_that_is_meant_now_cuts_the_answer_short() -> None:
    b = bench(after(60, answer(CLICK)), final("ok"))

    async def slow(request: Request) -> Answer:
        b.inbox.post(Message("steer", "stop that", now=True, id="m1"))
        return await after(60, answer(CLICK))(request)

    b.model.steps[0] = slow
    assert b.run().outcome == "done"
    assert b.computer.performed == []
    dropped = [e.event for e in b.journal.entries if isinstance(e.event, ModelDropped)]
    assert "correction" in dropped[0].reason and dropped[0].usage.estimated


def test_a_final_answer_does_not_end_what_the_user_has_just_corrected() -> None:
    b = bench(final("ready"), final("now really"))

    async def corrected(_request: Request) -> Answer:
        b.inbox.post(Message("steer", "one more thing", id="m1"))
        await anyio.sleep(0.05)
        return final("ready")

    b.model.steps[0] = corrected
    assert b.run().reason == "now really"


def test_while_paused_nothing_moves_and_the_model_is_not_asked() -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))
    asked_while_paused: list[int] = []

    def pause(_action: object) -> None:
        b.inbox.post(Message("pause"))

    async def release() -> None:
        await b.until("session.paused")
        await anyio.sleep(0.2)
        asked_while_paused.append(len(b.model.requests))
        b.inbox.post(Message("resume"))

    b.computer.before, b.beside = pause, release
    b.run()
    assert asked_while_paused == [1]
    assert len(b.computer.performed) == 1
    assert "The user paused" in b.notes[0]


@pytest.mark.parametrize("when", ["streaming", "acting", "retrying"])
def test_stop_takes_effect_at_once(when: str) -> None:
    b = bench(answer(CLICK, OTHER), final("ok"))
    if when == "streaming":

        async def stop_then_wait(request: Request) -> Answer:
            b.inbox.post(Message("stop", "enough"))
            return await after(60, answer(CLICK))(request)

        b.model.steps[0] = stop_then_wait
    elif when == "retrying":

        async def stop_then_fail(_request: Request) -> Answer:
            b.inbox.post(Message("stop", "enough"))
            raise Transient("busy", retry_after=60)

        b.model.steps[0] = stop_then_fail
    else:
        b.computer.before = lambda _action: b.inbox.post(Message("stop", "enough"))
    end = b.run()
    assert (end.outcome, end.reason) == ("stopped", "enough")
    assert len(b.computer.performed) <= 1


@pytest.mark.parametrize(("kind", "anew"), [("desktop", True), ("vm", True), ("here", False), ("osworld", False)])
def test_only_a_computer_that_ended_with_its_session_was_restarted(kind: str, anew: bool) -> None:
    b = bench(answer(CLICK, OTHER))
    b.computer.kind = kind
    b.computer.before = lambda _action: b.inbox.post(Message("stop", "enough"))
    b.run()
    b.computer.before = lambda _action: None
    b.model = ScriptedModel([final("ok")])
    b.run()
    assert ("The computer was restarted" in "\n".join(b.notes)) is anew


def test_a_stopped_session_goes_on_with_no_call_left_open() -> None:
    b = bench(answer(CLICK, OTHER))
    b.computer.before = lambda _action: b.inbox.post(Message("stop", "enough"))
    b.run()
    requests = list(b.model.requests)
    b.computer.before = lambda _action: None
    b.model = ScriptedModel([final("ok")])
    assert b.run().outcome == "done"
    assert b.model.requests[0].items[: len(requests[-1].items)] == requests[-1].items
    assert len(b.computer.performed) == 1
    text = "\n".join(b.notes)
    assert "may or may not have happened" in text or "1 of 2 actions" in text
    assert "The computer was restarted" in text


@pytest.mark.parametrize(("approve", "performed"), [("always", 1), ("never", 0)])
def test_safety_checks_are_asked_before_anything_is_done(approve: str, performed: int) -> None:
    check = SafetyCheck("sc1", "malicious_instructions", "the page wants something")
    b = bench(answer(CLICK, checks=[check]), final("ok"), approve=approve)
    assert b.run().outcome == "done"
    assert len(b.computer.performed) == performed
    assert_prefixes(b.model)


@pytest.mark.parametrize(("kind", "performed"), [("approve", 1), ("deny", 0)])
def test_the_user_answers_a_safety_check(kind: str, performed: int) -> None:
    b = bench(answer(CLICK, checks=[SafetyCheck("sc1")]), final("ok"))
    b.inbox.post(Message("approve" if kind == "approve" else "deny", target="sc1"))
    b.run()
    assert len(b.computer.performed) == performed
    assert ("not given" in "".join(b.notes)) == (kind == "deny")


def test_an_approval_that_nobody_answers_is_not_a_yes() -> None:
    b = bench(answer(CLICK, checks=[SafetyCheck("sc1")]))
    b.setting = Setting(rules=Rules(NO_RULES, patience=0.05))
    assert b.run().outcome == "needs_user"
    assert b.computer.performed == []
    b.model = ScriptedModel([final("ok")])
    assert b.run().outcome == "done"
    assert "not given" in b.notes[0]


def test_giving_up_is_said_and_not_called_done() -> None:
    b = bench(function("give_up", reason="no such file"))
    end = b.run()
    assert (end.outcome, end.reason) == ("gave_up", "no such file")


def test_only_talking_ends_honestly() -> None:
    b = bench(talk("hm"), talk("hm"), talk("hm"), talk("hm"))
    assert b.run().outcome == "gave_up"
    assert len(b.model.requests) == 3


def test_the_same_action_on_a_still_screen_is_pointed_out_and_then_ended() -> None:
    b = bench(*[answer(CLICK) for _ in range(20)])
    b.computer.still = True
    end = b.run()
    assert end.outcome == "gave_up" and "same actions" in end.reason
    assert any("has not changed" in note for note in b.notes)
    assert len(b.computer.performed) < 10


@pytest.mark.parametrize(
    ("budgets", "word"),
    [(Budgets(turns=3), "turns"), (Budgets(cost_usd=0.005), "dollars"), (Budgets(minutes=0.005), "minutes")],
)
def test_budgets_warn_and_then_end(budgets: Budgets, word: str) -> None:
    steps = [after(0.05, answer(CLICK if n % 2 else OTHER)) for n in range(30)]
    b = bench(*steps, budgets=budgets)
    end = b.run()
    assert end.outcome == "out_of_budget" and word in end.reason
    if word != "minutes":
        assert any("Most of the budget" in note for note in b.notes)


def test_a_hiccup_is_retried_and_shown() -> None:
    b = bench(Transient("busy", retry_after=0.01), answer(CLICK), final("ok"))
    assert b.run().outcome == "done"
    assert "model.retrying" in b.journal.types


def test_a_refusal_for_good_ends_the_session_as_failed() -> None:
    b = bench(ModelFault("the key was refused", code="invalid_api_key"))
    end = b.run()
    assert (end.outcome, end.reason) == ("failed", "the key was refused")
    assert "model.refused" in b.journal.types


def test_a_bug_is_kept_and_the_session_can_be_resumed() -> None:
    b = bench(RuntimeError("oops"))
    assert b.run().outcome == "failed"
    assert "bug.found" in b.journal.types
    b.model = ScriptedModel([final("ok")])
    assert b.run().outcome == "done"


def test_an_action_together_with_last_words_is_still_carried_out() -> None:
    b = bench(answer(CLICK, words="finished"), final("ok"))
    assert b.run().reason == "ok"
    assert b.computer.clicks == [(10, 20)]


class StumblingJournal(MemoryJournal):
    """Fails at the first event of a kind, as a process does that is killed there."""

    def __init__(self, kind: type[Event]) -> None:
        super().__init__()
        self._kind = kind

    def append(self, event: Event) -> Entry:
        if isinstance(event, self._kind) and "bug.found" not in self.types:
            raise RuntimeError("killed")
        return super().append(event)


@pytest.mark.parametrize("kind", [UserSaid, NoteAdded])
def test_a_session_that_ends_while_it_begins_does_not_lose_its_task(kind: type[Event]) -> None:
    b = Bench(ScriptedModel([final("ok")]), FakeComputer(notes=("no task bar",)), StumblingJournal(kind))
    b.start()
    assert b.run().outcome == "failed"
    assert b.run().outcome == "done"
    said = [item.text for item in b.model.requests[0].items if isinstance(item, FromUser)]
    assert said == ["do it"]
