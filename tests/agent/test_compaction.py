"""Conversations made shorter: when, how, and that nothing is lost or done twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import anyio
import pytest

from agent.conversation import EARLIER_SCREEN, FromDeskhand, FromModel, FromUser, ScreenReply, screens_of
from agent.events import SessionStarted
from agent.handover import SHORTENED, SUMMARISE
from agent.inbox import Message
from agent.loop import Loop, Setting
from agent.models.window import Shortened
from agent.state import State
from agent.testing import FakeComputer, MemoryInbox, MemoryJournal, ScriptedModel, final, function, talk
from agent.values import Usage
from agent.weight import tokens_of
from tests.support.long_model import (
    SCREEN,
    SUMMARY,
    TOO_LONG,
    Bench,
    LongModel,
    assert_each_place_once,
    bench,
    click,
    texts,
)

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


# ---- memory


def test_nothing_in_the_state_grows_without_an_end() -> None:
    b = bench(300, final("ok"))
    b.run()
    state = b.state
    assert len(state.items) < 60
    assert len(state.length.deeds) <= 300
    assert len(state._spaces) < 30  # pyright: ignore[reportPrivateUsage]
