"""Tools in the loop: offered once, used side by side or one by one, with a yes where one is needed, and never twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from agent.conversation import FunctionReply, fold
from agent.errors import Stop
from agent.events import (
    CallAnswered,
    ModelAnswered,
    ToolsOffered,
    ToolStarted,
)
from agent.inbox import Message
from agent.testing import answer, final, function, talk
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import FunctionCall
from tests.agent.test_loop import CLICK, Bench, assert_prefixes
from tests.support.tool_kit import PNG, Kit, both, of_kind, replies, session


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def test_tools_are_offered_once_and_the_same_ever_after(kit: Kit) -> None:
    b = session(kit, function("look", at="a"), final("ok"))
    assert b.run().outcome == "done"
    [offered] = of_kind(b, ToolsOffered)
    assert isinstance(offered, ToolsOffered)
    assert [tool["name"] for tool in offered.tools] == [*(tool.name for tool in ALWAYS), "look", "change", "send"]
    assert {json.dumps(request.tools) for request in b.model.requests} == {json.dumps(offered.tools)}
    b.model.steps += [final("again")]
    kit.box = lambda offered: Toolbox(ALWAYS, offered=offered)  # most of them are gone
    b.run()
    assert len(of_kind(b, ToolsOffered)) == 1
    assert b.model.requests[-1].tools == offered.tools


def test_a_tool_is_written_down_before_it_is_used_and_its_pictures_are_kept(kit: Kit) -> None:
    b = session(kit, function("look", at="the page"), final("ok"))
    b.run()
    types = b.journal.types
    assert types.index("model.answered") < types.index("tool.started") < types.index("call.answered")
    [started] = of_kind(b, ToolStarted)
    assert isinstance(started, ToolStarted) and (started.words, started.looks) == ("look at the page", True)
    [reply] = [item for item in fold(entry.event for entry in b.journal.entries) if isinstance(item, FunctionReply)]
    [image] = reply.images
    assert (reply.text, image.width, b.journal.load(image)) == ("seen the page", 40, PNG)
    assert_prefixes(b.model)


def test_calls_that_only_look_meet_each_other_and_are_answered_in_order(kit: Kit) -> None:
    kit.meet = anyio.Event()
    b = session(kit, both(function("look", at="one"), function("look", at="two")), final("ok"))
    assert b.run().outcome == "done"
    assert kit.order[:2] == ["begin one", "begin two"]
    assert replies(b) == ["seen one", "seen two"]


def test_what_changes_something_waits_for_its_turn_and_the_screen_is_never_shared(kit: Kit) -> None:
    looks = both(
        function("look", at="1"), function("change", at="2"), answer(CLICK), function("look", at="3"),
        function("look", at="4"),
    )  # fmt: skip
    b = session(kit, looks, final("ok"))
    b.run()
    assert kit.order[:3] == ["begin 1", "end 1", "change 2"]
    answered = [entry.event for entry in b.journal.entries if isinstance(entry.event, CallAnswered)]
    assert [event.kind for event in answered] == ["function", "function", "screen", "function", "function"]
    assert b.computer.clicks == [(10, 20)]


def test_the_users_word_holds_back_the_tools_that_follow(kit: Kit) -> None:
    b = session(kit, both(function("change", at="1"), function("change", at="2")), final("ok"))
    kit.during = lambda: b.inbox.post(Message("steer", "not the second one", id="s1"))
    b.run()
    assert kit.order == ["change 1"]
    assert replies(b)[1] == "Not carried out: the user corrected you."
    assert any("not the second one" in text for text in b.user_texts)


@pytest.mark.parametrize(("name", "said"), [("change", "may or may not have been done"), ("look", "ask again")])
def test_a_tool_that_was_interrupted_is_not_repeated(kit: Kit, name: str, said: str) -> None:
    b = session(kit)
    call = FunctionCall("c1", name, '{"at": "x"}')
    for event in (
        ToolsOffered(kit.box(None).offers),
        *start_of_a_turn(b, call),
        ToolStarted(1, "c1", name, f"{name} x", name == "look"),
    ):
        b.journal.append(event)
    b.model.steps = [final("ok")]
    b.run()
    assert kit.order == []
    assert said in replies(b)[0]


def start_of_a_turn(b: Bench, call: FunctionCall) -> Sequence[ModelAnswered]:
    from agent.events import TurnStarted, UserSaid

    b.journal.append(UserSaid("do it"))
    b.journal.append(TurnStarted(1, 1))
    item = {"type": "function_call", "call_id": call.id, "name": call.name}
    return [ModelAnswered(1, "r1", (item,), (call,), "", False, final("").usage, 0.1)]


def test_waiting_for_a_command_asks_no_model_and_ends_with_its_news(kit: Kit) -> None:
    running = ["make all in terminal 1"]
    kit.room.news.watch(lambda: running[0] if running else "")
    b = session(kit, talk("I wait for the build."), final("built"))

    async def end_it() -> None:
        await b.until("waiting.started")
        await anyio.sleep(0.2)
        assert len(b.model.requests) == 1
        running.clear()
        kit.room.news.tell("make all has ended with status 0.")

    b.beside = end_it
    assert b.run().outcome == "done"
    assert len(b.model.requests) == 2
    assert "make all has ended with status 0." in b.notes


def test_a_correction_ends_the_waiting(kit: Kit) -> None:
    kit.room.news.watch(lambda: "make all in terminal 1")
    b = session(kit, talk("I wait."), final("stopped waiting"), final("really"))

    async def speak() -> None:
        await b.until("waiting.started")
        b.inbox.post(Message("steer", "leave it", id="s1"))

    b.beside = speak
    assert b.run().outcome == "done"
    assert any("leave it" in text for text in b.user_texts)


def test_a_last_answer_while_something_goes_on_is_checked_once(kit: Kit) -> None:
    kit.room.news.watch(lambda: "make all in terminal 1")
    b = session(kit, final("all done"), final("yes, all done"))
    end = b.run()
    assert (end.outcome, end.reason, len(b.model.requests)) == ("done", "yes, all done", 2)
    assert sum("make all in terminal 1" in note for note in b.notes) == 1


def test_what_a_tool_raises_ends_the_session_honestly(kit: Kit) -> None:
    def stop() -> None:
        raise Stop("gave_up", "no way")

    kit.during = stop
    b = session(kit, function("change", at="x"), final("ok"))
    assert b.run().outcome == "gave_up"


def test_a_bug_in_a_tool_is_written_down_and_the_session_goes_on(kit: Kit) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("never thought of")

    kit.during = break_down
    b = session(kit, function("change", at="x"), final("ok"))
    assert b.run().outcome == "done"
    assert "fault of Deskhand's own (ZeroDivisionError" in replies(b)[0]
    assert "bug.found" in b.journal.types


def test_stopping_ends_a_tool_that_is_at_work(kit: Kit) -> None:
    b = session(kit, function("look", at="x"), final("ok"))
    kit.meet = anyio.Event()

    async def speak() -> None:
        await b.until("tool.started")
        b.inbox.post(Message("stop", id="m1"))

    b.beside = speak
    assert b.run().outcome == "stopped"
    assert kit.order == ["begin x"]
