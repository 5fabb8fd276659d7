"""Conversations made shorter while something goes wrong: a summary, the user, the process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anyio
import pytest

from agent.conversation import Answer, Request
from agent.errors import ModelFault, Transient, UserFault
from agent.events import Compacted, Entry, Event, ModelDropped, SteerDelivered
from agent.inbox import Message
from agent.loop import Setting
from agent.models.failures import BadAnswer
from agent.models.window import CONTEXT_FULL
from agent.testing import MemoryJournal, final
from agent.values import Usage
from tests.support.long_model import SUMMARY, TOO_LONG, Bench, LongModel, assert_each_place_once, bench, click, texts

# ---- when it goes wrong

REFUSAL = replace(
    final("I'm sorry, but I cannot help with writing that down."),
    output=({"type": "message", "content": [{"type": "refusal", "refusal": "I'm sorry, but I cannot help."}]},),
)


@pytest.mark.parametrize(
    "said",
    [
        final(""),
        final("ok"),
        REFUSAL,
        final("x" * 30_000),
        click(99),
        BadAnswer("cut off at the limit", usage=Usage(5, cost_usd=0.01)),
        ModelFault("not this", code="invalid_prompt", details={"status": 400}),
        TOO_LONG,
        Transient("429", retry_after=500),
        Transient("cut in the middle"),
    ],
    ids=["empty", "nothing", "refused", "too long", "a call", "bad", "fault", "overflow", "429", "cut"],
)
def test_no_session_ends_because_of_a_summary(said: Answer | Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.models.retry.FIRST_STEP", 0.001)
    b = bench(13, final("ok"), summaries=[said] * 9)
    assert b.run().outcome == "done"
    [event] = b.compactions
    assert event.by == "deskhand"
    assert "click" in event.summary, "what was done, from the journal"
    assert (99 + 10, 20) not in b.computer.clicks, "nothing is done that stands in place of a summary"
    assert_each_place_once(b)
    if isinstance(said, Answer | BadAnswer):
        dropped = [one for one in b.events if isinstance(one, ModelDropped)]
        assert sum(one.usage.cost_usd or 0 for one in dropped) == pytest.approx(0.01), "what it cost is booked"


def test_what_the_user_must_mend_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ModelFault("the API key was refused", code="invalid_api_key", details={"status": 401})
    b = bench(12, final("ok"), summaries=[refused])
    end = b.run()
    assert (end.outcome, end.reason) == ("failed", "the API key was refused")
    assert b.compactions == [], "and the conversation is as it was, for a resume"


def test_a_hiccup_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.models.retry.FIRST_STEP", 0.001)
    b = bench(12, final("ok"), summaries=[Transient("503"), final(SUMMARY)])
    b.run()
    assert b.compactions[0].by == "model"
    assert "model.retrying" in b.journal.types


# ---- too long after all


def test_an_overflow_is_answered_with_a_shorter_conversation_and_teaches_the_window() -> None:
    named = ModelFault("too long", code=CONTEXT_FULL, details={"window": 15_000})
    b = bench(8, most=100_000, due=80_000)
    b.model.steps[6:6] = [named]
    b.model.steps += [click(n) for n in range(8, 30)]
    assert b.run().outcome == "done"
    first, *later = b.compactions
    assert "refused it as too long" in first.reason and first.window == 15_000
    assert later and all(event.before < 15_000 for event in later), "from then on before it is too long"
    assert later[0].window is None and b.state.length.window == 15_000
    assert_each_place_once(b)
    assert len(b.computer.clicks) == 30


def test_an_overflow_right_after_is_an_honest_end() -> None:
    b = bench(4, TOO_LONG, TOO_LONG, final("never"), most=100_000, due=80_000)
    end = b.run()
    assert (end.outcome, end.reason) == ("failed", "too long")
    assert len(b.compactions) == 1


def test_a_task_that_is_too_long_by_itself_is_an_honest_end() -> None:
    b = bench(0, TOO_LONG)
    assert b.run().outcome == "failed"
    assert b.compactions == [] and b.model.asked == []


# ---- the user meanwhile


def test_a_correction_meanwhile_is_delivered_after() -> None:
    b = bench(12, final("ok"))

    async def speaks(_: Request) -> Answer:
        b.inbox.post(Message("steer", "use red", now=True, id="st1"))
        await anyio.sleep(0.02)
        return final(SUMMARY)

    b.model.summaries = [speaks]
    b.run()
    kinds = [event.type for event in b.events]
    assert kinds.index("steer.queued") < kinds.index("compacted") < kinds.index("steer.delivered")
    [delivered] = [event for event in b.events if isinstance(event, SteerDelivered)]
    assert texts(b.state.items)[-1] == delivered.text


def test_paused_meanwhile_nothing_is_asked_until_it_goes_on() -> None:
    b = bench(12, final("ok"))
    requests: list[int] = []

    async def pauses(_: Request) -> Answer:
        b.inbox.post(Message("pause"))
        await anyio.sleep(0.02)
        return final(SUMMARY)

    async def beside() -> None:
        while "compacted" not in b.journal.types:
            await anyio.sleep(0.001)
        requests.append(len(b.model.requests))
        await anyio.sleep(0.05)
        requests.append(len(b.model.requests))
        b.inbox.post(Message("resume"))

    b.model.summaries = [pauses]
    b.beside = beside
    assert b.run().outcome == "done"
    assert requests[0] == requests[1]


def test_paused_before_it_nothing_is_asked_and_then_it_looks_again() -> None:
    b = bench(12, final("ok"))
    asked: list[int] = []

    def pauses(_action: object) -> None:
        if len(b.computer.performed) == 10:
            b.inbox.post(Message("pause"))

    async def beside() -> None:
        while "session.paused" not in b.journal.types:
            await anyio.sleep(0.001)
        await anyio.sleep(0.05)
        asked.append(len(b.model.asked) + len(b.model.compacted))
        b.inbox.post(Message("resume"))

    b.computer.before, b.beside = pauses, beside
    b.setting = Setting(compact_at=19_000)  # due right then
    assert b.run().outcome == "done"
    assert asked == [0] and b.compactions
    kinds = [event.type for event in b.events]
    paused = kinds.index("session.unpaused")
    assert "screenshot.taken" in kinds[paused : kinds.index("turn.started", paused)], "the screen may be another one"


def test_stopped_meanwhile_it_stops_and_what_was_asked_is_booked() -> None:
    b = bench(12, final("ok"))

    async def stops(_: Request) -> Answer:
        b.inbox.post(Message("stop"))
        await anyio.sleep(20)
        return final(SUMMARY)

    b.model.summaries = [stops]
    assert b.run().outcome == "stopped"
    assert b.compactions == []
    assert b.events[-2].type == "model.dropped" and b.state.usage.estimated


# ---- crashes


@dataclass
class DyingJournal(MemoryJournal):
    """Dies at the first compaction: before it is written down, or right after."""

    written: bool = False
    died: bool = False
    entries: list[Entry] = field(default_factory=list[Entry])
    images: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def append(self, event: Event) -> Entry:
        dies = isinstance(event, Compacted) and not self.died
        if self.died and event.type in ("session.ended", "bug.found"):
            raise UserFault("dead")
        if dies:
            self.died = True
        if dies and not self.written:
            raise KeyboardInterrupt
        entry = super().append(event)
        if dies:
            raise KeyboardInterrupt
        return entry


@pytest.mark.parametrize("written", [False, True])
def test_killed_in_the_middle_it_is_either_as_before_or_as_after(written: bool) -> None:
    journal = DyingJournal(written=written)
    b = Bench(LongModel([click(n) for n in range(14)]), journal=journal)
    b.start()
    with pytest.raises(BaseException):  # noqa: B017
        b.run()
    assert bool(b.compactions) == written
    done = len(b.computer.clicks)
    b.journal = MemoryJournal()
    b.journal.entries, b.journal.images = list(journal.entries), journal.images
    b.model = LongModel([*(click(n) for n in range(done, done + 3)), final("ok")])
    assert b.run().outcome == "done"
    assert len(b.compactions) == 1, "made shorter once, whenever it died"
    assert_each_place_once(b)
