"""Tools in the loop: offered once, used side by side or one by one, with a yes where one is needed, and never twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import anyio
import pytest

from agent.approving import Reviewing, Rules
from agent.conversation import FunctionReply, fold
from agent.errors import Stop
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    CallAnswered,
    ModelAnswered,
    ToolsOffered,
    ToolStarted,
)
from agent.inbox import Message
from agent.loop import Offered, Setting
from agent.policy import Policy, Use
from agent.ports import Computer
from agent.testing import Answer, ScriptedModel, answer, final, function, talk
from agent.tools.base import Arguments, Context, Picture, Reply, Room, Tool
from agent.tools.folder import Folder
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import Call, FunctionCall
from perception.errors import ScreenLost
from perception.screenshot import Screenshot
from tests.agent.test_loop import CLICK, Bench, assert_prefixes, bench
from tests.support.programs import PlainPrograms

PNG = b"\x89PNG not really"


def both(*answers: Answer) -> Answer:
    """One answer with the calls of several."""
    calls: tuple[Call, ...] = tuple(
        replace(call, id=f"{call.id}-{number}") for number, each in enumerate(answers) for call in each.calls
    )
    return replace(answers[0], calls=calls, output=tuple(item for each in answers for item in each.output))


class Kit:
    """Tools that say what is done with them."""

    def __init__(self, folder: Path) -> None:
        self.room = Room(Folder(folder.resolve()), PlainPrograms(folder))
        self.order: list[str] = []
        self.meet: anyio.Event | None = None
        self.during: Callable[[], None] = lambda: None

    async def look(self, arguments: Arguments, _: Context) -> str | Reply:
        """Two of these must meet, where a test says so."""
        self.order.append(f"begin {arguments['at']}")
        if self.meet:
            if sum(each.startswith("begin") for each in self.order) == 2:
                self.meet.set()
            with anyio.fail_after(5):
                await self.meet.wait()
        self.order.append(f"end {arguments['at']}")
        return Reply(f"seen {arguments['at']}", (Picture(PNG, 40, 30),))

    async def change(self, arguments: Arguments, _: Context) -> str:
        self.order.append(f"change {arguments['at']}")
        self.during()
        await anyio.lowlevel.checkpoint()
        return f"changed {arguments['at']}"

    def box(self, offered: Offered) -> Toolbox:
        at = {"at": {"type": "string"}}
        tools = (
            Tool("look", "Looks.", at, self.look, reads_only=True, in_words=lambda a: f"look at {a['at']}"),
            Tool("change", "Changes.", at, self.change, in_words=lambda a: f"change {a['at']}"),
            Tool("send", "Sends.", at, self.change, use=lambda _: Use("post", server="mailer", ask_before=True)),
        )
        return Toolbox((*ALWAYS, *tools), room=self.room, offered=offered)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def session(
    kit: Kit,
    *steps: Answer,
    patience: float = 5.0,
    policy: Policy | None = None,
    reviewer: Reviewing | None = None,
    **fields: object,
) -> Bench:
    b = bench(*steps, **fields)

    async def open_tools(_: Computer, offered: Offered) -> Toolbox:
        return kit.box(offered)

    b.setting = Setting(rules=Rules(policy or Policy.load(), patience, reviewer), open_tools=open_tools)
    return b


def replies(b: Bench) -> list[str]:
    return [entry.event.text for entry in b.journal.entries if isinstance(entry.event, CallAnswered)]


def of_kind(b: Bench, kind: type) -> list[object]:
    return [entry.event for entry in b.journal.entries if isinstance(entry.event, kind)]


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


@pytest.mark.parametrize("yes", [True, False])
def test_a_risky_tool_needs_the_users_yes(kit: Kit, yes: bool) -> None:
    b = session(kit, function("send", at="the letter"), final("ok"))

    async def speak() -> None:
        await b.until("approval.requested")
        [asked] = of_kind(b, ApprovalRequested)
        assert isinstance(asked, ApprovalRequested)
        assert (asked.rule, asked.recipient, asked.source) == ("mcp", "mailer", "rule")
        assert asked.what == 'send, with {"at": "the letter"}'
        b.inbox.post(Message("approve" if yes else "deny", target=asked.id, id="m1"))

    b.beside = speak
    b.run()
    assert kit.order == (["change the letter"] if yes else [])
    assert ("which was not given" in replies(b)[0]) is not yes


def test_nobody_answers_and_a_session_that_is_resumed_asks_again(kit: Kit) -> None:
    b = session(kit, function("send", at="x"), patience=0.05)
    assert b.run().outcome == "needs_user"
    assert kit.order == [] and not of_kind(b, ToolStarted)
    b.model = ScriptedModel([function("send", at="x"), final("ok")])
    b.setting = replace(b.setting, rules=Rules(Policy.load()))
    answering(b, "approve", after=1)
    assert b.run().outcome == "done"
    assert kit.order == ["change x"]


@pytest.mark.parametrize(("approve", "done"), [("never", []), ("always", ["change x"])])
def test_settings_answer_for_the_user(kit: Kit, approve: str, done: list[str]) -> None:
    b = session(kit, function("send", at="x"), final("ok"), approve=approve)
    assert b.run().outcome == "done" and kit.order == done
    assert ("which was not given (--approve never)" in replies(b)[0]) == (approve == "never")


def answering(b: Bench, *kinds: Literal["approve", "deny"], after: int = 0, first: Message | None = None) -> None:
    """Answer each approval as it is asked for; `after` those that were asked before, with a word `first`."""

    async def speak() -> None:
        for number, kind in enumerate(kinds, start=after):
            with anyio.fail_after(20):
                while len(of_kind(b, ApprovalRequested)) <= number:
                    await anyio.sleep(0.005)
            if first:
                b.inbox.post(first)
            asked = of_kind(b, ApprovalRequested)[number]
            assert isinstance(asked, ApprovalRequested)
            b.inbox.post(Message(kind, target=asked.id, id=f"a{number}"))

    b.beside = speak


def test_a_correction_while_it_is_asked_comes_before_the_yes(kit: Kit) -> None:
    b = session(kit, function("send", at="x"), final("ok"))
    answering(b, "approve", first=Message("steer", "not to her", id="s1"))
    assert b.run().outcome == "done"
    assert kit.order == [] and replies(b)[0] == "Not carried out: the user corrected you."


def test_what_would_do_another_thing_after_the_answer_is_asked_for_again(kit: Kit) -> None:
    shown = iter(["Continue?", "Delete all?", "Delete all?", "Delete all?"])
    box = kit.box

    def asking(offered: Offered) -> Toolbox:
        made = box(offered)
        made.use_of = lambda _: Use("type", f"type y at {next(shown)}", ask_before=True)  # pyright: ignore
        return made

    kit.box = asking
    b = session(kit, function("send", at="y"), final("ok"))
    answering(b, "approve", "approve")
    assert b.run().outcome == "done" and kit.order == ["change y"]
    asked = [(each.what, each.again) for each in of_kind(b, ApprovalRequested) if isinstance(each, ApprovalRequested)]
    assert asked == [("type y at Continue?", 0), ("type y at Delete all?", 1)]


def own_rules(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return Policy.load(path)


def mine(kind: str, more: str, name: str = "mine") -> str:
    return f"[[rules]]\nname = '{name}'\nkind = '{kind}'\nrisk = 'Mine.'\n{more}\n"


SECRETS = """arguments = 'secret'
tool = '^(look|change)$'
recipient = "{tool}"
examples = [{ tool = "look", arguments = { at = "secret.txt" } }]
counterexamples = [{ tool = "look", arguments = { at = "notes.txt" } }, { tool = "send" }]
"""


def test_a_rule_of_the_users_own_judges_tools_those_that_only_look_included(kit: Kit, tmp_path: Path) -> None:
    calls = both(function("look", at="a"), function("look", at="secret.txt"), function("change", at="b"))
    b = session(kit, calls, final("ok"), policy=own_rules(tmp_path, mine("confirm", SECRETS)))
    answering(b, "deny")
    assert b.run().outcome == "done"
    assert kit.order == ["begin a", "end a", "change b"]
    [asked] = of_kind(b, ApprovalRequested)
    assert isinstance(asked, ApprovalRequested)
    assert (asked.rule, asked.risk, asked.recipient) == ("mine", "Mine.", "look")
    assert asked.what == 'look at secret.txt, with {"at": "secret.txt"}'
    assert (
        replies(b)[1] == "Not carried out: look at secret.txt needs the user's yes (Mine.), which was not given (user)."
    )


@pytest.mark.parametrize("kind", ["approve", "deny"])
def test_a_hand_off_of_a_tool_is_never_carried_out(kit: Kit, tmp_path: Path, kind: Literal["approve", "deny"]) -> None:
    policy = own_rules(tmp_path, mine("hand_off", SECRETS))
    b = session(kit, function("change", at="secret"), final("ok"), policy=policy)
    answering(b, kind)
    assert b.run().outcome == "done" and kit.order == []
    assert ("done this step themselves" if kind == "approve" else "was not given (user)") in replies(b)[0]


@pytest.mark.parametrize(("task", "asked"), [("Change the secret.", 0), ("Change it, but ask me first.", 1)])
def test_the_users_own_words_may_be_the_yes(kit: Kit, tmp_path: Path, task: str, asked: int) -> None:
    policy = own_rules(tmp_path, mine("pre_approved", SECRETS + "granted_by = '\\bchange\\b'"))
    b = session(kit, function("change", at="secret"), final("ok"), policy=policy, task=task)
    if asked:
        answering(b, "approve")
    assert b.run().outcome == "done"
    assert len(of_kind(b, ApprovalRequested)) == asked and kit.order == ["change secret"]


def test_a_rule_is_made_milder_by_its_name_and_in_no_other_way(kit: Kit, tmp_path: Path) -> None:
    said = "examples = [{ server = 'mailer' }]\nserver = 'mailer'\ngranted_by = '.'"
    for name, asked in (("other", 1), ("mcp", 0)):
        policy = own_rules(tmp_path, mine("pre_approved", said, name))
        b = session(kit, function("send", at="x"), final("ok"), policy=policy, approve="never")
        b.run()
        assert len(of_kind(b, ApprovalRequested)) == asked


def test_all_of_a_call_is_shown_and_nothing_in_it_can_hide_the_rest(kit: Kit) -> None:
    b = session(kit, function("send", at="a\u202eb\x1b[2J" + "x" * 30_000), final("ok"), approve="never")
    b.run()
    [asked] = of_kind(b, ApprovalRequested)
    assert isinstance(asked, ApprovalRequested)
    assert "a\\u202eb" in asked.what and "\x1b" not in asked.what
    assert len(asked.what) < 20_200 and asked.what.endswith("more characters are not shown]")
    assert len(replies(b)[0]) < 200  # the model knows what it has written


class Second:
    """A reviewer that says what a test wants, and keeps what it saw."""

    def __init__(self, outcome: Literal["allow", "deny", "ask"]) -> None:
        self.outcome: Literal["allow", "deny", "ask"] = outcome
        self.seen: list[tuple[ApprovalRequested, list[str], Screenshot | None]] = []

    async def review(
        self, asked: ApprovalRequested, said_by_user: Iterable[str], screen: Screenshot | None
    ) -> ApprovalReviewed:
        self.seen.append((asked, list(said_by_user), screen))
        return ApprovalReviewed(asked.id, "second", self.outcome, "low", "as told")


@pytest.mark.parametrize(("outcome", "by"), [("allow", "reviewer"), ("deny", "reviewer"), ("ask", "user")])
def test_a_reviewer_looks_at_calls_first(kit: Kit, outcome: Literal["allow", "deny", "ask"], by: str) -> None:
    reviewer = Second(outcome)
    b = session(kit, function("send", at="x"), final("ok"), reviewer=reviewer)
    if outcome == "ask":
        answering(b, "approve")
    assert b.run().outcome == "done"
    [(asked, said, screen)] = reviewer.seen
    assert asked.what == 'send, with {"at": "x"}' and said == ["do it"] and screen is not None
    assert kit.order == ([] if outcome == "deny" else ["change x"])
    [answered] = of_kind(b, ApprovalAnswered)
    assert isinstance(answered, ApprovalAnswered) and by in answered.by


def test_a_screen_that_is_gone_keeps_no_call_from_review(kit: Kit) -> None:
    reviewer = Second("allow")
    b = session(kit, function("send", at="x"), final("ok"), reviewer=reviewer)
    screenshot = b.computer.screenshot

    async def lost() -> Screenshot:
        if b.model.requests and not reviewer.seen:
            raise ScreenLost("there is no screen any more")
        return await screenshot()

    b.computer.screenshot = lost  # pyright: ignore[reportAttributeAccessIssue]
    b.run()
    assert reviewer.seen[0][2] is None and kit.order == ["change x"]


def test_what_only_the_user_may_do_goes_to_no_reviewer(kit: Kit, tmp_path: Path) -> None:
    reviewer = Second("allow")
    policy = own_rules(tmp_path, mine("hand_off", SECRETS))
    b = session(kit, function("change", at="secret"), final("ok"), policy=policy, reviewer=reviewer)
    answering(b, "deny")
    b.run()
    assert reviewer.seen == [] and kit.order == []


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
