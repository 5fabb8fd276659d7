"""Conversations made shorter: when, how, and that nothing is lost, done twice, or ended by it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeAlias

import anyio
import pytest

from agent.conversation import (
    EARLIER_SCREEN,
    Answer,
    FromDeskhand,
    FromModel,
    FromUser,
    Item,
    Request,
    ScreenReply,
    Streamed,
    fold,
    screens_of,
)
from agent.errors import ModelFault, Transient, UserFault
from agent.events import Compacted, Entry, Event, ModelDropped, SessionEnded, SessionStarted, SteerDelivered
from agent.handover import SHORTENED, SUMMARISE
from agent.inbox import Message
from agent.loop import Loop, Setting
from agent.models.failures import BadAnswer
from agent.models.window import CONTEXT_FULL, Shortened, Window
from agent.state import State
from agent.testing import FakeComputer, MemoryInbox, MemoryJournal, ScriptedModel, Step, answer, final, function, talk
from agent.values import Budgets, Usage
from agent.weight import tokens_of

SCREEN = 1_578  # tokens of one picture
SUMMARY = "Cells A1 to A9 are filled; /work/budget.xlsx is saved. What remains is the chart on sheet 2, then saving."
Said: TypeAlias = "Answer | Exception | Callable[[Request], Awaitable[Answer]]"
TOO_LONG = ModelFault("too long", code=CONTEXT_FULL)


@dataclass
class LongModel(ScriptedModel):
    """Acts by the script, writes summaries from another list, and counts tokens as a provider does."""

    most: int = 40_000
    due: int = 20_000
    summaries: list[Said] = field(default_factory=list[Said])
    own: list[Shortened | Exception | None] = field(default_factory=list["Shortened | Exception | None"])
    asked: list[Request] = field(default_factory=list[Request])
    compacted: list[Request] = field(default_factory=list[Request])

    @property
    def window(self) -> Window:
        return Window(self.most, self.due)

    async def compact(self, request: Request) -> Shortened | None:
        self.compacted.append(request)
        made = self.own[len(self.compacted) - 1] if len(self.compacted) <= len(self.own) else None
        if isinstance(made, Exception):
            raise made
        return made

    async def respond(self, request: Request) -> AsyncGenerator[Streamed]:
        if not request.speak_only:
            async for piece in super().respond(request):
                yield _counted(piece, request)
            return
        self.asked.append(request)
        said = self.summaries[len(self.asked) - 1] if len(self.asked) <= len(self.summaries) else final(SUMMARY)
        await anyio.lowlevel.checkpoint()
        if isinstance(said, Exception):
            raise said
        yield _counted(said if isinstance(said, Answer) else await said(request), request)


def _counted(piece: Streamed, request: Request) -> Streamed:
    if not isinstance(piece, Answer):
        return piece
    return replace(piece, usage=Usage(tokens_of(request.items), output_tokens=50, cost_usd=0.01))


@dataclass
class Bench:
    model: LongModel
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    setting: Setting = field(default_factory=Setting)
    computer: FakeComputer = field(default_factory=lambda: FakeComputer(1440, 900))
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None

    def start(self, task: str = "fill the cells", budgets: Budgets | None = None) -> None:
        started = SessionStarted("s1", task, "long", "desktop", "orders", budgets or Budgets())
        self.journal.append(started)

    def run(self) -> SessionEnded:
        async def open_computer() -> FakeComputer:
            return self.computer

        async def main() -> SessionEnded:
            state = State.of(self.journal.entries)
            loop = Loop(
                model=self.model,
                open_computer=open_computer,
                journal=self.journal,
                inbox=self.inbox,
                state=state,
                setting=self.setting,
            )
            ends: list[SessionEnded] = []
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    if self.beside:
                        tasks.start_soon(self.beside)
                    ends.append(await loop.run())
            assert state.items == list(fold(entry.event for entry in self.journal.entries)), "a pure fold"
            return ends[0]

        return anyio.run(main)

    @property
    def events(self) -> list[Event]:
        return [entry.event for entry in self.journal.entries]

    @property
    def compactions(self) -> list[Compacted]:
        return [event for event in self.events if isinstance(event, Compacted)]

    @property
    def state(self) -> State:
        return State.of(self.journal.entries)


def click(n: int) -> Answer:
    return answer({"type": "click", "x": 10 + n, "y": 20})


def bench(turns: int, *last: Step, **fields: Any) -> Bench:
    """That many clicks, each at another place, then what comes last."""
    made = Bench(LongModel([*(click(n) for n in range(turns)), *last], **fields))
    made.start()
    return made


def texts(items: Sequence[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, FromUser | FromDeskhand)]


def assert_each_place_once(b: Bench) -> None:
    assert len(b.computer.clicks) == len(set(b.computer.clicks)), "an action was carried out twice"


# ---- when and what


def test_a_long_session_is_made_shorter_before_it_is_too_long() -> None:
    b = bench(40, final("All filled."))
    assert b.run().outcome == "done"
    assert len(b.compactions) >= 2
    assert b.computer.clicks == [(10 + n, 20) for n in range(40)], "all of it was done, once, in order"
    assert max(tokens_of(request.items) for request in b.model.requests) < b.model.due + 2 * SCREEN
    assert all(0 < event.after < event.before / 2 for event in b.compactions)


def test_what_is_left_is_words_plan_notes_summary_and_screens_in_this_order() -> None:
    plan = [{"step": "fill", "state": "in_progress"}, {"step": "chart", "state": "pending"}]
    b = Bench(
        LongModel([function("update_plan", steps=plan), *(click(n) for n in range(14)), final("ok"), final("ok")])
    )
    b.start("fill the cells «exactly»")
    b.run()
    [event, *_] = b.compactions
    first = next(request for request in b.model.requests if SHORTENED in "".join(texts(request.items)))
    said, told, *screens, last, seen = first.items[:6]
    assert said == FromUser("fill the cells «exactly»"), "the user's words, verbatim"
    assert isinstance(told, FromDeskhand)
    assert told.text.startswith(SHORTENED)
    assert "[in progress] fill" in told.text and "[pending] chart" in told.text
    assert told.text.endswith(SUMMARY), "the summary is last"
    assert [item.image for item in screens if isinstance(item, FromDeskhand)] == list(event.screens)
    assert texts(screens) == [EARLIER_SCREEN] * 2
    assert isinstance(last, FromModel) and isinstance(seen, ScreenReply), "what it has not seen yet is as it was"
    assert seen.image not in event.screens


def test_coordinates_still_belong_to_the_newest_screen() -> None:
    b = bench(12, final("ok"))
    b.run()
    [event] = b.compactions
    upto = b.events.index(event) + 1
    before, after = State.of(b.journal.entries[: upto - 1]), State.of(b.journal.entries[:upto])
    assert before.shown and after.shown == before.shown
    assert screens_of(before.items)[-1] == screens_of(after.items)[-1]


def test_a_tools_answer_that_nobody_has_seen_yet_is_kept_whole() -> None:
    steps = [click(n) for n in range(30)]
    steps[10:10] = [function("nothing_like_it", path=f"file {n}") for n in range(30)]
    b = Bench(LongModel([*steps, final("ok")], due=17_000))
    b.start()
    b.run()
    for event in b.compactions:
        upto = b.events.index(event) + 1
        before, after = State.of(b.journal.entries[: upto - 1]).items, State.of(b.journal.entries[:upto]).items
        assert event.kept >= 2 and after[-event.kept :] == before[-event.kept :]
        assert screens_of(after)[-1] == screens_of(before)[-1]


def test_an_answer_that_is_itself_too_long_is_not_kept() -> None:
    b = bench(6, function("x" * 60_000), TOO_LONG, final("ok"), most=40_000, due=39_000)
    assert b.run().outcome == "done"
    [event] = b.compactions
    assert event.kept == 0
    assert tokens_of(b.model.requests[-1].items) < 10_000


def test_every_request_extends_the_one_before_but_at_a_compaction() -> None:
    b = bench(40, final("ok"))
    b.run()
    breaks = 0
    for earlier, later in pairwise(b.model.requests):
        breaks += later.items[: len(earlier.items)] != earlier.items
    assert breaks == len(b.compactions)
    for request in b.model.asked:
        assert request.items[:-1] in [one.items[: len(request.items) - 1] for one in [*b.model.requests, request]]
        assert request.items[-1] == FromDeskhand(SUMMARISE)
        assert request.most_tokens and request.tools, "a bounded answer, and the tools stay for the cache"


def test_the_cost_of_the_summary_is_booked() -> None:
    b = bench(12, final("ok"))
    end = b.run()
    assert end.usage.cost_usd == pytest.approx(0.01 * (13 + 1))
    assert b.state.usage.cost_usd == pytest.approx(0.14)


def test_a_setting_says_when() -> None:
    b = bench(12, final("ok"), most=900_000, due=700_000)
    b.setting = Setting(compact_at=9_000)
    b.run()
    assert b.compactions and b.compactions[0].before < 9_000 + 2 * SCREEN


def test_a_model_that_needs_none_gets_none() -> None:
    model = ScriptedModel([*(click(n) for n in range(90)), final("ok")])
    journal = MemoryJournal()
    journal.append(SessionStarted("s1", "work", "scripted", "desktop", "orders"))

    async def open_computer() -> FakeComputer:
        return FakeComputer(1440, 900)

    async def main() -> None:
        state = State.of(journal.entries)
        await Loop(model=model, open_computer=open_computer, journal=journal, inbox=MemoryInbox(), state=state).run()

    anyio.run(main)
    assert "compacted" not in journal.types


def test_many_pictures_and_large_ones_are_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.compaction.MOST_PICTURES", 6)
    b = bench(12, final("ok"), most=900_000, due=700_000)
    b.run()
    assert b.compactions and "6 pictures" in b.compactions[0].reason
    monkeypatch.setattr("agent.compaction.MOST_PICTURES", 400)
    monkeypatch.setattr("agent.compaction.MOST_BYTES", 40)
    b = bench(12, final("ok"), most=900_000, due=700_000)
    b.run()
    assert b.compactions and "MB of pictures" in b.compactions[0].reason


# ---- what users of others complain of


def test_never_twice_in_a_row_and_never_without_gain() -> None:
    b = bench(40, final("ok"), most=12_000, due=3_000)  # less than what stays anyway
    b.run()
    turns = [event.turn for event in b.compactions]
    assert all(later - earlier >= 2 for earlier, later in pairwise(turns)), turns
    assert all(event.after < event.before for event in b.compactions)


def test_what_cannot_become_shorter_is_left_alone() -> None:
    b = Bench(LongModel([talk("hm"), talk("well"), final("ok")], most=40_000, due=20_000))
    b.start("words " * 16_000)  # 24,000 tokens that must stay
    assert b.run().outcome == "done"
    assert b.compactions == []
    assert b.model.asked == b.model.compacted == [], "nobody is asked, and nothing paid, for nothing"


def test_the_users_words_outlive_any_number_of_compactions_once_each() -> None:
    b = bench(60, final("ok"))

    async def beside() -> None:
        for number in range(6):
            while len(b.computer.performed) < 8 * number + 4:
                await anyio.sleep(0.001)
            b.inbox.post(Message("steer", f"correction {number}: äß“→”", id=f"st{number}"))

    b.beside = beside
    b.run()
    assert len(b.compactions) >= 3
    said = [item.text for item in b.state.items if isinstance(item, FromUser)]
    assert said[0] == "fill the cells"
    for number in range(6):
        assert sum(f"correction {number}: äß“→”" in text for text in said) == 1
    assert_each_place_once(b)


def test_answers_to_questions_stay_the_users_words() -> None:
    ask = function("ask_user", question="Which year?", choices=[], wait=True)
    b = Bench(LongModel([ask, *(click(n) for n in range(30)), final("ok")]))
    b.start()

    async def beside() -> None:
        while not (asked := [event for event in b.events if event.type == "question.asked"]):
            await anyio.sleep(0.001)
        b.inbox.post(Message("answer", "the year 2031", target=getattr(asked[0], "id")))  # noqa: B009

    b.beside = beside
    b.run()
    assert len(b.compactions) >= 2
    said = [item.text for item in b.state.items if isinstance(item, FromUser)]
    assert [text for text in said if "2031" in text] == ["To your question «Which year?»: the year 2031"]


def test_a_doubtful_action_stays_doubtful() -> None:
    b = bench(12, final("ok"))
    performed = 0

    def dies(_action: object) -> None:
        nonlocal performed
        performed += 1
        if performed == 11:
            raise KeyboardInterrupt

    b.computer.before = dies
    with pytest.raises(BaseException):  # noqa: B017
        b.run()
    entries = b.journal.entries
    assert entries[-1].event.type in ("action.started", "session.ended", "bug.found")
    del entries[1 + max(i for i, entry in enumerate(entries) if entry.event.type == "action.started") :]
    b.computer = FakeComputer(1440, 900, before=lambda _: None)
    b.model = LongModel([*(click(n) for n in range(20, 24)), final("ok")], due=16_000)
    b.run()
    assert b.compactions
    told = next(item.text for item in b.state.items if isinstance(item, FromDeskhand))
    assert "may or may not have happened" in told
    assert (20, 20) not in b.computer.clicks, "the doubtful click is not repeated"


# ---- the provider's own

BASE = ({"type": "message", "role": "user", "id": "m1", "content": [{"type": "input_text", "text": "fill the cells"}]},)
MADE = Shortened((*BASE, {"type": "compaction", "id": "c1", "encrypted_content": "xyz"}), (), Usage(9, cost_usd=0.5))


def test_the_providers_own_is_used_as_it_is_and_goes_first() -> None:
    b = bench(12, final("ok"), own=[MADE])
    end = b.run()
    assert b.model.asked == []
    [event] = b.compactions
    assert (event.by, event.output, event.summary) == ("provider", MADE.output, "")
    base, told = b.state.items[:2]
    assert base == FromModel(MADE.output, (), ("fill the cells",))
    assert isinstance(told, FromDeskhand) and told.text.startswith(SHORTENED)
    assert "fill the cells" not in texts(b.state.items), "what the provider keeps is not said twice"
    assert end.usage.cost_usd == pytest.approx(0.5 + 13 * 0.01)


def test_words_that_the_provider_has_lost_are_put_back() -> None:
    lost = replace(MADE, output=MADE.output[1:])
    b = bench(12, final("ok"), own=[lost])
    b.run()
    assert [item.text for item in b.state.items if isinstance(item, FromUser)] == ["fill the cells"]


def test_after_the_providers_own_a_summary_has_all_the_words() -> None:
    b = bench(30, final("ok"), own=[MADE, None])
    b.run()
    assert [event.by for event in b.compactions][:2] == ["provider", "model"]
    assert [item.text for item in b.state.items if isinstance(item, FromUser)] == ["fill the cells"]


def test_without_any_model_what_the_provider_made_stays_in_front() -> None:
    b = bench(30, final("ok"), own=[MADE, None], summaries=[final("")])
    b.run()
    assert [event.by for event in b.compactions][:2] == ["provider", "deskhand"]
    first = next(item for item in b.state.items if isinstance(item, FromModel))
    assert first.output == MADE.output


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


# ---- memory


def test_nothing_in_the_state_grows_without_an_end() -> None:
    b = bench(300, final("ok"))
    b.run()
    state = b.state
    assert len(state.items) < 60
    assert len(state.length.deeds) <= 300
    assert len(state._spaces) < 30  # pyright: ignore[reportPrivateUsage]
