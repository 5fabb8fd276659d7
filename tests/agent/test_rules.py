"""The files that approval rules are written in: the user's own, and the shipped one with its pages."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from actuators.actions import Keypress, Type
from agent import sensitive
from agent.errors import UserFault
from agent.policy import NO_RULES, NOTHING, STRICTEST_FIRST, Deed, Policy, Ruling, Use
from agent.rules import load_rules, read_file
from perception.target import Target
from tests.support.judging import BUTTON, CLICK, GITHUB, OFFICE, on, rule, shipped, written

DOCS = Path(__file__).parents[2] / "docs"


def test_without_a_file_the_shipped_rules_stand(tmp_path: Path) -> None:
    names = [one.name for one in Policy.load(tmp_path / "none.toml").rules]
    assert names == [one.name for one in shipped().rules]


def test_a_rule_of_the_same_name_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = written(tmp_path, '[[rules]]\nname = "send"\nkind = "none"\n' + rule("target = '^go$'"))
    policy = Policy.load(own)
    assert policy.judge(Deed(CLICK, on("Send"), "desktop")) == NOTHING
    assert policy.judge(Deed(CLICK, on("Publish"), "desktop")).rule == "publish"
    assert policy.judge(Deed(CLICK, on("Go"), "desktop")) == Ruling("confirm", "mine", "Mine.")


def test_between_equals_the_users_own_words_are_shown(tmp_path: Path) -> None:
    own = written(tmp_path, rule("target = '^send$'", example='{ target = "Send" }'))
    assert Policy.load(own).judge(Deed(CLICK, on("Send"), "desktop")).risk == "Mine."


def test_words_of_ones_own_do_not_change_shipped_rules(tmp_path: Path) -> None:
    text = "[words]\nbutton = '^nothing$'\n" + rule("target = '^go$'\nrole = '{button}'", example=EXACT)
    policy = Policy.load(written(tmp_path, text))
    assert policy.judge(Deed(CLICK, on("Send"), "desktop")).rule == "send"
    assert policy.judge(Deed(CLICK, on("Go", "nothing"), "desktop")).rule == "mine"


EXACT = '{ target = "Go", role = "nothing" }'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules = 3", ["rules"]),
        ("[[rules]", ["cannot be read"]),
        ("colour = 1", ["colour", "no such key"]),
        (rule("target = 'go'\ncolour = 1"), ["'mine'", "colour", "no such key"]),
        (rule("target = 'go'", kind="perhaps"), ["'mine'", "kind"]),
        (rule("target = 'go'", name="Two words"), ["'Two words'", "name"]),
        (rule("target = 'go'") * 2, ["two rules", "'mine'"]),
        (rule("target = 'stay'"), ["'mine'", "example 1", "target = 'Go'", "not matched"]),
        (
            rule("target = 'go'\ncounterexamples = [{ target = 'Let go' }]"),
            ["'mine'", "counterexample 1", "is matched"],
        ),
        (rule("target = '(go'"), ["'mine'", "`target`", "'(go'", "unclosed group"]),
        (rule("target = ['go', 'g(?=o)']"), ["'mine'", "'g(?=o)'", "look-around"]),
        (rule("target = '((a{99}){99}){99}'"), ["'mine'", "size limit"]),
        (rule("target = 'go'\nrole = '{buton}'"), ["'mine'", "{buton}", "button"]),
        (rule("target = ''"), ["'mine'", "target"]),
        (rule("keys = 'hyperspace'"), ["'mine'", "hyperspace"]),
        (rule("target = 'go'", example="{ keys = 'warp+9' }"), ["'mine'", "example 1", "warp"]),
        (rule("target = 'go'", example="{ place = 'x' }"), ["'mine'", "place", "no such key"]),
        (rule("target = 'go'\ndoes = 'explode'"), ["'mine'", "does"]),
        (rule("target = 'go'\ncomputers = 'moon'"), ["'mine'", "computers"]),
        (rule("target = 'go'\nrecipient = 'for {whom}'"), ["'mine'", "{whom}", "window"]),
        (rule("holds = 'a grudge'"), ["'mine'", "a grudge", "card number"]),
        (rule("target = 'go'\ngranted_by = 'go'"), ["'mine'", "granted_by", "pre_approved"]),
        (rule("target = 'go'", kind="pre_approved"), ["'mine'", "granted_by"]),
        (rule("target = 'go'\nnames_window = true"), ["'mine'", "names_window"]),
        (rule(), ["'mine'", "no condition"]),
        (rule("tool = 'go'\nwindow = 'Bank'"), ["'mine'", "`window`", "`tool`", "two rules"]),
        (rule("command = 'go'"), ["'mine'", "example 1", "not matched"]),
        (rule("command = '(go'", example="{ command = 'go' }"), ["'mine'", "`command`", "unclosed group"]),
        (rule("tool = 'go'", example="{ tool = 'go', arguments = 'x' }"), ["'mine'", "arguments"]),
        (rule("tool = 'go'\ngranted_by = 'go'\nnames_window = true", kind="pre_approved"), ["'mine'", "names_window"]),
        ("[[rules]]\nname = 'mine'\nkind = 'confirm'\nrisk = 'x'\ntarget = 'go'", ["'mine'", "examples"]),
        ("[[rules]]\nname = 'mine'\nkind = 'confirm'\ntarget = 'go'\nexamples = [{target = 'go'}]", ["'mine'", "risk"]),
        ("[[rules]]\nkind = 'confirm'", ["rule number 1", "name"]),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_one_line(tmp_path: Path, text: str, told: Sequence[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserFault) as caught:
        Policy.load(path)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 700
    assert all(part in line for part in (str(path), *told)), line


def test_words_that_must_or_must_not_suffice_are_examples_too(tmp_path: Path) -> None:
    text = rule(
        "target = 'go'\ngranted_by = '\\bgo\\b'", kind="pre_approved", example="{ target = 'Go', granted = 'X' }"
    )
    with pytest.raises(UserFault, match=r"example 1 .* is not allowed by these words"):
        Policy.load(written(tmp_path, text))
    text = rule(
        "target = 'go'\ngranted_by = 'go'\ncounterexamples = [{ target = 'Go', granted = 'Go!' }]", kind="pre_approved"
    )
    with pytest.raises(UserFault, match=r"counterexample 1 .* is allowed by these words"):
        Policy.load(written(tmp_path, text))


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(a*)*b", "(.*)(.*)(.*)(.*)x$"])
def test_no_pattern_takes_long(tmp_path: Path, pattern: str) -> None:
    own = written(tmp_path, rule(f"text = ['^go$', '{pattern}']", example='{ text = "go" }'))
    policy, began = Policy.load(own), time.perf_counter()
    policy.judge(Deed(Type("a" * 100_000 + "!"), None, "here"))
    assert time.perf_counter() - began < 2, "a backtracking engine would not end at all"


# ---- the shipped file and its pages


def test_each_shipped_rule_has_examples_for_and_against() -> None:
    for one in read_file(Path(sensitive.__file__).with_name("policy.toml")).rules:
        assert one.examples, one.name
        assert one.counterexamples, one.name
        assert one.risk.endswith(".") and (one.recipient or one.name == "session"), one.name
    assert len(load_rules()) == len(shipped().rules) >= 50


def test_the_guides_worked_example_can_be_used(tmp_path: Path) -> None:
    guide = (DOCS / "approvals.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    policy = Policy.load(written(tmp_path, example))
    bank = Target("link", "Details", "Accounts – Example Bank", "Firefox")
    assert policy.judge(Deed(CLICK, bank, "here")).rule == "my-bank"
    robot = on("I'm not a robot", "check box")
    assert shipped().judge(Deed(CLICK, robot, "here")).rule == "captcha"
    assert policy.judge(Deed(CLICK, robot, "here")) == NOTHING
    payroll = Use("files", arguments='{"path": "payroll.csv"}')
    assert policy.judge(payroll) == Ruling("confirm", "payroll", "This reads or changes the payroll.")
    assert policy.judge(replace(payroll, granted=("Tidy up the payroll.",))).kind == "pre_approved"
    assert policy.judge(Use("delete_ticket", server="tickets", ask_before=True)).kind == "hand_off"
    assert all(f"`{kind}`" in guide for kind in STRICTEST_FIRST)


def test_judging_costs_nothing_that_is_felt() -> None:
    calc = on("", "table cell", "Untitled 1 - LibreOffice Calc", OFFICE)
    said = ("Log in to GitHub, look at the issues and make a table of them. " * 20,)
    mix = [
        Deed(CLICK, on("Save", BUTTON, "Save As", OFFICE), "desktop", said),
        Deed(Type("Rent\t1200\nPower\t80\n"), calc, "desktop", said),
        Deed(Keypress(("ctrl", "s")), calc, "desktop", said),
        Deed(CLICK, GITHUB, "desktop", said),
        Deed(CLICK, None, "desktop", said),
    ]
    took = sorted(_seconds(lambda deed=deed: shipped().judge(deed)) for deed in mix * 200)
    assert statistics.median(took) < 1e-3


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_no_rules_means_no_questions() -> None:
    assert NO_RULES.judge(Deed(CLICK, on("Send"), "here")) == NOTHING
