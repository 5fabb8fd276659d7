"""An action in words, for people."""

from __future__ import annotations

import pytest

from actuators.actions import parse_action
from agent.phrasing import in_words
from perception.target import Target

SAVE = Target("push button", "Save", "Save As", "soffice")


@pytest.mark.parametrize(
    ("action", "target", "words"),
    [
        ({"type": "click", "x": 3, "y": 4}, SAVE, 'click "Save" (push button) in "Save As"'),
        ({"type": "click", "x": 3, "y": 4, "button": "right"}, SAVE, 'right click "Save" (push button) in "Save As"'),
        ({"type": "click", "x": 3, "y": 4, "button": "wheel"}, SAVE, 'middle click "Save" (push button) in "Save As"'),
        ({"type": "double_click", "x": 3, "y": 4}, Target(name="C5"), 'double click "C5"'),
        ({"type": "click", "x": 3, "y": 4}, None, "click (3, 4)"),
        ({"type": "click", "x": 3, "y": 4}, Target(window="Calc"), 'click (3, 4) in "Calc"'),
        ({"type": "click", "x": 3, "y": 4}, Target(role="entry", window="Calc"), 'click the entry in "Calc"'),
        ({"type": "keypress", "keys": ["CTRL", "s"]}, Target(window="Calc"), 'press CTRL+s in "Calc"'),
        ({"type": "type", "text": "hé"}, Target("entry", "Name", "New"), 'type \'hé\' into "Name" (entry) in "New"'),
        (
            {"type": "type", "text": "hunter2"},
            Target("password text", "", "Log in"),
            'type a password of 7 characters into the password text in "Log in"',
        ),
        ({"type": "wait"}, None, "wait"),
    ],
)
def test_words(action: dict[str, object], target: Target | None, words: str) -> None:
    assert in_words(parse_action(action), target) == words


def test_what_is_typed_can_be_read_before_it_is_approved() -> None:
    text = "word " * 60
    assert text in in_words(parse_action({"type": "type", "text": text}), SAVE)
    long = in_words(parse_action({"type": "type", "text": text * 50}), SAVE)
    assert len(long) < 800 and "(15,000 characters in all)" in long


def test_a_title_is_one_line() -> None:
    words = in_words(parse_action({"type": "click", "x": 1, "y": 1}), Target(name="a\nb", window="x" * 500))
    assert "\n" not in words and len(words) < 200
