"""Tools and the user's yes: asked for the whole call, right before it, by the same rules as the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import anyio
import pytest

from agent.approving import Rules
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    ToolStarted,
)
from agent.inbox import Message
from agent.loop import Offered
from agent.policy import Policy, Use
from agent.testing import ScriptedModel, final, function
from agent.tools.toolbox import Toolbox
from perception.errors import ScreenLost
from perception.screenshot import Screenshot
from tests.agent.test_loop import Bench
from tests.support.tool_kit import Kit, both, of_kind, replies, session


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


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
